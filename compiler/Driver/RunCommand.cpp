//===- RunCommand.cpp - lococ run: a program's blocks, one after the other
//-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Analysis.h"
#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/LossFigure.h"
#include "compiler/Driver/RunPlanning.h"
#include "compiler/Driver/RunReports.h"
#include "compiler/Driver/RunnableProgram.h"
#include "compiler/Driver/SeedSummary.h"
#include "compiler/Driver/Simulation.h"
#include "compiler/Driver/SystemSources.h"
#include "compiler/Driver/TrainingData.h"

#include "loco/Files.h"
#include "loco/Matching.h"
#include "loco/RunFolder.h"
#include "loco/Training.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>

using namespace loco;
using Json = nlohmann::ordered_json;
using sema::RunBlock;

namespace {
/// One model of the program, with what the blocks so far made of it.
struct ModelRun {
  const ModelFacts *model = nullptr;
  Program *program = nullptr;
  TensorMap untrained;
  std::optional<TensorMap> trained;
  /// Data of the last `train` block.
  std::optional<DataOption> data;
  /// What `simulate` blocks recorded.
  TensorMap probes;
};

/// Runs the blocks of one program.
class Runner {
public:
  Runner(const RunOptions &options, RunnableProgram &runnable, ThreadPool &pool)
      : options(options), runnable(runnable), pool(pool) {}

  /// Opens the run folder at `path`; first of all.
  Status openFolder(const std::filesystem::path &path, RunFolder::Mode mode);
  /// Runs all blocks, in the folder.
  Status run();
  /// Runs all blocks once for each of the seeds from `first` on, each in a
  /// folder of its own below the run folder.
  Status runSeeds(uint64_t first, int64_t number);

  /// The seed of the first `train` block, or of the first that has one.
  uint64_t getFirstSeed() const;

private:
  bool isSelected(const RunBlock &block) const;
  uint64_t getSeed(llvm::StringRef model) const;
  Expected<ModelRun *> getModel(const RunBlock &block);
  Status runTrain(const RunBlock &block);
  Status runAnalyze(const RunBlock &block);
  Status runSimulate(const RunBlock &block);
  Status runSaves(const RunBlock &block, const AnalysisSubject &subject);
  Expected<DataOption> getAnalysisData(const RunBlock &block,
                                       const ModelRun &run) const;
  std::string describeConfiguration() const;
  std::string describeResume() const;
  Error atPlace(SourceRange range, const Error &error) const;
  void say(const std::string &text) const;

  const RunOptions &options;
  RunnableProgram &runnable;
  ThreadPool &pool;
  std::optional<RunFolder> folder;
  std::map<std::string, ModelRun> models;
  Json results;
};
} // namespace

void Runner::say(const std::string &text) const {
  if (!options.quiet)
    llvm::errs() << text << "\n";
}

/// Puts `file:line:column` in front of a message about a block.
Error Runner::atPlace(SourceRange range, const Error &error) const {
  const SourceManager &sources = runnable.getSources();
  LineColumn place = sources.getLineColumn(range.file, range.begin);
  return Error{fmt::format("{}:{}:{}: {}", sources.getName(range.file).str(),
                           place.line, place.column, error.message)};
}

//===----------------------------------------------------------------------===//
// The folder
//===----------------------------------------------------------------------===//

/// The folder of a run that names none: `runs/name`, `runs/name-2`, ... the
/// first that is not there, or, to resume, the last that is.
static std::filesystem::path findFolder(const std::string &file,
                                        bool existing) {
  std::string stem = std::filesystem::path(file).stem().string();
  std::filesystem::path path = std::filesystem::path("runs") / stem,
                        last = path;
  for (int number = 2; std::filesystem::exists(path); ++number) {
    last = path;
    path = std::filesystem::path("runs") / fmt::format("{}-{}", stem, number);
  }
  return existing ? last : path;
}

/// Everything that the run depends on, beside the source itself.
std::string Runner::describeConfiguration() const {
  Json json = {
      {"file", std::filesystem::path(options.file).filename().string()},
      {"threads", pool.numThreads()},
      {"precision", options.precision == ElementType::F64 ? "f64" : "f32"},
      {"memory", options.memory}};
  if (options.seed)
    json["seed"] = *options.seed;
  Json set = Json::object();
  for (const sema::Override &override : options.overrides)
    set[override.name] = override.value;
  json["set"] = set;
  for (const RunBlock &block : runnable.getRuns()) {
    if (block.verb != RunBlock::Verb::Train)
      continue;
    DiagnosticEngine ignored;
    if (auto plan = planTraining(block, ignored)) {
      plan->seed = options.seed.value_or(plan->seed);
      json["train"][block.model] = Json::parse(plan->toJson(), nullptr, false);
    }
  }
  return json.dump(2) + "\n";
}

Status Runner::openFolder(const std::filesystem::path &path,
                          RunFolder::Mode mode) {
  Timings::Phase phase(runnable.getTimings(), "run folder");
  RunFolder::Contents contents;
  contents.configuration = describeConfiguration();
  contents.versions = describeVersions();
  contents.sources = runnable.getSourceTexts();
  auto opened = RunFolder::open(path, mode, contents);
  if (!opened)
    return opened.error();
  folder = *opened;
  std::error_code ignored;
  std::filesystem::create_directories(folder->figures(), ignored);
  say(fmt::format("run folder: {}", path.string()));
  return {};
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

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
  auto initial = (*program)->initialParameters(getSeed(block.model));
  if (!initial)
    return initial.error();
  run.untrained = std::move(*initial);
  if (!options.init.empty()) {
    auto values = readTensors(options.init);
    if (!values)
      return values.error();
    auto fitted = fitParameters(*values, run.program->arguments());
    if (!fitted)
      return fitted.error();
    run.trained = std::move(*fitted);
  }
  return &run;
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
  session.initialParameters =
      (*run)->trained ? &*(*run)->trained : &(*run)->untrained;
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

Status Runner::runAnalyze(const RunBlock &block) {
  auto run = getModel(block);
  if (!run)
    return run.error();
  if (Status failed = folder->commit())
    return failed;
  AnalysisSubject subject;
  subject.model = (*run)->model;
  subject.program = (*run)->program;
  if ((*run)->trained)
    subject.networks.push_back({"trained", &*(*run)->trained});
  subject.networks.push_back({"untrained", &(*run)->untrained});
  if (auto data = getAnalysisData(block, **run))
    subject.data = *data;
  subject.samples = static_cast<int64_t>(block.getNumber("samples", 256));
  subject.seed = getSeed(block.model);
  subject.precision = getPrecision(*subject.program);
  subject.folder = folder->figures().string();
  subject.metrics = (folder->path() / block.model / "metrics.jsonl").string();
  return runSaves(block, subject);
}

/// The analyses that a block asks for.
Status Runner::runSaves(const RunBlock &block, const AnalysisSubject &subject) {
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
  AnalysisSubject subject;
  subject.model = (*run)->model;
  subject.program = (*run)->program;
  const TensorMap &parameters =
      (*run)->trained ? *(*run)->trained : (*run)->untrained;
  subject.networks = {{"simulated", &parameters}};
  if (const sema::Setting *data = block.find("data"); data && data->value)
    subject.data = toDataOption(*data->value);
  subject.steps = static_cast<int64_t>(block.getNumber("steps", 0));
  subject.samples = static_cast<int64_t>(block.getNumber("samples", 1));
  subject.seed = options.seed.value_or(static_cast<uint64_t>(
      block.getNumber("seed", static_cast<double>(getSeed(block.model)))));
  subject.precision = getPrecision(*subject.program);
  subject.folder = folder->figures().string();
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

/// What to add to the command line to go on with this run.
std::string Runner::describeResume() const {
  std::filesystem::path path = folder->path();
  if (options.seeds == 0)
    return fmt::format("--resume --out {}", path.string());
  return fmt::format("--resume --seeds {} --out {}", options.seeds,
                     path.parent_path().string());
}

uint64_t Runner::getFirstSeed() const {
  if (options.seed)
    return *options.seed;
  for (const RunBlock &block : runnable.getRuns())
    if (block.find("seed"))
      return static_cast<uint64_t>(block.getNumber("seed", 0));
  return 0;
}

Status Runner::runSeeds(uint64_t first, int64_t number) {
  if (Status failed = folder->commit())
    return failed;
  Json seeds = Json::array();
  std::vector<Json> all;
  for (int64_t i = 0; i < number; ++i) {
    RunOptions one = options;
    one.seed = first + static_cast<uint64_t>(i);
    say(fmt::format("seed {}, {} of {}", *one.seed, i + 1, number));
    std::filesystem::path path =
        folder->path() / fmt::format("seed-{}", *one.seed);
    // Of an interrupted sweep some seeds have not begun.
    bool goesOn = options.resume && std::filesystem::exists(path);
    Runner runner(one, runnable, pool);
    Status failed = runner.openFolder(path, goesOn ? RunFolder::Mode::Resume
                                                   : RunFolder::Mode::Create);
    if (!failed)
      failed = runner.run();
    if (failed)
      return failed;
    seeds.push_back(*one.seed);
    all.push_back(runner.results);
  }
  results = {{"seeds", seeds}};
  results.update(summarizeSeeds(all));
  say(fmt::format("results of all seeds: {}",
                  (folder->path() / "results.json").string()));
  return folder->write("results.json", results.dump(2) + "\n");
}

int loco::runProgram(const RunOptions &options) {
  Timings timings;
  timings.setLoud(options.timings);
  ObjectCache cache =
      options.useCache ? ObjectCache::ofUser() : ObjectCache::off("not wanted");
  ThreadPool pool(options.threads);
  RunnableOptions chosen;
  chosen.target = options.target;
  chosen.precision = options.precision;
  chosen.memory = options.memory;
  chosen.cache = &cache;
  chosen.timings = &timings;
  auto program = RunnableProgram::open(options, chosen, pool);
  if (!program)
    return 1;
  auto systems = SystemSources::registerAll(
      program->getSystems(),
      [&](const std::string &name) { return program->getProgram(name); });
  if (!systems)
    return reportError(systems.error().message);
  Runner runner(options, *program, pool);
  std::filesystem::path path = options.out;
  if (path.empty())
    path = findFolder(options.file, options.resume);
  Status failed =
      runner.openFolder(path, options.resume  ? RunFolder::Mode::Resume
                              : options.force ? RunFolder::Mode::Replace
                                              : RunFolder::Mode::Create);
  if (!failed)
    failed = options.seeds > 0
                 ? runner.runSeeds(runner.getFirstSeed(), options.seeds)
                 : runner.run();
  if (options.timings)
    llvm::errs() << "object cache: " << cache.describe() << "\n";
  return failed ? reportError(failed.message()) : 0;
}
