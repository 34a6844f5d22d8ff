//===- LocoFolds.cpp - Simplifications that hold bit for bit -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace loco;

/// The splat constant `operand` under the type `type`, or null.
static Attribute foldSplat(Attribute operand, RankedTensorType type) {
  auto splat = dyn_cast_or_null<SplatElementsAttr>(operand);
  return splat ? DenseElementsAttr::get(type, splat.getSplatValue<Attribute>())
               : Attribute();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getResult().getType())
    return getOperand();
  if (!getResult().getType().hasStaticShape())
    return {};
  return foldSplat(adaptor.getOperand(), getResult().getType());
}

OpFoldResult ReduceOp::fold(FoldAdaptor) {
  return getAxes().empty() ? getOperand() : OpFoldResult();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getResult().getType())
    return getOperand();
  // A chain of reshapes is one reshape.
  if (auto producer = getOperand().getDefiningOp<ReshapeOp>()) {
    getOperandMutable().assign(producer.getOperand());
    return getResult();
  }
  return foldSplat(adaptor.getOperand(), getResult().getType());
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  for (auto [i, axis] : llvm::enumerate(getPermutation()))
    if (static_cast<int64_t>(i) != axis)
      return {};
  return getOperand();
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getResult().getType())
    return getOperand();
  return foldSplat(adaptor.getOperand(), getResult().getType());
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  return getOperand().getType() == getResult().getType() ? getOperand()
                                                         : OpFoldResult();
}

OpFoldResult RollOp::fold(FoldAdaptor) {
  return getDistance() == 0 ? getOperand() : OpFoldResult();
}
