//===- ExecutorState.h - What an executor of a GPU keeps --------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_CUDA_EXECUTORSTATE_H
#define LOCO_RUNTIME_CUDA_EXECUTORSTATE_H

#include "LaunchGraph.h"
#include "Layout.h"
#include "Parameters.h"

namespace loco {

namespace cuda {
/// A batch that was announced: its arrays, and which samples it has.
struct Announced {
  KernelBatch batch;
  std::vector<uint64_t> samples;
  bool isSet = false;

  void set(const KernelBatch &next) {
    batch = next;
    samples.clear();
    if (next.sampleIndex)
      samples.assign(next.sampleIndex, next.sampleIndex + next.samples);
    isSet = true;
  }
  /// True if `other` is that batch.
  bool isSame(const Kernel &kernel, const KernelBatch &other) const;
};

} // namespace cuda

struct CudaExecutor::State {
  State(cuda::Device &device, const CudaCode &code, int64_t budget)
      : device(device), driver(device.driver()), code(code), budget(budget),
        graph(device.driver()) {}
  ~State();

  Status load();
  Status arrange(const KernelBatch &batch);
  Status bring(const KernelBatch &batch);
  /// `update`: null if nothing is updated.
  Status run(const KernelBatch &batch, CudaUpdate *update);
  Status bind(CudaUpdate *update);
  Status compute(const KernelBatch &batch);
  Status finish(const KernelBatch &batch);
  Status launchAll(std::vector<void *> &parameters);
  Status start(void *function, std::vector<void *> &parameters, int64_t grid,
               int64_t threads, int64_t sharedBytes);
  Status stageNext();
  int64_t countTeams(int64_t samples) const;
  int64_t wholeBlocks(int64_t teams) const;
  int64_t room() const;

  cuda::Device &device;
  const cuda::Driver &driver;
  CudaCode code;
  int64_t budget;
  CudaOccupancy occupancy;
  void *module = nullptr;
  void *kernel = nullptr, *reduceF32 = nullptr, *reduceF64 = nullptr;

  cuda::Layout layout;
  /// The arena's, of the last run.
  int64_t generation = -1;
  /// Runs with this layout.
  int64_t runs = 0;
  cuda::LaunchGraph graph;
  bool canRecord = true, canHaveSpare = true;

  /// Of the batch at hand; null if nothing is updated.
  CudaUpdate *update = nullptr;
  /// Whose update is part of what was recorded.
  const void *updated = nullptr;
  /// Addresses of arguments that are on the device already, else 0.
  std::vector<uint64_t> resident;

  /// Where the samples of the batch at hand are.
  int place = 0;
  /// What comes next, as far as it is known, and what is in the other place.
  cuda::Announced next, staged;
  /// Recorded behind the copy of what is staged.
  void *arrived = nullptr;
};

} // namespace loco

#endif // LOCO_RUNTIME_CUDA_EXECUTORSTATE_H
