//===- Commands.h - What the command line offers -------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One options struct and one function for each subcommand of `lococ`, so that
// the program itself only reads options. Every function writes its report to
// standard output and what went wrong to standard error as `error: ...`, or as
// a message with its place in the program. It returns the exit code: 0, or 1
// for a mistake of the user or of the world.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_COMMANDS_H
#define COMPILER_DRIVER_COMMANDS_H

#include "compiler/Driver/Execution.h"
#include "compiler/Sema/Sema.h"

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace loco {

/// A program and what changes it before it is checked.
struct ProgramOptions {
  std::string file;
  /// The model meant; empty where the file has one only.
  std::string model;
  /// `-I`.
  std::vector<std::string> includeFolders;
  /// `--set name=value`.
  sema::Overrides overrides;
};

/// How models are executed.
struct MachineOptions {
  Target target = Target::CPU;
  /// What the target prefers (f64 of the interpreter, f32 of all others) if
  /// not given.
  std::optional<ElementType> precision;
  /// 0: as many as the process may use.
  int threads = 0;
  /// Bytes of scratch memory; 0: what the plan finds best.
  int64_t memory = 0;
  /// What matrix products multiply; what the target takes by itself if not
  /// given.
  std::optional<Products> products;
};

/// Numbers that a model is evaluated at.
struct ValueOptions {
  /// A .npz or .safetensors file; empty: the model's own initial values.
  std::string parameters;
  /// A .npz file; what it is in place of depends on the command.
  std::string inputs;
  uint64_t seed = 0;
  /// Numbers of samples and steps where no inputs say them.
  std::optional<int64_t> samples, steps;
};

struct CheckOptions {
  ProgramOptions program;
};
int checkProgram(const CheckOptions &options);

struct ExplainOptions {
  /// Without a model all are explained.
  ProgramOptions program;
  MachineOptions machine;
  /// Print nothing but what is lost in the loops, a line each.
  bool remarksOnly = false;
};
int explainProgram(const ExplainOptions &options);

/// A form that a program takes on its way to machine code.
struct Phase {
  const char *name;
  const char *description;
};
/// All that `emit` knows, in the order in which a program passes them.
llvm::ArrayRef<Phase> getPhases();

struct EmitOptions {
  std::string phase;
  ProgramOptions program;
  MachineOptions machine;
  /// What code for a GPU is made for: `sm_90`.
  std::string architecture = "sm_90";
  /// Blocks that share a sample, samples that share a block; 0: chosen.
  int64_t blocksPerSample = 0, samplesPerBlock = 0;
  /// That code is divided at what cuBLAS and cuDNN make, as where they are.
  bool hasLibraries = false;
  /// The part of it to show, from 1; 0: all of them.
  int64_t part = 0;
  /// A file to write to; empty: standard output.
  std::string out;
};
int emitProgram(const EmitOptions &options);

struct EvaluateOptions {
  ProgramOptions program;
  MachineOptions machine;
  ValueOptions values;
  /// Files of random draws (`random.0` ...) to write, or to read in place of
  /// drawing. At most one of the two.
  std::string recordRandom, random;
  /// A .npz file for everything that is computed.
  std::string out;
  /// As in RunOptions.
  bool useCache = true;
};
/// `eval`: loss, outputs and states over time.
int evaluateModel(const EvaluateOptions &options);
/// `grad`: the same, and the gradient of the mean loss by every learned
/// parameter and every input that is a number.
int differentiateModel(const EvaluateOptions &options);

struct GradCheckOptions {
  ProgramOptions program;
  ValueOptions values;
};
/// Holds forward and reverse mode to finite differences, on the interpreter.
int checkGradientsOfModel(const GradCheckOptions &options);

struct VerifyOptions {
  ProgramOptions program;
  MachineOptions machine;
  ValueOptions values;
};
/// Holds compiled code to the interpreter.
int verifyModel(const VerifyOptions &options);

struct BenchOptions {
  /// Without a model all are measured.
  ProgramOptions program;
  MachineOptions machine;
  /// In place of what the `train` block and its data say.
  std::optional<int64_t> batch, steps;
  uint64_t seed = 0;
  /// Repetitions of each direction; as many as fit a second or two if not
  /// given.
  std::optional<int64_t> repeat;
  /// Inputs that the gradient is taken by, besides all that is learned.
  std::vector<std::string> inputs;
  /// For scripts, in place of text.
  bool json = false;
  /// Adds to it where the time goes, which text always says.
  bool nests = false;
  /// As in RunOptions.
  bool useCache = true;
};
/// Times the loss and its gradient, and holds them to the machine's peaks.
int benchModels(const BenchOptions &options);

struct RunOptions : ProgramOptions {
  Target target = Target::CPU;
  ElementType precision = ElementType::F32;
  /// As in MachineOptions.
  int threads = 0;
  int64_t memory = 0;
  std::optional<Products> products;
  /// In place of the seed that the program gives.
  std::optional<uint64_t> seed;
  /// Runs the program with so many seeds, one after the other; 0: once.
  int64_t seeds = 0;
  /// A file of parameters to begin with.
  std::string init;
  /// The run folder; empty: a name made from the program's.
  std::string out;
  bool resume = false;
  /// Replaces a run that is there.
  bool force = false;
  /// The blocks to run, by their model's name or their verb; empty: all.
  std::string only;
  bool quiet = false;
  /// Takes code of earlier runs from the object cache, and keeps it there.
  bool useCache = true;
  /// Says where the time of the start went.
  bool timings = false;
};
/// Runs the `train`, `simulate` and `analyze` blocks of a program in order.
int runProgram(const RunOptions &options);

} // namespace loco

#endif // COMPILER_DRIVER_COMMANDS_H
