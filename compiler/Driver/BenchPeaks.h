//===- BenchPeaks.h - What the processor gives at most ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small loops in the host's widest vectors, timed on all threads of a pool at
// once: what `lococ bench` holds the time of a model to.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_BENCHPEAKS_H
#define COMPILER_DRIVER_BENCHPEAKS_H

#include "loco/Expected.h"
#include "loco/ThreadPool.h"

#include <vector>

namespace loco {

/// A place that numbers are kept in.
struct MemoryPeak {
  /// `L2`, `L3`, `memory`.
  const char *name;
  /// Bytes that fit, of each thread.
  int64_t capacity;
  /// Bytes per second of all threads together, of what is only read or only
  /// written; writes to memory past the caches if that is faster.
  double read, write;
};

struct MachinePeaks {
  int threads = 1;
  /// Bytes of a vector.
  int64_t vectorBytes = 16;
  /// Floating-point operations per second in f32, a fused multiply-add being
  /// two.
  double operations = 0;
  /// From the smallest to the largest; the last has room for everything.
  std::vector<MemoryPeak> levels;

  bool isMeasured() const { return operations > 0; }
  /// The level in which so many bytes of each thread have room.
  const MemoryPeak &findLevel(double bytesOfThread) const;
};

/// Measures for about half a second. An error if LLVM cannot make the code.
Expected<MachinePeaks> measurePeaks(ThreadPool &pool);

} // namespace loco

#endif // COMPILER_DRIVER_BENCHPEAKS_H
