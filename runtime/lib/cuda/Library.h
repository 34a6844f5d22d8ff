//===- Library.h - cuBLAS, opened when it is needed -------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_CUDA_LIBRARY_H
#define LOCO_RUNTIME_CUDA_LIBRARY_H

#include "Device.h"

namespace loco::cuda {

/// Opens a library of NVIDIA's: the first of `files` that is on the library
/// path or in the toolkit's folder (`CUDA_HOME`, `CUDA_PATH`,
/// `/usr/local/cuda`), or what the environment variable `variable` names
/// (`none` stands for no library). An error calls it `name`, and says what is
/// missing.
Expected<void *> openLibrary(const std::string &name, const char *variable,
                             std::vector<std::string> files);

/// Device memory that a library works in: the same size gives the same bits.
struct Workspace {
  uint64_t address = 0;
  int64_t bytes = 0;
  bool operator==(const Workspace &) const = default;
};

/// Numbers of cuBLAS's interface that loco uses.
namespace cublas {
/// Products of f32 are of f32: no tensor core rounds its operands.
inline constexpr int defaultMath = 0;
inline constexpr int asIs = 0, transposed = 1;
} // namespace cublas

class Library {
public:
  /// cuBLAS of this machine, opened the first time; LOCO_CUBLAS names it. An
  /// error says what is missing.
  static Expected<const Library *> open();

  /// Bytes of device memory that products should have; they do with less.
  static int64_t workspaceBytes(const Device &device);

  /// Takes what the library needs of the device, once. An error if the driver
  /// is too old for it, say.
  Status start(Device &device) const;

  /// Gives a product to the device's compute stream; `rows` as CudaProduct
  /// says.
  Status multiply(Device &device, const CudaProduct &product, int64_t rows,
                  uint64_t left, uint64_t right, uint64_t out,
                  const Workspace &workspace) const;

private:
  Status useWorkspace(const Workspace &wanted) const;

#define LOCO_CUBLAS(member, symbol, parameters)                                \
  int(*member) parameters = nullptr;
#include "LibraryApi.def"
#undef LOCO_CUBLAS
  /// Made when the first product is.
  mutable void *handle = nullptr;
  mutable Workspace workspace;
};

} // namespace loco::cuda

#endif // LOCO_RUNTIME_CUDA_LIBRARY_H
