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
    int64_t bytes =
        (getElementTypeOrSelf(type).getIntOrFloatBitWidth() + 7) / 8;
    if (auto vector = dyn_cast<VectorType>(type))
      bytes *= vector.getNumElements();
    Value address = LLVM::PtrToIntOp::create(b, loc, i64, pointer);
    call(loc, "locoEmulateAccess",
         {address, constant(bytes), constant(isWrite), constant(space)}, {});
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
  if (auto copy = dyn_cast<device::CopyAsyncOp>(op)) {
    call(loc, "locoEmulateCopy",
         {LLVM::PtrToIntOp::create(b, loc, i64, copy.getTo()),
          LLVM::PtrToIntOp::create(b, loc, i64, copy.getFrom()),
          constant(copy.getBytes())},
         {});
    op->erase();
    return;
  }
  if (isa<device::PrefetchOp>(op)) {
    op->erase();
    return;
  }
  if (isa<device::CommitCopiesOp>(op)) {
    call(loc, "locoEmulateCommit", {}, {});
    op->erase();
    return;
  }
  if (auto wait = dyn_cast<device::WaitCopiesOp>(op)) {
    call(loc, "locoEmulateWait", {constant(wait.getPending())}, {});
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
  if (auto multiply = dyn_cast<device::MultiplyOp>(op)) {
    // Registers as an instruction takes them.
    SmallVector<Value> operands;
    auto append = [&](Value fragment, unsigned registers, Type type) {
      fragment = LLVM::BitcastOp::create(
          b, loc, VectorType::get({registers}, type), fragment);
      for (unsigned i = 0; i < registers; ++i)
        operands.push_back(
            LLVM::ExtractElementOp::create(b, loc, fragment, constant(i)));
    };
    append(multiply.getLeft(), 4, i32);
    append(multiply.getRight(), 2, i32);
    append(multiply.getSum(), 4, b.getF32Type());
    operands.push_back(
        constant(getElementTypeOrSelf(multiply.getLeft()).isBF16()));
    call(loc, "locoEmulateMultiply", operands, {});
    Value result = LLVM::UndefOp::create(b, loc, multiply.getType());
    for (int64_t i = 0; i < 4; ++i)
      result = LLVM::InsertElementOp::create(
          b, loc, result,
          call(loc, "locoEmulateProduct", constant(i), b.getF32Type()),
          constant(i));
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
    return;
  }
  if (isa<device::RoundTF32Op>(op)) {
    op->getResult(0).replaceAllUsesWith(
        call(loc, "locoEmulateRoundTF32", op->getOperand(0), b.getF32Type()));
    op->erase();
    return;
  }
  // Processors call a function for it that is not everywhere.
  if (isa<arith::TruncFOp>(op) && op->getResult(0).getType().isBF16()) {
    Value bits =
        call(loc, "locoEmulateRoundBF16", op->getOperand(0), b.getI16Type());
    op->getResult(0).replaceAllUsesWith(
        arith::BitcastOp::create(b, loc, b.getBF16Type(), bits));
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
