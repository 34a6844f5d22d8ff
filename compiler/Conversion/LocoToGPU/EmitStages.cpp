//===- EmitStages.cpp - Stages and loops over steps ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

#include "compiler/Conversion/LocoToKernels/Planner.h"

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
  if (stage.barrier)
    barrier();
  if (stage.isAnew)
    return anew([&] { emitKind(stage); });
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
/// are the same in every step.
void GPUEmitter::anew(llvm::function_ref<void()> body) {
  auto start = std::tuple(thread, threadInBlock, sample, team, steps, seed,
                          update, noOffset);
  Values places = pointers;
  noOffset = device::HereOp::create(b, loc, b.getI32Type(), constant(0));
  Value wideZero = toWide(noOffset);
  for (Value *number : {&sample, &team, &steps, &seed, &update})
    *number = plus(*number, wideZero);
  for (Value *number : {&thread, &threadInBlock})
    *number = plus(*number, noOffset);
  bindSample();
  body();
  pointers = std::move(places);
  std::tie(thread, threadInBlock, sample, team, steps, seed, update, noOffset) =
      start;
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
      if (schedule.isCluster)
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
         if (schedule.isCluster)
           site.local =
               plus(divided(first, schedule.blocksPerSample), threadInBlock);
         body(site, exists, inner);
       });
}

void GPUEmitter::emitSites(const GPUStage &stage) {
  // Deferred reductions add to what the loop carries.
  Values sums;
  for (const GPUItem &item : stage.items)
    if (item.deferred)
      llvm::append_range(sums, accumulators[item.op]);
  int64_t count = 1;
  for (int64_t extent : stage.shape)
    count = count < 0 || isOpen(extent) ? -1 : count * extent;
  bool inRegisters = schedule.slotsOf(count);
  forOwnSites(stage.shape, sums,
              [&](const GPUSite &site, Value exists, Carried carried) {
                size_t next = 0;
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
                  if (parts > 1)
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

//===----------------------------------------------------------------------===//
// Loops over steps
//===----------------------------------------------------------------------===//

/// Elements of a step that threads read at their own sites.
GPUEmitter::Values GPUEmitter::loadElements(ScanOp scan, Value step) {
  Values values;
  scope.scalars[scan.getStep()] = step;
  for (BlockArgument element : scan.getElementArguments()) {
    if (!isAhead(element))
      continue;
    Type type = getElementTypeOrSelf(element);
    // One number is every thread's.
    if (schedule.countOf(element) == 1) {
      values.push_back(load(find(element), type, constant(0)));
      continue;
    }
    forOwnSites(schedule.shapeOf(element), {},
                [&](const GPUSite &site, Value, Carried) {
                  values.push_back(loadOwn(find(element), type, site));
                });
  }
  return values;
}

/// Starts to copy what a loop reads of `step` into the halves of the step at
/// hand or of the next one, each thread what is at its own sites.
void GPUEmitter::fetchElements(ScanOp scan, Value step, bool isNext) {
  scope.scalars[scan.getStep()] = step;
  for (const auto &[value, halves] :
       schedule.scans.find(scan)->second->fetches) {
    GPUReference from = findInStack(value),
                 to = {isNext ? halves.next : halves.current};
    int64_t bytes = getElementTypeOrSelf(value).getIntOrFloatBitWidth() / 8;
    forOwnSites(schedule.shapeOf(value), {},
                [&](const GPUSite &site, Value exists, Carried) {
                  when(exists, [&] {
                    device::CopyAsyncOp::create(
                        b, loc, elementOf(to, site.linear, site.local),
                        elementOf(from, site.linear, Value()), bytes);
                  });
                });
  }
  device::CommitCopiesOp::create(b, loc);
}

/// Brings what a loop loads in `step` when it uses it as far as a cache.
void GPUEmitter::prefetchElements(ScanOp scan, Value step) {
  scope.scalars[scan.getStep()] = step;
  for (BlockArgument element : scan.getElementArguments()) {
    GPUReference from = find(element);
    if (!from || !schedule.loadedLate.contains(element) ||
        schedule.places[from.place].kind == GPUPlace::Kind::Shared)
      continue;
    forOwnSites(schedule.shapeOf(element), {},
                [&](const GPUSite &site, Value, Carried) {
                  device::PrefetchOp::create(
                      b, loc, elementOf(from, site.linear, Value()));
                });
  }
}

/// True if an element is loaded one step before it is used.
bool GPUEmitter::isAhead(BlockArgument element) {
  return !element.use_empty() && schedule.hasRegisters(element) &&
         find(element);
}

void GPUEmitter::emitScan(ScanOp scan) {
  const GPUScan &plan = *schedule.scans.find(scan)->second;
  YieldOp yield = scan.getYield();
  auto slots = [&](Value value) {
    return schedule.slotsOf(schedule.countOf(value));
  };

  // Halves of carries in memory, before anything is written to them.
  const SmallVector<GPUScan::Carry> halves = plan.halves();
  for (const GPUScan::Carry &carry : halves) {
    int64_t bytes = schedule.bytesOf(schedule.places[carry.both]);
    Value first = pointers[carry.both];
    pointers[carry.current] = first;
    pointers[carry.next] =
        LLVM::GEPOp::create(b, loc, first.getType(), b.getI8Type(), first,
                            ArrayRef<LLVM::GEPArg>{int32_t(bytes)});
  }
  Scope outside = scope;
  emitStages(plan.entry);
  if (plan.barrierBefore)
    barrier();
  loadHeld(scan);

  // What the loop carries: registers of carries, of sums, of deferred sums,
  // elements loaded ahead, addresses of halves.
  Values carried;
  for (auto [argument, init] :
       llvm::zip(scan.getCarryArguments(), scan.getInits()))
    if (slots(argument)) {
      init = resolve(init);
      llvm::append_range(carried, scope.registers.find(init)->second);
    }
  for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums)) {
    Type element = getElementTypeOrSelf(sum);
    if (entry.deferred)
      carried.append(cast<RankedTensorType>(sum.getType()).getNumElements(),
                     number(element, 0));
    else if (entry.product)
      carried.append(zerosOf(entry.product));
    else if (entry.place < 0)
      carried.append(slots(sum), number(element, 0));
  }
  bool isReversed = scan.getReverse();
  Value taken =
      scalar(scan.getTaken() ? Value(scan.getTaken()) : Value(scan.getSteps()));
  auto stepOf = [&](Value index) -> Value {
    if (!isReversed)
      return index;
    return arith::SubIOp::create(b, loc, plus(taken, -1), index);
  };
  scope = outside;
  Values ahead;
  {
    // There may be no first step.
    Value begins = compare(arith::CmpIPredicate::sgt, taken, wide(0));
    if (!plan.fetches.empty())
      when(begins, [&] { fetchElements(scan, stepOf(wide(0)), false); });
    SmallVector<Type> types;
    for (BlockArgument element : scan.getElementArguments())
      if (isAhead(element))
        types.append(slots(element), getElementTypeOrSelf(element));
    if (!types.empty()) {
      auto branch = scf::IfOp::create(b, loc, types, begins, true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      Values first = loadElements(scan, stepOf(wide(0)));
      scf::YieldOp::create(b, loc, first);
      scope = outside;
      b.setInsertionPointToStart(branch.elseBlock());
      Values zeros;
      for (Type type : types)
        zeros.push_back(number(type, 0));
      scf::YieldOp::create(b, loc, zeros);
      ahead.assign(branch.getResults().begin(), branch.getResults().end());
    }
  }
  size_t firstAhead = carried.size();
  carried.append(ahead);
  size_t firstHalf = carried.size();
  for (const GPUScan::Carry &carry : halves)
    carried.append({pointers[carry.current], pointers[carry.next]});

  auto bindHalves = [&](ArrayRef<Value> values) {
    size_t next = firstHalf;
    for (const GPUScan::Carry &carry : halves) {
      pointers[carry.current] = values[next++];
      pointers[carry.next] = values[next++];
    }
  };
  auto step = [&](Value index, Carried values) {
    size_t next = 0;
    auto take = [&](int64_t count) {
      Values taken(values.slice(next, count));
      next += count;
      return taken;
    };
    for (Value argument : scan.getCarryArguments())
      if (slots(argument))
        scope.registers[argument] = take(slots(argument));
    size_t firstSum = next;
    for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums)) {
      if (entry.deferred)
        accumulators[entry.deferred] =
            take(cast<RankedTensorType>(sum.getType()).getNumElements());
      else if (entry.product)
        accumulators[entry.product] = take(zerosOf(entry.product).size());
      else if (entry.place < 0)
        next += slots(sum);
    }
    for (BlockArgument element : scan.getElementArguments())
      if (isAhead(element))
        scope.registers[element] = take(slots(element));
    bindHalves(values);

    auto bring = [&] {
      if (!plan.fetches.empty()) {
        Value following = plus(index, 1);
        when(compare(arith::CmpIPredicate::slt, following, taken),
             [&] { fetchElements(scan, stepOf(following), true); });
      }
      if (firstAhead < firstHalf) {
        // The next step's, or the last one's again.
        Value following =
            arith::MinSIOp::create(b, loc, plus(index, 1), plus(taken, -1));
        Values loaded = loadElements(scan, stepOf(following));
        llvm::copy(loaded, values.begin() + firstAhead);
      }
      if (plan.isTight)
        prefetchElements(scan, stepOf(arith::MinSIOp::create(
                                   b, loc, plus(index, 1), plus(taken, -1))));
    };
    if (!plan.fetches.empty())
      device::WaitCopiesOp::create(b, loc, 0);
    if (plan.barrierBeforeFetches)
      barrier();
    plan.isTight ? anew(bring) : bring();
    scope.scalars[scan.getStep()] = stepOf(index);
    if (isSegmentLoop(scan)) {
      // The last one may be shorter.
      Value before =
          arith::MulIOp::create(b, loc, stepOf(index), segmentLength);
      segmentExtent = arith::MinSIOp::create(
          b, loc, segmentLength, arith::SubIOp::create(b, loc, steps, before));
    }
    emitStages(plan.body);

    auto keptOf = [&](Value value) -> Values & {
      return scope.registers.find(resolve(value))->second;
    };
    next = 0;
    for (auto [argument, value] :
         llvm::zip(scan.getCarryArguments(), yield.getCarries()))
      for (int64_t slot = 0; slot < slots(argument); ++slot)
        values[next++] = keptOf(value)[slot];
    next = firstSum;
    for (auto [sum, entry, value] :
         llvm::zip(scan.getSums(), plan.sums, yield.getSums())) {
      if (entry.deferred || entry.product)
        for (Value part :
             accumulators[entry.deferred ? entry.deferred : entry.product])
          values[next++] = part;
      else if (entry.place < 0)
        for (int64_t slot = 0; slot < slots(sum); ++slot, ++next)
          values[next] = combine(values[next], keptOf(value)[slot], false);
    }
    for (size_t i = firstHalf; i < values.size(); i += 2)
      std::swap(values[i], values[i + 1]);
  };

  if (Value count = scan.getCount()) {
    Value ran = loopWhile(taken, carried, [&](Value index, Carried values) {
      step(index, values);
      return scope.registers.find(resolve(yield.getCondition()))->second[0];
    });
    scope.scalars[count] = ran;
    // Copies for a step that was not taken.
    if (!plan.fetches.empty())
      device::WaitCopiesOp::create(b, loc, 0);
  } else {
    loop(wide(0), taken, wide(1), carried, step);
  }
  bindHalves(carried);

  size_t next = 0;
  for (Value final : scan.getFinals()) {
    for (int64_t slot = 0; slot < slots(final); ++slot)
      scope.registers[final].push_back(carried[next++]);
  }
  Values parts;
  auto partsOf = [](Value sum) {
    return cast<RankedTensorType>(sum.getType()).getNumElements();
  };
  for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums)) {
    if (entry.deferred)
      for (int64_t i = 0, e = partsOf(sum); i < e; ++i)
        parts.push_back(carried[next++]);
    else if (entry.product)
      for (Value &part : accumulators[entry.product])
        part = carried[next++];
    else if (entry.place < 0)
      for (int64_t slot = 0; slot < slots(sum); ++slot)
        scope.registers[sum].push_back(carried[next++]);
  }
  // What is read elsewhere.
  if (plan.barrierAfter)
    barrier();
  auto storeOwn = [&](Value value) {
    GPUReference to = find(value);
    if (!to)
      return;
    forOwnSites(schedule.shapeOf(value), {},
                [&](const GPUSite &site, Value exists, Carried) {
                  when(exists, [&] {
                    store(to, site.linear, scope.registers[value][site.slot],
                          false, site.local);
                  });
                });
  };
  for (auto [final, carry] : llvm::zip(scan.getFinals(), plan.carries))
    if (carry.both < 0)
      storeOwn(final);
  for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums))
    if (entry.product)
      storeSum(schedule.products.find(entry.product)->second, find(sum));
    else if (!entry.deferred && entry.place < 0)
      storeOwn(sum);
  if (parts.empty())
    return;
  if (plan.barrierBeforeSums)
    barrier();
  Values totals = reduceBlock(parts, SmallVector<bool>(parts.size(), false));
  next = 0;
  for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums)) {
    if (!entry.deferred)
      continue;
    int64_t count = partsOf(sum);
    if (count == 1)
      scope.registers[sum] = {totals[next]};
    if (!find(sum)) {
      next += count;
      continue;
    }
    when(compare(arith::CmpIPredicate::eq, thread, constant(0)), [&] {
      for (int64_t i = 0; i < count; ++i)
        store(find(sum), constant(i), totals[next++], false);
    });
  }
}
