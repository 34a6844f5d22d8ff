//===- ValueRange.h - What numbers a value can have --------------*- C++
//-*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Divisors that the language itself brings in, as a time constant on the left
// side of an equation, must not be zero. Whether a value can be is seen from
// how it is made: `1 + 9 * sigmoid(x)` lies between 1 and 10, `exp(x)` has no
// end that it reaches, a parameter lies in its range. Learned parameters
// without a range can be any number; frozen ones are taken at their start.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_VALUERANGE_H
#define COMPILER_SEMA_VALUERANGE_H

#include "compiler/Sema/Graph.h"

namespace loco::sema {

/// Bounds of all numbers of a value.
struct ValueRange {
  double low, high;
  /// None of them is zero, though an end of the range may be.
  bool excludesZero;

  /// From the bounds alone.
  static ValueRange between(double low, double high) {
    return {low, high, low > 0 || high < 0};
  }
};

/// The bounds of `node`, as narrow as its operations tell.
ValueRange getValueRange(const Node *node);

} // namespace loco::sema

#endif // COMPILER_SEMA_VALUERANGE_H
