//===- Margins.h - Convolutions as libraries know them ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library's convolution pads with zeros, with as many on both sides of an
// axis. Ours go around a torus, and may need more behind than in front. What
// the library cannot do becomes ops: a copy of the field with its margins, or,
// of a gradient by the field, the sum of what such a copy stands for.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_LOCO_TRANSFORMS_MARGINS_H
#define DIALECTS_LOCO_TRANSFORMS_MARGINS_H

#include "dialects/Loco/Transforms/ConvForm.h"

namespace loco {

/// True if `op` is a convolution of channels along at most three axes, with at
/// least so many elements in its kernel, that a library makes as it is or after
/// `makeMarginsPlain`.
bool isLibraryConvolution(mlir::Operation *op, int64_t elements);

/// True if a library pads as the form says.
bool hasPlainMargins(const ConvForm &form);

/// Replaces a convolution by one with plain margins, and ops around it; leaves
/// one that has them. `isLibraryConvolution` holds of `op`.
void makeMarginsPlain(mlir::Operation *op);

} // namespace loco

#endif // DIALECTS_LOCO_TRANSFORMS_MARGINS_H
