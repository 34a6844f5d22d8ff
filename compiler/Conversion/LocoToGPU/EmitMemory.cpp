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
  Value stack = getStackOf(value);
  if (!stack)
    return {};
  auto found = schedule.memory.find(stack);
  if (found == schedule.memory.end())
    return {};
  auto scan =
      cast<ScanOp>(cast<BlockArgument>(value).getOwner()->getParentOp());
  return {found->second.place, scan.getStep()};
}

Value GPUEmitter::pointerTo(GPUReference reference) {
  const GPUPlace &place = schedule.places[reference.place];
  Value pointer = pointers[reference.place];
  if (!reference.step)
    return pointer;
  Value elements = times(scope.scalars.lookup(reference.step), place.sites());
  pointer = LLVM::GEPOp::create(b, loc, pointer.getType(),
                                memoryElement(place.element), pointer,
                                ValueRange(elements));
  if (place.kind == GPUPlace::Kind::Shared)
    return pointer;
  return device::PinOp::create(b, loc, pointer.getType(), pointer);
}

/// An element of a place that is spread over a cluster is in the block of the
/// thread it belongs to, beside that thread's others.
Value GPUEmitter::elementOf(GPUReference reference, Value linear, Value local) {
  const GPUPlace &place = schedule.places[reference.place];
  Value pointer = pointerTo(reference), rank;
  if (place.isSpread) {
    int64_t each = schedule.threadsInBlock();
    if (!local) {
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
  Value pointer = elementOf(reference, linear, local);
  value = converted(value, memoryElement(place.element));
  if (add)
    value = arith::AddFOp::create(
        b, loc, LLVM::LoadOp::create(b, loc, place.element, pointer), value);
  LLVM::StoreOp::create(b, loc, value, pointer);
}
