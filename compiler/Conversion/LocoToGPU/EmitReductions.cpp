//===- EmitReductions.cpp - Sums over sites, lanes and warps ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"
#include "compiler/Conversion/LocoToGPU/TileSamples.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace loco;

Value GPUEmitter::combine(Value a, Value c, bool isMaximum) {
  if (isMaximum)
    return arith::MaximumFOp::create(b, loc, a, c);
  return arith::AddFOp::create(b, loc, a, c);
}

Value GPUEmitter::neutral(Type element, bool isMaximum) {
  return number(element,
                isMaximum ? -std::numeric_limits<double>::infinity() : 0.0);
}

Value GPUEmitter::sumOver(
    ArrayRef<int64_t> shape, bool byLanes, Type element, bool isMaximum,
    llvm::function_ref<Value(ArrayRef<GPUCoordinate>, Value)> term) {
  Values sum = {neutral(element, isMaximum)};
  sumsOver(shape, byLanes, sum,
           [&](ArrayRef<GPUCoordinate> coordinates, Carried carried) {
             carried[0] = term(coordinates, carried[0]);
           });
  return sum[0];
}

void GPUEmitter::sumsOver(
    ArrayRef<int64_t> shape, bool byLanes, Carried sums,
    llvm::function_ref<void(ArrayRef<GPUCoordinate>, Carried)> add) {
  if (byLanes)
    return loop(lane, countOf(shape), constant(32), sums,
                [&](Value index, Carried carried) {
                  GPUSite site;
                  site.shape.assign(shape.begin(), shape.end());
                  site.linear = index;
                  add(coordinatesOf(site), carried);
                });
  SmallVector<GPUCoordinate, 4> coordinates(shape.size());
  std::function<void(size_t, Carried)> axis = [&](size_t i, Carried carried) {
    if (i == shape.size())
      return add(coordinates, carried);
    if (shape[i] == 1) {
      coordinates[i] = {};
      return axis(i + 1, carried);
    }
    loop(constant(0), countOf({shape[i]}), constant(1), carried,
         [&](Value index, Carried inner) {
           coordinates[i] = {index, 0};
           axis(i + 1, inner);
         });
  };
  axis(0, sums);
}

/// Whether a term of a sum over samples is of one that is there; null for other
/// sums. `number`: the sample's in the tile.
Value GPUEmitter::isOfSample(Operation *op, const GPUCoordinate &number) {
  if (!op->hasAttr(tileAttribute))
    return {};
  return compare(arith::CmpIPredicate::ult, at(number), samplesHere());
}

//===----------------------------------------------------------------------===//
// One result at a site
//===----------------------------------------------------------------------===//

Value GPUEmitter::contractAt(ContractOp op, const GPUSite &site, bool byLanes) {
  auto [inputs, output] = op.getEquation().split("->");
  auto [left, right] = inputs.split(',');
  SmallVector<int64_t> leftShape = schedule.shapeOf(op.getLhs()),
                       rightShape = schedule.shapeOf(op.getRhs());
  // Summed letters in the order of the larger operand.
  std::string summed;
  SmallVector<int64_t> extents;
  auto collect = [&](StringRef letters, ArrayRef<int64_t> shape) {
    for (auto [letter, extent] : llvm::zip(letters, shape))
      if (!output.contains(letter) && !StringRef(summed).contains(letter)) {
        summed.push_back(letter);
        extents.push_back(extent);
      }
  };
  if (left.size() >= right.size())
    collect(left, leftShape);
  collect(right, rightShape);
  collect(left, leftShape);
  SmallVector<GPUCoordinate, 4> own = coordinatesOf(site);
  return sumOver(
      extents, byLanes, op.getResult().getType().getElementType(), false,
      [&](ArrayRef<GPUCoordinate> inner, Value sum) -> Value {
        auto pick = [&](StringRef letters) {
          SmallVector<GPUCoordinate> place;
          for (char letter : letters) {
            size_t i = output.find(letter);
            place.push_back(i != StringRef::npos ? own[i]
                                                 : inner[summed.find(letter)]);
          }
          return place;
        };
        Value more = math::FmaOp::create(b, loc, getAt(op.getLhs(), pick(left)),
                                         getAt(op.getRhs(), pick(right)), sum);
        size_t tile = summed.find(tileLetter);
        return tile == std::string::npos
                   ? more
                   : select(isOfSample(op, inner[tile]), more, sum);
      });
}

Value GPUEmitter::reduceAt(ReduceOp op, const GPUSite &site, bool byLanes) {
  SmallVector<int64_t> shape = schedule.shapeOf(op.getOperand()), extents;
  for (int64_t axis : op.getAxes())
    extents.push_back(shape[axis]);
  SmallVector<GPUCoordinate, 4> own = coordinatesOf(site);
  bool isMaximum = op.getKind() == ReductionKind::Max;
  return sumOver(
      extents, byLanes, op.getResult().getType().getElementType(), isMaximum,
      [&](ArrayRef<GPUCoordinate> inner, Value sum) -> Value {
        SmallVector<GPUCoordinate> place;
        const GPUCoordinate *kept = own.begin(), *reduced = inner.begin();
        for (int64_t i = 0, e = shape.size(); i < e; ++i)
          place.push_back(llvm::is_contained(op.getAxes(), i) ? *reduced++
                                                              : *kept++);
        Value more = combine(sum, getAt(op.getOperand(), place), isMaximum);
        if (auto axis = op->getAttrOfType<IntegerAttr>(tileAttribute))
          return select(isOfSample(op, place[axis.getInt()]), more, sum);
        return more;
      });
}

//===----------------------------------------------------------------------===//
// Trees
//===----------------------------------------------------------------------===//

/// The sum over a warp's lanes, the same bits in each of them.
Value GPUEmitter::reduceWarp(Value part, bool isMaximum) {
  for (int64_t distance = 16; distance; distance /= 2)
    part = combine(part,
                   gpu::ShuffleOp::create(b, loc, part, constant(distance),
                                          constant(32), gpu::ShuffleMode::XOR)
                       .getShuffleResult(),
                   isMaximum);
  return part;
}

/// Sums over all threads, the same bits in each of them.
GPUEmitter::Values GPUEmitter::reduceBlock(ArrayRef<Value> parts,
                                           ArrayRef<bool> isMaximum) {
  Values totals;
  for (auto [part, maximum] : llvm::zip(parts, isMaximum))
    totals.push_back(reduceWarp(part, maximum));
  int64_t warps = schedule.threads / 32;
  if (warps == 1)
    return totals;
  bool isOneBlock = schedule.blocksPerSample == 1;
  int64_t stride = isOneBlock ? 32 : warps;
  GPUReference place = {schedule.reductionPlace, {}};
  auto address = [&](size_t i, Value number) {
    Value pointer = pointers[place.place];
    return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getF64Type(),
                               pointer,
                               ValueRange(plus(number, int64_t(stride * i))));
  };
  when(compare(arith::CmpIPredicate::eq, lane, constant(0)), [&] {
    for (auto [i, total] : llvm::enumerate(totals))
      LLVM::StoreOp::create(b, loc, total, address(i, warp));
  });
  barrier();
  if (!isOneBlock) {
    // More warps than a warp has lanes: in their order by lane, then lanes.
    for (auto [i, total] : llvm::enumerate(totals)) {
      Values part = {neutral(total.getType(), isMaximum[i])};
      loop(lane, constant(warps), constant(32), part,
           [&](Value number, Carried carried) {
             Value other = LLVM::LoadOp::create(b, loc, total.getType(),
                                                address(i, number));
             carried[0] = combine(carried[0], other, isMaximum[i]);
           });
      total = reduceWarp(part[0], isMaximum[i]);
    }
    return totals;
  }
  Value last = arith::MinUIOp::create(b, loc, lane, constant(warps - 1));
  Value exists =
      warps == 32 ? Value()
                  : compare(arith::CmpIPredicate::ult, lane, constant(warps));
  for (auto [i, total] : llvm::enumerate(totals)) {
    Type type = total.getType();
    Value part = LLVM::LoadOp::create(b, loc, type, address(i, last));
    total = reduceWarp(select(exists, part, neutral(type, isMaximum[i])),
                       isMaximum[i]);
  }
  return totals;
}

/// One warp for each result, its lanes side by side through the terms.
void GPUEmitter::emitWarps(const GPUStage &stage) {
  Operation *op = stage.items.front().op;
  llvm::SaveAndRestore place(loc, op->getLoc());
  if (int64_t together = schedule.outputsOfWarp(op))
    return emitOuter(cast<ConvOuterOp>(op), together);
  Value result = op->getResult(0);
  bool isMaximum =
      isa<ReduceOp>(op) && cast<ReduceOp>(op).getKind() == ReductionKind::Max;
  loop(warp, countOf(stage.shape), constant(schedule.threads / 32), {},
       [&](Value index, Carried) {
         GPUSite site;
         site.shape = stage.shape;
         site.linear = index;
         Value part;
         if (auto contract = dyn_cast<ContractOp>(op))
           part = contractAt(contract, site, true);
         else if (auto reduce = dyn_cast<ReduceOp>(op))
           part = reduceAt(reduce, site, true);
         else
           part = outerAt(cast<ConvOuterOp>(op), site, true);
         Value total = reduceWarp(part, isMaximum);
         when(compare(arith::CmpIPredicate::eq, lane, constant(0)),
              [&] { store(find(result), index, total, false); });
       });
}

/// Reductions of fields to one number, all at once.
void GPUEmitter::emitBlock(const GPUStage &stage) {
  Values parts;
  SmallVector<bool> isMaximum;
  for (const GPUItem &item : stage.items) {
    Operation *op = item.op;
    auto reduce = dyn_cast<ReduceOp>(op);
    bool maximum = reduce && reduce.getKind() == ReductionKind::Max;
    isMaximum.push_back(maximum);
    SmallVector<int64_t> shape = schedule.shapeOf(op->getOperand(0));
    Values sum = {neutral(getElementTypeOrSelf(op->getResult(0)), maximum)};
    forOwnSites(shape, sum,
                [&](const GPUSite &site, Value exists, Carried carried) {
                  addTerms(op, site, exists, carried);
                });
    parts.push_back(sum[0]);
  }
  for (auto [item, total] :
       llvm::zip(stage.items, reduceBlock(parts, isMaximum)))
    keepTotal(item.op->getResult(0), total);
}

/// A number that all threads have, in memory where another section reads it.
void GPUEmitter::keepTotal(Value value, Value total) {
  scope.registers[value] = {total};
  if (GPUReference to = find(value))
    when(compare(arith::CmpIPredicate::eq, thread, constant(0)),
         [&] { store(to, constant(0), total, false); });
}

/// Adds what `op`, a reduction, has at an own site of its first operand.
void GPUEmitter::addTerms(Operation *op, const GPUSite &site, Value exists,
                          Carried sums) {
  llvm::SaveAndRestore source(loc, op->getLoc());
  if (op->hasAttr(tileAttribute)) {
    auto contract = dyn_cast<ContractOp>(op);
    size_t axis = contract
                      ? contract.getEquation().find(tileLetter)
                      : op->getAttrOfType<IntegerAttr>(tileAttribute).getInt();
    exists = both(exists, isOfSample(op, coordinatesOf(site)[axis]));
  }
  auto add = [&](Value &sum, Value term, bool isMaximum) {
    sum = combine(sum, select(exists, term, neutral(term.getType(), isMaximum)),
                  isMaximum);
  };
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return add(sums[0], get(reduce.getOperand(), site),
               reduce.getKind() == ReductionKind::Max);
  if (auto contract = dyn_cast<ContractOp>(op)) {
    auto [left, right] = contract.getEquation().split("->").first.split(',');
    Value x = get(contract.getLhs(), site), y;
    if (left == right) {
      y = get(contract.getRhs(), site);
    } else {
      SmallVector<GPUCoordinate, 4> own = coordinatesOf(site);
      SmallVector<GPUCoordinate> place;
      // A letter that is not summed has one place only.
      for (char letter : right)
        place.push_back(left.contains(letter) ? own[left.find(letter)]
                                              : GPUCoordinate());
      y = getAt(contract.getRhs(), place);
    }
    Value zero = number(x.getType(), 0);
    sums[0] = math::FmaOp::create(b, loc, select(exists, x, zero),
                                  select(exists, y, zero), sums[0]);
    return;
  }
  auto outer = cast<ConvOuterOp>(op);
  SmallVector<GPUCoordinate, 4> own = coordinatesOf(site);
  Value gradient = get(outer.getLhs(), site);
  gradient = select(exists, gradient, number(gradient.getType(), 0));
  ArrayRef<int64_t> window = outer.getKernelType().getShape();
  // With channels there is one of each, which comes first.
  bool hasChannels = window.size() > own.size();
  ArrayRef<GPUCoordinate> output = ArrayRef(own).drop_front(hasChannels);
  for (auto [number, sum] : llvm::enumerate(sums)) {
    SmallVector<GPUCoordinate> tap(window.size());
    int64_t rest = number;
    for (size_t i = tap.size(); i-- > 0; rest /= window[i])
      tap[i] = {Value(), rest % window[i]};
    sum = addOuter(outer, tap, output, gradient, sum, hasChannels);
  }
}
