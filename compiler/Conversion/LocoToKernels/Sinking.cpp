//===- Sinking.cpp - Computing late, or again, in place of keeping --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What crosses groups is written and read again. Ops are moved to the group
// that uses them where less is moved through memory then, and what is a few
// operations on what a group reads anyway is computed there once more.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Grouping.h"
#include "dialects/Loco/Transforms/ConvForm.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

#include <set>

using namespace mlir;
using namespace loco;

/// Fields in memory that something may be made of, and be made where it is used
/// rather than be kept in memory itself.
static constexpr size_t lightFields = 3;

/// What it costs to read a field of vectors, and to write it, in operations on
/// vectors. A line that is written is read, and moved away, too.
static constexpr int64_t readCost = 1, writeCost = 3;

/// Operations that something may be made of once more, at most.
static constexpr size_t mostRepeated = 24;

/// True if reading `value` at a site is an access of memory.
static bool isField(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  Operation *producer = value.getDefiningOp();
  return type && type.getRank() && !(producer && isFree(producer));
}

/// True if `op` is an operation that a processor starts once or twice in every
/// cycle, or none.
static bool isCheap(Operation *op) {
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp,
             arith::CmpFOp, arith::SelectOp, arith::MaximumFOp,
             arith::MinimumFOp, BroadcastOp>(op);
}

/// True if `user` only takes a value out of the block.
bool Grouping::isLeaving(Operation *user) const {
  return user == block.getTerminator() || placed.contains(user);
}

bool Grouping::hasLevel(Operation *op) const {
  return levels.contains(op) && !planner.isSkipped(op);
}

/// True if what gives `operand` is made in the same group, at the same sites.
bool Grouping::isOwn(OpOperand &operand) const {
  Operation *producer = operand.get().getDefiningOp();
  return producer && producer->getBlock() == &block && !isScalarOp(producer) &&
         !isFree(producer) && !isBarrier(operand);
}

/// Ops that are little arithmetic on few fields in memory.
DenseSet<Operation *> Grouping::findLight() const {
  DenseSet<Operation *> light;
  DenseMap<Operation *, llvm::SmallDenseSet<Value, 4>> fields;
  for (Operation &op : block.without_terminator()) {
    if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp,
             BroadcastOp, RollOp>(op))
      continue;
    bool all = true;
    llvm::SmallDenseSet<Value, 4> read;
    for (OpOperand &operand : op.getOpOperands()) {
      Operation *producer = operand.get().getDefiningOp();
      if (isOwn(operand)) {
        all &= light.contains(producer);
        for (Value field : fields.lookup(producer))
          read.insert(field);
      } else if (isField(operand.get())) {
        read.insert(operand.get());
      }
    }
    if (!all || read.size() > lightFields)
      continue;
    light.insert(&op);
    fields[&op] = std::move(read);
  }
  return light;
}

//===----------------------------------------------------------------------===//
// Later
//===----------------------------------------------------------------------===//

/// True if `op` may be computed later than its operands allow.
bool Grouping::mayMove(Operation *op) const {
  if (!hasLevel(op) || !isInline(op) || standsAlone(op) || isFree(op))
    return false;
  bool used = false;
  for (Operation *user : op->getUsers()) {
    if (isLeaving(user))
      continue;
    // A sum that is skipped stands for the result that its terms go to.
    if (user->getBlock() != &block || !hasLevel(user) ||
        planner.isAssembled(user))
      return false;
    used = true;
  }
  return used;
}

bool Grouping::hasLightOperands(Operation *op,
                                const DenseSet<Operation *> &light) const {
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    return !isOwn(operand) || light.contains(operand.get().getDefiningOp());
  });
}

/// The levels with all ops as late as their users are, but for those that are
/// `pinned`, and those that leave operands behind, which would have to be kept
/// in their place; these are pinned, too.
Grouping::Levels Grouping::settle(DenseSet<Operation *> &pinned,
                                  const DenseSet<Operation *> &light) const {
  for (;;) {
    Levels late = levels;
    for (Operation &op : llvm::reverse(block.without_terminator())) {
      if (!mayMove(&op) || pinned.contains(&op))
        continue;
      unsigned latest = ~0u;
      for (OpOperand &use : op.getUses())
        if (!isLeaving(use.getOwner()))
          latest =
              std::min(latest, late.lookup(use.getOwner()) - isBarrier(use));
      late[&op] = std::max(latest, levels.lookup(&op));
    }
    bool changed = false;
    for (auto [op, level] : late) {
      if (level == levels.lookup(op))
        continue;
      for (OpOperand &operand : op->getOpOperands()) {
        Operation *producer = operand.get().getDefiningOp();
        if (isOwn(operand) && levels.lookup(producer) == levels.lookup(op) &&
            late.lookup(producer) != level && !light.contains(producer))
          changed |= pinned.insert(op).second;
      }
    }
    if (!changed)
      return late;
  }
}

/// Numbers of a kernel without channels that `op` multiplies sites with.
static int64_t weightsOf(Operation *op) {
  if (!isa<ConvOp, ConvTransposeOp>(op))
    return 0;
  ConvForm form = ConvForm::of(op);
  return form.channels ? 0 : form.taps();
}

/// Pins what was moved from a group to another one with more to read there than
/// is saved. True if there is such.
bool Grouping::holdMoves(const Levels &late, const DenseSet<Operation *> &light,
                         DenseSet<Operation *> &pinned) const {
  using Pass = std::tuple<unsigned, SmallVector<int64_t>, bool>;
  using Fields = llvm::SmallDenseSet<Value, 16>;
  std::map<std::pair<unsigned, Pass>, SmallVector<Operation *>> moves;
  std::map<Pass, Fields> reads;
  std::map<Pass, int64_t> weights;
  auto addFields = [&](Operation *op, Fields &fields) {
    for (OpOperand &operand : op->getOpOperands())
      if (isField(operand.get()) && !isOwn(operand))
        fields.insert(operand.get());
  };
  for (Operation &op : block.without_terminator()) {
    if (!hasLevel(&op) || standsAlone(&op) || !op.getNumResults() ||
        !isa<RankedTensorType>(op.getResult(0).getType()))
      continue;
    Pass pass = {late.lookup(&op), iterationShape(planner.schedule, &op),
                 planner.isUniform(op.getResult(0))};
    if (unsigned from = levels.lookup(&op); from != std::get<0>(pass))
      moves[{from, pass}].push_back(&op);
    else {
      addFields(&op, reads[pass]);
      weights[pass] += weightsOf(&op);
    }
  }
  bool changed = false;
  for (auto &[move, ops] : moves) {
    auto [from, pass] = move;
    // The weights of one convolution are in registers, those of two may not.
    int64_t taps = weights[pass];
    for (Operation *op : ops)
      taps += weightsOf(op);
    if (taps > mostSums(planner.schedule))
      for (Operation *op : ops)
        changed |=
            weightsOf(op) < taps && weightsOf(op) && pinned.insert(op).second;
    Fields moved;
    for (Operation *op : ops)
      addFields(op, moved);
    Pass source = pass;
    std::get<0>(source) = from;
    // What is saved is read no more where it was, or not kept for later.
    int64_t balance = 0;
    for (Value field : moved)
      balance += int64_t(!reads[source].contains(field)) -
                 int64_t(!reads[pass].contains(field));
    for (Operation *op : ops)
      if (llvm::any_of(op->getUses(), [&](OpOperand &use) {
            Operation *user = use.getOwner();
            return !isLeaving(user) && !isBarrier(use) &&
                   levels.lookup(user) != from;
          }))
        balance += readCost + writeCost;
    if (balance >= 0)
      continue;
    for (Operation *op : ops)
      if (!hasLightOperands(op, light))
        changed |= pinned.insert(op).second;
  }
  return changed;
}

/// Moves ops to the group that uses them, where their results need no memory
/// then: ops whose operands are all in memory anyway, or made of little that
/// is, and whole groups that nothing waits for.
void Grouping::sinkLate() {
  DenseSet<Operation *> light = findLight(), pinned;
  Levels late = settle(pinned, light);
  while (holdMoves(late, light, pinned))
    late = settle(pinned, light);
  levels = std::move(late);
}

//===----------------------------------------------------------------------===//
// Again
//===----------------------------------------------------------------------===//

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
             [&](OpOperand &use) {
               Operation *user = use.getOwner();
               return !isLeaving(user) && hasLevel(user) &&
                      levels.lookup(user) == level && !isBarrier(use);
             });
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
