//===- LocoToGPU.cpp - Kernels for a GPU ----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/LocoToGPU.h"

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

using namespace mlir;
using namespace loco;

/// Sums of all blocks' parts, an element for each thread, in the blocks' order.
static void emitReduce(OpBuilder &b, Location loc, StringRef name,
                       Type element) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext(), 1);
  Type i64 = b.getI64Type();
  auto function = gpu::GPUFuncOp::create(
      b, loc, name, b.getFunctionType({pointer, pointer, i64, i64}, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function.setKnownBlockSize(
      ArrayRef<int32_t>{static_cast<int32_t>(reduceThreads), 1, 1});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&function.getBody().front());
  Value parts = function.getArgument(0), out = function.getArgument(1),
        count = function.getArgument(2), blocks = function.getArgument(3);
  auto wide = [&](Value index) -> Value {
    return arith::IndexCastOp::create(b, loc, i64, index);
  };
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, loc, i64, value);
  };
  Value number = arith::AddIOp::create(
      b, loc,
      arith::MulIOp::create(
          b, loc, wide(gpu::BlockIdOp::create(b, loc, gpu::Dimension::x)),
          constant(reduceThreads)),
      wide(gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x)));
  Value exists =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, number, count);
  auto branch = scf::IfOp::create(b, loc, exists, false);
  {
    OpBuilder::InsertionGuard inside(b);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    auto address = [&](Value from, Value index) -> Value {
      return LLVM::GEPOp::create(b, loc, pointer, element, from,
                                 ValueRange(index));
    };
    Value zero = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(0));
    auto loop = scf::ForOp::create(b, loc, constant(0), blocks, constant(1),
                                   ValueRange(zero));
    {
      OpBuilder::InsertionGuard body(b);
      b.setInsertionPointToEnd(loop.getBody());
      Value index = arith::AddIOp::create(
          b, loc, arith::MulIOp::create(b, loc, loop.getInductionVar(), count),
          number);
      Value part = LLVM::LoadOp::create(b, loc, element, address(parts, index));
      if (element.isF32())
        part = arith::ExtFOp::create(b, loc, b.getF64Type(), part);
      Value sum = arith::AddFOp::create(b, loc, loop.getRegionIterArg(0), part);
      scf::YieldOp::create(b, loc, ValueRange(sum));
    }
    Value total = loop.getResult(0);
    if (element.isF32())
      total = arith::TruncFOp::create(b, loc, element, total);
    LLVM::StoreOp::create(b, loc, total, address(out, number));
  }
  gpu::ReturnOp::create(b, loc);
}

FailureOr<gpu::GPUModuleOp> loco::emitGPUModule(ModuleOp module,
                                                const GPUSchedule &schedule,
                                                StringRef name) {
  OpBuilder b(module.getBodyRegion());
  b.setInsertionPointToEnd(module.getBody());
  module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                  b.getUnitAttr());
  auto kernels = gpu::GPUModuleOp::create(b, module.getLoc(), "loco");
  b.setInsertionPointToEnd(kernels.getBody());
  if (failed(GPUEmitter(schedule, b).emitKernel(name)))
    return failure();
  b.setInsertionPointToEnd(kernels.getBody());
  func::FuncOp source = schedule.function;
  bool isF32 = false, isF64 = false;
  for (auto [i, type] : llvm::enumerate(source.getResultTypes()))
    if (source.getResultAttr(i, "loco.sum_samples"))
      (getElementTypeOrSelf(type).isF64() ? isF64 : isF32) = true;
  if (isF32)
    emitReduce(b, module.getLoc(), "loco_reduce_f32", b.getF32Type());
  if (isF64)
    emitReduce(b, module.getLoc(), "loco_reduce_f64", b.getF64Type());
  return kernels;
}
