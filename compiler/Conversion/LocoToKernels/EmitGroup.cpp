//===- EmitGroup.cpp - Loops over the sites of a group --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace loco;

/// The floating-point type that decides how many sites a vector holds.
static Type elementOf(const Group &group) {
  Type narrow;
  auto see = [&](Value value) {
    Type element = getElementTypeOrSelf(value);
    if (isa<FloatType>(element) &&
        (!narrow || bytesOf(element) > bytesOf(narrow)))
      narrow = element;
  };
  for (Operation *op : group.ops) {
    llvm::for_each(op->getResults(), see);
    llvm::for_each(op->getOperands(), see);
  }
  for (const Root &root : group.roots)
    see(root.value);
  return narrow;
}

void Emitter::startGroup(Type element, int64_t width) {
  lanes = width == 1 ? 1 : schedule.lanesOf(element);
  groupElement = element;
  valid = Value();
  flat = maskedLoads = false;
  here.clear();
  memo.clear();
  hoisted.clear();
  pointers.clear();
  // Preparations go before the marker, loops after it.
  marker = arith::ConstantIntOp::create(b, loc, b.getI64Type(), 0);
}

void Emitter::emitSolo(Operation *op) {
  loc = op->getLoc();
  TypeSwitch<Operation *>(op)
      .Case([&](ScanOp scan) { emitScan(scan); })
      .Case([&](ContractOp op) { contract(op); })
      .Case([&](ReduceOp op) { reduceNest(op); })
      .Case([&](FirstMaxOp op) { firstMax(op); })
      .Case([&](ConvOuterOp op) {
        auto lane = schedule.laneAxisOf(op.getKernelType().getShape());
        lane &&op.getGroups() == 1 ? outerLanes(op, *lane) : outerNest(op);
      })
      .Case([&](RandomOp op) { random(op); });
}

/// Sums and maxima that the group computes beside its fields, in order.
SmallVector<std::pair<Operation *, int64_t>>
loco::reductionsOf(const Group &group) {
  SmallVector<std::pair<Operation *, int64_t>> reductions;
  for (Operation *op : group.ops) {
    if (isa<ReduceOp>(op))
      reductions.push_back({op, 1});
    else if (auto outer = dyn_cast<ConvOuterOp>(op))
      reductions.push_back({op, outer.getKernelType().getNumElements()});
  }
  return reductions;
}

bool loco::isMaximum(Operation *op) {
  auto reduce = dyn_cast<ReduceOp>(op);
  return reduce && reduce.getKind() == ReductionKind::Max;
}

void Emitter::emitGroup(const Group &group) {
  if (isa_and_nonnull<ScanOp>(group.solo))
    return emitSolo(group.solo);
  if (group.solo)
    return byOne([&] { emitSolo(group.solo); });
  if (!isTeam() || !group.splitAxis)
    return byOne([&] { emitSites(group); });
  meet();
  since = Since::Divided;
  emitSites(group);
}

/// The loops of a group over its sites, and what follows them.
void Emitter::emitSites(const Group &group) {
  Type element = elementOf(group);
  if (!element)
    element = b.getF32Type();
  startGroup(element, group.shape.empty() ? 1 : 0);
  flat = group.flat;
  // A product with 0 is 0 only for numbers, which padding need not be.
  maskedLoads = llvm::any_of(group.ops, llvm::IsaPred<ConvOuterOp>);
  here.insert(group.ops.begin(), group.ops.end());
  if (!group.ops.empty())
    loc = group.ops.front()->getLoc();

  auto reductions = reductionsOf(group);
  Values accumulators;
  for (auto [op, count] : reductions)
    accumulators.append(
        count, neutral(getElementTypeOrSelf(op->getResult(0)), isMaximum(op)));

  Site site(flat ? 1 : group.shape.size());
  beginSplit(group);
  if (group.lane)
    emitLanes(group, accumulators);
  else
    emitRows(group, 0, site, 1, accumulators);

  // What the lanes hold becomes one number each.
  Carried rest = accumulators;
  for (auto [op, count] : reductions) {
    for (Value &total : rest.take_front(count))
      total = horizontal(total, isMaximum(op));
    rest = rest.drop_front(count);
  }
  for (const Root &root : group.roots)
    for (const Sink &sink : root.sinks) {
      fillHalo(sink.to);
      streamOut(sink.to);
    }
  flat = false;
  if (splitAxis && !accumulators.empty())
    combinePartials(group, accumulators);
  else
    storeReductions(group, accumulators);
  splitAxis.reset();
}

/// Stores the numbers that the group's sums and maxima came to.
void Emitter::storeReductions(const Group &group, Carried totals) {
  int64_t width = std::exchange(lanes, 1);
  for (auto [op, count] : reductionsOf(group)) {
    Sink sink{schedule.find(op->getResult(0)), false};
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    SmallVector<int64_t> pitch = Layout::dense(type.getShape()).pitch;
    for (int64_t i = 0; i < count; ++i) {
      int64_t left = i;
      Site to;
      for (int64_t distance : pitch) {
        to.push_back({Value(), left / distance});
        left %= distance;
      }
      store(sink, to, totals[i]);
    }
    totals = totals.drop_front(count);
  }
  lanes = width;
}

/// Loops over the axes from `axis` on; `rows` sites along the tiled one at a
/// time.
void Emitter::emitRows(const Group &group, unsigned axis, Site &site,
                       int64_t rows, Carried accumulators) {
  if (flat || site.empty() || axis + 1 == site.size())
    return emitColumns(group, site, rows, accumulators);
  int64_t extent = group.shape[axis];
  bool divided = splitAxis == axis;
  if (static_cast<int>(axis) != group.tileAxis) {
    loopOwn(extent, 1, divided, accumulators,
            [&](Value index, Carried carried) {
              site[axis] = {index};
              emitRows(group, axis + 1, site, rows, carried);
            });
    return;
  }
  int64_t whole = extent - extent % group.tileRows;
  if (whole)
    loopOwn(whole, group.tileRows, divided, accumulators,
            [&](Value index, Carried carried) {
              site[axis] = {index};
              emitRows(group, axis + 1, site, group.tileRows, carried);
            });
  if (whole < extent)
    byLast(divided, accumulators, [&](Carried carried) {
      site[axis] = {Value(), whole};
      emitRows(group, axis + 1, site, extent - whole, carried);
    });
}

void Emitter::emitColumns(const Group &group, Site &site, int64_t rows,
                          Carried accumulators) {
  if (site.empty())
    return emitTile(group, site, 1, Value(), accumulators);
  auto tile = [&](Value first, Carried carried) {
    site.back() = {first, 0, true};
    emitTile(group, site, rows, valid, carried);
  };
  // Flat: one row of all sites.
  int64_t inner = 1, outermost = group.shape.front();
  bool dynamic =
      flat ? !isKnownLength(outermost) : !isKnownLength(group.shape.back());
  for (int64_t extent : ArrayRef(group.shape).drop_front(dynamic))
    inner *= extent;
  if (!flat && dynamic)
    return columns(group.shape.back(), accumulators, tile);
  if (!flat)
    inner = group.shape.back();

  // Whole vectors without a mask, then what is left.
  if (!dynamic) {
    bool divided = splitAxis && (flat || group.shape.size() == 1);
    int64_t whole = inner - inner % lanes;
    if (whole == lanes)
      tile(Value(), accumulators);
    else if (whole)
      loopOwn(whole, lanes, divided, accumulators, tile);
    if (whole < inner)
      byLast(divided, accumulators, [&](Carried carried) {
        SmallVector<bool> lanesLeft(lanes, false);
        std::fill_n(lanesLeft.begin(), inner - whole, true);
        auto type = VectorType::get({lanes}, b.getI1Type());
        valid = arith::ConstantOp::create(
            b, loc, type,
            DenseElementsAttr::get(type, ArrayRef<bool>(lanesLeft)));
        site.back() = {Value(), whole, true};
        emitTile(group, site, rows, valid, carried);
        valid = Value();
      });
    return;
  }
  Value total = times(extentOf(group.shape.front()), inner);
  Value rest = arith::RemSIOp::create(b, loc, total, constant(lanes));
  Value whole = arith::SubIOp::create(b, loc, total, rest);
  loop(constant(0), whole, lanes, accumulators, tile);
  loop(whole, total, lanes, accumulators, [&](Value first, Carried carried) {
    Value left = splat(arith::TruncIOp::create(b, loc, b.getI32Type(), rest));
    valid =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, iota(), left);
    tile(first, carried);
    valid = Value();
  });
}

/// Takes the lanes of `site` into what they gave so far.
void Emitter::reduceInto(ReduceOp reduce, const Site &site, Value &total) {
  bool maximum = isMaximum(reduce);
  auto product = productHere(reduce.getOperand());
  if (!maximum && product && !valid) {
    total =
        fma(get(product.getLhs(), site), get(product.getRhs(), site), total);
    return;
  }
  Value x = get(reduce.getOperand(), site);
  Type element = reduce.getResult().getType().getElementType();
  x = masked(valid, x, neutral(element, maximum));
  total = combine(total, x, maximum);
}

/// The places that `group` reads.
static llvm::SmallDenseSet<int> readPlaces(const Schedule &schedule,
                                           const Group &group) {
  llvm::SmallDenseSet<int> places;
  auto see = [&](Value value) {
    if (Reference reference = schedule.find(value)) {
      places.insert(reference.place);
      places.insert(schedule.places[reference.place].partOf);
    }
  };
  for (Operation *op : group.ops)
    llvm::for_each(op->getOperands(), see);
  for (const Root &root : group.roots)
    if (!llvm::is_contained(group.ops, root.value.getDefiningOp()))
      see(root.value);
  return places;
}

/// One vector of sites in each of `rows` rows. What the group reads elsewhere
/// is stored after everything has been computed, the rest as soon as it is
/// known.
void Emitter::emitTile(const Group &group, const Site &site, int64_t rows,
                       Value, Carried accumulators) {
  Memo outside = memo;
  SmallVector<Site> sites(rows, site);
  for (int64_t r = 0; r < rows; ++r)
    if (rows > 1)
      sites[r][group.tileAxis] = site[group.tileAxis].shifted(r);
  for (Operation *op : group.ops)
    if (isa<ConvOp, ConvTransposeOp>(op) && !op->use_empty())
      convRows(op, sites);
    else if (auto stencil = dyn_cast<StencilOp>(op);
             stencil && group.tileAxis >= 0 && sharesRows(stencil))
      stencilRows(stencil, group.tileAxis, sites);

  llvm::SmallDenseSet<int> read = readPlaces(schedule, group);
  auto isRead = [&](const Sink &sink) {
    return read.contains(sink.to.place) ||
           read.contains(schedule.places[sink.to.place].partOf);
  };
  read.erase(-1);
  SmallVector<std::tuple<const Sink *, unsigned, Value>> later;
  for (auto [r, at] : llvm::enumerate(sites))
    for (const Root &root : group.roots) {
      Value value = get(root.value, at);
      for (const Sink &sink : root.sinks)
        if (isRead(sink))
          later.push_back({&sink, r, value});
        else
          store(sink, at, value);
    }
  Carried rest = accumulators;
  for (auto [op, count] : reductionsOf(group)) {
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      for (const Site &at : sites)
        reduceInto(reduce, at, rest[0]);
    } else {
      outerRows(cast<ConvOuterOp>(op), sites, rest.take_front(count));
    }
    rest = rest.drop_front(count);
  }
  for (auto [sink, r, value] : later)
    store(*sink, sites[r], value);
  memo = std::move(outside);
}

//===----------------------------------------------------------------------===//
// Halos
//===----------------------------------------------------------------------===//

/// Copies (wrap) or clears (zero) the sites around a field, last axis first, so
/// that the corners are right after the first axis.
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
  for (int64_t k = rank; k-- > 0;) {
    unsigned axis = order[k];
    int64_t low = halo.low[axis], high = halo.high[axis],
            extent = layout.shape[axis];
    if (low + high == 0)
      continue;
    // All rows of the axes outside; inside, rows with the halos they have by
    // now.
    SmallVector<int64_t> outside;
    for (unsigned i : ArrayRef(order).take_front(k))
      outside.push_back(layout.shape[i]);
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
        // A whole slice with its own halo, which begins before its site 0.
        int64_t before = 0;
        for (unsigned i : ArrayRef(order).drop_front(k + 1))
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
      nest(outside, {}, [&](ArrayRef<Coordinate> outer, Carried) {
        fillSlices(outer, true, true);
      });
    }
  }
}

Type Emitter::memoryElement(Type element) const {
  return element.isInteger(1) ? IntegerType::get(element.getContext(), 8)
                              : element;
}

/// Sets all of a place to zero.
void Emitter::clear(Reference reference) {
  byOne([&] { clearWhole(reference); });
}

void Emitter::clearWhole(Reference reference) {
  const Place &place = schedule.places[reference.place];
  startGroup(place.element, 1);
  Value size = constant(place.layout.size * bytesOf(place.element));
  if (place.stacked)
    size = times(size, extentOf(place.length));
  LLVM::MemsetOp::create(b, loc, pointerTo(reference),
                         arith::ConstantIntOp::create(b, loc, b.getI8Type(), 0),
                         size, false);
}
