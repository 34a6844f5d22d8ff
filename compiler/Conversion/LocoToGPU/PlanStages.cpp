//===- PlanStages.cpp - What a GPU's threads do one after the other -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every op of a block gets a level: one above those whose results it reads at
// sites of other threads, that of those it reads at its own. Ops of one level
// and as many sites are one stage. Within a level loops come first, then what
// every thread computes alike, then sites, then reductions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUPlanner.h"
#include "compiler/Conversion/LocoToGPU/TileSamples.h"

#include "compiler/Conversion/LocoToKernels/Planner.h"

using namespace mlir;
using namespace loco;

/// Taps of a kernel gradient that are summed in registers over a loop.
static constexpr int64_t mostDeferredTaps = 25;

static constexpr int64_t warp = 32;

/// Blocks of a grid that all devices run at the same time.
static constexpr int64_t mostBlocks = 64;

/// Threads of a block that samples of fewer share: a warp for each scheduler of
/// a multiprocessor. Barriers for some of a block's threads.
static constexpr int64_t fullBlock = 128, mostGroups = 15;

/// True if all readers add it up over steps, after what they add to it first.
static bool isSummedOnly(Operation *op) {
  return llvm::all_of(op->getResult(0).getUses(), [](OpOperand &use) {
    if (isa<arith::AddFOp>(use.getOwner()))
      return isSummedOnly(use.getOwner());
    auto yield = dyn_cast<YieldOp>(use.getOwner());
    return yield && llvm::is_contained(yield.getSums(), use.get());
  });
}

/// As few sites for each thread as `options.threads` allow, and no thread more
/// than these need; more threads where registers would not do.
void GPUPlanner::chooseThreads() {
  const GPUOptions &options = schedule.options;
  int64_t most = 1, mostInTime = 1;
  bool hasProducts = false;
  schedule.function.walk([&](Operation *op) {
    hasProducts |= isa<ContractOp>(op) && !isFullReduction(op);
    // Derivatives by weights are no fields.
    auto scan = op->getParentOfType<ScanOp>();
    if (!scan || isa<ScanOp, ConvOuterOp>(op) || isView(op) ||
        (isa<ContractOp, arith::AddFOp>(op) && isSummedOnly(op)))
      return;
    // What comes of the state decides, where there is one.
    int64_t &largest = scan.getInits().empty() ? most : mostInTime;
    for (Value result : op->getResults())
      if (isa<RankedTensorType>(result.getType()))
        largest = std::max(largest, schedule.countOf(result));
  });
  if (mostInTime > 1)
    most = mostInTime;
  if (!schedule.products.empty())
    return chooseTileThreads(most);
  // More threads have the fewer registers each.
  int64_t limit = options.threads;
  int64_t slots = (most + limit - 1) / limit;
  int64_t threads =
      slots > options.mostSlots ? limit : (most + slots - 1) / slots;
  threads = alignToPlaces((threads + warp - 1) / warp * warp, most);
  // Products have work for a warp a result.
  if (hasProducts)
    threads = std::max(threads, std::min<int64_t>(options.threads, 256));
  schedule.threads = std::clamp(threads, warp, options.mostThreads);
  chooseBlocks(mostInTime > 1 && !hasProducts ? most : 1);
}

/// Several blocks for a sample whose state one does not hold, several samples
/// for a block that would have few threads. `sites` of the state's fields.
void GPUPlanner::chooseBlocks(int64_t sites) {
  const GPUOptions &options = schedule.options;
  int64_t held = options.threads * options.mostSlots;
  int64_t blocks = options.blocksPerSample;
  if (!blocks)
    for (blocks = 1; blocks * held < sites && blocks < mostBlocks;)
      blocks *= 2;
  if (blocks > 1) {
    // What thread an element belongs to is found with shifts.
    int64_t each = (schedule.threads + blocks - 1) / blocks;
    if (!options.blocksPerSample)
      each = dividePlaces(blocks, options.threads, sites);
    each = llvm::PowerOf2Ceil(std::max(each, warp));
    schedule.blocksPerSample = blocks;
    schedule.threads = each * blocks;
    schedule.isCluster = options.hasClusters && blocks <= mostInCluster;
    return;
  }
  int64_t samples = options.samplesPerBlock;
  if (!samples)
    samples = std::max<int64_t>(1, fullBlock / schedule.threads);
  schedule.samplesPerBlock =
      std::min({samples, options.mostThreads / schedule.threads, mostGroups});
}

GPUStage::Kind GPUPlanner::classify(Operation *op) const {
  if (isa<ScanOp>(op))
    return GPUStage::Kind::Scan;
  if (schedule.products.contains(op))
    return GPUStage::Kind::Product;
  if (isFullReduction(op))
    return GPUStage::Kind::Block;
  if (schedule.isByWarps(op))
    return GPUStage::Kind::Warps;
  return schedule.countOf(op->getResult(0)) == 1 ? GPUStage::Kind::Replicated
                                                 : GPUStage::Kind::Sites;
}

//===----------------------------------------------------------------------===//
// Levels
//===----------------------------------------------------------------------===//

/// The level from which on `value` of this or an outer block can be read.
unsigned GPUPlanner::readLevel(Value value, bool isOwn, Block &block) {
  Operation *producer = value.getDefiningOp();
  if (!producer || producer->getBlock() != &block)
    return 0;
  unsigned level = levels.lookup(value);
  if (isa<ScanOp>(producer))
    return level;
  GPUStage::Kind kind = classify(producer);
  bool isLate = kind == GPUStage::Kind::Block ||
                kind == GPUStage::Kind::Warps ||
                kind == GPUStage::Kind::Product || !isOwn;
  return level + isLate;
}

/// Stages with sinks or further readers of one shape follow the order of
/// levels, then that of kinds, then the order in which they were made.
static unsigned orderOf(GPUStage::Kind kind) {
  switch (kind) {
  case GPUStage::Kind::Scan:
    return 0;
  case GPUStage::Kind::Replicated:
    return 1;
  case GPUStage::Kind::Sites:
    return 2;
  case GPUStage::Kind::Block:
  case GPUStage::Kind::Warps:
  case GPUStage::Kind::Product:
    return 3;
  }
  llvm_unreachable("all kinds are listed");
}

GPUStage &GPUPlanner::stageFor(std::vector<GPUStage> &stages,
                               GPUStage::Kind kind, unsigned level,
                               Value value) {
  SmallVector<int64_t> shape;
  if (value)
    shape = schedule.shapeOf(value);
  auto count = [](ArrayRef<int64_t> shape) {
    int64_t product = 1, open = 0;
    for (int64_t extent : shape)
      isOpen(extent) ? open = extent : product *= extent;
    return std::pair(product, open);
  };
  bool joins = kind == GPUStage::Kind::Sites ||
               kind == GPUStage::Kind::Replicated ||
               kind == GPUStage::Kind::Block || kind == GPUStage::Kind::Product;
  for (GPUStage &stage : stages)
    if (joins && stage.kind == kind && stage.level == level &&
        (kind != GPUStage::Kind::Sites || count(stage.shape) == count(shape)))
      return stage;
  GPUStage &stage = stages.emplace_back();
  stage.kind = kind;
  stage.level = level;
  if (kind == GPUStage::Kind::Sites || kind == GPUStage::Kind::Warps)
    stage.shape = shape;
  return stage;
}

/// Calls `visit` for the numbers of loops' steps that `value` depends on beside
/// its leaves.
static void visitCounts(Value value, llvm::function_ref<void(Value)> visit) {
  value = resolve(value);
  Operation *op = value.getDefiningOp();
  if (!op)
    return;
  bool isField = isa<RankedTensorType>(value.getType());
  if (isa<ScanOp>(op))
    return isField ? void() : visit(value);
  if (!isField || isView(op))
    for (Value operand : op->getOperands())
      visitCounts(operand, visit);
}

void GPUPlanner::planBlock(Block &block, std::vector<GPUStage> &stages,
                           ArrayRef<std::pair<Value, GPUSink>> sinks) {
  for (Operation &op : block.without_terminator()) {
    if (isView(&op) || op.getNumResults() == 0)
      continue;
    if (!isa<ScanOp>(op) && !isa<RankedTensorType>(op.getResult(0).getType()))
      continue;
    GPUStage::Kind kind = classify(&op);
    unsigned level = 0;
    auto visit = [&](Value leaf, bool isOwn) {
      unsigned next = readLevel(leaf, isOwn, block);
      level = std::max(level, kind == GPUStage::Kind::Scan ? next + 1 : next);
    };
    leavesOfOp(&op, visit);
    for (Value operand : op.getOperands())
      visitCounts(operand, [&](Value count) { visit(count, true); });
    for (Value result : op.getResults())
      levels[result] = level;
    GPUItem item;
    item.op = &op;
    if (isDeferred(&op)) {
      item.deferred = true;
      stageFor(stages, GPUStage::Kind::Sites, level, op.getOperand(0))
          .items.push_back(item);
      continue;
    }
    stageFor(stages, kind, level,
             kind == GPUStage::Kind::Scan ? Value() : op.getResult(0))
        .items.push_back(item);
  }

  // Values go where they are wanted when they are computed; those that are not
  // computed here are copied.
  DenseMap<Value, std::pair<unsigned, unsigned>> made;
  for (auto [i, stage] : llvm::enumerate(stages))
    for (auto [j, item] : llvm::enumerate(stage.items))
      if (item.op && !item.deferred &&
          (stage.kind == GPUStage::Kind::Sites ||
           stage.kind == GPUStage::Kind::Replicated) &&
          item.op->getNumResults() == 1)
        made[item.op->getResult(0)] = {i, j};
  for (const auto &[value, sink] : sinks) {
    if (auto found = made.find(value); found != made.end()) {
      if (sink.to)
        stages[found->second.first].items[found->second.second].sinks.push_back(
            sink);
      continue;
    }
    unsigned level = 0;
    leaves(value, true, [&](Value leaf, bool isOwn) {
      level = std::max(level, readLevel(leaf, isOwn, block));
    });
    GPUItem item;
    item.value = value;
    if (sink.to)
      item.sinks.push_back(sink);
    else if (getStackOf(value))
      // What only the next step reads is not kept during this one.
      for (const GPUStage &stage : stages)
        level = std::max(level, stage.level);
    GPUStage::Kind kind = schedule.countOf(value) == 1
                              ? GPUStage::Kind::Replicated
                              : GPUStage::Kind::Sites;
    stageFor(stages, kind, level, value).items.push_back(item);
  }
  llvm::stable_sort(stages, [](const GPUStage &a, const GPUStage &b) {
    return std::pair(a.level, orderOf(a.kind)) <
           std::pair(b.level, orderOf(b.kind));
  });
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// A sum over steps of a sum over sites: the latter can wait.
static bool canWait(Value value, ScanOp scan) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != scan.getBlock() || !value.hasOneUse())
    return false;
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return isFullReduction(op) && reduce.getKind() == ReductionKind::Sum;
  if (isa<ContractOp>(op))
    return isFullReduction(op) && readsOwnSite(op, 1);
  auto outer = dyn_cast<ConvOuterOp>(op);
  return outer &&
         outer.getKernelType().getRank() == outer.getFieldType().getRank() &&
         outer.getKernelType().getNumElements() <= mostDeferredTaps;
}

void GPUPlanner::findDeferred() {
  schedule.function.walk([&](ScanOp scan) {
    for (Value value : scan.getYield().getSums())
      if (canWait(value, scan))
        deferred.insert(value.getDefiningOp());
  });
}

/// A deferred kernel gradient adds up its terms at the sites of its left field.
bool GPUPlanner::readsOwn(Operation *op, unsigned operand) const {
  return readsOwnSite(op, operand) ||
         (isDeferred(op) && isa<ConvOuterOp>(op) && operand == 0);
}

void GPUPlanner::planScan(ScanOp scan) {
  auto owned = std::make_unique<GPUScan>();
  GPUScan &plan = *owned;
  schedule.scans[scan] = std::move(owned);
  YieldOp yield = scan.getYield();
  unsigned depth = 1;
  for (auto outer = scan->getParentOfType<ScanOp>(); outer;
       outer = outer->getParentOfType<ScanOp>())
    ++depth;
  SmallVector<std::pair<Value, GPUSink>> entries, sinks;

  for (auto [argument, init, value, final] :
       llvm::zip(scan.getCarryArguments(), scan.getInits(), yield.getCarries(),
                 scan.getFinals())) {
    GPUScan::Carry carry;
    if (!schedule.hasRegisters(argument) || remote.contains(argument) ||
        remote.contains(final)) {
      carry.both = addMemory(argument, GPUPlace::Kind::Scratch);
      carry.current = addMemory(argument, GPUPlace::Kind::Half);
      carry.next = addMemory(argument, GPUPlace::Kind::Half);
      schedule.places[carry.both].depth = depth;
      schedule.places[carry.both].copies = 2;
      schedule.memory[argument] = {carry.current, {}};
      schedule.memory[final] = {carry.current, {}};
      // What is computed for it is computed where it is wanted.
      Operation *producer = value.getDefiningOp();
      if (producer && producer->getBlock() == scan.getBlock() &&
          !isView(producer) && producer->getNumResults() == 1 &&
          classify(producer) == GPUStage::Kind::Sites)
        schedule.memory.try_emplace(value, GPUReference{carry.next, {}});
      entries.push_back({init, {{carry.current, {}}, false}});
      sinks.push_back({value, {{carry.next, {}}, false}});
    } else {
      entries.push_back({init, {}});
      sinks.push_back({value, {}});
    }
    plan.carries.push_back(carry);
  }
  for (auto [value, stack] : llvm::zip(yield.getStacks(), scan.getStacks())) {
    if (stack.use_empty())
      continue;
    requireMemory(stack);
    GPUReference to = schedule.memory.lookup(stack);
    sinks.push_back({value, {{to.place, scan.getStep(), to.first}, false}});
    if (scan.isPartial())
      entries.push_back({Value(), {to, false}});
  }
  if (Value condition = yield.getCondition())
    sinks.push_back({condition, {}});
  for (auto [value, sum] : llvm::zip(yield.getSums(), scan.getSums())) {
    GPUScan::Sum entry;
    if (Operation *op = value.getDefiningOp(); op && isDeferred(op)) {
      entry.deferred = op;
      if (schedule.countOf(sum) > 1)
        requireMemory(sum);
    } else if (op && schedule.products.contains(op)) {
      entry.product = op;
      requireMemory(sum);
    } else if (schedule.slotsOf(schedule.countOf(sum))) {
      sinks.push_back({value, {}});
    } else {
      bool isInSegments = planSegmentSum(scan, value, sum, sinks);
      requireMemory(sum);
      entry.place = schedule.memory.lookup(sum).place;
      schedule.places[entry.place].depth = depth;
      if (!isPlacedInSegments(value) && !continued.contains(sum))
        entries.push_back({Value(), {{entry.place, {}}, false}});
      if (!isInSegments)
        sinks.push_back({value, {{entry.place, {}}, true}});
    }
    plan.sums.push_back(entry);
  }

  // Zeros are not read anywhere.
  SmallVector<std::pair<Value, GPUSink>> copies;
  for (auto &[value, sink] : entries) {
    if (value) {
      copies.push_back({value, sink});
      continue;
    }
    GPUStage &stage = plan.entry.emplace_back();
    const GPUPlace &place = schedule.places[sink.to.place];
    stage.shape = place.shape;
    if (place.stacked)
      stage.shape.insert(stage.shape.begin(), place.length);
    GPUItem &item = stage.items.emplace_back();
    item.sinks.push_back(sink);
    item.op = nullptr;
  }
  Block none;
  std::vector<GPUStage> copied;
  planBlock(none, copied, copies);
  for (GPUStage &stage : copied)
    plan.entry.push_back(std::move(stage));
  for (auto inner : scan.getBlock()->getOps<ScanOp>())
    planScan(inner);
  planBlock(*scan.getBlock(), schedule.scans[scan]->body, sinks);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// True for a result of a loop whose steps write a part of it each.
static bool isWrittenByStep(ScanOp scan, Value result) {
  if (llvm::is_contained(scan.getStacks(), result))
    return true;
  for (auto [value, sum] : llvm::zip(scan.getYield().getSums(), scan.getSums()))
    if (sum == result)
      return isSegmentLoop(scan) && isPlacedInSegments(value);
  return false;
}

void GPUPlanner::planFunction() {
  func::FuncOp function = schedule.function;
  Block &block = function.getBody().front();
  SmallVector<std::pair<Value, GPUSink>> sinks;
  for (auto [i, value] :
       llvm::enumerate(block.getTerminator()->getOperands())) {
    bool isSummed = function.getResultAttr(i, "loco.sum_samples") != nullptr;
    int number = addMemory(value, isSummed ? GPUPlace::Kind::Partial
                                           : GPUPlace::Kind::Result);
    schedule.places[number].index = i;
    if (function.getResultAttr(i, tileAttribute))
      schedule.places[number].tile = schedule.tile;
    // A stack that is only a result is written where the caller wants it.
    auto scan = value.getDefiningOp<ScanOp>();
    // Of samples that are missing nothing is kept there.
    bool isKept = schedule.tile == 1 || value.hasOneUse();
    if (!isSummed && isKept && scan && isWrittenByStep(scan, value) &&
        !schedule.memory.contains(value))
      schedule.memory[value] = {number, {}};
    else
      sinks.push_back({value, {{number, {}}, isSummed}});
  }
  for (auto scan : block.getOps<ScanOp>())
    planScan(scan);
  planBlock(block, schedule.top, sinks);
}
