//===- EmitProduct.cpp - Calls of the matrix product ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

using namespace mlir;
using namespace loco;

namespace {
/// Rows in memory: where sample 0 begins, elements from row to row, bytes from
/// sample to sample.
struct Rows {
  Value pointer, pitch, stride;
  bool stacked = false;
  int64_t length = 1;
};
} // namespace

/// All rows of the block in one product, or one product for each sample where
/// the caller's samples do not follow each other or each has a result of its
/// own.
void Emitter::emitProduct(const Group &group) {
  const ProductCall &call = *group.product;
  loc = group.solo->getLoc();
  bool apply = call.form.kind == MatrixProduct::Kind::Apply;
  Type element = getElementTypeOrSelf(apply ? call.rows : call.left);
  int64_t bytes = bytesOf(element);
  startGroup(element, 1);
  sample = constant(0);

  auto rowsOf = [&](Reference reference) {
    const Place &place = schedule.places[reference.place];
    Rows rows;
    rows.pointer = pointerTo(reference);
    rows.stride = strides[reference.place];
    rows.stacked = place.stacked && !reference.step;
    rows.length = place.length;
    rows.pitch = rows.stacked ? constant(place.layout.size)
                              : Value(arith::DivSIOp::create(
                                    b, loc, rows.stride, constant(bytes)));
    return rows;
  };
  Reference out = call.out ? call.out : schedule.find(group.solo->getResult(0));
  SmallVector<Rows> operands;
  if (apply)
    operands = {rowsOf(schedule.find(call.rows)), rowsOf(out)};
  else
    operands = {rowsOf(schedule.find(call.left)),
                rowsOf(schedule.find(call.right))};
  bool stacked = operands[0].stacked;
  Value length = stacked ? extentOf(operands[0].length) : constant(1);

  // Samples and steps are one sequence of rows if samples lie back to back.
  Value together = number(b.getI1Type(), 1);
  if (stacked)
    for (const Rows &rows : operands) {
      Value whole = times(times(length, rows.pitch), bytes);
      together =
          both(together, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                               rows.stride, whole));
    }
  bool eachItsOwn = !apply && !call.shared;
  if (eachItsOwn)
    together = number(b.getI1Type(), 0);
  Value calls = select(together, constant(1), samples);
  Value count = select(together, times(samples, length), length);

  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value function = LLVM::LoadOp::create(
      b, loc, pointer,
      address(services, pointer, Value(), element.isF32() ? 0 : 1));
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
    Values arguments = {function};
    if (apply)
      arguments.append({flag(false), flag(call.form.transposed), count,
                        constant(outer), constant(inner), first,
                        operands[0].pitch, matrix,
                        constant(call.form.transposed ? inner : outer),
                        number(element, 0), second, operands[1].pitch});
    else
      arguments.append({flag(true), flag(false), constant(inner),
                        constant(outer), count, first, operands[0].pitch,
                        second, operands[1].pitch,
                        number(element, call.shared ? 1 : 0),
                        at(matrix, matrixStride), constant(outer)});
    SmallVector<Type> types;
    for (Value argument : ArrayRef(arguments).drop_front())
      types.push_back(argument.getType());
    LLVM::CallOp::create(b, loc,
                         LLVM::LLVMFunctionType::get(
                             LLVM::LLVMVoidType::get(b.getContext()), types),
                         arguments);
  });
}
