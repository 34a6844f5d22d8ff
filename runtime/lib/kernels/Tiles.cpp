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

/// Columns and depth of a block, at most: 1.1 MB of the right side, beside two
/// strips of the left one, one that is multiplied and one that is packed, 0.3
/// MB.
static constexpr int64_t stripRows = tiles::cellSize, mostColumns = 224,
                         mostDepth = 800;
/// Rows that are packed at once where the matrix stores its columns far from
/// each other: strip by strip its lines would be read in short pieces, again
/// for all columns of the result. 2.5 MB.
static constexpr int64_t panelRows = 512;
static_assert(panelRows % stripRows == 0 &&
                  mostColumns % tiles::cellSize == 0 &&
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

namespace {
/// One side of a product in memory, stored along the depth or across it.
struct Matrix {
  const float *numbers;
  int64_t pitch;
  bool along;

  /// What begins at a row (of the left side) or column and at a depth.
  Matrix from(int64_t lane, int64_t deep) const {
    return {numbers + (along ? lane * pitch + deep : deep * pitch + lane),
            pitch, along};
  }
};

/// A packed side: from one 16 lanes to the next are `next` bytes.
struct Packed {
  const char *tiles;
  int64_t next;
};
} // namespace

template <int pieces, bool isLeft>
LOCO_TILES static void packSide(const Matrix &side, int64_t lanes,
                                int64_t count, char *to, int64_t next) {
  auto pack = [&](auto along) LOCO_TILES {
    tiles::SidePacker<pieces, isLeft, along>(side.numbers, side.pitch, lanes,
                                             count, next, to)
        .packAll();
  };
  if (side.along)
    pack(std::true_type());
  else
    pack(std::false_type());
}

/// `out` from a row and a column on.
static tiles::Target from(const tiles::Target &out, int64_t row,
                          int64_t column) {
  tiles::Target part = out;
  part.numbers += row * out.pitch + column;
  return part;
}

/// The result of at most a strip of packed rows.
template <int pieces, typename Work>
LOCO_TILES static void multiplyStrip(Packed left, Packed right, int64_t deep,
                                     int64_t rows, int64_t columns,
                                     const tiles::Target &out, Work &work) {
  for (int64_t j = 0; j < columns; j += tiles::cellSize)
    tiles::multiplyCell<pieces>(
        {left.tiles, right.tiles + j / tiles::width * right.next, left.next,
         right.next, deep},
        rows, std::min(tiles::cellSize, columns - j), from(out, 0, j), work);
}

/// Bytes of a processor's first cache.
static constexpr int64_t nearBytes = 48 << 10;

/// The result of rows that are packed a strip at a time, into two places by
/// turns: while one strip is multiplied, the next one is packed. A strip that
/// stays in the first cache is rather left there; to turn one takes too long to
/// be done by itself.
template <int pieces, bool along>
LOCO_TILES static void multiplyRows(const Matrix &left, int64_t rows,
                                    int64_t count, char *strips, int64_t next,
                                    Packed right, int64_t columns,
                                    const tiles::Target &out) {
  using Packer = tiles::SidePacker<pieces, true, along>;
  const int64_t deep = countTiles(count, tiles::depth),
                products = deep * countTiles(columns, tiles::cellSize) *
                           tiles::productsOf(pieces),
                stripBytes = stripRows / tiles::width * next;
  const bool isNear = along && stripBytes <= nearBytes;
  auto placeOf = [&](int64_t row) {
    return isNear ? strips : strips + row / stripRows % 2 * stripBytes;
  };
  auto packerOf = [&](int64_t row) {
    return Packer(left.from(row, 0).numbers, left.pitch,
                  std::min(stripRows, rows - row), count, next, placeOf(row));
  };
  packerOf(0).packAll();
  for (int64_t row = 0; row < rows; row += stripRows) {
    Packer following = packerOf(std::min(rows, row + stripRows));
    auto multiplyWith = [&](auto &work) LOCO_TILES {
      multiplyStrip<pieces>({placeOf(row), next}, right, deep,
                            std::min(stripRows, rows - row), columns,
                            from(out, row, 0), work);
    };
    if (isNear) {
      tiles::Idle work;
      multiplyWith(work);
    } else {
      tiles::Between<Packer> work(following, products);
      multiplyWith(work);
    }
    following.packAll();
  }
}

/// The result of rows that are all packed.
template <int pieces>
LOCO_TILES static void multiplyPanel(Packed left, Packed right, int64_t deep,
                                     int64_t rows, int64_t columns,
                                     const tiles::Target &out) {
  tiles::Idle work;
  for (int64_t row = 0; row < rows; row += stripRows)
    multiplyStrip<pieces>(
        {left.tiles + row / tiles::width * left.next, left.next}, right, deep,
        std::min(stripRows, rows - row), columns, from(out, row, 0), work);
}

//===----------------------------------------------------------------------===//
// The services
//===----------------------------------------------------------------------===//

/// True if rows are packed a panel at a time, before they are multiplied.
static bool needsPanels(const Matrix &left, int64_t rows) {
  constexpr int64_t farPitch = 2048;
  return !left.along && left.pitch >= farPitch && rows > stripRows;
}

/// Whether tiles are faster than a library: by the products of whole tiles and
/// by what has to be packed, against f32's at seven tenths of its peak. In
/// cycles of a processor that multiplies 512 pairs of bf16 or 32 of f32 in one.
static bool isWorthTiles(int pieces, bool inPanels, int64_t m, int64_t n,
                         int64_t k) {
  double whole = double(countTiles(m, tiles::width) * tiles::width) *
                 (countTiles(n, tiles::width) * tiles::width) *
                 (countTiles(k, tiles::depth) * tiles::depth);
  double packed = double(m) * k * (inPanels ? 1 : countTiles(n, mostColumns)) +
                  double(n) * k * (inPanels ? countTiles(m, panelRows) : 1);
  return whole * tiles::productsOf(pieces) / 400 + packed <
         double(m) * n * k / 22;
}

/// Numbers of a result that is no longer in the second cache when more of it is
/// wanted.
static constexpr int64_t farResult = 1 << 18;

template <int pieces>
LOCO_TILES static void gemm(int32_t transposeA, int32_t transposeB, int64_t m,
                            int64_t n, int64_t k, const float *a, int64_t lda,
                            const float *b, int64_t ldb, float beta, float *c,
                            int64_t ldc) {
  Workspace &workspace = getWorkspace();
  tiles::TileUse use;
  const Matrix left = {a, lda, !transposeA}, right = {b, ldb, transposeB != 0};
  const bool inPanels = needsPanels(left, m), isFar = m * n >= farResult;
  const int64_t depth = dividedEvenly(k, mostDepth, tiles::depth),
                width = dividedEvenly(n, mostColumns, tiles::cellSize),
                height = inPanels ? dividedEvenly(m, panelRows, stripRows) : m;
  for (int64_t top = 0; top < m; top += height)
    for (int64_t deep = 0; deep < k; deep += depth) {
      const int64_t rows = std::min(height, m - top),
                    count = std::min(depth, k - deep),
                    numTiles = countTiles(count, tiles::depth),
                    next = numTiles * pieces * tiles::bytes;
      const Packed packedRight = {workspace.right, next};
      const Matrix part = left.from(top, deep);
      if (inPanels)
        packSide<pieces, true>(part, rows, count, workspace.left, next);
      for (int64_t column = 0; column < n; column += width) {
        const int64_t columns = std::min(width, n - column);
        const tiles::Target out = {c + top * ldc + column, ldc,
                                   deep > 0 || beta != 0, isFar};
        packSide<pieces, false>(right.from(column, deep), columns, count,
                                workspace.right, next);
        if (inPanels)
          multiplyPanel<pieces>({workspace.left, next}, packedRight, numTiles,
                                rows, columns, out);
        else if (part.along)
          multiplyRows<pieces, true>(part, rows, count, workspace.left, next,
                                     packedRight, columns, out);
        else
          multiplyRows<pieces, false>(part, rows, count, workspace.left, next,
                                      packedRight, columns, out);
      }
    }
}

template <int pieces>
LOCO_TILES static void pack(int32_t transposed, int64_t inner, int64_t columns,
                            const float *matrix, void *panels) {
  int64_t next = countTiles(inner, tiles::depth) * pieces * tiles::bytes;
  packSide<pieces, false>(
      {matrix, transposed ? inner : columns, transposed != 0}, columns, inner,
      static_cast<char *>(panels), next);
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
  const Matrix left = {rows, rowPitch / element, true};
  const int64_t depth = dividedEvenly(inner, mostDepth, tiles::depth);
  auto bytesOf = [](int64_t deep) {
    return countTiles(deep, tiles::depth) * pieces * tiles::bytes;
  };
  for (int64_t deep = 0; deep < inner; deep += depth) {
    int64_t part = std::min(depth, inner - deep);
    multiplyRows<pieces, true>(
        left.from(0, deep), count, part, workspace.left, bytesOf(part),
        {right + bytesOf(deep), bytesOf(inner)}, columns,
        {out, outPitch / element, deep > 0 || accumulate, false});
  }
}

static void gemmOfPieces(int32_t pieces, int32_t transposeA, int32_t transposeB,
                         int64_t m, int64_t n, int64_t k, const float *a,
                         int64_t lda, const float *b, int64_t ldb, float beta,
                         float *c, int64_t ldc) {
  // Only sums that are kept or replaced; the library scales.
  bool fits =
      (beta == 0 || beta == 1) &&
      isWorthTiles(pieces, needsPanels({a, lda, !transposeA}, m), m, n, k);
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
