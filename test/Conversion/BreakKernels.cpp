//===- BreakKernels.cpp - Mistakes for the emulation to find --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/Conversion/BreakKernels.h"
#include "dialects/Device/IR/DeviceOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace loco;

static bool isBarrier(Operation *op) {
  return isa<gpu::BarrierOp, device::GroupBarrierOp, device::ClusterBarrierOp,
             device::GridBarrierOp>(op);
}

/// A left fragment whose second and third register stand for each other.
static Value exchanged(OpBuilder &b, Value fragment) {
  Location loc = fragment.getLoc();
  int64_t count = cast<VectorType>(fragment.getType()).getNumElements();
  int64_t numbers = count / 4;
  Value result = fragment;
  auto at = [&](int64_t i) -> Value {
    return arith::ConstantIntOp::create(b, loc, b.getI32Type(), i);
  };
  for (int64_t i = numbers; i < 2 * numbers; ++i)
    for (auto [from, to] :
         {std::pair(i, i + numbers), std::pair(i + numbers, i)})
      result = LLVM::InsertElementOp::create(
          b, loc, result,
          LLVM::ExtractElementOp::create(b, loc, fragment, at(from)), at(to));
  return result;
}

void loco::breakKernels(ModuleOp kernels, StringRef mistake) {
  SmallVector<Operation *> wrong;
  kernels.walk([&](Operation *op) {
    // Within a loop over steps, which is in that over samples.
    Operation *loop = op->getParentOfType<LoopLikeOpInterface>();
    bool isInTime = loop && loop->getParentOfType<LoopLikeOpInterface>();
    if (isInTime && mistake == "barrier" && isBarrier(op))
      wrong.push_back(op);
    if (isInTime && mistake == "wait" && isa<device::WaitCopiesOp>(op))
      wrong.push_back(op);
    if (mistake == "fragment" && isa<device::MultiplyOp>(op))
      wrong.push_back(op);
    if (mistake == "block" && isa<device::RemoteOp>(op))
      wrong.push_back(op);
    auto choice = dyn_cast<arith::SelectOp>(op);
    Operation *around = choice && choice.getType().isInteger(32)
                            ? choice.getTrueValue().getDefiningOp()
                            : nullptr;
    if (isa_and_nonnull<arith::AddIOp, arith::SubIOp>(around) &&
        around->getOperand(0) == choice.getFalseValue() && mistake == "halo")
      wrong.push_back(around);
  });
  for (Operation *op : wrong) {
    if (isBarrier(op) || isa<device::WaitCopiesOp>(op)) {
      op->erase();
      continue;
    }
    OpBuilder b(op);
    Value one =
        arith::ConstantIntOp::create(b, op->getLoc(), b.getI32Type(), 1);
    if (auto multiply = dyn_cast<device::MultiplyOp>(op)) {
      multiply.getLeftMutable().assign(exchanged(b, multiply.getLeft()));
      continue;
    }
    if (isa<device::RemoteOp>(op)) {
      op->setOperand(
          1, arith::XOrIOp::create(b, op->getLoc(), op->getOperand(1), one));
      continue;
    }
    op->setOperand(
        1, arith::SubIOp::create(b, op->getLoc(), op->getOperand(1), one));
  }
}
