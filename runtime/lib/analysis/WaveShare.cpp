//===- WaveShare.cpp - How much of the activity is waves ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/analysis/Directionality.h"
#include "runtime/lib/analysis/Shuffle.h"
#include "runtime/lib/analysis/WaveField.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>

using namespace loco;

namespace {
/// What is known of the places of a field, (site, step), that have a phase.
struct Places {
  std::vector<double> wavelengths, directionalities;

  void append(const Places &more) {
    wavelengths.insert(wavelengths.end(), more.wavelengths.begin(),
                       more.wavelengths.end());
    directionalities.insert(directionalities.end(),
                            more.directionalities.begin(),
                            more.directionalities.end());
  }
};
} // namespace

/// Of the steps from `first` on.
static Places measurePlaces(const std::vector<Complex> &signal,
                            const std::vector<AxisNeighbours> &axes,
                            int64_t first, int64_t sites) {
  Places places;
  int64_t steps = int64_t(signal.size()) / sites;
  for (int64_t step = first; step < steps; ++step) {
    const Complex *now = signal.data() + step * sites;
    for (int64_t site = 0; site < sites; ++site) {
      double squared = 0;
      for (const AxisNeighbours &neighbours : axes) {
        double gradient = phaseGradient(now, site, neighbours);
        squared += gradient * gradient;
      }
      if (!std::isnan(squared))
        places.wavelengths.push_back(2 * std::numbers::pi / std::sqrt(squared));
    }
    for (double value : directionality(now, axes, sites))
      if (!std::isnan(value))
        places.directionalities.push_back(value);
  }
  return places;
}

/// A copy of the field in which the sites along `axis` have exchanged their
/// places, each line along it by an order of its own. A site's course over time
/// stays whole: only where it is, is left to chance.
static Tensor exchangeAlong(const Tensor &field, const Shape &extents,
                            size_t axis, std::mt19937_64 &random) {
  int64_t stride = 1, sites = 1;
  for (int64_t extent : extents)
    sites *= extent;
  for (size_t inner = axis + 1; inner < extents.size(); ++inner)
    stride *= extents[inner];
  int64_t length = extents[axis], steps = field.shape()[0];
  Tensor exchanged(ElementType::F64, field.shape());
  std::vector<int64_t> order(length);
  for (int64_t start = 0; start < sites; ++start) {
    if ((start / stride) % length != 0)
      continue;
    std::iota(order.begin(), order.end(), 0);
    shuffle(order, random);
    for (int64_t step = 0; step < steps; ++step) {
      int64_t line = step * sites + start;
      for (int64_t place = 0; place < length; ++place)
        exchanged.as<double>()[line + place * stride] =
            field.at(line + order[place] * stride);
    }
  }
  return exchanged;
}

/// The percentile with linear interpolation between ranks; NaN of nothing.
static double percentileOf(std::vector<double> &values, double percentile) {
  if (values.empty())
    return std::numeric_limits<double>::quiet_NaN();
  double rank = percentile / 100 * double(values.size() - 1);
  auto low = values.begin() + int64_t(rank);
  std::nth_element(values.begin(), low, values.end());
  double fraction = rank - std::floor(rank);
  if (fraction == 0)
    return *low;
  double next = *std::min_element(low + 1, values.end());
  return std::isinf(next) ? next : *low + fraction * (next - *low);
}

/// How many values exceed the bound; none does if it is NaN.
static double countAbove(const std::vector<double> &values, double bound) {
  return double(std::count_if(values.begin(), values.end(),
                              [&](double value) { return value > bound; }));
}

/// The places of the field with its order along the last axis destroyed.
static Places measureChance(const Tensor &field, const SiteGrid &grid,
                            const std::vector<AxisNeighbours> &axes,
                            const WaveShareOptions &options,
                            std::mt19937_64 &random) {
  Places chance;
  for (int64_t round = 0; round < options.shuffles; ++round) {
    // The exchange keeps values finite, so this signal exists if the field's
    // own does.
    Expected<AnalyticSignal> signal = analyticSignal(
        exchangeAlong(field, grid.extents, grid.connectedAxes().back(), random),
        options.signal);
    chance.append(measurePlaces(complexValues(*signal), axes, options.firstStep,
                                grid.sites()));
  }
  return chance;
}

/// Shares, cut-offs and undefined share of one sample.
static Expected<WaveShare> shareOfSample(const Tensor &field,
                                         const SiteGrid &grid,
                                         const WaveShareOptions &options,
                                         std::mt19937_64 &random) {
  Expected<AnalyticSignal> signal = analyticSignal(field, options.signal);
  if (!signal)
    return signal.error();
  std::vector<AxisNeighbours> axes;
  for (size_t axis : grid.connectedAxes())
    axes.push_back(neighboursAlong(grid, axis));
  Places places = measurePlaces(complexValues(*signal), axes, options.firstStep,
                                grid.sites());
  Places chance = measureChance(field, grid, axes, options, random);

  double counted =
      double((field.shape()[0] - options.firstStep) * grid.sites());
  WaveShare result;
  result.undefined = 1 - double(places.wavelengths.size()) / counted;
  result.directionality =
      percentileOf(chance.directionalities, options.percentile);
  result.directedShare =
      countAbove(places.directionalities, result.directionality) / counted;
  result.cutOff = percentileOf(chance.wavelengths, options.percentile);
  result.share = countAbove(places.wavelengths, result.cutOff) / counted;
  return result;
}

/// One sample of a field of samples, as a field of its own.
static Tensor sampleOf(const Tensor &field, int64_t sample) {
  Tensor result(ElementType::F64,
                Shape(field.shape().begin() + 1, field.shape().end()));
  for (int64_t at = 0; at < result.size(); ++at)
    result.as<double>()[at] = field.at(sample * result.size() + at);
  return result;
}

static Status verifyOptions(const WaveShareOptions &options, int64_t steps) {
  if (options.firstStep < 0 || options.firstStep >= steps)
    return Error{"step " + std::to_string(options.firstStep) +
                 " cannot be the first to count among " +
                 std::to_string(steps) + " steps"};
  if (options.shuffles < 1)
    return Error{"a cut-off needs at least one shuffle"};
  if (!(options.percentile >= 0 && options.percentile <= 100))
    return Error{"the percentile " + std::to_string(options.percentile) +
                 " is not in 0 to 100"};
  return {};
}

Expected<WaveShare> loco::waveShare(const Tensor &field, const SiteGrid &grid,
                                    const WaveShareOptions &options) {
  bool manySamples = field.shape().size() == grid.extents.size() + 2;
  Shape shape = field.shape();
  if (manySamples)
    shape.erase(shape.begin());
  if (Status failed = verifyOnGrid(shape, grid))
    return failed.error();
  if (Status failed = verifyOptions(options, shape[0]))
    return failed.error();

  std::mt19937_64 random(options.seed);
  if (!manySamples)
    return shareOfSample(field, grid, options, random);
  int64_t samples = field.shape()[0];
  if (samples == 0)
    return Error{"a field without samples has no waves"};
  WaveShare mean;
  int64_t withCutOff = 0;
  for (int64_t sample = 0; sample < samples; ++sample) {
    Expected<WaveShare> one =
        shareOfSample(sampleOf(field, sample), grid, options, random);
    if (!one)
      return Error{"sample " + std::to_string(sample) + ": " + one.message()};
    mean.directedShare += one->directedShare / double(samples);
    mean.share += one->share / double(samples);
    mean.undefined += one->undefined / double(samples);
    if (!std::isnan(one->cutOff) && !std::isnan(one->directionality)) {
      mean.cutOff += one->cutOff;
      mean.directionality += one->directionality;
      ++withCutOff;
    }
  }
  double none = std::numeric_limits<double>::quiet_NaN();
  mean.cutOff = withCutOff ? mean.cutOff / double(withCutOff) : none;
  mean.directionality =
      withCutOff ? mean.directionality / double(withCutOff) : none;
  return mean;
}
