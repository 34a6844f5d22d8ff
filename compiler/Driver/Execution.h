//===- Execution.h - From a checked model to something that runs ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_EXECUTION_H
#define COMPILER_DRIVER_EXECUTION_H

#include "compiler/Conversion/Products.h"
#include "compiler/Driver/RandomDraws.h"
#include "compiler/Sema/Model.h"
#include "loco/Program.h"
#include "loco/ThreadPool.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>

namespace loco {

class ObjectCache;
class SourceManager;
class Timings;

/// What executes a model.
enum class Target {
  /// The reference interpreter, always in f64.
  Reference,
  /// Compiled for the host's processor.
  CPU,
  /// Compiled for the machine's first NVIDIA GPU.
  CUDA,
};

struct ExecutionOptions {
  Target target = Target::CPU;
  /// F32 or F64.
  ElementType precision = ElementType::F32;
  /// Bytes of scratch memory (of a GPU: of its memory) that a call may use; 0:
  /// what the plan finds best.
  int64_t memory = 0;
  /// As in MachineOptions.
  std::optional<Products> products;
  DrawMode draws = DrawMode::Generated;
  /// Of the interpreter: how far every number is moved as if by rounding.
  double roundingNoise = 0;
  /// Where object code is looked for first, and what measures; both may be
  /// null.
  ObjectCache *cache = nullptr;
  Timings *timings = nullptr;
};

/// One line of the plan that `explain` shows: `left the time loop`, and what.
struct PlanFact {
  std::string subject;
  std::string text;
};

/// A model ready to run, with the MLIR context that its code lives in.
class Execution {
public:
  /// Generates code for `model`. An error is the generator's own diagnostic.
  static Expected<std::unique_ptr<Execution>>
  create(const sema::Model &model, const SourceManager &sources,
         const ExecutionOptions &options, ThreadPool &pool);
  ~Execution();

  Program &getProgram() { return *program; }
  /// The model as IR (docs/ModelIR.md), before any pass; its draws as `draws`
  /// says.
  mlir::ModuleOp getModule() { return *module; }
  /// What was decided about the execution, in the order to be shown: what left
  /// the time loop, how gradients are made, bytes.
  const std::vector<PlanFact> &getPlanFacts() const { return planFacts; }

private:
  Execution();

  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<Program> program;
  std::vector<PlanFact> planFacts;
};

} // namespace loco

#endif // COMPILER_DRIVER_EXECUTION_H
