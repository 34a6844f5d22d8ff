//===- BenchNests.h - Where the time of a kernel goes -----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_BENCHNESTS_H
#define COMPILER_DRIVER_BENCHNESTS_H

#include "compiler/Driver/Signature.h"
#include "compiler/JIT/CompiledKernel.h"
#include "loco/ThreadPool.h"

namespace loco {

/// Nests of one place in the program, in one loop over time.
struct NestShare {
  TimedNest nest;
  /// Of the time of all nests.
  double share = 0;
};

/// Runs `kernel`, which was compiled with `timeNests`, on a batch, and says
/// what its nests take: the largest first. `planned` is its function with the
/// names of arguments.
Expected<std::vector<NestShare>> timeNests(const CompiledKernel &kernel,
                                           mlir::func::FuncOp planned,
                                           const TensorMap &parameters,
                                           const Batch &batch, uint64_t seed,
                                           ThreadPool &pool);

} // namespace loco

#endif // COMPILER_DRIVER_BENCHNESTS_H
