//===- Pipelines.h - Every ordering of passes -------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_PIPELINES_PIPELINES_H
#define COMPILER_PIPELINES_PIPELINES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

namespace loco {

/// Adds the dialects that loco uses from model to machine code, with the
/// extensions that our passes rely on. They are loaded on first use.
void registerLocoDialects(mlir::DialectRegistry &registry);

/// From what the front end emits to functions that can be differentiated,
/// interpreted and planned: derivatives inside of models become ops.
void buildModelPipeline(mlir::OpPassManager &modulePasses);

/// Runs that pipeline. Fails, with a diagnostic, at an op without a derivative.
mlir::LogicalResult prepareModel(mlir::ModuleOp module);

/// What a forward loop leaves for the reverse one, in the order of memory.
enum class ResidualPolicy {
  /// What is expensive to compute, of every step.
  Store,
  /// The carries of every step.
  Recompute,
  /// The carries at the start of every segment of the steps.
  Checkpoint,
};

/// What follows reverse-mode differentiation, on the function it made: decides
/// what the reverse loops read, then simplifies. Comes first: it needs the
/// pairs of loops as they were made.
void buildResidualsPipeline(mlir::OpPassManager &functionPasses,
                            ResidualPolicy policy);

/// From a function of one sample to what the schedule of a kernel expects:
/// calls inlined, loops free of what they need not do, large products out of
/// them. `convolutions`: elements of a kernel from which on convolutions leave
/// the loops, too; 0: none does.
void buildPlanPipeline(mlir::OpPassManager &modulePasses,
                       int64_t convolutions = 0);

/// From emitted kernels to the llvm dialect.
void buildLoweringPipeline(mlir::OpPassManager &modulePasses);

/// From emitted kernels of a GPU, in gpu.module ops, to the llvm and nvvm
/// dialects.
void buildGPULoweringPipeline(mlir::OpPassManager &modulePasses);

/// Makes our passes and pipelines known by name, and those of upstream that go
/// with them (canonicalize, cse, inline, conversions).
void registerLocoPasses();

} // namespace loco

#endif // COMPILER_PIPELINES_PIPELINES_H
