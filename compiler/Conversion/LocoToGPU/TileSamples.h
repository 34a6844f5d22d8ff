//===- TileSamples.h - Several samples in one function ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function of one sample becomes one of a tile of samples that advance
// together: whatever differs from sample to sample has one more axis, the first
// one, of a stack the second. A dense layer's product by a vector becomes one
// by a matrix. What the function adds up over samples it adds up over the tile.
// The last tile of a batch may have fewer samples; sums over the tile's axis
// stop there.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOGPU_TILESAMPLES_H
#define COMPILER_CONVERSION_LOCOTOGPU_TILESAMPLES_H

#include "dialects/Loco/IR/LocoOps.h"

namespace loco {

/// Of arguments and results: they have an axis of samples; of ops: they sum
/// over that axis (its number), or draw for each sample.
inline constexpr llvm::StringLiteral tileAttribute = "loco.samples_axis";

/// The letter of the axis of samples in contractions.
inline constexpr char tileLetter = 'S';

/// Why the samples of `function` cannot advance together; empty if they can.
std::string whyNotTiled(mlir::func::FuncOp function);

/// Rewrites `function`, of which `whyNotTiled` has nothing to say.
void tileSamples(mlir::func::FuncOp function, int64_t tile);

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOGPU_TILESAMPLES_H
