/*===- random.h - Counter-based random numbers --------------------*- C -*-===*\
|*                                                                            *|
|* Part of loco, under the Apache License v2.0 with LLVM Exceptions.          *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Every random number of loco is a pure function of (seed, stream, update,   *|
|* sample, step, site): never of a lane, a thread or a position in the batch. *|
|* Generated kernels, the interpreter, data sources and initialisers call     *|
|* these functions; a target that cannot call them repeats the sequence of    *|
|* operations given here and gets the same bits.                              *|
|*                                                                            *|
|* The generator is Philox4x32-10 (Salmon et al. 2011), `philox(counter, key)`*|
|* below. With lo and hi the halves of a 64-bit number, and words in order    *|
|* 0, 1, 2, 3:                                                                *|
|*                                                                            *|
|*   inner = philox(counter = { lo stream, hi stream, hi update, hi sample }, *|
|*                  key     = { lo seed,   hi seed })                         *|
|*   block = philox(counter = { site / 4,  step, lo sample, lo update },      *|
|*                  key     = { inner[0],  inner[1] })                        *|
|*   word of a site = block[site % 4]                                         *|
|*                                                                            *|
|* Under one key all counters are different blocks, because Philox is a       *|
|* bijection of the counter: two draws that differ in site, step or the low   *|
|* words of sample and update never share a block. Draws that differ in seed, *|
|* stream or a high word have keys that agree with probability 2^-64.         *|
|*                                                                            *|
|* A uniform is (word >> 8) * 2^-24: 24 bits, in [0, 1). Sites 2k and 2k + 1  *|
|* share two words a, b for a pair of normals:                                *|
|*                                                                            *|
|*   r = sqrt(-2 log(((a >> 8) + 1) * 2^-24)),  angle = 2 pi (b >> 8) * 2^-24 *|
|*   normal of 2k = r cos(angle),  normal of 2k + 1 = r sin(angle)            *|
|*                                                                            *|
|* with log, sin and cos from the fixed sequences of IEEE f32 operations in   *|
|* runtime/lib/BoxMuller.h. The largest possible normal is 5.77.              *|
|*                                                                            *|
|* All functions are thread-safe and allocate nothing.                        *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef LOCO_C_RANDOM_H
#define LOCO_C_RANDOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What the draws of one place in the model during one update have in common.
typedef struct LocoRandomKey {
  /// Seed of the run.
  uint64_t seed;
  /// Hash of the place in the model (see locoRandomStream).
  uint64_t stream;
  /// Number of the update; 0 for what is drawn once.
  uint64_t update;
} LocoRandomKey;

/// Philox4x32-10 as its authors define it: one block of four words.
void locoRandomPhilox(const uint32_t counter[4], const uint32_t key[2],
                      uint32_t words[4]);

/// The stream of a named place: FNV-1a over the bytes of `name`, with the
/// 64-bit offset basis and prime.
uint64_t locoRandomStream(const char *name);

/// Raw words of sites 0 to count - 1 of a sample at a step; count is at most
/// 2^34.
void locoRandomWords(const LocoRandomKey *key, uint64_t sample, uint32_t step,
                     int64_t count, uint32_t *out);

/// Uniform numbers in [0, 1) for sites 0 to count - 1 of a sample at a step.
void locoRandomUniform(const LocoRandomKey *key, uint64_t sample, uint32_t step,
                       int64_t count, float *out);
/// The same values, widened.
void locoRandomUniformF64(const LocoRandomKey *key, uint64_t sample,
                          uint32_t step, int64_t count, double *out);

/// Numbers from N(0, 1) for sites 0 to count - 1 of a sample at a step.
void locoRandomNormal(const LocoRandomKey *key, uint64_t sample, uint32_t step,
                      int64_t count, float *out);
/// The same values, widened.
void locoRandomNormalF64(const LocoRandomKey *key, uint64_t sample,
                         uint32_t step, int64_t count, double *out);

#ifdef __cplusplus
}
#endif

#endif /* LOCO_C_RANDOM_H */
