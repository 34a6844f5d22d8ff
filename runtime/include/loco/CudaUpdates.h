//===- CudaUpdates.h - An optimiser's updates on a GPU ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parameters and what an optimiser remembers, in device memory of their own
// that no batch overwrites. An update is what Optimizer::update does, operation
// by operation: from the same gradients the same bits.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_CUDAUPDATES_H
#define LOCO_CUDAUPDATES_H

#include "loco/Cuda.h"
#include "loco/Optimizer.h"

namespace loco {

/// Kernels of updates in one precision (compiler/Conversion/LocoToGPU/
/// UpdateKernels.h), in the form of CudaCode::image.
struct CudaUpdateCode {
  ElementType precision = ElementType::F32;
  std::string image;
};

/// A tensor that stays on the device.
struct CudaParameter {
  int64_t elements = 0;
  /// To begin with; in the precision of the code, or of `type` if it is not
  /// learned.
  const void *values = nullptr;
  ElementType type = ElementType::F32;
  bool isLearned = false;
  /// Of those that are learned. What the optimiser remembers, in the order of
  /// Optimizer::statePrefixes.
  ParameterFactors factors = {};
  std::vector<const void *> state = {};
};

class CudaParameters {
public:
  /// Takes device memory and copies everything there; null if there is not
  /// enough. `budget`: as in CudaExecutor::create, for this and all batches.
  static Expected<std::unique_ptr<CudaParameters>>
  create(const CudaUpdateCode &code, const OptimizerOptions &options,
         const std::vector<CudaParameter> &parameters, int64_t budget = 0);
  ~CudaParameters();
  CudaParameters(const CudaParameters &) = delete;
  CudaParameters &operator=(const CudaParameters &) = delete;

  /// Of device memory; of these, values and state of what is learned.
  int64_t bytes() const;
  int64_t learnedBytes() const;

  /// Copies the value and the state of parameters to the host; null pointers
  /// where they are not wanted. Waits for all that was started.
  struct Wanted {
    size_t parameter;
    void *values = nullptr;
    std::vector<void *> state = {};
  };
  Status fetch(const std::vector<Wanted> &wanted);

  struct State;

private:
  friend class CudaExecutor;
  explicit CudaParameters(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// What CudaExecutor::update needs to know, and what it found.
struct CudaUpdate {
  CudaParameters &parameters;
  /// For each parameter: the number of the argument that it stands for, and of
  /// the result that is its gradient; -1: none.
  std::vector<int> arguments = {}, gradients = {};
  /// The result with the loss of each sample; -1: none.
  int loss = -1;
  /// For each result: it is copied to the host after each update. Others are
  /// copied only if nothing was updated.
  std::vector<bool> isWanted = {};
  /// What comes back of parameters after each update.
  std::vector<CudaParameters::Wanted> watched = {};
  /// Of the update, from 1; and what all rates are multiplied by.
  int64_t number = 1;
  double rateFactor = 1;

  /// The norm of the gradients before any clipping, and whether it and all
  /// losses are finite: otherwise nothing was updated.
  double norm = 0;
  bool isGood = false;
};

} // namespace loco

#endif // LOCO_CUDAUPDATES_H
