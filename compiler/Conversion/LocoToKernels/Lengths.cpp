//===- Lengths.cpp - How many steps stacked values have -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A stacked value has as many steps as the function is called with, or a number
// that is known here, or as many as a segment or as there are segments.
// Anything else has no place in an arena whose size is known before the call.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Planner.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace loco;

namespace {
constexpr int64_t unknown = -2;

class Lengths {
public:
  explicit Lengths(Schedule &schedule) : schedule(schedule) {}
  LogicalResult visit(Operation *op);

private:
  /// kDynamic: the function's number of steps.
  int64_t ofIndex(Value index);
  int64_t of(Value stacked) const {
    auto known = schedule.lengths.find(stacked);
    return known == schedule.lengths.end() ? ShapedType::kDynamic
                                           : known->second;
  }
  LogicalResult set(Operation *op, Value value, int64_t length);

  Schedule &schedule;
};
} // namespace

static bool isStacked(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && !type.hasStaticShape();
}

int64_t Lengths::ofIndex(Value index) {
  APInt constant;
  if (matchPattern(index, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  if (auto length = index.getDefiningOp<LengthOp>())
    return of(length.getOperand());
  // Of one number of steps, so that all loops have the same segments.
  if (auto segment = index.getDefiningOp<SegmentOp>())
    return !ShapedType::isDynamic(ofIndex(segment.getSteps())) ? unknown
           : index == segment.getLength()                      ? segmentSteps
                                                               : segmentCount;
  // What is left for the last segment.
  if (auto less = index.getDefiningOp<arith::MinSIOp>();
      less && ofIndex(less.getLhs()) == segmentSteps) {
    schedule.segmentExtents.insert(less);
    return segmentSteps;
  }
  auto argument = dyn_cast<BlockArgument>(index);
  if (!argument)
    return unknown;
  auto scan = dyn_cast<ScanOp>(argument.getOwner()->getParentOp());
  if (!scan)
    return ShapedType::kDynamic;
  return argument == scan.getStep()
             ? unknown
             : ofIndex(scan->getOperand(argument.getArgNumber()));
}

LogicalResult Lengths::set(Operation *op, Value value, int64_t length) {
  auto type = cast<RankedTensorType>(value.getType());
  if (llvm::count_if(type.getShape(), ShapedType::isDynamic) > 1 ||
      !type.isDynamicDim(0))
    return op->emitOpError(
        "has a stack of stacked values, which kernels cannot hold "
        "[nested-stack]");
  if (length == unknown)
    return op->emitOpError(
        "has a stacked value whose number of steps is neither that of "
        "the function nor a constant [stack-length]");
  if (!ShapedType::isDynamic(length))
    schedule.lengths[value] = length;
  return success();
}

LogicalResult Lengths::visit(Operation *op) {
  if (auto scan = dyn_cast<ScanOp>(op)) {
    for (auto [argument, operand] :
         llvm::zip(scan.getConstantArguments(), scan.getConstants()))
      if (isStacked(argument) && failed(set(op, argument, of(operand))))
        return failure();
    for (Value argument : scan.getElementArguments())
      if (isStacked(argument))
        return set(op, argument, unknown);
    for (auto [argument, init] :
         llvm::zip(scan.getCarryArguments(), scan.getInits()))
      if (isStacked(argument) && failed(set(op, argument, of(init))))
        return failure();
    int64_t steps = ofIndex(scan.getSteps());
    for (Value stack : scan.getStacks())
      if (failed(set(op, stack, steps)))
        return failure();
    for (auto [final, init] : llvm::zip(scan.getFinals(), scan.getInits()))
      if (isStacked(final) && failed(set(op, final, of(init))))
        return failure();
    // Of sums the body has to tell.
    return success();
  }
  for (Value result : op->getResults()) {
    if (!isStacked(result))
      continue;
    int64_t length = ShapedType::kDynamic;
    if (auto zeros = dyn_cast<ZerosOp>(op)) {
      length = ofIndex(zeros.getSteps());
    } else if (auto place = dyn_cast<PlaceOp>(op)) {
      length = ofIndex(place.getSteps());
    } else if (auto window = dyn_cast<WindowOp>(op)) {
      length = ofIndex(window.getSteps());
    } else if (auto place = dyn_cast<PlaceWindowOp>(op)) {
      length = ofIndex(place.getSteps());
    } else {
      for (Value operand : op->getOperands())
        if (isStacked(operand))
          length = of(operand);
    }
    if (failed(set(op, result, length)))
      return failure();
  }
  // The sums of the scan that ends here.
  if (auto yield = dyn_cast<YieldOp>(op))
    if (auto scan = dyn_cast<ScanOp>(op->getParentOp()))
      for (auto [value, sum] : llvm::zip(yield.getSums(), scan.getSums()))
        if (isStacked(sum) && failed(set(op, sum, of(value))))
          return failure();
  return success();
}

LogicalResult Planner::findLengths() {
  Lengths lengths(schedule);
  auto result = schedule.function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    return isa<func::FuncOp>(op) || succeeded(lengths.visit(op))
               ? WalkResult::advance()
               : WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}
