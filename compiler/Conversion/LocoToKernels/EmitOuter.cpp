//===- EmitOuter.cpp - Gradients by kernels that mix channels -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lanes are the channels of one of the two fields; of the other one, a block of
// channels at a time is broadcast. The sums of these channels and of the taps
// of a row stay in registers over all sites of the lattice, and a broadcast
// serves all sites of the tile that read it.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"
#include "dialects/Loco/Transforms/ConvForm.h"

using namespace mlir;
using namespace loco;

namespace {
/// Sums in registers, and the sites of a row that share broadcasts.
struct OuterTile {
  int64_t sums, sites;
};
} // namespace

static OuterTile outerTile(int64_t vectorBytes) {
  return vectorBytes == 64 ? OuterTile{24, 4} : OuterTile{9, 3};
}

/// Channels that are broadcast at the same time: as many as divide the field's.
static int64_t channelBlock(int64_t channels, int64_t taps, int64_t sums) {
  int64_t most = std::max<int64_t>(1, std::min(channels, sums / taps));
  while (channels % most && 2 * most > channels)
    --most;
  return most;
}

/// `field` where tap `tap` of the output at `site` reads it, or, for a
/// transpose without strides, the output where that of the field does; lanes,
/// if any, are channels.
Value Emitter::loadTap(const ConvForm &form, Value field, const Site &site,
                       ArrayRef<Coordinate> tap) {
  Reference reference = schedule.find(field);
  const Layout &layout = schedule.places[reference.place].layout;
  Site read = site;
  bool direct = true;
  for (auto [i, stride] : llvm::enumerate(form.strides)) {
    size_t axis = i + form.channels;
    int64_t extent = form.field.getDimSize(axis), low = form.low[i],
            sites = form.output.getDimSize(axis), last = form.window()[i] - 1;
    // How far beyond the field the first and the last site read.
    int64_t before = form.transposed ? last - low : low,
            after = form.transposed
                        ? extent + low - sites
                        : (sites - 1) * stride + last + 1 - low - extent;
    bool inside = before <= 0 && after <= 0;
    direct &=
        inside ||
        (layout.halo && layout.halo->boundary == form.boundary &&
         layout.halo->low[axis] >= before && layout.halo->high[axis] >= after);
    Coordinate &at = read[axis];
    if (form.transposed) {
      Value base = at.base;
      if (Value back = tap[i].base)
        base = arith::SubIOp::create(b, loc, base ? base : constant(0), back);
      at = {base, at.offset - tap[i].offset + low, at.lanes};
    } else {
      at = {plus(scaled(at.base, stride), tap[i].base),
            at.offset * stride + tap[i].offset - low, at.lanes && stride == 1};
    }
  }
  if (!direct)
    return loadAround(field, read, form.boundary).value;
  return load(reference, getElementTypeOrSelf(field), read);
}

/// Moves `site` of a field to the output that a tap at `distance` reads; false
/// if there is none.
bool Emitter::spread(const ConvForm &form, Site &site,
                     ArrayRef<int64_t> distance) {
  for (auto [i, stride] : llvm::enumerate(form.strides)) {
    Coordinate &at = site[i + form.channels];
    int64_t offset = at.offset + distance[i];
    if ((offset % stride + stride) % stride)
      return false;
    Value base = at.base;
    if (base && stride != 1) {
      Value &known =
          memo[keyOf(base.getAsOpaquePointer(), {{Value(), -stride}})];
      if (!known)
        known = arith::DivUIOp::create(b, loc, base, constant(stride));
      base = known;
    }
    at = {base, offset / stride};
  }
  return true;
}

/// The output at `site`, which may lie beyond its edges.
Value Emitter::loadSpread(const ConvForm &form, Value output,
                          const Site &site) {
  Reference reference = schedule.find(output);
  const Layout &layout = schedule.places[reference.place].layout;
  bool direct = layout.halo && layout.halo->boundary == form.boundary;
  for (size_t i = 0; direct && i < form.strides.size(); ++i) {
    auto [before, after] = form.spreadReach(i);
    direct = layout.halo->low[i + form.channels] >= before &&
             layout.halo->high[i + form.channels] >= after;
  }
  if (direct)
    return load(reference, getElementTypeOrSelf(output), site);
  return loadAround(output, site, form.boundary).value;
}

/// `base` times `factor`, the same value wherever it is asked for in a tile, so
/// that the same site is the same load.
Value Emitter::scaled(Value base, int64_t factor) {
  if (!base || factor == 1)
    return base;
  Value &known = memo[keyOf(base.getAsOpaquePointer(), {{Value(), factor}})];
  return known ? known : known = times(base, factor);
}

/// `op` with lanes along axis `lane` of the kernel: 0, its outputs, or 1, its
/// inputs.
void Emitter::outerLanes(ConvOuterOp op, unsigned lane) {
  ConvForm form(op);
  Type element = form.kernel.getElementType();
  Reference result = schedule.find(op.getResult());
  Sink sink{result, llvm::is_contained(schedule.blockSums, result.place)};
  startGroup(element, 0);
  OuterTile shape = outerTile(schedule.options.vectorBytes);
  ArrayRef<int64_t> sites = form.output.getShape().drop_front();
  ArrayRef<int64_t> window = form.window();
  // Taps along the last axis are summed together; a point has none.
  int64_t taps = window.empty() ? 1 : window.back();
  int64_t together = taps <= shape.sums ? taps : 1;
  int64_t channels = form.kernel.getDimSize(1 - lane);
  int64_t block = channelBlock(channels, together, shape.sums);

  // What the sites of one tile give the sums of channels from `channel` on.
  auto addTile = [&](const Coordinate &lanesAt, const Coordinate &channel,
                     int64_t count, ArrayRef<Coordinate> outerTap,
                     const Coordinate &firstTap, ArrayRef<Coordinate> rows,
                     const Coordinate &column, int64_t tile, Carried sums) {
    // One broadcast after the other, each with all that it is multiplied with.
    SmallVector<std::tuple<int64_t, int64_t, int64_t>> order;
    int64_t stride = sites.empty() ? 1 : form.strides.back();
    for (int64_t s = 0; s < tile; ++s)
      for (int64_t t = 0; t < together; ++t)
        order.push_back({lane == 0 ? s * stride + t : s, s, t});
    llvm::sort(order);
    for (int64_t c = 0; c < count; ++c)
      for (auto [number, s, t] : order) {
        Site given = {lane == 0 ? lanesAt : channel.shifted(c)};
        Site read = {lane == 0 ? channel.shifted(c) : lanesAt};
        for (Site *site : {&given, &read}) {
          llvm::append_range(*site, rows);
          if (!sites.empty())
            site->push_back(column.shifted(s));
        }
        SmallVector<Coordinate> tap(outerTap);
        if (!window.empty())
          tap.push_back(firstTap.shifted(t));
        Value &sum = sums[c * together + t];
        Value own = get(op.getLhs(), given);
        fetchNumbers = lane == 0 && c == 0;
        sum = fma(own, loadTap(form, op.getRhs(), read, tap), sum);
        fetchNumbers = false;
      }
  };

  auto sumAll = [&](const Coordinate &lanesAt, const Coordinate &channel,
                    int64_t count, ArrayRef<Coordinate> outerTap,
                    const Coordinate &firstTap) {
    Values sums(count * together, number(element, 0));
    nest(sites.drop_back(!sites.empty()), sums,
         [&](ArrayRef<Coordinate> rows, Carried carried) {
           int64_t extent = sites.empty() ? 1 : sites.back();
           int64_t whole = extent - extent % shape.sites;
           auto tile = [&](const Coordinate &column, int64_t size,
                           Carried inner) {
             addTile(lanesAt, channel, count, outerTap, firstTap, rows, column,
                     size, inner);
           };
           if (whole)
             loop(whole, shape.sites, carried, [&](Value first, Carried inner) {
               tile({first}, shape.sites, inner);
             });
           if (whole < extent)
             tile({Value(), whole}, extent - whole, carried);
         });
    for (int64_t c = 0; c < count; ++c)
      for (int64_t t = 0; t < together; ++t) {
        Site to = {lanesAt, channel.shifted(c)};
        if (lane == 1)
          std::swap(to[0], to[1]);
        llvm::append_range(to, outerTap);
        if (!window.empty())
          to.push_back(firstTap.shifted(t));
        store(sink, to, sums[c * together + t]);
      }
  };

  columns(form.kernel.getDimSize(lane), {}, [&](Value first, Carried) {
    Coordinate lanesAt = {first, 0, true};
    auto allTaps = [&](const Coordinate &channel, int64_t count) {
      SmallVector<int64_t> outer(window.drop_back(!window.empty()));
      outer.push_back(taps / together);
      nest(outer, {}, [&](ArrayRef<Coordinate> tap, Carried) {
        sumAll(lanesAt, channel, count, tap.drop_back(), tap.back());
      });
    };
    int64_t whole = channels - channels % block;
    loop(whole, block, {},
         [&](Value channel, Carried) { allTaps({channel}, block); });
    if (whole < channels)
      allTaps({Value(), whole}, channels - whole);
  });
}
