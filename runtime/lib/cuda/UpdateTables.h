//===- UpdateTables.h - What an optimiser's kernels are told ----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Read by kernels (compiler/Conversion/LocoToGPU/UpdateKernels.cpp), which know
// members by their order.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_CUDA_UPDATETABLES_H
#define LOCO_RUNTIME_CUDA_UPDATETABLES_H

#include <cstdint>

namespace loco::cuda {

/// Threads of a block of all kernels of updates.
inline constexpr int64_t updateThreads = 256;

/// Some elements of a parameter: addresses of the first of them.
struct UpdatePiece {
  uint64_t values = 0, gradient = 0;
  /// What the optimiser remembers, as far as it does.
  uint64_t first = 0, second = 0;
  int64_t count = 0;
  double rate = 0, coupledDecay = 0, decoupledDecay = 0;
};
static_assert(sizeof(UpdatePiece) == 8 * 8);

/// What all parameters have in common; the first three
/// change from update to update.
struct UpdateNumbers {
  double rateFactor = 1, stepCorrection = 1, rootCorrection = 1;
  double clipValue = 0, clipNorm = 0;
  double beta1 = 0, beta2 = 0, epsilon = 0;
  double momentum = 0, nesterov = 0;
};
static_assert(sizeof(UpdateNumbers) == 10 * 8);

/// What came of an update.
struct UpdateOutcome {
  /// Of the gradients, before any clipping; and what they are multiplied by.
  double norm = 0, scale = 1;
  /// 1, or 0 if something was not finite: nothing is updated then.
  double isGood = 0;
};

/// Numbers that `sums` of the kernels has.
inline int64_t updateSums(int64_t pieces, int64_t parts) {
  return 2 * pieces * parts + updateThreads;
}

} // namespace loco::cuda

#endif // LOCO_RUNTIME_CUDA_UPDATETABLES_H
