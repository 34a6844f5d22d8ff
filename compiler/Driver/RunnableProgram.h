//===- RunnableProgram.h - A program to run, compiled or kept ---*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one thing that a run knows of its program. If the object cache holds an
// image of it, nothing is parsed and no MLIR context is made; the program is
// compiled when something is asked for that no earlier run asked for.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_RUNNABLEPROGRAM_H
#define COMPILER_DRIVER_RUNNABLEPROGRAM_H

#include "compiler/Driver/CodeSource.h"
#include "compiler/Driver/Commands.h"
#include "compiler/Driver/Compilation.h"

#include <mutex>

namespace loco {

/// How a program is executed; `cache` and `timings` outlive it.
struct RunnableOptions {
  Target target = Target::CPU;
  ElementType precision = ElementType::F32;
  /// As in MachineOptions.
  int64_t memory = 0;
  std::optional<Products> products;
  ObjectCache *cache = nullptr;
  Timings *timings = nullptr;
};

class RunnableProgram {
public:
  /// Prints all diagnostics of a program that is wrong; null then.
  static std::unique_ptr<RunnableProgram> open(const ProgramOptions &program,
                                               const RunnableOptions &options,
                                               ThreadPool &pool);
  ~RunnableProgram();

  const std::vector<sema::RunBlock> &getRuns() const { return image.runs; }
  /// The names of all systems, which data may come from.
  std::vector<std::string> getSystems() const;
  /// Null if the program has no model of that name.
  const ModelFacts *findModel(llvm::StringRef name) const {
    return image.findModel(name);
  }
  /// All files that source ranges of run blocks refer to.
  const SourceManager &getSources() const { return sources; }
  std::map<std::string, std::string> getSourceTexts() const {
    return image.getSourceTexts();
  }
  const std::string &getSourceHash() const { return image.sourceHash; }

  /// What measures the start; may be null.
  Timings *getTimings() const { return options.timings; }

  /// The model, ready to run; made when it is first asked for and kept.
  Expected<Program *> getProgram(const std::string &model);

private:
  class KeptCode;
  RunnableProgram(const ProgramOptions &program, const RunnableOptions &options,
                  ThreadPool &pool);

  bool load();
  bool compile();
  const sema::Module *getModule();
  ElementType getPrecision(const std::string &model) const;
  Target getTarget(const std::string &model) const;
  Expected<Execution *> getExecution(const std::string &model);
  void save();

  ProgramOptions program;
  RunnableOptions options;
  ThreadPool &pool;
  /// Of systems: they run where their samples are read, which is beside the
  /// work of `pool`.
  ThreadPool readersPool{1};
  /// Held while the program is read, translated or saved: data are read, systems
  /// run, and code is made on other threads.
  std::recursive_mutex turn;
  /// Of Target::CUDA.
  std::optional<GPUCompileOptions> gpu;
  /// Of the image in the cache.
  std::string key;
  ProgramImage image;
  SourceManager sources;
  /// Null as long as the image has been enough.
  std::unique_ptr<Compilation> compilation;
  std::map<std::string, std::unique_ptr<Execution>> executions;
  std::map<std::string, std::unique_ptr<Program>> programs;
};

} // namespace loco

#endif // COMPILER_DRIVER_RUNNABLEPROGRAM_H
