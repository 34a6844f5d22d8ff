//===- SegmentSchedule.cpp - Loops over segments of the steps -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop over segments (loco-segment-loops) hands its inner loops windows of
// stacks, and adds up stacks that are zero outside of a window. Windows of
// different segments do not overlap, so neither is more than an address: inner
// loops read and write the whole stack at the segment's steps. Sums of inner
// loops go on where the segment before left them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Planner.h"

using namespace mlir;
using namespace loco;

/// What `value` of the body of `scan` is outside.
static Value outsideOf(ScanOp scan, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != scan.getBlock() ||
      argument == scan.getStep())
    return Value();
  return scan->getOperand(argument.getArgNumber());
}

bool loco::isSegmentLoop(ScanOp scan) {
  auto segment = scan.getSteps().getDefiningOp<SegmentOp>();
  return segment && scan.getSteps() == segment.getCount();
}

bool loco::isSegmentWindow(Operation *op) {
  auto scan = dyn_cast<ScanOp>(op->getParentOp());
  if (!scan || !isSegmentLoop(scan) || !isa<WindowOp, PlaceWindowOp>(op))
    return false;
  auto segment = scan.getSteps().getDefiningOp<SegmentOp>();
  auto isStart = [&](Value first) {
    auto product = first.getDefiningOp<arith::MulIOp>();
    if (!product)
      return false;
    Value lhs = product.getLhs(), rhs = product.getRhs();
    if (rhs == scan.getStep())
      std::swap(lhs, rhs);
    return lhs == scan.getStep() && outsideOf(scan, rhs) == segment.getLength();
  };
  auto isAll = [&](Value steps) {
    return outsideOf(scan, steps) == segment.getSteps();
  };
  if (auto place = dyn_cast<PlaceWindowOp>(op))
    return isStart(place.getFirst()) && isAll(place.getSteps());
  auto window = cast<WindowOp>(op);
  auto extent = window.getSteps().getDefiningOp<arith::MinSIOp>();
  auto rest =
      extent ? extent.getRhs().getDefiningOp<arith::SubIOp>() : arith::SubIOp();
  return rest && isStart(window.getFirst()) && isAll(rest.getLhs()) &&
         rest.getRhs() == window.getFirst() &&
         outsideOf(scan, extent.getLhs()) == segment.getLength();
}

int Planner::addView(Operation *op, int whole, Value first, int64_t length) {
  Place place = schedule.places[whole];
  place.kind = Place::Kind::Pointer;
  place.partOf = whole;
  place.length = length;
  int number = addPlace(std::move(place));
  schedule.views[op] = {number, whole, first};
  skipped.insert(op);
  return number;
}

/// Windows that the loop's body reads.
void Planner::planWindows(ScanOp scan) {
  for (auto window : scan.getBlock()->getOps<WindowOp>()) {
    Reference whole = schedule.find(window.getOperand());
    if (!isSegmentWindow(window) || !whole || whole.step)
      continue;
    schedule.memory[window] = {addView(window, whole.place, window.getFirst(),
                                       schedule.shapeOf(window).front()),
                               nullptr};
  }
}

/// Lets the inner loop that stacks what is placed write to `sum` itself: every
/// step is of one segment, so there is nothing to add.
bool Planner::planSegmentWindow(ScanOp scan, Value value, Value sum) {
  auto place = value.getDefiningOp<PlaceWindowOp>();
  if (!place || !isSegmentWindow(place) || !value.hasOneUse())
    return false;
  Value stack = place.getOperand();
  auto inner = stack.getDefiningOp<ScanOp>();
  if (!inner || !llvm::is_contained(inner.getStacks(), stack) ||
      schedule.find(stack) || halos.contains(stack) || halos.contains(sum))
    return false;
  int view = addView(place, schedule.find(sum).place, place.getFirst(),
                     schedule.shapeOf(stack).front());
  schedule.memory[stack] = {view, nullptr};
  return true;
}

/// Lets the inner loop that makes `value` add to `sum` itself.
bool Planner::planSegmentSum(ScanOp scan, Value value, Value sum) {
  auto inner = value.getDefiningOp<ScanOp>();
  if (!isSegmentLoop(scan) || !inner || !value.hasOneUse() ||
      !llvm::is_contained(inner.getSums(), value) || schedule.find(value) ||
      isDirectSum(value) || asProduct(inner) || halos.contains(value) ||
      halos.contains(sum))
    return false;
  schedule.memory[value] = schedule.find(sum);
  continued.insert(value);
  return true;
}
