//===- SegmentLoops.cpp - Time loops that are gone through in segments ----===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/Autodiff/LoopPairs.h"
#include "compiler/Autodiff/Reverse.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace loco;

namespace loco {
#define GEN_PASS_DEF_SEGMENTLOOPS
#include "compiler/Autodiff/Passes.h.inc"
} // namespace loco

namespace {
/// Divides one pair of loops. Both become loops over segments; the forward one
/// keeps what its carries were at the start of each segment, the backward one
/// runs the segment once more from there, then goes back over it.
class LoopDivider {
public:
  LoopDivider(ScanOp forward, ScanOp backward)
      : forward(forward), backward(backward),
        builder(forward.getLoc(), forward),
        numCarries(forward.getInits().size()) {}

  bool canDivide();
  void run();

private:
  /// A loop over segments and, in its body, the first step of the segment and
  /// how many it has.
  struct Outer {
    ScanOp scan;
    Value first, extent;
  };
  /// What a loop over the steps of a segment is made of: values of the body
  /// around it.
  struct Inner {
    ScanOp of;
    SmallVector<Value> inits, elements, constants;
    /// Yielded values of the body of `of` that it gives.
    SmallVector<Value> stacks, sums;
  };

  Outer startOuter(ScanOp scan, ValueRange inits, ValueRange elements,
                   ValueRange constants, TypeRange stacks, TypeRange sums);
  Value takeWindow(const Outer &outer, Value whole, Value argument);
  ScanOp makeInner(const Outer &outer, const Inner &inner);
  void divideForward();
  void divideBackward();

  ScanOp forward, backward;
  ImplicitLocOpBuilder builder;
  unsigned numCarries;
  Value length, count;
  /// Carries at the start of each segment.
  SmallVector<Value> checkpoints;
};
} // namespace

/// True if `steps` is the number of steps that the function is called with.
static bool isFunctionSteps(Value steps) {
  auto ofFunction = [](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && isa<func::FuncOp>(argument.getOwner()->getParentOp());
  };
  if (auto op = steps.getDefiningOp<LengthOp>())
    return ofFunction(op.getOperand());
  return ofFunction(steps);
}

bool LoopDivider::canDivide() {
  auto isOneStep = [](Value argument) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    return type && type.hasStaticShape();
  };
  return isa<func::FuncOp>(forward->getParentOp()) && numCarries > 0 &&
         !forward.isPartial() && !backward.isPartial() &&
         isFunctionSteps(forward.getSteps()) &&
         backward.getSteps() == forward.getSteps() &&
         llvm::all_of(forward.getCarryArguments(), isOneStep) &&
         llvm::all_of(backward.getElementArguments(), isOneStep);
}

/// Makes the loop over segments of `scan`. Its body sees `elements` as the loop
/// does that it is made of: whole, after the numbers of steps.
LoopDivider::Outer LoopDivider::startOuter(ScanOp scan, ValueRange inits,
                                           ValueRange elements,
                                           ValueRange constants,
                                           TypeRange stacks, TypeRange sums) {
  SmallVector<Value> known = {scan.getSteps(), length};
  llvm::append_range(known, constants);
  Outer outer;
  outer.scan = ScanOp::create(builder, count, inits, elements, known, stacks,
                              sums, scan.getReverse());
  builder.setInsertionPointToEnd(outer.scan.getBlock());
  auto arguments = outer.scan.getConstantArguments();
  outer.first =
      arith::MulIOp::create(builder, outer.scan.getStep(), arguments[1]);
  Value rest = arith::SubIOp::create(builder, arguments[0], outer.first);
  outer.extent = arith::MinSIOp::create(builder, arguments[1], rest);
  return outer;
}

/// The segment's steps of `whole`, which is `argument` in the body.
Value LoopDivider::takeWindow(const Outer &outer, Value whole,
                              Value argument) {
  if (whole.getDefiningOp<ZerosOp>())
    return ZerosOp::create(builder, argument.getType(), outer.extent);
  return WindowOp::create(builder, argument.getType(), argument, outer.first,
                          outer.extent);
}

ScanOp LoopDivider::makeInner(const Outer &outer, const Inner &inner) {
  SmallVector<Value> constants = inner.constants;
  constants.push_back(outer.first);
  SmallVector<Type> stackTypes, sumTypes;
  for (Value value : inner.stacks)
    stackTypes.push_back(getStackedType(value.getType()));
  for (Value value : inner.sums)
    sumTypes.push_back(value.getType());
  ScanOp of = inner.of;
  auto scan = ScanOp::create(builder, outer.extent, inner.inits, inner.elements,
                             constants, stackTypes, sumTypes, of.getReverse());

  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(scan.getBlock());
  IRMapping mapping;
  auto arguments = scan.getConstantArguments();
  mapping.map(of.getStep(), arith::AddIOp::create(builder, arguments.back(),
                                                  scan.getStep()));
  mapping.map(ValueRange(of.getCarryArguments()),
              ValueRange(scan.getCarryArguments()));
  mapping.map(ValueRange(of.getElementArguments()),
              ValueRange(scan.getElementArguments()));
  mapping.map(ValueRange(of.getConstantArguments()),
              ValueRange(arguments.drop_back()));
  for (Operation &op : of.getBlock()->without_terminator())
    builder.clone(op, mapping);
  auto mapped = [&](ValueRange values) {
    SmallVector<Value> result;
    for (Value value : values)
      result.push_back(mapping.lookup(value));
    return result;
  };
  YieldOp::create(builder, mapped(of.getYield().getCarries()),
                  mapped(inner.stacks), mapped(inner.sums));
  return scan;
}

void LoopDivider::divideForward() {
  // The last stacks are those of the carries, for the reverse loop.
  SmallVector<Value> stacks, sums(forward.getYield().getSums()), results;
  for (auto [value, stack] :
       llvm::zip(forward.getYield().getStacks(),
                 forward.getStacks().drop_back(numCarries)))
    if (!stack.use_empty()) {
      stacks.push_back(value);
      results.push_back(stack);
    }
  SmallVector<Type> checkpointTypes, sumTypes;
  for (Value init : forward.getInits())
    checkpointTypes.push_back(getStackedType(init.getType()));
  for (Value stack : results)
    sumTypes.push_back(stack.getType());
  llvm::append_range(sumTypes, forward.getSums().getTypes());

  builder.setInsertionPoint(forward);
  SmallVector<Value> known(forward.getElements());
  llvm::append_range(known, forward.getConstants());
  Outer outer = startOuter(forward, forward.getInits(), {}, known,
                           checkpointTypes, sumTypes);
  auto arguments = outer.scan.getConstantArguments().drop_front(2);
  unsigned numElements = forward.getElements().size();
  Inner inner;
  inner.of = forward;
  llvm::append_range(inner.inits, outer.scan.getCarryArguments());
  for (auto [whole, argument] : llvm::zip(forward.getElements(), arguments))
    inner.elements.push_back(takeWindow(outer, whole, argument));
  llvm::append_range(inner.constants, arguments.drop_front(numElements));
  inner.stacks = stacks;
  inner.sums = sums;
  ScanOp steps = makeInner(outer, inner);
  SmallVector<Value> summands;
  for (Value stack : steps.getStacks())
    summands.push_back(PlaceWindowOp::create(
        builder, stack.getType(), stack, outer.first,
        outer.scan.getConstantArguments().front()));
  llvm::append_range(summands, steps.getSums());
  YieldOp::create(builder, steps.getFinals(),
                  SmallVector<Value>(outer.scan.getCarryArguments()), summands);

  llvm::append_range(checkpoints, outer.scan.getStacks());
  llvm::append_range(results, forward.getSums());
  for (auto [from, to] : llvm::zip(forward.getFinals(), outer.scan.getFinals()))
    from.replaceAllUsesWith(to);
  for (auto [from, to] : llvm::zip_equal(results, outer.scan.getSums()))
    from.replaceAllUsesWith(to);
}

void LoopDivider::divideBackward() {
  SmallVector<Type> sumTypes(backward.getStacks().getTypes());
  llvm::append_range(sumTypes, backward.getSums().getTypes());
  // What the loop sees of each step is: the carries, which the segment's
  // forward loop will stack, and what both loops see.
  SmallVector<Value> known(backward.getElements().drop_front(numCarries));
  unsigned numElements = known.size();
  llvm::append_range(known, backward.getConstants());
  builder.setInsertionPoint(backward);
  Outer outer =
      startOuter(backward, backward.getInits(), checkpoints, known, {}, sumTypes);
  auto arguments = outer.scan.getConstantArguments().drop_front(2);
  SmallVector<Value> windows;
  for (auto [whole, argument] :
       llvm::zip(ArrayRef(known).take_front(numElements), arguments))
    windows.push_back(takeWindow(outer, whole, argument));
  auto constants = arguments.drop_front(numElements);

  Inner again;
  again.of = forward;
  llvm::append_range(again.inits, outer.scan.getElementArguments());
  again.elements.assign(windows.begin(),
                        windows.begin() + forward.getElements().size());
  again.constants.assign(constants.begin(),
                         constants.begin() + forward.getConstants().size());
  llvm::append_range(again.stacks, forward.getCarryArguments());
  ScanOp repeated = makeInner(outer, again);

  Inner inner;
  inner.of = backward;
  llvm::append_range(inner.inits, outer.scan.getCarryArguments());
  llvm::append_range(inner.elements, repeated.getStacks());
  llvm::append_range(inner.elements, windows);
  llvm::append_range(inner.constants, constants);
  llvm::append_range(inner.stacks, backward.getYield().getStacks());
  llvm::append_range(inner.sums, backward.getYield().getSums());
  ScanOp steps = makeInner(outer, inner);
  SmallVector<Value> summands;
  for (Value stack : steps.getStacks())
    summands.push_back(PlaceWindowOp::create(
        builder, stack.getType(), stack, outer.first,
        outer.scan.getConstantArguments().front()));
  llvm::append_range(summands, steps.getSums());
  YieldOp::create(builder, steps.getFinals(), ValueRange(), summands);

  // The planner decides what this pair of loops keeps.
  repeated->setAttr(forwardMark, forward->getAttr(forwardMark));
  steps->setAttr(backwardMark, backward->getAttr(backwardMark));
  SmallVector<Value> results(backward.getStacks());
  llvm::append_range(results, backward.getSums());
  for (auto [from, to] :
       llvm::zip(backward.getFinals(), outer.scan.getFinals()))
    from.replaceAllUsesWith(to);
  for (auto [from, to] : llvm::zip_equal(results, outer.scan.getSums()))
    from.replaceAllUsesWith(to);
}

void LoopDivider::run() {
  auto segment = SegmentOp::create(builder, forward.getSteps());
  length = segment.getLength();
  count = segment.getCount();
  divideForward();
  divideBackward();
  backward.erase();
  forward.erase();
}

namespace {
struct SegmentLoops : loco::impl::SegmentLoopsBase<SegmentLoops> {
  void runOnOperation() override {
    // Loops inside of others are gone through again with what is around them.
    auto pairs = findLoopPairs(getOperation());
    pairs.remove_if([](auto &entry) {
      return !isa<func::FuncOp>(entry.second.forward->getParentOp());
    });
    for (auto &[number, pair] : pairs) {
      LoopDivider divider(pair.forward, pair.backward);
      if (divider.canDivide()) {
        divider.run();
        continue;
      }
      pair.forward->removeAttr(forwardMark);
      pair.backward->removeAttr(backwardMark);
    }
  }
};
} // namespace
