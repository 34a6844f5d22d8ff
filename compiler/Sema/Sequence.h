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

  /// An input at some step. Where a step does not count it is zero, so that
  /// nothing that may stand there enters a sum or a derivative. Null for a
  /// class at the last step that counts, which no state can hold.
  /// With `isData` no result takes its place.
  Node *read(const Input &input, Moment moment, bool isData = false);
  /// Draws; those of the last step are the ones of the last that counts.
  Node *draw(bool isNormal, uint64_t stream, Moment moment, const Space *space);
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
  /// Lets all states begin where they were left: the model takes them as inputs
  /// `carry/<state>` and gives them as results of that name.
  void carryStates();

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
  Node *readFed(const Input &input);
  Node *hold(Node *current, std::string name);
  void carry(State &state, Node *isFirst);

  Model &model;
  Graph &graph;
  const Input *counting = nullptr;
  std::map<Moment, Node *> conditions;
  /// Last values, by input or stream.
  std::map<const Input *, Node *> heldInputs;
  std::map<uint64_t, Node *> heldDraws;

  const Input *fed = nullptr;
  State *fedState = nullptr;
  Node *feedAfter = nullptr;
  Node *offset = nullptr;
  Node *keepSteps = nullptr;
};

} // namespace loco::sema

#endif // COMPILER_SEMA_SEQUENCE_H
