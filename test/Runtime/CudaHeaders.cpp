//===- CudaHeaders.cpp - Our prototypes beside NVIDIA's headers -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the run-time loads by name is written down in three lists of its own.
// Where the headers are, each function, number and structure is held to them;
// where the libraries are, too, the names are looked up.
//
// REQUIRES: cuda-toolkit
// RUN: clang++ -std=c++20 -Wall -Wextra -Werror -I%cuda_toolkit/include \
// RUN:   -I%loco_source/runtime/include -I%loco_source/runtime/lib/cuda \
// RUN:   %s -o %t -ldl
// RUN: %t %cuda_toolkit/lib64 | FileCheck %s
//
// CHECK: driver: {{[0-9]+}} functions
// CHECK-NOT: has no
//
//===----------------------------------------------------------------------===//

#include "Convolutions.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cublas_v2.h>
#include <cuda.h>
#include <dlfcn.h>
#include <initializer_list>
#include <iterator>
#include <string>
#include <tuple>
#include <type_traits>
#if __has_include(<cudnn.h>)
#include <cudnn.h>
#define HAS_CUDNN 1
#endif

using namespace loco::cuda;

//===----------------------------------------------------------------------===//
// Types that are passed in the same way
//===----------------------------------------------------------------------===//

template <typename T>
inline constexpr bool isAddress =
    std::is_pointer_v<T> || std::is_same_v<T, unsigned long long>;

/// True if a caller that passes `Ours` is understood by who expects `Theirs`:
/// numbers of one kind and size, handles as any pointer, enumerations as whole
/// numbers of their size. Where both point to numbers, these must agree.
template <typename Ours, typename Theirs>
constexpr bool isSame() {
  if constexpr (std::is_same_v<Ours, Theirs>) {
    return true;
  } else if constexpr (std::is_pointer_v<Ours> && std::is_pointer_v<Theirs>) {
    using To = std::remove_cv_t<std::remove_pointer_t<Ours>>;
    using From = std::remove_cv_t<std::remove_pointer_t<Theirs>>;
    // What handles point to is theirs.
    if constexpr (std::is_void_v<To> || std::is_void_v<From>)
      return true;
    else if constexpr (std::is_class_v<To> && std::is_class_v<From>)
      return sizeof(To) == sizeof(From);
    else
      return isSame<To, From>();
  } else if constexpr (std::is_pointer_v<Ours> || std::is_pointer_v<Theirs>) {
    // An array in device memory has a number in our lists.
    using Number = std::conditional_t<std::is_pointer_v<Ours>, Theirs, Ours>;
    return std::is_integral_v<Number> && sizeof(Number) == sizeof(void *);
  } else if constexpr (std::is_floating_point_v<Ours> ||
                       std::is_floating_point_v<Theirs>) {
    return false;
  } else if constexpr ((std::is_integral_v<Ours> || std::is_enum_v<Ours>) &&
                       (std::is_integral_v<Theirs> || std::is_enum_v<Theirs>)) {
    return sizeof(Ours) == sizeof(Theirs);
  } else {
    return false;
  }
}

template <typename Ours, typename Theirs>
struct IsCallable;
template <typename R, typename... Ours, typename S, typename... Theirs>
struct IsCallable<R (*)(Ours...), S (*)(Theirs...)> {
  static constexpr bool value = [] {
    if constexpr (sizeof...(Ours) == sizeof...(Theirs))
      return isSame<R, S>() && (isSame<Ours, Theirs>() && ...);
    else
      return false;
  }();
};

// It can fail: a parameter less, a width, a pointer to something else.
using Copy = int (*)(void *, int, float *);
static_assert(IsCallable<Copy, CUresult (*)(CUstream, int, float *)>::value);
static_assert(!IsCallable<Copy, CUresult (*)(CUstream, int)>::value);
static_assert(
    !IsCallable<Copy, CUresult (*)(CUstream, size_t, float *)>::value);
static_assert(!IsCallable<Copy, CUresult (*)(CUstream, int, double *)>::value);
static_assert(!IsCallable<Copy, CUresult (*)(CUstream, float, float *)>::value);

#define CHECK_FUNCTION(member, symbol, parameters)                             \
  static_assert(IsCallable<int(*) parameters, decltype(&symbol)>::value,       \
                #symbol " is called with other parameters");
#define LOCO_CUDA CHECK_FUNCTION
#include "DriverApi.def"
#undef LOCO_CUDA
#define LOCO_CUBLAS CHECK_FUNCTION
#include "LibraryApi.def"
#undef LOCO_CUBLAS
#ifdef HAS_CUDNN
#define LOCO_CUDNN CHECK_FUNCTION
#include "ConvolutionApi.def"
#undef LOCO_CUDNN
#endif

//===----------------------------------------------------------------------===//
// Numbers and structures
//===----------------------------------------------------------------------===//

static_assert(errorOutOfMemory == CUDA_ERROR_OUT_OF_MEMORY);
static_assert(errorNoDevice == CUDA_ERROR_NO_DEVICE);
static_assert(attributeMultiprocessors ==
              CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
static_assert(attributeCapabilityMajor ==
              CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
static_assert(attributeCapabilityMinor ==
              CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
static_assert(attributeSharedBytesOptIn ==
              CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
static_assert(functionLocalBytes == CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
static_assert(functionRegisters == CU_FUNC_ATTRIBUTE_NUM_REGS);
static_assert(functionDynamicSharedBytes ==
              CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
static_assert(streamNonBlocking == CU_STREAM_NON_BLOCKING);
static_assert(eventDisableTiming == CU_EVENT_DISABLE_TIMING);
static_assert(captureThreadLocal == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
static_assert(nodeOfKernel == CU_GRAPH_NODE_TYPE_KERNEL);
static_assert(jitErrorLog == CU_JIT_ERROR_LOG_BUFFER &&
              jitErrorLogBytes == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES &&
              jitGenerateLineInfo == CU_JIT_GENERATE_LINE_INFO);

static constexpr int lost[] = {CUDA_ERROR_DEINITIALIZED,
                               CUDA_ERROR_DEVICE_UNAVAILABLE,
                               CUDA_ERROR_ECC_UNCORRECTABLE,
                               CUDA_ERROR_ILLEGAL_ADDRESS,
                               CUDA_ERROR_LAUNCH_TIMEOUT,
                               CUDA_ERROR_CONTEXT_IS_DESTROYED,
                               CUDA_ERROR_HARDWARE_STACK_ERROR,
                               CUDA_ERROR_ILLEGAL_INSTRUCTION,
                               CUDA_ERROR_MISALIGNED_ADDRESS,
                               CUDA_ERROR_INVALID_ADDRESS_SPACE,
                               CUDA_ERROR_INVALID_PC,
                               CUDA_ERROR_LAUNCH_FAILED,
                               CUDA_ERROR_UNKNOWN};
static_assert(std::equal(std::begin(lost), std::end(lost),
                         std::begin(errorsThatLoseDevice),
                         std::end(errorsThatLoseDevice)));

#define SAME_PLACE(ours, theirs)                                               \
  static_assert(offsetof(KernelNode, ours) ==                                  \
                    offsetof(CUDA_KERNEL_NODE_PARAMS_v2, theirs) &&            \
                sizeof(KernelNode::ours) ==                                    \
                    sizeof(CUDA_KERNEL_NODE_PARAMS_v2::theirs))
static_assert(sizeof(KernelNode) == sizeof(CUDA_KERNEL_NODE_PARAMS_v2));
SAME_PLACE(function, func);
SAME_PLACE(gridX, gridDimX);
SAME_PLACE(gridY, gridDimY);
SAME_PLACE(gridZ, gridDimZ);
SAME_PLACE(blockX, blockDimX);
SAME_PLACE(blockY, blockDimY);
SAME_PLACE(blockZ, blockDimZ);
SAME_PLACE(sharedBytes, sharedMemBytes);
SAME_PLACE(parameters, kernelParams);
SAME_PLACE(extra, extra);
SAME_PLACE(kernel, kern);
SAME_PLACE(context, ctx);

static_assert(cublas::defaultMath == CUBLAS_DEFAULT_MATH);
static_assert(cublas::asIs == CUBLAS_OP_N && cublas::transposed == CUBLAS_OP_T);
#ifdef HAS_CUDNN
static_assert(cudnn::typeF32 == CUDNN_DATA_FLOAT &&
              cudnn::typeF64 == CUDNN_DATA_DOUBLE);
static_assert(cudnn::formatRows == CUDNN_TENSOR_NCHW);
static_assert(cudnn::crossCorrelation == CUDNN_CROSS_CORRELATION);
static_assert(cudnn::plainMath == CUDNN_FMA_MATH);
static_assert(cudnn::forwardAlgorithm ==
              CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM);
static_assert(cudnn::byFieldAlgorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_1);
static_assert(cudnn::byKernelAlgorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1);
#endif

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static int lookUp(const char *what, const std::string &file,
                  std::initializer_list<const char *> names) {
  void *library = dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (!library) {
    std::printf("%s: not here\n", what);
    return 0;
  }
  int missing = 0;
  for (const char *name : names)
    if (!dlsym(library, name)) {
      std::printf("%s has no %s\n", what, name);
      ++missing;
    }
  std::printf("%s: %zu functions\n", what, names.size());
  return missing;
}

/// cuDNN describes a convolution without a device: it has to take what we say
/// of one, and to find the extents of its output.
static int describeConvolution(const std::string &file, int axes, int type) {
  void *library = dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (!library)
    return 0;
  ConvolutionApi api;
#define LOCO_CUDNN(member, symbol, parameters)                                 \
  api.member = reinterpret_cast<decltype(api.member)>(dlsym(library, #symbol));
#include "ConvolutionApi.def"
#undef LOCO_CUDNN
  auto findOutput =
      reinterpret_cast<int (*)(void *, void *, void *, int, int *)>(
          dlsym(library, "cudnnGetConvolutionNdForwardOutputDim"));
  // Three rows of four channels in two groups, 9 x 8 (x 7) sites; six outputs,
  // kernels of 3 x 2 (x 1), each second site.
  int field[] = {3, 4, 9, 8, 7}, kernel[] = {6, 2, 3, 2, 1},
      strides[5] = {0, 0, 0, 0, 1}, margins[] = {1, 0, 0}, steps[] = {2, 2, 2},
      dilations[] = {1, 1, 1}, wanted[] = {3, 6, 5, 4, 4}, found[5] = {};
  strides[1 + axes] = 1;
  for (int i = axes; i >= 0; --i)
    strides[i] = strides[i + 1] * field[i + 1];
  void *tensor = nullptr, *filter = nullptr, *form = nullptr;
  int error = api.createTensor(&tensor);
  error |= api.createFilter(&filter) | api.createConvolution(&form);
  error |= api.setTensor(tensor, type, axes + 2, field, strides);
  error |= api.setFilter(filter, type, cudnn::formatRows, axes + 2, kernel);
  error |= api.setConvolution(form, axes, margins, steps, dilations,
                              cudnn::crossCorrelation, type);
  error |= api.setGroups(form, 2) | api.setMath(form, cudnn::plainMath);
  error |= findOutput(form, tensor, filter, axes + 2, found);
  bool isRight = error == 0 && std::equal(wanted, wanted + axes + 2, found);
  if (!isRight)
    std::printf("cuDNN has no such convolution of %d axes: status %d\n", axes,
                error);
  api.destroyTensor(tensor);
  api.destroyFilter(filter);
  api.destroyConvolution(form);
  return isRight ? 0 : 1;
}

int main(int, char **arguments) {
  std::string folder = arguments[1];
#define NAME_FUNCTION(member, symbol, parameters) LOCO_TEXT(symbol),
#define LOCO_TEXT(symbol) #symbol
  int wrong = 0;
  for (int axes : {2, 3})
    for (int type : {cudnn::typeF32, cudnn::typeF64})
      wrong += describeConvolution(folder + "/libcudnn.so", axes, type);
  // Of the driver a stub is part of the toolkit.
  return wrong +
         lookUp("driver", folder + "/stubs/libcuda.so",
                {
#define LOCO_CUDA NAME_FUNCTION
#include "DriverApi.def"
                }) +
         lookUp("cuBLAS", folder + "/libcublas.so",
                {
#define LOCO_CUBLAS NAME_FUNCTION
#include "LibraryApi.def"
                }) +
         lookUp("cuDNN", folder + "/libcudnn.so",
                {
#define LOCO_CUDNN NAME_FUNCTION
#include "ConvolutionApi.def"
                });
}
