//===- TilePacking.h - Numbers brought into tiles ---------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile is 16 lines of 64 bytes. Of the left side of a product a line is one
// row, 32 numbers deep; of the right side a line is two numbers of the depth
// for each of 16 columns, side by side. The tiles of a number's pieces follow
// each other, the first piece first. What lies beyond the edges is zero.
//
// Either side is stored along its depth or across it. One of the two ways gives
// lines of a tile as they are read; for the other one numbers are turned first.
//
// To split numbers takes vector instructions, a product takes none: who has
// both to do mixes them (TileCells.h), so a side is packed a little at a time.
//
//===----------------------------------------------------------------------===//

#ifndef RUNTIME_LIB_KERNELS_TILEPACKING_H
#define RUNTIME_LIB_KERNELS_TILEPACKING_H

#include <cstdint>
#include <immintrin.h>

#define LOCO_TILES                                                             \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,"       \
                        "prfchw,amx-tile,amx-bf16")))

namespace loco::tiles {

/// Rows or columns of a tile; its depth; its bytes, and those of a line.
inline constexpr int64_t width = 16, depth = 32, bytes = 1024, lineBytes = 64;

/// The first `count` of 16 lanes.
inline uint16_t firstLanes(int64_t count) {
  return count >= 16 ? 0xffff : count <= 0 ? 0 : (1u << count) - 1;
}

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

/// What bf16 keeps of 16 numbers, a half rounded away from zero. NaN of all
/// ones would become zero; it stays in the rest.
LOCO_TILES inline __m512 rounded(__m512 numbers) {
  __m512i up =
      _mm512_add_epi32(_mm512_castps_si512(numbers), _mm512_set1_epi32(0x8000));
  return _mm512_castsi512_ps(
      _mm512_and_si512(up, _mm512_set1_epi32(int(0xffff0000))));
}

/// Piece `number` of two times 16 numbers, whose upper halves it is, taken off
/// them. The third is what is left, eight bits.
template <int pieces>
LOCO_TILES inline void takePiece(int number, __m512 &numbers, __m512i &piece) {
  __m512 taken = number == 2 ? numbers : rounded(numbers);
  if (pieces < 3 && number + 1 == pieces)
    taken = _mm512_mask_mov_ps(
        taken, _mm512_cmp_ps_mask(numbers, numbers, _CMP_UNORD_Q), numbers);
  numbers = _mm512_sub_ps(numbers, taken);
  piece = _mm512_castps_si512(taken);
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

/// A line of the left side's tiles: 32 numbers that follow each other.
template <int pieces>
LOCO_TILES inline void packLeftLine(__m512 low, __m512 high, char *to) {
  // The upper halves of both, in order.
  const __m512i upper = _mm512_set_epi16(
      63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29,
      27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  for (int i = 0; i < pieces; ++i) {
    __m512i first, second;
    takePiece<pieces>(i, low, first);
    takePiece<pieces>(i, high, second);
    _mm512_storeu_si512(to + i * bytes,
                        _mm512_permutex2var_epi16(first, upper, second));
  }
}

/// A line of the right side's tiles: 16 numbers of one depth and those of the
/// next, side by side.
template <int pieces>
LOCO_TILES inline void packRightLine(__m512 even, __m512 odd, char *to) {
  for (int i = 0; i < pieces; ++i) {
    __m512i first, second;
    takePiece<pieces>(i, even, first);
    takePiece<pieces>(i, odd, second);
    _mm512_storeu_si512(to + i * bytes,
                        _mm512_mask_mov_epi16(_mm512_srli_epi32(first, 16),
                                              0xaaaaaaaa, second));
  }
}

//===----------------------------------------------------------------------===//
// Turned numbers
//===----------------------------------------------------------------------===//

/// Writes `lines` x `columns` numbers, of at most 16 x 16, with lines and
/// columns exchanged and zeros behind them.
LOCO_TILES inline void turn(const float *from, int64_t pitch, int64_t lines,
                            int64_t columns, float *to, int64_t toPitch) {
  uint16_t mask = firstLanes(columns);
  __m512i a[width], b[width];
  for (int i = 0; i < width; ++i)
    a[i] = _mm512_maskz_loadu_epi32(i < lines ? mask : 0,
                                    from + (i < lines ? i : 0) * pitch);
  // Blocks of 1, 2, 4 and 8 numbers change places across the diagonal.
  for (int i = 0; i < 8; ++i) {
    b[2 * i] = _mm512_unpacklo_epi32(a[2 * i], a[2 * i + 1]);
    b[2 * i + 1] = _mm512_unpackhi_epi32(a[2 * i], a[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    a[4 * i] = _mm512_unpacklo_epi64(b[4 * i], b[4 * i + 2]);
    a[4 * i + 1] = _mm512_unpackhi_epi64(b[4 * i], b[4 * i + 2]);
    a[4 * i + 2] = _mm512_unpacklo_epi64(b[4 * i + 1], b[4 * i + 3]);
    a[4 * i + 3] = _mm512_unpackhi_epi64(b[4 * i + 1], b[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    b[i] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0x88);
    b[i + 4] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0xdd);
    b[i + 8] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0x88);
    b[i + 12] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    a[i] = _mm512_shuffle_i32x4(b[i], b[i + 8], 0x88);
    a[i + 8] = _mm512_shuffle_i32x4(b[i], b[i + 8], 0xdd);
    a[i + 4] = _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0x88);
    a[i + 12] = _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0xdd);
  }
  for (int i = 0; i < width; ++i)
    _mm512_store_si512(to + i * toPitch, a[i]);
}

//===----------------------------------------------------------------------===//
// A side, a little at a time
//===----------------------------------------------------------------------===//

/// Packs `lanes` rows (of the left side) or columns (of the right one) by
/// `count` deep, stored along the depth or across it, `pitch` numbers from line
/// to line: all tiles of 16 lanes, those of the next 16 `next` bytes behind.
template <int pieces, bool isLeft, bool along>
class SidePacker {
public:
  SidePacker(const float *from, int64_t pitch, int64_t lanes, int64_t count,
             int64_t next, char *to)
      : from(from), pitch(pitch), lanes(lanes), count(count), next(next),
        to(to) {}

  bool isDone() const { return lane >= lanes || deep >= count; }

  /// Parts that `pack` makes, one each time.
  int64_t getParts() const {
    return (lanes + width - 1) / width * ((count + depth - 1) / depth) *
           partsOfTile;
  }

  LOCO_TILES void pack() {
    const float *begin =
        along ? from + lane * pitch + deep : from + deep * pitch + lane;
    char *tile = to + lane / width * next + deep / depth * pieces * bytes;
    if constexpr (isTurned) {
      if (part < 2)
        turnHalf(begin, part);
      else
        packTurned(tile, linesOfPart * (part - 2));
    } else {
      packRead(begin, tile, linesOfPart * part);
    }
    if (++part < partsOfTile)
      return;
    part = 0;
    goOn();
  }

  LOCO_TILES void packAll() {
    while (!isDone())
      pack();
  }

private:
  /// The tile behind the current one in the order of memory.
  void goOn() {
    if constexpr (along) {
      deep += depth;
      if (deep >= count && lane + width < lanes)
        deep = 0, lane += width;
    } else {
      lane += width;
      if (lane >= lanes && deep + depth < count)
        lane = 0, deep += depth;
    }
  }

  /// Asks for what lies where the next tile of these lanes is read: more lines
  /// at a time than the processor looks ahead in.
  LOCO_TILES void fetch(const float *line) const {
    const char *ahead = reinterpret_cast<const char *>(
        line + (along ? 2 * depth : depth * pitch));
    _mm_prefetch(ahead, _MM_HINT_T0);
    if constexpr (along)
      _mm_prefetch(ahead + lineBytes, _MM_HINT_T0);
  }

  LOCO_TILES void turnHalf(const float *begin, int64_t half) {
    int64_t deepLeft = count - deep - half * width, lanesLeft = lanes - lane;
    const float *block = begin + half * width * (along ? 1 : pitch);
    for (int64_t i = 0; i < width; ++i)
      if (!along || half == 0)
        fetch(block + i * pitch);
    turn(block, pitch, along ? lanesLeft : deepLeft,
         along ? deepLeft : lanesLeft,
         turned + half * (isLeft ? width : width * width),
         isLeft ? depth : width);
  }

  LOCO_TILES void packTurned(char *tile, int64_t first) const {
    for (int64_t i = first; i < first + linesOfPart; ++i) {
      const float *line = turned + i * depth;
      packLine(_mm512_load_ps(line), _mm512_load_ps(line + width),
               tile + i * lineBytes);
    }
  }

  LOCO_TILES void packRead(const float *begin, char *tile,
                           int64_t first) const {
    for (int64_t i = first; i < first + linesOfPart; ++i) {
      auto read = [&](int64_t line, int64_t column) LOCO_TILES {
        bool isThere = line < (isLeft ? lanes - lane : count - deep);
        uint16_t mask =
            firstLanes((isLeft ? count - deep : lanes - lane) - column);
        const float *place = begin + (isThere ? line * pitch : 0);
        if (column == 0)
          fetch(place);
        return _mm512_maskz_loadu_ps(isThere ? mask : 0, place + column);
      };
      packLine(read(isLeft ? i : 2 * i, 0),
               isLeft ? read(i, width) : read(2 * i + 1, 0),
               tile + i * lineBytes);
    }
  }

  LOCO_TILES static void packLine(__m512 first, __m512 second, char *to) {
    if constexpr (isLeft)
      packLeftLine<pieces>(first, second, to);
    else
      packRightLine<pieces>(first, second, to);
  }

  static constexpr bool isTurned = along != isLeft;
  static constexpr int64_t linesOfPart = 2,
                           partsOfTile = width / linesOfPart + 2 * isTurned;

  const float *from;
  int64_t pitch, lanes, count, next;
  char *to;
  /// What comes next.
  int64_t lane = 0, deep = 0, part = 0;
  /// A tile's numbers as its lines need them: 32 for each line.
  alignas(lineBytes) float turned[isTurned ? width * depth : 1];
};

} // namespace loco::tiles

#endif // RUNTIME_LIB_KERNELS_TILEPACKING_H
