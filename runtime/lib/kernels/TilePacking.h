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
// Either side is stored along its depth or across it, and each of the two ways
// to read gives tiles of one side; the other side's are the same with lines and
// columns of pairs exchanged.
//
//===----------------------------------------------------------------------===//

#ifndef RUNTIME_LIB_KERNELS_TILEPACKING_H
#define RUNTIME_LIB_KERNELS_TILEPACKING_H

#include <cstdint>
#include <immintrin.h>

#define LOCO_TILES                                                             \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,"       \
                        "amx-tile,amx-bf16")))

namespace loco::tiles {

/// Rows or columns of a tile; its depth; its bytes, and those of a line.
inline constexpr int64_t width = 16, depth = 32, bytes = 1024, lineBytes = 64;

/// The first `count` of 16 lanes.
inline uint16_t firstLanes(int64_t count) {
  return count >= 16 ? 0xffff : count <= 0 ? 0 : (1u << count) - 1;
}

/// 32 numbers in pieces of bf16, each what the ones before it leave.
template <int pieces>
LOCO_TILES inline void split(__m512 low, __m512 high, __m512i *to) {
  auto widened = [](__m256i piece) LOCO_TILES {
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(piece), 16));
  };
  for (int i = 0; i < pieces; ++i) {
    to[i] = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
    if (i + 1 == pieces)
      break;
    low = _mm512_sub_ps(low, widened(_mm512_castsi512_si256(to[i])));
    high = _mm512_sub_ps(high, widened(_mm512_extracti64x4_epi64(to[i], 1)));
  }
}

/// Tiles of the left side from rows of the matrix: `rows` rows `pitch` numbers
/// apart, `count` numbers of each.
template <int pieces>
LOCO_TILES inline void packAlong(const float *from, int64_t pitch, int64_t rows,
                                 int64_t count, char *to) {
  uint16_t low = firstLanes(count), high = firstLanes(count - 16);
  for (int64_t i = 0; i < width; ++i) {
    __m512i parts[pieces];
    const float *row = from + (i < rows ? i : 0) * pitch;
    // Sixteen rows at a time are more than the processor looks ahead in.
    _mm_prefetch(reinterpret_cast<const char *>(row + 2 * depth), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char *>(row + 2 * depth + 16),
                 _MM_HINT_T0);
    split<pieces>(_mm512_maskz_loadu_ps(i < rows ? low : 0, row),
                  _mm512_maskz_loadu_ps(i < rows ? high : 0, row + 16), parts);
    for (int p = 0; p < pieces; ++p)
      _mm512_storeu_si512(to + p * bytes + i * lineBytes, parts[p]);
  }
}

/// Tiles of the right side from rows of the matrix: `count` rows `pitch`
/// numbers apart, `columns` numbers of each.
template <int pieces>
LOCO_TILES inline void packAcross(const float *from, int64_t pitch,
                                  int64_t columns, int64_t count, char *to) {
  // Lane 2 i is lane i of one row, lane 2 i + 1 that of the next.
  const __m512i pairs = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11,
                                         26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  uint16_t mask = firstLanes(columns);
  for (int64_t i = 0; i < width; ++i) {
    auto row = [&](int64_t number) LOCO_TILES {
      bool isThere = number < count;
      // The rows of the next tile are far away for the processor to see.
      if (number + depth < count)
        _mm_prefetch(
            reinterpret_cast<const char *>(from + (number + depth) * pitch),
            _MM_HINT_T0);
      return _mm512_maskz_loadu_ps(isThere ? mask : 0,
                                   from + (isThere ? number : 0) * pitch);
    };
    __m512i parts[pieces];
    split<pieces>(row(2 * i), row(2 * i + 1), parts);
    for (int p = 0; p < pieces; ++p)
      _mm512_storeu_si512(to + p * bytes + i * lineBytes,
                          _mm512_permutexvar_epi16(pairs, parts[p]));
  }
}

/// Exchanges lines and columns of pairs of numbers: a tile of one side becomes
/// one of the other.
LOCO_TILES inline void flip(char *tile) {
  __m512i a[width], b[width];
  for (int i = 0; i < width; ++i)
    a[i] = _mm512_loadu_si512(tile + i * lineBytes);
  // Blocks of 1, 2, 4 and 8 pairs change places across the diagonal.
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
    _mm512_storeu_si512(tile + i * lineBytes, a[i]);
}

/// A side of a product, `width` lanes (rows or columns) by `count` deep, stored
/// with its depth along memory or across it: all its tiles, the pieces of
/// one depth behind each other.
template <int pieces, bool isLeft>
LOCO_TILES inline void packTile(const float *from, int64_t pitch, bool along,
                                int64_t lanes, int64_t count, char *to) {
  if (along)
    packAlong<pieces>(from, pitch, lanes, count, to);
  else
    packAcross<pieces>(from, pitch, lanes, count, to);
  if (along != isLeft)
    for (int p = 0; p < pieces; ++p)
      flip(to + p * bytes);
}

} // namespace loco::tiles

#endif // RUNTIME_LIB_KERNELS_TILEPACKING_H
