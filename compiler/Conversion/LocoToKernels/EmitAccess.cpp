//===- EmitAccess.cpp - Loads and stores of fields ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

using namespace mlir;
using namespace loco;

/// Bytes of a step from which the processor does not fetch the next one by
/// itself.
static constexpr int64_t smallestPrefetch = 4096;

/// Truth values take a byte.
static Type memoryType(Type element) {
  return element.isInteger(1) ? IntegerType::get(element.getContext(), 8)
                              : element;
}

Value Emitter::stepBytes(const Place &place) {
  int64_t bytes = place.layout.size * bytesOf(place.element);
  return place.stepMajor ? times(samples, bytes) : constant(bytes);
}

/// Address of site 0 of what `reference` means at the current sample and step.
/// Computed once per group, before its loops.
Value Emitter::pointerTo(Reference reference) {
  std::pair key(reference.place, reference.step.getAsOpaquePointer());
  if (auto known = pointers.find(key); known != pointers.end())
    return known->second;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(marker);
  const Place &place = schedule.places[reference.place];
  Value pointer = stepPointer(reference);
  if (place.staging >= 0 && reference.step)
    pointer =
        select(isStreamed(place), pointerTo({place.staging, Value()}), pointer);
  return pointers[key] = pointer;
}

/// The same without detours and without looking at what is known.
Value Emitter::stepPointer(Reference reference) {
  const Place &place = schedule.places[reference.place];
  int64_t bytes = bytesOf(place.element);
  Value offset;
  if (reference.step) {
    Value step = scalars.lookup(reference.step);
    if (place.ring)
      step = arith::RemUIOp::create(b, loc, step, chunkSteps());
    offset = times(step, stepBytes(place));
  }
  if (Value stride = strides[reference.place])
    offset = plus(offset, times(sample, stride));
  offset = plus(offset, place.layout.origin * bytes);
  Value pointer = bases[reference.place];
  if (offset)
    pointer = LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(),
                                  pointer, ValueRange(offset));
  return pointer;
}

Value Emitter::address(Value pointer, Type element, Value index,
                       int64_t offset) {
  Type type = LLVM::LLVMPointerType::get(b.getContext());
  if (index)
    pointer =
        LLVM::GEPOp::create(b, loc, type, element, pointer, ValueRange(index));
  if (offset)
    pointer = LLVM::GEPOp::create(
        b, loc, type, element, pointer,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  return pointer;
}

namespace {
/// A site of a place as an index: one number, and one per lane where the lanes
/// are not neighbours in memory.
struct Linear {
  Value index;
  int64_t offset = 0;
  bool contiguous = false;
  SmallVector<std::pair<Coordinate, int64_t>> scattered;
};
} // namespace

SmallVector<int64_t> loco::pitchesOf(const Place &place, size_t rank,
                                     bool flat) {
  if (flat)
    return {1};
  SmallVector<int64_t> pitches;
  if (rank > place.layout.pitch.size())
    pitches.push_back(place.layout.size);
  llvm::append_range(pitches, place.layout.pitch);
  return pitches;
}

Value Emitter::load(Reference reference, Type element, const Site &site) {
  // What is the same for all sites is read once, before the loops.
  bool once =
      llvm::all_of(site, [](const Coordinate &c) { return c.isConstant(); });
  Memo &table = once ? hoisted : memo;
  const void *step = reference.step.getAsOpaquePointer();
  Site keyed = site;
  keyed.push_back({Value(), reference.place});
  Value &known = table[keyOf(step, keyed)];
  if (known)
    return known;
  OpBuilder::InsertionGuard guard(b);
  if (once)
    b.setInsertionPoint(marker);
  Value loaded = loadUncached(reference, element, site);
  return table[keyOf(step, keyed)] = loaded;
}

/// What `pointer`, into `reference`, is at the step after this one; without a
/// step, at the one that lies behind it.
Value Emitter::inNextStep(Reference reference, Value pointer) {
  bool reverse =
      reference.step &&
      cast<ScanOp>(reference.step.getParentBlock()->getParentOp()).getReverse();
  const Place &place = schedule.places[reference.place];
  int64_t distance = place.layout.size * bytesOf(place.element);
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(), pointer,
                             ValueRange(constant(reverse ? -distance : distance)));
}

/// A fifth of a lattice step is waiting for stacked values otherwise: asks for
/// the same sites of the next step.
void Emitter::prefetch(Reference reference, Value pointer) {
  if (!reference.step)
    return;
  auto scan = cast<ScanOp>(reference.step.getParentBlock()->getParentOp());
  const Place &place = schedule.places[reference.place];
  int64_t distance = place.layout.size * bytesOf(place.element);
  if (distance < smallestPrefetch || place.stepMajor ||
      schedule.scans.find(scan)->second->fetched.contains(reference.place))
    return;
  LLVM::Prefetch::create(b, loc, inNextStep(reference, pointer), 0, 3, 1);
}

Value Emitter::loadUncached(Reference reference, Type element,
                            const Site &site) {
  if (abreast)
    return loadAbreast(reference, element, site);
  const Place &place = schedule.places[reference.place];
  Type memory = memoryType(place.element);
  SmallVector<int64_t> pitches = pitchesOf(place, site.size(), flat);
  Value index, scattered;
  int64_t offset = 0, inLine = 0;
  bool gather = false, inPlace = true;
  for (auto [coordinate, pitch] : llvm::zip(site, pitches)) {
    inLine += coordinate.lanes;
    // Neighbours along the row are fetched with the row itself.
    inPlace &= !coordinate.lanes || coordinate.offset == 0;
    gather |= coordinate.vector || (coordinate.lanes && pitch != 1);
  }
  gather |= inLine > 1;
  for (auto [coordinate, pitch] : llvm::zip(site, pitches)) {
    if (gather && (coordinate.lanes || coordinate.vector)) {
      Value lane = perLane(coordinate);
      if (pitch != 1)
        lane = times(lane, splat32(pitch));
      scattered = plus(scattered, lane);
      continue;
    }
    index = plus(index, times(coordinate.base, pitch));
    offset += coordinate.offset * pitch;
  }
  Value pointer = address(pointerTo(reference), memory, index, offset);
  Type type = vectorOf(memory);
  int64_t alignment = bytesOf(memory);
  Value loaded;
  if (gather && lanes > 1) {
    auto pointersType =
        VectorType::get({lanes}, LLVM::LLVMPointerType::get(b.getContext()));
    Value each = LLVM::GEPOp::create(b, loc, pointersType, memory, pointer,
                                     ValueRange(scattered));
    Value mask = valid ? valid : number(b.getI1Type(), 1);
    Value zero = number(memory, 0);
    loaded =
        LLVM::masked_gather::create(b, loc, type, each, mask, ValueRange(zero),
                                    b.getI32IntegerAttr(alignment));
  } else if (gather) {
    Value wide = arith::ExtSIOp::create(b, loc, b.getI64Type(), scattered);
    pointer = address(pointer, memory, wide, 0);
    loaded = LLVM::LoadOp::create(b, loc, memory, pointer, alignment);
  } else if (inLine == 0 || lanes == 1) {
    if (fetchNumbers)
      prefetch(reference, pointer);
    loaded = LLVM::LoadOp::create(b, loc, memory, pointer, alignment);
    if (memory != element)
      loaded = element.isInteger(1)
                   ? Value(arith::TruncIOp::create(b, loc, element, loaded))
                   : converted(loaded, element);
    return splat(loaded);
  } else if (valid && (place.layout.isDense() || maskedLoads)) {
    if (inPlace)
      prefetch(reference, pointer);
    loaded = LLVM::MaskedLoadOp::create(
        b, loc, type, pointer, valid, number(memory, 0),
        b.getI32IntegerAttr(alignment), UnitAttr());
  } else {
    if (inPlace)
      prefetch(reference, pointer);
    loaded = LLVM::LoadOp::create(b, loc, type, pointer, alignment);
  }
  return converted(loaded, element);
}

void Emitter::store(const Sink &sink, const Site &site, Value value) {
  if (abreast)
    return storeAbreast(sink, site, value);
  const Place &place = schedule.places[sink.to.place];
  Type memory = memoryType(place.element);
  SmallVector<int64_t> pitches =
      flat || sink.shape.empty() ? pitchesOf(place, site.size(), flat)
                                 : Layout::dense(sink.shape).pitch;
  Value index;
  int64_t offset = sink.offset;
  for (auto [coordinate, pitch] : llvm::zip(site, pitches)) {
    index = plus(index, times(coordinate.base, pitch));
    offset += coordinate.offset * pitch;
  }
  for (auto [coordinate, pitch] : llvm::zip(site, pitches))
    if (coordinate.lanes && pitch != 1 && lanes > 1)
      return scatter(sink, address(pointerTo(sink.to), memory, index, offset),
                     pitch, value);
  Value pointer = address(pointerTo(sink.to), memory, index, offset);
  int64_t alignment = bytesOf(memory);
  // What is left of a row may be overwritten before its halo is filled; not
  // where that row's end and the next one's halo belong to two threads.
  bool padded = !place.layout.isDense() && (!splitAxis || place.layout.lane);
  bool whole = lanes == 1 || !valid || padded;
  value = converted(value, memory);
  if (sink.accumulate) {
    Value old =
        whole ? Value(LLVM::LoadOp::create(b, loc, value.getType(), pointer,
                                           alignment))
              : Value(LLVM::MaskedLoadOp::create(
                    b, loc, value.getType(), pointer, valid, number(memory, 0),
                    b.getI32IntegerAttr(alignment), UnitAttr()));
    value = arith::AddFOp::create(b, loc, old, value);
  }
  if (whole)
    LLVM::StoreOp::create(b, loc, value, pointer, alignment);
  else
    LLVM::MaskedStoreOp::create(b, loc, value, pointer, valid,
                                b.getI32IntegerAttr(alignment));
}

/// Stores lanes that are `pitch` elements apart, the first one at `pointer`.
void Emitter::scatter(const Sink &sink, Value pointer, int64_t pitch,
                      Value value) {
  Type memory = memoryType(schedule.places[sink.to.place].element);
  value = converted(value, memory);
  auto pointers =
      VectorType::get({lanes}, LLVM::LLVMPointerType::get(b.getContext()));
  Value each = LLVM::GEPOp::create(b, loc, pointers, memory, pointer,
                                   ValueRange(times(iota(), splat32(pitch))));
  Value mask = valid ? valid : number(b.getI1Type(), 1);
  auto alignment = b.getI32IntegerAttr(bytesOf(memory));
  if (sink.accumulate) {
    Value old =
        LLVM::masked_gather::create(b, loc, value.getType(), each, mask,
                                    ValueRange(number(memory, 0)), alignment);
    value = arith::AddFOp::create(b, loc, old, value);
  }
  LLVM::masked_scatter::create(b, loc, value, each, mask, alignment);
}

//===----------------------------------------------------------------------===//
// Neighbours
//===----------------------------------------------------------------------===//

Masked Emitter::loadAround(Value value, const Site &site, Boundary boundary) {
  auto type = cast<RankedTensorType>(value.getType());
  Site inside = site;
  Value exists;
  for (auto [coordinate, extent] : llvm::zip(inside, schedule.shapeOf(value))) {
    if (abreast && !coordinate.vector) {
      // One number for all lanes.
      Value at = scalar(coordinate), n = extentOf(extent);
      if (boundary == Boundary::Wrap) {
        at = arith::RemSIOp::create(b, loc, plus(at, n), n);
      } else {
        Value in =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, at, n);
        at = select(in, at, constant(0));
        exists = both(exists, splat(in));
      }
      coordinate = {at};
      continue;
    }
    Value at = perLane(coordinate);
    Value n = isKnownLength(extent)
                  ? splat32(extent)
                  : splat(arith::TruncIOp::create(b, loc, b.getI32Type(),
                                                  extentOf(extent)));
    if (boundary == Boundary::Wrap) {
      // The remainder has the sign of `at`.
      at = arith::RemSIOp::create(b, loc, at, n);
      Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                             at, splat32(0));
      at = select(negative, plus(at, n), at);
    } else {
      // As unsigned numbers, negative ones are large.
      Value in =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, at, n);
      at = select(in, at, splat32(0));
      exists = both(exists, in);
    }
    coordinate = {Value(), 0, false, at};
  }
  Value loaded = load(schedule.find(value), type.getElementType(), inside);
  return {masked(exists, loaded, number(type.getElementType(), 0)), exists};
}

Masked Emitter::loadMoved(Value value, const Site &site,
                          ArrayRef<int64_t> distance, ArrayRef<int64_t> extents,
                          Boundary boundary) {
  auto type = cast<RankedTensorType>(value.getType());
  Reference reference = schedule.find(value);
  const Layout &layout = schedule.places[reference.place].layout;
  Site moved = site;
  for (auto [coordinate, by] : llvm::zip(moved, distance))
    coordinate = coordinate.shifted(by);
  bool direct = layout.halo && layout.halo->boundary == boundary &&
                layout.pitch.size() == site.size();
  if (direct)
    for (size_t i = 0; i < site.size(); ++i)
      direct &=
          !site[i].vector && -distance[i] <= layout.halo->low[i] &&
          distance[i] + extents[i] - type.getDimSize(i) <= layout.halo->high[i];
  if (!direct)
    return loadAround(value, moved, boundary);
  return {load(reference, type.getElementType(), moved), Value()};
}
