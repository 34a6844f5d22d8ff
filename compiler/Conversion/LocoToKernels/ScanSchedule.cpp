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

/// The stack of what `carry` is before each step, if the carry can live in it:
/// a step then leaves its result where the next one, and the backward loop,
/// look for it.
Value Planner::findKeeper(ScanOp scan, Value carry) const {
  if (scan.isPartial() || scan.getReverse() ||
      lockStep.contains(scan.getBlock()))
    return {};
  for (auto [value, stack] :
       llvm::zip(scan.getYield().getStacks(), scan.getStacks())) {
    if (value != carry || stack.use_empty() || schedule.memory.contains(stack))
      continue;
    auto step = cast<RankedTensorType>(carry.getType());
    Layout one = layoutFor(carry, step), all = layoutFor(stack, step);
    if (one.pitch == all.pitch && one.origin == all.origin &&
        one.size == all.size)
      return stack;
  }
  return {};
}

/// The place of the stack that holds `carry` of a loop back over it one step
/// further on: a carry that starts as the final value of the loop that stacked
/// what the carry was before each step, and becomes just that. -1 if there is
/// none.
int Planner::findHandedOn(ScanOp scan, unsigned carry) const {
  auto before = dyn_cast<BlockArgument>(scan.getYield().getCarries()[carry]);
  auto maker = scan.getInits()[carry].getDefiningOp<ScanOp>();
  if (!before || !maker || !scan.getReverse() || scan.isPartial() ||
      maker.getReverse() || scan.getSteps() != maker.getSteps() ||
      !llvm::is_contained(scan.getElementArguments(), before))
    return -1;
  unsigned number = cast<OpResult>(scan.getInits()[carry]).getResultNumber();
  auto plan = schedule.scans.find(maker);
  if (plan == schedule.scans.end() || number >= maker.getInits().size())
    return -1;
  int place = schedule.find(scan->getOperand(before.getArgNumber())).place;
  return plan->second->carryStacks[number] == place ? place : -1;
}

void Planner::planCarries(ScanOp scan, ScanPlan &plan,
                          SmallVectorImpl<Root> &yields) {
  auto &memory = schedule.memory;
  bool together = plan.lockStep;
  SmallVector<Root> entries, exits;
  for (auto [number, argument, init, value, final] :
       llvm::enumerate(scan.getCarryArguments(), scan.getInits(),
                       scan.getYield().getCarries(), scan.getFinals())) {
    if (int stack = final.use_empty() ? findHandedOn(scan, number) : -1;
        stack >= 0) {
      Place further = schedule.places[stack];
      further.kind = Place::Kind::Pointer;
      further.partOf = stack;
      int place = addPlace(std::move(further));
      plan.handedOn.push_back({place, stack});
      memory[argument] = {place, scan.getStep()};
      continue;
    }
    // Both halves, and the addresses that exchange them.
    int first = -1, second = -1, stacked = -1;
    Place address;
    if (Value keeper = findKeeper(scan, argument)) {
      requireMemory(keeper);
      stacked = memory.lookup(keeper).place;
      schedule.places[stacked].beyond = 1;
      address = schedule.places[stacked];
      address.stacked = false;
      address.beyond = 0;
    } else {
      first = addArena(argument);
      second = addArena(argument);
      schedule.places[first].perSample = schedule.places[second].perSample =
          together;
      address = schedule.places[first];
    }
    plan.carries.push_back({first, second});
    plan.carryStacks.push_back(stacked);
    address.kind = Place::Kind::Pointer;
    int current = addPlace(address), next = addPlace(address);
    plan.carryAddresses.push_back({current, next});
    memory[argument] = {current, nullptr};
    if (!final.use_empty()) {
      requireMemory(final);
      exits.push_back({argument, {{memory.lookup(final), false}}});
    }
    entries.push_back(
        {init, {{{stacked < 0 ? first : current, nullptr}, false}}});
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
  planWindows(scan);
  planCarries(scan, *plan, yields);
  for (auto [value, stack] : llvm::zip(yield.getStacks(), scan.getStacks())) {
    if (stack.use_empty())
      continue;
    if (schedule.find(stack) &&
        llvm::is_contained(plan->carryStacks, schedule.find(stack).place))
      continue;
    requireMemory(stack);
    Reference to = {memory.lookup(stack).place, scan.getStep()};
    // What is put together from pieces is put together where it is stacked.
    Operation *producer = value.getDefiningOp();
    if (producer && producer->getBlock() == scan.getBlock() &&
        isAssembled(producer) && !memory.contains(value) &&
        !halos.contains(stack) && schedule.places[to.place].layout.isDense())
      memory[value] = to;
    else
      yields.push_back({value, {{to, false}}});
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
    if (isDirectSum(sum))
      continue;
    bool goesOn = continued.contains(sum);
    // A sum of windows may lie where the caller wants it.
    Reference known = memory.lookup(sum);
    if (!goesOn &&
        (!known || schedule.places[known.place].kind != Place::Kind::Result)) {
      int number = addArena(sum);
      Place &place = schedule.places[number];
      if (!place.stacked && place.layout.size <= wideSumElements &&
          !halos.contains(sum))
        place.element = Float64Type::get(sum.getContext());
      place.perSample = plan->lockStep;
      memory[sum] = {number, nullptr};
    }
    bool byWindow = planSegmentWindow(scan, value, sum);
    if (!goesOn && !byWindow)
      plan->sums.push_back(memory.lookup(sum).place);
    if (!byWindow && !planSegmentSum(scan, value, sum))
      yields.push_back({value, {{memory.lookup(sum), true}}});
  }

  planNested(*scan.getBlock());
  plan->body = planBlock(*scan.getBlock(), yields);
  plan->packed = std::exchange(packed, {});
  chooseFetches(scan, *plan);
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
