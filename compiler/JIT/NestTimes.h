//===- NestTimes.h - How long each loop nest of a kernel takes --*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For measurements only: code that is compiled with `CPUOptions::timeNests`
// says after each nest that it is done. It takes a few nanoseconds more for
// each.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_JIT_NESTTIMES_H
#define COMPILER_JIT_NESTTIMES_H

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace loco {

/// A loop nest over sites, or a call of the run-time.
struct TimedNest {
  /// `model.loco:12`, where its first op is from; empty if nowhere.
  std::string place;
  /// A call: a matrix product, or random draws.
  bool isCall = false;
  /// Which loop over time it is in, in the order of the code, from 1; 0: none.
  unsigned loop = 0;
};

/// Adds to `loops`, a kernel before it is lowered, what measures its nests.
std::vector<TimedNest> markNests(mlir::ModuleOp loops);

/// Ticks of some clock that all threads spent in each of `count` nests since
/// this was last called.
std::vector<double> takeNestTicks(size_t count);

/// What marked code calls: nest `number` is done; -1: the kernel begins.
void nestDone(int64_t number);

} // namespace loco

#endif // COMPILER_JIT_NESTTIMES_H
