//===- EmitTiles.cpp - Matrix products on AMX -----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where a processor multiplies tiles of bf16, matrices of a recurrence are
// packed into tiles before the loop and multiplied by the run-time
// (LocoServices), if a block has rows enough. What is around the product stays
// in our own loops: beside a product, its result written and read once is
// little.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"
#include "runtime/include/loco-c/kernel.h"

using namespace mlir;
using namespace loco;

/// A function of LocoServices.
Value Emitter::loadService(int64_t offset) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value place =
      LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), services,
                          ArrayRef<LLVM::GEPArg>(static_cast<int32_t>(offset)));
  return LLVM::LoadOp::create(b, loc, pointer, place);
}

/// `tiles` for a block of at least `from` samples, else `others`.
void Emitter::ifTiles(int64_t from, llvm::function_ref<void()> tiles,
                      llvm::function_ref<void()> others) {
  Value enough = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                       samples, constant(from));
  auto branch = scf::IfOp::create(b, loc, enough, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  tiles();
  b.setInsertionPoint(branch.elseBlock()->getTerminator());
  others();
}

void Emitter::packTiles(const MatrixProduct &form, Value from, Value to) {
  auto flag = [&](int64_t value) { return number(b.getI32Type(), value); };
  callService(loadService(offsetof(LocoServices, packTiles)),
              {flag(schedule.options.tilePieces), flag(form.transposed),
               constant(form.inner), constant(form.outer), from, to});
}

/// `operands`: rows, their pitch, how many they are, panels, the extents of the
/// matrix, results and their pitch.
void Emitter::multiplyTiles(ArrayRef<Value> operands, bool accumulate) {
  Values arguments = {number(b.getI32Type(), schedule.options.tilePieces)};
  llvm::append_range(arguments, operands);
  arguments.push_back(number(b.getI32Type(), accumulate));
  callService(loadService(offsetof(LocoServices, multiplyTiles)), arguments);
}
