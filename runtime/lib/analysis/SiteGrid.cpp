//===- SiteGrid.cpp - Which sites lie beside each other -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/SiteGrid.h"

using namespace loco;

SiteGrid SiteGrid::torus(Shape extents) {
  std::vector<Edge> edges(extents.size(), Edge::Periodic);
  return {std::move(extents), std::move(edges)};
}

SiteGrid SiteGrid::open(Shape extents) {
  std::vector<Edge> edges(extents.size(), Edge::Open);
  return {std::move(extents), std::move(edges)};
}

SiteGrid SiteGrid::rings(int64_t count, int64_t length) {
  return {{count, length}, {Edge::Apart, Edge::Periodic}};
}

std::vector<size_t> SiteGrid::connectedAxes() const {
  std::vector<size_t> axes;
  for (size_t axis = 0; axis < edges.size(); ++axis)
    if (edges[axis] != Edge::Apart)
      axes.push_back(axis);
  return axes;
}

int64_t SiteGrid::neighbour(int64_t site, size_t axis, int step) const {
  int64_t extent = extents[axis];
  if (edges[axis] == Edge::Apart || extent == 1)
    return -1;
  int64_t stride = 1;
  for (size_t inner = axis + 1; inner < extents.size(); ++inner)
    stride *= extents[inner];
  int64_t place = (site / stride) % extent;
  int64_t target = place + step;
  if (target < 0 || target >= extent) {
    if (edges[axis] == Edge::Open)
      return -1;
    target = (target + extent) % extent;
  }
  return site + (target - place) * stride;
}

std::vector<std::pair<int64_t, int64_t>> SiteGrid::neighbourPairs() const {
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (size_t axis : connectedAxes())
    for (int64_t site = 0, end = sites(); site < end; ++site) {
      int64_t next = neighbour(site, axis, +1);
      bool seenFromOtherSide = extents[axis] == 2 && next < site;
      if (next >= 0 && !seenFromOtherSide)
        pairs.emplace_back(site, next);
    }
  return pairs;
}

Status SiteGrid::verify() const {
  if (extents.empty() || extents.size() != edges.size())
    return Error{"a lattice of " + std::to_string(extents.size()) +
                 " axes has " + std::to_string(edges.size()) +
                 " edges, expected one for each axis"};
  for (int64_t extent : extents)
    if (extent <= 0)
      return Error{"the lattice " + describe(extents) + " has no sites"};
  return {};
}
