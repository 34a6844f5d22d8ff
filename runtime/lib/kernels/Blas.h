//===- Blas.h - Matrix products for generated code --------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A BLAS is opened at run time, never linked: OpenBLAS if there is one, else
// whatever answers to libblas.so.3. It runs single-threaded inside of our own
// threads. Without any, loco's own blocked product does the work.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_KERNELS_BLAS_H
#define LOCO_RUNTIME_KERNELS_BLAS_H

#include "loco-c/kernel.h"

#include <string>

namespace loco {

struct Blas {
  decltype(LocoServices::gemmF32) gemmF32;
  decltype(LocoServices::gemmF64) gemmF64;
  /// File and version, or what we say of our own.
  std::string name;
  /// A reference implementation, or our own.
  bool slow;

  /// Opened on first use; LOCO_BLAS in the environment names another library,
  /// or `own`.
  static const Blas &process();
};

/// loco's own product, see LocoServices for the arguments.
template <typename T>
void ownGemm(int32_t transposeA, int32_t transposeB, int64_t m, int64_t n,
             int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb,
             T beta, T *c, int64_t ldc);

} // namespace loco

#endif // LOCO_RUNTIME_KERNELS_BLAS_H
