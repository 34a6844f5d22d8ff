//===- EmitLanes.cpp - Groups whose lanes are channels --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile is some sites of a row, each a vector of channels. Arrays of the
// caller have their channels apart: a tile of them is loaded along the row and
// turned in registers, as many sites as a vector has lanes at a time.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

#include <numeric>

using namespace mlir;
using namespace loco;

/// Runs over blocks of lanes, then over all other axes.
void Emitter::emitLanes(const Group &group, Carried accumulators) {
  unsigned lane = *group.lane;
  columns(group.shape[lane], accumulators, [&](Value first, Carried carried) {
    Site site(group.shape.size());
    site[lane] = {first, 0, true};
    emitLaneRows(group, 0, site, carried);
  });
}

/// Sites along `axis` after which the same taps of all strided transposes of
/// the group meet a site again.
static int64_t phasesOf(const Group &group, unsigned axis) {
  int64_t phases = 1;
  for (Operation *op : group.ops)
    if (auto transpose = dyn_cast<ConvTransposeOp>(op)) {
      size_t first = group.shape.size() - transpose.getStrides().size();
      if (axis >= first)
        phases = std::lcm(phases, transpose.getStrides()[axis - first]);
    }
  return phases;
}

void Emitter::emitLaneRows(const Group &group, unsigned axis, Site &site,
                           Carried accumulators) {
  if (axis == *group.lane)
    return emitLaneRows(group, axis + 1, site, accumulators);
  if (group.tileLines > 1 && static_cast<int>(axis) + 1 == group.tileAxis)
    return emitLaneLines(group, site, accumulators);
  if (static_cast<int>(axis) != group.tileAxis) {
    // As many sites at a time as decide which taps there are.
    int64_t extent = group.shape[axis], step = phasesOf(group, axis);
    auto sites = [&](Value index, int64_t first, int64_t count,
                     Carried carried) {
      for (int64_t i = 0; i < count; ++i) {
        site[axis] = {index, first + i};
        emitLaneRows(group, axis + 1, site, carried);
      }
    };
    int64_t rest = step == 1 ? 0 : extent % step;
    if (step == 1)
      loopOwn(
          extent, 1, splitAxis == axis, accumulators,
          [&](Value index, Carried carried) { sites(index, 0, 1, carried); });
    else if (extent > rest)
      loop(extent - rest, step, accumulators,
           [&](Value index, Carried carried) {
             sites(index, 0, step, carried);
           });
    sites(Value(), extent - rest, rest, accumulators);
    return;
  }
  auto tile = [&](const Coordinate &first, int64_t count, Carried carried) {
    SmallVector<Site> sites(count, site);
    for (int64_t i = 0; i < count; ++i)
      sites[i][axis] = first.shifted(i);
    emitLaneTile(group, sites, carried);
  };
  int64_t extent = group.shape[axis], phases = phasesOf(group, axis);
  int64_t rows = (group.tileRows + phases - 1) / phases * phases;
  int64_t whole = extent - extent % rows;
  if (whole == rows)
    tile({}, whole, accumulators);
  else if (whole)
    loopOwn(
        whole, rows, splitAxis == axis, accumulators,
        [&](Value first, Carried carried) { tile({first}, rows, carried); });
  if (whole < extent)
    byLast(splitAxis == axis, accumulators, [&](Carried carried) {
      tile({Value(), whole}, extent - whole, carried);
    });
}

/// Tiles of several whole rows.
void Emitter::emitLaneLines(const Group &group, Site &site,
                            Carried accumulators) {
  unsigned axis = group.tileAxis - 1;
  auto tile = [&](const Coordinate &first, int64_t count, Carried carried) {
    SmallVector<Site> sites;
    for (int64_t line = 0; line < count; ++line)
      for (int64_t i = 0; i < group.shape[group.tileAxis]; ++i) {
        site[axis] = first.shifted(line);
        site[group.tileAxis] = {Value(), i};
        sites.push_back(site);
      }
    emitLaneTile(group, sites, carried);
  };
  int64_t extent = group.shape[axis], lines = group.tileLines;
  int64_t whole = extent - extent % lines;
  if (whole == lines)
    tile({}, whole, accumulators);
  else
    loop(whole, lines, accumulators,
         [&](Value first, Carried carried) { tile({first}, lines, carried); });
  if (whole < extent)
    tile({Value(), whole}, extent - whole, accumulators);
}

/// All of the group at `sites`, which follow each other along the tiled axis, or
/// are whole rows along it.
void Emitter::emitLaneTile(const Group &group, ArrayRef<Site> sites,
                           Carried accumulators) {
  Memo outside = memo;
  for (Operation *op : group.ops)
    if (isElementwise(op))
      for (Value operand : op->getOperands())
        if (isa<RankedTensorType>(operand.getType()))
          loadTurned(group, operand, sites);
  for (const Root &root : group.roots)
    loadTurned(group, root.value, sites);
  SmallVector<Operation *> convs;
  for (Operation *op : group.ops)
    if (isa<ConvOp, ConvTransposeOp>(op) && !op->use_empty())
      convs.push_back(op);
  for (auto [number, op] : llvm::enumerate(convs)) {
    fetching = {&group, number, convs.size()};
    convRows(op, sites);
  }
  fetching = {};

  std::map<const Sink *, Values> turned;
  for (const Site &site : sites) {
    for (const Root &root : group.roots) {
      Value value = get(root.value, site);
      for (const Sink &sink : root.sinks) {
        if (isTurned(group, sink.to))
          turned[&sink].push_back(value);
        else
          store(sink, site, value);
      }
    }
  }
  Carried rest = accumulators;
  for (auto [op, count] : reductionsOf(group)) {
    if (auto reduce = dyn_cast<ReduceOp>(op))
      for (const Site &site : sites)
        reduceInto(reduce, site, rest[0]);
    else
      outerRows(cast<ConvOuterOp>(op), sites, rest.take_front(count));
    rest = rest.drop_front(count);
  }
  for (const Root &root : group.roots)
    for (const Sink &sink : root.sinks)
      if (auto found = turned.find(&sink); found != turned.end())
        storeTurned(group, sink, sites, found->second);
  memo = std::move(outside);
}

bool Emitter::isTurned(const Group &group, Reference reference) const {
  return lanes > 1 && schedule.isTurned(group, reference);
}

/// Exchanges rows and columns of `rows`, as many as a vector has lanes: a
/// number's row and column, read as one binary number, are rotated by one
/// digit in each round.
void Emitter::turn(Values &rows) {
  int64_t half = lanes / 2;
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < half; ++i) {
    low.append({i, lanes + i});
    high.append({half + i, lanes + half + i});
  }
  for (int64_t size = lanes; size > 1; size /= 2) {
    Values next;
    for (int64_t i = 0; i < half; ++i)
      for (ArrayRef<int64_t> order : {ArrayRef(low), ArrayRef(high)})
        next.push_back(
            vector::ShuffleOp::create(b, loc, rows[i], rows[i + half], order));
    rows = std::move(next);
  }
}

/// The first `count` lanes; null if these are all.
Value Emitter::firstLanes(int64_t count) {
  if (count >= lanes)
    return Value();
  SmallVector<bool> bits(lanes, false);
  std::fill_n(bits.begin(), count, true);
  auto type = VectorType::get({lanes}, b.getI1Type());
  return arith::ConstantOp::create(
      b, loc, type, DenseElementsAttr::get(type, ArrayRef<bool>(bits)));
}

/// For each lane of `site`: its coordinate alone, and whether it exists (null:
/// it does).
SmallVector<std::pair<Coordinate, Value>>
Emitter::lanesApart(const Group &group, const Site &site) {
  SmallVector<std::pair<Coordinate, Value>> apart;
  const Coordinate &all = site[*group.lane];
  int64_t extent = group.shape[*group.lane];
  for (int64_t l = 0; l < lanes; ++l) {
    Coordinate one = {all.base, all.offset + l};
    Value exists;
    if (extent % lanes) {
      // Of a channel that does not exist, the last one is read instead.
      Value at = scalar(one), last = constant(extent - 1);
      exists =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, at, last);
      one = {arith::MinSIOp::create(b, loc, at, last)};
    }
    apart.push_back({one, exists});
  }
  return apart;
}

/// Loads `value` at all sites and remembers it, if its lanes are apart.
void Emitter::loadTurned(const Group &group, Value value,
                         ArrayRef<Site> sites) {
  Reference reference = schedule.find(value);
  Operation *op = value.getDefiningOp();
  if (!isTurned(group, reference) || (op && here.contains(op)) ||
      (op && op->hasTrait<OpTrait::ConstantLike>()) ||
      recall(value, sites.front()))
    return;
  Type element = getElementTypeOrSelf(value);
  Value outside = valid;
  for (size_t k = 0; k < sites.size(); k += lanes) {
    int64_t count = std::min<int64_t>(lanes, sites.size() - k);
    valid = firstLanes(count);
    Values rows;
    for (auto [channel, exists] : lanesApart(group, sites[k])) {
      Site at = sites[k];
      at[*group.lane] = channel;
      at[group.tileAxis].lanes = true;
      rows.push_back(loadUncached(reference, element, at));
    }
    turn(rows);
    for (int64_t i = 0; i < count; ++i)
      remember(value, sites[k + i], rows[i]);
  }
  valid = outside;
}

/// Stores `values`, one for each site.
void Emitter::storeTurned(const Group &group, const Sink &sink,
                          ArrayRef<Site> sites, ArrayRef<Value> values) {
  Value outside = valid;
  for (size_t k = 0; k < sites.size(); k += lanes) {
    int64_t count = std::min<int64_t>(lanes, sites.size() - k);
    Values rows(values.slice(k, count));
    rows.resize(lanes, rows.back());
    turn(rows);
    Value inRow = firstLanes(count);
    for (auto [row, apart] : llvm::zip(rows, lanesApart(group, sites[k]))) {
      auto [channel, exists] = apart;
      Site at = sites[k];
      at[*group.lane] = channel;
      at[group.tileAxis].lanes = true;
      valid = both(inRow, exists ? splat(exists) : Value());
      store(sink, at, row);
    }
  }
  valid = outside;
}
