//===- PlanMemory.cpp - Where a GPU keeps values --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A value needs memory if a thread reads it at a site of another thread, or if
// it has too many sites for registers and is read in another stage. Shared
// memory goes to what is used in the innermost loops, small things first.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUPlanner.h"
#include "compiler/Conversion/LocoToGPU/TileSamples.h"

#include "compiler/Conversion/LocoToKernels/Planner.h"

using namespace mlir;
using namespace loco;

//===----------------------------------------------------------------------===//
// Reads
//===----------------------------------------------------------------------===//

/// Follows views to the values whose elements they show.
void GPUPlanner::leaves(Value value, bool isOwn, VisitLeaf visit) const {
  value = resolve(value);
  if (!isa<RankedTensorType>(value.getType()))
    return;
  bool isOne = schedule.countOf(value) == 1;
  if (Value stack = getStackOf(value)) {
    Operation *producer = stack.getDefiningOp();
    if (producer && isView(producer))
      return leaves(stack, false, visit);
    return visit(value, isOwn || isOne);
  }
  Operation *op = value.getDefiningOp();
  if (!op || !isView(op) || op->hasTrait<OpTrait::ConstantLike>())
    return visit(value, isOwn || isOne);
  for (Value operand : op->getOperands())
    leaves(operand, isOwn && isa<ReshapeOp>(op), visit);
}

void GPUPlanner::leavesOfOp(Operation *op, VisitLeaf visit) const {
  if (auto scan = dyn_cast<ScanOp>(op)) {
    for (Value init : scan.getInits())
      leaves(init, true, visit);
    for (Value element : scan.getElements())
      leaves(element, false, visit);
    // Who reads them inside says how.
    for (Value constant : scan.getConstants())
      leaves(constant, true, visit);
    return;
  }
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    leaves(operand, readsOwn(op, i), visit);
}

void GPUPlanner::findRemote() {
  auto note = [&](Value leaf, bool isOwn) {
    if (!isOwn)
      remote.insert(leaf);
  };
  schedule.function.walk([&](Operation *op) {
    if (isa<func::FuncOp>(op) || op->getParentOfType<StencilOp>())
      return;
    if (isa<YieldOp, func::ReturnOp>(op)) {
      for (Value operand : op->getOperands())
        leaves(operand, true, note);
      return;
    }
    if (!isView(op))
      leavesOfOp(op, note);
  });
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

int GPUPlanner::addPlace(GPUPlace place) {
  schedule.places.push_back(std::move(place));
  return schedule.places.size() - 1;
}

int GPUPlanner::addMemory(Value value, GPUPlace::Kind kind) {
  auto type = cast<RankedTensorType>(value.getType());
  GPUPlace place;
  place.kind = kind;
  place.element = type.getElementType();
  place.shape = schedule.shapeOf(value);
  place.stacked = type.getRank() && type.isDynamicDim(0);
  if (place.stacked) {
    place.length = place.shape.front();
    place.shape.erase(place.shape.begin());
  }
  Operation *around = value.getParentBlock()->getParentOp();
  for (; !isa<func::FuncOp>(around); around = around->getParentOp())
    place.depth += isa<ScanOp>(around);
  return addPlace(std::move(place));
}

void GPUPlanner::requireMemory(Value value) {
  value = resolve(value);
  if (schedule.memory.contains(value) || getStackOf(value))
    return;
  auto kind = GPUPlace::Kind::Scratch;
  Attribute constant;
  unsigned index = 0;
  if (auto op = value.getDefiningOp<arith::ConstantOp>()) {
    if (isa<SplatElementsAttr>(op.getValue()))
      return;
    kind = GPUPlace::Kind::Constant;
    constant = op.getValue();
  } else if (auto argument = dyn_cast<BlockArgument>(value);
             argument &&
             isa<func::FuncOp>(argument.getOwner()->getParentOp())) {
    kind = GPUPlace::Kind::Argument;
    index = argument.getArgNumber();
  }
  int number = addMemory(value, kind);
  schedule.places[number].constant = constant;
  schedule.places[number].index = index;
  if (kind == GPUPlace::Kind::Argument &&
      schedule.function.getArgAttr(index, tileAttribute))
    schedule.places[number].tile = schedule.tile;
  schedule.memory[value] = {number, {}};
}

/// Values without registers that another stage than their own reads.
void GPUPlanner::requireMemoryAcross(ArrayRef<GPUStage> stages) {
  for (const GPUStage &stage : stages) {
    if (stage.kind == GPUStage::Kind::Scan) {
      auto op = cast<ScanOp>(stage.items.front().op);
      // A stack of one number may be in registers where it was made.
      for (Value element : op.getElements())
        leaves(element, false, [&](Value leaf, bool) {
          if (!schedule.hasRegisters(leaf, stage.section))
            requireMemory(leaf);
        });
      const GPUScan &scan = *schedule.scans[op];
      requireMemoryAcross(scan.entry);
      requireMemoryAcross(scan.body);
      continue;
    }
    llvm::SmallPtrSet<Operation *, 16> here;
    for (const GPUItem &item : stage.items) {
      if (item.op && !item.deferred)
        here.insert(item.op);
      if (item.op && (stage.kind == GPUStage::Kind::Warps ||
                      (stage.kind == GPUStage::Kind::Product &&
                       !schedule.products[item.op].isSum)))
        requireMemory(item.op->getResult(0));
      auto visit = [&](Value leaf, bool isOwn) {
        Operation *producer = leaf.getDefiningOp();
        if (schedule.hasRegisters(leaf, stage.section) ||
            (producer && here.contains(producer)))
          return;
        if (isa_and_nonnull<arith::ConstantOp>(producer))
          return;
        requireMemory(leaf);
      };
      if (item.op)
        leavesOfOp(item.op, visit);
      else if (item.value)
        leaves(item.value, true, visit);
    }
  }
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

void GPUPlanner::layOut() {
  std::vector<GPUPlace> &places = schedule.places;
  SmallVector<int> order;
  for (auto [number, place] : llvm::enumerate(places))
    if (place.kind == GPUPlace::Kind::Scratch)
      order.push_back(number);
  llvm::stable_sort(order, [&](int a, int b) {
    return std::pair(-int64_t(places[a].depth), places[a].sites()) <
           std::pair(-int64_t(places[b].depth), places[b].sites());
  });
  if (schedule.blocksPerSample > 1 && !schedule.isCluster)
    schedule.scratchBytes = schedule.counterBytes = 16;
  int64_t available = schedule.options.sharedBytes / schedule.samplesPerBlock;
  for (int number : order) {
    GPUPlace &place = places[number];
    bool isDynamic = place.stacked && isOpen(place.length);
    // In shared memory of several blocks each block has what is its threads',
    // or all have the same.
    bool isOfBlock =
        number == schedule.anchorPlace || number == schedule.panelPlace;
    bool mayBeShared = !isDynamic;
    if (schedule.blocksPerSample > 1 && !isOfBlock) {
      mayBeShared = schedule.isCluster && !place.stacked &&
                    number != schedule.reductionPlace;
      place.isSpread = mayBeShared;
    }
    int64_t steps = place.stacked && !isDynamic ? place.length : 1;
    int64_t bytes = schedule.bytesOf(place) * place.copies * steps;
    if (mayBeShared && schedule.sharedBytes + bytes <= available) {
      place.kind = GPUPlace::Kind::Shared;
      place.offset = schedule.sharedBytes;
      schedule.sharedBytes += bytes;
      continue;
    }
    place.isSpread = false;
    bytes = schedule.bytesOf(place) * place.copies * steps;
    place.offset = schedule.scratchBytes;
    place.offsetPerStep = schedule.scratchBytesPerStep;
    place.offsetPerSegment = schedule.scratchBytesPerSegment;
    place.offsetPerSegmentStep = schedule.scratchBytesPerSegmentStep;
    (!isDynamic                     ? schedule.scratchBytes
     : place.length == segmentSteps ? schedule.scratchBytesPerSegmentStep
     : place.length == segmentCount ? schedule.scratchBytesPerSegment
                                    : schedule.scratchBytesPerStep) += bytes;
  }
  // Halves of a carry are as their memory is.
  for (const auto &[op, scan] : schedule.scans)
    for (const GPUScan::Carry &carry : scan->carries)
      if (carry.both >= 0)
        places[carry.current].isSpread = places[carry.next].isSpread =
            places[carry.both].isSpread;
}

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

/// Ops that the emitter does not know are found before it starts.
static LogicalResult checkOps(func::FuncOp function) {
  auto result = function.walk([](Operation *op) {
    Dialect *dialect = op->getDialect();
    bool isKnown =
        isa<func::FuncOp, func::ReturnOp>(op) ||
        isa_and_nonnull<LocoDialect, arith::ArithDialect, math::MathDialect>(
            dialect);
    if (isKnown && !isa<GradientOp>(op))
      return WalkResult::advance();
    op->emitOpError("cannot be compiled for a GPU [unsupported-op]");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

LogicalResult GPUPlanner::plan() {
  if (failed(checkOps(schedule.function)))
    return failure();
  // Numbers of steps are found as for the CPU.
  Schedule lengths;
  lengths.function = schedule.function;
  if (failed(Planner(lengths).findLengths()))
    return failure();
  schedule.lengths = std::move(lengths.lengths);
  schedule.hasSegments = !lengths.segmentExtents.empty();
  planProducts();
  chooseThreads();
  schedule.function.walk([&](Operation *op) {
    if (isa<ReduceOp, ContractOp, ConvOuterOp>(op))
      hasReductions |= isFullReduction(op) || isa<ConvOuterOp>(op);
  });
  findDeferred();
  findRemote();
  planFunction();
  planSections();
  planPanels();
  for (Value value : remote)
    requireMemory(value);
  for (Value argument : schedule.function.getArguments())
    if (isa<RankedTensorType>(argument.getType()))
      requireMemory(argument);
  schedule.function.walk([&](arith::ConstantOp op) {
    if (isa<RankedTensorType>(op.getType()) &&
        !isa<SplatElementsAttr>(op.getValue()))
      requireMemory(op.getResult());
  });
  requireMemoryAcross(schedule.top);
  if (hasReductions) {
    // One number for each warp and reduction.
    GPUPlace place;
    place.element = Float64Type::get(schedule.function.getContext());
    place.shape = {mostReductions(schedule.top) *
                   std::max<int64_t>(32, schedule.threads / 32)};
    place.depth = ~0u;
    schedule.reductionPlace = addPlace(std::move(place));
  }
  layOut();
  planFetches();
  planRegisters();
  Accesses open;
  placeBarriers(schedule.top, open);
  return success();
}

int64_t GPUPlanner::mostReductions(ArrayRef<GPUStage> stages) const {
  int64_t most = 1;
  for (const GPUStage &stage : stages) {
    if (stage.kind == GPUStage::Kind::Block)
      most = std::max<int64_t>(most, stage.items.size());
    if (stage.kind != GPUStage::Kind::Scan)
      continue;
    const GPUScan &scan = *schedule.scans.find(stage.items.front().op)->second;
    int64_t deferred = 0;
    for (const GPUScan::Sum &sum : scan.sums)
      if (sum.deferred)
        deferred += cast<RankedTensorType>(sum.deferred->getResult(0).getType())
                        .getNumElements();
    most = std::max({most, deferred, mostReductions(scan.body)});
  }
  return most;
}

FailureOr<GPUSchedule> loco::makeGPUSchedule(func::FuncOp function,
                                             const GPUOptions &options,
                                             int64_t tile) {
  GPUSchedule schedule;
  schedule.tile = tile;
  schedule.function = function;
  schedule.options = options;
  GPUPlanner planner(schedule);
  if (failed(planner.plan()))
    return failure();
  // Each thread of a larger block has the fewer registers.
  if (schedule.spareRegisters < 0 && schedule.samplesPerBlock > 1) {
    GPUOptions fewer = options;
    fewer.samplesPerBlock = schedule.samplesPerBlock - 1;
    return makeGPUSchedule(function, fewer, tile);
  }
  // Three warps for each part of a multiprocessor have a third more registers
  // each than four. Blocks that share a sample have a power of two.
  constexpr int64_t fewer = 384;
  if (schedule.spareRegisters >= 0 || tile > 1 ||
      schedule.blocksPerSample > 1 || schedule.threads <= fewer ||
      schedule.mostHeld > fewer * options.mostSlots)
    return std::move(schedule);
  GPUOptions other = options;
  other.threads = fewer;
  FailureOr<GPUSchedule> second = makeGPUSchedule(function, other, tile);
  if (failed(second) || second->blocksPerSample > 1 ||
      second->spareRegisters <= schedule.spareRegisters)
    return std::move(schedule);
  return second;
}
