//===- Timings.h - Where the time of a start goes ---------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_TIMINGS_H
#define COMPILER_DRIVER_TIMINGS_H

#include "llvm/ADT/StringRef.h"

#include <chrono>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace loco {

/// Times from the start of the process to the first kernel that works on data,
/// and until what it is for is done.
class Timings {
public:
  /// Adds the time of its life to the part `name`; of `timings` that are null,
  /// or over, nothing is measured.
  class Phase {
  public:
    Phase(Timings *timings, const char *name)
        : timings(timings), name(name), begin(Clock::now()) {}
    ~Phase();
    Phase(const Phase &) = delete;
    Phase &operator=(const Phase &) = delete;

  private:
    using Clock = std::chrono::steady_clock;
    Timings *timings;
    const char *name;
    Clock::time_point begin;
  };

  Timings();

  /// A kernel is about to be called. The first call ends all measurements, and
  /// prints them to standard error if `setLoud` asked for it. The next two say
  /// when the first update was done, and how long one takes that has nothing to
  /// prepare.
  void reachKernel();
  void setLoud(bool loud) { isLoud = loud; }

  /// Training is over: says how large the process has become, if `setLoud`
  /// asked for it.
  void tellMemory() const;

  /// Adds to a part. One that is named with blanks in front is part of the one
  /// that ends after it.
  void add(llvm::StringRef part, double seconds);

private:
  /// Seconds, as text: of the whole, then of its parts in their order.
  std::string describe() const;

  /// Data are read on threads of their own.
  mutable std::mutex turn;
  std::vector<std::pair<std::string, double>> parts;
  double whole = 0;
  /// When kernels were reached.
  double second = 0;
  int kernels = 0;
  bool isOver = false, isLoud = false;
};

} // namespace loco

#endif // COMPILER_DRIVER_TIMINGS_H
