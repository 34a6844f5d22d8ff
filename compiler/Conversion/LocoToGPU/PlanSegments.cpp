//===- PlanSegments.cpp - Loops over segments of the steps ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop over segments (loco-segment-loops) hands its inner loops windows of
// stacks, and adds up stacks that are zero outside of a window. Windows of
// different segments do not overlap, so both are addresses: elements are read
// from the whole stack, and what is placed is written there, from the segment's
// first step on. Sums in memory go on where the segment before left them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUPlanner.h"

#include "compiler/Conversion/LocoToKernels/Planner.h"

using namespace mlir;
using namespace loco;

/// What the loop is given that an argument is an element of.
static Value getElementsOf(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto scan = argument ? dyn_cast<ScanOp>(argument.getOwner()->getParentOp())
                       : ScanOp();
  if (!scan || scan.getElements().empty())
    return {};
  unsigned first = scan.getElementArguments().front().getArgNumber(),
           number = argument.getArgNumber();
  if (number < first || number >= first + scan.getElements().size())
    return {};
  return resolve(scan.getElements()[number - first]);
}

/// `value` as a segment of a stack; null if it is none.
static WindowOp asSegment(Value value) {
  auto window = value ? value.getDefiningOp<WindowOp>() : WindowOp();
  return window && isSegmentWindow(window) ? window : WindowOp();
}

Value loco::getStackOf(Value value) {
  Value elements = getElementsOf(value);
  if (WindowOp window = asSegment(elements))
    return resolve(window.getOperand());
  return elements;
}

Value loco::getFirstOf(Value value) {
  WindowOp window = asSegment(getElementsOf(value));
  return window ? window.getFirst() : Value();
}

bool loco::isPlacedInSegments(Value value) {
  auto place = value.getDefiningOp<PlaceWindowOp>();
  return place && isSegmentWindow(place);
}

/// Where a sum over segments is added up that needs no loop of its own: every
/// step is of one segment, or the inner loop adds to it itself. False if there
/// is none.
bool GPUPlanner::planSegmentSum(
    ScanOp scan, Value value, Value sum,
    SmallVectorImpl<std::pair<Value, GPUSink>> &sinks) {
  if (!isSegmentLoop(scan))
    return false;
  auto producer = value.getDefiningOp<ScanOp>();
  if (isPlacedInSegments(value)) {
    auto place = value.getDefiningOp<PlaceWindowOp>();
    requireMemory(sum);
    GPUReference to = {schedule.memory.lookup(sum).place, {}, place.getFirst()};
    Value stack = place.getOperand();
    auto inner = stack.getDefiningOp<ScanOp>();
    if (inner && llvm::is_contained(inner.getStacks(), stack) &&
        !schedule.memory.contains(stack))
      schedule.memory[stack] = to;
    else
      sinks.push_back({stack, {to, false}});
    return true;
  }
  if (!producer || !value.hasOneUse() || schedule.memory.contains(value) ||
      schedule.slotsOf(schedule.countOf(sum)))
    return false;
  for (auto [term, total] :
       llvm::zip(producer.getYield().getSums(), producer.getSums()))
    if (total == value &&
        !(term.getDefiningOp() && isDeferred(term.getDefiningOp()))) {
      requireMemory(sum);
      schedule.memory[value] = schedule.memory.lookup(sum);
      continued.insert(value);
      return true;
    }
  return false;
}
