//===- Denormals.h - Numbers next to zero are zero --------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Gradients that vanish over many steps, and oscillators that come to rest, pass
// through the denormal numbers (below 1.2e-38 in f32) on their way to zero, and
// x86 processors take over a hundred cycles for an operation on one: an LSTM of
// 784 steps spent nine tenths of its time there. Kernels take such numbers, and
// give them, as zero.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_KERNELS_DENORMALS_H
#define LOCO_RUNTIME_KERNELS_DENORMALS_H

#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace loco {

/// While it lives, the calling thread takes denormal numbers as zero. What the
/// thread had before comes back at the end: it may belong to the application.
class FlushDenormals {
public:
#if defined(__SSE2__)
  FlushDenormals() : before(_mm_getcsr()) {
    constexpr unsigned flushToZero = 0x8000, denormalsAreZero = 0x0040;
    _mm_setcsr(before | flushToZero | denormalsAreZero);
  }
  ~FlushDenormals() { _mm_setcsr(before); }

private:
  unsigned before;
#elif defined(__aarch64__)
  FlushDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before));
    asm volatile("msr fpcr, %0" : : "r"(before | (uint64_t(1) << 24)));
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" : : "r"(before)); }

private:
  uint64_t before;
#else
  FlushDenormals() {}
  ~FlushDenormals() {}

private:
#endif
  FlushDenormals(const FlushDenormals &) = delete;
  FlushDenormals &operator=(const FlushDenormals &) = delete;
};

} // namespace loco

#endif // LOCO_RUNTIME_KERNELS_DENORMALS_H
