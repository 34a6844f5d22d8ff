//===- RunCommand.cpp - lococ run: a program's blocks, one after the other
//-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Analysis.h"
#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/Execution.h"
#include "compiler/Driver/RunPlanning.h"

#include "loco-c/kernel.h"
#include "loco/Figures.h"
#include "loco/Files.h"
#include "loco/Matching.h"
#include "loco/RunFolder.h"
#include "loco/Training.h"
#include "loco/Versions.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
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
  const sema::Model *model = nullptr;
  std::unique_ptr<Execution> execution;
  TensorMap untrained;
  std::optional<TensorMap> trained;
  /// Data of the last `train` block.
  std::optional<DataOption> data;
};

/// Runs the blocks of one program.
class Runner {
public:
  Runner(const RunOptions &options, const Compilation &compilation,
         ThreadPool &pool)
      : options(options), compilation(compilation), pool(pool) {}

  Status openFolder();
  Status run();

private:
  bool isSelected(const RunBlock &block) const;
  uint64_t getSeed(llvm::StringRef model) const;
  Expected<ModelRun *> getModel(const RunBlock &block);
  Status runTrain(const RunBlock &block);
  Status runAnalyze(const RunBlock &block);
  Status drawLoss(const RunFolder &part, const std::string &model);
  Expected<DataOption> getAnalysisData(const RunBlock &block,
                                       const ModelRun &run) const;
  std::string describeConfiguration() const;
  Error atPlace(SourceRange range, const Error &error) const;
  void say(const std::string &text) const;

  const RunOptions &options;
  const Compilation &compilation;
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
  const SourceManager &sources = compilation.getSources();
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
  for (const RunBlock &block : compilation.getModule()->runs) {
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

/// loco, the compiler it is built on, and the libraries in use.
static std::string describeVersions() {
  Json versions = {{"loco", LOCO_VERSION}, {"llvm", LLVM_VERSION_STRING}};
  for (const auto &[name, version] : runtimeVersions())
    versions[name] = version;
  versions["blas"] = locoKernelBlasName();
  return versions.dump(2) + "\n";
}

Status Runner::openFolder() {
  std::filesystem::path path = options.out;
  if (path.empty())
    path = findFolder(options.file, options.resume);
  RunFolder::Contents contents;
  contents.configuration = describeConfiguration();
  contents.versions = describeVersions();
  contents.sources = compilation.getSourceTexts();
  auto mode = options.resume  ? RunFolder::Mode::Resume
              : options.force ? RunFolder::Mode::Replace
                              : RunFolder::Mode::Create;
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

/// Of starts, draws and order: that of the command line, or of the model's
/// `train` block.
uint64_t Runner::getSeed(llvm::StringRef model) const {
  if (options.seed)
    return *options.seed;
  for (const RunBlock &block : compilation.getModule()->runs)
    if (block.verb == RunBlock::Verb::Train && block.model == model)
      return static_cast<uint64_t>(block.getNumber("seed", 0));
  return 0;
}

Expected<ModelRun *> Runner::getModel(const RunBlock &block) {
  ModelRun &run = models[block.model];
  if (run.model)
    return &run;
  run.model = compilation.getModule()->findModel(block.model);
  ExecutionOptions execution;
  execution.target = options.target;
  execution.precision = options.precision;
  execution.memory = options.memory;
  auto created =
      Execution::create(*run.model, compilation.getSources(), execution, pool);
  if (!created)
    return created.error();
  run.execution = std::move(*created);
  auto initial =
      run.execution->getProgram().initialParameters(getSeed(block.model));
  if (!initial)
    return initial.error();
  run.untrained = std::move(*initial);
  if (!options.init.empty()) {
    auto values = readTensors(options.init);
    if (!values)
      return values.error();
    auto fitted =
        fitParameters(*values, run.execution->getProgram().arguments());
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
    renderDiagnostics(diagnostics, compilation.getSources(), stream);
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
  auto source = DataSource::open(*(*run)->data, plan->seed);
  if (!source)
    return atPlace(data->range, source.error());
  auto part = folder->part(block.model);
  if (!part)
    return part.error();

  TrainingSession session;
  Program &program = (*run)->execution->getProgram();
  session.precision = getPrecision(program) == ElementType::F64 ? "f64" : "f32";
  session.pool = &pool;
  session.folder = &*part;
  session.initialParameters =
      (*run)->trained ? &*(*run)->trained : &(*run)->untrained;
  session.sourceHash = compilation.getSourceHash();
  session.locoVersion = LOCO_VERSION;
  session.title = "train " + block.model;
  session.progress.quiet = options.quiet;
  session.progress.lineInterval = 10;
  session.handleSignals = true;
  for (const sema::Parameter &parameter : (*run)->model->parameters)
    if (parameter.transform == sema::Transform::Relu && !parameter.isFrozen)
      session.reluParameters.push_back(parameter.getStoredName());
  auto summary = train(program, **source, *plan, session);
  if (!summary)
    return summary.error();
  if (summary->interrupted)
    return Error{
        fmt::format("stopped after update {}; go on with `--resume --out {}`",
                    summary->updates, folder->path().string())};
  results["training"][block.model] = {{"updates", summary->updates},
                                      {"last_loss", summary->lastLoss},
                                      {"seconds", summary->seconds}};
  (*run)->trained = std::move(summary->parameters);
  say(fmt::format("trained {}: {} updates in {}, last loss {:.6g}", block.model,
                  summary->updates, formatDuration(summary->seconds),
                  summary->lastLoss));
  return drawLoss(*part, block.model);
}

/// Draws the losses of the metrics.
Status Runner::drawLoss(const RunFolder &part, const std::string &model) {
  auto text = readFile(part.metrics().string());
  if (!text)
    return text.error();
  Series losses{"", {}, {}};
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(*text).split(lines, '\n', -1, /*KeepEmpty=*/false);
  bool allPositive = true;
  for (llvm::StringRef line : lines) {
    Json json = Json::parse(line.begin(), line.end(), nullptr, false);
    if (!json.is_object() || !json["loss"].is_number())
      continue;
    losses.x.push_back(json["update"].get<double>());
    losses.y.push_back(json["loss"].get<double>());
    allPositive &= losses.y.back() > 0;
  }
  if (losses.x.empty())
    return {};
  LinePlotOptions plot;
  plot.xLabel = "update";
  plot.yLabel = "loss";
  plot.logY = allPositive;
  auto figure = linePlotFigure({losses}, plot);
  if (!figure)
    return figure.error();
  return figure->write(
      (folder->figures() / ("loss_" + model + ".png")).string());
}

/// The samples of an `analyze` block: its own `data`, or those held out from
/// the data of training.
Expected<DataOption> Runner::getAnalysisData(const RunBlock &block,
                                             const ModelRun &run) const {
  if (const sema::Setting *data = block.find("data"); data && data->value)
    return toDataOption(*data->value);
  std::optional<DataOption> data = run.data;
  for (const RunBlock &other : compilation.getModule()->runs)
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
  subject.program = &(*run)->execution->getProgram();
  if ((*run)->trained)
    subject.networks.push_back({"trained", &*(*run)->trained});
  subject.networks.push_back({"untrained", &(*run)->untrained});
  if (auto data = getAnalysisData(block, **run))
    subject.data = *data;
  subject.samples = static_cast<int64_t>(block.getNumber("samples", 256));
  subject.seed = getSeed(block.model);
  subject.precision = getPrecision(*subject.program);
  subject.folder = folder->figures().string();
  for (const sema::Setting &setting : block.settings) {
    if (setting.name != "save")
      continue;
    say(fmt::format("analyze {}: {}", block.model, setting.label));
    auto json = runAnalysis(setting, subject);
    if (!json)
      return atPlace(setting.range, json.error());
    results[setting.label] = *json;
  }
  return {};
}

Status Runner::run() {
  bool any = false;
  for (const RunBlock &block : compilation.getModule()->runs) {
    if (!isSelected(block))
      continue;
    any = true;
    Status failed;
    if (block.verb == RunBlock::Verb::Train)
      failed = runTrain(block);
    else if (block.verb == RunBlock::Verb::Analyze)
      failed = runAnalyze(block);
    else
      failed = atPlace(block.range, Error{"`simulate` is not yet supported"});
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

int loco::runProgram(const RunOptions &options) {
  std::unique_ptr<Compilation> compilation = compileProgram(options);
  if (!compilation)
    return 1;
  ThreadPool pool(options.threads);
  Runner runner(options, *compilation, pool);
  Status failed = runner.openFolder();
  if (!failed)
    failed = runner.run();
  return failed ? reportError(failed.message()) : 0;
}
