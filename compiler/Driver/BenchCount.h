//===- BenchCount.h - What a kernel has to do -------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_BENCHCOUNT_H
#define COMPILER_DRIVER_BENCHCOUNT_H

#include "compiler/JIT/CompiledKernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace loco {

/// Work of a function on a batch, counted in its ops as they are planned
/// (`lococ emit planned`), before any of them is fused, tiled or padded.
struct WorkCount {
  /// Multiplications and additions of contractions, convolutions, and sums of
  /// products over neighbourhoods: two for each pair.
  double products = 0;
  /// Additions, multiplications, comparisons ... of single elements, and those
  /// of reductions: one for each element.
  double elementwise = 0;
  /// Values of tanh, exp, sin ...
  double functions = 0;
  /// Random numbers.
  double draws = 0;
  /// Vector instructions that the three above take, times lanes: a division is
  /// 4, tanh is 18.
  double slots = 0;
  /// What the caller gives and takes, each array once.
  double bytesRead = 0, bytesWritten = 0;
  /// Values per step that one loop leaves for another, in one direction.
  double bytesKept = 0;

  /// True where loops end when they are done, and were counted as if they never
  /// were: the attempts of an adaptive solver.
  bool isAtMost = false;

  double getOperations() const { return products + elementwise + functions; }
};

/// Counts a kernel that was compiled with its texts; the number of steps is
/// that of loops without one of their own.
WorkCount countWork(mlir::func::FuncOp planned, const Kernel &kernel,
                    int64_t samples, int64_t steps);

/// Elements of the largest value that the loops over time carry; 0 if none
/// does.
int64_t findLargestCarry(mlir::func::FuncOp planned);

} // namespace loco

#endif // COMPILER_DRIVER_BENCHCOUNT_H
