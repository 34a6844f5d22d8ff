//===- Repeating.cpp - Computing again in place of keeping ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is a few operations on what a later group reads anyway is computed there
// once more, rather than written by one group and read by the other.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Grouping.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

#include <set>

using namespace mlir;
using namespace loco;

/// Operations that something may be made of once more, at most.
static constexpr size_t mostRepeated = 24;

/// True if `op` is an operation that a processor starts once or twice in every
/// cycle, or none.
static bool isCheap(Operation *op) {
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp,
             arith::CmpFOp, arith::SelectOp, arith::MaximumFOp,
             arith::MinimumFOp, BroadcastOp>(op);
}

/// True if a group of `level` makes `use` at the sites of the value.
bool Grouping::isUsedAt(OpOperand &use, unsigned level) const {
  Operation *user = use.getOwner();
  return !isLeaving(user) && hasLevel(user) && levels.lookup(user) == level &&
         !isBarrier(use);
}

/// True if `value` is used at its sites by the group of `level`, a later one.
bool Grouping::crosses(Value value, unsigned level) const {
  return levels.lookup(value.getDefiningOp()) < level &&
         llvm::any_of(
             value.getUses(),
             [&](OpOperand &use) { return isUsedAt(use, level); });
}

/// True if `value` is kept in memory whatever is computed again.
bool Grouping::isKept(Value value) const {
  return kept.contains(value) || planner.schedule.find(value) ||
         llvm::any_of(value.getUses(), [&](OpOperand &use) {
           Operation *user = use.getOwner();
           return !isLeaving(user) &&
                  (!hasLevel(user) || isBarrier(use) ||
                   (!isCheap(use.get().getDefiningOp()) &&
                    levels.lookup(user) !=
                        levels.lookup(use.get().getDefiningOp())));
         });
}

/// `op` and what it is made of down to values in memory, each after its
/// operands, if all are cheap and few.
std::optional<Grouping::Ops> Grouping::coneOf(Operation *op) const {
  Ops cone;
  bool fits = true;
  auto visit = [&](Operation *op, auto &&visit) -> void {
    if (!fits || cone.contains(op))
      return;
    if (!isCheap(op)) {
      fits = false;
      return;
    }
    for (OpOperand &operand : op->getOpOperands())
      if (isOwn(operand) && !isKept(operand.get()))
        visit(operand.get().getDefiningOp(), visit);
    cone.insert(op);
    fits &= cone.size() <= mostRepeated;
  };
  visit(op, visit);
  if (!fits)
    return std::nullopt;
  return cone;
}

/// True if `op` is a part of one instruction with its only user, or stays in a
/// register for all sites.
static bool isForNothing(Operation *op, const DenseSet<Operation *> &cone) {
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return broadcast.getOperand().getType().getRank() == 0;
  auto users = llvm::make_filter_range(
      op->getUsers(), [&](Operation *user) { return cone.contains(user); });
  return isa<arith::MulFOp>(op) && llvm::hasSingleElement(users) &&
         isa<arith::AddFOp, arith::SubFOp>(*users.begin());
}

/// True if sites of `value` are not one dense row in memory.
bool Grouping::isPadded(Value value) const {
  Reference reference = planner.schedule.find(value);
  return reference &&
         !planner.schedule.places[reference.place].layout.isDense();
}

/// Computes again at `level` what crosses to its group of `shape`, as far as
/// that costs less than keeping it.
void Grouping::repeatAt(unsigned level, ArrayRef<int64_t> shape) {
  llvm::SmallDenseSet<Value, 16> read;
  llvm::MapVector<Operation *, Ops> cones;
  SmallVector<Operation *> crossing;
  bool flat = true;
  for (Operation &op : block.without_terminator()) {
    if (!hasLevel(&op) || standsAlone(&op) || isFree(&op) ||
        op.getNumResults() != 1 ||
        ArrayRef(iterationShape(planner.schedule, &op)) != shape ||
        planner.isUniform(op.getResult(0)))
      continue;
    if (levels.lookup(&op) == level) {
      flat &= isElementwise(&op) || isa<ReduceOp, BroadcastOp>(op);
      for (Value value : llvm::concat<Value>(op.getOperands(), op.getResults()))
        flat &= !isPadded(value);
      for (OpOperand &operand : op.getOpOperands())
        if (isField(operand.get()) &&
            !(isOwn(operand) && isCheap(operand.get().getDefiningOp())))
          read.insert(operand.get());
    } else if (crosses(op.getResult(0), level) && !isKept(op.getResult(0))) {
      crossing.push_back(&op);
    }
  }
  // Rows that are no whole number of vectors are best run over as one.
  int64_t lanes = planner.schedule.options.vectorBytes / 4;
  flat &= shape.size() > 1 && shape.back() % lanes;
  for (Operation *op : crossing)
    if (auto cone = coneOf(op))
      if (!flat || llvm::none_of(*cone, [&](Operation *part) {
            return llvm::any_of(part->getOperands(),
                                [&](Value value) { return isPadded(value); });
          }))
        cones[op] = *cone;

  // What all of them cost together, beside keeping them.
  auto balance = [&](Operation *without) {
    DenseSet<Operation *> ops;
    llvm::SmallDenseSet<Value, 16> fields;
    int64_t cost = 0;
    for (auto &[op, cone] : cones)
      if (op != without) {
        ops.insert(cone.begin(), cone.end());
        cost -= readCost + writeCost;
      }
    for (Operation *op : ops) {
      cost += !isForNothing(op, ops);
      for (OpOperand &operand : op->getOpOperands())
        if (isField(operand.get()) && !read.contains(operand.get()) &&
            !ops.contains(operand.get().getDefiningOp()))
          fields.insert(operand.get());
    }
    return cost + readCost * int64_t(fields.size());
  };
  while (!cones.empty() && balance(nullptr) > 0) {
    auto worst = llvm::min_element(cones, [&](auto &a, auto &b) {
      return balance(a.first) < balance(b.first);
    });
    cones.erase(worst->first);
  }

  for (Operation *op : crossing)
    if (!cones.contains(op))
      kept.insert(op->getResult(0));

  IRMapping again;
  OpBuilder builder(block.getTerminator());
  for (auto &[wanted, cone] : cones) {
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : wanted->getUses())
      if (isUsedAt(use, level))
        uses.push_back(&use);
    for (Operation *op : cone) {
      if (again.contains(op->getResult(0)))
        continue;
      builder.setInsertionPointAfter(op);
      Operation *copy = builder.clone(*op, again);
      copy->setLoc(uses.front()->getOwner()->getLoc());
      levels[copy] = level;
    }
    for (OpOperand *use : uses)
      use->set(again.lookup(wanted->getResult(0)));
  }
}

/// What crosses groups and is cheap is computed again by those who use it.
void Grouping::repeatCheap() {
  std::set<std::pair<unsigned, SmallVector<int64_t>>> passes;
  for (Operation &op : block.without_terminator())
    if (hasLevel(&op) && !standsAlone(&op) && !isFree(&op) &&
        op.getNumResults())
      if (SmallVector<int64_t> shape = iterationShape(planner.schedule, &op);
          !shape.empty() && llvm::all_of(shape, isKnownLength))
        passes.insert({levels.lookup(&op), shape});
  for (auto &[level, shape] : passes)
    repeatAt(level, shape);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (hasLevel(&op) && isCheap(&op) && op.use_empty() &&
        !planner.schedule.find(op.getResult(0))) {
      levels.erase(&op);
      op.erase();
    }
}
