//===- Classify.cpp - What the schedule knows about each op ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Schedule.h"

using namespace mlir;
using namespace loco;

/// Taps of a kernel gradient that are summed in registers beside other work.
static constexpr int64_t mostFusedTaps = 25;

bool loco::isFree(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() ||
         isa<CoordinateOp, FromIndexOp, ZerosOp>(op);
}

bool loco::isInline(Operation *op) {
  if (op->getNumResults() == 0 ||
      !isa<RankedTensorType>(op->getResult(0).getType()))
    return false;
  return isFree(op) || isElementwise(op) ||
         isa<BroadcastOp, ReshapeOp, TransposeOp, SliceOp, PadOp, ConcatOp,
             RollOp, OneHotOp, AtOp, PlaceOp, WindowOp, PlaceWindowOp, ConvOp, ConvTransposeOp,
             StencilOp>(op);
}

bool loco::isFusedOuter(Operation *op) {
  auto outer = dyn_cast<ConvOuterOp>(op);
  return outer &&
         outer.getKernelType().getRank() == outer.getFieldType().getRank() &&
         outer.getKernelType().getNumElements() <= mostFusedTaps &&
         llvm::all_of(outer.getStrides(),
                      [](int64_t stride) { return stride == 1; });
}

bool loco::needsMemory(Operation *op, unsigned index) {
  if (isElementwise(op))
    return false;
  if (auto stencil = dyn_cast<StencilOp>(op))
    return index >= stencil.getCentres().size();
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return static_cast<int64_t>(reduce.getAxes().size()) !=
           reduce.getOperand().getType().getRank();
  if (isFusedOuter(op))
    return index == 1;
  return isa<RankedTensorType>(op->getOperand(index).getType());
}
