//===- KernelPlan.h - A model's kernel, to look at -----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_KERNELPLAN_H
#define COMPILER_DRIVER_KERNELPLAN_H

#include "compiler/Driver/Execution.h"
#include "compiler/JIT/CompileGPU.h"
#include "compiler/Pipelines/Pipelines.h"

namespace loco {

/// The kernel that training calls, with the texts of all stages: the loss and
/// its gradient by the learned parameters. Of a model without a loss (or
/// without parameters): all its results. `module` is the model as IR and is
/// not changed. With `scheduleOnly` no code is made.
Expected<std::unique_ptr<CompiledKernel>>
compileToLookAt(mlir::ModuleOp module, llvm::StringRef model,
                ElementType precision, std::optional<Products> products,
                bool scheduleOnly = false, bool manySamples = false);

/// The kernel that answers `request`, made as `options` say.
Expected<std::unique_ptr<CompiledKernel>>
compileToLookAt(mlir::ModuleOp module, llvm::StringRef model,
                const Request &request, ElementType precision,
                CPUOptions options);

/// The kernel that training calls with loops that keep what `policy` says,
/// planned, without code.
Expected<std::unique_ptr<CompiledKernel>>
planToLookAt(mlir::ModuleOp module, llvm::StringRef model,
             ElementType precision, std::optional<Products> products,
             ResidualPolicy policy, bool manySamples);

/// The same kernel for a GPU.
Expected<GPUObject> compileToLookAtForGPU(mlir::ModuleOp module,
                                          llvm::StringRef model,
                                          ElementType precision,
                                          const GPUCompileOptions &options);

/// What was decided about that kernel: what left the time loop, what the
/// backward loop reads, bytes.
std::vector<PlanFact> describeKernel(const CompiledKernel &kernel,
                                     ElementType precision,
                                     mlir::MLIRContext &context);

} // namespace loco

#endif // COMPILER_DRIVER_KERNELPLAN_H
