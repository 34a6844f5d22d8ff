//===- EmitValue.cpp - Ops at a row of sites ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace loco;

Emitter::Key Emitter::keyOf(const void *value, const Site &site) {
  Key key;
  key.first = const_cast<void *>(value);
  for (const Coordinate &coordinate : site)
    key.second.push_back(coordinate.key());
  return key;
}

Value Emitter::remember(Value value, const Site &site, Value result) {
  return memo[keyOf(value.getAsOpaquePointer(), site)] = result;
}

Value Emitter::recall(Value value, const Site &site) const {
  auto found = memo.find(keyOf(value.getAsOpaquePointer(), site));
  return found == memo.end() ? Value() : found->second;
}

Value Emitter::get(Value value, const Site &site) {
  if (Value known = recall(value, site))
    return known;
  Operation *op = value.getDefiningOp();
  Reference reference = schedule.find(value);
  bool constant = op && op->hasTrait<OpTrait::ConstantLike>();
  if (reference && !(op && here.contains(op)) && !constant)
    return load(reference, getElementTypeOrSelf(value), site);
  return remember(value, site, compute(value, site));
}

Value Emitter::elementwise(Operation *op, ArrayRef<Value> operands) {
  if (isa<StopGradientOp>(op))
    return operands.front();
  if (Value expanded = expandMath(b, op, operands))
    return expanded;
  OperationState state(loc, op->getName(), operands, {}, op->getAttrs());
  for (Type type : op->getResultTypes())
    state.addTypes(vectorOf(getElementTypeOrSelf(type)));
  return b.create(state)->getResult(0);
}

/// `value` as a product that is made where it is used, not read from memory,
/// and may become one with the sum that uses it.
arith::MulFOp Emitter::productHere(Value value) const {
  if (!schedule.options.fuseSums)
    return {};
  auto product = value.getDefiningOp<arith::MulFOp>();
  if (product && schedule.find(value) && !here.contains(product))
    return {};
  return product;
}

/// A sum or difference with a product is one instruction, rounded once.
Value Emitter::fusedSum(Operation *op, const Site &site) {
  bool difference = isa<arith::SubFOp>(op);
  if (!difference && !isa<arith::AddFOp>(op))
    return {};
  for (unsigned i : {0, 1}) {
    auto product = productHere(op->getOperand(i));
    if (!product)
      continue;
    Value a = get(product.getLhs(), site), x = get(product.getRhs(), site);
    Value c = get(op->getOperand(1 - i), site);
    if (difference)
      (i == 0 ? c : a) = arith::NegFOp::create(b, loc, i == 0 ? c : a);
    return fma(a, x, c);
  }
  return {};
}

/// The reciprocal of what `division` divides by, if that is one number for all
/// sites: made once, in front of the loops. A division takes as long as eight
/// products.
Value Emitter::reciprocal(arith::DivFOp division) {
  Type element = getElementTypeOrSelf(division.getType());
  Value divisor = division.getRhs();
  if (!schedule.options.fuseSums || lanes == 1)
    return {};
  DenseFPElementsAttr constant;
  if (matchPattern(divisor, m_Constant(&constant))) {
    if (!constant.isSplat())
      return {};
    double by = constant.getSplatValue<APFloat>().convertToDouble();
    return number(element, 1 / by);
  }
  auto broadcast = divisor.getDefiningOp<BroadcastOp>();
  if (!broadcast || broadcast.getOperand().getType().getRank() != 0 ||
      !schedule.find(broadcast.getOperand()) ||
      matchPattern(broadcast.getOperand(), m_Constant()))
    return {};
  Value &known = hoisted[keyOf(division.getAsOpaquePointer(), {})];
  if (known)
    return known;
  Value by = get(broadcast.getOperand(), {});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(marker);
  return known = arith::DivFOp::create(b, loc, number(element, 1), by);
}

/// Value of `value`'s op at `site`.
Value Emitter::compute(Value value, const Site &site) {
  Operation *op = value.getDefiningOp();
  Type element = getElementTypeOrSelf(value);
  if (Value fused = fusedSum(op, site))
    return fused;
  if (auto division = dyn_cast<arith::DivFOp>(op))
    if (Value factor = reciprocal(division))
      return arith::MulFOp::create(b, loc, get(division.getLhs(), site),
                                   factor);
  if (isElementwise(op) && !op->hasTrait<OpTrait::ConstantLike>()) {
    Values operands;
    for (Value operand : op->getOperands())
      operands.push_back(isa<RankedTensorType>(operand.getType())
                             ? get(operand, site)
                             : splat(scalars.lookup(operand)));
    return elementwise(op, operands);
  }
  SmallVector<int64_t> extents;
  if (isa<RankedTensorType>(value.getType()))
    extents = schedule.shapeOf(value);
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::ConstantOp constant) -> Value {
        if (auto splatted = dyn_cast<SplatElementsAttr>(constant.getValue())) {
          if (isa<FloatType>(element))
            return number(element,
                          splatted.getSplatValue<APFloat>().convertToDouble());
          return number(element,
                        splatted.getSplatValue<APInt>().getSExtValue());
        }
        return load(schedule.find(value), element, site);
      })
      .Case([&](FromIndexOp from) -> Value {
        return splat(arith::SIToFPOp::create(
            b, loc, element, scalars.lookup(from.getOperand())));
      })
      .Case([&](CoordinateOp coordinate) -> Value {
        return arith::SIToFPOp::create(b, loc, vectorOf(element),
                                       perLane(site[coordinate.getAxis()]));
      })
      .Case([&](ZerosOp) -> Value { return number(element, 0); })
      .Case([&](BroadcastOp broadcast) -> Value {
        Site inner;
        if (!flat)
          for (auto [axis, coordinate] : llvm::enumerate(site))
            if (!llvm::is_contained(broadcast.getAxes(),
                                    static_cast<int64_t>(axis)))
              inner.push_back(coordinate);
        return get(broadcast.getOperand(), inner);
      })
      .Case([&](ReshapeOp reshape) -> Value { return reshaped(reshape, site); })
      .Case([&](TransposeOp transpose) -> Value {
        Site inner(site.size());
        for (auto [i, axis] : llvm::enumerate(transpose.getPermutation()))
          inner[axis] = site[i];
        return get(transpose.getOperand(), inner);
      })
      .Case([&](SliceOp slice) -> Value {
        Site inner = site;
        for (auto [coordinate, offset] : llvm::zip(inner, slice.getOffsets()))
          coordinate = coordinate.shifted(offset);
        return get(slice.getOperand(), inner);
      })
      .Case([&](PadOp pad) -> Value {
        Site inner = site;
        for (auto [coordinate, offset] : llvm::zip(inner, pad.getOffsets()))
          coordinate = coordinate.shifted(-offset);
        return loadAround(pad.getOperand(), inner, Boundary::Zero).value;
      })
      .Case(
          [&](ConcatOp concat) -> Value { return concatenated(concat, site); })
      .Case([&](RollOp roll) -> Value {
        SmallVector<int64_t> distance(site.size(), 0);
        distance[roll.getAxis()] = -roll.getDistance();
        return loadMoved(roll.getOperand(), site, distance, extents,
                         roll.getBoundary())
            .value;
      })
      .Case([&](OneHotOp oneHot) -> Value {
        Value label = get(oneHot.getLabel(), {});
        Value hit = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                          label, perLane(site[0]));
        return arith::UIToFPOp::create(b, loc, vectorOf(element), hit);
      })
      .Case([&](AtOp at) -> Value {
        Site inner = {{scalars.lookup(at.getStep())}};
        llvm::append_range(inner, site);
        return get(at.getOperand(), inner);
      })
      .Case([&](PlaceOp place) -> Value {
        Value hit = arith::CmpIOp::create(
            b, loc, arith::CmpIPredicate::eq, perLane(site[0]),
            perLane({scalars.lookup(place.getStep())}));
        Site inner(site.begin() + 1, site.end());
        return select(hit, get(place.getOperand(), inner), number(element, 0));
      })
      .Case([&](WindowOp window) -> Value {
        Site inner = site;
        inner[0].base = plus(inner[0].base, scalars.lookup(window.getFirst()));
        return loadAround(window.getOperand(), inner, Boundary::Zero).value;
      })
      .Case([&](PlaceWindowOp place) -> Value {
        Site inner = site;
        Value first = scalars.lookup(place.getFirst());
        inner[0].base = plus(inner[0].base, times(first, -1));
        return loadAround(place.getOperand(), inner, Boundary::Zero).value;
      })
      .Case<ConvOp, ConvTransposeOp>([&](Operation *conv) -> Value {
        convRows(conv, site);
        return recall(value, site);
      })
      .Case([&](StencilOp op) -> Value {
        stencil(op, site);
        return recall(value, site);
      })
      .Default([](Operation *op) -> Value {
        llvm_unreachable(
            "the schedule fuses only ops that can be emitted at a site");
      });
}

Value Emitter::reshaped(ReshapeOp op, const Site &site) {
  RankedTensorType from = op.getOperand().getType(),
                   to = op.getResult().getType();
  Reference reference = schedule.find(op.getOperand());
  const Layout &layout = schedule.places[reference.place].layout;
  SmallVector<int64_t> pitch = Layout::dense(to.getShape()).pitch;
  Type element = from.getElementType();
  // The place in row-major order; neighbours of a row stay neighbours.
  if (layout.isPacked()) {
    Coordinate all;
    bool neighbours = true;
    for (auto [coordinate, distance] : llvm::zip(site, pitch)) {
      neighbours &= !coordinate.vector && (!coordinate.lanes || distance == 1);
      all.base = plus(all.base, times(coordinate.base, distance));
      all.offset += coordinate.offset * distance;
      all.lanes |= coordinate.lanes;
    }
    if (neighbours) {
      Site inner(from.getRank());
      if (inner.empty())
        return load(reference, element, inner);
      inner.back() = all;
      return load(reference, element, inner);
    }
  }
  Value order;
  for (auto [coordinate, distance] : llvm::zip(site, pitch))
    order = plus(order, times(perLane(coordinate), splat32(distance)));
  if (!order)
    order = splat32(0);
  if (!order)
    order = splat32(0);
  Site inner(from.getRank());
  for (int64_t i = from.getRank(); i-- > 0;) {
    Value n = splat32(from.getDimSize(i));
    inner[i].vector = arith::RemSIOp::create(b, loc, order, n);
    order = arith::DivSIOp::create(b, loc, order, n);
  }
  return load(reference, element, inner);
}

Value Emitter::concatenated(ConcatOp op, const Site &site) {
  int64_t begin = 0;
  Value result;
  for (Value operand : op.getOperands()) {
    Site inner = site;
    inner[op.getAxis()] = inner[op.getAxis()].shifted(-begin);
    Masked part = loadAround(operand, inner, Boundary::Zero);
    result = result ? select(part.valid, part.value, result) : part.value;
    begin += cast<RankedTensorType>(operand.getType()).getDimSize(op.getAxis());
  }
  return result;
}
