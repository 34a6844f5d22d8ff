//===- Measures.h - Results beside what they should be ---------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_MEASURES_H
#define COMPILER_DRIVER_MEASURES_H

#include "compiler/Driver/Analysis.h"

#include <vector>

namespace loco {

/// A result and its target over some samples. Steps is 1, and `isPerStep`
/// false, for values per sample.
struct Pairs {
  /// Not null; they live in `responses`.
  const Tensor *result = nullptr, *target = nullptr;
  int64_t samples = 0, steps = 1;
  /// Numbers of one result and of one target, at one step of one sample.
  int64_t resultSize = 1, targetSize = 1;
  bool isPerStep = false;
  /// Results are those of so many steps before their targets.
  int64_t ahead = 0;
  /// For every step of every sample 1 if it counts, 0 if it does not.
  std::vector<char> counts;
  Responses responses;

  double getResult(int64_t sample, int64_t step, int64_t i) const {
    return result->at((sample * steps + step - ahead) * resultSize + i);
  }
  double getTarget(int64_t sample, int64_t step, int64_t i) const {
    return target->at((sample * steps + step) * targetSize + i);
  }
  bool isCounted(int64_t sample, int64_t step) const {
    return counts[sample * steps + step];
  }
};

/// The names of the two values that an analysis compares, the first one's
/// first: `accuracy(scores, label)`.
std::pair<const char *, const char *> getPairNames(const sema::PlanValue &call);

/// What an analysis names: a result of the model, or a field of its data. It is
/// there: both were asked for.
const Tensor &findValues(const Responses &responses,
                         const sema::PlanValue &value);

/// Runs a network and pairs the two values that `save` names: results or inputs
/// of the model, both per step or both per sample. Steps before `skip` and
/// those that do not count are marked.
Expected<Pairs> collectPairs(const sema::Setting &save,
                             const AnalysisSubject &subject,
                             const Network &network, int64_t skip);

} // namespace loco

#endif // COMPILER_DRIVER_MEASURES_H
