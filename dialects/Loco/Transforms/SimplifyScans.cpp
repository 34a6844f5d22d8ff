//===- SimplifyScans.cpp - What a time loop need not do -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/Transforms/Passes.h"
#include "dialects/Loco/Transforms/ScanBuilder.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace loco;

namespace loco {
#define GEN_PASS_DEF_SIMPLIFYSCANS
#include "dialects/Loco/Transforms/Passes.h.inc"
} // namespace loco

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// Ops without operands are cheaper than an argument.
static bool isSource(Operation *op) {
  return op && (op->hasTrait<OpTrait::ConstantLike>() || isa<CoordinateOp>(op));
}

/// Puts constants, and stacks of zeros, where they are used.
static void sinkSources(ScanOp scan) {
  OpBuilder builder = OpBuilder::atBlockBegin(scan.getBlock());
  for (auto [argument, operand] :
       llvm::zip(scan.getConstantArguments(), scan.getConstants()))
    if (Operation *op = operand.getDefiningOp();
        isSource(op) && !argument.use_empty())
      argument.replaceAllUsesWith(builder.clone(*op)->getResult(0));
  for (auto [argument, operand] :
       llvm::zip(scan.getElementArguments(), scan.getElements()))
    if (operand.getDefiningOp<ZerosOp>() && !argument.use_empty()) {
      auto type = cast<RankedTensorType>(argument.getType());
      Value zero = arith::ConstantOp::create(
          builder, scan.getLoc(), type,
          DenseElementsAttr::get(type,
                                 builder.getZeroAttr(type.getElementType())));
      argument.replaceAllUsesWith(zero);
    }
}

/// Makes arguments that are bound to the same value one.
static void mergeArguments(ScanOp scan) {
  auto merge = [](auto arguments, auto operands) {
    DenseMap<Value, Value> first;
    for (auto [argument, operand] : llvm::zip(arguments, operands)) {
      auto [known, isNew] = first.try_emplace(operand, argument);
      if (!isNew)
        argument.replaceAllUsesWith(known->second);
    }
  };
  merge(scan.getElementArguments(), scan.getElements());
  merge(scan.getConstantArguments(), scan.getConstants());
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Reads results from where they are already: a carry that never changes, a
/// stack of an element, a second stack or sum of the same value.
static void forwardResults(ScanOp scan) {
  YieldOp yield = scan.getYield();
  for (auto [final, init, argument, next] :
       llvm::zip(scan.getFinals(), scan.getInits(), scan.getCarryArguments(),
                 yield.getCarries()))
    if (next == argument)
      final.replaceAllUsesWith(init);
  DenseMap<Value, Value> known;
  // The stack of a loop that ends early is zero beyond its end.
  if (!scan.isPartial())
    for (auto [argument, element] :
         llvm::zip(scan.getElementArguments(), scan.getElements()))
      known.try_emplace(argument, element);
  for (auto [value, stack] : llvm::zip(yield.getStacks(), scan.getStacks())) {
    auto [first, isNew] = known.try_emplace(value, stack);
    if (!isNew)
      stack.replaceAllUsesWith(first->second);
  }
  known.clear();
  for (auto [value, sum] : llvm::zip(yield.getSums(), scan.getSums())) {
    auto [first, isNew] = known.try_emplace(value, sum);
    if (!isNew)
      sum.replaceAllUsesWith(first->second);
  }
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Computes with scalars what would be computed with their broadcasts: an
/// elementwise op whose operands are broadcasts of equal kind, or constants of
/// one number.
static bool computeBeforeBroadcast(Operation *op) {
  if (!isElementwise(op) || op->getNumResults() != 1 ||
      op->getNumOperands() == 0)
    return false;
  BroadcastOp model;
  for (Value operand : op->getOperands()) {
    if (auto broadcast = operand.getDefiningOp<BroadcastOp>()) {
      if (model && (model.getAxes() != broadcast.getAxes() ||
                    model.getOperand().getType().getShape() !=
                        broadcast.getOperand().getType().getShape()))
        return false;
      model = broadcast;
      continue;
    }
    auto constant = operand.getDefiningOp<arith::ConstantOp>();
    if (!constant || !isa<SplatElementsAttr>(constant.getValue()))
      return false;
  }
  auto resultType = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!model || !resultType || !resultType.hasStaticShape())
    return false;
  ArrayRef<int64_t> shape = model.getOperand().getType().getShape();
  OpBuilder builder(op);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (auto broadcast = operand.getDefiningOp<BroadcastOp>()) {
      operands.push_back(broadcast.getOperand());
      continue;
    }
    auto splat = cast<SplatElementsAttr>(
        operand.getDefiningOp<arith::ConstantOp>().getValue());
    auto type = RankedTensorType::get(shape, splat.getElementType());
    operands.push_back(arith::ConstantOp::create(
        builder, op->getLoc(), type,
        DenseElementsAttr::get(type, splat.getSplatValue<Attribute>())));
  }
  OperationState state(
      op->getLoc(), op->getName(), operands,
      {RankedTensorType::get(shape, resultType.getElementType())},
      op->getAttrs());
  Value small = builder.create(state)->getResult(0);
  op->getResult(0).replaceAllUsesWith(BroadcastOp::create(
      builder, op->getLoc(), resultType, small, model.getAxes()));
  op->erase();
  return true;
}

/// Ops whose result is the same in every step, as far as it pays: a broadcast
/// is no work where it is used, but memory where it is kept.
static SmallVector<Operation *> invariantOps(ScanOp scan) {
  SetVector<Operation *> found;
  auto isInvariant = [&](Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return llvm::is_contained(scan.getConstantArguments(), argument);
    return isSource(value.getDefiningOp()) ||
           found.contains(value.getDefiningOp());
  };
  for (Operation &op : scan.getBlock()->without_terminator())
    if (!isSource(&op) && isPure(&op) &&
        !isa<BroadcastOp, FromIndexOp, ZerosOp>(op) && op.getNumOperands() &&
        llvm::all_of(op.getOperands(), isInvariant))
      found.insert(&op);
  return found.takeVector();
}

/// Ops that something outside of the loop depends on, and the carries among
/// them.
static void findLive(ScanOp scan, DenseSet<Operation *> &liveOps,
                     BitVector &liveCarries) {
  YieldOp yield = scan.getYield();
  SmallVector<Value> worklist;
  liveCarries.resize(scan.getInits().size());
  auto keepCarry = [&](unsigned i) {
    if (liveCarries.test(i))
      return;
    liveCarries.set(i);
    worklist.push_back(yield.getCarries()[i]);
  };
  // What says when to end bears on every result.
  if (Value condition = yield.getCondition())
    worklist.push_back(condition);
  for (auto [i, final] : llvm::enumerate(scan.getFinals()))
    if (!final.use_empty())
      keepCarry(i);
  for (auto [value, stack] : llvm::zip(yield.getStacks(), scan.getStacks()))
    if (!stack.use_empty())
      worklist.push_back(value);
  for (auto [value, sum] : llvm::zip(yield.getSums(), scan.getSums()))
    if (!sum.use_empty())
      worklist.push_back(value);
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      unsigned number = argument.getArgNumber();
      if (number >= 1 && number <= scan.getInits().size())
        keepCarry(number - 1);
      continue;
    }
    if (liveOps.insert(value.getDefiningOp()).second)
      llvm::append_range(worklist, value.getDefiningOp()->getOperands());
  }
}

/// Rebuilds `scan` with what is needed of it; invariant ops go in front of it.
static ScanOp rebuild(ScanOp scan) {
  OpBuilder builder(scan);
  ScanParts all = partsOf(scan), parts;
  parts.steps = all.steps;
  parts.step = all.step;
  parts.reverse = all.reverse;
  parts.taken = all.taken;
  parts.condition = all.condition;

  DenseSet<Operation *> liveOps;
  BitVector liveCarries;
  findLive(scan, liveOps, liveCarries);

  // In front of the loop.
  IRMapping outside;
  for (auto &[argument, operand] : all.constants)
    outside.map(argument, operand);
  SmallVector<Operation *> invariants = invariantOps(scan);
  DenseSet<Operation *> moved;
  for (Operation *op : invariants) {
    if (!liveOps.contains(op))
      continue;
    for (Value operand : op->getOperands())
      if (Operation *source = operand.getDefiningOp(); isSource(source))
        if (!outside.contains(operand))
          builder.clone(*source, outside);
    builder.clone(*op, outside);
    moved.insert(op);
  }

  SmallVector<Operation *> ops;
  DenseSet<Value> used;
  for (Operation &op : scan.getBlock()->without_terminator())
    if (liveOps.contains(&op) && !moved.contains(&op)) {
      ops.push_back(&op);
      op.walk([&](Operation *inner) {
        used.insert(inner->operand_begin(), inner->operand_end());
      });
    }
  used.insert(parts.condition);
  SmallVector<Value> finals, stacks, sums;
  for (auto [i, carry] : llvm::enumerate(all.carries)) {
    if (!liveCarries.test(i))
      continue;
    parts.carries.push_back(carry);
    finals.push_back(scan.getFinals()[i]);
    used.insert(carry.next);
  }
  for (auto [value, stack] : llvm::zip(all.stacks, scan.getStacks()))
    if (!stack.use_empty()) {
      parts.stacks.push_back(value);
      stacks.push_back(stack);
      used.insert(value);
    }
  for (auto [value, sum] : llvm::zip(all.sums, scan.getSums()))
    if (!sum.use_empty()) {
      parts.sums.push_back(value);
      sums.push_back(sum);
      used.insert(value);
    }
  for (auto &[argument, operand] : all.elements)
    if (used.contains(argument))
      parts.elements.insert({argument, operand});
  for (auto &[argument, operand] : all.constants)
    if (used.contains(argument))
      parts.constants.insert({argument, operand});
  for (Operation *op : invariants)
    for (Value result : op->getResults())
      if (moved.contains(op) && used.contains(result))
        parts.constants.insert({result, outside.lookup(result)});

  ScanOp made = buildScan(builder, scan.getLoc(), parts, ops);
  for (auto [from, to] :
       llvm::zip(llvm::concat<Value>(finals, stacks, sums), made.getResults()))
    from.replaceAllUsesWith(to);
  if (Value count = scan.getCount())
    count.replaceAllUsesWith(made.getCount());
  scan.erase();
  return made;
}

/// True if `rebuild` would change anything.
static bool canShrink(ScanOp scan) {
  DenseSet<Operation *> liveOps;
  BitVector liveCarries;
  findLive(scan, liveOps, liveCarries);
  auto unused = [](Value value) { return value.use_empty(); };
  for (Operation &op : scan.getBlock()->without_terminator())
    if (!liveOps.contains(&op))
      return true;
  return !liveCarries.all() ||
         llvm::any_of(scan.getElementArguments(), unused) ||
         llvm::any_of(scan.getConstantArguments(), unused) ||
         llvm::any_of(scan.getStacks(), unused) ||
         llvm::any_of(scan.getSums(), unused) || !invariantOps(scan).empty();
}

namespace {
class SimplifyScans : public loco::impl::SimplifyScansBase<SimplifyScans> {
public:
  void runOnOperation() override {
    bool changed = true;
    while (changed) {
      changed = false;
      SmallVector<Operation *> ops;
      getOperation().walk([&](Operation *op) { ops.push_back(op); });
      for (Operation *op : ops)
        changed |= computeBeforeBroadcast(op);
      SmallVector<ScanOp> scans;
      getOperation().walk([&](ScanOp scan) { scans.push_back(scan); });
      for (ScanOp scan : scans) {
        sinkSources(scan);
        mergeArguments(scan);
        forwardResults(scan);
      }
      // Users come before what they use, so that what they drop is dropped
      // there too.
      for (ScanOp scan : llvm::reverse(scans)) {
        if (scan.getResults().empty() || !canShrink(scan))
          continue;
        if (scan->use_empty()) {
          scan.erase();
        } else {
          rebuild(scan);
        }
        changed = true;
        break;
      }
    }
  }
};
} // namespace
