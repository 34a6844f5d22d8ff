//===- Directionality.h - Whether neighbours move one way -------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_ANALYSIS_DIRECTIONALITY_H
#define LOCO_ANALYSIS_DIRECTIONALITY_H

#include "runtime/lib/analysis/WaveField.h"

namespace loco {

/// The phase gradient directionality around each site of one step: the length
/// of the mean phase gradient over the mean of its lengths, among the sites up
/// to two away along each axis, or up to twelve where there is one axis. 1 for
/// a plane wave of any length, small where gradients point anywhere; NaN where
/// the site has no phase or no gradient is near it (Rubino, Robbins and
/// Hatsopoulos 2006).
std::vector<double> directionality(const Complex *signal,
                                   const std::vector<AxisNeighbours> &axes,
                                   int64_t sites);

} // namespace loco

#endif // LOCO_ANALYSIS_DIRECTIONALITY_H
