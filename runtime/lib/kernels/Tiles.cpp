//===- Tiles.cpp - Matrix products on AMX ---------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/kernels/Tiles.h"

#if defined(__x86_64__) && defined(__linux__)

#include "runtime/lib/kernels/Blas.h"
#include "runtime/lib/kernels/TileCells.h"
#include "runtime/lib/kernels/TilePacking.h"

#include <algorithm>
#include <cpuid.h>
#include <memory>
#include <sys/syscall.h>
#include <unistd.h>

using namespace loco;

//===----------------------------------------------------------------------===//
// Blocks that stay in the second-level cache
//===----------------------------------------------------------------------===//

/// Rows, columns and depth of a block, at most: 0.3 MB of the left side beside
/// 1.1 MB of the right one.
static constexpr int64_t mostRows = 64, mostColumns = 224, mostDepth = 800;
/// Rows that are packed at once where the matrix stores its columns: rows by
/// rows its lines would be read in short pieces, again for all columns of the
/// result. 2.5 MB.
static constexpr int64_t panelRows = 512;
static_assert(panelRows % mostRows == 0 && mostColumns % tiles::cellSize == 0 &&
                  mostDepth % tiles::depth == 0,
              "parts are rounded up to whole units");

namespace {
/// What a thread packs into. Made at its first product.
struct Workspace {
  alignas(64) char left[panelRows * mostDepth * 6];
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
LOCO_TILES static void multiplyBlock(tiles::Sides sides, int64_t rows,
                                     int64_t columns, float *out, int64_t pitch,
                                     bool accumulate) {
  tiles::Sides part = sides;
  for (int64_t j = 0; j < columns; j += tiles::cellSize)
    for (int64_t i = 0; i < rows; i += tiles::cellSize) {
      part.left = sides.left + i / tiles::width * sides.leftNext;
      part.right = sides.right + j / tiles::width * sides.rightNext;
      tiles::multiplyCell<pieces>(part, std::min(tiles::cellSize, rows - i),
                                  std::min(tiles::cellSize, columns - j),
                                  out + i * pitch + j, pitch, accumulate);
    }
}

//===----------------------------------------------------------------------===//
// The services
//===----------------------------------------------------------------------===//

/// Whether tiles are faster than a library: by the products of whole tiles and
/// by what has to be packed, against f32's at seven tenths of its peak. In
/// cycles of a processor that multiplies 512 pairs of bf16 or 32 of f32 in one.
static bool isWorthTiles(int pieces, bool transposeA, int64_t m, int64_t n,
                         int64_t k) {
  double products = pieces * (pieces + 1) / 2;
  double whole = double(countTiles(m, tiles::width) * tiles::width) *
                 (countTiles(n, tiles::width) * tiles::width) *
                 (countTiles(k, tiles::depth) * tiles::depth);
  double packed =
      double(m) * k * (transposeA ? 1 : countTiles(n, mostColumns)) +
      double(n) * k * (transposeA ? countTiles(m, panelRows) : 1);
  return whole * products / 400 + packed < double(m) * n * k / 22;
}

template <int pieces>
LOCO_TILES static void gemm(int32_t transposeA, int32_t transposeB, int64_t m,
                            int64_t n, int64_t k, const float *a, int64_t lda,
                            const float *b, int64_t ldb, float beta, float *c,
                            int64_t ldc) {
  Workspace &workspace = getWorkspace();
  tiles::TileUse use;
  const int64_t depth = dividedEvenly(k, mostDepth, tiles::depth),
                width = dividedEvenly(n, mostColumns, tiles::cellSize),
                height = transposeA ? dividedEvenly(m, panelRows, mostRows) : m;
  for (int64_t top = 0; top < m; top += height)
    for (int64_t deep = 0; deep < k; deep += depth) {
      const int64_t below = std::min(m, top + height),
                    count = std::min(depth, k - deep),
                    numTiles = countTiles(count, tiles::depth),
                    next = numTiles * pieces * tiles::bytes;
      auto packLeft = [&](int64_t row, int64_t rows) LOCO_TILES {
        packSide<pieces, true>(
            transposeA ? a + deep * lda + row : a + row * lda + deep, lda,
            !transposeA, rows, count, next, workspace.left);
      };
      if (transposeA)
        packLeft(top, below - top);
      for (int64_t column = 0; column < n; column += width) {
        int64_t columns = std::min(width, n - column);
        packSide<pieces, false>(
            transposeB ? b + column * ldb + deep : b + deep * ldb + column, ldb,
            transposeB, columns, count, next, workspace.right);
        for (int64_t row = top; row < below; row += mostRows) {
          int64_t rows = std::min(mostRows, below - row);
          const char *left = workspace.left;
          if (transposeA)
            left += (row - top) / tiles::width * next;
          else
            packLeft(row, rows);
          multiplyBlock<pieces>({left, workspace.right, next, next, numTiles},
                                rows, columns, c + row * ldc + column, ldc,
                                deep > 0 || beta != 0);
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
  tiles::TileUse use;
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
  bool fits =
      (beta == 0 || beta == 1) && isWorthTiles(pieces, transposeA, m, n, k);
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
