//===- PlanResiduals.cpp - What a reverse loop reads and what it computes -===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/Autodiff/LoopPairs.h"
#include "compiler/Autodiff/Reverse.h"
#include "compiler/Autodiff/Rules.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace loco;

namespace loco {
#define GEN_PASS_DEF_PLANRESIDUALS
#include "compiler/Autodiff/Passes.h.inc"
} // namespace loco

/// True if computing `op` again costs about as much as reading its result, or
/// less: arithmetic and rearrangement of values at hand.
static bool isCheap(Operation *op) {
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
             arith::NegFOp, arith::MaximumFOp, arith::MinimumFOp, arith::CmpFOp,
             arith::SelectOp, arith::ConstantOp, math::AbsFOp, BroadcastOp,
             ReshapeOp, SliceOp, PadOp, ConcatOp, CoordinateOp, FromIndexOp,
             OneHotOp, RollOp, StopGradientOp>(op);
}

namespace {
/// Decides for one pair of loops, and carries it out.
class PairPlanner {
public:
  explicit PairPlanner(LoopPair pair)
      : forward(pair.forward), backward(pair.backward) {}
  void plan();

private:
  void findInvariants();
  void findNeeded();
  void store(Value recomputed);

  ScanOp forward, backward;
  /// Ops of the forward body by residual number.
  DenseMap<int64_t, Operation *> originals;
  /// Recomputed values that depend on nothing that changes from step to step.
  DenseSet<Value> invariant;
  SmallVector<Value> needed;
};
} // namespace

static std::optional<int64_t> getMark(Operation *op, StringRef mark) {
  auto number = op->getAttrOfType<IntegerAttr>(mark);
  return number ? std::optional(number.getInt()) : std::nullopt;
}

void PairPlanner::findInvariants() {
  for (Value argument : backward.getConstantArguments())
    invariant.insert(argument);
  for (Operation &op : backward.getBlock()->without_terminator())
    if (llvm::all_of(op.getOperands(),
                     [&](Value v) { return invariant.contains(v); }))
      for (Value result : op.getResults())
        invariant.insert(result);
}

/// Collects the recomputed values that the cotangents use and that are worth
/// storing, looking through those that are not.
void PairPlanner::findNeeded() {
  SetVector<Value> worklist;
  auto want = [&](Value value) {
    Operation *producer = value.getDefiningOp();
    if (producer && producer->getBlock() == backward.getBlock() &&
        producer->hasAttr(residualMark) && !invariant.contains(value))
      worklist.insert(value);
  };
  for (Operation &op : *backward.getBlock())
    if (!op.hasAttr(residualMark))
      for (Value operand : op.getOperands())
        want(operand);
  for (size_t i = 0; i < worklist.size(); ++i) {
    Value value = worklist[i];
    Operation *producer = value.getDefiningOp();
    auto type = dyn_cast<RankedTensorType>(value.getType());
    bool canBeStacked = type && type.hasStaticShape();
    if (canBeStacked && !isCheap(producer) && producer->getNumRegions() == 0) {
      needed.push_back(value);
      continue;
    }
    for (Value operand : producer->getOperands())
      want(operand);
  }
}

/// Stacks the original of `recomputed` in the forward loop and hands it to the
/// reverse loop as an element.
void PairPlanner::store(Value recomputed) {
  Operation *producer = recomputed.getDefiningOp();
  Operation *original = originals.lookup(*getMark(producer, residualMark));
  Value stacked =
      original->getResult(cast<OpResult>(recomputed).getResultNumber());

  // Results cannot be added to an op: a new forward loop takes the old one's
  // body.
  ImplicitLocOpBuilder builder(forward.getLoc(), forward);
  SmallVector<Type> stackTypes(forward.getStacks().getTypes());
  stackTypes.push_back(getStackedType(stacked.getType()));
  auto wider = ScanOp::create(
      builder, forward.getSteps(), forward.getInits(), forward.getElements(),
      forward.getConstants(), stackTypes, forward.getSums().getTypes(),
      forward.getReverse(), forward.getTaken(), forward.isCounted());
  unsigned newResult = forward.getInits().size() + forward.getNumStacks();
  for (auto [index, result] : llvm::enumerate(forward.getResults()))
    result.replaceAllUsesWith(wider.getResult(index + (index >= newResult)));
  wider->setDiscardableAttrs(forward->getDiscardableAttrDictionary());
  wider.getBody().takeBody(forward.getBody());
  wider.getYield().getStacksMutable().append(stacked);
  forward.erase();
  forward = wider;

  unsigned position =
      1 + backward.getInits().size() + backward.getElements().size();
  backward.getElementsMutable().append(wider.getResult(newResult));
  BlockArgument argument = backward.getBlock()->insertArgument(
      position, recomputed.getType(), recomputed.getLoc());
  recomputed.replaceAllUsesWith(argument);
}

void PairPlanner::plan() {
  for (Operation &op : *forward.getBlock())
    if (auto number = getMark(&op, residualMark))
      originals[*number] = &op;
  findInvariants();
  findNeeded();
  for (Value value : needed)
    store(value);
}

llvm::MapVector<int64_t, LoopPair> loco::findLoopPairs(Operation *op) {
  llvm::MapVector<int64_t, LoopPair> pairs;
  op->walk([&](ScanOp scan) {
    if (auto number = getMark(scan, forwardMark))
      pairs[*number].forward = scan;
    if (auto number = getMark(scan, backwardMark))
      pairs[*number].backward = scan;
  });
  pairs.remove_if([](auto &entry) {
    return !entry.second.forward || !entry.second.backward;
  });
  return pairs;
}

namespace {
struct PlanResiduals : loco::impl::PlanResidualsBase<PlanResiduals> {
  using PlanResidualsBase::PlanResidualsBase;

  void runOnOperation() override {
    if (policy != "store" && policy != "recompute") {
      getOperation()->emitError("unknown residual policy `") << policy << "`";
      return signalPassFailure();
    }
    if (policy == "store")
      for (auto &[number, pair] : findLoopPairs(getOperation()))
        PairPlanner(pair).plan();
    getOperation()->walk([](Operation *op) {
      for (StringRef mark : {forwardMark, backwardMark, residualMark})
        op->removeDiscardableAttr(mark);
    });
  }
};
} // namespace
