//===- Parameters.h - Parameters that stay on the device --------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_CUDA_PARAMETERS_H
#define LOCO_RUNTIME_CUDA_PARAMETERS_H

#include "Device.h"
#include "UpdateTables.h"
#include "loco/CudaUpdates.h"

namespace loco {

/// Places in one piece of memory: values and state of what is learned, values
/// of what is not, and the tables of the update's kernels. Whoever calls holds
/// Device::turn.
struct CudaParameters::State {
  State(cuda::Device &device, const OptimizerOptions &options)
      : device(device), options(options) {}
  ~State();

  /// Loads the kernels, takes memory and copies the parameters there. Takes
  /// none if there is not enough.
  Status start(const CudaUpdateCode &code,
               const std::vector<CudaParameter> &parameters, int64_t budget);

  uint64_t address(size_t parameter) const { return places[parameter].values; }

  /// Sets the update's numbers, and where the gradients are: before what is
  /// given to the compute stream next.
  Status prepare(const CudaUpdate &update,
                 const std::vector<uint64_t> &gradientsNow);
  /// Gives the update to the compute stream, behind the gradients.
  Status launch(uint64_t losses, int64_t samples);
  /// What is copied back.
  cuda::Transfer outcomeTo(cuda::UpdateOutcome &found) const;
  void add(const std::vector<Wanted> &wanted,
           std::vector<cuda::Transfer> &transfers) const;

  struct Place {
    uint64_t values = 0;
    int64_t bytes = 0, elements = 0;
    std::vector<uint64_t> state;
    bool isLearned = false;
    ParameterFactors factors;
  };
  cuda::Device &device;
  OptimizerOptions options;
  int64_t width = 4;
  std::vector<Place> places;
  uint64_t memory = 0;
  int64_t bytes = 0, learnedBytes = 0;

private:
  Status load(const CudaUpdateCode &code);
  Status startKernel(void *function, std::vector<uint64_t> arguments,
                     int64_t blocks);

  void *module = nullptr, *squares = nullptr, *norm = nullptr, *rule = nullptr;
  uint64_t pieces = 0, numbers = 0, sums = 0, outcome = 0;
  std::vector<cuda::UpdatePiece> table;
  /// Those that the table on the device names.
  std::vector<uint64_t> gradients;
};

} // namespace loco

#endif // LOCO_RUNTIME_CUDA_PARAMETERS_H
