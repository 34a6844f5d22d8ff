//===- EmitProduct.cpp - Calls of the matrix product ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"
#include "runtime/include/loco-c/kernel.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace loco;

namespace {
/// Rows in memory: where sample 0 begins, bytes from step to step and from
/// sample to sample.
struct Rows {
  const Place &place;
  Value pointer, step, stride;
  bool stacked = false;
};
} // namespace

void Emitter::emitProduct(const Group &group) {
  const ProductCall &call = *group.product;
  loc = group.solo->getLoc();
  Reference out = call.out ? call.out : schedule.find(group.solo->getResult(0));
  auto loop = dyn_cast<ScanOp>(group.solo->getParentOp());
  bool together = loop && isa<ContractOp>(group.solo) &&
                  schedule.scans.find(loop)->second->lockStep;
  together ? callPanels(call, out) : callRows(group);
}

void Emitter::callService(Value function, ArrayRef<Value> arguments) {
  SmallVector<Type> types;
  for (Value argument : arguments)
    types.push_back(argument.getType());
  Values operands = {function};
  llvm::append_range(operands, arguments);
  LLVM::CallOp::create(b, loc,
                       LLVM::LLVMFunctionType::get(
                           LLVM::LLVMVoidType::get(b.getContext()), types),
                       operands);
}

/// The product of two arrays of `element`s in memory, a library's or on tiles;
/// see LocoServices for the arguments, and for the choice between the two.
void Emitter::callGemm(Type element, ArrayRef<Value> arguments) {
  int32_t pieces = schedule.options.tilePieces;
  if (!element.isF32() || pieces == 0)
    return callService(loadService(element.isF32()
                                       ? offsetof(LocoServices, gemmF32)
                                       : offsetof(LocoServices, gemmF64)),
                       arguments);
  Values all = {number(b.getI32Type(), pieces)};
  llvm::append_range(all, arguments);
  callService(loadService(offsetof(LocoServices, gemmTiles)), all);
}

/// Rows that our own product makes of all columns before the next ones.
static constexpr int64_t rowsAtOnce = 16;

/// All rows of the block in one product, or one product for each sample where
/// the caller's samples do not follow each other or each has a result of its
/// own; a library's, or our own where the matrix has a place for its panels.
void Emitter::callRows(const Group &group) {
  const ProductCall &call = *group.product;
  bool apply = call.form.kind == MatrixProduct::Kind::Apply;
  Type element = getElementTypeOrSelf(apply ? call.rows : call.left);
  int64_t bytes = bytesOf(element);
  // Addresses are computed before the group's marker.
  llvm::SaveAndRestore atFirst(sample, constant(0));
  if (call.panels >= 0)
    emitPanels({call.matrix, call.form, call.panels, std::nullopt});
  startGroup(element, 1);

  auto rowsOf = [&](Reference reference) {
    const Place &place = schedule.places[reference.place];
    Rows rows{place, pointerTo(reference), Value(), strides[reference.place],
              place.stacked && !reference.step};
    if (rows.stacked)
      rows.step = stepBytes(place);
    return rows;
  };
  Reference out = call.out ? call.out : schedule.find(group.solo->getResult(0));
  SmallVector<Rows> operands;
  operands.push_back(rowsOf(schedule.find(apply ? call.rows : call.left)));
  operands.push_back(rowsOf(apply ? out : schedule.find(call.right)));
  bool stacked = operands[0].stacked;
  Value length = stacked ? extentOf(operands[0].place.length) : constant(1);

  // Samples and steps are one sequence of rows if samples lie back to back, or
  // all those of a step.
  bool eachItsOwn = !apply && !call.shared;
  bool byStep = llvm::all_of(
      operands, [](const Rows &rows) { return rows.place.stepMajor; });
  bool bySample = llvm::none_of(
      operands, [](const Rows &rows) { return rows.place.stepMajor; });
  Value together =
      number(b.getI1Type(), !eachItsOwn && (!stacked || byStep || bySample));
  if (stacked && bySample && !eachItsOwn)
    for (const Rows &rows : operands)
      together =
          both(together,
               arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                     rows.stride, times(length, rows.step)));
  auto pitchOf = [&](const Rows &rows) -> Value {
    if (rows.stacked && byStep && !eachItsOwn)
      return constant(rows.place.layout.size);
    return arith::DivSIOp::create(
        b, loc, rows.stacked ? rows.step : rows.stride, constant(bytes));
  };
  Value firstPitch = pitchOf(operands[0]), secondPitch = pitchOf(operands[1]);
  Value calls = select(together, constant(1), samples);
  Value count = select(together, times(samples, length), length);

  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value matrix = apply ? pointerTo(schedule.find(call.matrix)) : pointerTo(out);
  Value matrixStride = eachItsOwn ? strides[out.place] : Value();
  int64_t inner = call.form.inner, outer = call.form.outer;
  auto flag = [&](bool on) { return number(b.getI32Type(), on); };
  loop(constant(0), calls, 1, {}, [&](Value index, Carried) {
    auto at = [&](Value base, Value stride) -> Value {
      if (!stride)
        return base;
      return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base,
                                 ValueRange(times(index, stride)));
    };
    Value first = at(operands[0].pointer, operands[0].stride);
    Value second = at(operands[1].pointer, operands[1].stride);
    if (call.panels >= 0) {
      Value panels = pointerTo({call.panels, Value()}),
            pitch = times(firstPitch, bytes),
            outPitch = times(secondPitch, bytes);
      // A few rows at a time: the result is written from its begin to its end.
      loop(constant(0), count, rowsAtOnce, {}, [&](Value row, Carried) {
        Value rest = arith::SubIOp::create(b, loc, count, row);
        auto rowOf = [&](Value base, Value pitch) -> Value {
          return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base,
                                     ValueRange(times(row, pitch)));
        };
        func::CallOp::create(
            b, loc, panelProduct(element),
            Values{rowOf(first, pitch), pitch,
                   arith::MinSIOp::create(b, loc, rest, constant(rowsAtOnce)),
                   panels, constant(inner), constant(outer),
                   rowOf(second, outPitch), outPitch,
                   number(b.getI1Type(), 0)});
      });
      return;
    }
    Values arguments;
    if (apply)
      arguments.append({flag(false), flag(call.form.transposed), count,
                        constant(outer), constant(inner), first, firstPitch,
                        matrix, constant(call.form.transposed ? inner : outer),
                        number(element, 0), second, secondPitch});
    else
      arguments.append({flag(true), flag(false), constant(inner),
                        constant(outer), count, first, firstPitch, second,
                        secondPitch, number(element, call.shared ? 1 : 0),
                        at(matrix, matrixStride), constant(outer)});
    callGemm(element, arguments);
  });
}

/// Steps of a chunk.
Value Emitter::chunkSteps() {
  Value count = arith::DivUIOp::create(
      b, loc, constant(chunkRows),
      arith::MaxSIOp::create(b, loc, samples, constant(1)));
  return arith::MaxSIOp::create(b, loc, count, constant(1));
}

/// After the last step of a chunk: adds the products of its rows to their sums.
void Emitter::emitChunks(const ScanPlan &plan, Value step, Value taken,
                         bool reverse) {
  if (plan.chunked.empty())
    return;
  llvm::SaveAndRestore atFirst(sample, constant(0));
  startGroup(b.getF32Type(), 1);
  Value length = chunkSteps();
  Value slot = arith::RemUIOp::create(b, loc, step, length);
  // Steps of a chunk lie in the ring in their order, whichever way they come.
  Value first = arith::SubIOp::create(b, loc, step, slot);
  Value end = arith::MinSIOp::create(b, loc, plus(first, length), taken);
  Value last = reverse ? first : plus(end, -1);
  Value complete =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, step, last);
  auto branch = scf::IfOp::create(b, loc, complete, false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  Value count =
      times(samples, Value(arith::SubIOp::create(b, loc, end, first)));
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  for (const ProductCall &call : plan.chunked) {
    Type element = getElementTypeOrSelf(call.left);
    startGroup(element, 1);
    auto rows = [&](Value value) -> Value {
      Reference reference = schedule.find(value);
      const Place &place = schedule.places[reference.place];
      Value base = pointerTo({reference.place, Value()});
      if (place.ring)
        return base;
      return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base,
                                 ValueRange(times(first, stepBytes(place))));
    };
    auto pitch = [&](Value value) {
      return constant(schedule.places[schedule.find(value).place].layout.size);
    };
    callGemm(element, {number(b.getI32Type(), 1), number(b.getI32Type(), 0),
                       constant(call.form.inner), constant(call.form.outer),
                       count, rows(call.left), pitch(call.left),
                       rows(call.right), pitch(call.right), number(element, 1),
                       pointerTo(call.out), constant(call.form.outer)});
  }
}
