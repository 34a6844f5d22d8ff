//===- Runner.cpp - The blocks of a program, run --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Runner.h"
#include "compiler/Driver/LossFigure.h"
#include "compiler/Driver/RunPlanning.h"
#include "compiler/Driver/RunReports.h"
#include "compiler/Driver/Simulation.h"
#include "compiler/Driver/TrainingData.h"

#include "loco/Files.h"
#include "loco/Matching.h"
#include "loco/Training.h"

#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

using namespace loco;
using Json = nlohmann::ordered_json;
using sema::RunBlock;

static const char *getVerbName(RunBlock::Verb verb) {
  switch (verb) {
  case RunBlock::Verb::Train:
    return "train";
  case RunBlock::Verb::Analyze:
    return "analyze";
  case RunBlock::Verb::Simulate:
    return "simulate";
  }
  llvm_unreachable("all verbs are handled");
}

bool Runner::isSelected(const RunBlock &block) const {
  return options.only.empty() || options.only == getVerbName(block.verb) ||
         options.only == block.model;
}

/// Of starts, draws and order: that of the command line, of the model's `train`
/// block, or of its first `simulate` block.
uint64_t Runner::getSeed(llvm::StringRef model) const {
  if (options.seed)
    return *options.seed;
  for (auto verb : {RunBlock::Verb::Train, RunBlock::Verb::Simulate})
    for (const RunBlock &block : runnable.getRuns())
      if (block.verb == verb && block.model == model)
        return static_cast<uint64_t>(block.getNumber("seed", 0));
  return 0;
}

Expected<ModelRun *> Runner::getModel(const RunBlock &block) {
  ModelRun &run = models[block.model];
  bool isKnown = run.model;
  // Variants of a model have its parameters.
  auto program = runnable.getProgram(block.getProgramName());
  if (!program)
    return program.error();
  run.model = runnable.findModel(block.getProgramName());
  run.program = *program;
  if (isKnown)
    return &run;
  if (!options.init.empty()) {
    auto values = readTensors(options.init);
    if (!values)
      return values.error();
    auto fitted = fitParameters(std::move(*values), run.program->arguments());
    if (!fitted)
      return fitted.error();
    run.trained = std::move(*fitted);
  }
  return &run;
}

/// The model as it is before any training: drawn when it is asked for, as a run
/// that only trains needs it once, and another one when it is trained.
Expected<const TensorMap *> Runner::getUntrained(const RunBlock &block,
                                                 ModelRun &run) {
  if (!run.untrained) {
    auto drawn = run.program->initialParameters(getSeed(block.model));
    if (!drawn)
      return drawn.error();
    run.untrained = std::move(*drawn);
  }
  return &*run.untrained;
}

/// The precision of what a program takes and gives.
static ElementType getPrecision(const Program &program) {
  for (const ArgumentSpec &argument : program.arguments())
    if (argument.type != ElementType::I32)
      return argument.type;
  return ElementType::F32;
}

Status Runner::runTrain(const RunBlock &block) {
  DiagnosticEngine diagnostics;
  std::optional<TrainingPlan> plan = planTraining(block, diagnostics);
  if (!plan) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    renderDiagnostics(diagnostics, runnable.getSources(), stream);
    return Error{text};
  }
  const sema::Setting *data = block.find("data");
  if (!data || !data->value)
    return atPlace(block.range, Error{"`train` needs `data`"});
  auto run = getModel(block);
  if (!run)
    return run.error();
  (*run)->data = toDataOption(*data->value);
  plan->seed = options.seed.value_or(plan->seed);
  plan->resume = options.resume;
  plan->force = options.force;
  auto samples = [&] {
    Timings::Phase phase(runnable.getTimings(), "opening data");
    return openTrainingData(*(*run)->data, *plan);
  }();
  if (!samples)
    return atPlace(data->range, samples.error());
  auto part = folder->part(block.model);
  if (!part)
    return part.error();

  TrainingSession session;
  Program &program = *(*run)->program;
  session.precision = getPrecision(program) == ElementType::F64 ? "f64" : "f32";
  session.pool = &pool;
  session.folder = &*part;
  // Untrained values are those of the model, which draws them while its code is
  // made.
  (*run)->untrained.reset();
  if ((*run)->trained)
    session.initialParameters = &*(*run)->trained;
  session.isStartKnown = !(*run)->trained;
  session.sourceHash = runnable.getSourceHash();
  session.locoVersion = LOCO_VERSION;
  session.title = "train " + block.model;
  session.progress.quiet = options.quiet;
  session.progress.lineInterval = 10;
  session.handleSignals = true;
  session.reluParameters = (*run)->model->reluParameters;
  addValidation(*samples, program, *plan, session);
  auto summary = train(program, samples->learned(), *plan, session);
  if (!summary)
    return summary.error();
  if (Timings *timings = runnable.getTimings())
    timings->tellMemory();
  if (summary->interrupted)
    return Error{fmt::format("stopped after update {}; go on with `{}`",
                             summary->updates, describeResume())};
  results["training"][block.model] = describeTraining(*summary);
  (*run)->trained = std::move(summary->parameters);
  say(fmt::format("trained {}: {} updates in {}, last loss {:.6g}", block.model,
                  summary->updates, formatDuration(summary->seconds),
                  summary->lastLoss));
  return drawLosses(
      part->metrics().string(),
      (folder->figures() / ("loss_" + block.model + ".png")).string());
}

/// The samples of an `analyze` block: its own `data`, or those held out from
/// the data of training.
Expected<DataOption> Runner::getAnalysisData(const RunBlock &block,
                                             const ModelRun &run) const {
  if (const sema::Setting *data = block.find("data"); data && data->value)
    return toDataOption(*data->value);
  std::optional<DataOption> data = run.data;
  for (const RunBlock &other : runnable.getRuns())
    if (const sema::Setting *setting = other.find("data");
        !data && other.model == block.model && setting && setting->value)
      data = toDataOption(*setting->value);
  if (!data)
    return Error{"nothing says where samples come from; give the block `data`"};
  return holdOut(*data);
}

/// What an analysis and a simulation of `run` have in common.
AnalysisSubject Runner::describeSubject(const ModelRun &run) const {
  AnalysisSubject subject;
  subject.model = run.model;
  subject.program = run.program;
  subject.precision = getPrecision(*run.program);
  subject.folder = folder->figures().string();
  return subject;
}

Status Runner::runAnalyze(const RunBlock &block) {
  auto run = getModel(block);
  if (!run)
    return run.error();
  if (Status failed = folder->commit())
    return failed;
  AnalysisSubject subject = describeSubject(**run);
  if ((*run)->trained)
    subject.networks.push_back({"trained", &*(*run)->trained});
  auto untrained = getUntrained(block, **run);
  if (!untrained)
    return untrained.error();
  subject.networks.push_back({"untrained", *untrained});
  if (auto data = getAnalysisData(block, **run))
    subject.data = *data;
  subject.samples = static_cast<int64_t>(block.getNumber("samples", 256));
  subject.seed = getSeed(block.model);
  subject.metrics = (folder->path() / block.model / "metrics.jsonl").string();
  return runSaves(block, subject);
}

/// The analyses that a block asks for.
Status Runner::runSaves(const RunBlock &block, AnalysisSubject subject) {
  if (!block.tangents.empty()) {
    auto tangents = runnable.getProgram(block.tangents);
    if (!tangents)
      return atPlace(block.range, tangents.error());
    subject.tangents = *tangents;
  }
  for (const sema::Setting &setting : block.settings) {
    if (setting.name != "save")
      continue;
    say(fmt::format("analyze {}: {}", block.model, setting.label));
    auto json = runAnalysis(setting, subject);
    if (!json)
      return atPlace(setting.range, json.error());
    results[setting.label] = *json;
    if (std::string found = describeAnalysis(*json); !found.empty())
      say("  " + found);
  }
  return {};
}

Status Runner::runSimulate(const RunBlock &block) {
  auto run = getModel(block);
  if (!run)
    return run.error();
  if (Status failed = folder->commit())
    return failed;
  AnalysisSubject subject = describeSubject(**run);
  const TensorMap *parameters = (*run)->trained ? &*(*run)->trained : nullptr;
  if (!parameters) {
    auto untrained = getUntrained(block, **run);
    if (!untrained)
      return untrained.error();
    parameters = *untrained;
  }
  subject.networks = {{"simulated", parameters}};
  if (const sema::Setting *data = block.find("data"); data && data->value)
    subject.data = toDataOption(*data->value);
  subject.steps = static_cast<int64_t>(block.getNumber("steps", 0));
  subject.samples = static_cast<int64_t>(block.getNumber("samples", 1));
  subject.seed = options.seed.value_or(static_cast<uint64_t>(
      block.getNumber("seed", static_cast<double>(getSeed(block.model)))));
  say(fmt::format("simulate {}: {} steps, {} sample{}", block.model,
                  subject.steps, subject.samples,
                  subject.samples == 1 ? "" : "s"));
  auto simulation = simulate(block, subject);
  if (!simulation)
    return atPlace(block.range, simulation.error());
  for (const std::string &warning : simulation->warnings)
    llvm::errs() << "warning: " << warning << "\n";
  results["simulation"][block.model].update(simulation->json,
                                            /*merge_objects=*/true);
  for (auto &[label, values] : simulation->probes)
    (*run)->probes.insert_or_assign(label, std::move(values));
  auto part = folder->part(block.model);
  if (!part)
    return part.error();
  if (!(*run)->probes.empty())
    if (Status failed =
            writeNpz((part->path() / "probes.npz").string(), (*run)->probes))
      return failed;
  return runSaves(block, subject);
}

Status Runner::run() {
  Status failed = runBlocks();
  if (failed)
    folder->discardUnused();
  return failed;
}

Status Runner::runBlocks() {
  bool any = false;
  for (const RunBlock &block : runnable.getRuns()) {
    if (!isSelected(block))
      continue;
    any = true;
    Status failed;
    if (block.verb == RunBlock::Verb::Train)
      failed = runTrain(block);
    else if (block.verb == RunBlock::Verb::Analyze)
      failed = runAnalyze(block);
    else
      failed = runSimulate(block);
    if (failed)
      return failed;
    if (Status unwritten =
            folder->write("results.json", results.dump(2) + "\n"))
      return unwritten;
  }
  if (any) {
    say(fmt::format("results: {}\nfigures: {}",
                    (folder->path() / "results.json").string(),
                    folder->figures().string()));
    return {};
  }
  return Error{
      options.only.empty()
          ? std::string(
                "the program has no block to run; write `train Model { ... }`")
          : fmt::format(
                "no block is called `{}`; `--only` takes `train`, `analyze` "
                "or the name of a model",
                options.only)};
}
