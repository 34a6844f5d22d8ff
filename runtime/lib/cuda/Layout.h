//===- Layout.h - Where a batch is in device memory -------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_CUDA_LAYOUT_H
#define LOCO_RUNTIME_CUDA_LAYOUT_H

#include "Device.h"

namespace loco::cuda {

/// Of one part of the code: how many teams it has, their sums, and scratch
/// memory; steps of a segment, 0: all.
struct PartLayout {
  int64_t teams = 0, segment = 0, scratchStride = 0;
  std::vector<int64_t> sums;
};

/// Places in the arena, in this order: what all samples share; the samples of
/// a batch and their numbers, once or twice, so that a second batch can arrive
/// while the first is worked on; results; arrays between parts, which share
/// memory where they are not needed at the same time; sums of each team;
/// scratch memory, of one part at a time.
struct Layout {
  int64_t samples = -1, steps = -1;
  /// Of each argument: its place, for what is per sample counted from the
  /// beginning of the batch's place, and its size.
  std::vector<int64_t> arguments, argumentBytes;
  std::vector<int64_t> results, resultBytes, between;
  std::vector<PartLayout> parts;
  /// Places of the batches, and that of the samples' numbers in them.
  int64_t batches[2] = {0, 0}, index = 0;
  bool hasSpare = false;
  int64_t sumsBegin = 0, sumsBytes = 0;
  int64_t scratch = 0;
  int64_t bytes = 0;

  /// For grids of so many teams; `workspace`: bytes that a library works with.
  static Layout make(const CudaCode &code, int64_t samples, int64_t steps,
                     const std::vector<int64_t> &teams, bool hasSpare,
                     int64_t workspace);

  /// Where an array is; samples in the batch's place `place`.
  int64_t find(const CudaCode &code, const CudaArray &array, int place) const;

  /// What is copied to the device of a batch: what all samples share, but for
  /// arguments that are there already, or what is per sample. `arena`: its
  /// address.
  std::vector<Transfer> shared(const CudaCode &code, const KernelBatch &batch,
                               const std::vector<bool> &isThere,
                               uint64_t arena) const;
  std::vector<Transfer> perSample(const CudaCode &code,
                                  const KernelBatch &batch, int place,
                                  uint64_t arena) const;
  /// The results that are wanted (empty: all of them), or those that are not.
  std::vector<Transfer> resultsOf(const KernelBatch &batch,
                                  const std::vector<bool> &isWanted,
                                  bool areWanted, uint64_t arena) const;
};

} // namespace loco::cuda

#endif // LOCO_RUNTIME_CUDA_LAYOUT_H
