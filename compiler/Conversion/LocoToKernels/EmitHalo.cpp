//===- EmitHalo.cpp - What lies around a field ----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

using namespace mlir;
using namespace loco;

/// Copies (wrap) or clears (zero) the sites around a field. Rows first, as they
/// were stored, so that nothing waits for a store that it needs a part of; then
/// the ends of all rows, of those around the field, too. Where rows belong to
/// several threads, the ends first: everyone knows those of his own rows.
void Emitter::fillHalo(Reference reference) {
  const Place &place = schedule.places[reference.place];
  if (!place.layout.halo)
    return;
  Value base = pointerTo(reference);
  if (!place.stacked || reference.step)
    return fillHaloAt(place, base);
  Value bytes = constant(place.layout.size * bytesOf(place.element));
  loop(place.length, 1, {}, [&](Value step, Carried) {
    fillHaloAt(place,
               LLVM::GEPOp::create(b, loc, base.getType(), b.getI8Type(), base,
                                   ValueRange(times(step, bytes))));
  });
}

/// The halo of one step, whose site 0 is at `base`.
void Emitter::fillHaloAt(const Place &place, Value base) {
  const Layout &layout = place.layout;
  const Halo &halo = *layout.halo;
  int64_t rank = layout.shape.size();
  Type element = place.element;
  int64_t bytes = bytesOf(element);
  bool wrap = halo.boundary == Boundary::Wrap;
  int64_t width = lanes;
  lanes = 1;
  Value zero = isa<FloatType>(element) ? number(element, 0)
                                       : number(memoryElement(element), 0);
  Type memory = memoryElement(element);
  lanes = width;
  SmallVector<unsigned> order = layout.order();
  for (int64_t number = 0; number < rank; ++number) {
    int64_t k = splitAxis ? rank - 1 - number : number;
    unsigned axis = order[k];
    int64_t low = halo.low[axis], high = halo.high[axis],
            extent = layout.shape[axis];
    if (low + high == 0)
      continue;
    // All rows of the axes outside, and those around them by now.
    SmallVector<int64_t> outside, first;
    for (unsigned i : ArrayRef(order).take_front(k)) {
      first.push_back(splitAxis ? 0 : -halo.low[i]);
      outside.push_back(layout.shape[i] +
                        (splitAxis ? 0 : halo.low[i] + halo.high[i]));
    }
    auto fillSlices = [&](ArrayRef<Coordinate> outer, bool atBegin,
                          bool atEnd) {
      Value index;
      int64_t constantPart = 0;
      for (auto [coordinate, i] : llvm::zip(outer, order)) {
        index = plus(index, times(coordinate.base, layout.pitch[i]));
        constantPart += coordinate.offset * layout.pitch[i];
      }
      Value row = address(base, memory, index, constantPart);
      auto site = [&](int64_t i) {
        return address(row, memory, Value(), i * layout.pitch[axis]);
      };
      auto fill = [&](int64_t to, int64_t from) {
        if (layout.pitch[axis] == 1) {
          Value value = zero;
          if (wrap)
            value = LLVM::LoadOp::create(b, loc, memory, site(from), bytes);
          LLVM::StoreOp::create(b, loc, value, site(to), bytes);
          return;
        }
        // A whole slice with its own halo, which begins before its site 0; the
        // ends of rows are filled later, or are there.
        int64_t before = 0;
        for (unsigned i : ArrayRef(order).drop_front(k + 1))
          if (splitAxis || layout.pitch[i] != 1)
            before += halo.low[i] * layout.pitch[i];
        int64_t count = layout.pitch[axis];
        Value size = constant(count * bytes);
        Value target = address(site(to), memory, Value(), -before);
        if (wrap)
          LLVM::MemcpyOp::create(b, loc, target,
                                 address(site(from), memory, Value(), -before),
                                 size, false);
        else
          LLVM::MemsetOp::create(
              b, loc, target,
              arith::ConstantIntOp::create(b, loc, b.getI8Type(), 0), size,
              false);
      };
      for (int64_t i = 1; atBegin && i <= low; ++i)
        fill(-i, extent - i);
      for (int64_t i = 0; atEnd && i < high; ++i)
        fill(extent + i, i);
    };
    if (splitAxis && k == 0) {
      // Those fill the rows around the field who have the rows that lie there.
      byLast(true, {}, [&](Carried) { fillSlices({}, true, false); });
      byFirst(true, [&] { fillSlices({}, false, true); });
    } else if (splitAxis) {
      loop(ownBegin, ownEnd, 1, {}, [&](Value row, Carried) {
        nest(ArrayRef(outside).drop_front(), {},
             [&](ArrayRef<Coordinate> inner, Carried) {
               SmallVector<Coordinate> outer = {{row}};
               llvm::append_range(outer, inner);
               fillSlices(outer, true, true);
             });
      });
      std::prev(b.getInsertionPoint())->setAttr("loco.sites", b.getUnitAttr());
    } else {
      nest(outside, {}, [&](ArrayRef<Coordinate> inner, Carried) {
        SmallVector<Coordinate> outer(inner);
        for (auto [coordinate, begin] : llvm::zip(outer, first))
          coordinate.offset += begin;
        fillSlices(outer, true, true);
      });
    }
  }
}
