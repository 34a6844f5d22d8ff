//===- Selectivity.h - Maps of what sites respond to ------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which class of stimuli (orientation of a grating, digit) each site of a
// lattice prefers, and how well ordered the map of preferences is.
//
// The measure is Cohen's d of each class against all others pooled,
//
//   d_c = (mean_c - mean_rest) / sqrt((var_c + var_rest) / 2),
//
// with unbiased variances and its sign kept: only "more active than the rest"
// counts. It is the measure of Keller, Gao & Welling, "Modeling category-
// selective cortical regions with topographic variational autoencoders" (2021),
// used with the threshold 0.65 for the orientation maps of Neural Wave Machines
// (Keller & Welling, ICML 2023).
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_SELECTIVITY_H
#define LOCO_SELECTIVITY_H

#include "loco/Expected.h"
#include "loco/SiteGrid.h"
#include "loco/Tensor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace loco {

struct Selectivity {
  /// Cohen's d, F64 [classes, sites...]. Where both variances are zero it is 0
  /// for equal means and infinite otherwise. It is NaN for a class with fewer
  /// than two samples in it or outside it, and at a site with a response that
  /// is not finite.
  Tensor effect;
  /// Class of the largest d, I32 [sites...]; the first of equals; -1 where no
  /// d is defined.
  Tensor best;
  /// `best` where the largest d exceeds the threshold, -1 elsewhere, I32.
  Tensor map;
  double threshold = 0;
  /// Number of sites with a response that is not finite.
  int64_t notFinite = 0;
};

/// Compares the responses [samples, sites...] of each class with those of all
/// others. `labels` is I32 [samples] with values 0 to classes - 1. Fails on
/// shapes that do not fit, a label out of range, and when fewer than two
/// classes occur among the labels.
Expected<Selectivity> selectivity(const Tensor &responses, const Tensor &labels,
                                  int64_t classes, double threshold = 0.65);

struct MapStatistics {
  /// Sites that prefer a class, as a share of all sites.
  double selectiveShare = 0;
  /// Connected sets of selective sites of equal class; neighbours are those
  /// across an edge (four on a torus, two on a ring).
  int64_t domains = 0;
  /// Those of at least ten sites.
  int64_t largeDomains = 0;
  /// Among the pairs of neighbours that are both selective, the share with
  /// equal classes. An unselective site has no class, so its pairs do not
  /// count. NaN if there is no such pair.
  double equalNeighbours = 0;
  /// The same after a random exchange of all sites, unselective ones included:
  /// mean over the shuffles that leave a pair.
  double equalNeighboursShuffled = 0;
  /// Among the same pairs, the share whose classes are one apart, the last and
  /// the first being one apart: neighbouring orientations.
  double adjacentNeighbours = 0;
  /// Pairs of neighbours that are both selective.
  int64_t selectivePairs = 0;
  /// Sites by class.
  std::vector<int64_t> sitesPerClass;
};

struct ShuffleOptions {
  int64_t shuffles = 100;
  uint64_t seed = 0;
};

/// Order of a map of classes, I32 [sites...] with -1 for unselective sites.
/// The same seed gives the same result on every machine. Fails if the map does
/// not have the grid's shape or holds a class out of range.
Expected<MapStatistics> mapStatistics(const Tensor &map, const SiteGrid &grid,
                                      int64_t classes,
                                      const ShuffleOptions &options = {});

/// The statistics in two lines for people, as printed under a map.
std::vector<std::string> describe(const MapStatistics &statistics);

} // namespace loco

#endif // LOCO_SELECTIVITY_H
