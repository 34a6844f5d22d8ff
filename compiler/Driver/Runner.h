//===- Runner.h - The blocks of a program, run --------------------*- C++
//-*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `lococ run` does once the program is open: its blocks, one after the
// other, in a run folder.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_RUNNER_H
#define COMPILER_DRIVER_RUNNER_H

#include "compiler/Driver/Analysis.h"
#include "compiler/Driver/Commands.h"
#include "compiler/Driver/RunnableProgram.h"
#include "loco/RunFolder.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>

namespace loco {

/// One model of the program, with what the blocks so far made of it.
struct ModelRun {
  const ModelFacts *model = nullptr;
  Program *program = nullptr;
  /// As the model draws them; none while nobody needs them.
  std::optional<TensorMap> untrained;
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
  /// Runs all blocks, in the folder. A run that fails before it has anything to
  /// keep leaves no folder.
  Status run();
  /// Runs all blocks once for each of the seeds from `first` on, each in a
  /// folder of its own below the run folder.
  Status runSeeds(uint64_t first, int64_t number);

  /// The seed of the first `train` block, or of the first that has one.
  uint64_t getFirstSeed() const;

private:
  using Json = nlohmann::ordered_json;
  using RunBlock = sema::RunBlock;

  Status runBlocks();
  bool isSelected(const RunBlock &block) const;
  uint64_t getSeed(llvm::StringRef model) const;
  Expected<ModelRun *> getModel(const RunBlock &block);
  Expected<const TensorMap *> getUntrained(const RunBlock &block,
                                           ModelRun &run);
  Status runTrain(const RunBlock &block);
  Status runAnalyze(const RunBlock &block);
  Status runSimulate(const RunBlock &block);
  AnalysisSubject describeSubject(const ModelRun &run) const;
  Status runSaves(const RunBlock &block, AnalysisSubject subject);
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

} // namespace loco

#endif // COMPILER_DRIVER_RUNNER_H
