//===- Grouping.cpp - Which ops are fused into one pass over sites --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every op has a level: that of its operands, or one more where an operand must
// be complete before the op can start. Ops of one level and one shape are a
// group; what crosses groups is kept in memory.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Grouping.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace loco;

SmallVector<int64_t> loco::iterationShape(const Schedule &schedule,
                                          Operation *op) {
  return schedule.shapeOf(isa<ReduceOp, ConvOuterOp>(op) ? op->getOperand(0)
                                                         : op->getResult(0));
}

/// True if `op` has loops of its own.
static bool isSolo(Operation *op) {
  if (isInline(op))
    return false;
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return needsMemory(op, 0);
  return !isFusedOuter(op);
}

bool loco::isScalarOp(Operation *op) {
  return !isa<ScanOp>(op) &&
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>);
}

/// True if the producer of `use` must have finished its sites before the user
/// starts.
bool Grouping::isBarrier(OpOperand &use) const {
  Operation *producer = use.get().getDefiningOp(), *user = use.getOwner();
  if (!isInline(producer) || standsAlone(user) || apart.contains(user) ||
      planner.isAssembled(producer))
    return true;
  // What all samples share is computed before any sample.
  if (planner.isUniform(producer->getResult(0)) !=
      planner.isUniform(user->getResult(0)))
    return true;
  return needsMemory(user, use.getOperandNumber()) ||
         iterationShape(planner.schedule, producer) !=
             iterationShape(planner.schedule, user);
}

/// True if nothing else is computed in the loops of `op`.
bool Grouping::standsAlone(Operation *op) const {
  return isSolo(op) || planner.isAssembled(op);
}

void Grouping::assignLevels() {
  for (Operation &op : block.without_terminator()) {
    if (isScalarOp(&op) || planner.isSkipped(&op) || placed.contains(&op))
      continue;
    unsigned level = 0;
    for (OpOperand &operand : op.getOpOperands()) {
      Operation *producer = operand.get().getDefiningOp();
      if (!producer || isScalarOp(producer) ||
          (isFree(producer) && !needsMemory(&op, operand.getOperandNumber())))
        continue;
      level = std::max(level, levels.lookup(producer) + isBarrier(operand));
    }
    levels[&op] = level;
  }
}

int64_t loco::mostSums(const Schedule &schedule) {
  return schedule.options.vectorBytes == 64 ? 27 : 12;
}

/// Gives kernel gradients whose sums take most of the registers, or do not fit
/// beside those of others, a pass of their own each, over fields in memory.
void Grouping::partSums() {
  std::map<std::pair<unsigned, SmallVector<int64_t>>, int64_t> counts;
  auto passOf = [&](Operation &op) {
    return std::pair(levels.lookup(&op), iterationShape(planner.schedule, &op));
  };
  auto sumsOf = [](Operation &op) -> int64_t {
    auto outer = dyn_cast<ConvOuterOp>(op);
    return outer && isFusedOuter(outer) ? outer.getKernelType().getNumElements()
                                        : 0;
  };
  int64_t most = mostSums(planner.schedule);
  for (Operation &op : block.without_terminator()) {
    int64_t sums = sumsOf(op);
    if (!sums)
      continue;
    int64_t &count = counts[passOf(op)];
    if (2 * sums > most || count + sums > most)
      apart.insert(&op);
    else
      count += sums;
  }
  if (!apart.empty())
    assignLevels();
}

/// Gives copies with another axis innermost a pass of their own each: they
/// share nothing, and passes that are alike are compiled once.
void Grouping::partCopies() {
  for (Operation &op : block.without_terminator())
    if (isa<StopGradientOp>(op) && planner.isInterleavedCopy(op.getResult(0)))
      apart.insert(&op);
}

Group &Grouping::groupFor(unsigned level, ArrayRef<int64_t> shape,
                          bool uniform) {
  for (auto &group : groups)
    if (!group->solo && group->level == level && group->uniform == uniform &&
        ArrayRef(group->shape) == shape &&
        (group->ops.empty() || !apart.contains(group->ops.front())))
      return *group;
  return addGroup(level, shape, uniform);
}

Group &Grouping::addGroup(unsigned level, ArrayRef<int64_t> shape,
                          bool uniform) {
  auto &group = groups.emplace_back(std::make_unique<Group>());
  group->level = level;
  group->uniform = uniform;
  group->shape.assign(shape.begin(), shape.end());
  return *group;
}

Root &Grouping::rootFor(Group &group, Value value) {
  for (Root &root : group.roots)
    if (root.value == value)
      return root;
  return group.roots.emplace_back(Root{value, {}});
}

/// Gives memory to the values that cross groups.
void Grouping::materialise() {
  // Terms of a sum of products go where the sum goes, outer sums first.
  for (Operation &op : llvm::reverse(block.without_terminator())) {
    if (isScalarOp(&op) || !planner.isSumOfProducts(&op))
      continue;
    planner.requireMemory(op.getResult(0));
    for (Value term : op.getOperands())
      planner.schedule.memory[term] = planner.schedule.find(op.getResult(0));
  }
  for (Operation &op : block.without_terminator()) {
    if (isScalarOp(&op) || planner.isSkipped(&op) || placed.contains(&op))
      continue;
    if (planner.isAssembled(&op)) {
      planner.requireMemory(op.getResult(0));
      for (Value piece : op.getOperands())
        if (Operation *producer = piece.getDefiningOp();
            producer && planner.isUniform(piece) && !isFree(producer))
          planner.requireMemory(piece);
      continue;
    }
    for (OpOperand &operand : op.getOpOperands()) {
      Operation *producer = operand.get().getDefiningOp();
      if (!producer || isScalarOp(producer))
        continue;
      bool memory = needsMemory(&op, operand.getOperandNumber());
      if (isFree(producer) ? memory
                           : isBarrier(operand) ||
                                 levels.lookup(producer) != levels.lookup(&op))
        planner.requireMemory(operand.get());
    }
    if (!isInline(&op) && !isa<ScanOp>(op))
      for (Value result : op.getResults())
        if (!planner.isDirectSum(result))
          planner.requireMemory(result);
  }
}

/// The pieces of concatenations, each of which goes to its part of the memory.
void Grouping::placePieces(SmallVectorImpl<Root> &yields) {
  for (Operation &op : block.without_terminator()) {
    if (!isa<ConcatOp>(op) || !planner.isAssembled(&op))
      continue;
    int64_t offset = 0;
    for (Value piece : op.getOperands()) {
      Reference to = planner.schedule.find(op.getResult(0));
      yields.push_back({piece, {{to, false, offset}}});
      offset += cast<RankedTensorType>(piece.getType()).getNumElements();
    }
  }
}

/// A field that leaves the block in another shape goes there from where it is
/// made.
void Grouping::placeReshaped(SmallVectorImpl<Root> &yields) {
  Schedule &schedule = planner.schedule;
  for (Root &yield : yields) {
    auto reshape = yield.value.getDefiningOp<ReshapeOp>();
    if (!reshape || reshape->getBlock() != &block ||
        planner.isUniform(yield.value) || schedule.find(yield.value) ||
        !llvm::all_of(reshape->getUsers(), [&](Operation *user) {
          return user == block.getTerminator();
        }))
      continue;
    Value field = reshape.getOperand();
    Operation *maker = field.getDefiningOp();
    SmallVector<int64_t> shape = schedule.shapeOf(field);
    if (!maker || maker->getBlock() != &block || !isInline(maker) ||
        isFree(maker) || planner.isAssembled(maker) ||
        planner.isUniform(field) || schedule.laneAxisOf(shape) ||
        !llvm::all_of(shape, isKnownLength) ||
        !llvm::all_of(yield.sinks, [&](const Sink &sink) {
          return schedule.places[sink.to.place].layout.isDense();
        }))
      continue;
    yield.value = field;
    for (Sink &sink : yield.sinks)
      sink.shape = shape;
    placed.insert(reshape);
  }
}

/// A group that reads `value` at its sites.
Group *Grouping::groupReading(Value value) {
  for (auto &group : groups)
    if (!group->solo && !group->uniform &&
        ArrayRef(group->shape) == ArrayRef(planner.schedule.shapeOf(value)) &&
        (group->ops.empty() || !apart.contains(group->ops.front())) &&
        llvm::any_of(group->ops, [&](Operation *op) {
          return isElementwise(op) &&
                 llvm::is_contained(op->getOperands(), value);
        }))
      return group.get();
  return nullptr;
}

/// Of the products that share their place, the first one replaces what is
/// there.
void Grouping::addToFirst() {
  llvm::SmallSetVector<std::pair<int, void *>, 4> written;
  for (auto &group : groups)
    if (group->product && group->product->panels >= 0) {
      Reference to = planner.schedule.find(group->solo->getResult(0));
      group->product->accumulate =
          !written.insert({to.place, to.step.getAsOpaquePointer()});
    }
}

BlockPlan Grouping::run(ArrayRef<Root> given) {
  SmallVector<Root> yields(given);
  placeReshaped(yields);
  partCopies();
  assignLevels();
  partSums();
  sinkLate();
  repeatCheap();
  materialise();
  placePieces(yields);

  for (Operation &op : block.without_terminator()) {
    if (isScalarOp(&op) || planner.isSkipped(&op) || placed.contains(&op))
      continue;
    if (planner.isAssembled(&op))
      continue;
    Schedule &schedule = planner.schedule;
    if (isSolo(&op)) {
      auto &group = groups.emplace_back(std::make_unique<Group>());
      group->level = levels.lookup(&op);
      group->solo = &op;
      group->product = planner.asProduct(&op);
      if (group->product)
        group->product->panels = planner.panelsFor(&op, *group->product);
      group->uniform = op.getNumResults() && planner.isUniform(op.getResult(0));
      continue;
    }
    bool stored = llvm::any_of(op.getResults(), [&](Value result) {
      Reference reference = schedule.find(result);
      return reference &&
             schedule.places[reference.place].kind != Place::Kind::Global;
    });
    if (isFree(&op) && !stored)
      continue;
    unsigned level = levels.lookup(&op);
    SmallVector<int64_t> shape = iterationShape(planner.schedule, &op);
    bool uniform = planner.isUniform(op.getResult(0));
    Group &group = apart.contains(&op) ? addGroup(level, shape, uniform)
                                       : groupFor(level, shape, uniform);
    group.ops.push_back(&op);
    if (!isInline(&op))
      continue;
    for (Value result : op.getResults())
      if (Reference reference = schedule.find(result))
        rootFor(group, result).sinks.push_back({reference, false});
  }

  for (const Root &yield : yields)
    if (Operation *producer = yield.value.getDefiningOp();
        producer && planner.isUniform(yield.value) && !isFree(producer))
      assert(planner.schedule.find(yield.value) && "kept by planFunction");

  // What the block gives goes with the group that computes it; what another
  // group or nobody here computes is copied.
  for (const Root &yield : yields) {
    Operation *producer = yield.value.getDefiningOp();
    bool assembled = producer && planner.isAssembled(producer);
    if (assembled && yield.sinks.empty())
      continue;
    bool here = producer && producer->getBlock() == &block &&
                isInline(producer) && !assembled && !isFree(producer) &&
                !planner.isUniform(yield.value);
    unsigned level = producer && producer->getBlock() == &block
                         ? levels.lookup(producer) + !here
                         : 0;
    SmallVector<int64_t> shape = planner.schedule.shapeOf(yield.value);
    bool alone = !here && planner.schedule.laneAxisOf(shape);
    // What is added up is read anyway where something is made of it.
    Group *reader = isa<BlockArgument>(yield.value) && !alone
                        ? groupReading(yield.value)
                        : nullptr;
    Group &group = reader  ? *reader
                   : alone ? addGroup(level, shape, false)
                           : groupFor(level, shape, false);
    llvm::append_range(rootFor(group, yield.value).sinks, yield.sinks);
  }

  std::stable_sort(groups.begin(), groups.end(), [](auto &a, auto &b) {
    return std::pair(a->level, a->product.has_value()) <
           std::pair(b->level, b->product.has_value());
  });
  addToFirst();
  BlockPlan plan;
  for (auto &group : groups)
    if (group->solo || !group->roots.empty() ||
        llvm::any_of(group->ops, [](Operation *op) { return !isInline(op); }))
      plan.groups.push_back(std::move(*group));
  return plan;
}

BlockPlan Planner::planBlock(Block &block, ArrayRef<Root> yields) {
  BlockPlan plan = Grouping(*this, block).run(yields);
  for (Group &group : plan.groups)
    chooseTiles(group);
  return plan;
}
