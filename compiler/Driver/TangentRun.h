//===- TangentRun.h - Differences between states, followed ---- -*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The method of Benettin et al. (1980): as many small differences between
// states as exponents are wanted follow the derivative of the step, are made
// orthogonal again every few steps, and what they have grown by is their
// exponent. Each difference is a sample of its own beside the same states, so
// that all of them are one batch.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_TANGENTRUN_H
#define COMPILER_DRIVER_TANGENTRUN_H

#include "compiler/Driver/Analysis.h"

namespace loco {

/// How many differences are followed for how long.
struct TangentQuestion {
  int64_t exponents = 1;
  /// Steps after which they are made orthogonal, and those that do not count:
  /// whole multiples of `every`, at least one.
  int64_t every = 1, skip = 0;
  int64_t steps = 0;
};

/// Exponents of each sample, per step; and, for the figure, the sums of the
/// logarithms so far over all samples, after each window that counts.
struct TangentGrowth {
  std::vector<std::vector<double>> ofSamples;
  std::vector<double> atSteps;
  std::vector<std::vector<double>> sums;
};

/// Numbers of all states, in `subject.tangents`.
int64_t countTangents(const AnalysisSubject &subject);

/// Follows the differences of a batch of samples by `subject.tangents` and adds
/// what they grow by to `growth`. Fails where they are not finite, and where
/// `every` is too long to tell them apart.
Status followTangents(const AnalysisSubject &subject,
                      const TangentQuestion &question,
                      const TensorMap &parameters, const Batch &samples,
                      TangentGrowth &growth);

} // namespace loco

#endif // COMPILER_DRIVER_TANGENTRUN_H
