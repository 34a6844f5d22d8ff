//===- Sequence.h - Which steps count, and what a step reads ----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Samples may be shorter than the arrays they come in, a result may take the
// place of an input, and a sequence may be run in pieces. All three are ways to
// read inputs and states, made here of selections and hidden states, so that
// nothing after Sema knows of them (docs/rationale/Sequences.md).
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_SEQUENCE_H
#define COMPILER_SEMA_SEQUENCE_H

#include "compiler/Sema/Model.h"
#include "llvm/ADT/DenseSet.h"
#include <map>

namespace loco::sema {

class Sequence {
public:
  explicit Sequence(Model &model) : model(model), graph(model.graph) {}

  //===--------------------------------------------------------------------===//
  // Steps that count
  //===--------------------------------------------------------------------===//

  /// `input` says which steps of a sample count: how many, or by a mask.
  void countBy(const Input &input) { counting = &input; }
  /// Null if nothing says so.
  const Input *getCounting() const { return counting; }

  /// An input at some step. Where a step does not count it is that of the first
  /// one that does, constant in derivatives, so that nothing that may stand
  /// there enters a sum or a derivative. Null for a class at the last step that
  /// counts, which no state can hold. With `isData` no result takes its place.
  Node *read(const Input &input, Moment moment, bool isData = false);
  /// Draws; those of the last step are the ones of the last that counts.
  Node *draw(bool isNormal, uint64_t stream, Moment moment, const Space *space);
  /// Draws of `stream` that are made once for a sequence.
  Node *drawOnce(Node *drawn, uint64_t stream);
  /// A state after a step: `after`, or `before` if the step does not count.
  Node *keep(Node *after, Node *before);
  /// The sum over the steps that count, and the number of those, at least 1,
  /// in the shape of that sum.
  Node *sum(Node *perStep);
  Node *countFor(Node *sum);
  /// The mean of a loss per step over the steps that count, and whose next one
  /// counts too if the loss looks at it; the loss itself if all steps count.
  Node *average(Node *loss);

  /// A state that no name stands for; its value after a step is left to the
  /// caller.
  State &remember(std::string name, const Space *space, SourceRange range);

  //===--------------------------------------------------------------------===//
  // Results in place of an input
  //===--------------------------------------------------------------------===//

  /// From step `after` on, `input` is what `finishFeeding` gives.
  void feed(const Input &input, double after, SourceRange range);
  void finishFeeding(Node *value);
  /// Null if nothing is fed back.
  const Input *getFed() const { return fed; }
  SourceRange getFedRange() const { return fedState->range; }

  //===--------------------------------------------------------------------===//
  // Sequences in pieces (Windows.cpp)
  //===--------------------------------------------------------------------===//

  /// The steps of a run are a window of the sequence: `window.offset` steps
  /// stand before it, and the first `window.keep` steps of it count. Further
  /// ones are only looked ahead at.
  void makeWindow();
  bool isWindow() const { return keepSteps; }
  /// Lets all states begin where they were left: the model takes them as inputs
  /// `carry/<state>` and gives them as results of that name.
  void carryStates();

  /// True if `node` is known in every window of a sequence, though it is made
  /// of the first step.
  bool isKeptFromFirst(const Node *node) const {
    return keptFromFirst.contains(node);
  }

  /// A number that runs set; where they do not, it is `preset`.
  Node *addNumber(std::string name, double preset);

private:
  /// True if some steps may not count.
  bool isPartial() const { return counting || keepSteps; }
  Node *counts(Moment moment);
  Node *countsByMask(Moment moment);
  Node *getStepNumber();
  Node *select(Node *condition, Node *value, Node *otherwise);
  Node *isSet(Node *number);
  Node *findFirst(const Input &input);
  Node *findFirstByMask(const Input &input);
  Node *standIn(const Input &input);
  Node *readFirst(const Input &input);
  Node *readLast(const Input &input);
  Node *findLast(const Input &input);
  Node *readFed(const Input &input);
  Node *hold(Node *current, std::string name);
  Node *startInWindow(Node *start, std::string name);
  Node *keepFromFirst(Node *value, std::string name);
  Input &addCarry(std::string name, const Space *space, SourceRange range);
  void addCarryResult(std::string name, Node *value, SourceRange range);
  void carry(State &state, Node *isFirst);

  Model &model;
  Graph &graph;
  const Input *counting = nullptr;
  std::map<Moment, Node *> conditions;
  /// Last values, by input or stream.
  std::map<const Input *, Node *> heldInputs;
  std::map<uint64_t, Node *> heldDraws;
  /// By input: the value at the first step that counts, and what steps read
  /// that do not.
  std::map<const Input *, Node *> firsts, standIns;
  std::map<uint64_t, Node *> onceDrawn;
  llvm::DenseSet<const Node *> keptFromFirst;

  const Input *fed = nullptr;
  State *fedState = nullptr;
  Node *feedAfter = nullptr;
  Node *offset = nullptr;
  Node *keepSteps = nullptr;
  Node *isFirstWindow = nullptr;
};

} // namespace loco::sema

#endif // COMPILER_SEMA_SEQUENCE_H
