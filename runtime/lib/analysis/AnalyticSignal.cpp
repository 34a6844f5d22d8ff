//===- AnalyticSignal.cpp - Amplitude and phase of activity ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Waves.h"
#include "runtime/lib/analysis/Butterworth.h"
#include "runtime/lib/analysis/Fourier.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

using namespace loco;

static Status verifyField(const Tensor &field, const SignalOptions &options) {
  if (field.shape().empty() || field.shape()[0] < 2)
    return Error{"a field of shape " + describe(field.shape()) +
                 " has no course over time, expected at least two steps"};
  if (!options.bandPass)
    return {};
  bool inOrder =
      0 < options.low && options.low < options.high && options.high < 1;
  if (!inOrder)
    return Error{"the pass band " + std::to_string(options.low) + " to " +
                 std::to_string(options.high) +
                 " is not inside 0 to 1 times the Nyquist frequency"};
  if (options.order < 1 || options.order > 32)
    return Error{"a band-pass of order " + std::to_string(options.order) +
                 " cannot be made, expected 1 to 32"};
  return {};
}

/// Takes the mean from the first value on, so that a constant becomes exactly
/// zero and not rounding error with a phase.
static void removeMean(std::vector<double> &series) {
  double first = series.front(), sum = 0;
  for (double value : series)
    sum += value - first;
  double mean = sum / double(series.size());
  for (double &value : series)
    value = (value - first) - mean;
}

static void divideByDeviation(std::vector<double> &series) {
  double squares = 0;
  for (double value : series)
    squares += value * value;
  double deviation = std::sqrt(squares / double(series.size() - 1));
  if (deviation > 0)
    for (double &value : series)
      value /= deviation;
}

/// Doubles the positive frequencies and drops the others.
static void keepPositiveFrequencies(std::vector<Complex> &spectrum) {
  size_t length = spectrum.size();
  spectrum[0] = 0;
  for (size_t bin = 1; bin < length; ++bin)
    spectrum[bin] = 2 * bin < length ? 2.0 * spectrum[bin] : 0.0;
}

Expected<AnalyticSignal> loco::analyticSignal(const Tensor &field,
                                              const SignalOptions &options) {
  if (Status failed = verifyField(field, options))
    return failed.error();
  std::optional<Butterworth> filter;
  if (options.bandPass)
    filter.emplace(options.order, options.low, options.high);

  int64_t steps = field.shape()[0], sites = field.size() / steps;
  AnalyticSignal signal{Tensor(ElementType::F64, field.shape()),
                        Tensor(ElementType::F64, field.shape())};
  Fourier fourier(steps);
  std::vector<double> series(steps);
  std::vector<Complex> values(steps);
  for (int64_t site = 0; site < sites; ++site) {
    for (int64_t step = 0; step < steps; ++step) {
      series[step] = field.at(step * sites + site);
      if (!std::isfinite(series[step]))
        return Error{"the field has a value that is not finite at step " +
                     std::to_string(step) + ", site " + std::to_string(site)};
    }
    if (filter)
      filter->apply(series);
    removeMean(series);
    if (options.zScore)
      divideByDeviation(series);
    std::copy(series.begin(), series.end(), values.begin());
    fourier.forward(values);
    keepPositiveFrequencies(values);
    fourier.backward(values);
    for (int64_t step = 0; step < steps; ++step) {
      signal.real.as<double>()[step * sites + site] = values[step].real();
      signal.imaginary.as<double>()[step * sites + site] = values[step].imag();
    }
  }
  return signal;
}

/// The value of a function of the real and imaginary part everywhere.
template <typename Function>
static Tensor mapSignal(const AnalyticSignal &signal, Function function) {
  Tensor result(ElementType::F64, signal.real.shape());
  for (int64_t at = 0; at < result.size(); ++at)
    result.as<double>()[at] = function(signal.real.as<double>()[at],
                                       signal.imaginary.as<double>()[at]);
  return result;
}

Tensor loco::phaseOf(const AnalyticSignal &signal) {
  return mapSignal(signal, [](double real, double imaginary) {
    return real == 0 && imaginary == 0
               ? std::numeric_limits<double>::quiet_NaN()
               : std::atan2(imaginary, real);
  });
}

Tensor loco::amplitudeOf(const AnalyticSignal &signal) {
  return mapSignal(signal, [](double real, double imaginary) {
    return std::hypot(real, imaginary);
  });
}
