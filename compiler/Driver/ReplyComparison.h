//===- ReplyComparison.h - Two executions, tensor by tensor -----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_REPLYCOMPARISON_H
#define COMPILER_DRIVER_REPLYCOMPARISON_H

#include "loco/Program.h"

#include <optional>
#include <string>
#include <vector>

namespace loco {

/// One tensor of the comparison, or the scalars together.
struct Comparison {
  std::string name;
  const char *kind = "value";
  /// What computed it.
  const char *executor = "";
  double error = 0, bound = 0;
  /// Largest difference of an element, over the tensor's largest element.
  double largest = 0;
  std::string place = {};
  /// The difference is none that rounding of all numbers does not explain.
  bool isRounding = false;

  // A NaN is an error, too.
  bool isGood() const { return error <= bound; }
};

/// What the interpreter makes of the same numbers.
struct Expectation {
  Reply exact;
  /// With parameters and inputs rounded to f32.
  Reply moved;
  /// With every number moved as if by rounding; only if something is too far.
  std::optional<Reply> noisy = {};
};

/// Relative 2-norm that compiled code may be off by at least, in f32 or f64.
double getLeastBound(ElementType precision);

/// Holds what `executor` found, in `precision`, to what the interpreter did:
/// one row for each value and gradient, gradients by all scalars being one
/// tensor.
std::vector<Comparison> compareReplies(const char *executor, const Reply &found,
                                       const Expectation &expectation,
                                       ElementType precision);

} // namespace loco

#endif // COMPILER_DRIVER_REPLYCOMPARISON_H
