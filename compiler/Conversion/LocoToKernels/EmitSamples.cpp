//===- EmitSamples.cpp - Groups whose lanes are samples -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A vector is one number of as many samples as it has lanes; sites, channels
// and steps are loops around it. What is the same for all samples is one number
// for all lanes. Arrays of the caller keep each sample to itself: a step of
// them is turned, as many sites at a time as a vector has lanes, before a group
// that reads it, and back after one that writes it. Where the samples do not
// fill their vector, the lanes behind the last one compute it again.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"
#include "runtime/include/loco-c/kernel.h"

using namespace mlir;
using namespace loco;

/// True if the numbers of one sample lie together in `place`, those of the next
/// one elsewhere.
bool Emitter::isApart(const Place &place) const {
  return place.layout.abreast == 1 && !place.shared &&
         (place.kind == Place::Kind::Argument ||
          place.kind == Place::Kind::Result || place.perSample ||
          (place.partOf >= 0 && isApart(schedule.places[place.partOf])));
}

/// The samples from `first` on are at hand.
void Emitter::enterSamples(Value first) {
  sample = first;
  if (schedule.abreast == 1)
    return;
  lanes = schedule.abreast;
  Value last = plus(plus(samples, times(first, -1)), -1);
  Value bound = splat(arith::TruncIOp::create(b, loc, b.getI32Type(), last));
  Value lane = iota();
  laneExists =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, lane, bound);
  Value number = select(laneExists, lane, bound);
  laneSample = arith::ExtSIOp::create(b, loc, vectorOf(b.getI64Type()), number);
}

/// Bytes from the first sample at hand to that of each lane in a place whose
/// samples lie apart.
Value Emitter::sampleOffsets(int place) {
  Value &known = laneOffsets[place];
  if (known)
    return known;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(marker);
  Value stride = strides[place];
  return known = times(laneSample, splat(stride ? stride : constant(0)));
}

namespace {
/// A site in memory: what is one number, and what differs between lanes.
struct LaneSite {
  Value index, scattered;
  int64_t offset = 0;
};
} // namespace

/// Abreast: where `site` of `reference` lies, lane by lane.
static LaneSite placeOf(ArrayRef<Coordinate> site, ArrayRef<int64_t> pitches,
                        llvm::function_ref<Value(Value, Value)> plus,
                        llvm::function_ref<Value(Value, int64_t)> times) {
  LaneSite at;
  for (auto [coordinate, pitch] : llvm::zip(site, pitches)) {
    if (coordinate.vector)
      at.scattered = plus(at.scattered, times(coordinate.vector, pitch));
    else
      at.index = plus(at.index, times(coordinate.base, pitch));
    at.offset += coordinate.offset * pitch;
  }
  return at;
}

/// The step of `reference` as it was turned for this group, if it was.
Reference Emitter::turnedFor(Reference reference) const {
  const Place &place = schedule.places[reference.place];
  if (place.turned < 0 || (place.stacked && !reference.step))
    return {};
  return {place.turned, nullptr};
}

Value Emitter::loadAbreast(Reference reference, Type element,
                           const Site &site) {
  if (Reference turned = turnedFor(reference))
    reference = turned;
  const Place &place = schedule.places[reference.place];
  Type memory = memoryElement(place.element), type = vectorOf(memory);
  int64_t bytes = bytesOf(memory), together = place.layout.abreast;
  LaneSite at = placeOf(
      site, pitchesOf(place, site.size(), false),
      [&](Value a, Value c) { return plus(a, c); },
      [&](Value a, int64_t c) -> Value {
        if (!a || c == 1)
          return a;
        return isa<VectorType>(a.getType()) ? times(a, splat32(c))
                                            : times(a, c);
      });
  Value pointer = address(pointerTo(reference), memory, at.index, at.offset);
  bool apart = isApart(place);
  if (!at.scattered && together > 1) {
    prefetch(reference, pointer);
    Value loaded = LLVM::LoadOp::create(
        b, loc, type, pointer,
        std::min<int64_t>(LOCO_ARENA_ALIGNMENT, bytes * together));
    return converted(loaded, element);
  }
  if (!at.scattered && !apart) {
    Value loaded = LLVM::LoadOp::create(b, loc, memory, pointer, bytes);
    if (element.isInteger(1))
      loaded = arith::TruncIOp::create(b, loc, element, loaded);
    else if (memory != element)
      loaded = converted(loaded, element);
    return splat(loaded);
  }
  Type each =
      VectorType::get({lanes}, LLVM::LLVMPointerType::get(b.getContext()));
  Value from = pointer;
  if (apart)
    from = LLVM::GEPOp::create(b, loc, each, b.getI8Type(), from,
                               ValueRange(sampleOffsets(reference.place)));
  if (together > 1)
    at.scattered = plus(at.scattered, iota());
  if (at.scattered)
    from = LLVM::GEPOp::create(b, loc, each, memory, from,
                               ValueRange(at.scattered));
  Value loaded = LLVM::masked_gather::create(
      b, loc, type, from, number(b.getI1Type(), 1),
      ValueRange(number(memory, 0)), b.getI32IntegerAttr(bytes));
  return converted(loaded, element);
}

void Emitter::storeAbreast(const Sink &sink, const Site &site, Value value) {
  Reference to = sink.to;
  if (Reference turned = turnedFor(to))
    to = turned;
  const Place &place = schedule.places[to.place];
  Type memory = memoryElement(place.element);
  int64_t bytes = bytesOf(memory), together = place.layout.abreast;
  SmallVector<int64_t> pitches = pitchesOf(place, site.size(), false);
  if (!sink.shape.empty()) {
    pitches = Layout::dense(sink.shape).pitch;
    for (int64_t &pitch : pitches)
      pitch *= together;
  }
  LaneSite at = placeOf(
      site, pitches, [&](Value a, Value c) { return plus(a, c); },
      [&](Value a, int64_t c) { return times(a, c); });
  Value pointer = address(pointerTo(to), memory, at.index,
                          at.offset + sink.offset * together);
  value = converted(value, memory);
  if (together > 1) {
    int64_t alignment =
        std::min<int64_t>(LOCO_ARENA_ALIGNMENT, bytes * together);
    if (sink.accumulate)
      value = arith::AddFOp::create(
          b, loc,
          LLVM::LoadOp::create(b, loc, value.getType(), pointer, alignment),
          value);
    LLVM::StoreOp::create(b, loc, value, pointer, alignment);
    return;
  }
  if (!isApart(place)) {
    // A sum over samples.
    Value total =
        foldLanes(masked(laneExists, value, number(memory, 0)), false);
    Value old = LLVM::LoadOp::create(b, loc, memory, pointer, bytes);
    total = arith::AddFOp::create(b, loc, old, total);
    LLVM::StoreOp::create(b, loc, total, pointer, bytes);
    return;
  }
  Type each =
      VectorType::get({lanes}, LLVM::LLVMPointerType::get(b.getContext()));
  Value apart = LLVM::GEPOp::create(b, loc, each, b.getI8Type(), pointer,
                                    ValueRange(sampleOffsets(to.place)));
  Value all = number(b.getI1Type(), 1);
  auto alignment = b.getI32IntegerAttr(bytes);
  if (sink.accumulate) {
    Value old =
        LLVM::masked_gather::create(b, loc, value.getType(), apart, all,
                                    ValueRange(number(memory, 0)), alignment);
    value = arith::AddFOp::create(b, loc, old, value);
  }
  LLVM::masked_scatter::create(b, loc, value, apart, all, alignment);
}

//===----------------------------------------------------------------------===//
// Arrays of the caller
//===----------------------------------------------------------------------===//

/// Calls `body` for as many neighbouring sites of one step of a dense place as
/// there are lanes: their first one, and how many of them there are.
void Emitter::forSiteBlocks(int64_t sites,
                            llvm::function_ref<void(Value, int64_t)> body) {
  if (sites < lanes)
    return body(constant(0), sites);
  int64_t whole = sites - sites % lanes;
  loop(whole, lanes, {}, [&](Value first, Carried) { body(first, lanes); });
  // The last ones once more, rather than some of them.
  if (whole < sites)
    body(constant(sites - lanes), lanes);
}

/// The address of `reference` for each lane's sample.
SmallVector<Value> Emitter::lanePointers(Reference reference) {
  OpBuilder::InsertionGuard guard(b);
  Value base = pointerTo(reference), offsets = sampleOffsets(reference.place);
  b.setInsertionPoint(marker);
  Values pointers;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value offset =
        vector::ExtractOp::create(b, loc, offsets, ArrayRef<int64_t>{lane});
    pointers.push_back(LLVM::GEPOp::create(
        b, loc, base.getType(), b.getI8Type(), base, ValueRange(offset)));
  }
  return pointers;
}

/// Brings the numbers of `reference`, a step of a place whose samples lie
/// apart, to where samples are side by side.
void Emitter::turnIn(Reference reference) {
  const Place &place = schedule.places[reference.place];
  Type memory = memoryElement(place.element), type = vectorOf(memory);
  int64_t bytes = bytesOf(memory);
  Values pointers = lanePointers(reference);
  Value to = pointerTo(turnedFor(reference));
  forSiteBlocks(place.layout.size, [&](Value first, int64_t count) {
    Value exists = firstLanes(count);
    Values rows;
    for (Value pointer : pointers) {
      Value from = address(pointer, memory, first, 0);
      prefetch(reference, from);
      rows.push_back(
          exists ? Value(LLVM::MaskedLoadOp::create(
                       b, loc, type, from, exists, number(memory, 0),
                       b.getI32IntegerAttr(bytes), UnitAttr()))
                 : Value(LLVM::LoadOp::create(b, loc, type, from, bytes)));
    }
    turn(rows);
    Value target = address(to, memory, times(first, lanes), 0);
    for (int64_t i = 0; i < count; ++i)
      LLVM::StoreOp::create(b, loc, rows[i],
                            address(target, memory, Value(), i * lanes),
                            bytes * lanes);
  });
}

/// The way back: what a group stored for the caller.
void Emitter::turnOut(Reference reference) {
  const Place &place = schedule.places[reference.place];
  Type memory = memoryElement(place.element), type = vectorOf(memory);
  int64_t bytes = bytesOf(memory);
  Values pointers = lanePointers(reference);
  Value from = pointerTo(turnedFor(reference));
  forSiteBlocks(place.layout.size, [&](Value first, int64_t count) {
    Value exists = firstLanes(count);
    Value source = address(from, memory, times(first, lanes), 0);
    Values rows;
    for (int64_t i = 0; i < lanes; ++i)
      rows.push_back(LLVM::LoadOp::create(
          b, loc, type,
          address(source, memory, Value(), std::min(i, count - 1) * lanes),
          bytes * lanes));
    turn(rows);
    for (auto [row, pointer] : llvm::zip(rows, pointers)) {
      Value to = address(pointer, memory, first, 0);
      if (exists)
        LLVM::MaskedStoreOp::create(b, loc, row, to, exists,
                                    b.getI32IntegerAttr(bytes));
      else
        LLVM::StoreOp::create(b, loc, row, to, bytes);
    }
  });
}

/// What the ops of `group` read of the caller's arrays, each step once.
void Emitter::turnInputs(const Group &group) {
  llvm::SmallSetVector<std::pair<int, void *>, 8> seen;
  auto see = [&](Value value) {
    Operation *op = value.getDefiningOp();
    Reference reference = schedule.find(value);
    if (reference && !(op && here.contains(op)) && turnedFor(reference) &&
        seen.insert({reference.place, reference.step.getAsOpaquePointer()}))
      turnIn(reference);
  };
  for (Operation *op : group.ops)
    llvm::for_each(op->getOperands(), see);
  if (group.solo)
    llvm::for_each(group.solo->getOperands(), see);
  for (const Root &root : group.roots)
    see(root.value);
}

void Emitter::turnOutputs(const Group &group) {
  llvm::SmallSetVector<std::pair<int, void *>, 8> seen;
  auto see = [&](Reference to) {
    if (to && turnedFor(to) &&
        seen.insert({to.place, to.step.getAsOpaquePointer()}))
      turnOut(to);
  };
  for (const Root &root : group.roots)
    for (const Sink &sink : root.sinks)
      see(sink.to);
  if (group.solo)
    for (Value result : group.solo->getResults())
      see(schedule.find(result));
}
