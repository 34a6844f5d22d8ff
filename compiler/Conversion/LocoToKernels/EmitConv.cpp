//===- EmitConv.cpp - Convolutions over tiles of rows ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"
#include "dialects/Loco/Transforms/ConvForm.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace loco;

/// Windows of more taps get a loop.
static constexpr int64_t mostUnrolledTaps = 64;

/// Where tap `tap` reads for the result at `site`, with window coordinates that
/// may be known at run time only and any stride; null where there is nothing.
static Value
moveThroughWindow(OpBuilder &b, Location loc, const ConvForm &form,
                  MutableArrayRef<Coordinate> site,
                  llvm::function_ref<Value(const Coordinate &)> perLane,
                  llvm::function_ref<Value(int64_t)> splat,
                  ArrayRef<Coordinate> tap) {
  Value exists;
  for (auto [i, at] : llvm::enumerate(site)) {
    Value t = perLane(tap[i]), lane = perLane(at);
    Value stride = splat(form.strides[i]), pad = splat(form.low[i]);
    at = {};
    if (!form.transposed) {
      Value first = arith::MulIOp::create(b, loc, lane, stride);
      first = arith::AddIOp::create(b, loc, first, t);
      at.vector = arith::SubIOp::create(b, loc, first, pad);
      continue;
    }
    // Outputs that this site is read by: (site - tap + low) / stride, if whole.
    Value q = arith::AddIOp::create(b, loc, lane, pad);
    q = arith::SubIOp::create(b, loc, q, t);
    if (form.boundary == Boundary::Wrap) {
      Value sites = splat(form.field.getShape().take_back(site.size())[i]);
      q = arith::RemSIOp::create(b, loc, q, sites);
      q = arith::AddIOp::create(b, loc, q, sites);
      q = arith::RemSIOp::create(b, loc, q, sites);
    }
    Value rest = arith::RemSIOp::create(b, loc, q, stride);
    Value whole =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, rest, splat(0));
    exists =
        exists ? Value(arith::AndIOp::create(b, loc, exists, whole)) : whole;
    at.vector = arith::DivSIOp::create(b, loc, q, stride);
  }
  return exists;
}

/// The axis along which `rows` follow each other.
static unsigned tileAxisOf(ArrayRef<Site> rows) {
  for (unsigned i = 0; rows.size() > 1 && i < rows[0].size(); ++i)
    if (rows[0][i].offset != rows[1][i].offset)
      return i;
  return 0;
}

/// True if `a` and `c` read the same sites of the same field, without channels.
static bool readAlike(Operation *a, Operation *c) {
  if (a->getName() != c->getName() || a->getOperand(1) != c->getOperand(1))
    return false;
  ConvForm form = ConvForm::of(a), other = ConvForm::of(c);
  return !form.channels && !other.channels && form.window() == other.window() &&
         form.low == other.low && form.strides == other.strides &&
         form.boundary == other.boundary && form.field == other.field;
}

/// True if the rows of the window are a loop where lanes are channels.
static bool loopsOverWindow(const Schedule &schedule, const ConvForm &form) {
  return schedule.windowLoops && form.window().size() > 1 &&
         form.window().front() > 1 && (!form.transposed || !form.strided());
}

/// Convolutions of one field that share its loads, at most: their sums are in
/// registers at the same time.
static constexpr size_t mostTogether = 3;

/// Emits all convs of `group` at `rows`.
void Emitter::convTogether(const Group &group, ArrayRef<Site> rows) {
  SmallVector<SmallVector<Operation *>> sets;
  for (Operation *op : group.ops) {
    if (!isa<ConvOp, ConvTransposeOp>(op) || op->use_empty())
      continue;
    auto set = llvm::find_if(sets, [&](ArrayRef<Operation *> known) {
      return known.size() < mostTogether && readAlike(known.front(), op);
    });
    if (set == sets.end())
      sets.push_back({op});
    else
      set->push_back(op);
  }
  for (ArrayRef<Operation *> set : sets)
    convRows(set, rows);
}

/// Emits `ops`, a conv or its transpose or some that read alike, at all `rows`,
/// and remembers the results.
void Emitter::convRows(ArrayRef<Operation *> ops, ArrayRef<Site> rows) {
  ConvForm form = ConvForm::of(ops.front());
  Value read = ops.front()->getOperand(1);
  auto from = cast<RankedTensorType>(read.getType());
  auto to = cast<RankedTensorType>(ops.front()->getResult(0).getType());
  Type element = to.getElementType();
  int64_t inGroup = form.channels ? to.getDimSize(0) / form.groups : 1;
  int64_t readInGroup = form.channels ? from.getDimSize(0) / form.groups : 1;

  // Adds what one tap of one channel (counted within its group) gives row `r`;
  // `totals`: all rows of an op, then those of the next one.
  auto addTap = [&](unsigned r, ArrayRef<Coordinate> tap,
                    ArrayRef<int64_t> distance, const Coordinate &channel,
                    Carried totals) {
    Site weight, site = rows[r];
    if (form.channels) {
      Coordinate own = rows[r][0], other = channel;
      if (form.groups > 1) {
        Value group =
            arith::DivSIOp::create(b, loc, scalar(own), constant(inGroup));
        other = {plus(times(group, readInGroup), scalar(channel))};
        if (form.transposed)
          own = {
              arith::RemSIOp::create(b, loc, scalar(own), constant(inGroup))};
      }
      weight = form.transposed ? Site{other, own} : Site{own, channel};
      site[0] = other;
    }
    llvm::append_range(weight, tap);
    Masked x;
    if (!form.strided() && !distance.empty()) {
      SmallVector<int64_t> moved(form.channels, 0), extents(to.getShape());
      llvm::append_range(moved, distance);
      if (form.channels)
        extents[0] = from.getDimSize(0);
      x = loadMoved(read, site, moved, extents, form.boundary);
    } else if (form.channels && rows[r][0].lanes &&
               (!form.transposed || !form.strided())) {
      x.value = loadTap(form, read, site, tap);
    } else if (form.canSpread() && rows[r][0].lanes && !distance.empty()) {
      // Sites begin at multiples of the strides (emitLaneRows).
      if (!spread(form, site, distance))
        return;
      x.value = loadSpread(form, read, site);
    } else {
      Value exists = moveThroughWindow(
          b, loc, form, MutableArrayRef(site).drop_front(form.channels),
          [&](const Coordinate &c) { return perLane(c); },
          [&](int64_t n) { return splat32(n); }, tap);
      x = loadAround(read, site, form.boundary);
      x.value = masked(exists, x.value, number(element, 0));
    }
    for (auto [i, op] : llvm::enumerate(ops)) {
      Value w = get(op->getOperand(0), weight);
      Value &total = totals[i * rows.size() + r];
      total = total ? fma(w, x.value, total)
                    : Value(arith::MulFOp::create(b, loc, w, x.value));
    }
  };

  auto addChannel = [&](const Coordinate &channel, Carried totals) {
    if (form.taps() > mostUnrolledTaps) {
      nest(form.window(), totals, [&](ArrayRef<Coordinate> tap, Carried sums) {
        for (unsigned r = 0; r < rows.size(); ++r)
          addTap(r, tap, {}, channel, sums);
      });
      return;
    }
    // Where rows are sites, one row of the window after the other: sums that
    // wait for themselves are far apart, and few weights in use. Otherwise one
    // column after the other: a weight serves all rows of sites, and a vector
    // of sites is in use until the last row that has it in its window.
    bool sites = form.channels && rows.front().front().lanes;
    bool looped = sites && loopsOverWindow(schedule, form);
    SmallVector<std::tuple<int64_t, int64_t, int64_t, unsigned>> order;
    int64_t written =
        looped ? form.taps() / form.window().front() : form.taps();
    for (int64_t tap = 0; tap < written; ++tap)
      for (unsigned r = 0; r < rows.size(); ++r) {
        int64_t part = form.tapAt(tap).back(), next = tap;
        if (sites) {
          int64_t spatial = int64_t(tileAxisOf(rows)) - 1;
          part = tap / form.window().back();
          next = spatial < 0 || rows.size() == 1
                     ? 0
                     : form.distance(tap)[spatial] + int64_t(r);
        } else if (form.channels) {
          next = tap * to.getDimSize(0) + rows[r].front().offset;
        }
        order.push_back({part, next, tap, r});
      }
    llvm::sort(order);
    auto addTaps = [&](const Coordinate &row, Carried sums) {
      for (auto [part, next, tap, r] : order) {
        SmallVector<Coordinate> at;
        for (int64_t t : form.tapAt(tap))
          at.push_back({Value(), t});
        if (row.base)
          at.front() = row;
        SmallVector<int64_t> distance;
        if (!row.base)
          distance = form.distance(tap);
        addTap(r, at, distance, channel, sums);
      }
    };
    if (looped)
      nest({form.window().front()}, totals,
           [&](ArrayRef<Coordinate> row, Carried sums) {
             addTaps(row.front(), sums);
           });
    else
      addTaps({}, totals);
  };

  Values totals(ops.size() * rows.size());
  if (form.channels || form.taps() > mostUnrolledTaps)
    totals.assign(totals.size(), number(element, 0));
  if (form.channels)
    nest({readInGroup}, totals,
         [&](ArrayRef<Coordinate> channel, Carried sums) {
           fetchAhead(rows, channel[0], readInGroup);
           addChannel(channel[0], sums);
         });
  else
    addChannel({}, totals);
  for (auto [i, total] : llvm::enumerate(totals))
    remember(ops[i / rows.size()]->getResult(0), rows[i % rows.size()], total);
}

//===----------------------------------------------------------------------===//
// Gradient by the kernel
//===----------------------------------------------------------------------===//

/// Adds what the sites of `rows` give each tap, one accumulator a tap.
void Emitter::outerRows(ConvOuterOp op, ArrayRef<Site> rows,
                        Carried accumulators) {
  ConvForm form(op);
  unsigned axis = tileAxisOf(rows);
  SmallVector<std::tuple<int64_t, int64_t, unsigned>> order;
  for (int64_t tap = 0; tap < form.taps(); ++tap)
    for (unsigned r = 0; r < rows.size(); ++r)
      order.push_back(
          {rows.size() == 1 ? 0 : form.distance(tap)[axis] + int64_t(r), tap,
           r});
  llvm::sort(order);
  Type element = form.kernel.getElementType();
  Values given;
  for (const Site &site : rows)
    given.push_back(masked(valid, get(op.getLhs(), site), number(element, 0)));
  for (auto [row, tap, r] : order) {
    Masked x = loadMoved(op.getRhs(), rows[r], form.distance(tap),
                         form.output.getShape(), form.boundary);
    accumulators[tap] = fma(given[r], x.value, accumulators[tap]);
  }
}

/// Taps of a kernel gradient that are summed at the same time, at most.
static constexpr int64_t mostOuterTaps = 9;

/// Output channels of a kernel gradient that share the loads of the field: as
/// many as divide those of a group, with sums of all taps that fit into
/// registers beside what they are made of.
static int64_t outerChannels(int64_t inGroup, int64_t taps,
                             int64_t vectorBytes) {
  int64_t count = std::max<int64_t>(1, (vectorBytes == 64 ? 27 : 12) / taps);
  while (count > 1 && inGroup % count)
    --count;
  return count;
}

/// A kernel gradient with channels, strides or a large window: all taps of some
/// output channels and one input channel at a time, or a row of taps after the
/// other, or one tap.
void Emitter::outerNest(ConvOuterOp op) {
  ConvForm form(op);
  Type element = form.kernel.getElementType();
  Sink sink{schedule.find(op.getResult()), false};
  ArrayRef<int64_t> sites = form.output.getShape().drop_front(form.channels);
  startGroup(element, sites.empty() ? 1 : sites.back());
  maskedLoads = true;
  bool unrolled = form.taps() <= mostOuterTaps;
  int64_t rowTaps = form.window().empty() ? 1 : form.window().back();
  bool byRows = !unrolled && !form.strided() && rowTaps <= mostOuterTaps;

  // Sums over all sites for `count` output channels from `first` and the
  // tap(s).
  auto sums = [&](const Coordinate &first, int64_t count,
                  const Coordinate &channel,
                  ArrayRef<SmallVector<Coordinate>> taps) {
    Values totals(count * taps.size(), number(element, 0));
    Coordinate field = channel;
    if (form.groups > 1) {
      int64_t outs = form.output.getDimSize(0) / form.groups;
      int64_t ins = form.field.getDimSize(0) / form.groups;
      Value group =
          arith::DivSIOp::create(b, loc, scalar(first), constant(outs));
      field = {plus(times(group, ins), scalar(channel))};
    }
    nest(sites.drop_back(), totals,
         [&](ArrayRef<Coordinate> outer, Carried rowSums) {
           columns(sites.back(), rowSums, [&](Value column, Carried partial) {
             Site site;
             if (form.channels)
               site.push_back({});
             llvm::append_range(site, outer);
             site.push_back({column, 0, true});
             Values given;
             for (int64_t o = 0; o < count; ++o) {
               if (form.channels)
                 site[0] = first.shifted(o);
               given.push_back(
                   masked(valid, get(op.getLhs(), site), number(element, 0)));
             }
             for (auto [t, tap] : llvm::enumerate(taps)) {
               Site read = site;
               if (form.channels)
                 read[0] = field;
               Masked x;
               bool known = llvm::all_of(
                   tap, [](const Coordinate &c) { return c.isConstant(); });
               if (known && !form.strided()) {
                 SmallVector<int64_t> moved(form.channels, 0),
                     extents(form.output.getShape());
                 for (auto [c, low] : llvm::zip(tap, form.low))
                   moved.push_back(c.offset - low);
                 if (form.channels)
                   extents[0] = form.field.getDimSize(0);
                 x = loadMoved(op.getRhs(), read, moved, extents,
                               form.boundary);
               } else if (byRows) {
                 x.value = loadTap(form, op.getRhs(), read, tap);
               } else {
                 moveThroughWindow(
                     b, loc, form,
                     MutableArrayRef(read).drop_front(form.channels),
                     [&](const Coordinate &c) { return perLane(c); },
                     [&](int64_t n) { return splat32(n); }, tap);
                 x = loadAround(op.getRhs(), read, form.boundary);
               }
               for (int64_t o = 0; o < count; ++o) {
                 Value &total = partial[o * taps.size() + t];
                 total = fma(given[o], x.value, total);
               }
             }
           });
         });
    for (int64_t o = 0; o < count; ++o)
      for (auto [t, tap] : llvm::enumerate(taps)) {
        Site to;
        if (form.channels)
          to = {first.shifted(o), channel};
        llvm::append_range(to, tap);
        Value total = horizontal(totals[o * taps.size() + t], false);
        int64_t width = lanes;
        lanes = single();
        store(sink, to, total);
        lanes = width;
      }
  };
  auto allTaps = [&](const Coordinate &first, int64_t count,
                     const Coordinate &channel) {
    if (byRows) {
      nest(form.window().drop_back(), {},
           [&](ArrayRef<Coordinate> row, Carried) {
             SmallVector<SmallVector<Coordinate>> taps;
             for (int64_t t = 0; t < rowTaps; ++t) {
               taps.emplace_back(row);
               taps.back().push_back({Value(), t});
             }
             sums(first, count, channel, taps);
           });
      return;
    }
    if (!unrolled) {
      nest(form.window(), {}, [&](ArrayRef<Coordinate> tap, Carried) {
        sums(first, count, channel, {SmallVector<Coordinate>(tap)});
      });
      return;
    }
    SmallVector<SmallVector<Coordinate>> taps;
    for (int64_t tap = 0; tap < form.taps(); ++tap) {
      SmallVector<Coordinate> &at = taps.emplace_back();
      for (int64_t t : form.tapAt(tap))
        at.push_back({Value(), t});
    }
    sums(first, count, channel, taps);
  };
  if (!form.channels)
    return allTaps({}, 1, {});
  // Output channels of one tile lie in one group.
  int64_t outs = form.kernel.getDimSize(0), ins = form.kernel.getDimSize(1);
  int64_t inGroup = outs / form.groups;
  int64_t count = outerChannels(inGroup,
                                unrolled ? form.taps()
                                : byRows ? rowTaps
                                         : 1,
                                schedule.options.vectorBytes);
  loop(outs, count, {}, [&](Value first, Carried) {
    nest({ins}, {}, [&](ArrayRef<Coordinate> channel, Carried) {
      allTaps({first}, count, channel[0]);
    });
  });
}
