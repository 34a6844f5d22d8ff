//===- Model.h - A checked model --------------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What Sema found out about the models of a program: plain tables that IRGen
// translates and `explain` prints. Everything here is error-free.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_MODEL_H
#define COMPILER_SEMA_MODEL_H

#include "compiler/Sema/Graph.h"
#include "compiler/Sema/RunPlan.h"
#include "compiler/Sema/Space.h"
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace loco::sema {

/// How the stored tensor of a parameter gives its value.
enum class Transform : uint8_t {
  None,     ///< stored = value
  Sigmoid,  ///< lower + (upper - lower) * sigmoid(stored)
  Softplus, ///< lower + softplus(stored), or upper - softplus(stored)
  Relu,     ///< lower + relu(stored), or upper - relu(stored)
  Exp,      ///< lower + exp(stored), or upper - exp(stored)
};

/// A tensor that is the same for all samples: learned, or frozen.
struct Parameter {
  /// As the program names it: `dt`, `u.linear.weight`.
  std::string name;
  bool isFrozen = false;
  llvm::SmallVector<int64_t, 4> shape;
  /// Null for weights, which live between two spaces.
  const Space *space = nullptr;
  /// `conv(3, 3) on sheet (36 x 36)`: what the tensor is, in words.
  std::string description;

  Transform transform = Transform::None;
  double lower = 0, upper = 0;
  bool isBoundedBelow = false, isBoundedAbove = false;
  /// `(0, 1)` as written; empty if there is no range.
  std::string interval;
  /// Its start as written (`= 0.5`) or as the default is (`uniform(-0.1,
  /// 0.1)`).
  std::string start;

  /// The stored tensor at the start of training.
  Node *initial = nullptr;
  /// The parameter's value, made of its stored tensor.
  Node *value = nullptr;
  SourceRange range;
  /// Place of the declaration it belongs to, in the order of the program.
  unsigned order = 0;

  /// The name of the stored tensor in files: `dt.raw`.
  std::string getStoredName() const {
    return transform == Transform::None ? name : name + ".raw";
  }
  int64_t getNumElements() const {
    int64_t number = 1;
    for (int64_t extent : shape)
      number *= extent;
    return number;
  }
};

/// Something a sample brings along.
struct Input {
  enum class Kind : uint8_t {
    Value,
    Steps, ///< how many steps of the sample count
    Mask,  ///< per step: 1 if the step counts, 0 if not
  };
  std::string name;
  Kind kind = Kind::Value;
  /// Given by Sema, not by the program: what it is where a run sets nothing.
  std::optional<double> preset;
  const Space *space = nullptr;
  bool perStep = false;
  SourceRange range;

  /// True if the value is the number of a class.
  bool isClass() const { return space->kind == SpaceKind::Class; }
  int64_t getNumClasses() const { return isClass() ? space->sites.front() : 0; }
};

/// Something that remembers, from step to step.
struct State {
  std::string name;
  const Space *space = nullptr;
  /// Both null, or one of them is the other state of a pair.
  State *velocity = nullptr;
  State *position = nullptr;
  bool isAngle = false;
  /// Training keeps it from sequence to sequence.
  bool isCarried = false;
  /// The value before the first step, known before the loop.
  Node *initial = nullptr;
  /// The value after a step.
  Node *next = nullptr;
  /// Where it starts, as written: `= 0`, `~ normal(0, 1)`.
  std::string start;
  /// True if the program gives the initial value.
  bool hasInitial = false;
  /// True if an equation was refused, so that its lack is no news.
  bool hasWrongEquation = false;
  SourceRange range;
};

/// A sequence that is run through a model inside: nothing that a run asks for,
/// but `explain` shows it.
struct InnerModel {
  /// The place of the run, and that of its parameters.
  std::string name, parameters;
  /// As written: `Gru(hidden = 8)`, `reverse(u[0..30])`.
  std::string call, over;
  bool isJoined = false;
};

/// A model inside of another one that is run in a loop of its own, before the
/// time loop; or the search for an input's first or last step that counts.
struct InnerLoop {
  /// The place of the instance: `init.z.gru`.
  std::string name;
  std::deque<State> states;
  /// Values of each step, kept at the step they were made of.
  std::vector<Node *> outputs;
  /// The input that the search is for; null in loops of models.
  const Input *standsFor = nullptr;
  bool isReverse = false;
  /// The first and the last step it runs over, both included.
  int64_t first = 0;
  std::optional<int64_t> last;
  SourceRange range;
};

/// Carry: a state to go on from (Windows.cpp).
enum class ResultRole : uint8_t { Output, Probe, Carry };

/// How the dynamics are integrated.
struct Solver {
  /// Empty if there are no dynamics.
  std::string method;
  /// The step size as written.
  std::string stepSize;
  /// Evaluations of the right sides in a step of the solver, or an attempt.
  unsigned stages = 0;
  /// Steps of the solver in a step of the model.
  int64_t passes = 1;
  /// The solver chooses its steps itself: within these tolerances, in so many
  /// attempts at most. Without success states are no numbers.
  bool isAdaptive = false;
  double rtol = 0, atol = 0;
  int64_t most = 0;
  /// Of a step of the model, if it is known before the run; else 0.
  double interval = 0;
  /// Positions and momenta that an energy moves.
  std::vector<std::pair<std::string, std::string>> pairs;
  SourceRange range;
};

/// A value that a run can ask for, besides the loss and the states.
struct Result {
  std::string name;
  ResultRole role = ResultRole::Output;
  Node *value = nullptr;
  SourceRange range;
  /// Of a state of a model inside under an adaptive solver: that solver.
  std::optional<Solver> solver = std::nullopt;
  /// A probe of each step: those after so many steps each are shown.
  int64_t every = 1;
};

/// An encoding: nothing that a run asks for, but `explain` shows it.
struct Encoding {
  std::string name;
  const Space *space = nullptr;
  bool isDistribution = false;
};

struct Model {
  Model() : spaces(ownSpaces) {}
  /// A model inside of one that has `spaces`.
  explicit Model(SpaceTable &spaces) : spaces(spaces) {}

  std::string name;
  /// Its outputs are data, computed in f64.
  bool isSystem = false;
  /// The model that this is a variant of, for some run block (Variants.h);
  /// empty if it is one that the program declares.
  std::string variantOf;
  /// The model this one is an instance of; empty if it stands for itself.
  std::string base;
  SourceRange range;

  SpaceTable ownSpaces;
  SpaceTable &spaces;
  Graph graph{spaces};
  /// Lattices in the order of the program.
  std::vector<const Space *> lattices;
  /// In the order in which they were made.
  std::deque<Parameter> parameters;
  /// In the order of the program. A model's functions take them in this order.
  std::vector<const Parameter *> parameterOrder;
  std::deque<Input> inputs;
  std::deque<State> states;
  /// What Sema lets a model remember besides: no result, but carried, started
  /// and stepped as the others are. Their names are in no scope.
  std::deque<State> hiddenStates;
  std::deque<InnerLoop> innerLoops;
  std::vector<InnerModel> innerModels;
  std::vector<Encoding> encodings;
  std::vector<Result> results;
  Solver solver;

  /// Differences between states go along (`loco.tangents`).
  bool hasTangents = false;

  /// A scalar per sample, or per step; null if there is none.
  Node *loss = nullptr;
  /// True if the loss of a step looks at the next one.
  bool lossLooksAhead = false;
  /// True if the last step is to be left out for that, when the loop is made.
  bool lossSkipsLastStep = false;

  /// True if there is a time loop.
  bool hasSteps() const;
  int64_t getNumLearned() const;
  const Result *findResult(llvm::StringRef name) const;
};

/// A checked program.
struct Module {
  std::vector<std::unique_ptr<Model>> models;
  /// `train`, `analyze` and `simulate` blocks in their order.
  std::vector<RunBlock> runs;
  /// Names that the program may use for systems, those of its modules included.
  std::vector<std::string> systemNames;

  const Model *findModel(llvm::StringRef name) const;
};

} // namespace loco::sema

#endif // COMPILER_SEMA_MODEL_H
