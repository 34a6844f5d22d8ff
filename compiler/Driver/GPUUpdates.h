//===- GPUUpdates.h - An optimiser's updates on a GPU -----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parameters that stay on a GPU, by their names: what a CudaUpdate says with
// numbers of arguments and results.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_GPUUPDATES_H
#define COMPILER_DRIVER_GPUUPDATES_H

#include "compiler/Driver/Signature.h"
#include "loco/CudaUpdates.h"
#include "loco/Optimizer.h"

namespace loco {

class GPUUpdates {
public:
  /// Copies parameters and state to the GPU. `memory`: bytes of its memory that
  /// may be used, 0: what is free. Null if there is no room.
  static Expected<std::unique_ptr<GPUUpdates>>
  create(const CudaUpdateCode &code, const Signature &signature,
         const ResidentRequest &request, int64_t memory);

  /// An update by a kernel that gives these results, then these gradients.
  CudaUpdate describe(const Signature &signature,
                      const std::vector<std::string> &results,
                      const std::vector<std::string> &gradients);

  /// As ResidentUpdates says.
  bool isMirrored() const { return mirrored; }
  Status fetch(TensorMap &parameters, TensorMap &state);
  void fetchWatched(TensorMap &parameters) const;

private:
  GPUUpdates() = default;
  std::vector<CudaParameters::Wanted> wantAll(TensorMap &values,
                                              TensorMap &state);

  std::unique_ptr<CudaParameters> parameters;
  /// Of each parameter on the device: its name, and whether it is learned.
  std::vector<std::string> names;
  std::vector<bool> isLearned;
  std::vector<std::string> prefixes, watched;
  bool mirrored = false;
  /// What came back with the last update: of parameters that are watched, or of
  /// all that are learned, and of the state.
  TensorMap values, state;
};

} // namespace loco

#endif // COMPILER_DRIVER_GPUUPDATES_H
