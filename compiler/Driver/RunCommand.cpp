//===- RunCommand.cpp - lococ run: a program, its folder and its seeds
//-----===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/RunPlanning.h"
#include "compiler/Driver/RunReports.h"
#include "compiler/Driver/Runner.h"
#include "compiler/Driver/SeedSummary.h"
#include "compiler/Driver/SystemSources.h"

#include "loco/Training.h"

#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

using namespace loco;
using Json = nlohmann::ordered_json;
using sema::RunBlock;

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
// Seeds
//===----------------------------------------------------------------------===//

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
    if (failed) {
      folder->discardUnused();
      return failed;
    }
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
  chosen.products = options.products;
  if (Status failed = checkProducts(options.target, options.products))
    return reportError(failed.message());
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
