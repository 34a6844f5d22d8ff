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
  lanes = abreast      ? schedule.abreast
          : width == 1 ? 1
                       : schedule.lanesOf(element);
  groupElement = element;
  valid = Value();
  flat = maskedLoads = false;
  here.clear();
  memo.clear();
  hoisted.clear();
  pointers.clear();
  laneOffsets.clear();
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
  bool before = abreast;
  abreast = schedule.abreast > 1 && !group.uniform && !inShared;
  if (isa_and_nonnull<ScanOp>(group.solo)) {
    bool outside = std::exchange(inShared, inShared || group.uniform);
    emitSolo(group.solo);
    inShared = outside;
  } else {
    emitPasses(group);
  }
  abreast = before;
}

void Emitter::emitPasses(const Group &group) {
  if (group.solo && abreast) {
    startGroup(b.getF32Type(), 0);
    turnInputs(group);
    emitSolo(group.solo);
    startGroup(b.getF32Type(), 0);
    return turnOutputs(group);
  }
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
  if (!abreast && !group.shape.empty())
    lanes = schedule.lanesOf(group, element);
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
  if (abreast)
    turnInputs(group);
  if (group.lane)
    emitLanes(group, accumulators);
  else
    emitRows(group, 0, site, {}, accumulators);

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
  if (abreast)
    turnOutputs(group);
  flat = false;
  if (splitAxis && !accumulators.empty())
    combinePartials(group, accumulators);
  else
    storeReductions(group, accumulators);
  splitAxis.reset();
}

/// Stores the numbers that the group's sums and maxima came to.
void Emitter::storeReductions(const Group &group, Carried totals) {
  int64_t width = std::exchange(lanes, single());
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

/// Loops over the axes from `axis` on, some sites along the tiled ones at a
/// time.
void Emitter::emitRows(const Group &group, unsigned axis, Site &site,
                       TileSize tile, Carried accumulators) {
  if (flat || site.empty() || axis + 1 == site.size())
    return emitColumns(group, site, tile, accumulators);
  int64_t extent = group.shape[axis];
  bool divided = splitAxis == axis, rows = int(axis) == group.tileAxis;
  if (!rows && int(axis) != group.lineAxis) {
    loopOwn(extent, 1, divided, accumulators,
            [&](Value index, Carried carried) {
              site[axis] = {index};
              emitRows(group, axis + 1, site, tile, carried);
            });
    return;
  }
  int64_t step = rows ? group.tileRows : group.tileLines;
  auto emitSome = [&](const Coordinate &first, int64_t count, Carried carried) {
    TileSize size = tile;
    (rows ? size.rows : size.lines) = count;
    site[axis] = first;
    emitRows(group, axis + 1, site, size, carried);
  };
  int64_t whole = extent - extent % step;
  if (whole == step && !divided)
    emitSome({}, step, accumulators);
  else if (whole)
    loopOwn(whole, step, divided, accumulators,
            [&](Value index, Carried carried) {
              emitSome({index}, step, carried);
            });
  if (whole < extent)
    byLast(divided, accumulators, [&](Carried carried) {
      emitSome({Value(), whole}, extent - whole, carried);
    });
}

/// The first `count` lanes.
static Value lanesBelow(OpBuilder &b, Location loc, int64_t lanes,
                        int64_t count) {
  SmallVector<bool> bits(lanes, false);
  std::fill_n(bits.begin(), count, true);
  auto type = VectorType::get({lanes}, b.getI1Type());
  return arith::ConstantOp::create(
      b, loc, type, DenseElementsAttr::get(type, ArrayRef<bool>(bits)));
}

/// A row, several vectors at a time, of which the last one may not be full.
void Emitter::emitVectors(const Group &group, Site &site, TileSize tile,
                          Carried accumulators) {
  // Sites of a vector.
  int64_t width = abreast ? 1 : lanes;
  int64_t extent = group.shape.back(), step = group.tileLines * width;
  int64_t whole = extent - extent % step;
  auto emitSome = [&](const Coordinate &first, int64_t sites, Carried carried) {
    TileSize size = tile;
    size.lines = llvm::divideCeil(sites, width);
    Values masks(abreast ? 0 : size.lines);
    if (int64_t rest = sites % width)
      masks.back() = lanesBelow(b, loc, lanes, rest);
    site.back() = first;
    emitTile(group, site, size, masks, carried);
  };
  if (whole == step)
    emitSome({Value(), 0, true}, step, accumulators);
  else if (whole)
    loop(whole, step, accumulators, [&](Value first, Carried carried) {
      emitSome({first, 0, true}, step, carried);
    });
  if (whole < extent)
    emitSome({Value(), whole, true}, extent - whole, accumulators);
}

void Emitter::emitColumns(const Group &group, Site &site, TileSize size,
                          Carried accumulators) {
  if (site.empty())
    return emitTile(group, site, {}, {}, accumulators);
  if (!flat && group.lineAxis + 1 == int(site.size()))
    return emitVectors(group, site, size, accumulators);
  auto tile = [&](Value first, Carried carried) {
    site.back() = {first, 0, true};
    emitTile(group, site, size, {}, carried);
  };
  // Flat: one row of all sites.
  int64_t inner = 1, outermost = group.shape.front();
  if (abreast)
    return loop(group.shape.back(), 1, accumulators, tile);
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
        valid = lanesBelow(b, loc, lanes, inner - whole);
        site.back() = {Value(), whole, true};
        emitTile(group, site, size, {}, carried);
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

/// One vector of sites in each row of each line; `masks`: the lanes that exist,
/// by lines, if these differ in that. What the group reads elsewhere is stored
/// after everything has been computed, the rest as soon as it is known.
void Emitter::emitTile(const Group &group, const Site &site, TileSize size,
                       ArrayRef<Value> masks, Carried accumulators) {
  Memo outside = memo;
  SmallVector<Site> sites;
  for (int64_t line = 0; line < size.lines; ++line)
    for (int64_t row = 0; row < size.rows; ++row) {
      Site &at = sites.emplace_back(site);
      if (size.rows > 1)
        at[group.tileAxis].offset += row;
      if (size.lines > 1)
        at[group.lineAxis].offset += line * (masks.empty() ? 1 : lanes);
    }
  auto enter = [&](size_t number) -> const Site & {
    if (!masks.empty())
      valid = masks[number / size.rows];
    return sites[number];
  };
  convTogether(group, sites);
  for (Operation *op : group.ops)
    if (auto stencil = dyn_cast<StencilOp>(op);
        stencil && group.tileAxis >= 0 && sharesRows(stencil))
      stencilRows(stencil, group.tileAxis, sites);

  llvm::SmallDenseSet<int> read = readPlaces(schedule, group);
  auto isRead = [&](const Sink &sink) {
    return read.contains(sink.to.place) ||
           read.contains(schedule.places[sink.to.place].partOf);
  };
  read.erase(-1);
  SmallVector<std::tuple<const Sink *, size_t, Value>> later;
  for (size_t i = 0; i < sites.size(); ++i) {
    const Site &at = enter(i);
    for (const Root &root : group.roots) {
      Value value = get(root.value, at);
      for (const Sink &sink : root.sinks)
        if (isRead(sink))
          later.push_back({&sink, i, value});
        else
          store(sink, at, value);
    }
  }
  Carried rest = accumulators;
  for (auto [op, count] : reductionsOf(group)) {
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      for (size_t i = 0; i < sites.size(); ++i)
        reduceInto(reduce, enter(i), rest[0]);
    } else {
      outerRows(cast<ConvOuterOp>(op), sites, rest.take_front(count));
    }
    rest = rest.drop_front(count);
  }
  for (auto [sink, i, value] : later)
    store(*sink, enter(i), value);
  if (!masks.empty())
    valid = Value();
  memo = std::move(outside);
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
