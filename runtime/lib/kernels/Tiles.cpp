//===- Tiles.cpp - Matrix products on AMX ---------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/kernels/Tiles.h"

#if defined(__x86_64__) && defined(__linux__)

#include "runtime/lib/kernels/Blas.h"
#include "runtime/lib/kernels/TilePacking.h"

#include <algorithm>
#include <cpuid.h>
#include <memory>
#include <sys/syscall.h>
#include <unistd.h>

using namespace loco;

//===----------------------------------------------------------------------===//
// Tile registers
//===----------------------------------------------------------------------===//

namespace {

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

} // namespace

// Registers 0 to 3 hold 2 x 2 tiles of sums; 4 and 5 tiles of the left side, 6
// and 7 of the right one.

template <int rows, int columns>
LOCO_TILES static inline void loadSums(const float *from, int64_t pitch) {
  const char *below = reinterpret_cast<const char *>(from) + 16 * pitch;
  _tile_loadd(0, from, pitch);
  if constexpr (columns > 1)
    _tile_loadd(1, from + 16, pitch);
  if constexpr (rows > 1)
    _tile_loadd(2, below, pitch);
  if constexpr (rows > 1 && columns > 1)
    _tile_loadd(3, below + tiles::lineBytes, pitch);
}

template <int rows, int columns>
LOCO_TILES static inline void storeSums(float *to, int64_t pitch) {
  char *below = reinterpret_cast<char *>(to) + 16 * pitch;
  _tile_stored(0, to, pitch);
  if constexpr (columns > 1)
    _tile_stored(1, to + 16, pitch);
  if constexpr (rows > 1)
    _tile_stored(2, below, pitch);
  if constexpr (rows > 1 && columns > 1)
    _tile_stored(3, below + tiles::lineBytes, pitch);
}

template <int rows>
LOCO_TILES static inline void loadLeft(const char *tile, int64_t next) {
  _tile_loadd(4, tile, tiles::lineBytes);
  if constexpr (rows > 1)
    _tile_loadd(5, tile + next, tiles::lineBytes);
}

template <int columns>
LOCO_TILES static inline void loadRight(const char *tile, int64_t next) {
  _tile_loadd(6, tile, tiles::lineBytes);
  if constexpr (columns > 1)
    _tile_loadd(7, tile + next, tiles::lineBytes);
}

template <int rows, int columns>
LOCO_TILES static inline void multiply() {
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

namespace {
/// Packed sides of a product: tiles of the same rows or columns follow each
/// other, `leftNext` and `rightNext` bytes lie between those of one depth.
struct Sides {
  const char *left, *right;
  int64_t leftNext, rightNext;
  /// Tiles along the depth.
  int64_t deep;
};
} // namespace

/// Result tiles, `pitch` bytes from row to row.
template <int pieces, int rows, int columns>
LOCO_TILES static void multiplyDepth(Sides sides, float *out, int64_t pitch,
                                     bool accumulate) {
  constexpr int64_t piece = tiles::bytes;
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
static constexpr int64_t cellSize = 2 * tiles::width;

/// A cell of at most cellSize x cellSize results, rows `pitch` numbers apart.
template <int pieces>
LOCO_TILES static void multiplyCell(const Sides &sides, int64_t rows,
                                    int64_t columns, float *out, int64_t pitch,
                                    bool accumulate) {
  bool isWhole = rows % tiles::width == 0 && columns % tiles::width == 0;
  alignas(64) float aside[cellSize * cellSize];
  float *to = isWhole ? out : aside;
  int64_t bytes = (isWhole ? pitch : cellSize) * sizeof(float);
  bool add = isWhole && accumulate;
  bool tall = rows > tiles::width, wide = columns > tiles::width;
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
      uint16_t mask = tiles::firstLanes(columns - j);
      float *place = out + i * pitch + j;
      __m512 sums = _mm512_load_ps(aside + i * cellSize + j);
      if (accumulate)
        sums = _mm512_add_ps(sums, _mm512_maskz_loadu_ps(mask, place));
      _mm512_mask_storeu_ps(place, mask, sums);
    }
}

//===----------------------------------------------------------------------===//
// Blocks that stay in the second-level cache
//===----------------------------------------------------------------------===//

/// Rows, columns and depth of a block, at most: 0.3 MB of the left side beside
/// 1.1 MB of the right one.
static constexpr int64_t mostRows = 64, mostColumns = 224, mostDepth = 800;

namespace {
/// What a thread packs into. Made at its first product.
struct Workspace {
  alignas(64) char left[mostRows * mostDepth * 6];
  alignas(64) char right[mostColumns * mostDepth * 6];
};
} // namespace

static Workspace &getWorkspace() {
  static thread_local std::unique_ptr<Workspace> workspace;
  // Its numbers are written before they are read.
  if (!workspace)
    workspace.reset(new Workspace);
  return *workspace;
}

static int64_t countTiles(int64_t extent, int64_t tile) {
  return (extent + tile - 1) / tile;
}

/// The size of equal parts of `all`, at most `most` each, in whole `unit`s.
static int64_t dividedEvenly(int64_t all, int64_t most, int64_t unit) {
  int64_t parts = std::max<int64_t>(1, countTiles(all, most));
  return countTiles(countTiles(all, parts), unit) * unit;
}

/// All tiles of `lanes` rows or columns by `count` deep, stored along the depth
/// or across it, `pitch` numbers from line to line. From the tiles of 16 lanes
/// to the next are `next` bytes.
template <int pieces, bool isLeft>
LOCO_TILES static void packSide(const float *from, int64_t pitch, bool along,
                                int64_t lanes, int64_t count, int64_t next,
                                char *to) {
  auto pack = [&](int64_t lane, int64_t deep) LOCO_TILES {
    const float *begin =
        along ? from + lane * pitch + deep : from + deep * pitch + lane;
    tiles::packTile<pieces, isLeft>(
        begin, pitch, along, lanes - lane, count - deep,
        to + lane / tiles::width * next +
            deep / tiles::depth * pieces * tiles::bytes);
  };
  // In the order of memory.
  if (along) {
    for (int64_t lane = 0; lane < lanes; lane += tiles::width)
      for (int64_t deep = 0; deep < count; deep += tiles::depth)
        pack(lane, deep);
  } else {
    for (int64_t deep = 0; deep < count; deep += tiles::depth)
      for (int64_t lane = 0; lane < lanes; lane += tiles::width)
        pack(lane, deep);
  }
}

/// The result of `rows` packed rows by `columns` packed columns.
template <int pieces>
LOCO_TILES static void multiplyBlock(Sides sides, int64_t rows, int64_t columns,
                                     float *out, int64_t pitch,
                                     bool accumulate) {
  Sides part = sides;
  for (int64_t j = 0; j < columns; j += cellSize)
    for (int64_t i = 0; i < rows; i += cellSize) {
      part.left = sides.left + i / tiles::width * sides.leftNext;
      part.right = sides.right + j / tiles::width * sides.rightNext;
      multiplyCell<pieces>(part, std::min(cellSize, rows - i),
                           std::min(cellSize, columns - j), out + i * pitch + j,
                           pitch, accumulate);
    }
}

//===----------------------------------------------------------------------===//
// The services
//===----------------------------------------------------------------------===//

/// Whether tiles are faster than a library: by the products of whole tiles and
/// by what has to be packed, against f32's at seven tenths of its peak. In
/// cycles of a processor that multiplies 512 pairs of bf16 or 32 of f32 in one.
static bool isWorthTiles(int pieces, int64_t m, int64_t n, int64_t k) {
  double products = pieces * (pieces + 1) / 2;
  double whole = double(countTiles(m, tiles::width) * tiles::width) *
                 (countTiles(n, tiles::width) * tiles::width) *
                 (countTiles(k, tiles::depth) * tiles::depth);
  double packed = double(m) * k * countTiles(n, mostColumns) + double(n) * k;
  return whole * products / 400 + packed < double(m) * n * k / 22;
}

template <int pieces>
LOCO_TILES static void gemm(int32_t transposeA, int32_t transposeB, int64_t m,
                            int64_t n, int64_t k, const float *a, int64_t lda,
                            const float *b, int64_t ldb, float beta, float *c,
                            int64_t ldc) {
  Workspace &workspace = getWorkspace();
  TileUse use;
  const int64_t depth = dividedEvenly(k, mostDepth, tiles::depth),
                width = dividedEvenly(n, mostColumns, cellSize);
  for (int64_t column = 0; column < n; column += width) {
    int64_t columns = std::min(width, n - column);
    for (int64_t deep = 0; deep < k; deep += depth) {
      int64_t count = std::min(depth, k - deep),
              numTiles = countTiles(count, tiles::depth),
              next = numTiles * pieces * tiles::bytes;
      packSide<pieces, false>(
          transposeB ? b + column * ldb + deep : b + deep * ldb + column, ldb,
          transposeB, columns, count, next, workspace.right);
      for (int64_t row = 0; row < m; row += mostRows) {
        int64_t rows = std::min(mostRows, m - row);
        packSide<pieces, true>(
            transposeA ? a + deep * lda + row : a + row * lda + deep, lda,
            !transposeA, rows, count, next, workspace.left);
        multiplyBlock<pieces>(
            {workspace.left, workspace.right, next, next, numTiles}, rows,
            columns, c + row * ldc + column, ldc, deep > 0 || beta != 0);
      }
    }
  }
}

template <int pieces>
LOCO_TILES static void pack(int32_t transposed, int64_t inner, int64_t columns,
                            const float *matrix, void *panels) {
  int64_t next = countTiles(inner, tiles::depth) * pieces * tiles::bytes;
  packSide<pieces, false>(matrix, transposed ? inner : columns, transposed,
                          columns, inner, next, static_cast<char *>(panels));
}

template <int pieces>
LOCO_TILES static void multiply(const float *rows, int64_t rowPitch,
                                int64_t count, const void *panels,
                                int64_t inner, int64_t columns, float *out,
                                int64_t outPitch, int32_t accumulate) {
  constexpr int64_t element = sizeof(float);
  Workspace &workspace = getWorkspace();
  TileUse use;
  const char *right = static_cast<const char *>(panels);
  int64_t rightNext = countTiles(inner, tiles::depth) * pieces * tiles::bytes,
          depth = dividedEvenly(inner, mostDepth, tiles::depth);
  for (int64_t row = 0; row < count; row += mostRows)
    for (int64_t deep = 0; deep < inner; deep += depth) {
      int64_t part = std::min(depth, inner - deep),
              numTiles = countTiles(part, tiles::depth),
              leftNext = numTiles * pieces * tiles::bytes,
              numRows = std::min(mostRows, count - row);
      packSide<pieces, true>(rows + row * (rowPitch / element) + deep,
                             rowPitch / element, true, numRows, part, leftNext,
                             workspace.left);
      multiplyBlock<pieces>(
          {workspace.left, right + deep / tiles::depth * pieces * tiles::bytes,
           leftNext, rightNext, numTiles},
          numRows, columns, out + row * (outPitch / element),
          outPitch / element, deep > 0 || accumulate);
    }
}

static void gemmOfPieces(int32_t pieces, int32_t transposeA, int32_t transposeB,
                         int64_t m, int64_t n, int64_t k, const float *a,
                         int64_t lda, const float *b, int64_t ldb, float beta,
                         float *c, int64_t ldc) {
  // Only sums that are kept or replaced; the library scales.
  bool fits = (beta == 0 || beta == 1) && isWorthTiles(pieces, m, n, k);
  auto product = pieces == 1 ? gemm<1> : pieces == 2 ? gemm<2> : gemm<3>;
  (fits ? product : Blas::process().gemmF32)(transposeA, transposeB, m, n, k, a,
                                             lda, b, ldb, beta, c, ldc);
}

static void packOfPieces(int32_t pieces, int32_t transposed, int64_t inner,
                         int64_t columns, const float *matrix, void *panels) {
  auto function = pieces == 1 ? pack<1> : pieces == 2 ? pack<2> : pack<3>;
  function(transposed, inner, columns, matrix, panels);
}

static void multiplyOfPieces(int32_t pieces, const float *rows,
                             int64_t rowPitch, int64_t count,
                             const void *panels, int64_t inner, int64_t columns,
                             float *out, int64_t outPitch, int32_t accumulate) {
  auto function = pieces == 1   ? multiply<1>
                  : pieces == 2 ? multiply<2>
                                : multiply<3>;
  function(rows, rowPitch, count, panels, inner, columns, out, outPitch,
           accumulate);
}

//===----------------------------------------------------------------------===//
// Asking for them
//===----------------------------------------------------------------------===//

/// CPUID: AMX-TILE, AMX-BF16, AVX512-BF16 and what packing needs.
static bool hasInstructions() {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
    return false;
  constexpr unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31,
                     amx = 1u << 22 | 1u << 24;
  if ((b & avx512) != avx512 || (d & amx) != amx)
    return false;
  constexpr unsigned bf16 = 1u << 5;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & bf16);
}

/// The 8 KiB of tile registers are a process's only if it asks for them.
static bool askSystem() {
  constexpr long request = 0x1023, tileData = 18;
  return syscall(SYS_arch_prctl, request, tileData) == 0;
}

const TileProducts &TileProducts::process() {
  static const TileProducts products =
      hasInstructions() && askSystem()
          ? TileProducts{gemmOfPieces, packOfPieces, multiplyOfPieces}
          : TileProducts{};
  return products;
}

#else

const loco::TileProducts &loco::TileProducts::process() {
  static const TileProducts none;
  return none;
}

#endif
