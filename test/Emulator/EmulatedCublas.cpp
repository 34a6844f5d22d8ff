//===- EmulatedCublas.cpp - A cuBLAS for the emulated device --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of cuBLAS that loco calls, for the memory and the streams of
// the emulated driver, which the process has opened before: a product is made
// when its stream comes to it, and can be part of a graph. Without a workspace
// of the caller's nothing is done, as a real one could not be recorded then.
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/EmulatedLibrary.h"

#include <cstdlib>

using loco::emulation::getDriver;

namespace {
enum Status { success = 0, notInitialized = 1, invalidValue = 7, failed = 13 };

struct Handle {
  void *stream = nullptr;
  uint64_t workspace = 0;
};

/// A matrix in device memory, its columns one after the other.
template <typename T>
struct Matrix {
  uint64_t address;
  int lead, rows, columns;

  bool isGood() const {
    if (lead < rows || rows < 1 || columns < 1)
      return false;
    size_t elements = size_t(lead) * size_t(columns - 1) + size_t(rows);
    return getDriver().isInside(address, elements * sizeof(T));
  }
  T &at(int row, int column) const {
    return reinterpret_cast<T *>(
        address)[size_t(column) * size_t(lead) + size_t(row)];
  }
};

template <typename T>
int multiply(void *handle, int transposeA, int transposeB, int m, int n, int k,
             T alpha, uint64_t a, int lda, uint64_t b, int ldb, T beta,
             uint64_t c, int ldc) {
  auto &made = *static_cast<Handle *>(handle);
  if (!made.stream || !made.workspace || !getDriver().give)
    return notInitialized;
  if (m < 1 || n < 1 || k < 1)
    return invalidValue;
  auto work = [=]() -> int {
    Matrix<T> left = {a, lda, transposeA ? k : m, transposeA ? m : k};
    Matrix<T> right = {b, ldb, transposeB ? n : k, transposeB ? k : n};
    Matrix<T> out = {c, ldc, m, n};
    if (!left.isGood() || !right.isGood() || !out.isGood())
      return invalidValue;
    for (int column = 0; column < n; ++column)
      for (int row = 0; row < m; ++row) {
        double sum = 0;
        for (int i = 0; i < k; ++i)
          sum += double(transposeA ? left.at(i, row) : left.at(row, i)) *
                 double(transposeB ? right.at(column, i) : right.at(i, column));
        T &place = out.at(row, column);
        place = T(double(alpha) * sum) + (beta != 0 ? beta * place : T(0));
      }
    return 0;
  };
  return getDriver().give(made.stream, work) ? failed : success;
}
} // namespace

extern "C" {
int cublasCreate_v2(void **handle) {
  // As one that is newer than the driver.
  if (std::getenv("EMULATED_CUBLAS_REFUSES"))
    return notInitialized;
  *handle = new Handle();
  return success;
}

int cublasSetStream_v2(void *handle, void *stream) {
  static_cast<Handle *>(handle)->stream = stream;
  return success;
}

int cublasSetWorkspace_v2(void *handle, uint64_t workspace, size_t bytes) {
  if (!getDriver().isInside || !getDriver().isInside(workspace, bytes))
    return invalidValue;
  static_cast<Handle *>(handle)->workspace = workspace;
  return success;
}

int cublasSetMathMode(void *, int mode) {
  return mode == 0 ? success : invalidValue;
}

int cublasSgemm_v2(void *handle, int transposeA, int transposeB, int m, int n,
                   int k, const float *alpha, uint64_t a, int lda, uint64_t b,
                   int ldb, const float *beta, uint64_t c, int ldc) {
  return multiply<float>(handle, transposeA, transposeB, m, n, k, *alpha, a,
                         lda, b, ldb, *beta, c, ldc);
}

int cublasDgemm_v2(void *handle, int transposeA, int transposeB, int m, int n,
                   int k, const double *alpha, uint64_t a, int lda, uint64_t b,
                   int ldb, const double *beta, uint64_t c, int ldc) {
  return multiply<double>(handle, transposeA, transposeB, m, n, k, *alpha, a,
                          lda, b, ldb, *beta, c, ldc);
}
}
