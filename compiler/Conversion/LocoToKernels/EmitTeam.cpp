//===- EmitTeam.cpp - Loops that a team of threads divides ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The same code serves a thread alone: it has all sites, and meets nobody.
// Sums are made by each thread of its own sites, and added up in the order of
// the threads by one of them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

using namespace mlir;
using namespace loco;

/// Numbers of the eight-byte fields of LocoBlock, and of LocoServices.
static constexpr int64_t memberField = 12, membersField = 13, meetService = 4;

/// Says that the loop in front of `builder` is one over sites, which its bounds
/// do not tell.
static void markSites(OpBuilder &builder) {
  std::prev(builder.getInsertionPoint())
      ->setAttr("loco.sites", builder.getUnitAttr());
}

void Emitter::emitTeamPrologue() {
  if (!isTeam())
    return;
  auto field = [&](int64_t number) -> Value {
    return LLVM::LoadOp::create(
        b, loc, b.getI64Type(),
        address(block, b.getI64Type(), Value(), number));
  };
  member = field(memberField);
  members = field(membersField);
}

/// Waits until all have done what they did since they met.
void Emitter::meet() {
  if (!isTeam() || since == Since::Nothing)
    return;
  since = Since::Nothing;
  Value several = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt,
                                        members, constant(1));
  auto branch = scf::IfOp::create(b, loc, several, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value function = LLVM::LoadOp::create(
      b, loc, pointer, address(services, pointer, Value(), meetService));
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), {pointer});
  LLVM::CallOp::create(b, loc, type, ValueRange{function, block})
      ->setAttr("loco.meet", b.getUnitAttr());
}

/// What one thread does while the others wait.
void Emitter::byOne(llvm::function_ref<void()> body) {
  if (!isTeam())
    return body();
  if (since == Since::Divided)
    meet();
  since = Since::One;
  byFirst(/*divided=*/true, body);
}

/// The thread's own part of `extent` sites, in whole steps; the last thread
/// also has what is left of them.
std::pair<Value, Value> Emitter::ownRange(Value extent, int64_t step) {
  Value units = extent;
  if (step != 1)
    units = arith::DivUIOp::create(b, loc, extent, constant(step));
  auto bound = [&](Value number) -> Value {
    return times(arith::DivUIOp::create(b, loc, times(units, number), members),
                 step);
  };
  return {bound(member), bound(plus(member, 1))};
}

/// for (i = own first; i < own end; i += step) of `extent` sites, a multiple of
/// `step`; all of them if the axis is not divided.
void Emitter::loopOwn(Value extent, int64_t step, bool divided, Carried carried,
                      LoopBody body) {
  if (!divided)
    return loop(constant(0), extent, step, carried, body);
  auto [begin, end] = ownRange(extent, step);
  loop(begin, end, step, carried, body);
  markSites(b);
}

void Emitter::loopOwn(int64_t extent, int64_t step, bool divided,
                      Carried carried, LoopBody body) {
  loopOwn(extentOf(extent), step, divided, carried, body);
}

void Emitter::byLast(bool divided, Carried carried,
                     llvm::function_ref<void(Carried)> body) {
  if (!divided)
    return body(carried);
  Value last = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                     plus(member, 1), members);
  Value turns = arith::ExtUIOp::create(b, loc, b.getI64Type(), last);
  loop(constant(0), turns, 1, carried,
       [&](Value, Carried inside) { body(inside); });
  markSites(b);
}

void Emitter::byFirst(bool divided, llvm::function_ref<void()> body) {
  if (!divided)
    return body();
  Value first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, member,
                                      constant(0));
  auto branch = scf::IfOp::create(b, loc, first, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

/// Finds the thread's own sites of a group that is about to be emitted.
void Emitter::beginSplit(const Group &group) {
  splitAxis.reset();
  if (!isTeam() || !group.splitAxis)
    return;
  splitAxis = group.splitAxis;
  int64_t extent = group.shape[*splitAxis], step = 1;
  if (flat) {
    extent = 1;
    for (int64_t along : group.shape)
      extent *= along;
    step = lanes;
  } else if (group.shape.size() == 1) {
    step = lanes;
  } else if (group.tileAxis == static_cast<int>(*splitAxis)) {
    step = group.tileRows;
  }
  std::tie(ownBegin, ownEnd) = ownRange(constant(extent), step);
  Value last = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                     plus(member, 1), members);
  ownEnd = select(last, constant(extent), ownEnd);
}

/// Adds up what the threads' sites gave sums and maxima.
void Emitter::combinePartials(const Group &group, Carried totals) {
  const Place &place = schedule.places[group.partials];
  Type element = place.element;
  int64_t bytes = bytesOf(element), pitch = place.layout.pitch.front();
  int64_t width = std::exchange(lanes, 1);
  auto slot = [&](Value thread, int64_t number) {
    return address(bases[group.partials], element, times(thread, pitch),
                   number);
  };
  for (auto [i, total] : llvm::enumerate(totals))
    LLVM::StoreOp::create(b, loc, converted(total, element), slot(member, i),
                          bytes);
  meet();
  byOne([&] {
    SmallVector<bool> maximum;
    Values sums;
    for (auto [op, count] : reductionsOf(group)) {
      maximum.append(count, isMaximum(op));
      sums.append(count, neutral(element, isMaximum(op)));
    }
    loop(constant(0), members, 1, sums, [&](Value thread, Carried inside) {
      for (size_t i = 0; i < inside.size(); ++i)
        inside[i] = combine(
            inside[i],
            LLVM::LoadOp::create(b, loc, element, slot(thread, i), bytes),
            maximum[i]);
    });
    storeReductions(group, sums);
  });
  lanes = width;
}
