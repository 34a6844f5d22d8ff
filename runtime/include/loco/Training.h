//===- Training.h - Training a model ----------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan says what is wanted in numbers, and goes into the run folder as it
// is. The session says where it happens: threads, folder, messages, callbacks.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_TRAINING_H
#define LOCO_TRAINING_H

#include "loco/Expected.h"
#include "loco/Optimizer.h"
#include "loco/Program.h"
#include "loco/Progress.h"
#include "loco/RateSchedule.h"
#include "loco/RunFolder.h"
#include "loco/ThreadPool.h"

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace loco {

class DataSource;

struct TrainingPlan {
  OptimizerOptions optimizer;
  RateSchedule schedule;
  /// Samples per update.
  int64_t batch = 0;
  /// How long to train: one of the two is positive, the other 0. An epoch is
  /// `samples / batch` updates, without a rest.
  int64_t updates = 0, epochs = 0;
  uint64_t seed = 0;
  /// Steps of an update, where sequences are run in windows: the states go on,
  /// the gradient ends at the window's edge. 0: whole sequences.
  int64_t window = 0;
  /// Samples are drawn in a new random order in every epoch.
  bool shuffle = true;

  /// A checkpoint is written after so many updates or seconds, whichever comes
  /// first (0: not for this reason), and at the end.
  int64_t checkpointUpdates = 0;
  double checkpointSeconds = 300;
  /// How many are kept, newest first, beside the best.
  int64_t keepCheckpoints = 2;

  /// Updates between validations; 0: once per epoch, if there are any.
  int64_t validateUpdates = 0;
  /// How many samples are kept from training for that; 0: as many as are good
  /// for it (setApart).
  int64_t validationSamples = 0;
  /// Ends the run after so many validations without a lower loss than before,
  /// with the parameters of the lowest; 0: never.
  int64_t stopAfter = 0;

  /// Goes on from the newest checkpoint of the run folder.
  bool resume = false;
  /// With `resume`: even if the program or the seed is another one than the
  /// checkpoint's.
  bool force = false;

  /// An error that names the value that makes no sense.
  Status check() const;
  /// The plan as JSON, for the resolved configuration.
  std::string toJson() const;
};

/// A loss, and the terms that it is made of by name, without their weights; no
/// terms if it is one expression.
struct LossParts {
  double loss = 0;
  std::map<std::string, double> terms;
};

/// What surrounds a training run. Everything but the precision is optional.
struct TrainingSession {
  /// "f32" or "f64".
  std::string precision = "f32";
  /// Threads of optimiser and data; nullptr: the pool of the process.
  ThreadPool *pool = nullptr;
  /// Metrics and checkpoints go here; nullptr: nothing is written.
  const RunFolder *folder = nullptr;
  /// Values to begin with in place of the model's own (`--init`): names and
  /// shapes of all Param and Frozen arguments. They are moved from, so that they
  /// are not in memory twice. Not used when resuming.
  TensorMap *initialParameters = nullptr;
  /// They are those that the model gives for the seed, or the model is to be
  /// asked: a run that is killed at its very start has them again, so the first
  /// update does not wait until they are on the disk. Without any, and without
  /// this, what training begins with is not saved.
  bool isStartKnown = false;
  /// Hash of the program and its modules, to be found again when resuming.
  std::string sourceHash;
  /// Version of loco, for run.json.
  std::string locoVersion;
  /// Title of the progress bar.
  std::string title = "training";
  Progress::Options progress;
  /// Notes and warnings, one sentence each; empty: standard error.
  std::function<void(const std::string &)> report;
  /// Losses on data that is not learned from: `loss`, and its parts.
  std::function<Expected<LossParts>(const TensorMap &parameters)> validate;
  /// More numbers for the metrics: constrained parameters as they are shown.
  std::function<void(const TensorMap &parameters,
                     std::map<std::string, double> &scalars)>
      scalars;
  /// Parameters whose range is a relu: dead where the raw value is not
  /// positive. A dead one is reported once.
  std::vector<std::string> reluParameters;
  /// Ends the run cleanly, as Ctrl-C does, once it is true.
  const std::atomic<bool> *stop = nullptr;
  /// SIGINT and SIGTERM end the run with a checkpoint; a second one kills.
  bool handleSignals = false;
};

struct TrainingSummary {
  TensorMap parameters;
  /// Updates done in all, and those before this session.
  int64_t updates = 0, resumedFrom = 0;
  int64_t updatesPerEpoch = 0;
  /// Loss of the last batch, before its update; not a number if none was run.
  double lastLoss = 0;
  std::map<std::string, double> lastTerms;
  /// The last validation; the one of lowest loss, and its update. With
  /// TrainingPlan::stopAfter `parameters` are those of the latter.
  std::optional<double> validationLoss, bestValidationLoss;
  int64_t bestUpdate = 0;
  /// Ended by TrainingPlan::stopAfter.
  bool stoppedEarly = false;
  /// Spent training, over all sessions of the run.
  double seconds = 0;
  /// Spent waiting for data in this session: batches are made beside the
  /// kernels, so more than a little says that the data are too slow.
  double secondsWaited = 0;
  /// Stopped before the last update, by a signal or `stop`.
  bool interrupted = false;
};

/// How a loss is measured on data that nothing learns from.
struct ValidationOptions {
  /// How many of the first samples, and how many of them at once.
  int64_t samples = 256, batch = 64;
  /// Draws are those of update 0, the same in every validation.
  uint64_t seed = 0;
  ElementType precision = ElementType::F32;
};

/// The mean loss over the first samples of `data`.
Expected<LossParts> measureLoss(Program &program, const DataSource &data,
                                const TensorMap &parameters,
                                const ValidationOptions &options);

/// Trains. With a run folder, an error leaves the last good checkpoint and all
/// metrics up to it in place.
Expected<TrainingSummary> train(Program &program, DataSource &data,
                                const TrainingPlan &plan,
                                const TrainingSession &session);

} // namespace loco

#endif // LOCO_TRAINING_H
