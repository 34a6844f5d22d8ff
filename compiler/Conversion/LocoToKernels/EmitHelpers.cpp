//===- EmitHelpers.cpp - Small steps of the emitter -----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

using namespace mlir;
using namespace loco;

Value Emitter::constant(int64_t value) {
  return arith::ConstantIntOp::create(b, loc, b.getI64Type(), value);
}

Type Emitter::vectorOf(Type element) const {
  return lanes == 1 ? element : VectorType::get({lanes}, element);
}

Value Emitter::number(Type element, double value) {
  Type type = vectorOf(element);
  TypedAttr attribute =
      isa<FloatType>(element)
          ? TypedAttr(b.getFloatAttr(element, value))
          : TypedAttr(b.getIntegerAttr(element, int64_t(value)));
  if (lanes > 1)
    attribute =
        DenseElementsAttr::get(cast<VectorType>(type), Attribute(attribute));
  return arith::ConstantOp::create(b, loc, type, attribute);
}

Value Emitter::splat(Value scalar) {
  if (lanes == 1)
    return scalar;
  return vector::BroadcastOp::create(b, loc, vectorOf(scalar.getType()),
                                     scalar);
}

Value Emitter::splat32(int64_t value) { return number(b.getI32Type(), value); }

Value Emitter::iota() {
  if (lanes == 1)
    return splat32(0);
  SmallVector<int32_t> values(lanes);
  for (int64_t i = 0; i < lanes; ++i)
    values[i] = i;
  auto type = cast<VectorType>(vectorOf(b.getI32Type()));
  return arith::ConstantOp::create(
      b, loc, type, DenseElementsAttr::get(type, ArrayRef(values)));
}

Value Emitter::plus(Value a, Value c) {
  if (!a || !c)
    return a ? a : c;
  return arith::AddIOp::create(b, loc, a, c);
}

Value Emitter::plus(Value a, int64_t c) {
  if (c == 0)
    return a;
  return a ? plus(a, constant(c)) : constant(c);
}

Value Emitter::times(Value a, int64_t c) {
  if (!a || c == 1)
    return a;
  return times(a, constant(c));
}

Value Emitter::times(Value a, Value c) {
  return arith::MulIOp::create(b, loc, a, c);
}

Value Emitter::scalar(const Coordinate &coordinate) {
  Value value = plus(coordinate.base, coordinate.offset);
  return value ? value : constant(0);
}

Value Emitter::perLane(const Coordinate &coordinate) {
  if (coordinate.vector)
    return coordinate.offset
               ? plus(coordinate.vector, splat32(coordinate.offset))
               : coordinate.vector;
  if (coordinate.isConstant())
    return splat32(coordinate.offset);
  Value first = splat(
      arith::TruncIOp::create(b, loc, b.getI32Type(), scalar(coordinate)));
  return coordinate.lanes && !abreast ? plus(first, iota()) : first;
}

Value Emitter::both(Value a, Value c) {
  if (!a || !c)
    return a ? a : c;
  return arith::AndIOp::create(b, loc, a, c);
}

Value Emitter::select(Value condition, Value a, Value c) {
  return arith::SelectOp::create(b, loc, condition, a, c);
}

Value Emitter::masked(Value valid, Value value, Value otherwise) {
  return valid ? select(valid, value, otherwise) : value;
}

Value Emitter::fma(Value a, Value x, Value c) {
  return math::FmaOp::create(b, loc, a, x, c);
}

/// `value` (a vector or scalar) with elements of type `element`.
Value Emitter::converted(Value value, Type element) {
  Type from = getElementTypeOrSelf(value);
  if (from == element)
    return value;
  Type to = vectorOf(element);
  if (!isa<VectorType>(value.getType()))
    to = element;
  if (isa<FloatType>(from) && isa<FloatType>(element)) {
    if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(b, loc, to, value);
    return arith::TruncFOp::create(b, loc, to, value);
  }
  // Truth values are bytes in memory.
  if (from.isInteger(1))
    return arith::ExtUIOp::create(b, loc, to, value);
  return arith::TruncIOp::create(b, loc, to, value);
}

Value Emitter::extentOf(int64_t extent) {
  if (isKnownLength(extent))
    return constant(extent);
  return extent == segmentSteps   ? segmentExtent
         : extent == segmentCount ? numSegments
                                  : steps;
}

void Emitter::loop(Value begin, Value end, int64_t step, Carried carried,
                   LoopBody body) {
  auto loop =
      scf::ForOp::create(b, loc, begin, end, constant(step),
                         SmallVector<Value>(carried.begin(), carried.end()));
  OpBuilder::InsertionGuard guard(b);
  Block *inside = loop.getBody();
  // Without carried values the terminator is there already.
  if (carried.empty())
    b.setInsertionPoint(inside->getTerminator());
  else
    b.setInsertionPointToEnd(inside);
  Values values(loop.getRegionIterArgs().begin(),
                loop.getRegionIterArgs().end());
  Memo outside = memo;
  body(loop.getInductionVar(), values);
  memo = std::move(outside);
  if (!carried.empty())
    scf::YieldOp::create(b, loc, values);
  llvm::copy(loop.getResults(), carried.begin());
}

Value Emitter::loopWhile(Value end, Carried carried,
                         llvm::function_ref<Value(Value, Carried)> body) {
  // Index, then whether it goes on, then what is carried.
  Values inits = {constant(0),
                  arith::ConstantIntOp::create(b, loc, b.getI1Type(), 1)};
  inits.append(carried.begin(), carried.end());
  SmallVector<Type> types =
      llvm::map_to_vector(inits, [](Value value) { return value.getType(); });
  SmallVector<Location> locations(types.size(), loc);
  auto loop = scf::WhileOp::create(b, loc, types, inits);
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore(), {}, types, locations);
  Value isBelow = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                        before->getArgument(0), end);
  scf::ConditionOp::create(
      b, loc, arith::AndIOp::create(b, loc, before->getArgument(1), isBelow),
      before->getArguments());
  Block *after = b.createBlock(&loop.getAfter(), {}, types, locations);
  Values values(after->getArguments().drop_front(2));
  Memo outside = memo;
  Value goesOn = body(after->getArgument(0), values);
  memo = std::move(outside);
  Value zero = arith::ConstantIntOp::create(b, loc, goesOn.getType(), 0);
  Values next = {
      plus(after->getArgument(0), 1),
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, goesOn, zero)};
  next.append(values);
  scf::YieldOp::create(b, loc, next);
  llvm::copy(loop.getResults().drop_front(2), carried.begin());
  return loop.getResult(0);
}

void Emitter::loop(int64_t count, int64_t step, Carried carried,
                   LoopBody body) {
  loop(constant(0), extentOf(count), step, carried, body);
}

void Emitter::nest(ArrayRef<int64_t> extents, Carried carried, NestBody body) {
  SmallVector<Coordinate> site(extents.size());
  std::function<void(size_t, Carried)> axis = [&](size_t i, Carried inner) {
    if (i == extents.size())
      return body(site, inner);
    if (extents[i] == 1) {
      site[i] = {};
      return axis(i + 1, inner);
    }
    loop(extents[i], 1, inner, [&](Value index, Carried values) {
      site[i] = {index};
      axis(i + 1, values);
    });
  };
  axis(0, carried);
}

/// `valid` is set for the body where the row does not fill its vectors.
void Emitter::columns(int64_t extent, Carried carried, LoopBody body) {
  if (abreast)
    return loop(extent, 1, carried, body);
  Value outside = valid;
  bool dynamic = !isKnownLength(extent);
  auto inRow = [&](Value first) {
    Value rest = arith::SubIOp::create(b, loc, extentOf(extent), first);
    rest = splat(arith::TruncIOp::create(b, loc, b.getI32Type(), rest));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, iota(),
                                 rest);
  };
  if (!dynamic && extent <= lanes) {
    Value first = constant(0);
    if (extent != lanes)
      valid = inRow(first);
    body(Value(), carried);
  } else {
    loop(extent, lanes, carried, [&](Value first, Carried values) {
      if (lanes > 1 && (dynamic || extent % lanes))
        valid = inRow(first);
      body(first, values);
    });
  }
  valid = outside;
}
