/*===- kernel.h - What generated CPU code and its caller agree on --*- C -*-===*\
|*                                                                            *|
|* Part of loco, under the Apache License v2.0 with LLVM Exceptions.          *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A compiled function is one symbol of type LocoKernel. A call runs a        *|
|* *sample block*: some samples of a batch, for all steps, through everything *|
|* the function does, and returns. Calls on different threads may overlap if  *|
|* their blocks differ in `arena` and in the results that they write.         *|
|*                                                                            *|
|* Ownership: every pointer belongs to the caller and stays valid during the  *|
|* call. Kernels allocate nothing, keep nothing between calls and cannot      *|
|* fail. All scratch memory is in `arena`, aligned to LOCO_ARENA_ALIGNMENT,   *|
|* of at least                                                                *|
|*                                                                            *|
|* locoArenaBytes of its LocoArenaSize, which comes with the compiled         *|
|* function, and of what the block says. What the arena holds before a call   *|
|* does not matter, nor afterwards.                                           *|
|*                                                                            *|
|* A function that says so can run a block on several threads, a *team*: all    *|
|* call it with blocks that differ in `member` alone, and it divides the sites *|
|* of its lattices among them.                                                *|
|*                                                                            *|
|* Call order for a batch: zero the sums of every thread; call the kernel for *|
|* each block; add the sums of all threads in a fixed order.                  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef LOCO_C_KERNEL_H
#define LOCO_C_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Version of everything in this header; a compiled function records the one
/// it was made for, and a loader refuses any other.
#define LOCO_KERNEL_VERSION 4

#define LOCO_ARENA_ALIGNMENT 64

struct LocoBlock;

/// Bytes of arena as a function of the block: what every block takes, every
/// sample, step, and step of every sample. Functions that go through their
/// steps in segments also keep something of every segment, and something of
/// every step of the one at hand.
typedef struct LocoArenaSize {
  int64_t constant, perSample, perStep, perSampleStep;
  int64_t perSegment, perSampleSegment, perSegmentStep, perSampleSegmentStep;
} LocoArenaSize;

/// Steps of a segment where `segment` is asked for: at least 1, at most all; 0
/// asks for all.
static inline int64_t locoSegmentLength(int64_t segment, int64_t steps) {
  int64_t most = steps > 1 ? steps : 1;
  return segment > 0 && segment < most ? segment : most;
}

static inline int64_t locoArenaBytes(const LocoArenaSize *size, int64_t samples,
                                     int64_t steps, int64_t segment) {
  int64_t length = locoSegmentLength(segment, steps);
  int64_t count = (steps + length - 1) / length;
  return size->constant + size->perSample * samples + size->perStep * steps +
         size->perSampleStep * samples * steps + size->perSegment * count +
         size->perSampleSegment * samples * count +
         size->perSegmentStep * length +
         size->perSampleSegmentStep * samples * length;
}

/// What generated code calls. Filled once per process (locoKernelServices).
typedef struct LocoServices {
  /// c[m, n] = a b + beta c, all row-major with leading dimensions lda, ldb,
  /// ldc (elements). transposeA: a is stored [k, m] instead of [m, k];
  /// transposeB: b is stored [n, k] instead of [k, n].
  void (*gemmF32)(int32_t transposeA, int32_t transposeB, int64_t m, int64_t n,
                  int64_t k, const float *a, int64_t lda, const float *b,
                  int64_t ldb, float beta, float *c, int64_t ldc);
  void (*gemmF64)(int32_t transposeA, int32_t transposeB, int64_t m, int64_t n,
                  int64_t k, const double *a, int64_t lda, const double *b,
                  int64_t ldb, double beta, double *c, int64_t ldc);
  /// Draws for sites 0 to count - 1 of the block's sample number `sample` at
  /// `step`, from stream `stream`; normal: N(0, 1), otherwise uniform.
  void (*randomF32)(const struct LocoBlock *block, int32_t normal,
                    uint64_t stream, int64_t sample, int64_t step,
                    int64_t count, float *out);
  void (*randomF64)(const struct LocoBlock *block, int32_t normal,
                    uint64_t stream, int64_t sample, int64_t step,
                    int64_t count, double *out);
  /// Returns when all members of the block's team have called it. What each
  /// wrote before, all can read after.
  void (*meet)(const struct LocoBlock *block);
  /// The product of gemmF32 on AMX, where locoKernelHasTiles, with every number
  /// as a sum of `pieces` of bf16: three have the error of f32, two 16
  /// significant bits, one eight. Where tiles do not pay, it is gemmF32.
  void (*gemmTiles)(int32_t pieces, int32_t transposeA, int32_t transposeB,
                    int64_t m, int64_t n, int64_t k, const float *a,
                    int64_t lda, const float *b, int64_t ldb, float beta,
                    float *c, int64_t ldc);
  /// Brings a dense matrix [inner, columns], or if `transposed` [columns, inner],
  /// into tiles: locoTileBytes at `panels`.
  void (*packTiles)(int32_t pieces, int32_t transposed, int64_t inner,
                    int64_t columns, const float *matrix, void *panels);
  /// out[count, columns] = rows[count, inner] panels, or added to what is there.
  /// Pitches are bytes from row to row.
  void (*multiplyTiles)(int32_t pieces, const float *rows, int64_t rowPitch,
                        int64_t count, const void *panels, int64_t inner,
                        int64_t columns, float *out, int64_t outPitch,
                        int32_t accumulate);
} LocoServices;

/// Bytes of a matrix in tiles: 1024 for every 32 x 16 numbers and each piece.
static inline int64_t locoTileBytes(int32_t pieces, int64_t inner,
                                    int64_t columns) {
  return ((inner + 31) / 32) * ((columns + 15) / 16) * pieces * 1024;
}

/// One call's work.
typedef struct LocoBlock {
  /// Number of samples and of steps, both at least 0.
  int64_t samples, steps;
  /// One pointer per argument of the function, in order; for an argument that
  /// belongs to a sample, to that of the block's first sample. The random key
  /// and the number of steps have none. Arrays are dense, row-major; a value
  /// per step has the step as its first axis.
  const void *const *arguments;
  /// Bytes from one sample's argument to the next; 0 for shared arguments.
  const int64_t *argumentStrides;
  /// One pointer per result, as for arguments. A result that is summed over
  /// the samples is added to what is there, in the element type that the
  /// compiled function's table gives (f64 for small ones).
  void *const *results;
  /// Bytes from one sample's result to the next; 0 for sums.
  const int64_t *resultStrides;
  /// Scratch memory.
  void *arena;
  const LocoServices *services;
  /// Counters of the random draws (loco-c/random.h); sampleIndex has one entry
  /// per sample of the block and may be null if the function draws nothing.
  uint64_t seed, update;
  const uint64_t *sampleIndex;
  /// Steps of a segment, see locoSegmentLength; of no meaning to functions that
  /// have none.
  int64_t segment;
  /// This thread's number in its team, and how many there are: 0 and 1 if it is
  /// alone.
  int64_t member, members;
  /// What `meet` needs; null for a thread alone.
  void *team;
} LocoBlock;

/// A compiled function.
typedef void (*LocoKernel)(const LocoBlock *block);

/// The services of this process: a BLAS opened on first use, random numbers.
const LocoServices *locoKernelServices(void);

/// What does the matrix products, for run folders and `explain`: a library's
/// file and what it says of itself, or that it is loco's own.
const char *locoKernelBlasName(void);

/// 1 if the BLAS is a reference implementation or loco's own: slow.
int locoKernelBlasIsSlow(void);

/// 1 if this processor has AMX's tiles and the system lets the process use them.
int locoKernelHasTiles(void);

#ifdef __cplusplus
}
/* Generated code relies on these places. */
static_assert(offsetof(LocoBlock, samples) == 0, "kernel ABI");
static_assert(offsetof(LocoBlock, steps) == 8, "kernel ABI");
static_assert(offsetof(LocoBlock, arguments) == 16, "kernel ABI");
static_assert(offsetof(LocoBlock, argumentStrides) == 24, "kernel ABI");
static_assert(offsetof(LocoBlock, results) == 32, "kernel ABI");
static_assert(offsetof(LocoBlock, resultStrides) == 40, "kernel ABI");
static_assert(offsetof(LocoBlock, arena) == 48, "kernel ABI");
static_assert(offsetof(LocoBlock, services) == 56, "kernel ABI");
static_assert(offsetof(LocoBlock, segment) == 88, "kernel ABI");
static_assert(offsetof(LocoBlock, member) == 96, "kernel ABI");
static_assert(offsetof(LocoBlock, members) == 104, "kernel ABI");
static_assert(sizeof(LocoBlock) == 120, "kernel ABI");
static_assert(offsetof(LocoServices, gemmF32) == 0, "kernel ABI");
static_assert(offsetof(LocoServices, gemmF64) == 8, "kernel ABI");
static_assert(offsetof(LocoServices, randomF32) == 16, "kernel ABI");
static_assert(offsetof(LocoServices, randomF64) == 24, "kernel ABI");
static_assert(offsetof(LocoServices, meet) == 32, "kernel ABI");
static_assert(offsetof(LocoServices, gemmTiles) == 40, "kernel ABI");
static_assert(offsetof(LocoServices, packTiles) == 48, "kernel ABI");
static_assert(offsetof(LocoServices, multiplyTiles) == 56, "kernel ABI");
#endif

#endif /* LOCO_C_KERNEL_H */
