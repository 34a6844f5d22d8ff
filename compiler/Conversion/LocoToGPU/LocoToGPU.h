//===- LocoToGPU.h - Kernels for a GPU --------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function of one sample becomes a gpu.module of these kernels, which all
// have one-dimensional grids. All pointers are to global memory.
//
//   kernel (named by the caller), blocks of `GPUSchedule::blockThreads()`
//   threads, any number of teams of threads (of whole blocks), which share the
//   samples, `GPUSchedule::tile` at a time:
//     (argument ..., result ..., samples, steps, scratch, scratchStride, seed,
//      update, sampleIndex, segment)
//   one pointer for each argument that is a tensor and for each result, to
//   dense arrays: [samples, ...] or shared by all samples, [teams, ...] for a
//   result that is summed over the samples, zero before the call. A team uses
//   `scratchStride` bytes of scratch, of which the first
//   `GPUSchedule::counterBytes` are zero before the call. Needs
//   `GPUSchedule::sharedBytes` of dynamic shared memory for each team of a
//   block. `segment`: as in LocoBlock.
//
//   loco_reduce_f32, loco_reduce_f64 (parts, out, count, blocks): out[i] =
//   parts[0, i] + parts[1, i] + ..., added up in f64, in this order.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOGPU_LOCOTOGPU_H
#define COMPILER_CONVERSION_LOCOTOGPU_LOCOTOGPU_H

#include "compiler/Conversion/LocoToGPU/GPUSchedule.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace loco {

/// Threads of a block of `loco_reduce_*`.
inline constexpr int64_t reduceThreads = 256;

/// Emits the kernels that `schedule` describes into a new gpu.module of
/// `module`; the first one is called `name`.
mlir::FailureOr<mlir::gpu::GPUModuleOp>
emitGPUModule(mlir::ModuleOp module, const GPUSchedule &schedule,
              llvm::StringRef name);

/// Replaces functions that a GPU has no instructions for by arithmetic. What
/// is left is a diagnostic.
mlir::LogicalResult expandDeviceMath(mlir::gpu::GPUModuleOp module);

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOGPU_LOCOTOGPU_H
