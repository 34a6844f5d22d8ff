//===- MatrixProduct.h - Contractions that are matrix products --*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_LOCO_TRANSFORMS_MATRIXPRODUCT_H
#define DIALECTS_LOCO_TRANSFORMS_MATRIXPRODUCT_H

#include "dialects/Loco/IR/LocoOps.h"

namespace loco {

/// A contraction that, over many rows (steps, samples), is one matrix product.
struct MatrixProduct {
  enum class Kind {
    /// result[r, :] = x[r, :] matrix, or with the matrix transposed.
    Apply,
    /// result = sum over r of left[r, :] (outer) right[r, :]
    Outer,
  };
  Kind kind;
  /// Apply: the operand that is the matrix, 0 or 1; the other one has rows.
  unsigned matrix = 0;
  /// Apply: elements of a row of x and of the result. Outer: of left and right.
  int64_t inner = 0, outer = 0;
  /// Apply: the matrix is [outer, inner] in memory, not [inner, outer].
  bool transposed = false;
  /// Outer: the operand whose elements are the result's leading axes.
  unsigned left = 0;

  int64_t size() const { return inner * outer; }
};

/// `op` as a product of a matrix (operand `matrix`) and rows (the other
/// operand).
std::optional<MatrixProduct> asApply(ContractOp op, unsigned matrix);
/// `op` as an outer product, to be summed over rows.
std::optional<MatrixProduct> asOuter(ContractOp op);

} // namespace loco

#endif // DIALECTS_LOCO_TRANSFORMS_MATRIXPRODUCT_H
