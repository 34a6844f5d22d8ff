//===- EmitConvolutions.cpp - Convolutions at a site ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

using namespace mlir;
using namespace loco;

/// Windows of more taps get a loop.
static constexpr int64_t mostUnrolledTaps = 49;

/// Appends the coordinates that `tap` of a conv at output site `own` reads, or
/// of a transpose at a field's site, all without channels. `valid`: and they
/// are inside. `byRemainder`: found in another way than what a conv beside it
/// reads, as compilers would keep what both have in common from one to the
/// other.
void GPUEmitter::placeTap(const ConvForm &form, ArrayRef<GPUCoordinate> own,
                          ArrayRef<GPUCoordinate> tap,
                          SmallVectorImpl<GPUCoordinate> &place, Value &valid,
                          bool byRemainder) {
  size_t rank = tap.size();
  RankedTensorType from = form.transposed ? form.output : form.field,
                   to = form.transposed ? form.field : form.output;
  ArrayRef<int64_t> extents = from.getShape().take_back(rank),
                    ends = to.getShape().take_back(rank);
  for (size_t i = 0; i < rank; ++i) {
    const GPUCoordinate &mine = own[i];
    int64_t stride = form.strides[i], low = form.low[i];
    // The field's coordinate, or that of the output times the stride.
    Value moved;
    if (!form.transposed)
      moved =
          plus(plus(times(at(mine), stride), tap[i].base), tap[i].offset - low);
    else if (tap[i].base)
      moved = plus(arith::SubIOp::create(b, loc, at(mine), tap[i].base),
                   low - tap[i].offset);
    else
      moved = plus(at(mine), low - tap[i].offset);
    int64_t reach = form.transposed ? extents[i] * stride : extents[i];
    bool isFixed =
        !tap[i].base && stride == 1 && ends[i] <= reach && !byRemainder;
    int64_t distance =
        form.transposed ? low - tap[i].offset : tap[i].offset - low;
    if (form.boundary == Boundary::Wrap && !(isFixed && distance == 0)) {
      if (isFixed && std::abs(distance) <= reach) {
        Value around = plus(moved, distance < 0 ? reach : -reach);
        Value isBeyond =
            distance < 0
                ? compare(arith::CmpIPredicate::slt, moved, constant(0))
                : compare(arith::CmpIPredicate::sge, moved, constant(reach));
        moved = select(isBeyond, around, moved);
      } else {
        // Windows may be larger than the lattice.
        moved = arith::RemSIOp::create(b, loc, moved, constant(reach));
        moved = select(compare(arith::CmpIPredicate::slt, moved, constant(0)),
                       plus(moved, reach), moved);
      }
    }
    if (form.transposed && stride > 1) {
      Value rest = arith::RemSIOp::create(b, loc, moved, constant(stride));
      valid = both(valid, compare(arith::CmpIPredicate::eq, rest, constant(0)));
      if (form.boundary == Boundary::Zero)
        valid =
            both(valid, compare(arith::CmpIPredicate::sge, moved, constant(0)));
      moved = arith::DivSIOp::create(b, loc, moved, constant(stride));
    }
    // Strided outputs need not reach the field's end.
    if (form.boundary == Boundary::Zero &&
        !(isFixed && distance == 0 && ends[i] <= extents[i]))
      valid = both(valid, compare(arith::CmpIPredicate::ult, moved,
                                  constant(extents[i])));
    place.push_back({moved, 0});
  }
}

/// A conv at an output site, its transpose at a field's site.
Value GPUEmitter::convolve(Operation *op, const GPUSite &site) {
  if (auto found = channelsAhead.find(op);
      found != channelsAhead.end() && site.isOwn && site.slot >= 0)
    return found->second[site.slot % mostChannelsAhead];
  SmallVector<GPUCoordinate, 4> own = coordinatesOf(site);
  bool hasChannels = ConvForm::of(op).channels;
  Values channels;
  if (hasChannels)
    channels.push_back(at(own[0]));
  return convolveAt(op, ArrayRef(own).drop_front(hasChannels), channels)[0];
}

/// The same at one place of several channels, which are of one group: sums over
/// channels and taps of weight times what the tap reads, which is read once.
GPUEmitter::Values GPUEmitter::convolveAt(Operation *op,
                                          ArrayRef<GPUCoordinate> own,
                                          ArrayRef<Value> channels) {
  ConvForm form = ConvForm::of(op);
  Value kernel = op->getOperand(0), read = op->getOperand(1);
  auto from = cast<RankedTensorType>(read.getType());
  auto to = cast<RankedTensorType>(op->getResult(0).getType());
  Type element = to.getElementType();
  int64_t inGroup = form.channels ? to.getDimSize(0) / form.groups : 1;
  int64_t readInGroup = form.channels ? from.getDimSize(0) / form.groups : 1;

  auto addTap = [&](ArrayRef<GPUCoordinate> tap, Value channel, Carried sums) {
    SmallVector<GPUCoordinate> place;
    Value other = channel;
    if (form.groups > 1)
      other = plus(times(divided(channels[0], inGroup), readInGroup), channel);
    if (form.channels)
      place.push_back({other, 0});
    Value valid;
    placeTap(form, own, tap, place, valid);
    Value x = getWhere(read, valid, place);
    for (auto [number, sum] : llvm::enumerate(sums)) {
      SmallVector<GPUCoordinate> weight;
      if (form.channels) {
        Value mine = channels[number];
        // Kernels are [output channel, field channel within the group, window].
        if (!form.transposed)
          weight = {{mine, 0}, {channel, 0}};
        else
          weight = {{other, 0},
                    {form.groups > 1 ? remainder(mine, inGroup) : mine, 0}};
      }
      llvm::append_range(weight, tap);
      weight.back().base = plus(weight.back().base, noOffset);
      Value w = getAt(kernel, weight);
      sum = sum ? Value(math::FmaOp::create(b, loc, w, x, sum))
                : Value(arith::MulFOp::create(b, loc, w, x));
    }
  };
  auto addTaps = [&](Value channel, Carried sums) {
    if (form.taps() > mostUnrolledTaps) {
      Values added(sums.size(), number(element, 0));
      sumsOver(form.window(), false, added,
               [&](ArrayRef<GPUCoordinate> tap, Carried inner) {
                 addTap(tap, channel, inner);
               });
      for (auto [sum, more] : llvm::zip(sums, added))
        sum = sum ? Value(arith::AddFOp::create(b, loc, sum, more)) : more;
    } else {
      SmallVector<GPUCoordinate> tap(form.window().size());
      for (int64_t number = 0; number < form.taps(); ++number) {
        for (auto [i, at] : llvm::enumerate(form.tapAt(number)))
          tap[i] = {Value(), at};
        addTap(tap, channel, sums);
      }
    }
    for (Value &sum : sums)
      sum = here(sum);
  };
  if (!form.channels) {
    Values sums(1);
    addTaps(Value(), sums);
    return sums;
  }
  Values sums(channels.size(), number(element, 0));
  loop(constant(0), constant(readInGroup), constant(1), sums,
       [&](Value channel, Carried carried) { addTaps(channel, carried); });
  return sums;
}

/// One weight's derivative: sum over output sites of output times field.
Value GPUEmitter::outerAt(ConvOuterOp op, const GPUSite &site, bool byLanes) {
  SmallVector<GPUCoordinate, 4> weight = coordinatesOf(site);
  size_t rank = op.getStrides().size();
  bool hasChannels = weight.size() > rank;
  Type element = op.getResult().getType().getElementType();
  ArrayRef<int64_t> sites = op.getOutputType().getShape().take_back(rank);
  return sumOver(sites, byLanes, element, false,
                 [&](ArrayRef<GPUCoordinate> output, Value sum) {
                   return addOuter(op, weight, output, Value(), sum,
                                   hasChannels);
                 });
}

/// sum + output * field for one weight and output site.
Value GPUEmitter::addOuter(ConvOuterOp op, ArrayRef<GPUCoordinate> weight,
                           ArrayRef<GPUCoordinate> output, Value gradient,
                           Value sum, bool hasChannels) {
  SmallVector<GPUCoordinate> place, from;
  if (hasChannels) {
    int64_t outputs = op.getOutputType().getDimSize(0) / op.getGroups();
    int64_t fields = op.getFieldType().getDimSize(0) / op.getGroups();
    Value channel = at(weight[1]);
    if (op.getGroups() > 1)
      channel = plus(times(divided(at(weight[0]), outputs), fields), channel);
    from.push_back({at(weight[0]), 0});
    place.push_back({channel, 0});
  }
  llvm::append_range(from, output);
  Value valid;
  placeTap(ConvForm(op), output, weight.take_back(output.size()), place, valid,
           /*byRemainder=*/true);
  Value x = getWhere(op.getRhs(), valid, place);
  if (!gradient)
    gradient = getAt(op.getLhs(), from);
  return sum ? Value(math::FmaOp::create(b, loc, gradient, x, sum))
             : Value(arith::MulFOp::create(b, loc, gradient, x));
}
