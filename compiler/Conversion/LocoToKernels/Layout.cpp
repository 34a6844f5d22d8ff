//===- Layout.cpp - Where the sites of a field lie in memory --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Layout.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace loco;

Layout Layout::dense(ArrayRef<int64_t> shape) {
  Layout layout;
  layout.shape.assign(shape.begin(), shape.end());
  layout.pitch.resize(shape.size());
  for (int64_t i = shape.size(); i-- > 0;) {
    layout.pitch[i] = layout.size;
    layout.size *= shape[i];
  }
  return layout;
}

Layout Layout::padded(ArrayRef<int64_t> shape, const Halo &halo,
                      int64_t lanes) {
  Layout layout;
  layout.shape.assign(shape.begin(), shape.end());
  layout.halo = halo;
  int64_t rank = shape.size(), last = rank - 1;
  layout.pitch.resize(rank);
  layout.pitch[last] = 1;
  // Room for the row in whole vectors, and for both halos behind the sites.
  int64_t extent = llvm::alignTo(
      std::max<int64_t>(llvm::alignTo(shape[last], lanes),
                        shape[last] + halo.high[last] + halo.low[last]),
      lanes);
  int64_t before = llvm::alignTo(halo.low[last], lanes);
  for (int64_t i = last; i-- > 0;) {
    layout.pitch[i] = extent;
    before += halo.low[i] * extent;
    extent *= shape[i] + halo.low[i] + halo.high[i];
  }
  layout.origin = before;
  // The last row may be read past its end by a vector and a halo.
  layout.size = llvm::alignTo(extent + llvm::alignTo(halo.low[last], lanes) +
                                  lanes + halo.high[last],
                              lanes);
  return layout;
}

Layout Layout::interleaved(ArrayRef<int64_t> shape, unsigned lane,
                           const std::optional<Halo> &halo, int64_t lanes) {
  Layout layout;
  layout.shape.assign(shape.begin(), shape.end());
  layout.halo = halo;
  layout.lane = lane;
  layout.pitch.resize(shape.size());
  layout.pitch[lane] = 1;
  int64_t extent = llvm::alignTo(shape[lane], lanes);
  for (int64_t i = shape.size(); i-- > 0;) {
    if (i == lane)
      continue;
    layout.pitch[i] = extent;
    int64_t low = halo ? halo->low[i] : 0, high = halo ? halo->high[i] : 0;
    layout.origin += low * extent;
    extent *= shape[i] + low + high;
  }
  layout.size = extent;
  return layout;
}

Layout Layout::sideBySide(Layout layout, int64_t count) {
  for (int64_t &pitch : layout.pitch)
    pitch *= count;
  layout.origin *= count;
  layout.size *= count;
  layout.abreast *= count;
  return layout;
}

SmallVector<unsigned> Layout::order() const {
  SmallVector<unsigned> axes;
  for (unsigned i = 0; i < shape.size(); ++i)
    if (i != lane)
      axes.push_back(i);
  if (lane)
    axes.push_back(*lane);
  return axes;
}
