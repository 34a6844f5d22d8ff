//===- EmitStages.cpp - Stages, site by site ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

#include "compiler/Conversion/LocoToKernels/Planner.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace loco;

void GPUEmitter::emitStages(ArrayRef<GPUStage> stages) {
  for (const GPUStage &stage : stages)
    emitStage(stage);
}

/// The function's own stages. Of what one section computes another knows only
/// what is in memory, and how often loops ran.
void GPUEmitter::emitSections() {
  unsigned section = 0;
  for (const GPUStage &stage : schedule.top) {
    if (stage.section != section) {
      section = stage.section;
      scope.registers.clear();
      SmallVector<std::pair<Value, Value>> counts;
      for (auto [value, number] : scope.scalars)
        if (value.getDefiningOp<ScanOp>())
          counts.push_back({value, number});
      scope.scalars.clear();
      for (auto [value, number] : counts)
        scope.scalars[value] = number;
      startAnew();
    }
    emitStage(stage);
  }
}

void GPUEmitter::emitStage(const GPUStage &stage) {
  // Blocks of a grid meet at an address, too.
  if (stage.isAnew)
    return anew([&] {
      if (stage.barrier)
        barrier();
      emitKind(stage);
    });
  if (stage.barrier)
    barrier();
  if (!stage.isApart)
    return emitKind(stage);
  auto start =
      std::tuple(thread, threadInBlock, group, lane, warp, sample, team, steps,
                 scratch, shared, segmentLength, numSegments, seed, update);
  Values places = pointers;
  startAnew();
  emitKind(stage);
  pointers = std::move(places);
  std::tie(thread, threadInBlock, group, lane, warp, sample, team, steps,
           scratch, shared, segmentLength, numSegments, seed, update) = start;
}

/// Emits what computes its addresses itself: compilers cannot tell that they
/// are the same in every step. What LLVM cannot look through the assembler can,
/// unless it comes from memory.
void GPUEmitter::anew(llvm::function_ref<void()> body) {
  auto start = std::tuple(thread, threadInBlock, group, lane, warp, sample,
                          team, steps, scratch, shared, segmentLength,
                          numSegments, seed, update, noOffset);
  Values places = pointers;
  auto hide = [&](Value number) -> Value {
    return device::HereOp::create(b, loc, b.getI32Type(), number);
  };
  noOffset = hide(constant(0));
  Value wideZero = toWide(noOffset);
  for (Value *number : {&seed, &update})
    *number = plus(*number, wideZero);
  readSample();
  // Nothing but the number itself is kept: sums with a zero would be computed
  // before the loop but for the zero, and kept for each place.
  setThread(
      hide(plus(toNarrow(readAnchor(0)),
                arith::IndexCastOp::create(
                    b, loc, b.getI32Type(),
                    gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x)))));
  bindSample();
  for (const HalvesInUse &loop : halvesInUse)
    bindHalves({loop.step, loop.halves, hide(loop.isOdd)});
  SmallVector<std::pair<Value, Value>> stepsOutside;
  for (const HalvesInUse &loop : halvesInUse)
    if (auto step = scope.scalars.find(loop.step);
        step != scope.scalars.end()) {
      stepsOutside.push_back(*step);
      step->second = hidden(step->second);
    }
  body();
  for (auto [value, number] : stepsOutside)
    scope.scalars[value] = number;
  pointers = std::move(places);
  std::tie(thread, threadInBlock, group, lane, warp, sample, team, steps,
           scratch, shared, segmentLength, numSegments, seed, update,
           noOffset) = start;
}

void GPUEmitter::emitKind(const GPUStage &stage) {
  switch (stage.kind) {
  case GPUStage::Kind::Sites:
    return emitSites(stage);
  case GPUStage::Kind::Replicated: {
    // Every thread computes it, one stores it.
    GPUSite site = ownSite({}, constant(0), 0, Value());
    Value isFirst = compare(arith::CmpIPredicate::eq, thread, constant(0));
    for (const GPUItem &item : stage.items)
      emitItem(item, site, isFirst, true);
    return;
  }
  case GPUStage::Kind::Warps:
    return emitWarps(stage);
  case GPUStage::Kind::Block:
    return emitBlock(stage);
  case GPUStage::Kind::Product:
    return emitProducts(stage);
  case GPUStage::Kind::Scan:
    return emitScan(cast<ScanOp>(stage.items.front().op));
  }
}

//===----------------------------------------------------------------------===//
// Sites
//===----------------------------------------------------------------------===//

/// The thread's own sites: one after the other where they are in registers,
/// otherwise in a loop. `exists` is null where no thread goes beyond the end.
void GPUEmitter::forOwnSites(
    ArrayRef<int64_t> shape, Carried carried,
    llvm::function_ref<void(const GPUSite &, Value, Carried)> body) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count = count < 0 || isOpen(extent) ? -1 : count * extent;
  int64_t threads = schedule.threads;
  if (int64_t slots = schedule.slotsOf(count)) {
    Value before = noOffset;
    for (int64_t slot = 0; slot < slots; ++slot) {
      // What one site has read is not kept for the next one.
      if (noOffset && slot > 0)
        noOffset = device::HereOp::create(b, loc, b.getI32Type(), constant(0));
      Value linear = plus(thread, slot * threads), exists;
      if ((slot + 1) * threads > count) {
        exists = compare(arith::CmpIPredicate::ult, linear, constant(count));
        linear = arith::MinUIOp::create(b, loc, linear, constant(count - 1));
      }
      GPUSite site = ownSite(shape, linear, slot, exists);
      if (schedule.blocksPerSample > 1)
        site.local = plus(threadInBlock, slot * schedule.threadsInBlock());
      body(site, exists, carried);
    }
    noOffset = before;
    return;
  }
  Value end = countOf(shape);
  // All threads take part in every round, as values may not depend on branches.
  loop(constant(0), end, constant(threads), carried,
       [&](Value first, Carried inner) {
         scope.here.clear();
         Value linear = plus(first, thread);
         Value exists = compare(arith::CmpIPredicate::ult, linear, end);
         linear = arith::MinUIOp::create(b, loc, linear, plus(end, -1));
         GPUSite site = ownSite(shape, linear, -1, exists);
         if (schedule.blocksPerSample > 1)
           site.local =
               plus(divided(first, schedule.blocksPerSample), threadInBlock);
         body(site, exists, inner);
       });
}

/// Brings numbers that `value` is made of from memory to registers: each site
/// would load and keep them once more. They are appended to `loaded`.
void GPUEmitter::loadNumbers(Value value, Values &loaded) {
  value = resolve(value);
  Operation *op = value.getDefiningOp();
  if (!isa<RankedTensorType>(value.getType()) ||
      (op && op->hasTrait<OpTrait::ConstantLike>()))
    return;
  if (op && isView(op) && !find(value)) {
    for (Value operand : op->getOperands())
      loadNumbers(operand, loaded);
    return;
  }
  if (schedule.countOf(value) != 1 || scope.registers.contains(value))
    return;
  if (GPUReference from = find(value)) {
    Type element = getElementTypeOrSelf(value);
    scope.registers[value] = {load(from, element, constant(0))};
    loaded.push_back(value);
  }
}

void GPUEmitter::emitSites(const GPUStage &stage) {
  llvm::SaveAndRestore atHand(stageAtHand, &stage);
  Values loaded;
  if (stage.isAnew)
    for (const GPUItem &item : stage.items)
      for (Value operand :
           item.op ? ValueRange(item.op->getOperands()) : ValueRange())
        loadNumbers(operand, loaded);
  // Deferred reductions add to what the loop carries.
  Values sums;
  for (const GPUItem &item : stage.items)
    if (item.deferred)
      llvm::append_range(sums, accumulators[item.op]);
  int64_t count = 1;
  for (int64_t extent : stage.shape)
    count = count < 0 || isOpen(extent) ? -1 : count * extent;
  bool inRegisters = schedule.slotsOf(count);
  // Terms of all sites would be kept until the last one is there.
  bool isTight = noOffset != nullptr;
  forOwnSites(stage.shape, sums,
              [&](const GPUSite &site, Value exists, Carried carried) {
                size_t next = 0;
                if (inRegisters)
                  convolveAhead(stage, site.slot);
                for (const GPUItem &item : stage.items) {
                  if (!item.deferred) {
                    emitItem(item, site, exists, inRegisters);
                    continue;
                  }
                  size_t parts = accumulators[item.op].size();
                  GPUSite own = site;
                  own.shape = schedule.shapeOf(item.op->getOperand(0));
                  own.coordinates.clear();
                  Carried added = carried.slice(next, parts);
                  addTerms(item.op, own, exists, added);
                  if (parts > 1 || isTight)
                    for (Value &sum : added)
                      sum = device::HereOp::create(b, loc, sum.getType(), sum);
                  next += parts;
                }
              });
  size_t next = 0;
  for (const GPUItem &item : stage.items)
    if (item.deferred)
      for (Value &sum : accumulators[item.op])
        sum = sums[next++];
    else if (item.isReloaded)
      for (Value result : item.op->getResults())
        scope.registers.erase(result);
  for (Value value : loaded)
    scope.registers.erase(value);
  channelsAhead.clear();
}

/// Computes an item at an own site, keeps it, and stores it where it exists.
void GPUEmitter::emitItem(const GPUItem &item, const GPUSite &site,
                          Value exists, bool inRegisters) {
  SmallVector<std::pair<Value, Value>> made;
  if (item.op) {
    GPUSite own = site;
    own.shape = schedule.shapeOf(item.op->getResult(0));
    own.coordinates.clear();
    Values results;
    compute(item.op, own, results);
    if (item.isPinned)
      for (Value &result : results)
        result = here(result);
    for (auto [value, result] : llvm::zip(item.op->getResults(), results))
      made.push_back({value, result});
  } else if (item.value) {
    GPUSite own = site;
    own.shape = schedule.shapeOf(item.value);
    own.coordinates.clear();
    made.push_back({item.value, get(item.value, own)});
  }
  for (auto [value, result] : made) {
    if (!inRegisters) {
      scope.here[value] = result;
      continue;
    }
    Values &kept = scope.registers[resolve(value)];
    if (static_cast<int>(kept.size()) <= site.slot)
      kept.resize(site.slot + 1);
    kept[site.slot] = result;
  }
  SmallVector<std::tuple<GPUReference, Value, bool>> stores;
  if (item.op)
    for (auto [value, result] : made)
      if (auto found = schedule.memory.find(value);
          found != schedule.memory.end())
        stores.push_back({found->second, result, false});
  for (const GPUSink &sink : item.sinks) {
    Type element = schedule.places[sink.to.place].element;
    bool isStored = llvm::any_of(stores, [&](const auto &known) {
      return std::get<0>(known).place == sink.to.place;
    });
    if (!isStored)
      stores.push_back({sink.to,
                        made.empty() ? number(element, 0) : made.front().second,
                        sink.add});
  }
  if (stores.empty())
    return;
  when(exists, [&] {
    for (auto [to, value, add] : stores)
      store(to, site.linear, value, add, site.local);
  });
}
