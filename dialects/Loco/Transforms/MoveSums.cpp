//===- MoveSums.cpp - Sums that the way back makes as well ----------------===//
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
#define GEN_PASS_DEF_MOVESUMS
#include "dialects/Loco/Transforms/Passes.h.inc"
} // namespace loco

/// Ops that the reverse loop may have to do in addition for one sum.
static constexpr int mostAdded = 4;

namespace {
/// Moves sums of `forward` to `backward`, which reads what it stacks.
class SumMover {
public:
  SumMover(ScanOp forward, ScanOp backward)
      : forward(forward), backward(backward) {}

  /// True if a sum was moved: both loops are others then.
  bool run();

private:
  bool mapArguments();
  bool isWorthwhile(unsigned number);
  bool moveUsersBehind(Value sum);
  bool canFind(Value value, int &added);
  Operation *findEqual(Operation *op);
  Value make(Value value);
  void replaceBackward(unsigned number, Value added);

  ScanOp forward, backward;
  /// From values of the forward body to what they are in the reverse body.
  IRMapping inside;
};
} // namespace

/// Finds what both bodies are given; false if the reverse loop reads nothing
/// that the forward loop stacks.
bool SumMover::mapArguments() {
  inside.map(forward.getStep(), backward.getStep());
  auto pair = [&](auto arguments, auto operands, auto otherArguments,
                  auto otherOperands) {
    for (auto [argument, operand] : llvm::zip(arguments, operands))
      for (auto [other, otherOperand] :
           llvm::zip(otherArguments, otherOperands))
        if (operand == otherOperand)
          inside.map(argument, other);
  };
  pair(forward.getElementArguments(), forward.getElements(),
       backward.getElementArguments(), backward.getElements());
  pair(forward.getConstantArguments(), forward.getConstants(),
       backward.getConstantArguments(), backward.getConstants());
  bool reads = false;
  for (auto [value, stack] :
       llvm::zip(forward.getYield().getStacks(), forward.getStacks()))
    for (auto [argument, element] :
         llvm::zip(backward.getElementArguments(), backward.getElements()))
      if (element == stack) {
        inside.map(value, argument);
        reads = true;
      }
  return reads;
}

/// The op of the reverse body that does the same as `op`; null if there is
/// none.
Operation *SumMover::findEqual(Operation *op) {
  for (Operation &other : backward.getBlock()->without_terminator()) {
    if (other.getName() != op->getName() ||
        other.getResultTypes() != op->getResultTypes() ||
        other.getPropertiesAsAttribute() != op->getPropertiesAsAttribute())
      continue;
    if (llvm::all_of(llvm::zip(op->getOperands(), other.getOperands()),
                     [&](auto both) {
                       auto [mine, theirs] = both;
                       return inside.lookupOrNull(mine) == theirs;
                     }))
      return &other;
  }
  return nullptr;
}

/// True if `op` is arithmetic on numbers, once for all sites.
static bool isNumber(Operation *op) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  return type && type.getRank() == 0 && isa<arith::DivFOp>(op);
}

/// True if `value` is known in the reverse body, or made there by few ops.
bool SumMover::canFind(Value value, int &added) {
  if (inside.contains(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != forward.getBlock() || op->getNumRegions() ||
      op->getNumResults() != 1 || !isMemoryEffectFree(op))
    return false;
  for (Value operand : op->getOperands())
    if (!canFind(operand, added))
      return false;
  if (Operation *equal = findEqual(op)) {
    inside.map(value, equal->getResult(0));
    return true;
  }
  bool isCheap =
      isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp, ReduceOp>(
          op) ||
      op->hasTrait<OpTrait::ConstantLike>() || isNumber(op);
  return isCheap && ++added <= mostAdded;
}

/// `value` in the reverse body; what is not there is added.
Value SumMover::make(Value value) {
  if (Value known = inside.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    make(operand);
  OpBuilder builder(backward.getYield());
  builder.clone(*op, inside);
  return inside.lookup(value);
}

/// True if the forward loop reads something for its sum alone that the reverse
/// loop reads as well.
bool SumMover::isWorthwhile(unsigned number) {
  DenseSet<Operation *> only;
  auto isOnly = [&](Value value) {
    return llvm::all_of(value.getUses(), [&](OpOperand &use) {
      if (isa<YieldOp>(use.getOwner()))
        return use.getOperandNumber() ==
               forward.getInits().size() + forward.getNumStacks() + number;
      return only.contains(use.getOwner());
    });
  };
  for (Operation &op : llvm::reverse(forward.getBlock()->without_terminator()))
    if (llvm::all_of(op.getResults(), isOnly))
      only.insert(&op);
  return llvm::any_of(forward.getElementArguments(), [&](Value argument) {
    return inside.contains(argument) && isOnly(argument);
  });
}

/// Moves what uses `sum` behind the reverse loop; false if this needs it.
bool SumMover::moveUsersBehind(Value sum) {
  SetVector<Operation *> users;
  auto add = [&](Value value) {
    for (Operation *user : value.getUsers()) {
      if (user->getBlock() != backward->getBlock())
        return false;
      if (user->isBeforeInBlock(backward) || user == backward)
        users.insert(user);
    }
    return true;
  };
  if (!add(sum))
    return false;
  for (size_t i = 0; i < users.size(); ++i) {
    if (users[i] == backward || users[i]->getNumRegions() ||
        !isMemoryEffectFree(users[i]))
      return false;
    for (Value result : users[i]->getResults())
      if (!add(result))
        return false;
  }
  SmallVector<Operation *> inOrder(users.begin(), users.end());
  llvm::sort(inOrder, [](Operation *first, Operation *second) {
    return first->isBeforeInBlock(second);
  });
  Operation *last = backward;
  for (Operation *user : inOrder) {
    user->moveAfter(last);
    last = user;
  }
  return true;
}

/// A reverse loop with one sum more, which is used in place of sum `number` of
/// the forward loop.
void SumMover::replaceBackward(unsigned number, Value added) {
  ScanParts parts = partsOf(backward);
  parts.sums.push_back(added);
  OpBuilder builder(backward);
  SmallVector<Operation *> ops;
  for (Operation &op : backward.getBlock()->without_terminator())
    ops.push_back(&op);
  ScanOp wider = buildScan(builder, backward.getLoc(), parts, ops);
  wider->setDiscardableAttrs(backward->getDiscardableAttrDictionary());
  for (auto [old, result] :
       llvm::zip(backward.getResults(), wider.getResults()))
    old.replaceAllUsesWith(result);
  forward.getSums()[number].replaceAllUsesWith(wider.getResults().back());
  backward.erase();
  backward = wider;
}

bool SumMover::run() {
  auto isPlain = [](ScanOp scan) {
    return !scan.isPartial() && !scan.isCounted();
  };
  if (!isPlain(forward) || !isPlain(backward) ||
      forward.getSteps() != backward.getSteps() || !mapArguments())
    return false;
  for (unsigned number = 0; number < forward.getSums().size(); ++number) {
    int added = 0;
    Value value = forward.getYield().getSums()[number];
    if (forward.getSums()[number].use_empty() || !isWorthwhile(number) ||
        !canFind(value, added) || !moveUsersBehind(forward.getSums()[number]))
      continue;
    replaceBackward(number, make(value));
    return true;
  }
  return false;
}

namespace {
struct MoveSums : loco::impl::MoveSumsBase<MoveSums> {
  void runOnOperation() override {
    Block &block = getOperation().getBody().front();
    // A sum that has moved is used no more, so this ends.
    while (moveOne(block))
      ;
  }

  static bool moveOne(Block &block) {
    SmallVector<ScanOp> scans(block.getOps<ScanOp>());
    for (size_t i = 0; i < scans.size(); ++i)
      for (size_t k = i + 1; k < scans.size(); ++k)
        if (scans[k].getReverse() != scans[i].getReverse() &&
            SumMover(scans[i], scans[k]).run())
          return true;
    return false;
  }
};
} // namespace
