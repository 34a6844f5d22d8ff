//===- Training.cpp - The loop of training --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/training/LossTerms.h"
#include "runtime/lib/training/Text.h"
#include "runtime/lib/training/Trainer.h"

#include <algorithm>
#include <cmath>
#include <utility>

using namespace loco;

Expected<TrainingSummary> loco::train(Program &program, DataSource &data,
                                      const TrainingPlan &plan,
                                      const TrainingSession &session) {
  return Trainer(program, data, plan, session).run();
}

Trainer::Trainer(Program &program, DataSource &data, const TrainingPlan &plan,
                 const TrainingSession &session)
    : program(program), data(data), plan(plan), session(session),
      pool(session.pool ? *session.pool : ThreadPool::process()),
      dead(session.reluParameters) {}

Expected<TrainingSummary> Trainer::run() {
  reply.loss = std::nan("");
  if (Status failed = prepare())
    return failed.error();
  program.prepare(request, plan.batch,
                  plan.window > 0 ? std::min(plan.window, match.steps)
                                  : match.steps);
  if (Status failed = begin())
    return failed.error();
  if (Status failed = startData())
    return failed.error();
  if (Status failed = runUpdates())
    return failed.error();
  if (Status failed = finishBest())
    return failed.error();
  TrainingSummary summary;
  summary.parameters = std::move(best.empty() ? parameters : best);
  summary.updates = update;
  summary.resumedFrom = resumedFrom;
  summary.updatesPerEpoch = updatesPerEpoch;
  summary.lastLoss = reply.loss;
  summary.seconds = seconds();
  summary.secondsWaited = loader ? loader->secondsWaited() : 0;
  summary.lastTerms = terms;
  if (validation) {
    summary.validationLoss = validation->last;
    summary.bestValidationLoss = validation->best;
    summary.bestUpdate = validation->bestUpdate;
  }
  summary.stoppedEarly = isStopped();
  summary.interrupted = update < totalUpdates && !isStopped();
  return summary;
}

//===----------------------------------------------------------------------===//
// Before the first update
//===----------------------------------------------------------------------===//

/// Everything that can be wrong with plan, model and data is found here,
/// before anything is written.
Status Trainer::prepare() {
  if (Status failed = plan.check())
    return failed;
  Expected<FieldMatch> fields = matchFields(program.arguments(), data);
  if (!fields)
    return fields.error();
  match = std::move(*fields);
  if (Status failed = windows.prepare(program, plan.window, match.steps))
    return failed;
  Expected<Optimizer> made =
      Optimizer::create(plan.optimizer, program.arguments(), pool);
  if (!made)
    return made.error();
  optimizer = std::move(*made);
  if (optimizer->trained().empty())
    return Error{"there is nothing to train: the model has no parameter that "
                 "is not frozen"};
  if (std::optional<int64_t> samples = data.length()) {
    if (plan.batch > *samples)
      return Error{"`batch` is " + std::to_string(plan.batch) +
                   ", but the data has only " + std::to_string(*samples) +
                   " samples"};
    updatesPerEpoch = *samples / plan.batch * windows.perSequence();
  } else if (plan.epochs > 0 || plan.schedule.intervalInEpochs) {
    return Error{"the data never ends, so it has no epochs; count in "
                 "`updates`"};
  }
  totalUpdates =
      plan.updates > 0 ? plan.updates : plan.epochs * updatesPerEpoch;
  request.gradients = optimizer->trained();
  request.results = lossResults(program);
  request.results.insert(request.results.end(), windows.results().begin(),
                         windows.results().end());
  request.seed = plan.seed;
  return {};
}

Status Trainer::startData() {
  BatchOptions options;
  options.samples = plan.batch;
  options.shuffle = plan.shuffle;
  options.seed = plan.seed;
  options.precision =
      session.precision == "f64" ? ElementType::F64 : ElementType::F32;
  options.fields = match.fields;
  options.numbers = match.numbers;
  auto started = BatchLoader::start(data, options, cursor);
  if (!started)
    return started.error();
  loader = std::move(*started);
  return {};
}

//===----------------------------------------------------------------------===//
// Updates
//===----------------------------------------------------------------------===//

Status Trainer::runUpdates() {
  interrupt.emplace(session.handleSignals);
  progress.emplace(session.title, totalUpdates, update, session.progress);
  startTime = savedTime = Clock::now();
  while (update < totalUpdates && !isStopped() && !stopRequested()) {
    if (Status failed = runOneUpdate())
      return failed;
    if (Status failed = checkpointIfDue())
      return failed;
  }
  if (update < totalUpdates)
    report("stopped after update " + std::to_string(update) + " of " +
           std::to_string(totalUpdates) +
           (isStopped()
                ? ": no validation since update " +
                      std::to_string(validation->bestUpdate) + " was better"
                : ""));
  if (Status failed = bringBack())
    return failed;
  bool unsaved = update > savedUpdate || update == 0;
  return session.folder && unsaved ? saveCheckpoint() : Status();
}

Status Trainer::runOneUpdate() {
  if (Status failed = nextBatch())
    return failed;
  if (Status failed = makeResident())
    return failed;
  double factor =
      plan.schedule.factor(update + 1, totalUpdates, updatesPerEpoch);
  double norm = 0;
  if (Status failed = runProgram(factor, norm))
    return failed;
  if (!std::isfinite(reply.loss) || !std::isfinite(norm)) {
    if (Status failed = bringBack())
      return failed;
    return stopped(update + 1, explainNotFinite(program.arguments(), parameters,
                                                batch, reply));
  }
  if (!resident)
    optimizer->update(parameters, reply.gradients, norm, factor);
  else if (Status failed = takeUpdate())
    return failed;
  ++update;
  if (windows.isUsed())
    windows.advance(reply);
  // Within a sequence a resumed run begins by reading it again.
  cursor = windows.position() > 0 ? sequencesBegin : loader->cursor();
  lossSum += reply.loss;
  ++lossCount;
  for (const std::string &name : dead.find(parameters, reply.gradients))
    report("`" + name + "` is dead since update " + std::to_string(update) +
           ": its relu gives 0 and its gradient is 0, so it stays as it is");
  if (Status failed = validateIfDue())
    return failed;
  if (Status failed = writeMetrics(factor, norm))
    return failed;
  progress->update(update, progressDetail());
  return {};
}

/// The samples of an update: new ones, or the next window of those at hand.
Status Trainer::nextBatch() {
  Batch &target = windows.isUsed() ? sequences : batch;
  if (windows.position() == 0 || sequences.samples == 0) {
    sequencesBegin = loader->cursor();
    if (Status failed = loader->next(target))
      return failed;
    target.steps = match.steps;
  }
  if (windows.isUsed()) {
    windows.cut(sequences, batch);
  } else if (Batch *upcoming = loader->upcoming()) {
    upcoming->steps = match.steps;
    program.expect(*upcoming);
  }
  return {};
}

/// Asks once, when it is known what a batch is like, for a device that makes
/// the updates itself.
Status Trainer::makeResident() {
  if (std::exchange(isResidentKnown, true))
    return {};
  ResidentRequest wanted{*optimizer, parameters,    {},
                         request,    batch.samples, batch.steps};
  for (const std::string &name : optimizer->trained())
    if (session.scalars || parameters.at(name).shape().empty() ||
        std::find(session.reluParameters.begin(), session.reluParameters.end(),
                  name) != session.reluParameters.end())
      wanted.watched.push_back(name);
  auto made = program.makeResident(wanted);
  if (!made)
    return made.error();
  resident = std::move(*made);
  return {};
}

/// Runs the batch; where the model runs on a device that makes the updates, it
/// makes this one. `norm`: of the gradients.
Status Trainer::runProgram(double rateFactor, double &norm) {
  // 0 stands for what is drawn once.
  request.update = update + 1;
  Status notRun =
      resident ? resident->update(batch, request, optimizer->updates() + 1,
                                  rateFactor, reply, norm)
               : program.run(parameters, batch, request, reply);
  if (Status failed = saveStart())
    return failed;
  if (notRun)
    return keepReached(notRun.error());
  terms = meanTerms(program, reply, batch.samples);
  if (Status failed = checkReply())
    return failed;
  if (!resident)
    norm = optimizer->gradientNorm(reply.gradients);
  return {};
}

/// An update was made on the device: what came back of it is taken.
Status Trainer::takeUpdate() {
  optimizer->countUpdate();
  if (!resident->isMirrored()) {
    resident->fetchWatched(parameters);
    return {};
  }
  updateHere = update + 1;
  return resident->fetch(parameters, optimizer->lendState());
}

/// Parameters and the optimiser's state as they are after the last update.
Status Trainer::bringBack() {
  if (!resident || updateHere == update)
    return {};
  if (Status failed = resident->fetch(parameters, optimizer->lendState()))
    return failed;
  updateHere = update;
  return {};
}

/// The device may be gone, but what the run reached is here, if it is not too
/// large to come back with each update: it is written before the error is
/// handed on.
Error Trainer::keepReached(const Error &why) {
  if (!session.folder || update == 0)
    return why;
  bool isHere = !resident || updateHere == update;
  if (isHere && update > savedUpdate)
    if (Status failed = saveCheckpoint())
      return Error{why.message +
                   "; and no checkpoint could be written: " + failed.message()};
  return Error{why.message + "; the checkpoint of update " +
               std::to_string(isHere ? update : savedUpdate) +
               " is kept, go on with `--resume`"};
}

/// The optimiser trusts gradients to have the shapes of their parameters.
Status Trainer::checkReply() const {
  for (const std::string &name : optimizer->trained()) {
    const Tensor &value = parameters.at(name);
    auto found = reply.gradients.find(name);
    if (found == reply.gradients.end())
      return Error{"the model gave no gradient of `" + name + "`"};
    if (found->second.shape() != value.shape() ||
        found->second.type() != value.type())
      return Error{"the model's gradient of `" + name + "` is " +
                   describe(found->second.shape()) + ", expected " +
                   describe(value.shape()) + " in the precision of the run"};
  }
  return {};
}

Status Trainer::writeMetrics(double factor, double norm) {
  rate = plan.optimizer.rate * factor;
  if (!metrics)
    return {};
  MetricsLine line;
  line.update = update;
  if (std::optional<int64_t> samples = data.length())
    line.epoch = cursor.epoch + double(cursor.position) / *samples;
  line.loss = reply.loss;
  line.terms = terms;
  line.rate = rate;
  line.gradientNorm = norm;
  line.seconds = seconds();
  line.validationLoss = newValidationLoss;
  for (const std::string &name : optimizer->trained())
    if (const Tensor &value = parameters.at(name); value.shape().empty())
      line.scalars[name] = value.at(0);
  if (session.scalars)
    session.scalars(parameters, line.scalars);
  return metrics->write(line);
}

//===----------------------------------------------------------------------===//
// Small things
//===----------------------------------------------------------------------===//

/// Ended by validations.
bool Trainer::isStopped() const {
  return plan.stopAfter > 0 && validation &&
         validation->since >= plan.stopAfter;
}

bool Trainer::stopRequested() const {
  return interrupt->signal() != 0 || (session.stop && session.stop->load());
}

double Trainer::seconds() const {
  std::chrono::duration<double> here = Clock::now() - startTime;
  return secondsBefore + here.count();
}

std::string Trainer::progressDetail() const {
  std::string text = "loss " + describeNumber(reply.loss, 4);
  for (const auto &[name, value] : terms)
    text += "  " + name + " " + describeNumber(value, 4);
  if (newValidationLoss)
    text += "  validation " + describeNumber(*newValidationLoss, 4);
  return text + "  rate " + describeNumber(rate, 3);
}

void Trainer::report(const std::string &text) {
  if (session.report) {
    if (progress)
      progress->clear();
    session.report(text);
  } else if (progress) {
    progress->message("note: " + text);
  } else {
    std::fputs(("note: " + text + "\n").c_str(), stderr);
  }
}

/// Numbers that are not finite were found in update `at`.
Error Trainer::stopped(int64_t at, const std::string &why) const {
  std::string text =
      "training stopped in update " + std::to_string(at) + ": " + why;
  if (session.folder) {
    std::vector<int64_t> kept = listCheckpoints(session.folder->checkpoints());
    text +=
        kept.empty()
            ? "; no checkpoint was written before"
            : "; the last checkpoint is `" +
                  (session.folder->checkpoints() / std::to_string(kept.back()))
                      .string() +
                  "`";
  }
  return Error{text + " [not-finite]"};
}
