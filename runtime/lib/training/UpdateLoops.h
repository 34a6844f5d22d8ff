//===- UpdateLoops.h - The optimisers' loops over numbers -------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plain loops without branches that any compiler vectorises. Each element is
// updated by a fixed sequence of IEEE operations (no contraction: see the
// build), so that vector widths and threads do not show.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_TRAINING_UPDATELOOPS_H
#define LOCO_RUNTIME_TRAINING_UPDATELOOPS_H

#include "loco/Optimizer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace loco::updates {

/// Comparisons are this way round so that what is not a number stays.
template <typename T>
T clamped(T value, T limit) {
  value = value > limit ? limit : value;
  return value < -limit ? -limit : value;
}

/// Sum of the squares in double precision, of values clamped to `limit` if it
/// is positive. So many partial sums, whatever the vector width.
template <typename T>
double sumOfSquares(const T *values, int64_t count, double limit) {
  constexpr int lanes = normParts;
  double sums[lanes] = {};
  auto square = [=](T value) {
    double wide = limit > 0 ? clamped(double(value), double(T(limit))) : value;
    return wide * wide;
  };
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (int lane = 0; lane < lanes; ++lane)
      sums[lane] += square(values[i + lane]);
  for (; i < count; ++i)
    sums[i % lanes] += square(values[i]);
  double sum = 0;
  for (double part : sums)
    sum += part;
  return sum;
}

template <typename T>
void clamp(T *values, int64_t count, T limit) {
  for (int64_t i = 0; i < count; ++i)
    values[i] = clamped(values[i], limit);
}

template <typename T>
void scale(T *values, int64_t count, T factor) {
  for (int64_t i = 0; i < count; ++i)
    values[i] *= factor;
}

/// values += factor * added.
template <typename T>
void addScaled(T *__restrict values, const T *__restrict added, int64_t count,
               T factor) {
  for (int64_t i = 0; i < count; ++i)
    values[i] += factor * added[i];
}

template <typename T>
void momentum(T *__restrict values, const T *__restrict gradient,
              T *__restrict velocity, int64_t count, T rate, T mu,
              bool nesterov) {
  for (int64_t i = 0; i < count; ++i)
    velocity[i] = mu * velocity[i] + gradient[i];
  if (!nesterov)
    return addScaled(values, velocity, count, -rate);
  for (int64_t i = 0; i < count; ++i)
    values[i] -= rate * (gradient[i] + mu * velocity[i]);
}

/// Adam's factors, made in double precision.
template <typename T>
struct AdamFactors {
  AdamFactors(double rate, const OptimizerOptions &options,
              const AdamCorrections &corrections)
      : beta1(options.beta1), rest1(1 - options.beta1), beta2(options.beta2),
        rest2(1 - options.beta2), epsilon(options.epsilon),
        stepSize(rate / corrections.step), rootOfCorrection(corrections.root) {}

  T beta1, rest1, beta2, rest2, epsilon, stepSize, rootOfCorrection;
};

template <typename T>
void adam(T *__restrict values, const T *__restrict gradient,
          T *__restrict first, T *__restrict second, int64_t count,
          const AdamFactors<T> &factors) {
  const AdamFactors<T> f = factors;
  for (int64_t i = 0; i < count; ++i) {
    T g = gradient[i];
    first[i] = f.beta1 * first[i] + f.rest1 * g;
    second[i] = f.beta2 * second[i] + f.rest2 * (g * g);
    T denominator = std::sqrt(second[i]) / f.rootOfCorrection + f.epsilon;
    values[i] -= f.stepSize * first[i] / denominator;
  }
}

} // namespace loco::updates

#endif // LOCO_RUNTIME_TRAINING_UPDATELOOPS_H
