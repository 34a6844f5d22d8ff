//===- ExecutorState.h - What an executor of a GPU keeps --------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_CUDA_EXECUTORSTATE_H
#define LOCO_RUNTIME_CUDA_EXECUTORSTATE_H

#include "Convolutions.h"
#include "LaunchGraph.h"
#include "Layout.h"
#include "Library.h"
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

/// The kernels of a part; none of a library's call.
struct LoadedPart {
  void *module = nullptr;
  void *kernel = nullptr, *reduceF32 = nullptr, *reduceF64 = nullptr;
  CudaOccupancy occupancy;
};
} // namespace cuda

struct CudaExecutor::State {
  State(cuda::Device &device, const CudaCode &code, int64_t budget);
  ~State();

  Status load();
  Status load(const CudaPart &part, cuda::LoadedPart &loaded);
  Status findLibrary(CudaPart::Kind kind);
  Status arrange(const KernelBatch &batch);
  Status bring(const KernelBatch &batch);
  /// `update`: null if nothing is updated.
  Status run(const KernelBatch &batch, CudaUpdate *update);
  Status bind(CudaUpdate *update);
  Status compute(const KernelBatch &batch);
  Status finish(const KernelBatch &batch);
  Status launchAll(std::vector<std::vector<void *>> &parameters);
  Status launchPart(size_t number, std::vector<void *> &parameters);
  Status callLibrary(const CudaPart &part);
  Expected<int64_t> workspaceNeed(int64_t samples, int64_t steps) const;
  std::vector<uint64_t> listParameters(size_t number, const KernelBatch &batch);
  Status clear(int64_t offset, int64_t bytes);
  void forgetRecordings();
  Status start(void *function, std::vector<void *> &parameters, int64_t grid,
               int64_t threads, int64_t sharedBytes, bool isCooperative);
  Status stageNext();
  std::vector<int64_t> countTeams(int64_t samples) const;
  bool halveTeams(std::vector<int64_t> &teams) const;
  int64_t room() const;

  cuda::Device &device;
  const cuda::Driver &driver;
  CudaCode code;
  int64_t budget;
  std::vector<cuda::LoadedPart> parts;
  /// Null if no part calls them; and what they work with.
  const cuda::Library *library = nullptr;
  const cuda::ConvolutionLibrary *convolutions = nullptr;
  int64_t workspaceBytes = 0;

  cuda::Layout layout;
  /// The arena's, of the last run.
  int64_t generation = -1;
  /// What was recorded, and how often what it stands for has run: once for each
  /// place of a batch where a library reads from it (its launches stay as they
  /// were recorded), else once for both.
  struct Recording {
    explicit Recording(const cuda::Driver &driver) : graph(driver) {}
    cuda::LaunchGraph graph;
    int64_t runs = 0;
  };
  std::vector<std::unique_ptr<Recording>> recordings;
  bool readsBatch = false;
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
