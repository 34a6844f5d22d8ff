//===- SiteGrid.h - Which sites lie beside each other -----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The neighbourhood that the analyses of maps and waves work on: a row-major
// box of sites whose axes each close on themselves, end, or do not connect.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_SITEGRID_H
#define LOCO_SITEGRID_H

#include "loco/Expected.h"
#include "loco/Tensor.h"

#include <utility>
#include <vector>

namespace loco {

/// What an axis of a lattice does at its ends.
enum class Edge : uint8_t {
  /// The last site lies beside the first.
  Periodic,
  /// The axis ends.
  Open,
  /// Sites along this axis are not neighbours: rings side by side, channels.
  Apart,
};

struct SiteGrid {
  Shape extents;
  /// One per axis.
  std::vector<Edge> edges;

  static SiteGrid torus(Shape extents);
  static SiteGrid open(Shape extents);
  /// `count` separate rings of `length` sites: extents [count, length].
  static SiteGrid rings(int64_t count, int64_t length);

  int64_t sites() const { return numElements(extents); }

  /// Axes along which sites have neighbours, in order.
  std::vector<size_t> connectedAxes() const;

  /// The site one step up (+1) or down (-1) along an axis, or -1 where the axis
  /// ends or does not connect. An axis of one site has no neighbours.
  int64_t neighbour(int64_t site, size_t axis, int step) const;

  /// All unordered pairs of neighbours, each once: a periodic axis of two sites
  /// gives one pair, not two.
  std::vector<std::pair<int64_t, int64_t>> neighbourPairs() const;

  /// Fails unless there is one edge per axis and every extent is positive.
  Status verify() const;
};

} // namespace loco

#endif // LOCO_SITEGRID_H
