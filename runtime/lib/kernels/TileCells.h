//===- TileCells.h - Products of packed tiles -------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What happens in tile registers: 2 x 2 tiles of sums over the whole depth of
// two packed sides (TilePacking.h). A multiplication gives its sums after 52
// cycles and a unit starts one every 16, so four tiles of sums keep it busy. In
// that time vector instructions are free: what is needed later is packed
// between the products.
//
//===----------------------------------------------------------------------===//

#ifndef RUNTIME_LIB_KERNELS_TILECELLS_H
#define RUNTIME_LIB_KERNELS_TILECELLS_H

#include "runtime/lib/kernels/TilePacking.h"

#include <algorithm>

namespace loco::tiles {

//===----------------------------------------------------------------------===//
// Tile registers
//===----------------------------------------------------------------------===//

/// What LDTILECFG reads: eight registers of 16 lines of 64 bytes.
struct TileShapes {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t lineBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t lines[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// The tile registers are in use while it lives.
class TileUse {
public:
  LOCO_TILES TileUse() {
    static constexpr TileShapes shapes;
    _tile_loadconfig(&shapes);
  }
  LOCO_TILES ~TileUse() { _tile_release(); }
};

// Registers 0 to 3 hold 2 x 2 tiles of sums; 4 and 5 tiles of the left side, 6
// and 7 of the right one.

template <int rows, int columns>
LOCO_TILES inline void loadSums(const float *from, int64_t pitch) {
  const char *below = reinterpret_cast<const char *>(from) + 16 * pitch;
  _tile_loadd(0, from, pitch);
  if constexpr (columns > 1)
    _tile_loadd(1, from + 16, pitch);
  if constexpr (rows > 1)
    _tile_loadd(2, below, pitch);
  if constexpr (rows > 1 && columns > 1)
    _tile_loadd(3, below + lineBytes, pitch);
}

template <int rows, int columns>
LOCO_TILES inline void storeSums(float *to, int64_t pitch) {
  char *below = reinterpret_cast<char *>(to) + 16 * pitch;
  _tile_stored(0, to, pitch);
  if constexpr (columns > 1)
    _tile_stored(1, to + 16, pitch);
  if constexpr (rows > 1)
    _tile_stored(2, below, pitch);
  if constexpr (rows > 1 && columns > 1)
    _tile_stored(3, below + lineBytes, pitch);
}

template <int rows>
LOCO_TILES inline void loadLeft(const char *tile, int64_t next) {
  _tile_loadd(4, tile, lineBytes);
  if constexpr (rows > 1)
    _tile_loadd(5, tile + next, lineBytes);
}

template <int columns>
LOCO_TILES inline void loadRight(const char *tile, int64_t next) {
  _tile_loadd(6, tile, lineBytes);
  if constexpr (columns > 1)
    _tile_loadd(7, tile + next, lineBytes);
}

template <int rows, int columns>
LOCO_TILES inline void multiply() {
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (columns > 1)
    _tile_dpbf16ps(1, 4, 7);
  if constexpr (rows > 1)
    _tile_dpbf16ps(2, 5, 6);
  if constexpr (rows > 1 && columns > 1)
    _tile_dpbf16ps(3, 5, 7);
}

//===----------------------------------------------------------------------===//
// Some tiles of the result
//===----------------------------------------------------------------------===//

/// Packed sides of a product: tiles of the same rows or columns follow each
/// other, `leftNext` and `rightNext` bytes lie between those of one depth.
struct Sides {
  const char *left, *right;
  int64_t leftNext, rightNext;
  /// Tiles along the depth.
  int64_t deep;
};

/// Products of 2 x 2 tiles for each depth.
inline constexpr int64_t productsOf(int64_t pieces) {
  return pieces * (pieces + 1) / 2;
}

/// Packs a side while others are multiplied: as much after each product as
/// brings both to an end at the same time.
template <typename Packer>
class Between {
public:
  /// Products as multiplyDepth counts them, of 2 x 2 tiles.
  Between(Packer &packer, int64_t products)
      : packer(packer),
        rate((packer.getParts() * one + products - 1) / products) {}

  LOCO_TILES void afterProduct() {
    for (due += rate; due >= one; due -= one)
      if (!packer.isDone())
        packer.pack();
  }

private:
  static constexpr int64_t one = 1 << 16;
  Packer &packer;
  /// Parts, in fractions of `one`.
  int64_t rate, due = 0;
};

/// Nothing is left to pack.
struct Idle {
  LOCO_TILES void afterProduct() {}
};

/// Where tiles of the result go.
struct Target {
  float *numbers;
  /// Numbers from row to row.
  int64_t pitch;
  bool accumulate;
  /// No cache has it, as it is large: its lines are asked for while the sums
  /// that they wait for are made.
  bool isFar;
};

template <int pieces, int rows, int columns, typename Work>
LOCO_TILES inline void multiplyDepth(Sides sides, Target out, Work &work) {
  auto multiplyPieces = [&]() LOCO_TILES {
    multiply<rows, columns>();
    work.afterProduct();
  };
  constexpr int64_t piece = bytes, lines = rows * width * columns;
  const int64_t pitch = out.pitch * sizeof(float);
  if (out.accumulate) {
    loadSums<rows, columns>(out.numbers, pitch);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  int64_t line = 0, share = out.isFar ? lines / sides.deep + 1 : 0;
  for (int64_t i = 0; i < sides.deep; ++i) {
    for (int64_t end = std::min(line + share, lines); line < end; ++line)
      __builtin_prefetch(out.numbers + line / columns * out.pitch +
                             line % columns * width,
                         /*rw=*/1);
    const char *left = sides.left + i * pieces * piece,
               *right = sides.right + i * pieces * piece;
    // An order in which most products follow a load of one side only.
    loadRight<columns>(right, sides.rightNext);
    if constexpr (pieces == 3) {
      loadLeft<rows>(left + 2 * piece, sides.leftNext);
      multiplyPieces();
    }
    if constexpr (pieces > 1) {
      loadLeft<rows>(left + piece, sides.leftNext);
      multiplyPieces();
    }
    if constexpr (pieces == 3) {
      loadRight<columns>(right + piece, sides.rightNext);
      multiplyPieces();
    }
    loadLeft<rows>(left, sides.leftNext);
    multiplyPieces();
    if constexpr (pieces == 2) {
      loadRight<columns>(right + piece, sides.rightNext);
      multiplyPieces();
    }
    if constexpr (pieces == 3) {
      loadRight<columns>(right, sides.rightNext);
      multiplyPieces();
      loadRight<columns>(right + 2 * piece, sides.rightNext);
      multiplyPieces();
    }
  }
  storeSums<rows, columns>(out.numbers, pitch);
}

/// Numbers of result that tiles are made of at once, along each axis.
inline constexpr int64_t cellSize = 2 * width;

/// A cell of at most cellSize x cellSize results, rows `pitch` numbers apart.
template <int pieces, typename Work>
LOCO_TILES inline void multiplyCell(const Sides &sides, int64_t rows,
                                    int64_t columns, const Target &out,
                                    Work &work) {
  bool isWhole = rows % width == 0 && columns % width == 0;
  alignas(64) float aside[cellSize * cellSize];
  Target to = isWhole ? out : Target{aside, cellSize, false, false};
  bool tall = rows > width, wide = columns > width;
  if (tall && wide)
    multiplyDepth<pieces, 2, 2>(sides, to, work);
  else if (tall)
    multiplyDepth<pieces, 2, 1>(sides, to, work);
  else if (wide)
    multiplyDepth<pieces, 1, 2>(sides, to, work);
  else
    multiplyDepth<pieces, 1, 1>(sides, to, work);
  if (isWhole)
    return;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; j += 16) {
      uint16_t mask = firstLanes(columns - j);
      float *place = out.numbers + i * out.pitch + j;
      __m512 sums = _mm512_load_ps(aside + i * cellSize + j);
      if (out.accumulate)
        sums = _mm512_add_ps(sums, _mm512_maskz_loadu_ps(mask, place));
      _mm512_mask_storeu_ps(place, mask, sums);
    }
}

} // namespace loco::tiles

#endif // RUNTIME_LIB_KERNELS_TILECELLS_H
