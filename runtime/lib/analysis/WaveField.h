//===- WaveField.h - Phase differences between neighbours -------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_ANALYSIS_WAVEFIELD_H
#define LOCO_ANALYSIS_WAVEFIELD_H

#include "loco/Waves.h"
#include "runtime/lib/analysis/Fourier.h"

#include <vector>

namespace loco {

/// For each site the one before it and the one after it along an axis, or -1.
struct AxisNeighbours {
  std::vector<int64_t> before, after;
};

AxisNeighbours neighboursAlong(const SiteGrid &grid, size_t axis);

/// Phase gradient at a site of one step, in radians per site: half the
/// difference over two sites, one-sided at an open end, 0 for a lone site, NaN
/// where the signal is zero.
double phaseGradient(const Complex *signal, int64_t site,
                     const AxisNeighbours &neighbours);

std::vector<Complex> complexValues(const AnalyticSignal &signal);

/// Fails unless activity of this shape is at least two steps of the lattice.
Status verifyOnGrid(const Shape &shape, const SiteGrid &grid);

} // namespace loco

#endif // LOCO_ANALYSIS_WAVEFIELD_H
