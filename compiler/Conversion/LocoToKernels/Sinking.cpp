//===- Sinking.cpp - Computing late in place of keeping -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What crosses groups is written and read again. Ops are moved to the group
// that uses them where less goes through memory then.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Grouping.h"
#include "dialects/Loco/Transforms/ConvForm.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace loco;

/// Fields in memory that something may be made of, and be made where it is used
/// rather than be kept in memory itself.
static constexpr size_t lightFields = 3;

bool loco::isField(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  Operation *producer = value.getDefiningOp();
  return type && type.getRank() && !(producer && isFree(producer));
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
