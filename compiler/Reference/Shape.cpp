//===- Shape.cpp - Ops on shapes in the interpreter -----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/Evaluation.h"
#include "dialects/Loco/IR/LocoOps.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace loco;
using namespace loco::reference;

/// Strides of an array in which `axes` are missing, spread over all `rank`
/// axes: 0 along the missing ones.
static SmallVector<int64_t>
spreadStrides(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> own = getStrides(shape), strides;
  for (int64_t axis = 0, next = 0; axis < rank; ++axis)
    strides.push_back(llvm::is_contained(axes, axis) ? 0 : own[next++]);
  return strides;
}

/// The shape without `axes`.
static SmallVector<int64_t> dropAxes(ArrayRef<int64_t> shape,
                                     ArrayRef<int64_t> axes) {
  SmallVector<int64_t> rest;
  for (auto [axis, extent] : llvm::enumerate(shape))
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis)))
      rest.push_back(extent);
  return rest;
}

static LogicalResult evaluateBroadcast(Evaluation &evaluation) {
  auto op = evaluation.getOp<BroadcastOp>();
  const Array &x = evaluation.getArray(0);
  SmallVector<int64_t> shape(op.getResult().getType().getShape());
  for (size_t axis = 0, next = 0; axis < shape.size(); ++axis) {
    if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(axis)))
      shape[axis] = x.shape[next++];
    else if (ShapedType::isDynamic(shape[axis]))
      return evaluation.emitError()
             << "repeats along axis " << axis << ", whose extent is unknown";
  }
  Array result = makeArray(shape);
  forEachPair(
      shape, getStrides(shape),
      spreadStrides(x.shape, op.getAxes(), shape.size()),
      [&](int64_t to, int64_t from) { result.values[to] = x.values[from]; });
  return evaluation.setResult(0, std::move(result));
}

/// Maximum over axes; -infinity over none, NaN where there is one.
static Array reduceMax(const Array &x, ArrayRef<int64_t> axes) {
  Array result = makeArray(dropAxes(x.shape, axes));
  llvm::fill(result.values, -std::numeric_limits<double>::infinity());
  forEachPair(x.shape, getStrides(x.shape),
              spreadStrides(result.shape, axes, x.shape.size()),
              [&](int64_t from, int64_t to) {
                double value = x.values[from];
                if (value > result.values[to] || std::isnan(value))
                  result.values[to] = value;
              });
  return result;
}

static LogicalResult evaluateReduce(Evaluation &evaluation) {
  auto op = evaluation.getOp<ReduceOp>();
  const Array &x = evaluation.getArray(0);
  if (op.getKind() == ReductionKind::Max)
    return evaluation.setResult(0, reduceMax(x, op.getAxes()));
  Array result = makeArray(dropAxes(x.shape, op.getAxes()));
  forEachPair(
      x.shape, getStrides(x.shape),
      spreadStrides(result.shape, op.getAxes(), x.shape.size()),
      [&](int64_t from, int64_t to) { result.values[to] += x.values[from]; });
  return evaluation.setResult(0, std::move(result));
}

static LogicalResult evaluateFirstMax(Evaluation &evaluation) {
  auto op = evaluation.getOp<FirstMaxOp>();
  const Array &x = evaluation.getArray(0);
  Array maxima = reduceMax(x, op.getAxes()), result = makeArray(x.shape);
  std::vector<bool> found(maxima.values.size());
  forEachPair(x.shape, getStrides(x.shape),
              spreadStrides(maxima.shape, op.getAxes(), x.shape.size()),
              [&](int64_t site, int64_t group) {
                if (found[group] || x.values[site] != maxima.values[group])
                  return;
                found[group] = true;
                result.values[site] = 1;
              });
  return evaluation.setResult(0, std::move(result));
}

static LogicalResult evaluateReshape(Evaluation &evaluation) {
  auto type = evaluation.getOp<ReshapeOp>().getResult().getType();
  return evaluation.setResult(0, Array{SmallVector<int64_t>(type.getShape()),
                                       evaluation.getArray(0).values});
}

static LogicalResult evaluateTranspose(Evaluation &evaluation) {
  const Array &x = evaluation.getArray(0);
  SmallVector<int64_t> shape, strides, own = getStrides(x.shape);
  for (int64_t axis : evaluation.getOp<TransposeOp>().getPermutation()) {
    shape.push_back(x.shape[axis]);
    strides.push_back(own[axis]);
  }
  Array result = makeArray(shape);
  forEachPair(shape, getStrides(shape), strides, [&](int64_t to, int64_t from) {
    result.values[to] = x.values[from];
  });
  return evaluation.setResult(0, std::move(result));
}

/// The place of the site `index` in an array of these strides.
static int64_t getPlace(ArrayRef<int64_t> index, ArrayRef<int64_t> strides) {
  int64_t place = 0;
  for (auto [i, stride] : llvm::zip(index, strides))
    place += i * stride;
  return place;
}

static LogicalResult evaluateSlice(Evaluation &evaluation) {
  auto op = evaluation.getOp<SliceOp>();
  const Array &x = evaluation.getArray(0);
  Array result = makeArray(op.getResult().getType().getShape());
  SmallVector<int64_t> strides = getStrides(x.shape);
  const double *corner = x.values.data() + getPlace(op.getOffsets(), strides);
  forEachPair(
      result.shape, getStrides(result.shape), strides,
      [&](int64_t to, int64_t from) { result.values[to] = corner[from]; });
  return evaluation.setResult(0, std::move(result));
}

/// Copies `x` into `result` with its first site at `offsets`.
static void insert(const Array &x, ArrayRef<int64_t> offsets, Array &result) {
  SmallVector<int64_t> strides = getStrides(result.shape);
  double *corner = result.values.data() + getPlace(offsets, strides);
  forEachPair(x.shape, strides, getStrides(x.shape),
              [&](int64_t to, int64_t from) { corner[to] = x.values[from]; });
}

static LogicalResult evaluatePad(Evaluation &evaluation) {
  auto op = evaluation.getOp<PadOp>();
  Array result = makeArray(op.getResult().getType().getShape());
  insert(evaluation.getArray(0), op.getOffsets(), result);
  return evaluation.setResult(0, std::move(result));
}

static LogicalResult evaluateConcat(Evaluation &evaluation) {
  size_t axis = evaluation.getOp<ConcatOp>().getAxis();
  SmallVector<int64_t> shape = evaluation.getArray(0).shape;
  shape[axis] = 0;
  for (unsigned i = 0; i < evaluation.getNumOperands(); ++i) {
    ArrayRef<int64_t> part = evaluation.getArray(i).shape;
    for (size_t other = 0; other < shape.size(); ++other)
      if (other != axis && part[other] != shape[other])
        return evaluation.emitError()
               << "joins extents " << shape[other] << " and " << part[other]
               << " of axis " << other;
    shape[axis] += part[axis];
  }
  Array result = makeArray(shape);
  SmallVector<int64_t> offsets(shape.size(), 0);
  for (unsigned i = 0; i < evaluation.getNumOperands(); ++i) {
    insert(evaluation.getArray(i), offsets, result);
    offsets[axis] += evaluation.getArray(i).shape[axis];
  }
  return evaluation.setResult(0, std::move(result));
}

static LogicalResult evaluateRoll(Evaluation &evaluation) {
  auto op = evaluation.getOp<RollOp>();
  const Array &x = evaluation.getArray(0);
  int64_t extent = x.shape[op.getAxis()],
          stride = getStrides(x.shape)[op.getAxis()];
  Array result = makeArray(x.shape);
  for (int64_t place = 0, size = x.values.size(); place < size; ++place) {
    int64_t site = place / stride % extent, source = site - op.getDistance();
    if (op.getBoundary() == Boundary::Wrap)
      source = ((source % extent) + extent) % extent;
    if (source >= 0 && source < extent)
      result.values[place] = x.values[place + (source - site) * stride];
  }
  return evaluation.setResult(0, std::move(result));
}

void reference::addShapeHandlers(HandlerTable &table, MLIRContext *context) {
  addHandler<BroadcastOp>(table, context, evaluateBroadcast);
  addHandler<ReduceOp>(table, context, evaluateReduce);
  addHandler<FirstMaxOp>(table, context, evaluateFirstMax);
  addHandler<ReshapeOp>(table, context, evaluateReshape);
  addHandler<TransposeOp>(table, context, evaluateTranspose);
  addHandler<SliceOp>(table, context, evaluateSlice);
  addHandler<PadOp>(table, context, evaluatePad);
  addHandler<ConcatOp>(table, context, evaluateConcat);
  addHandler<RollOp>(table, context, evaluateRoll);
}
