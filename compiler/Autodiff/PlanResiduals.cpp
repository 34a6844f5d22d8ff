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
#include "mlir/IR/Matchers.h"
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

//===----------------------------------------------------------------------===//
// Comparisons that the result answers
//===----------------------------------------------------------------------===//

// How a number can relate to another one: the bits of arith::CmpFPredicate.
static constexpr unsigned equalBit = 1, greaterBit = 2, lessBit = 4,
                          allRelations = 15;

namespace {
/// `field` against a number that is the same for all sites; `relations` are
/// those of its sites for which something is true.
struct Relation {
  Value field;
  APFloat number;
  unsigned relations;
};
} // namespace

static std::optional<APFloat> asNumber(Value value) {
  DenseFPElementsAttr constant;
  if (!matchPattern(value, m_Constant(&constant)) || !constant.isSplat())
    return std::nullopt;
  auto number = constant.getSplatValue<APFloat>();
  return number.isNaN() ? std::nullopt : std::optional(number);
}

static std::optional<Relation> asComparison(arith::CmpFOp op) {
  unsigned holds = static_cast<unsigned>(op.getPredicate());
  if (auto number = asNumber(op.getRhs()))
    return Relation{op.getLhs(), *number, holds};
  auto number = asNumber(op.getLhs());
  if (!number)
    return std::nullopt;
  unsigned same = holds & ~(lessBit | greaterBit);
  return Relation{op.getRhs(), *number,
                  same | (holds & lessBit ? greaterBit : 0) |
                      (holds & greaterBit ? lessBit : 0)};
}

/// `op` as a field of which some sites are replaced by a number that they are
/// compared with, such as `relu`: the relations of the sites that are.
static std::optional<Relation> asClamp(Operation *op) {
  if (isa<arith::MaximumFOp, arith::MinimumFOp>(op)) {
    unsigned replaced = isa<arith::MaximumFOp>(op) ? lessBit : greaterBit;
    for (unsigned side : {0, 1})
      if (auto number = asNumber(op->getOperand(side)))
        return Relation{op->getOperand(1 - side), *number, replaced};
    return std::nullopt;
  }
  auto select = dyn_cast<arith::SelectOp>(op);
  auto condition = select ? select.getCondition().getDefiningOp<arith::CmpFOp>()
                          : arith::CmpFOp();
  auto relation = condition ? asComparison(condition) : std::nullopt;
  if (!relation)
    return std::nullopt;
  auto isNumber = [&](Value value) {
    auto number = asNumber(value);
    return number && *number == relation->number;
  };
  Value yes = select.getTrueValue(), no = select.getFalseValue();
  if (no == relation->field && isNumber(yes))
    return relation;
  if (yes != relation->field || !isNumber(no))
    return std::nullopt;
  relation->relations ^= allRelations;
  return relation;
}

/// True if `comparison` is the same of what `clamp` makes of its field: where
/// the number has replaced the field, it is as where both are equal.
static bool survives(const Relation &comparison, const Relation &clamp) {
  if (comparison.field != clamp.field || comparison.number != clamp.number)
    return false;
  unsigned holds = comparison.relations;
  return (clamp.relations & (holds & equalBit ? ~holds : holds)) == 0;
}

//===----------------------------------------------------------------------===//
// Pairs of loops
//===----------------------------------------------------------------------===//

namespace {
/// What the reverse loop needs from the forward pass, given what it may take
/// from the carries after the step.
struct Needs {
  /// Recomputed values to store.
  SmallVector<Value> stored;
  /// Numbers of the carries whose values after the step are read.
  llvm::SmallSetVector<unsigned, 4> next;

  /// Numbers that are stored in every step.
  int64_t size() const {
    int64_t size = 0;
    for (Value value : stored)
      size += cast<RankedTensorType>(value.getType()).getNumElements();
    return size;
  }
};

/// Decides for one pair of loops, and carries it out.
class PairPlanner {
public:
  explicit PairPlanner(LoopPair pair)
      : forward(pair.forward), backward(pair.backward) {}
  /// With `storing` unset, all that is needed is computed again.
  void plan(bool storing);

private:
  void findInvariants();
  void findCarries();
  Needs findNeeds(const DenseSet<unsigned> &usable);
  void store(Value recomputed);
  void handOn(unsigned carry);

  ScanOp forward, backward;
  /// Ops of the forward body by residual number.
  DenseMap<int64_t, Operation *> originals;
  /// Recomputed values that depend on nothing that changes from step to step.
  DenseSet<Value> invariant;
  /// For each carry what the reverse loop recomputes of it, if it does, and the
  /// comparisons that hold for it as they do for what they compare.
  SmallVector<Value> carried;
  SmallVector<SmallVector<arith::CmpFOp>> answered;
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

/// Finds what the reverse loop recomputes of the carries' values after the
/// step.
void PairPlanner::findCarries() {
  DenseMap<int64_t, Operation *> copies;
  for (Operation &op : *backward.getBlock())
    if (auto number = getMark(&op, residualMark))
      copies[*number] = &op;
  for (Value value : forward.getYield().getCarries()) {
    carried.emplace_back();
    answered.emplace_back();
    auto result = dyn_cast<OpResult>(value);
    auto mark = result && result.getOwner()->getBlock() == forward.getBlock()
                    ? getMark(result.getOwner(), residualMark)
                    : std::nullopt;
    Operation *copy = mark ? copies.lookup(*mark) : nullptr;
    if (!copy || invariant.contains(copy->getResult(result.getResultNumber())))
      continue;
    carried.back() = copy->getResult(result.getResultNumber());
    if (auto clamp = asClamp(copy))
      for (auto op : backward.getBlock()->getOps<arith::CmpFOp>())
        if (auto comparison = asComparison(op);
            comparison && survives(*comparison, *clamp))
          answered.back().push_back(op);
  }
}

/// Collects the recomputed values that the cotangents use and that are worth
/// storing, looking through those that are not, and through what carries in
/// `usable` tell.
Needs PairPlanner::findNeeds(const DenseSet<unsigned> &usable) {
  Needs needs;
  SetVector<Value> worklist;
  auto want = [&](Value value) {
    for (unsigned carry : usable)
      if (carried[carry] == value) {
        needs.next.insert(carry);
        return;
      }
    Operation *producer = value.getDefiningOp();
    if (producer && producer->getBlock() == backward.getBlock() &&
        producer->hasAttr(residualMark) && !invariant.contains(value))
      worklist.insert(value);
  };
  auto wantOperands = [&](Operation *op) {
    for (unsigned carry : usable)
      if (llvm::is_contained(answered[carry], op)) {
        needs.next.insert(carry);
        return;
      }
    llvm::for_each(op->getOperands(), want);
  };
  for (Operation &op : *backward.getBlock())
    if (!op.hasAttr(residualMark))
      wantOperands(&op);
  for (size_t i = 0; i < worklist.size(); ++i) {
    Value value = worklist[i];
    Operation *producer = value.getDefiningOp();
    auto type = dyn_cast<RankedTensorType>(value.getType());
    bool canBeStacked = type && type.hasStaticShape();
    if (canBeStacked && !isCheap(producer) && producer->getNumRegions() == 0)
      needs.stored.push_back(value);
    else
      wantOperands(producer);
  }
  return needs;
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

/// Lets the reverse loop read what carry number `carry` is after the step: what
/// it was before the step that came before in reverse, after the last step the
/// final value.
void PairPlanner::handOn(unsigned carry) {
  Value argument = forward.getCarryArguments()[carry], before;
  for (auto [value, stack] :
       llvm::zip(forward.getYield().getStacks(), forward.getStacks()))
    for (auto [element, inside] :
         llvm::zip(backward.getElements(), backward.getElementArguments()))
      if (value == argument && element == stack)
        before = inside;
  assert(before && "reverse mode stacks all carries");

  ImplicitLocOpBuilder builder(backward.getLoc(), backward);
  unsigned numInits = backward.getInits().size();
  SmallVector<Value> inits(backward.getInits());
  inits.push_back(forward.getFinals()[carry]);
  auto wider = ScanOp::create(builder, backward.getSteps(), inits,
                              backward.getElements(), backward.getConstants(),
                              backward.getStacks().getTypes(),
                              backward.getSums().getTypes(),
                              backward.getReverse(), backward.getTaken());
  for (auto [index, result] : llvm::enumerate(backward.getResults()))
    result.replaceAllUsesWith(wider.getResult(index + (index >= numInits)));
  wider->setDiscardableAttrs(backward->getDiscardableAttrDictionary());
  wider.getBody().takeBody(backward.getBody());
  wider.getYield().getCarriesMutable().append(before);
  BlockArgument after = wider.getBlock()->insertArgument(
      1 + numInits, argument.getType(), argument.getLoc());
  backward.erase();
  backward = wider;

  for (arith::CmpFOp op : answered[carry])
    op->setOperand(asNumber(op.getRhs()) ? 0 : 1, after);
  carried[carry].replaceAllUsesWith(after);
}

void PairPlanner::plan(bool storing) {
  for (Operation &op : *forward.getBlock())
    if (auto number = getMark(&op, residualMark))
      originals[*number] = &op;
  findInvariants();
  findCarries();
  // A carry after the step is stored anyway, as one before the next step: it is
  // read where that saves storing something else.
  DenseSet<unsigned> usable;
  Needs needs = findNeeds(usable);
  for (unsigned carry = 0; carry < carried.size(); ++carry) {
    if (!carried[carry])
      continue;
    usable.insert(carry);
    if (Needs fewer = findNeeds(usable); fewer.size() < needs.size())
      needs = std::move(fewer);
    else
      usable.erase(carry);
  }
  if (storing)
    for (Value value : needs.stored)
      store(value);
  for (unsigned carry : needs.next)
    handOn(carry);
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
    for (auto &[number, pair] : findLoopPairs(getOperation()))
      PairPlanner(pair).plan(policy == "store");
    getOperation()->walk([](Operation *op) {
      for (StringRef mark : {forwardMark, backwardMark, residualMark})
        op->removeDiscardableAttr(mark);
    });
  }
};
} // namespace
