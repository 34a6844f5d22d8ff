//===- LowerDevice.cpp - Ops of the device dialect as instructions --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Target/NVPTX/LowerDevice.h"

#include "dialects/Device/IR/DeviceOps.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace loco;

static constexpr int64_t warp = 32;

static Value constant(RewriterBase &b, Location loc, int64_t value) {
  return LLVM::ConstantOp::create(b, loc, b.getI32Type(),
                                  b.getI32IntegerAttr(value));
}

static void callIntrinsic(RewriterBase &b, Location loc, StringRef name,
                          ValueRange operands) {
  LLVM::CallIntrinsicOp::create(b, loc, b.getStringAttr(name), operands);
}

/// An instruction of PTX; `result` may be null.
static LLVM::InlineAsmOp emitAssembly(RewriterBase &b, Location loc,
                                      Type result, ValueRange operands,
                                      StringRef text, StringRef constraints,
                                      bool hasSideEffects) {
  return LLVM::InlineAsmOp::create(
      b, loc, result ? TypeRange(result) : TypeRange(), operands, text,
      constraints, hasSideEffects, /*is_align_stack=*/false,
      LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
}

namespace {
struct LowerPin : OpRewritePattern<device::PinOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::PinOp op,
                                PatternRewriter &b) const override {
    b.replaceOp(op, emitAssembly(b, op.getLoc(), op.getType(), op.getPointer(),
                                 "mov.b64 $0, $1;", "=l,l",
                                 /*hasSideEffects=*/false));
    return success();
  }
};

struct LowerHere : OpRewritePattern<device::HereOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::HereOp op,
                                PatternRewriter &b) const override {
    bool isDouble = op.getType().isF64(), isReal = isa<FloatType>(op.getType());
    b.replaceOp(op, emitAssembly(b, op.getLoc(), op.getType(), op.getValue(),
                                 isDouble ? "mov.f64 $0, $1;"
                                 : isReal ? "mov.f32 $0, $1;"
                                          : "mov.b32 $0, $1;",
                                 isDouble ? "=d,d"
                                 : isReal ? "=f,f"
                                          : "=r,r",
                                 /*hasSideEffects=*/true));
    return success();
  }
};

struct LowerGroupBarrier : OpRewritePattern<device::GroupBarrierOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::GroupBarrierOp op,
                                PatternRewriter &b) const override {
    Location loc = op.getLoc();
    int64_t threads = op.getThreads();
    if (threads == warp) {
      callIntrinsic(b, loc, "llvm.nvvm.bar.warp.sync", constant(b, loc, -1));
    } else {
      // The first one is that of whole blocks.
      Value number = LLVM::AddOp::create(b, loc, b.getI32Type(), op.getGroup(),
                                         constant(b, loc, 1));
      callIntrinsic(b, loc, "llvm.nvvm.barrier.cta.sync.aligned.count",
                    {number, constant(b, loc, threads)});
    }
    b.eraseOp(op);
    return success();
  }
};

struct LowerClusterBarrier : OpRewritePattern<device::ClusterBarrierOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::ClusterBarrierOp op,
                                PatternRewriter &b) const override {
    callIntrinsic(b, op.getLoc(), "llvm.nvvm.barrier.cluster.arrive.aligned",
                  {});
    callIntrinsic(b, op.getLoc(), "llvm.nvvm.barrier.cluster.wait.aligned", {});
    b.eraseOp(op);
    return success();
  }
};

/// Every block's first thread adds one to the counter and waits until it has
/// reached the next multiple of the number of blocks. What the block's threads
/// wrote before is seen by all after it: fences are cumulative over the block's
/// own barriers.
struct LowerGridBarrier : OpRewritePattern<device::GridBarrierOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::GridBarrierOp op,
                                PatternRewriter &b) const override {
    Location loc = op.getLoc();
    gpu::BarrierOp::create(b, loc);
    Value count = LLVM::ConstantOp::create(b, loc, b.getI64Type(),
                                           b.getI64IntegerAttr(op.getBlocks()));
    emitAssembly(b, loc, Type(), {op.getCounter(), count},
                 "{\n"
                 ".reg .pred %first, %waits;\n"
                 ".reg .b32 %thread;\n"
                 ".reg .b64 %before, %goal, %now;\n"
                 "mov.u32 %thread, %tid.x;\n"
                 "setp.eq.u32 %first, %thread, 0;\n"
                 "@!%first bra $$done;\n"
                 "fence.acq_rel.gpu;\n"
                 "atom.global.add.acq_rel.gpu.u64 %before, [$0], 1;\n"
                 "div.u64 %goal, %before, $1;\n"
                 "mad.lo.u64 %goal, %goal, $1, $1;\n"
                 "$$wait:\n"
                 "ld.global.acquire.gpu.u64 %now, [$0];\n"
                 "setp.lt.u64 %waits, %now, %goal;\n"
                 "@%waits bra $$wait;\n"
                 "fence.acq_rel.gpu;\n"
                 "$$done:\n"
                 "}",
                 "l,l,~{memory}", /*hasSideEffects=*/true);
    gpu::BarrierOp::create(b, loc);
    b.eraseOp(op);
    return success();
  }
};

struct LowerRemote : OpRewritePattern<device::RemoteOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::RemoteOp op,
                                PatternRewriter &b) const override {
    b.replaceOp(op, LLVM::CallIntrinsicOp::create(
                        b, op.getLoc(), op.getType(),
                        b.getStringAttr("llvm.nvvm.mapa.shared.cluster"),
                        ValueRange{op.getPointer(), op.getRank()}));
    return success();
  }
};

/// Numbers of a fragment as the registers that the instruction takes.
static void appendRegisters(RewriterBase &b, Location loc, Value fragment,
                            SmallVectorImpl<Value> &registers) {
  auto type = cast<VectorType>(fragment.getType());
  unsigned each = 32 / type.getElementTypeBitWidth();
  auto words = VectorType::get({type.getNumElements() / each}, b.getI32Type());
  fragment = LLVM::BitcastOp::create(b, loc, words, fragment);
  for (int64_t i = 0; i < words.getNumElements(); ++i)
    registers.push_back(
        LLVM::ExtractElementOp::create(b, loc, fragment, constant(b, loc, i)));
}

struct LowerMultiply : OpRewritePattern<device::MultiplyOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::MultiplyOp op,
                                PatternRewriter &b) const override {
    Location loc = op.getLoc();
    SmallVector<Value> operands;
    appendRegisters(b, loc, op.getLeft(), operands);
    appendRegisters(b, loc, op.getRight(), operands);
    constexpr int64_t numSums = 4;
    for (int64_t i = 0; i < numSums; ++i)
      operands.push_back(LLVM::ExtractElementOp::create(b, loc, op.getSum(),
                                                        constant(b, loc, i)));
    bool isHalf =
        cast<VectorType>(op.getLeft().getType()).getElementType().isBF16();
    Type sums = LLVM::LLVMStructType::getLiteral(
        b.getContext(), SmallVector<Type>(numSums, b.getF32Type()));
    Value product =
        LLVM::CallIntrinsicOp::create(
            b, loc, sums,
            b.getStringAttr(isHalf ? "llvm.nvvm.mma.m16n8k16.row.col.bf16"
                                   : "llvm.nvvm.mma.m16n8k8.row.col.tf32"),
            operands)
            .getResult(0);
    Value result = LLVM::UndefOp::create(b, loc, op.getType());
    for (int64_t i = 0; i < numSums; ++i)
      result = LLVM::InsertElementOp::create(
          b, loc, result,
          LLVM::ExtractValueOp::create(b, loc, product, ArrayRef<int64_t>{i}),
          constant(b, loc, i));
    b.replaceOp(op, result);
    return success();
  }
};

struct LowerRoundTF32 : OpRewritePattern<device::RoundTF32Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::RoundTF32Op op,
                                PatternRewriter &b) const override {
    Value bits =
        LLVM::CallIntrinsicOp::create(b, op.getLoc(), b.getI32Type(),
                                      b.getStringAttr("llvm.nvvm.f2tf32.rna"),
                                      ValueRange(op.getValue()))
            .getResult(0);
    b.replaceOpWithNewOp<LLVM::BitcastOp>(op, op.getType(), bits);
    return success();
  }
};
struct LowerCopyAsync : OpRewritePattern<device::CopyAsyncOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::CopyAsyncOp op,
                                PatternRewriter &b) const override {
    NVVM::CpAsyncOp::create(b, op.getLoc(), op.getTo(), op.getFrom(),
                            static_cast<uint32_t>(op.getBytes()),
                            NVVM::LoadCacheModifierKind::CA, Value());
    b.eraseOp(op);
    return success();
  }
};

struct LowerPrefetch : OpRewritePattern<device::PrefetchOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::PrefetchOp op,
                                PatternRewriter &b) const override {
    emitAssembly(b, op.getLoc(), Type(), op.getPointer(),
                 "prefetch.global.L2 [$0];", "l", /*hasSideEffects=*/true);
    b.eraseOp(op);
    return success();
  }
};

struct LowerCommitCopies : OpRewritePattern<device::CommitCopiesOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::CommitCopiesOp op,
                                PatternRewriter &b) const override {
    b.replaceOpWithNewOp<NVVM::CpAsyncCommitGroupOp>(op);
    return success();
  }
};

struct LowerWaitCopies : OpRewritePattern<device::WaitCopiesOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(device::WaitCopiesOp op,
                                PatternRewriter &b) const override {
    b.replaceOpWithNewOp<NVVM::CpAsyncWaitGroupOp>(
        op, static_cast<uint32_t>(op.getPending()));
    return success();
  }
};
} // namespace

void loco::populateLowerDevicePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPrefetch, LowerPin, LowerHere, LowerCopyAsync,
               LowerCommitCopies, LowerWaitCopies, LowerGroupBarrier,
               LowerClusterBarrier, LowerGridBarrier, LowerRemote,
               LowerMultiply, LowerRoundTF32>(patterns.getContext());
}
