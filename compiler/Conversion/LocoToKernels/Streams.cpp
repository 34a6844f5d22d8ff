//===- Streams.cpp - Results that are written around the caches -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A result of every step of every sample, the gradient by an input say, is not
// read again for a long time. Written as usual, each line would be fetched
// before it is overwritten, and push out what the next steps read. So a step's
// sites go to a place of their own first, which stays in the cache, and from
// there past it, a line at a time.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"
#include "compiler/Conversion/LocoToKernels/Planner.h"

using namespace mlir;
using namespace loco;

/// Bytes of a step from which the copy is worth its while, and bytes of a
/// sample from which the caller will not find them in the cache anyway.
static constexpr int64_t smallestStep = 4096, smallestSample = 1 << 19;

//===----------------------------------------------------------------------===//
// Which results
//===----------------------------------------------------------------------===//

/// How often places are written in a step by something that leaves its sites
/// one by one; what is written otherwise counts twice.
static void countWriters(const BlockPlan &plan, SmallVectorImpl<int> &writers) {
  for (const Group &group : plan.groups)
    for (const Root &root : group.roots)
      for (const Sink &sink : root.sinks)
        writers[sink.to.place] +=
            sink.to.step && !sink.accumulate && sink.offset == 0 &&
                    sink.shape.empty()
                ? 1
                : 2;
}

void Planner::chooseStreams() {
  size_t count = schedule.places.size();
  SmallVector<int> writers(count);
  countWriters(schedule.top, writers);
  for (auto &[scan, plan] : schedule.scans)
    for (const BlockPlan *block : {&plan->body, &plan->entry, &plan->exit})
      countWriters(*block, writers);
  // Whatever is found in memory there could be read.
  for (auto [value, reference] : schedule.memory)
    writers[reference.place] += value.hasOneUse() ? 0 : 2;
  for (size_t number = 0; number < count; ++number) {
    const Place &place = schedule.places[number];
    if (writers[number] != 1 || place.kind != Place::Kind::Result ||
        !place.stacked || !place.layout.isDense() ||
        !isa<FloatType>(place.element) ||
        place.layout.size * bytesOf(place.element) < smallestStep)
      continue;
    Place staging;
    staging.layout = place.layout;
    staging.element = place.element;
    int added = addPlace(std::move(staging));
    schedule.places[number].staging = added;
  }
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

/// Whether the call has so many steps.
Value Emitter::isStreamed(const Place &place) {
  Value bytes =
      times(extentOf(place.length), place.layout.size * bytesOf(place.element));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, bytes,
                               constant(smallestSample));
}

/// Copies the thread's own sites of what the group at hand left for `to`, if it
/// is a place that is streamed.
void Emitter::streamOut(Reference to) {
  const Place &place = schedule.places[to.place];
  if (place.staging < 0 || !to.step)
    return;
  Type element = place.element;
  int64_t bytes = bytesOf(element), width = lanes;
  Value outside = std::exchange(valid, Value());
  lanes = schedule.lanesOf(element);
  Value begin = constant(0), end = constant(place.layout.size);
  if (splitAxis) {
    // Sites of a dense place that belong to neighbours along its first axis.
    int64_t each = flat ? 1 : place.layout.pitch[*splitAxis];
    begin = times(ownBegin, each);
    end = times(ownEnd, each);
  }
  end = select(isStreamed(place), end, begin);
  Value from = pointerTo({place.staging, Value()}), target = stepPointer(to);
  // Up to the first whole line, whole lines, the rest.
  Value first = address(target, element, begin, 0);
  Value misplaced = arith::AndIOp::create(
      b, loc,
      arith::SubIOp::create(
          b, loc, constant(0),
          LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), first)),
      constant(lanes * bytes - 1));
  Value whole =
      plus(begin, arith::DivUIOp::create(b, loc, misplaced, constant(bytes)));
  whole = arith::MinSIOp::create(b, loc, whole, end);
  Value tail = arith::SubIOp::create(b, loc, end, whole);
  tail = arith::SubIOp::create(
      b, loc, end, arith::RemUIOp::create(b, loc, tail, constant(lanes)));
  auto copy = [&](Value at, Value mask) {
    Type type = vectorOf(element);
    Value source = address(from, element, at, 0),
          destination = address(target, element, at, 0);
    if (mask) {
      auto alignment = b.getI32IntegerAttr(bytes);
      Value loaded =
          LLVM::MaskedLoadOp::create(b, loc, type, source, mask,
                                     number(element, 0), alignment, UnitAttr());
      LLVM::MaskedStoreOp::create(b, loc, loaded, destination, mask, alignment);
      return;
    }
    Value loaded = LLVM::LoadOp::create(b, loc, type, source, bytes);
    LLVM::StoreOp::create(b, loc, loaded, destination, lanes * bytes,
                          /*isVolatile=*/false, /*isNonTemporal=*/true);
  };
  auto copySome = [&](Value at, Value until) {
    Value left = arith::SubIOp::create(b, loc, until, at);
    left = splat(arith::TruncIOp::create(b, loc, b.getI32Type(), left));
    copy(at, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, iota(),
                                   left));
  };
  copySome(begin, whole);
  loop(whole, tail, lanes, {}, [&](Value at, Carried) { copy(at, Value()); });
  std::prev(b.getInsertionPoint())->setAttr("loco.sites", b.getUnitAttr());
  copySome(tail, end);
  lanes = width;
  valid = outside;
}
