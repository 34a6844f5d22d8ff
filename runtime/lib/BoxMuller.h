//===- BoxMuller.h - Normals from words by fixed operations -----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two words become two normal numbers by a fixed sequence of IEEE f32
// operations (add, subtract, multiply, square root, conversion of 24-bit
// integers), so that every target gives the same bits. A file that includes
// this must be compiled without contraction to fused multiply-add
// (-ffp-contract=off) and without fast-math. No branches: loops over these
// functions are vectorised.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_BOXMULLER_H
#define LOCO_RUNTIME_BOXMULLER_H

#include <bit>
#include <cstdint>

/// A loop with a call left in it is not vectorised.
#define LOCO_ALWAYS_INLINE inline __attribute__((always_inline))

namespace loco::random {

/// log(n * 2^-24) for n in 1..2^24, relative error below 1e-7: n * 2^-24 = m *
/// 2^e with m in [sqrt(1/2), sqrt(2)), log m by the polynomial of Cephes' logf.
LOCO_ALWAYS_INLINE float logOfCount(int32_t n) {
  float x = static_cast<float>(n);
  int32_t bits = std::bit_cast<int32_t>(x);
  // Adding 1 - sqrt(1/2) in the exponent's units moves the cut to sqrt(1/2).
  int32_t shifted = bits + (0x3f800000 - 0x3f3504f3);
  float e = static_cast<float>((shifted >> 23) - 127 - 24);
  float m = std::bit_cast<float>((shifted & 0x007fffff) + 0x3f3504f3);
  float f = m - 1.0f;
  float f2 = f * f;
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  float y = f * f2 * p;
  // log 2 in two parts: the first has few bits, so that e times it is exact.
  y = y + e * -2.12194440e-4f;
  y = y - 0.5f * f2;
  return (f + y) + e * 0.693359375f;
}

struct SinCos {
  float sin, cos;
};

/// Sine and cosine of 2 pi n * 2^-24 for n in 0..2^24 - 1, within 1e-7: the
/// quarter turn nearest to n is taken off exactly, as an integer; Taylor
/// polynomials do the rest, an eighth of a turn either way.
LOCO_ALWAYS_INLINE SinCos sinCosOfTurn(int32_t n) {
  int32_t quarter = (n + (1 << 21)) >> 22;
  // In quarter turns, exact, in [-1/2, 1/2].
  float x = static_cast<float>(n - (quarter << 22)) * 0x1p-22f;
  float x2 = x * x;
  // sin(pi/2 x) = pi/2 x - (pi/2)^3/3! x^3 + ...; pi/2 in two parts.
  float s = 1.6044118478735982e-4f;
  s = s * x2 - 4.6817541353186881e-3f;
  s = s * x2 + 7.9692626246167046e-2f;
  s = s * x2 - 6.4596409750624625e-1f;
  s = s * x2 - 4.3711388286737929e-8f;
  s = x * s + x * 1.57079637050628662f;
  float c = -2.5202042373060605e-5f;
  c = c * x2 + 9.1926027483942659e-4f;
  c = c * x2 - 2.0863480763352961e-2f;
  c = c * x2 + 2.5366950790104802e-1f;
  c = c * x2 - 1.2337005501361698f;
  c = c * x2 + 1.0f;
  // Turn by 0..4 quarters: swap in odd quarters, then signs. In bits, so that
  // it is the same without branches everywhere.
  int32_t swap = -(quarter & 1);
  int32_t sBits = std::bit_cast<int32_t>(s), cBits = std::bit_cast<int32_t>(c);
  int32_t sinBits = (sBits & ~swap) | (cBits & swap);
  int32_t cosBits = (cBits & ~swap) | (sBits & swap);
  uint32_t sinSign = static_cast<uint32_t>(quarter & 2) << 30;
  uint32_t cosSign = static_cast<uint32_t>((quarter + 1) & 2) << 30;
  return {std::bit_cast<float>(sinBits ^ static_cast<int32_t>(sinSign)),
          std::bit_cast<float>(cosBits ^ static_cast<int32_t>(cosSign))};
}

struct NormalPair {
  float even, odd;
};

/// The two normals of words a and b.
LOCO_ALWAYS_INLINE NormalPair boxMuller(uint32_t a, uint32_t b) {
  float l = logOfCount(static_cast<int32_t>(a >> 8) + 1);
  float r = __builtin_sqrtf(-2.0f * l);
  SinCos turn = sinCosOfTurn(static_cast<int32_t>(b >> 8));
  return {r * turn.cos, r * turn.sin};
}

/// 24 bits as a number in [0, 1).
LOCO_ALWAYS_INLINE float uniform(uint32_t word) {
  return static_cast<float>(static_cast<int32_t>(word >> 8)) * 0x1p-24f;
}

} // namespace loco::random

#endif // LOCO_RUNTIME_BOXMULLER_H
