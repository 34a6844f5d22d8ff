//===- Resume.cpp - Training to and from the disk -------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/training/Disk.h"
#include "runtime/lib/training/Trainer.h"

#include <cmath>
#include <utility>

using namespace loco;
namespace fs = std::filesystem;

/// How the optimiser's part of state.safetensors is named.
static const std::string optimizerPrefix = "optimizer/";
/// And the states that windows hand on.
static const std::string carryPrefix = "carry/";
/// And the parameters of the best validation.
static const std::string bestPrefix = "best/";

/// Sets parameters and counters, from the model or from a checkpoint.
Status Trainer::begin() {
  if (plan.resume && !session.folder)
    return Error{"a run without a folder cannot be resumed"};
  if (plan.resume)
    if (Status failed = resume())
      return failed;
  if (session.folder && !plan.resume &&
      !listCheckpoints(session.folder->checkpoints()).empty())
    return Error{"`" + session.folder->checkpoints().string() +
                 "` holds checkpoints of another run; resume it or give "
                 "another folder"};
  if (parameters.empty()) {
    Expected<TensorMap> initial =
        session.initialParameters
            ? Expected<TensorMap>(std::move(*session.initialParameters))
            : program.initialParameters(plan.seed);
    if (!initial)
      return initial.error();
    Expected<TensorMap> fitting =
        fitParameters(std::move(*initial), program.arguments());
    if (!fitting)
      return fitting.error();
    parameters = std::move(*fitting);
  }
  if (!session.folder)
    return {};
  if (Status failed = session.folder->commit())
    return failed;
  Expected<MetricsWriter> writer =
      MetricsWriter::open(session.folder->metrics(), update);
  if (!writer)
    return writer.error();
  metrics.emplace(std::move(*writer));
  // Given values cannot be had again from the model; others may wait.
  isStartUnsaved =
      update == 0 && (session.initialParameters || session.isStartKnown);
  return isStartUnsaved && !session.isStartKnown ? saveStart() : Status();
}

//===----------------------------------------------------------------------===//
// Resuming
//===----------------------------------------------------------------------===//

/// What must be the same for a run to be continued, and what is only told.
Status Trainer::checkSameRun(const CheckpointInfo &info) {
  std::string place = "checkpoint " + std::to_string(info.update);
  if (info.precision != session.precision)
    return Error{place + " has precision " + info.precision + ", now it is " +
                 session.precision +
                 "; resume with the old one, or start a new run from its "
                 "parameters with `--init` [precision-changed]"};
  std::string method = describe(plan.optimizer.method);
  if (info.optimizer != method)
    return Error{place + " was made by `" + info.optimizer +
                 "`, now the optimizer is `" + method +
                 "`; start a new run from its parameters with `--init` "
                 "[optimizer-changed]"};
  if (info.sourceHash != session.sourceHash && !plan.force)
    return Error{place + " was made by another version of the program (hash " +
                 info.sourceHash + ", now " + session.sourceHash +
                 "); undo the change, or add `--force` to continue with it; a "
                 "run that is to be longer takes `--set train.updates=...` "
                 "[source-changed]"};
  if (info.seed != plan.seed && !plan.force)
    return Error{place + " has seed " + std::to_string(info.seed) +
                 ", now it is " + std::to_string(plan.seed) +
                 "; give the old one, or add `--force` to continue with the "
                 "new one [seed-changed]"};

  auto tell = [&](const char *what, auto before, auto now) {
    if (before != now)
      report(std::string(what) + " was " + before + " in " + place +
             ", now it is " + now + ": the run may not continue bitwise");
  };
  tell("the hash of the program", info.sourceHash, session.sourceHash);
  tell("the seed", std::to_string(info.seed), std::to_string(plan.seed));
  tell("the version of loco", info.locoVersion, session.locoVersion);
  tell("the number of threads", std::to_string(info.threads),
       std::to_string(pool.numThreads()));
  tell("`batch`", std::to_string(info.batch), std::to_string(plan.batch));
  return {};
}

/// Splits off the part of the state whose names begin with the prefix.
static TensorMap takePart(TensorMap &state, const std::string &prefix) {
  TensorMap part;
  for (auto entry = state.begin(); entry != state.end();) {
    auto next = std::next(entry);
    if (entry->first.rfind(prefix, 0) == 0)
      part.emplace(entry->first.substr(prefix.size()),
                   std::move(state.extract(entry).mapped()));
    entry = next;
  }
  return part;
}

/// Goes back to the newest checkpoint that can be used; to the beginning if
/// there is none.
Status Trainer::resume() {
  fs::path folder = session.folder->checkpoints();
  removeLeftovers(folder);
  auto newest = readNewestCheckpoint(
      folder, [&](const std::string &text) { report(text); });
  if (!newest)
    return newest.error();
  if (!*newest) {
    report("there is no checkpoint in `" + folder.string() +
           "` yet; the run begins anew");
    return {};
  }
  Checkpoint &checkpoint = **newest;
  const CheckpointInfo &info = checkpoint.info;
  if (Status failed = checkSameRun(info))
    return failed;
  Expected<TensorMap> fitting =
      fitParameters(std::move(checkpoint.parameters), program.arguments());
  if (!fitting)
    return Error{"checkpoint " + std::to_string(info.update) +
                 " cannot be resumed: " + fitting.message()};
  if (Status failed = optimizer->restore(
          takePart(checkpoint.state, optimizerPrefix), info.optimizerUpdates))
    return Error{"checkpoint " + std::to_string(info.update) +
                 " cannot be resumed: " + failed.message()};
  setDamagedAside(info.update);
  parameters = std::move(*fitting);
  best = takePart(checkpoint.state, bestPrefix);
  validation = info.validation;
  reply.loss = info.lastLoss;
  terms = info.lastTerms;
  update = resumedFrom = savedUpdate = updateHere = info.update;
  cursor = {info.epoch, info.position};
  if (!windows.restore(takePart(checkpoint.state, carryPrefix), info.window,
                       plan.batch))
    report("the states of checkpoint " + std::to_string(info.update) +
           " do not fit `batch` or `window`: its sequences begin anew");
  secondsBefore = info.seconds;
  if (update >= totalUpdates)
    report("all " + std::to_string(totalUpdates) + " updates are done already");
  return {};
}

/// Newer checkpoints that could not be read would count among those to keep.
/// They stay on the disk under another name.
void Trainer::setDamagedAside(int64_t newestGood) {
  fs::path folder = session.folder->checkpoints();
  for (int64_t other : listCheckpoints(folder)) {
    if (other <= newestGood)
      continue;
    fs::path path = folder / std::to_string(other);
    fs::path damaged = path.string() + ".damaged";
    if (removeAll(damaged) || renamePath(path, damaged))
      continue;
    report("the damaged checkpoint is now `" + damaged.string() +
           "`; the run continues from checkpoint " +
           std::to_string(newestGood));
  }
}

//===----------------------------------------------------------------------===//
// Saving
//===----------------------------------------------------------------------===//

Status Trainer::checkpointIfDue() {
  if (!session.folder || update == totalUpdates)
    return {};
  std::chrono::duration<double> since = Clock::now() - savedTime;
  bool byUpdates = plan.checkpointUpdates > 0 &&
                   update - savedUpdate >= plan.checkpointUpdates;
  bool byTime =
      plan.checkpointSeconds > 0 && since.count() >= plan.checkpointSeconds;
  if (!byUpdates && !byTime)
    return {};
  if (Status failed = bringBack())
    return failed;
  return saveCheckpoint();
}

/// Metrics reach the disk first: every checkpoint has all lines up to it.
/// Saves what training begins with, once.
Status Trainer::saveStart() {
  if (!std::exchange(isStartUnsaved, false))
    return {};
  // A loss that is known by now belongs to the update under way.
  double loss = std::exchange(reply.loss, std::nan(""));
  Status failed = saveCheckpoint();
  reply.loss = loss;
  return failed;
}

Status Trainer::saveCheckpoint() {
  // A checkpoint is something to go back to.
  if (auto name = findNotFinite(parameters))
    return stopped(update, "parameter `" + *name +
                               "` is not finite; a lower rate may help");
  if (Status failed = metrics->flush())
    return failed;
  CheckpointInfo info;
  info.locoVersion = session.locoVersion;
  info.sourceHash = session.sourceHash;
  info.seed = plan.seed;
  info.update = update;
  info.epoch = cursor.epoch;
  info.position = cursor.position;
  info.window = windows.position();
  info.precision = session.precision;
  info.threads = pool.numThreads();
  info.batch = plan.batch;
  info.optimizer = describe(plan.optimizer.method);
  info.optimizerUpdates = optimizer->updates();
  info.seconds = seconds();
  info.validation = validation;
  info.lastLoss = reply.loss;
  info.lastTerms = terms;
  if (session.validate && validation)
    info.loss = validation->last;
  else if (!session.validate && lossCount > 0)
    info.loss = lossSum / lossCount;
  TensorMap carried = windows.state();
  TensorViews state;
  auto add = [&](const std::string &prefix, const TensorMap &tensors) {
    for (const auto &[name, tensor] : tensors)
      state.emplace(prefix + name, &tensor);
  };
  add(optimizerPrefix, optimizer->state());
  add(carryPrefix, carried);
  add(bestPrefix, best);
  if (Status failed = writeCheckpoint(session.folder->checkpoints(), info,
                                      viewAll(parameters), state))
    return failed;
  savedUpdate = update;
  savedTime = Clock::now();
  lossSum = 0;
  lossCount = 0;
  return pruneCheckpoints(session.folder->checkpoints(), plan.keepCheckpoints);
}
