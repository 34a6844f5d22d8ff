//===- Convolutions.h - cuDNN, opened when it is needed ---------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_CUDA_CONVOLUTIONS_H
#define LOCO_RUNTIME_CUDA_CONVOLUTIONS_H

#include "Library.h"

namespace loco::cuda {

/// Numbers of cuDNN's interface that loco uses.
namespace cudnn {
// cudnnDataType_t, cudnnTensorFormat_t, cudnnConvolutionMode_t,
// cudnnMathType_t.
inline constexpr int typeF32 = 0, typeF64 = 1, formatRows = 0,
                     crossCorrelation = 1, plainMath = 3;
// IMPLICIT_PRECOMP_GEMM of cudnnConvolutionFwdAlgo_t, ALGO_1 of
// cudnnConvolutionBwdDataAlgo_t and of cudnnConvolutionBwdFilterAlgo_t.
inline constexpr int forwardAlgorithm = 1, byFieldAlgorithm = 1,
                     byKernelAlgorithm = 1;
} // namespace cudnn

/// The functions of cuDNN.
struct ConvolutionApi {
#define LOCO_CUDNN(member, symbol, parameters)                                 \
  int(*member) parameters = nullptr;
#include "ConvolutionApi.def"
#undef LOCO_CUDNN
};

class ConvolutionLibrary {
public:
  /// cuDNN of this machine, opened the first time; LOCO_CUDNN names it. An
  /// error says what is missing.
  static Expected<const ConvolutionLibrary *> open();

  /// Bytes of device memory that the convolution of so many rows cannot do
  /// without. An error if the library does not know such a convolution.
  Expected<int64_t> workspaceBytes(Device &device,
                                   const CudaConvolution &convolution,
                                   int64_t rows) const;

  /// Gives a convolution to the device's compute stream; `rows`, `left`,
  /// `right` and `out` as CudaConvolution says.
  Status convolve(Device &device, const CudaConvolution &convolution,
                  int64_t rows, uint64_t left, uint64_t right, uint64_t out,
                  const Workspace &workspace) const;

private:
  Status prepare(Device &device) const;

  ConvolutionApi api;
  /// Made when the first convolution is.
  mutable void *handle = nullptr;
};

/// Rows that one call of the library takes: it counts elements in 32 bits.
int64_t rowsOfCall(const CudaConvolution &convolution, int64_t rows);

} // namespace loco::cuda

#endif // LOCO_RUNTIME_CUDA_CONVOLUTIONS_H
