//===- Layout.h - Where the sites of a field lie in memory ------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A dense field is row-major without gaps: the layout of user arrays, stacks
// and operands of matrix products. A padded field has rows of a whole number
// of vectors with a halo around the lattice, so that a neighbour is a load at a
// constant distance; its left halo lies in the unused tail of the row above.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOKERNELS_LAYOUT_H
#define COMPILER_CONVERSION_LOCOTOKERNELS_LAYOUT_H

#include "dialects/Loco/IR/LocoOps.h"

namespace loco {

/// How far beyond the edges of a lattice a field is read, and what is there.
struct Halo {
  llvm::SmallVector<int64_t> low, high;
  Boundary boundary = Boundary::Wrap;
};

struct Layout {
  /// Shape of one step.
  llvm::SmallVector<int64_t> shape;
  /// Distance between neighbours along each axis, in elements; the last is 1.
  llvm::SmallVector<int64_t> pitch;
  /// Elements from the start of the buffer to site 0.
  int64_t origin = 0;
  /// Elements from one step to the next.
  int64_t size = 1;
  std::optional<Halo> halo;

  bool isDense() const { return !halo; }

  static Layout dense(llvm::ArrayRef<int64_t> shape);
  /// `lanes`: elements of a vector. Rows are run over in whole vectors.
  static Layout padded(llvm::ArrayRef<int64_t> shape, const Halo &halo,
                       int64_t lanes);
};

/// A number of bytes that depends on the block: see LocoArenaSize.
struct BlockSize {
  int64_t constant = 0, perSample = 0, perStep = 0, perSampleStep = 0;

  BlockSize &operator+=(const BlockSize &other) {
    constant += other.constant;
    perSample += other.perSample;
    perStep += other.perStep;
    perSampleStep += other.perSampleStep;
    return *this;
  }
};

/// A piece of memory that holds a value.
struct Place {
  enum class Kind {
    Arena,
    /// An argument or result of the function, in memory of the caller.
    Argument,
    Result,
    /// A constant of the module.
    Global,
    /// Known by its address when code is emitted: the halves of a carry.
    Pointer,
  };
  Kind kind = Kind::Arena;
  Layout layout;
  mlir::Type element;
  /// One value per step, the step being the first axis.
  bool stacked = false;
  /// Stacked: number of steps; kDynamic: that of the function.
  int64_t length = mlir::ShapedType::kDynamic;
  /// Arena: one for every sample of the block; otherwise the samples of a block
  /// use it one after the other.
  bool perSample = false;
  /// Number of the argument or result; of the buffer in the arena.
  unsigned index = 0;
  /// Arena: where it begins.
  BlockSize offset;
  mlir::Attribute constant;
};

/// Bytes of an element in memory; truth values take one.
inline int64_t bytesOf(mlir::Type element) {
  return (element.getIntOrFloatBitWidth() + 7) / 8;
}

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOKERNELS_LAYOUT_H
