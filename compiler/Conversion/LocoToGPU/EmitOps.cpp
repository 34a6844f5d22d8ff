//===- EmitOps.cpp - Ops at a site ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

#include "compiler/Conversion/LocoToKernels/Emitter.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace loco;

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value GPUEmitter::get(Value value, const GPUSite &site) {
  value = resolve(value);
  Type element = getElementTypeOrSelf(value);
  bool isOne = schedule.countOf(value) == 1;
  if (auto known = scope.registers.find(value);
      known != scope.registers.end() && (isOne || site.isOwn)) {
    int slot = isOne ? 0 : site.slot;
    if (slot >= 0 && slot < static_cast<int>(known->second.size()))
      return known->second[slot];
  }
  if (site.isOwn || isOne)
    if (auto known = scope.here.find(value); known != scope.here.end())
      return known->second;
  Operation *op = value.getDefiningOp();
  bool isConstant = op && op->hasTrait<OpTrait::ConstantLike>();
  if (GPUReference reference = find(value); reference && !isConstant) {
    if (isOne)
      return load(reference, element, constant(0));
    return site.isOwn ? loadOwn(reference, element, site)
                      : load(reference, element, linearOf(site));
  }
  if (Value stack = getStackOf(value)) {
    // An element of a view.
    auto scan =
        cast<ScanOp>(cast<BlockArgument>(value).getOwner()->getParentOp());
    Value step = scope.scalars.lookup(scan.getStep());
    if (Value first = getFirstOf(value))
      step = plus(step, scalar(first));
    SmallVector<GPUCoordinate> coordinates = {{toNarrow(step), 0}};
    llvm::append_range(coordinates, coordinatesOf(site));
    return getAt(stack, coordinates);
  }
  assert(op && isView(op) && "a value that is neither here nor in memory");
  return view(value, site);
}

Value GPUEmitter::getAt(Value value, ArrayRef<GPUCoordinate> coordinates) {
  GPUSite site;
  site.shape = schedule.shapeOf(value);
  site.coordinates.assign(coordinates.begin(), coordinates.end());
  return get(value, site);
}

Value GPUEmitter::getWhere(Value value, Value valid,
                           ArrayRef<GPUCoordinate> coordinates) {
  if (!valid)
    return getAt(value, coordinates);
  SmallVector<GPUCoordinate> inside;
  for (const GPUCoordinate &coordinate : coordinates)
    inside.push_back({select(valid, at(coordinate), constant(0)), 0});
  Value element = getAt(value, inside);
  return select(valid, element, number(element.getType(), 0));
}

Value GPUEmitter::getAround(Value value, ArrayRef<GPUCoordinate> coordinates,
                            Boundary boundary) {
  SmallVector<int64_t> shape = schedule.shapeOf(value);
  SmallVector<GPUCoordinate> inside(coordinates.begin(), coordinates.end());
  Value valid;
  for (auto [coordinate, extent] : llvm::zip(inside, shape)) {
    bool isDynamic = isOpen(extent);
    // Distances may be larger than the lattice.
    if (boundary == Boundary::Wrap && !isDynamic)
      coordinate.offset %= extent;
    if (coordinate.offset == 0)
      continue;
    Value moved = at(coordinate);
    Value end = countOf({extent});
    if (boundary == Boundary::Wrap && isDynamic) {
      Value rest = arith::RemSIOp::create(b, loc, moved, end);
      coordinate = {
          select(compare(arith::CmpIPredicate::slt, rest, constant(0)),
                 plus(rest, end), rest),
          0};
      continue;
    }
    if (boundary == Boundary::Zero) {
      valid = both(valid, compare(arith::CmpIPredicate::ult, moved, end));
      coordinate = {moved, 0};
      continue;
    }
    Value around = coordinate.offset < 0
                       ? plus(moved, end)
                       : arith::SubIOp::create(b, loc, moved, end);
    Value isBeyond =
        coordinate.offset < 0
            ? compare(arith::CmpIPredicate::slt, moved, constant(0))
            : compare(arith::CmpIPredicate::sge, moved, end);
    coordinate = {select(isBeyond, around, moved), 0};
  }
  return getWhere(value, valid, inside);
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

Value GPUEmitter::view(Value value, const GPUSite &site) {
  Operation *op = value.getDefiningOp();
  Type element = getElementTypeOrSelf(value);
  SmallVector<GPUCoordinate, 4> coordinates;
  if (!isa<ReshapeOp>(op))
    coordinates = coordinatesOf(site);
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::ConstantOp constantOp) -> Value {
        auto splat = dyn_cast<SplatElementsAttr>(constantOp.getValue());
        if (!splat)
          return load(schedule.memory.lookup(value), element, linearOf(site));
        if (isa<FloatType>(element))
          return number(element,
                        splat.getSplatValue<APFloat>().convertToDouble());
        return number(element, splat.getSplatValue<APInt>().getSExtValue());
      })
      .Case([&](FromIndexOp from) -> Value {
        return arith::SIToFPOp::create(b, loc, element,
                                       scalar(from.getOperand()));
      })
      .Case([&](CoordinateOp coordinate) -> Value {
        return arith::SIToFPOp::create(b, loc, element,
                                       at(coordinates[coordinate.getAxis()]));
      })
      .Case([&](ZerosOp) -> Value { return number(element, 0); })
      .Case([&](BroadcastOp broadcast) -> Value {
        SmallVector<GPUCoordinate> inner;
        for (auto [axis, coordinate] : llvm::enumerate(coordinates))
          if (!llvm::is_contained(broadcast.getAxes(),
                                  static_cast<int64_t>(axis)))
            inner.push_back(coordinate);
        return getAt(broadcast.getOperand(), inner);
      })
      .Case([&](ReshapeOp reshape) -> Value {
        GPUSite inner = site;
        inner.linear = linearOf(site);
        inner.coordinates.clear();
        inner.shape = schedule.shapeOf(reshape.getOperand());
        return get(reshape.getOperand(), inner);
      })
      .Case([&](TransposeOp transpose) -> Value {
        SmallVector<GPUCoordinate> inner(coordinates.size());
        for (auto [i, axis] : llvm::enumerate(transpose.getPermutation()))
          inner[axis] = coordinates[i];
        return getAt(transpose.getOperand(), inner);
      })
      .Case([&](SliceOp slice) -> Value {
        for (auto [coordinate, offset] :
             llvm::zip(coordinates, slice.getOffsets()))
          coordinate.offset += offset;
        return getAt(slice.getOperand(), coordinates);
      })
      .Case([&](PadOp pad) -> Value {
        SmallVector<int64_t> shape = schedule.shapeOf(pad.getOperand());
        Value valid;
        for (auto [coordinate, offset, extent, whole] :
             llvm::zip(coordinates, pad.getOffsets(), shape,
                       schedule.shapeOf(value))) {
          coordinate.offset -= offset;
          if (extent == whole)
            continue;
          coordinate = {at(coordinate), 0};
          valid = both(valid, compare(arith::CmpIPredicate::ult,
                                      coordinate.base, constant(extent)));
        }
        return getWhere(pad.getOperand(), valid, coordinates);
      })
      .Case([&](ConcatOp concat) -> Value {
        Value result;
        int64_t begin = 0, axis = concat.getAxis();
        for (Value operand : concat.getOperands()) {
          SmallVector<GPUCoordinate, 4> inner(coordinates);
          inner[axis].offset -= begin;
          inner[axis] = {at(inner[axis]), 0};
          int64_t extent = schedule.shapeOf(operand)[axis];
          Value valid = compare(arith::CmpIPredicate::ult, inner[axis].base,
                                constant(extent));
          Value part = getWhere(operand, valid, inner);
          result = result ? select(valid, part, result) : part;
          begin += extent;
        }
        return result;
      })
      .Case([&](RollOp roll) -> Value {
        SmallVector<int64_t> shape = schedule.shapeOf(value);
        int64_t distance = -roll.getDistance(), extent = shape[roll.getAxis()];
        if (roll.getBoundary() == Boundary::Wrap && !isOpen(extent))
          distance %= extent;
        coordinates[roll.getAxis()].offset += distance;
        return getAround(roll.getOperand(), coordinates, roll.getBoundary());
      })
      .Case([&](OneHotOp oneHot) -> Value {
        Value label = getAt(oneHot.getLabel(), {});
        Value isHit =
            compare(arith::CmpIPredicate::eq, label, at(coordinates.front()));
        return arith::UIToFPOp::create(b, loc, element, isHit);
      })
      .Case([&](AtOp atStep) -> Value {
        SmallVector<GPUCoordinate> inner = {
            {toNarrow(scalar(atStep.getStep())), 0}};
        llvm::append_range(inner, coordinates);
        return getAt(atStep.getOperand(), inner);
      })
      .Case([&](PlaceOp place) -> Value {
        Value isHit = compare(arith::CmpIPredicate::eq, at(coordinates.front()),
                              toNarrow(scalar(place.getStep())));
        Value inner =
            getAt(place.getOperand(), ArrayRef(coordinates).drop_front());
        return select(isHit, inner, number(element, 0));
      })
      .Case([&](WindowOp window) -> Value {
        return getFrom(window.getOperand(), coordinates,
                       toNarrow(scalar(window.getFirst())));
      })
      .Case([&](PlaceWindowOp place) -> Value {
        Value first = toNarrow(scalar(place.getFirst()));
        return getFrom(place.getOperand(), coordinates,
                       arith::SubIOp::create(b, loc, constant(0), first));
      });
}

/// A stack's element so many steps later; zero beyond its ends.
Value GPUEmitter::getFrom(Value value,
                          MutableArrayRef<GPUCoordinate> coordinates,
                          Value distance) {
  Value step = plus(at(coordinates.front()), distance);
  coordinates.front() = {step, 0};
  Value steps = countOf({schedule.shapeOf(value).front()});
  return getWhere(value, compare(arith::CmpIPredicate::ult, step, steps),
                  coordinates);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

Value GPUEmitter::elementwise(Operation *op, ArrayRef<Value> operands) {
  if (isa<StopGradientOp>(op))
    return operands.front();
  if (Value expanded = expandMath(b, op, operands))
    return expanded;
  OperationState state(loc, op->getName(), operands, {}, op->getAttrs());
  for (Type type : op->getResultTypes())
    state.addTypes(getElementTypeOrSelf(type));
  return b.create(state)->getResult(0);
}

/// The results of `op` at `site` of them.
void GPUEmitter::compute(Operation *op, const GPUSite &site, Values &results) {
  llvm::SaveAndRestore place(loc, op->getLoc());
  if (auto stencilOp = dyn_cast<StencilOp>(op))
    return stencil(stencilOp, site, results);
  if (isElementwise(op)) {
    Values operands;
    for (Value operand : op->getOperands())
      operands.push_back(isa<RankedTensorType>(operand.getType())
                             ? get(operand, site)
                             : scalar(operand));
    results.push_back(elementwise(op, operands));
    return;
  }
  results.push_back(
      TypeSwitch<Operation *, Value>(op)
          .Case<ConvOp, ConvTransposeOp>(
              [&](Operation *conv) { return convolve(conv, site); })
          .Case([&](ConvOuterOp outer) { return outerAt(outer, site, false); })
          .Case([&](ContractOp contract) {
            return contractAt(contract, site, false);
          })
          .Case([&](ReduceOp reduce) { return reduceAt(reduce, site, false); })
          .Case([&](FirstMaxOp first) { return firstMax(first, site); })
          .Case([&](RandomOp draw) { return random(draw, site); })
          .Default([&](Operation *unknown) {
            unknown->emitOpError(
                "cannot be compiled for a GPU [unsupported-op]");
            isBroken = true;
            return number(getElementTypeOrSelf(unknown->getResult(0)), 0);
          }));
}

/// 1 at the first site over the op's axes that holds their maximum: none before
/// it is as large, none after it larger.
Value GPUEmitter::firstMax(FirstMaxOp op, const GPUSite &site) {
  SmallVector<int64_t> shape = schedule.shapeOf(op.getOperand()), over;
  SmallVector<GPUCoordinate, 4> own = coordinatesOf(site);
  Value mine = get(op.getOperand(), site);
  for (int64_t axis : op.getAxes())
    over.push_back(shape[axis]);
  Type element = mine.getType();
  Value beaten = sumOver(
      over, false, element, true,
      [&](ArrayRef<GPUCoordinate> inner, Value sum) -> Value {
        SmallVector<GPUCoordinate, 4> other(own);
        Value isBefore, isEqual;
        for (auto [axis, coordinate] : llvm::zip(op.getAxes(), inner)) {
          other[axis] = coordinate;
          Value theirs = at(coordinate), ours = at(own[axis]);
          Value less = compare(arith::CmpIPredicate::slt, theirs, ours);
          Value same = compare(arith::CmpIPredicate::eq, theirs, ours);
          less = isEqual ? both(isEqual, less) : less;
          isBefore = isBefore
                         ? Value(arith::OrIOp::create(b, loc, isBefore, less))
                         : less;
          isEqual = both(isEqual, same);
        }
        Value value = getAt(op.getOperand(), other);
        Value larger = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT,
                                             value, mine);
        Value asLarge = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE,
                                              value, mine);
        Value beats = select(isBefore, asLarge, larger);
        return select(beats, number(element, 1), sum);
      });
  Value isFirst = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT,
                                        beaten, number(element, 1));
  return arith::UIToFPOp::create(b, loc, element, isFirst);
}
