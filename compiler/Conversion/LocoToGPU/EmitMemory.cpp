//===- EmitMemory.cpp - Sites, addresses, loads and stores ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

using namespace mlir;
using namespace loco;

GPUSite GPUEmitter::ownSite(ArrayRef<int64_t> shape, Value linear, int slot,
                            Value exists) {
  GPUSite site;
  site.shape.assign(shape.begin(), shape.end());
  site.linear = linear;
  site.slot = slot;
  site.isOwn = true;
  site.exists = exists;
  return site;
}

/// Coordinates from the number of the element, where they are not known.
const SmallVector<GPUCoordinate, 4>
GPUEmitter::coordinatesOf(const GPUSite &site) {
  if (!site.coordinates.empty() || site.shape.empty())
    return site.coordinates;
  SmallVector<GPUCoordinate, 4> coordinates(site.shape.size());
  Value rest = site.linear;
  for (size_t i = site.shape.size(); i-- > 0;) {
    if (i == 0) {
      coordinates[i].base = rest;
      break;
    }
    if (site.shape[i] == 1)
      continue;
    coordinates[i].base = remainder(rest, site.shape[i]);
    rest = divided(rest, site.shape[i]);
  }
  return coordinates;
}

Value GPUEmitter::linearOf(const GPUSite &site) {
  if (site.linear)
    return site.linear;
  Value linear;
  int64_t offset = 0, pitch = 1;
  for (size_t i = site.shape.size(); i-- > 0;) {
    linear = plus(linear, times(site.coordinates[i].base, pitch));
    offset += site.coordinates[i].offset * pitch;
    pitch *= site.shape[i];
  }
  return plus(linear, offset);
}

/// `value`, which is computed before what follows where registers are short: its
/// terms would be kept until it is used.
Value GPUEmitter::here(Value value) {
  if (!noOffset || !isa<Float32Type, Float64Type>(value.getType()))
    return value;
  return device::HereOp::create(b, loc, value.getType(), value);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Truth values are bytes.
Type GPUEmitter::memoryElement(Type element) {
  return element.isInteger(1) ? Type(b.getI8Type()) : element;
}

Value GPUEmitter::converted(Value value, Type element) {
  Type from = value.getType();
  if (from == element)
    return value;
  if (isa<FloatType>(from) && isa<FloatType>(element)) {
    if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(b, loc, element, value);
    return arith::TruncFOp::create(b, loc, element, value);
  }
  if (from.isInteger(1))
    return arith::ExtUIOp::create(b, loc, element, value);
  return arith::TruncIOp::create(b, loc, element, value);
}

GPUReference GPUEmitter::find(Value value) {
  if (auto found = schedule.memory.find(value); found != schedule.memory.end())
    return found->second;
  return findInStack(value);
}

/// Where an element of a step is in its stack.
GPUReference GPUEmitter::findInStack(Value value) {
  Value stack = getStackOf(value);
  if (!stack)
    return {};
  auto found = schedule.memory.find(stack);
  if (found == schedule.memory.end())
    return {};
  auto scan =
      cast<ScanOp>(cast<BlockArgument>(value).getOwner()->getParentOp());
  Value first = getFirstOf(value);
  return {found->second.place, scan.getStep(),
          first ? first : found->second.first};
}

Value GPUEmitter::pointerTo(GPUReference reference) {
  const GPUPlace &place = schedule.places[reference.place];
  Value pointer = pointers[reference.place];
  if (!reference.step && !reference.first)
    return pointer;
  Value step = reference.step ? scope.scalars.lookup(reference.step) : Value();
  if (reference.first)
    step = plus(step, scalar(reference.first));
  Value elements = times(step, place.sites() / place.tile);
  pointer = LLVM::GEPOp::create(b, loc, pointer.getType(),
                                memoryElement(place.element), pointer,
                                ValueRange(elements));
  if (place.kind == GPUPlace::Kind::Shared)
    return pointer;
  return device::PinOp::create(b, loc, pointer.getType(), pointer);
}

/// An element of an array that each sample of a tile has. Where the tile is not
/// full, the last sample stands for those that are missing.
Value GPUEmitter::sampleElement(GPUReference reference, Value linear) {
  const GPUPlace &place = schedule.places[reference.place];
  int64_t each = place.sites() / place.tile;
  Value number = divided(linear, each), inner = remainder(linear, each);
  if (place.stacked && !reference.step) {
    inner = plus(inner, times(divided(number, place.tile), each));
    number = remainder(number, place.tile);
  }
  Value last = plus(samplesHere(), -1);
  number = toWide(arith::MinUIOp::create(b, loc, number, last));
  Value steps = place.stacked ? lengthOf(place.length) : wide(1);
  Value first = arith::MulIOp::create(b, loc, number, times(steps, each));
  return plus(first, toWide(inner));
}

/// An element of a place that is spread over a cluster is in the block of the
/// thread it belongs to, beside that thread's others.
Value GPUEmitter::elementOf(GPUReference reference, Value linear, Value local) {
  const GPUPlace &place = schedule.places[reference.place];
  Value pointer = pointerTo(reference), rank;
  if (place.tile > 1)
    linear = sampleElement(reference, linear);
  if (place.isSpread) {
    int64_t each = schedule.threadsInBlock();
    if (!local) {
      assert(schedule.isCluster && "another block's memory");
      Value owner = remainder(linear, schedule.threads);
      rank = divided(owner, each);
      local = plus(times(divided(linear, schedule.threads), each),
                   remainder(owner, each));
    }
    linear = local;
  }
  pointer = LLVM::GEPOp::create(b, loc, pointer.getType(),
                                memoryElement(place.element), pointer,
                                ValueRange(linear));
  if (!rank)
    return pointer;
  return device::RemoteOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), 7), pointer, rank);
}

Value GPUEmitter::load(GPUReference reference, Type element, Value linear,
                       Value local) {
  const GPUPlace &place = schedule.places[reference.place];
  Value pointer = elementOf(reference, linear, local);
  bool isConstant = place.kind == GPUPlace::Kind::Argument ||
                    place.kind == GPUPlace::Kind::Constant;
  Value value = LLVM::LoadOp::create(
      b, loc, memoryElement(place.element), pointer, /*alignment=*/0,
      /*isVolatile=*/false, /*isNonTemporal=*/false,
      /*isInvariant=*/isConstant);
  return converted(value, element);
}

Value GPUEmitter::loadOwn(GPUReference reference, Type element,
                          const GPUSite &site) {
  GPUPlace::Kind kind = schedule.places[reference.place].kind;
  if (!site.exists || kind == GPUPlace::Kind::Argument ||
      kind == GPUPlace::Kind::Constant)
    return load(reference, element, linearOf(site), site.local);
  Value linear = linearOf(site);
  // Numbers that are known from here on are not computed in a branch.
  if (reference.first)
    scalar(reference.first);
  auto branch =
      scf::IfOp::create(b, loc, TypeRange(element), site.exists, true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, loc, load(reference, element, linear, site.local));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, loc, number(element, 0));
  return branch.getResult(0);
}

void GPUEmitter::store(GPUReference reference, Value linear, Value value,
                       bool add, Value local) {
  const GPUPlace &place = schedule.places[reference.place];
  if (place.tile > 1 && place.kind == GPUPlace::Kind::Result) {
    // Of a sample that is there.
    Value number = divided(linear, place.sites() / place.tile);
    if (place.stacked && !reference.step)
      number = remainder(number, place.tile);
    auto branch = scf::IfOp::create(
        b, loc, compare(arith::CmpIPredicate::ult, number, samplesHere()),
        false);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    storeElement(reference, linear, value, add, local);
    b.setInsertionPointAfter(branch);
    return;
  }
  storeElement(reference, linear, value, add, local);
}

void GPUEmitter::storeElement(GPUReference reference, Value linear, Value value,
                              bool add, Value local) {
  const GPUPlace &place = schedule.places[reference.place];
  Value pointer = elementOf(reference, linear, local);
  value = converted(value, memoryElement(place.element));
  if (add)
    value = arith::AddFOp::create(
        b, loc, LLVM::LoadOp::create(b, loc, place.element, pointer), value);
  LLVM::StoreOp::create(b, loc, value, pointer);
}
