//===- EmitScans.cpp - Loops over steps -----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

#include "compiler/Conversion/LocoToKernels/Planner.h"

using namespace mlir;
using namespace loco;

//===----------------------------------------------------------------------===//
// Elements of a step
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

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

/// One loop over steps. What goes from step to step in registers stands in this
/// order: carries, sums (terms of deferred ones, fragments of products),
/// elements that are loaded ahead. Which half of a carry in memory is read is
/// whether the step's number is odd.
class GPUEmitter::ScanLoop {
public:
  ScanLoop(GPUEmitter &emitter, ScanOp scan)
      : e(emitter), scan(scan), plan(*e.schedule.scans.find(scan)->second),
        halves(plan.halves()) {}

  void emit();

private:
  int64_t slots(Value value) const {
    return e.schedule.slotsOf(e.schedule.countOf(value));
  }
  static int64_t termsOf(Value sum) {
    return cast<RankedTensorType>(sum.getType()).getNumElements();
  }
  Value stepOf(Value index);

  void enter();
  void startRegisters();
  void loadFirst();
  void step(Value index, Carried values);
  void bindRegisters(Carried values);
  void bringNext(Value index, Carried values);
  void handOn(Carried values);
  void leave();
  void storeResults();
  void storeDeferred();
  void storeOwn(Value value);

  GPUEmitter &e;
  ScanOp scan;
  const GPUScan &plan;
  const SmallVector<GPUScan::Carry> halves;
  /// Steps that are taken at most, i64.
  Value taken;
  Values carried;
  size_t firstSum = 0, firstAhead = 0;
  /// Terms of deferred sums after the loop.
  Values terms;
};

void GPUEmitter::emitScan(ScanOp scan) { ScanLoop(*this, scan).emit(); }

/// A number of steps, i64, of which compilers keep the lower half alone.
Value GPUEmitter::hidden(Value steps) {
  return arith::ExtUIOp::create(
      b, loc, b.getI64Type(),
      device::HereOp::create(b, loc, b.getI32Type(), toNarrow(steps)));
}

/// i32: 1 or 0.
Value GPUEmitter::isOdd(Value step) { return remainder(toNarrow(step), 2); }

/// Addresses of what a step reads, and of what it writes for the next one. They
/// are made of the step's number, as all of them would be kept in registers.
void GPUEmitter::bindHalves(const HalvesInUse &loop) {
  for (const GPUScan::Carry &carry : loop.halves) {
    int64_t bytes = schedule.bytesOf(schedule.places[carry.both]);
    Value first = pointers[carry.both], distance = times(loop.isOdd, bytes);
    auto move = [&](Value offset) -> Value {
      return LLVM::GEPOp::create(b, loc, first.getType(), b.getI8Type(), first,
                                 ValueRange(offset));
    };
    pointers[carry.current] = move(distance);
    pointers[carry.next] =
        move(arith::SubIOp::create(b, loc, constant(bytes), distance));
  }
}

Value GPUEmitter::ScanLoop::stepOf(Value index) {
  if (!scan.getReverse())
    return index;
  return arith::SubIOp::create(e.b, e.loc, e.plus(taken, -1), index);
}

void GPUEmitter::ScanLoop::emit() {
  Scope outside = e.scope;
  enter();
  startRegisters();
  taken = e.scalar(scan.getTaken() ? Value(scan.getTaken())
                                   : Value(scan.getSteps()));
  e.scope = outside;
  loadFirst();

  Value ran = taken;
  auto body = [&](Value index, Carried values) { step(index, values); };
  if (Value count = scan.getCount()) {
    ran = e.loopWhile(taken, carried, [&](Value index, Carried values) {
      step(index, values);
      Value condition = resolve(scan.getYield().getCondition());
      return e.scope.registers.find(condition)->second[0];
    });
    e.scope.scalars[count] = ran;
    // Copies for a step that was not taken.
    if (!plan.fetches.empty())
      device::WaitCopiesOp::create(e.b, e.loc, 0);
  } else if (plan.isTight) {
    // One register for each number of a step, not two.
    Value outside = taken, end = device::HereOp::create(
                               e.b, e.loc, e.b.getI32Type(), e.toNarrow(taken));
    e.loop(e.constant(0), end, e.constant(1), carried,
           [&](Value index, Carried values) {
             taken = e.hidden(end);
             step(e.hidden(index), values);
           });
    taken = outside;
  } else {
    e.loop(e.wide(0), taken, e.wide(1), carried, body);
  }
  e.halvesInUse.pop_back();
  e.bindHalves({scan.getStep(), halves, e.isOdd(ran)});
  leave();
  auto store = [&] {
    storeResults();
    if (!terms.empty())
      storeDeferred();
  };
  plan.isTight ? e.anew(store) : store();
}

/// What comes before the first step: halves of carries in memory, before
/// anything is written to them, stages, and what stays on chip.
void GPUEmitter::ScanLoop::enter() {
  e.halvesInUse.push_back({scan.getStep(), halves, e.constant(0)});
  e.bindHalves(e.halvesInUse.back());
  e.emitStages(plan.entry);
  if (plan.barrierBefore)
    e.barrier();
  e.loadHeld(scan);
}

void GPUEmitter::ScanLoop::startRegisters() {
  for (auto [argument, init] :
       llvm::zip(scan.getCarryArguments(), scan.getInits()))
    if (slots(argument)) {
      init = resolve(init);
      llvm::append_range(carried, e.scope.registers.find(init)->second);
    }
  firstSum = carried.size();
  for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums)) {
    Type element = getElementTypeOrSelf(sum);
    if (entry.deferred)
      carried.append(termsOf(sum), e.number(element, 0));
    else if (entry.product)
      carried.append(e.zerosOf(entry.product));
    else if (entry.place < 0)
      carried.append(slots(sum), e.number(element, 0));
  }
}

/// Elements of the first step, if there is one, that are loaded ahead.
void GPUEmitter::ScanLoop::loadFirst() {
  Scope outside = e.scope;
  Value begins = e.compare(arith::CmpIPredicate::sgt, taken, e.wide(0));
  if (!plan.fetches.empty())
    e.when(begins, [&] { e.fetchElements(scan, stepOf(e.wide(0)), false); });
  firstAhead = carried.size();
  SmallVector<Type> types;
  for (BlockArgument element : scan.getElementArguments())
    if (e.isAhead(element))
      types.append(slots(element), getElementTypeOrSelf(element));
  if (!types.empty()) {
    auto branch = scf::IfOp::create(e.b, e.loc, types, begins, true);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(branch.thenBlock());
    Values first = e.loadElements(scan, stepOf(e.wide(0)));
    scf::YieldOp::create(e.b, e.loc, first);
    e.scope = outside;
    e.b.setInsertionPointToStart(branch.elseBlock());
    Values zeros;
    for (Type type : types)
      zeros.push_back(e.number(type, 0));
    scf::YieldOp::create(e.b, e.loc, zeros);
    llvm::append_range(carried, branch.getResults());
  }
}

//===----------------------------------------------------------------------===//
// A step
//===----------------------------------------------------------------------===//

void GPUEmitter::ScanLoop::step(Value index, Carried values) {
  bindRegisters(values);
  e.halvesInUse.back().isOdd = e.isOdd(index);
  e.bindHalves(e.halvesInUse.back());
  if (!plan.fetches.empty())
    device::WaitCopiesOp::create(e.b, e.loc, 0);
  auto bring = [&] {
    if (plan.barrierBeforeFetches)
      e.barrier();
    bringNext(index, values);
  };
  plan.isTight ? e.anew(bring) : bring();
  e.scope.scalars[scan.getStep()] = stepOf(index);
  if (isSegmentLoop(scan)) {
    // The last one may be shorter.
    Value before =
        arith::MulIOp::create(e.b, e.loc, stepOf(index), e.segmentLength);
    Value left = arith::SubIOp::create(e.b, e.loc, e.steps, before);
    e.segmentExtent = arith::MinSIOp::create(e.b, e.loc, e.segmentLength, left);
  }
  e.emitStages(plan.body);
  handOn(values);
}

void GPUEmitter::ScanLoop::bindRegisters(Carried values) {
  size_t next = 0;
  auto take = [&](int64_t count) {
    Values taken(values.slice(next, count));
    next += count;
    return taken;
  };
  for (Value argument : scan.getCarryArguments())
    if (slots(argument))
      e.scope.registers[argument] = take(slots(argument));
  for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums)) {
    if (entry.deferred)
      e.accumulators[entry.deferred] = take(termsOf(sum));
    else if (entry.product)
      e.accumulators[entry.product] = take(e.zerosOf(entry.product).size());
    else if (entry.place < 0)
      next += slots(sum);
  }
  for (BlockArgument element : scan.getElementArguments())
    if (e.isAhead(element))
      e.scope.registers[element] = take(slots(element));
}

/// Copies, loads or prefetches elements of the step after that at hand; of the
/// last one again if there is none.
void GPUEmitter::ScanLoop::bringNext(Value index, Carried values) {
  if (!plan.fetches.empty()) {
    Value following = e.plus(index, 1);
    e.when(e.compare(arith::CmpIPredicate::slt, following, taken),
           [&] { e.fetchElements(scan, stepOf(following), true); });
  }
  auto getFollowing = [&] {
    return stepOf(arith::MinSIOp::create(e.b, e.loc, e.plus(index, 1),
                                         e.plus(taken, -1)));
  };
  if (firstAhead < values.size()) {
    Values loaded = e.loadElements(scan, getFollowing());
    llvm::copy(loaded, values.begin() + firstAhead);
  }
  if (plan.isTight ||
      llvm::any_of(scan.getElementArguments(), [&](Value element) {
        return e.schedule.loadedLate.contains(element);
      }))
    e.prefetchElements(scan, getFollowing());
}

/// What the next step begins with.
void GPUEmitter::ScanLoop::handOn(Carried values) {
  auto keptOf = [&](Value value) -> Values & {
    return e.scope.registers.find(resolve(value))->second;
  };
  YieldOp yield = scan.getYield();
  size_t next = 0;
  for (auto [argument, value] :
       llvm::zip(scan.getCarryArguments(), yield.getCarries()))
    for (int64_t slot = 0; slot < slots(argument); ++slot)
      values[next++] = keptOf(value)[slot];
  next = firstSum;
  for (auto [sum, entry, value] :
       llvm::zip(scan.getSums(), plan.sums, yield.getSums())) {
    if (entry.deferred || entry.product)
      for (Value part :
           e.accumulators[entry.deferred ? entry.deferred : entry.product])
        values[next++] = part;
    else if (entry.place < 0)
      for (int64_t slot = 0; slot < slots(sum); ++slot, ++next)
        values[next] = e.combine(values[next], keptOf(value)[slot], false);
  }
}

//===----------------------------------------------------------------------===//
// After the last step
//===----------------------------------------------------------------------===//

/// Finals and sums are where code after the loop looks for them.
void GPUEmitter::ScanLoop::leave() {
  size_t next = 0;
  for (Value final : scan.getFinals())
    for (int64_t slot = 0; slot < slots(final); ++slot)
      e.scope.registers[final].push_back(carried[next++]);
  for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums)) {
    if (entry.deferred)
      for (int64_t i = 0, end = termsOf(sum); i < end; ++i)
        terms.push_back(carried[next++]);
    else if (entry.product)
      for (Value &part : e.accumulators[entry.product])
        part = carried[next++];
    else if (entry.place < 0)
      for (int64_t slot = 0; slot < slots(sum); ++slot)
        e.scope.registers[sum].push_back(carried[next++]);
  }
}

/// Stores what is read elsewhere.
void GPUEmitter::ScanLoop::storeResults() {
  if (plan.barrierAfter)
    e.barrier();
  for (auto [final, carry] : llvm::zip(scan.getFinals(), plan.carries))
    if (carry.both < 0)
      storeOwn(final);
  for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums))
    if (entry.product)
      e.storeSum(e.schedule.products.find(entry.product)->second, e.find(sum));
    else if (!entry.deferred && entry.place < 0)
      storeOwn(sum);
}

void GPUEmitter::ScanLoop::storeOwn(Value value) {
  GPUReference to = e.find(value);
  if (!to)
    return;
  e.forOwnSites(e.schedule.shapeOf(value), {},
                [&](const GPUSite &site, Value exists, Carried) {
                  e.when(exists, [&] {
                    e.store(to, site.linear,
                            e.scope.registers[value][site.slot], false,
                            site.local);
                  });
                });
}

/// Adds up the threads' terms of sums that waited for the end of the loop.
void GPUEmitter::ScanLoop::storeDeferred() {
  if (plan.barrierBeforeSums)
    e.barrier();
  Values totals = e.reduceBlock(terms, SmallVector<bool>(terms.size(), false));
  size_t next = 0;
  for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums)) {
    if (!entry.deferred)
      continue;
    int64_t count = termsOf(sum);
    if (count == 1)
      e.scope.registers[sum] = {totals[next]};
    if (!e.find(sum)) {
      next += count;
      continue;
    }
    e.when(e.compare(arith::CmpIPredicate::eq, e.thread, e.constant(0)), [&] {
      for (int64_t i = 0; i < count; ++i)
        e.store(e.find(sum), e.constant(i), totals[next++], false);
    });
  }
}
