//===- GPUPlan.h - A model's kernel on a GPU, to look at --------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_GPUPLAN_H
#define COMPILER_DRIVER_GPUPLAN_H

#include "compiler/Driver/Execution.h"
#include "compiler/JIT/CompileGPU.h"

namespace loco {

/// What the assembler says of a kernel.
struct KernelUse {
  /// Of a thread.
  int64_t registers = 0, spillStores = 0, spillLoads = 0;
};

/// Reads the report of `ptxas -v`; nothing if it does not speak of `kernel`.
std::optional<KernelUse> readAssemblerReport(llvm::StringRef report,
                                             llvm::StringRef kernel);

/// Blocks that a multiprocessor of `architecture` has room for at a time, and
/// what share of its threads they are.
struct Occupancy {
  int64_t blocks = 0;
  double share = 0;
};
Occupancy computeOccupancy(llvm::StringRef architecture,
                           const CudaLaunch &launch, int64_t registers);

/// How the kernel that training calls runs on a GPU, and its schedule as text.
/// It is made for the GPU of this machine, for sm_90 if there is none.
struct GPUPlan {
  std::vector<PlanFact> facts;
  std::string schedule;
};
Expected<GPUPlan> describeOnGPU(mlir::ModuleOp module, llvm::StringRef model,
                                ElementType precision, Products products);

} // namespace loco

#endif // COMPILER_DRIVER_GPUPLAN_H
