//===- Directionality.cpp - Whether neighbours move one way ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/analysis/Directionality.h"

#include <cmath>
#include <limits>

using namespace loco;

/// How far a site's surroundings reach along each axis: on a ring as on a sheet
/// they are 25 sites, of which that many point one way by chance so rarely that
/// a percentile of chance lies below 1.
static int getReach(size_t axes) { return axes == 1 ? 12 : 2; }

/// Adds to each site what lies up to `reach` sites away along one axis.
static std::vector<double> sumAlong(const std::vector<double> &values,
                                    const AxisNeighbours &neighbours,
                                    int reach) {
  std::vector<double> sums = values;
  for (size_t site = 0; site < values.size(); ++site) {
    for (const auto *towards : {&neighbours.before, &neighbours.after}) {
      auto at = static_cast<int64_t>(site);
      for (int away = 0; away < reach; ++away) {
        at = (*towards)[at];
        if (at < 0)
          break;
        sums[site] += values[at];
      }
    }
  }
  return sums;
}

static std::vector<double> sumAround(std::vector<double> values,
                                     const std::vector<AxisNeighbours> &axes) {
  for (const AxisNeighbours &axis : axes)
    values = sumAlong(values, axis, getReach(axes.size()));
  return values;
}

std::vector<double>
loco::directionality(const Complex *signal,
                     const std::vector<AxisNeighbours> &axes, int64_t sites) {
  // Sites without a phase add nothing to the surroundings of others.
  std::vector<std::vector<double>> components(axes.size(),
                                              std::vector<double>(sites, 0));
  std::vector<double> lengths(sites, 0);
  std::vector<bool> hasPhase(sites, true);
  for (int64_t site = 0; site < sites; ++site) {
    double squared = 0;
    for (const AxisNeighbours &axis : axes) {
      double component = phaseGradient(signal, site, axis);
      squared += component * component;
    }
    hasPhase[site] = !std::isnan(squared);
    if (!hasPhase[site])
      continue;
    lengths[site] = std::sqrt(squared);
    for (size_t axis = 0; axis < axes.size(); ++axis)
      components[axis][site] = phaseGradient(signal, site, axes[axis]);
  }
  lengths = sumAround(std::move(lengths), axes);
  std::vector<double> squared(sites, 0);
  for (std::vector<double> &component : components) {
    component = sumAround(std::move(component), axes);
    for (int64_t site = 0; site < sites; ++site)
      squared[site] += component[site] * component[site];
  }
  std::vector<double> result(sites, std::numeric_limits<double>::quiet_NaN());
  for (int64_t site = 0; site < sites; ++site)
    if (hasPhase[site] && lengths[site] > 0)
      result[site] = std::sqrt(squared[site]) / lengths[site];
  return result;
}
