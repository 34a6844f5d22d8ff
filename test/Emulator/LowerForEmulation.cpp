//===- LowerForEmulation.cpp - Kernels of a GPU as plain functions --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/Emulator.h"

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace loco;

namespace {
class Lowering {
public:
  explicit Lowering(ModuleOp module) : module(module), b(module.getContext()) {}
  void lower(gpu::GPUFuncOp kernel);

private:
  Value call(Location loc, StringRef name, ArrayRef<Value> operands,
             Type result);
  void lower(Operation *op);

  ModuleOp module;
  OpBuilder b;
};
} // namespace

/// Calls a function of the run-time, which is declared on its first use.
Value Lowering::call(Location loc, StringRef name, ArrayRef<Value> operands,
                     Type result) {
  SmallVector<Type> types;
  for (Value operand : operands)
    types.push_back(operand.getType());
  auto type =
      b.getFunctionType(types, result ? TypeRange(result) : TypeRange());
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    func::FuncOp::create(b, loc, name, type).setPrivate();
  }
  auto made = func::CallOp::create(b, loc, name, type.getResults(), operands);
  return result ? made.getResult(0) : Value();
}

void Lowering::lower(Operation *op) {
  Location loc = op->getLoc();
  b.setInsertionPoint(op);
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, loc, i32, value);
  };
  auto replaceByCall = [&](StringRef name) {
    Value number = call(loc, name, {}, i64);
    op->getResult(0).replaceAllUsesWith(
        arith::IndexCastOp::create(b, loc, b.getIndexType(), number));
    op->erase();
  };
  auto watch = [&](Value pointer, Type type, bool isWrite) {
    unsigned space =
        cast<LLVM::LLVMPointerType>(pointer.getType()).getAddressSpace();
    Value address = LLVM::PtrToIntOp::create(b, loc, i64, pointer);
    call(loc, "locoEmulateAccess",
         {address, constant((type.getIntOrFloatBitWidth() + 7) / 8),
          constant(isWrite), constant(space)},
         {});
  };
  if (isa<gpu::ThreadIdOp>(op))
    return replaceByCall("locoEmulateThread");
  if (isa<gpu::BlockIdOp>(op))
    return replaceByCall("locoEmulateBlock");
  if (isa<gpu::GridDimOp>(op))
    return replaceByCall("locoEmulateBlocks");
  auto waitFor = [&](emulation::Scope scope, Value group, int64_t threads) {
    call(loc, "locoEmulateBarrier",
         {constant(static_cast<int64_t>(scope)), group, constant(threads)}, {});
    op->erase();
  };
  if (isa<gpu::BarrierOp>(op))
    return waitFor(emulation::Scope::Block, constant(0), 0);
  if (auto barrier = dyn_cast<device::GroupBarrierOp>(op))
    return waitFor(emulation::Scope::Group, barrier.getGroup(),
                   barrier.getThreads());
  if (isa<device::ClusterBarrierOp, device::GridBarrierOp>(op))
    return waitFor(emulation::Scope::Together, constant(0), 0);
  if (auto remote = dyn_cast<device::RemoteOp>(op)) {
    Value address = LLVM::PtrToIntOp::create(b, loc, i64, remote.getPointer());
    address = call(loc, "locoEmulateRemote", {address, remote.getRank()}, i64);
    remote.getResult().replaceAllUsesWith(LLVM::IntToPtrOp::create(
        b, loc, remote.getResult().getType(), address));
    op->erase();
    return;
  }
  if (auto shuffle = dyn_cast<gpu::ShuffleOp>(op)) {
    // Bits travel as an i64.
    Value value = shuffle.getValue();
    Type type = value.getType();
    Type bits = b.getIntegerType(type.getIntOrFloatBitWidth());
    if (type != bits)
      value = arith::BitcastOp::create(b, loc, bits, value);
    if (bits != i64)
      value = arith::ExtUIOp::create(b, loc, i64, value);
    value = call(loc, "locoEmulateShuffle", {value, shuffle.getOffset()}, i64);
    if (bits != i64)
      value = arith::TruncIOp::create(b, loc, bits, value);
    if (type != bits)
      value = arith::BitcastOp::create(b, loc, type, value);
    shuffle.getShuffleResult().replaceAllUsesWith(value);
    op->erase();
    return;
  }
  if (auto address = dyn_cast<LLVM::AddressOfOp>(op)) {
    if (address.getGlobalName() != sharedMemoryName)
      return;
    Value shared = call(loc, "locoEmulateShared", {}, i64);
    op->getResult(0).replaceAllUsesWith(
        LLVM::IntToPtrOp::create(b, loc, op->getResult(0).getType(), shared));
    op->erase();
    return;
  }
  // Where things are computed is nothing to the emulation.
  if (isa<device::PinOp, device::HereOp>(op)) {
    op->getResult(0).replaceAllUsesWith(op->getOperand(0));
    op->erase();
    return;
  }
  if (auto load = dyn_cast<LLVM::LoadOp>(op))
    return watch(load.getAddr(), load.getType(), false);
  if (auto store = dyn_cast<LLVM::StoreOp>(op))
    return watch(store.getAddr(), store.getValue().getType(), true);
}

void Lowering::lower(gpu::GPUFuncOp kernel) {
  Location loc = kernel.getLoc();
  b.setInsertionPointToEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto function = func::FuncOp::create(b, loc, kernel.getName(),
                                       b.getFunctionType({pointer}, {}));
  function.getBody().takeBody(kernel.getBody());
  Block &entry = function.getBody().front();
  b.setInsertionPointToStart(&entry);
  unsigned count = entry.getNumArguments();
  Value table = entry.addArgument(pointer, loc);
  for (unsigned i = 0; i < count; ++i) {
    Value address = LLVM::GEPOp::create(b, loc, pointer, b.getI64Type(), table,
                                        ArrayRef<LLVM::GEPArg>{int32_t(i)});
    entry.getArgument(i).replaceAllUsesWith(
        LLVM::LoadOp::create(b, loc, entry.getArgument(i).getType(), address));
  }
  entry.eraseArguments(0, count);
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops) {
    if (isa<gpu::ReturnOp>(op)) {
      b.setInsertionPoint(op);
      func::ReturnOp::create(b, loc);
      op->erase();
    } else if (auto load = dyn_cast<LLVM::LoadOp>(op);
               !load || cast<LLVM::LLVMPointerType>(load.getAddr().getType())
                            .getAddressSpace()) {
      lower(op);
    }
  }
}

LogicalResult loco::lowerForEmulation(ModuleOp module) {
  module.getContext()->loadDialect<func::FuncDialect>();
  for (auto kernels :
       llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>())) {
    Lowering lowering(module);
    for (auto global :
         llvm::make_early_inc_range(kernels.getOps<LLVM::GlobalOp>())) {
      global->remove();
      if (global.getName() == sharedMemoryName)
        global->destroy();
      else
        module.getBody()->push_front(global);
    }
    for (auto kernel :
         llvm::make_early_inc_range(kernels.getOps<gpu::GPUFuncOp>()))
      lowering.lower(kernel);
    kernels.erase();
  }
  PassManager passes(module.getContext(), ModuleOp::getOperationName());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  return passes.run(module);
}
