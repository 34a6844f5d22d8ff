//===- TileCells.h - Products of packed tiles -------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What happens in tile registers: 2 x 2 tiles of sums over the whole depth of
// two packed sides (TilePacking.h). A multiplication gives its sums after 52
// cycles and a unit starts one every 16, so four tiles of sums keep it busy.
//
//===----------------------------------------------------------------------===//

#ifndef RUNTIME_LIB_KERNELS_TILECELLS_H
#define RUNTIME_LIB_KERNELS_TILECELLS_H

#include "runtime/lib/kernels/TilePacking.h"

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

/// Result tiles, `pitch` bytes from row to row.
template <int pieces, int rows, int columns>
LOCO_TILES inline void multiplyDepth(Sides sides, float *out, int64_t pitch,
                                     bool accumulate) {
  constexpr int64_t piece = bytes;
  if (accumulate) {
    loadSums<rows, columns>(out, pitch);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t i = 0; i < sides.deep; ++i) {
    const char *left = sides.left + i * pieces * piece,
               *right = sides.right + i * pieces * piece;
    // An order in which most products follow a load of one side only.
    loadRight<columns>(right, sides.rightNext);
    if constexpr (pieces == 3) {
      loadLeft<rows>(left + 2 * piece, sides.leftNext);
      multiply<rows, columns>();
    }
    if constexpr (pieces > 1) {
      loadLeft<rows>(left + piece, sides.leftNext);
      multiply<rows, columns>();
    }
    if constexpr (pieces == 3) {
      loadRight<columns>(right + piece, sides.rightNext);
      multiply<rows, columns>();
    }
    loadLeft<rows>(left, sides.leftNext);
    multiply<rows, columns>();
    if constexpr (pieces == 2) {
      loadRight<columns>(right + piece, sides.rightNext);
      multiply<rows, columns>();
    }
    if constexpr (pieces == 3) {
      loadRight<columns>(right, sides.rightNext);
      multiply<rows, columns>();
      loadRight<columns>(right + 2 * piece, sides.rightNext);
      multiply<rows, columns>();
    }
  }
  storeSums<rows, columns>(out, pitch);
}

/// Numbers of result that tiles are made of at once, along each axis.
inline constexpr int64_t cellSize = 2 * width;

/// A cell of at most cellSize x cellSize results, rows `pitch` numbers apart.
template <int pieces>
LOCO_TILES inline void multiplyCell(const Sides &sides, int64_t rows,
                                    int64_t columns, float *out, int64_t pitch,
                                    bool accumulate) {
  bool isWhole = rows % width == 0 && columns % width == 0;
  alignas(64) float aside[cellSize * cellSize];
  float *to = isWhole ? out : aside;
  int64_t bytes = (isWhole ? pitch : cellSize) * sizeof(float);
  bool add = isWhole && accumulate;
  bool tall = rows > width, wide = columns > width;
  if (tall && wide)
    multiplyDepth<pieces, 2, 2>(sides, to, bytes, add);
  else if (tall)
    multiplyDepth<pieces, 2, 1>(sides, to, bytes, add);
  else if (wide)
    multiplyDepth<pieces, 1, 2>(sides, to, bytes, add);
  else
    multiplyDepth<pieces, 1, 1>(sides, to, bytes, add);
  if (isWhole)
    return;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; j += 16) {
      uint16_t mask = firstLanes(columns - j);
      float *place = out + i * pitch + j;
      __m512 sums = _mm512_load_ps(aside + i * cellSize + j);
      if (accumulate)
        sums = _mm512_add_ps(sums, _mm512_maskz_loadu_ps(mask, place));
      _mm512_mask_storeu_ps(place, mask, sums);
    }
}

} // namespace loco::tiles

#endif // RUNTIME_LIB_KERNELS_TILECELLS_H
