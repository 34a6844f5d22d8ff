//===- ScanSchedule.cpp - Time loops in a schedule -----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Planner.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace loco;

/// Scalars and small arrays are summed over steps and samples in f64.
static constexpr int64_t wideSumElements = 64;

void Planner::planCarries(ScanOp scan, ScanPlan &plan,
                          SmallVectorImpl<Root> &yields) {
  auto &memory = schedule.memory;
  bool together = plan.lockStep;
  SmallVector<Root> entries, exits;
  for (auto [argument, init, value, final] :
       llvm::zip(scan.getCarryArguments(), scan.getInits(),
                 scan.getYield().getCarries(), scan.getFinals())) {
    // Both halves, and the addresses that exchange them.
    int first = addArena(argument);
    int second = addArena(argument);
    plan.carries.push_back({first, second});
    schedule.places[first].perSample = schedule.places[second].perSample =
        together;
    Place address = schedule.places[first];
    address.kind = Place::Kind::Pointer;
    int current = addPlace(address), next = addPlace(address);
    plan.carryAddresses.push_back({current, next});
    memory[argument] = {current, nullptr};
    if (!final.use_empty()) {
      requireMemory(final);
      exits.push_back({argument, {{memory.lookup(final), false}}});
    }
    entries.push_back({init, {{{first, nullptr}, false}}});
    yields.push_back({value, {{{next, nullptr}, false}}});
    Operation *producer = value.getDefiningOp();
    if (producer && producer->getBlock() == scan.getBlock() &&
        isInline(producer) && !isFree(producer) && !memory.contains(value)) {
      memory[value] = {next, nullptr};
      yields.back().sinks.clear();
    }
  }
  plan.entry = planCopies(entries);
  plan.exit = planCopies(exits);
}

/// True if something reads a stack beyond the steps that its loop takes: all
/// but loops that take the same number of steps.
static bool isReadBeyond(ScanOp scan, Value stack) {
  Value count = scan.isCounted() ? scan.getCount() : Value(scan.getTaken());
  return llvm::any_of(stack.getUses(), [&](OpOperand &use) {
    auto reader = dyn_cast<ScanOp>(use.getOwner());
    return !reader || reader.getTaken() != count ||
           !llvm::is_contained(reader.getElements(), stack) ||
           llvm::is_contained(reader.getConstants(), stack);
  });
}

void Planner::planScan(ScanOp scan) {
  auto plan = std::make_unique<ScanPlan>();
  auto &memory = schedule.memory;
  YieldOp yield = scan.getYield();
  plan->lockStep = lockStep.contains(scan.getBlock());
  SmallVector<Root> yields;

  for (auto [argument, element] :
       llvm::zip(scan.getElementArguments(), scan.getElements()))
    memory[argument] = {memory.lookup(element).place, scan.getStep()};
  for (auto [argument, constant] :
       llvm::zip(scan.getConstantArguments(), scan.getConstants()))
    if (isa<RankedTensorType>(constant.getType()))
      memory[argument] = memory.lookup(constant);
  planCarries(scan, *plan, yields);
  for (auto [value, stack] : llvm::zip(yield.getStacks(), scan.getStacks())) {
    if (stack.use_empty())
      continue;
    requireMemory(stack);
    yields.push_back(
        {value, {{{memory.lookup(stack).place, scan.getStep()}, false}}});
    if (scan.isPartial() && isReadBeyond(scan, stack))
      plan->cleared.push_back(memory.lookup(stack).place);
  }
  if (Value condition = yield.getCondition()) {
    plan->condition = {addArena(condition), nullptr};
    yields.push_back({condition, {{plan->condition, false}}});
    // In memory, as other samples may run between this loop and its reader.
    Place count;
    count.layout = Layout::dense({});
    count.element = IntegerType::get(scan.getContext(), 64);
    memory[scan.getCount()] = {addPlace(std::move(count)), nullptr};
  }
  for (auto [value, sum] : llvm::zip(yield.getSums(), scan.getSums())) {
    int number = addArena(sum);
    Place &place = schedule.places[number];
    if (!place.stacked && place.layout.size <= wideSumElements &&
        !halos.contains(sum))
      place.element = Float64Type::get(sum.getContext());
    place.perSample = plan->lockStep;
    memory[sum] = {number, nullptr};
    plan->sums.push_back(memory.lookup(sum).place);
    yields.push_back({value, {{memory.lookup(sum), true}}});
  }

  planNested(*scan.getBlock());
  plan->body = planBlock(*scan.getBlock(), yields);
  if (plan->lockStep)
    addPhases(plan->body);
  schedule.scans[scan] = std::move(plan);
}

BlockPlan Planner::planCopies(ArrayRef<Root> copies) {
  BlockPlan plan;
  for (const Root &copy : copies) {
    Group &group = plan.groups.emplace_back();
    group.shape = schedule.shapeOf(copy.value);
    group.roots.push_back(copy);
    chooseTiles(group);
  }
  return plan;
}

/// What scans of a block read is in memory before their bodies are planned.
void Planner::planNested(Block &block) {
  for (auto scan : block.getOps<ScanOp>()) {
    for (Value operand :
         llvm::concat<Value>(scan.getElements(), scan.getConstants()))
      if (isa<RankedTensorType>(operand.getType()))
        requireMemory(operand);
    for (Value init : scan.getInits())
      if (Operation *producer = init.getDefiningOp();
          producer && !isFree(producer))
        requireMemory(init);
    if (asProduct(scan)) {
      for (Value result : scan.getResults())
        if (!isDirectSum(result))
          requireMemory(result);
      continue;
    }
    planScan(scan);
  }
}
