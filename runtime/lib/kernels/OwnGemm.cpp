//===- OwnGemm.cpp - Matrix products without a library --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fallback where no BLAS is installed, and a check of those that are: plain
// tiles of 4 x 16 results whose loops the compiler vectorises, over blocks of
// the inner axis that stay in cache. About a third of a tuned library's speed.
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/kernels/Blas.h"

#include <algorithm>

namespace {

constexpr int64_t tileRows = 4, tileColumns = 16, innerBlock = 256;

/// c += a b for at most tileRows x tileColumns results; `at` reads a and b.
template <typename T>
void tile(int64_t rows, int64_t columns, int64_t k, const T *a, int64_t aRow,
          int64_t aInner, const T *panel, T *c, int64_t ldc) {
  T sums[tileRows][tileColumns] = {};
  if (rows == tileRows) {
    for (int64_t p = 0; p < k; ++p)
      for (int64_t i = 0; i < tileRows; ++i) {
        T x = a[i * aRow + p * aInner];
        for (int64_t j = 0; j < tileColumns; ++j)
          sums[i][j] += x * panel[p * tileColumns + j];
      }
  } else {
    for (int64_t p = 0; p < k; ++p)
      for (int64_t i = 0; i < rows; ++i) {
        T x = a[i * aRow + p * aInner];
        for (int64_t j = 0; j < tileColumns; ++j)
          sums[i][j] += x * panel[p * tileColumns + j];
      }
  }
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      c[i * ldc + j] += sums[i][j];
}

} // namespace

template <typename T>
void loco::ownGemm(int32_t transposeA, int32_t transposeB, int64_t m, int64_t n,
                   int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb,
                   T beta, T *c, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
  int64_t aRow = transposeA ? 1 : lda, aInner = transposeA ? lda : 1;
  int64_t bInner = transposeB ? 1 : ldb, bColumn = transposeB ? ldb : 1;
  T panel[innerBlock * tileColumns];
  for (int64_t first = 0; first < k; first += innerBlock) {
    int64_t inner = std::min(innerBlock, k - first);
    for (int64_t j = 0; j < n; j += tileColumns) {
      int64_t columns = std::min(tileColumns, n - j);
      for (int64_t p = 0; p < inner; ++p)
        for (int64_t q = 0; q < tileColumns; ++q)
          panel[p * tileColumns + q] =
              q < columns ? b[(first + p) * bInner + (j + q) * bColumn] : 0;
      for (int64_t i = 0; i < m; i += tileRows)
        tile(std::min(tileRows, m - i), columns, inner,
             a + i * aRow + first * aInner, aRow, aInner, panel,
             c + i * ldc + j, ldc);
    }
  }
}

template void loco::ownGemm<float>(int32_t, int32_t, int64_t, int64_t, int64_t,
                                   const float *, int64_t, const float *,
                                   int64_t, float, float *, int64_t);
template void loco::ownGemm<double>(int32_t, int32_t, int64_t, int64_t, int64_t,
                                    const double *, int64_t, const double *,
                                    int64_t, double, double *, int64_t);
