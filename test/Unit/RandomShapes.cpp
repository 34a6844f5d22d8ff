//===- RandomShapes.cpp - Ops on shapes of random programs ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/Unit/ProgramBuilder.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace loco;
using namespace loco::test;

/// Number of elements of the static axes.
static int64_t getStaticSize(ArrayRef<int64_t> shape) {
  int64_t size = 1;
  for (int64_t extent : shape)
    size *= ShapedType::isDynamic(extent) ? 1 : extent;
  return size;
}

bool ProgramBuilder::addBroadcast() {
  Item *item = pickField();
  if (!item || item->getType().getRank() > 2)
    return false;
  SmallVector<int64_t> shape(item->getType().getShape()), axes;
  int64_t first = item->lengths.size();
  int64_t rank = shape.size() + dice.number(1, 2);
  for (int64_t axis = first; axis < rank; ++axis) {
    // The axes that are left are all new, or this one is by chance.
    int64_t missing = rank - static_cast<int64_t>(shape.size());
    if (missing == 0 || (rank - axis > missing && dice.chance(0.5)))
      continue;
    shape.insert(shape.begin() + axis,
                 dice.pick(ArrayRef<int64_t>({1, 2, 3, 7})));
    axes.push_back(axis);
  }
  if (getStaticSize(shape) > maxElements ||
      static_cast<int64_t>(shape.size()) != rank)
    return false;
  Item x = use(item);
  addLike(BroadcastOp::create(builder, getType(shape), x.value, axes), x.bound,
          {x});
  return true;
}

bool ProgramBuilder::addReduce() {
  Item *item = pickField([](const Item &item) {
    return item.getType().getRank() > static_cast<int64_t>(item.lengths.size());
  });
  if (!item)
    return false;
  bool isMax = program.options.kinks && dice.chance(0.35);
  SmallVector<int64_t> shape, axes;
  double terms = 1;
  int64_t first = item->lengths.size();
  for (auto [axis, extent] : llvm::enumerate(item->getType().getShape())) {
    if (static_cast<int64_t>(axis) >= first && dice.chance(0.6)) {
      axes.push_back(axis);
      terms *= extent;
    } else {
      shape.push_back(extent);
    }
  }
  Item x = use(item);
  Value value = ReduceOp::create(
      builder, getType(shape), isMax ? ReductionKind::Max : ReductionKind::Sum,
      x.value, axes);
  addLike(value, x.bound * (isMax ? 1 : terms), {x});
  return true;
}

bool ProgramBuilder::addFirstMax() {
  Item *item = pickStatic(1);
  if (!item || !program.options.kinks)
    return false;
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < item->getType().getRank(); ++axis)
    if (dice.chance(0.6))
      axes.push_back(axis);
  Item x = use(item);
  addLike(FirstMaxOp::create(builder, x.getType(), x.value, axes), 1, {x});
  return true;
}

/// To another static shape: a vector, two axes joined, or one that is split.
bool ProgramBuilder::addReshape() {
  Item *item = pickStatic();
  if (!item)
    return false;
  RankedTensorType type = item->getType();
  SmallVector<int64_t> shape(type.getShape());
  switch (dice.number(0, 3)) {
  case 0:
    shape = {type.getNumElements()};
    break;
  case 1:
    if (shape.size() < 2)
      return false;
    shape[0] *= shape[1];
    shape.erase(shape.begin() + 1);
    break;
  case 2:
    shape.insert(shape.begin() + dice.number(0, shape.size()), 1);
    break;
  default:
    for (auto [axis, extent] : llvm::enumerate(shape))
      for (int64_t factor : {2, 3, 5, 11})
        if (extent % factor == 0 && extent > factor) {
          shape[axis] /= factor;
          shape.insert(shape.begin() + axis, factor);
          Item x = use(item);
          addLike(ReshapeOp::create(builder, getType(shape), x.value), x.bound,
                  {x});
          return true;
        }
    return false;
  }
  if (shape.size() > 4)
    return false;
  Item x = use(item);
  addLike(ReshapeOp::create(builder, getType(shape), x.value), x.bound, {x});
  return true;
}

bool ProgramBuilder::addTranspose() {
  Item *item = pickField([](const Item &item) {
    return item.getType().getRank() -
               static_cast<int64_t>(item.lengths.size()) >=
           2;
  });
  if (!item)
    return false;
  Item x = use(item);
  ArrayRef<int64_t> shape = x.getType().getShape();
  SmallVector<int64_t> permutation(shape.size());
  std::iota(permutation.begin(), permutation.end(), 0);
  for (size_t axis = x.lengths.size(); axis + 1 < shape.size(); ++axis)
    std::swap(permutation[axis],
              permutation[dice.number(axis, shape.size() - 1)]);
  SmallVector<int64_t> result;
  for (int64_t axis : permutation)
    result.push_back(shape[axis]);
  addLike(TransposeOp::create(builder, getType(result), x.value, permutation),
          x.bound, {x});
  return true;
}

bool ProgramBuilder::addSlice() {
  Item *item = pickStatic(1);
  if (!item)
    return false;
  Item x = use(item);
  SmallVector<int64_t> offsets, shape;
  for (int64_t extent : x.getType().getShape()) {
    shape.push_back(dice.number(1, extent));
    offsets.push_back(dice.number(0, extent - shape.back()));
  }
  addLike(SliceOp::create(builder, getType(shape), x.value, offsets), x.bound,
          {x});
  return true;
}

bool ProgramBuilder::addPad() {
  Item *item = pickStatic(1);
  if (!item)
    return false;
  SmallVector<int64_t> offsets, shape;
  for (int64_t extent : item->getType().getShape()) {
    offsets.push_back(dice.number(0, 2));
    shape.push_back(extent + offsets.back() + dice.number(0, 2));
  }
  if (getStaticSize(shape) > maxElements)
    return false;
  Item x = use(item);
  addLike(PadOp::create(builder, getType(shape), x.value, offsets), x.bound,
          {x});
  return true;
}

bool ProgramBuilder::addConcat() {
  Item *item = pickStatic(1);
  if (!item || item->getType().getNumElements() > maxElements / 2)
    return false;
  SmallVector<Item> parts = {use(item)};
  RankedTensorType type = parts[0].getType();
  int64_t axis = dice.number(0, type.getRank() - 1);
  SmallVector<int64_t> shape(type.getShape());
  double bound = parts[0].bound;
  for (int64_t i = dice.number(0, 2); i > 0; --i) {
    SmallVector<int64_t> part(type.getShape());
    part[axis] = dice.number(1, type.getDimSize(axis));
    parts.push_back(makeField(getType(part)));
    shape[axis] += part[axis];
    bound = std::max(bound, parts.back().bound);
  }
  if (dice.chance(0.5))
    std::swap(parts.front(), parts.back());
  SmallVector<Value> values;
  for (const Item &part : parts)
    values.push_back(part.value);
  addResult(ConcatOp::create(builder, getType(shape), values, axis), bound, {});
  return true;
}

/// Along any axis, that of time included.
bool ProgramBuilder::addRoll() {
  Item *item =
      pickField([](const Item &item) { return item.getType().getRank() > 0; });
  if (!item)
    return false;
  Item x = use(item);
  int64_t axis = dice.number(0, x.getType().getRank() - 1);
  auto boundary = dice.chance(0.5) ? Boundary::Wrap : Boundary::Zero;
  addLike(RollOp::create(builder, x.getType(), x.value, axis,
                         dice.number(-4, 4), boundary),
          x.bound, {x});
  return true;
}

bool ProgramBuilder::addSource() {
  addItem(makeSource(makeType()));
  return true;
}

bool ProgramBuilder::addOneHot() {
  Item *label = pick(
      [](const Item &item) { return item.isLabel() && !item.isStacked(); });
  Value value;
  if (label && dice.chance(0.8)) {
    value = use(label).value;
  } else {
    auto type = RankedTensorType::get({}, builder.getI32Type());
    value = arith::ConstantOp::create(
        builder,
        DenseElementsAttr::get(type, static_cast<int32_t>(dice.number(-1, 5))));
  }
  auto type = getType({dice.number(1, 5)});
  addResult(OneHotOp::create(builder, type, value), 1, {}, true);
  return true;
}
