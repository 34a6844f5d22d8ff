//===- GPUHelpers.cpp - Small steps of the emitter ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

#include "compiler/Conversion/LocoToKernels/Layout.h"

using namespace mlir;
using namespace loco;

Value GPUEmitter::constant(int64_t value) {
  return arith::ConstantIntOp::create(b, loc, b.getI32Type(), value);
}

Value GPUEmitter::wide(int64_t value) {
  return arith::ConstantIntOp::create(b, loc, b.getI64Type(), value);
}

Value GPUEmitter::truth(bool value) {
  return arith::ConstantIntOp::create(b, loc, b.getI1Type(), value);
}

Value GPUEmitter::number(Type element, double value) {
  TypedAttr attribute =
      isa<FloatType>(element)
          ? TypedAttr(b.getFloatAttr(element, value))
          : TypedAttr(b.getIntegerAttr(element, int64_t(value)));
  return arith::ConstantOp::create(b, loc, element, attribute);
}

Value GPUEmitter::plus(Value a, Value c) {
  if (!a || !c)
    return a ? a : c;
  return arith::AddIOp::create(b, loc, a, c);
}

Value GPUEmitter::plus(Value a, int64_t c) {
  if (!a)
    return constant(c);
  return c ? plus(a, a.getType().isInteger(64) ? wide(c) : constant(c)) : a;
}

Value GPUEmitter::times(Value a, int64_t c) {
  if (!a || c == 1)
    return a;
  return arith::MulIOp::create(
      b, loc, a, a.getType().isInteger(64) ? wide(c) : constant(c));
}

/// Of numbers that are not negative.
Value GPUEmitter::divided(Value a, int64_t c) {
  return c == 1 ? a : arith::DivUIOp::create(b, loc, a, constant(c));
}

Value GPUEmitter::remainder(Value a, int64_t c) {
  return c == 1 ? constant(0) : arith::RemUIOp::create(b, loc, a, constant(c));
}

Value GPUEmitter::both(Value a, Value c) {
  if (!a || !c)
    return a ? a : c;
  return arith::AndIOp::create(b, loc, a, c);
}

Value GPUEmitter::select(Value condition, Value a, Value c) {
  return condition ? arith::SelectOp::create(b, loc, condition, a, c) : a;
}

Value GPUEmitter::compare(arith::CmpIPredicate how, Value a, Value c) {
  return arith::CmpIOp::create(b, loc, how, a, c);
}

Value GPUEmitter::at(const GPUCoordinate &coordinate) {
  return plus(coordinate.base, coordinate.offset);
}

Value GPUEmitter::toWide(Value value) {
  if (value.getType().isInteger(64))
    return value;
  return arith::ExtSIOp::create(b, loc, b.getI64Type(), value);
}

Value GPUEmitter::toNarrow(Value value) {
  if (value.getType().isInteger(32))
    return value;
  return arith::TruncIOp::create(b, loc, b.getI32Type(), value);
}

Value GPUEmitter::countOf(ArrayRef<int64_t> shape) {
  int64_t count = 1, open = 0;
  for (int64_t extent : shape)
    isOpen(extent) ? open = extent : count *= extent;
  return open ? times(toNarrow(lengthOf(open)), count) : constant(count);
}

/// A number of steps, i64.
Value GPUEmitter::lengthOf(int64_t extent) {
  return extent == segmentSteps   ? segmentExtent
         : extent == segmentCount ? numSegments
         : isOpen(extent)         ? steps
                                  : wide(extent);
}

Value GPUEmitter::samplesHere() {
  return toNarrow(arith::MinSIOp::create(
      b, loc, arith::SubIOp::create(b, loc, samples, sample),
      wide(schedule.tile)));
}

/// Waits for the threads of the team.
void GPUEmitter::barrier() {
  if (schedule.samplesPerBlock > 1)
    device::GroupBarrierOp::create(b, loc, group, schedule.threads);
  else if (schedule.isCluster)
    device::ClusterBarrierOp::create(b, loc);
  else if (schedule.blocksPerSample > 1)
    device::GridBarrierOp::create(b, loc, scratch, schedule.blocksPerSample);
  else
    gpu::BarrierOp::create(b, loc);
}

//===----------------------------------------------------------------------===//
// Numbers of steps, truth values that are no tensors
//===----------------------------------------------------------------------===//

Value GPUEmitter::scalar(Value value) {
  value = resolve(value);
  if (auto known = scope.scalars.find(value); known != scope.scalars.end())
    return known->second;
  if (isa<BlockArgument>(value))
    return steps;
  Value result = computeScalar(value.getDefiningOp(), value);
  return scope.scalars[value] = result;
}

/// The same op on i64 instead of index.
Value GPUEmitter::computeScalar(Operation *op, Value value) {
  auto convert = [&](Type type) -> Type {
    return type.isIndex() ? Type(b.getI64Type()) : type;
  };
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (auto real = dyn_cast<FloatAttr>(constant.getValue()))
      return arith::ConstantOp::create(b, loc, real.getType(), real);
    return arith::ConstantIntOp::create(
        b, loc, convert(constant.getType()),
        cast<IntegerAttr>(constant.getValue()).getValue().getSExtValue());
  }
  if (auto length = dyn_cast<LengthOp>(op))
    return lengthOf(schedule.shapeOf(length.getOperand()).front());
  if (auto segment = dyn_cast<SegmentOp>(op))
    return value == segment.getLength() ? segmentLength : numSegments;
  Values operands;
  for (Value operand : op->getOperands())
    operands.push_back(scalar(operand));
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
    Type to = convert(value.getType());
    unsigned from = operands[0].getType().getIntOrFloatBitWidth(),
             width = to.getIntOrFloatBitWidth();
    if (width < from)
      return arith::TruncIOp::create(b, loc, to, operands[0]);
    if (width > from && isa<arith::IndexCastOp>(op))
      return arith::ExtSIOp::create(b, loc, to, operands[0]);
    if (width > from)
      return arith::ExtUIOp::create(b, loc, to, operands[0]);
    return operands[0];
  }
  OperationState state(loc, op->getName(), operands, {}, op->getAttrs());
  for (Type type : op->getResultTypes())
    state.addTypes(convert(type));
  return b.create(state)->getResult(cast<OpResult>(value).getResultNumber());
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

void GPUEmitter::when(Value condition, llvm::function_ref<void()> body) {
  if (!condition)
    return body();
  auto branch = scf::IfOp::create(b, loc, condition, false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  Scope outside = scope;
  body();
  scope = std::move(outside);
}

void GPUEmitter::loop(Value begin, Value end, Value step, Carried carried,
                      LoopBody body) {
  auto loop = scf::ForOp::create(b, loc, begin, end, step,
                                 Values(carried.begin(), carried.end()));
  OpBuilder::InsertionGuard guard(b);
  Block *inside = loop.getBody();
  // Without carried values the terminator is there already.
  if (carried.empty())
    b.setInsertionPoint(inside->getTerminator());
  else
    b.setInsertionPointToEnd(inside);
  Values values(loop.getRegionIterArgs().begin(),
                loop.getRegionIterArgs().end());
  Scope outside = scope;
  body(loop.getInductionVar(), values);
  scope = std::move(outside);
  if (!carried.empty())
    scf::YieldOp::create(b, loc, values);
  llvm::copy(loop.getResults(), carried.begin());
}

/// for (i = 0; i < end; ++i), ending when body(i, carried) gives false; how
/// often it ran.
Value GPUEmitter::loopWhile(Value end, Carried carried,
                            llvm::function_ref<Value(Value, Carried)> body) {
  Values inits = {wide(0), truth(true)};
  inits.append(carried.begin(), carried.end());
  SmallVector<Type> types =
      llvm::map_to_vector(inits, [](Value value) { return value.getType(); });
  SmallVector<Location> locations(types.size(), loc);
  auto loop = scf::WhileOp::create(b, loc, types, inits);
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore(), {}, types, locations);
  Value isBelow =
      compare(arith::CmpIPredicate::slt, before->getArgument(0), end);
  scf::ConditionOp::create(b, loc, both(before->getArgument(1), isBelow),
                           before->getArguments());
  Block *after = b.createBlock(&loop.getAfter(), {}, types, locations);
  Values values(after->getArguments().drop_front(2));
  Scope outside = scope;
  Value goesOn = body(after->getArgument(0), values);
  scope = std::move(outside);
  Values next = {plus(after->getArgument(0), 1), goesOn};
  next.append(values);
  scf::YieldOp::create(b, loc, next);
  llvm::copy(loop.getResults().drop_front(2), carried.begin());
  return loop.getResult(0);
}
