//===- MatrixProduct.cpp - Contractions that are matrix products ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/Transforms/MatrixProduct.h"

using namespace mlir;
using namespace loco;

namespace {
struct Equation {
  StringRef operands[2], result;

  explicit Equation(ContractOp op) {
    auto [inputs, output] = op.getEquation().split("->");
    std::tie(operands[0], operands[1]) = inputs.split(',');
    result = output;
  }
};
} // namespace

/// Axes of time are rows, not parts of a row.
static bool isStatic(ContractOp op) {
  return op.getLhs().getType().hasStaticShape() &&
         op.getRhs().getType().hasStaticShape();
}

std::optional<MatrixProduct> loco::asApply(ContractOp op, unsigned matrix) {
  if (!isStatic(op))
    return std::nullopt;
  Equation equation(op);
  std::string rows = equation.operands[1 - matrix].str(),
              out = equation.result.str();
  StringRef both = equation.operands[matrix];
  MatrixProduct product;
  product.kind = MatrixProduct::Kind::Apply;
  product.matrix = matrix;
  // All axes of the row are summed over, all of the result come from the
  // matrix.
  if (both == out + rows)
    product.transposed = true;
  else if (both != rows + out)
    return std::nullopt;
  product.inner = cast<RankedTensorType>(op->getOperand(1 - matrix).getType())
                      .getNumElements();
  product.outer = op.getResult().getType().getNumElements();
  return product;
}

std::optional<MatrixProduct> loco::asOuter(ContractOp op) {
  if (!isStatic(op))
    return std::nullopt;
  Equation equation(op);
  for (unsigned left : {0, 1}) {
    if (equation.result !=
        (equation.operands[left] + equation.operands[1 - left]).str())
      continue;
    MatrixProduct product;
    product.kind = MatrixProduct::Kind::Outer;
    product.left = left;
    product.inner =
        cast<RankedTensorType>(op->getOperand(left).getType()).getNumElements();
    product.outer = cast<RankedTensorType>(op->getOperand(1 - left).getType())
                        .getNumElements();
    return product;
  }
  return std::nullopt;
}
