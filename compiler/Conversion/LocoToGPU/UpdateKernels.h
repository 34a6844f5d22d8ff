//===- UpdateKernels.h - An optimiser's kernels for a GPU -------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels of Optimizer::update. They know nothing of a model: what is
// updated, and how, is said by two tables in device memory (runtime/lib/cuda/
// UpdateTables.h). All have blocks of `updateThreads` threads.
//
//   loco_squares (pieces, count, numbers, sums): parts of the sums of squares
//   of the gradients, as they are and clamped. A thread for each part of a
//   piece: sums[piece, part], then the same of clamped ones.
//
//   loco_norm (sums, count, losses, samples, numbers, outcome), one block: adds
//   these up in their order, and says if the update may be made. Behind both
//   parts, `sums` has `updateThreads` numbers more.
//
//   loco_descend, loco_momentum, loco_adam (pieces, numbers, outcome): a block
//   for each piece.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOGPU_UPDATEKERNELS_H
#define COMPILER_CONVERSION_LOCOTOGPU_UPDATEKERNELS_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace loco {

/// The kernels for parameters in f64 or f32, in a module of their own. The
/// context has the dialects of kernels loaded.
mlir::OwningOpRef<mlir::ModuleOp> makeUpdateKernels(mlir::MLIRContext &context,
                                                    bool isF64);

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOGPU_UPDATEKERNELS_H
