//===- Driver.h - The CUDA driver, opened when it is needed -----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_CUDA_DRIVER_H
#define LOCO_RUNTIME_CUDA_DRIVER_H

#include "loco/Expected.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace loco::cuda {

/// Numbers of the driver's interface that loco uses.
inline constexpr int errorOutOfMemory = 2;
inline constexpr int errorNoDevice = 100;
inline constexpr int attributeMultiprocessors = 16;
inline constexpr int attributeCapabilityMajor = 75;
inline constexpr int attributeCapabilityMinor = 76;
inline constexpr int attributeSharedBytesOptIn = 97;
inline constexpr int functionLocalBytes = 3;
inline constexpr int functionRegisters = 4;
inline constexpr int functionDynamicSharedBytes = 8;
inline constexpr unsigned streamNonBlocking = 1;
inline constexpr unsigned eventDisableTiming = 2;
inline constexpr int captureThreadLocal = 1;
inline constexpr int nodeOfKernel = 0;
inline constexpr int jitErrorLog = 5, jitErrorLogBytes = 6,
                     jitGenerateLineInfo = 13;

/// Errors that end the context: nothing that was on the device can be reached.
inline constexpr int errorsThatLoseDevice[] = {
    4,   // CUDA_ERROR_DEINITIALIZED
    46,  // CUDA_ERROR_DEVICE_UNAVAILABLE
    214, // CUDA_ERROR_ECC_UNCORRECTABLE
    700, // CUDA_ERROR_ILLEGAL_ADDRESS
    702, // CUDA_ERROR_LAUNCH_TIMEOUT
    709, // CUDA_ERROR_CONTEXT_IS_DESTROYED
    714, // CUDA_ERROR_HARDWARE_STACK_ERROR
    715, // CUDA_ERROR_ILLEGAL_INSTRUCTION
    716, // CUDA_ERROR_MISALIGNED_ADDRESS
    717, // CUDA_ERROR_INVALID_ADDRESS_SPACE
    718, // CUDA_ERROR_INVALID_PC
    719, // CUDA_ERROR_LAUNCH_FAILED
    999, // CUDA_ERROR_UNKNOWN
};

/// A kernel's launch in a graph: CUDA_KERNEL_NODE_PARAMS_v2.
struct KernelNode {
  void *function;
  unsigned gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes;
  void **parameters, **extra;
  void *kernel, *context;
};

/// The driver's functions.
struct Driver {
#define LOCO_CUDA(member, symbol, parameters) int(*member) parameters = nullptr;
#include "DriverApi.def"
#undef LOCO_CUDA
  /// As it numbers itself: 12040 for CUDA 12.4.
  int version = 0;
  /// It has no GPU: it exports `locoEmulatedDevice`, and takes kernels of the
  /// gpu dialect.
  bool isEmulated = false;

  /// `CUDA_ERROR_...: what it means`.
  std::string describe(int error) const;
  /// An error that says what was tried, or nothing. One after which the device
  /// cannot be used any more says so.
  Status check(int error, const std::string &what) const;
};

/// The driver of this machine, opened the first time. An error if there is
/// none, if it is too old, or if it has no device to offer. The file is
/// `libcuda.so.1`, or what the environment variable LOCO_CUDA_DRIVER names.
Expected<const Driver *> openDriver();

} // namespace loco::cuda

#endif // LOCO_RUNTIME_CUDA_DRIVER_H
