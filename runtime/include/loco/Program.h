//===- Program.h - A compiled model, as the run-time sees it ----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one interface between the run-time, which drives training and analysis,
// and whatever executes a model: the reference interpreter, compiled CPU code,
// a GPU. Shapes are those of one sample and one step; batch and sequence
// length are chosen with each call.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_PROGRAM_H
#define LOCO_PROGRAM_H

#include "loco/Expected.h"
#include "loco/Tensor.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace loco {

/// What an argument of a model is to the run-time.
enum class ArgumentRole : uint8_t {
  /// Learned: initialised by the model, changed by the optimiser.
  Param,
  /// Drawn or loaded once per run, never learned.
  Frozen,
  /// Fed with every sample.
  Input,
};

struct ArgumentSpec {
  /// Name in files and messages: `b`, `dt.raw`, `u.linear.weight`.
  std::string name;
  ArgumentRole role;
  /// I32 for class labels, the precision of the run otherwise.
  ElementType type;
  Shape shape;
  /// Inputs only: one value per step, or one per sample.
  bool perStep = false;
  /// Number of classes of a class-valued input, 0 otherwise.
  int64_t classes = 0;
  /// Inputs that say which steps of a sample count: how many (a whole number,
  /// at most the steps of the batch), or by 1 and 0 per step.
  enum class Counting : uint8_t { None, Steps, Mask };
  Counting counting = Counting::None;
  /// Inputs that data do not give: a batch may hold them, otherwise they are
  /// this number everywhere.
  std::optional<double> preset = std::nullopt;

  /// True if a result can change smoothly with it.
  bool isSmooth() const {
    return type != ElementType::I32 && counting == Counting::None && !preset;
  }
};

/// Carry: a state as the next window of the sequence begins with it.
enum class ResultRole : uint8_t { Loss, Output, State, Probe, Carry };

struct ResultSpec {
  std::string name;
  ResultRole role;
  ElementType type;
  Shape shape;
  bool perStep = false;
  /// States that an adaptive solver moves: what to say where it cannot (they
  /// are no numbers there), and its interval as far as it is known, else 0.
  std::string solver = {};
  double interval = 0;
};

/// Samples that are run together.
struct Batch {
  int64_t samples = 0;
  int64_t steps = 0;
  /// Shape [samples, steps, ...] for inputs per step, [samples, ...] otherwise.
  TensorMap inputs;
  /// Position of each sample in its data set: the counter of its random draws.
  std::vector<uint64_t> sampleIndex;
};

/// What a call should compute.
struct Request {
  /// Results wanted, by name; an empty list means the loss alone.
  std::vector<std::string> results;
  /// Arguments (parameters and inputs) whose gradient of the mean loss is
  /// wanted.
  std::vector<std::string> gradients;
  /// Counters of the random draws.
  uint64_t seed = 0;
  uint64_t update = 0;
};

/// Filled by Program::run. A reply that is used again for the same request
/// keeps its memory.
struct Reply {
  /// Mean over samples (and unmasked steps, for a loss per step).
  double loss = 0;
  /// Shape [samples, steps, ...] for results per step, [samples, ...]
  /// otherwise.
  TensorMap results;
  /// By parameters: summed over samples and steps, divided by samples: the
  /// gradient of `loss`. By inputs: shape of the input.
  TensorMap gradients;
};

/// Parameters, and what an optimiser remembers of them, that stay on a device
/// from update to update. Calls come from the thread that runs the program.
class ResidentUpdates {
public:
  virtual ~ResidentUpdates() = default;

  /// Runs the batch as Program::run does, and makes update number `number` of
  /// the optimiser (from 1) by its gradients, all rates multiplied by
  /// `rateFactor`. `norm` is that of the gradients before any clipping. If it
  /// or the loss is not finite nothing is changed, and `reply` holds all
  /// gradients. Otherwise it holds those that are watched; others have their
  /// shape alone.
  virtual Status update(const Batch &batch, const Request &request,
                        int64_t number, double rateFactor, Reply &reply,
                        double &norm) = 0;

  /// True if values and state are so few that they come back with each update:
  /// a device that is lost takes none of them with it.
  virtual bool isMirrored() const = 0;
  /// The values and the state after the last update. `state` is Optimizer's. An
  /// error leaves both as they were.
  virtual Status fetch(TensorMap &parameters, TensorMap &state) = 0;
  /// The values alone of parameters that are watched, which came back with the
  /// last update.
  virtual void fetchWatched(TensorMap &parameters) const = 0;
};

class Optimizer;

/// What ResidentUpdates are made for.
struct ResidentRequest {
  const Optimizer &optimizer;
  /// Of all Param and Frozen arguments; the latter are not changed any more.
  const TensorMap &parameters;
  /// Learned parameters whose values and gradients are wanted back after each
  /// update.
  std::vector<std::string> watched;
  /// What will be run.
  Request request;
  int64_t samples = 0, steps = 0;
};

/// A model that can be run. Calls on one program come from one thread at a
/// time.
class Program {
public:
  virtual ~Program() = default;

  virtual const std::vector<ArgumentSpec> &arguments() const = 0;
  virtual const std::vector<ResultSpec> &results() const = 0;

  /// Values of all Param and Frozen arguments as the model initialises them.
  virtual Expected<TensorMap> initialParameters(uint64_t seed) = 0;

  /// Announces that a request will be run, on batches of so many samples and
  /// steps: what it needs can be made meanwhile. Nothing has to come of it, and
  /// what goes wrong is told when it is run.
  virtual void prepare(const Request &, int64_t, int64_t) {}

  /// Runs the model on a batch. `parameters` holds every Param and Frozen
  /// argument. Shapes and names are checked; a mismatch is an error that names
  /// the tensor.
  virtual Status run(const TensorMap &parameters, const Batch &batch,
                     const Request &request, Reply &reply) = 0;

  /// Announces the batch that will be run after the one that is run next, with
  /// the same request, so that it can be copied to a device while that one is
  /// worked on. It must stay as it is, at its place, until it was run or
  /// another was announced. What is announced need not come.
  virtual void expect(const Batch &) {}

  /// Moves parameters and the optimiser's state to where the model runs, for
  /// updates to be made there. Null where whoever trains makes them himself: on
  /// the processor, or where a device has no room.
  virtual Expected<std::unique_ptr<ResidentUpdates>>
  makeResident(const ResidentRequest &) {
    return std::unique_ptr<ResidentUpdates>();
  }
};

} // namespace loco

#endif // LOCO_PROGRAM_H
