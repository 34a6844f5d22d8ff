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
// An interleaved field has one axis innermost, in whole vectors: the channels
// of a site, the outputs of a kernel. Any of ours may have some samples side by
// side: a number of each of them where another field has one number.
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
  /// The axis that is innermost in memory, where it is not the last one or its
  /// vectors are filled up.
  std::optional<unsigned> lane;
  /// Samples whose numbers lie side by side, which is what distances count.
  int64_t abreast = 1;

  /// True if sites follow each other without gaps.
  bool isPacked() const { return !halo && !lane; }
  bool isDense() const { return isPacked() && abreast == 1; }
  /// The axes from the outermost in memory to the innermost.
  llvm::SmallVector<unsigned> order() const;

  static Layout dense(llvm::ArrayRef<int64_t> shape);
  /// `lanes`: elements of a vector. Rows are run over in whole vectors.
  static Layout padded(llvm::ArrayRef<int64_t> shape, const Halo &halo,
                       int64_t lanes);
  /// Axis `lane`, which has no halo, innermost.
  static Layout interleaved(llvm::ArrayRef<int64_t> shape, unsigned lane,
                            const std::optional<Halo> &halo, int64_t lanes);
  /// `layout` with `count` numbers in place of each.
  static Layout sideBySide(Layout layout, int64_t count);
};

/// Numbers of steps that are known when the kernel is called, beside kDynamic,
/// which is the function's own: of a segment, where one is gone through (the
/// last one may be shorter, but has as much room), and of segments.
constexpr int64_t segmentSteps = -3, segmentCount = -4;

/// True if `length` is a number, and not one of those.
inline bool isKnownLength(int64_t length) { return length >= 0; }

/// A number of bytes that depends on the block: see LocoArenaSize.
struct BlockSize {
  int64_t constant = 0, perSample = 0, perStep = 0, perSampleStep = 0;
  int64_t perSegment = 0, perSampleSegment = 0, perSegmentStep = 0,
          perSampleSegmentStep = 0;

  /// `bytes` for each of `length` steps, for each sample or once.
  static BlockSize stacked(int64_t bytes, int64_t length, bool perSample) {
    BlockSize size;
    if (isKnownLength(length))
      (perSample ? size.perSample : size.constant) = bytes * length;
    else if (length == segmentSteps)
      (perSample ? size.perSampleSegmentStep : size.perSegmentStep) = bytes;
    else if (length == segmentCount)
      (perSample ? size.perSampleSegment : size.perSegment) = bytes;
    else
      (perSample ? size.perSampleStep : size.perStep) = bytes;
    return size;
  }

  BlockSize &operator+=(const BlockSize &other) {
    constant += other.constant;
    perSample += other.perSample;
    perStep += other.perStep;
    perSampleStep += other.perSampleStep;
    perSegment += other.perSegment;
    perSampleSegment += other.perSampleSegment;
    perSegmentStep += other.perSegmentStep;
    perSampleSegmentStep += other.perSampleSegmentStep;
    return *this;
  }
};

/// Rows, one per sample and step, of a chunk: enough for a matrix product to be
/// worth its while, few enough to be in the cache still.
constexpr int64_t chunkRows = 256;

/// A piece of memory that holds a value.
struct Place {
  enum class Kind {
    Arena,
    /// An argument or result of the function, in memory of the caller.
    Argument,
    Result,
    /// A constant of the module.
    Global,
    /// Known by its address when code is emitted: the halves of a carry, the
    /// steps of a segment.
    Pointer,
  };
  Kind kind = Kind::Arena;
  Layout layout;
  mlir::Type element;
  /// One value per step, the step being the first axis.
  bool stacked = false;
  /// Stacked: number of steps, or what stands for it.
  int64_t length = mlir::ShapedType::kDynamic;
  /// Arena, stacked: steps that it has room for beyond its length.
  int64_t beyond = 0;
  /// Arena: one for every sample of the block; otherwise the samples of a block
  /// use it one after the other.
  bool perSample = false;
  /// The same for all samples, or added up over them.
  bool shared = false;
  /// Per sample and stacked: all samples of a step lie together, then those of
  /// the next one, instead of all steps of a sample.
  bool stepMajor = false;
  /// By steps: room for the steps of a chunk only, one after the other (see
  /// ScanPlan::chunked).
  bool ring = false;
  /// Number of the argument or result; of the buffer in the arena.
  unsigned index = 0;
  /// Pointer: the place whose memory it is a part of, for its samples.
  int partOf = -1;
  /// Result, stacked: the place of one step through which it is written around
  /// the caches (Streams.cpp).
  int staging = -1;
  /// Argument or result, with lanes that are samples: the place of one step in
  /// which these lie side by side.
  int turned = -1;
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
