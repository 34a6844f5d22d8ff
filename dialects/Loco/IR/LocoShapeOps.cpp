//===- LocoShapeOps.cpp - Rules of ops on shapes, sources and contractions
//-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace loco;

/// Checks that `axes` are increasing and within `rank`.
static LogicalResult verifyAxes(Operation *op, ArrayRef<int64_t> axes,
                                int64_t rank) {
  int64_t previous = -1;
  for (int64_t axis : axes) {
    if (axis <= previous)
      return op->emitOpError("lists axis ") << axis << " out of order";
    if (axis >= rank)
      return op->emitOpError("lists axis ")
             << axis << " of a value of rank " << rank;
    previous = axis;
  }
  return success();
}

/// Checks that dropping `axes` from the shape of `full` gives that of
/// `reduced`.
static LogicalResult verifyDropped(Operation *op, RankedTensorType full,
                                   RankedTensorType reduced,
                                   ArrayRef<int64_t> axes) {
  if (failed(verifyAxes(op, axes, full.getRank())))
    return failure();
  SmallVector<int64_t> rest;
  for (auto [axis, extent] : llvm::enumerate(full.getShape()))
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis)))
      rest.push_back(extent);
  if (ArrayRef(rest) != reduced.getShape() ||
      full.getElementType() != reduced.getElementType())
    return op->emitOpError("relates ") << full << " and " << reduced
                                       << ", which differ outside of the axes";
  return success();
}

/// Checks that a box of `inner`'s shape at `offsets` lies inside `outer`.
static LogicalResult verifyBox(Operation *op, RankedTensorType outer,
                               RankedTensorType inner,
                               ArrayRef<int64_t> offsets) {
  if (outer.getRank() != inner.getRank() ||
      static_cast<int64_t>(offsets.size()) != outer.getRank())
    return op->emitOpError("needs one offset for each axis of both values");
  for (auto [offset, from, size] :
       llvm::zip(offsets, outer.getShape(), inner.getShape()))
    if (ShapedType::isDynamic(from) || ShapedType::isDynamic(size) ||
        offset < 0 || size > from || offset > from - size)
      return op->emitOpError("has a box of ")
             << inner << " at offset " << offset << " that leaves " << outer;
  return success();
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

LogicalResult BroadcastOp::verify() {
  RankedTensorType type = getResult().getType();
  for (int64_t axis : getAxes())
    if (axis >= 0 && axis < type.getRank() && type.isDynamicDim(axis))
      return emitOpError("repeats along axis ")
             << axis << " of " << type << ", whose extent is unknown";
  return verifyDropped(*this, getResult().getType(), getOperand().getType(),
                       getAxes());
}

LogicalResult ReduceOp::verify() {
  return verifyDropped(*this, getOperand().getType(), getResult().getType(),
                       getAxes());
}

LogicalResult FirstMaxOp::verify() {
  return verifyAxes(*this, getAxes(), getResult().getType().getRank());
}

LogicalResult ReshapeOp::verify() {
  RankedTensorType from = getOperand().getType(), to = getResult().getType();
  if (!from.hasStaticShape() || !to.hasStaticShape() ||
      from.getNumElements() != to.getNumElements() ||
      from.getElementType() != to.getElementType())
    return emitOpError("changes the elements of ") << from << " to " << to;
  return success();
}

LogicalResult TransposeOp::verify() {
  RankedTensorType from = getOperand().getType(), to = getResult().getType();
  ArrayRef<int64_t> permutation = getPermutation();
  if (!isPermutationVector(permutation) ||
      static_cast<int64_t>(permutation.size()) != from.getRank())
    return emitOpError("needs a permutation of ") << from.getRank() << " axes";
  if (ArrayRef(applyPermutation(from.getShape(), permutation)) != to.getShape())
    return emitOpError("permutes ") << from << " to another shape than " << to;
  return success();
}

LogicalResult SliceOp::verify() {
  return verifyBox(*this, getOperand().getType(), getResult().getType(),
                   getOffsets());
}

LogicalResult PadOp::verify() {
  return verifyBox(*this, getResult().getType(), getOperand().getType(),
                   getOffsets());
}

LogicalResult ConcatOp::verify() {
  RankedTensorType to = getResult().getType();
  int64_t axis = getAxis(), total = 0;
  if (axis < 0 || axis >= to.getRank())
    return emitOpError("joins along axis ") << axis << " of " << to;
  for (Value operand : getOperands()) {
    auto from = cast<RankedTensorType>(operand.getType());
    if (from.getRank() != to.getRank())
      return emitOpError("joins ") << from << " into " << to;
    for (int64_t i = 0; i < to.getRank(); ++i)
      if (i != axis && from.getDimSize(i) != to.getDimSize(i))
        return emitOpError("joins ") << from << " into " << to;
    total += from.getDimSize(axis);
  }
  if (total != to.getDimSize(axis))
    return emitOpError("joins a total of ")
           << total << " along axis " << axis << " into " << to;
  return success();
}

LogicalResult RollOp::verify() {
  return verifyAxes(*this, {static_cast<int64_t>(getAxis())},
                    getResult().getType().getRank());
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

/// Checks that `stacked` holds one value of type `step` per step.
static LogicalResult verifyStacked(Operation *op, Type stacked, Type step) {
  auto type = cast<RankedTensorType>(stacked);
  if (type.getRank() == 0 || getStepType(type) != step)
    return op->emitOpError("relates ") << stacked << " to steps of " << step;
  return success();
}

LogicalResult AtOp::verify() {
  return verifyStacked(*this, getOperand().getType(), getResult().getType());
}

LogicalResult PlaceOp::verify() {
  return verifyStacked(*this, getResult().getType(), getOperand().getType());
}

/// Checks that the values have the same number of axes and the same steps.
static LogicalResult verifyWindow(Operation *op) {
  auto from = cast<RankedTensorType>(op->getOperand(0).getType()),
       to = cast<RankedTensorType>(op->getResult(0).getType());
  if (from.getRank() == 0 || to.getRank() == 0 || !from.isDynamicDim(0) ||
      !to.isDynamicDim(0) || getStepType(from) != getStepType(to))
    return op->emitOpError("takes steps of ") << from << " to those of " << to;
  return success();
}

LogicalResult WindowOp::verify() { return verifyWindow(*this); }

LogicalResult PlaceWindowOp::verify() { return verifyWindow(*this); }

LogicalResult LengthOp::verify() {
  if (getOperand().getType().getRank() == 0)
    return emitOpError("counts the steps of ")
           << getOperand().getType() << ", which has no time axis";
  return success();
}

LogicalResult ZerosOp::verify() {
  RankedTensorType type = getResult().getType();
  if (type.getRank() == 0 || !type.isDynamicDim(0))
    return emitOpError("makes a stacked value, not ") << type;
  return success();
}

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

LogicalResult CoordinateOp::verify() {
  if (!getResult().getType().hasStaticShape())
    return emitOpError("needs a static shape");
  return verifyAxes(*this, {static_cast<int64_t>(getAxis())},
                    getResult().getType().getRank());
}

LogicalResult RandomOp::verify() {
  if (!getResult().getType().hasStaticShape())
    return emitOpError("needs a static shape");
  return success();
}

LogicalResult FromIndexOp::verify() {
  if (getResult().getType().getRank() != 0)
    return emitOpError("gives a scalar, not ") << getResult().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Contraction
//===----------------------------------------------------------------------===//

LogicalResult ContractOp::verify() {
  if (getEquation().count("->") != 1 || getEquation().count(',') != 1)
    return emitOpError("has equation `")
           << getEquation() << "`, expected one such as `oi,i->o`";
  auto [inputs, output] = getEquation().split("->");
  auto [lhs, rhs] = inputs.split(',');
  llvm::SmallDenseMap<char, int64_t> extents;
  for (auto [letters, type] :
       {std::pair(lhs, getLhs().getType()), std::pair(rhs, getRhs().getType()),
        std::pair(output, getResult().getType())}) {
    if (static_cast<int64_t>(letters.size()) != type.getRank())
      return emitOpError("names the axes of ")
             << type << " `" << letters << "`";
    llvm::SmallSet<char, 8> seen;
    for (auto [letter, extent] : llvm::zip(letters, type.getShape())) {
      if (!llvm::isAlpha(letter) || !seen.insert(letter).second)
        return emitOpError("names an axis of ")
               << type << " `" << Twine(letter)
               << "`, which is not a letter or stands twice";
      auto [known, isNew] = extents.try_emplace(letter, extent);
      if (!isNew && known->second != extent)
        return emitOpError("has lengths ")
               << known->second << " and " << extent << " for axis `"
               << Twine(letter) << "`";
    }
  }
  for (auto [letter, extent] : extents)
    if (lhs.contains(letter) + rhs.contains(letter) + output.contains(letter) <
        2)
      return emitOpError("has axis `")
             << Twine(letter) << "` in one tensor only";
  return success();
}
