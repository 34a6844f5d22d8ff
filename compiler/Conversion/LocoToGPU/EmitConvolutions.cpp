//===- EmitConvolutions.cpp - Convolutions at a site ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"
#include "dialects/Loco/Transforms/ConvForm.h"

using namespace mlir;
using namespace loco;

/// Windows of more taps get a loop.
static constexpr int64_t mostUnrolledTaps = 49;

/// A conv at an output site, its transpose at a field's site: sum over channels
/// and taps of weight times what the tap reads.
Value GPUEmitter::convolve(Operation *op, const GPUSite &site) {
  ConvForm form = ConvForm::of(op);
  Value kernel = op->getOperand(0), read = op->getOperand(1);
  auto from = cast<RankedTensorType>(read.getType());
  auto to = cast<RankedTensorType>(op->getResult(0).getType());
  Type element = to.getElementType();
  SmallVector<GPUCoordinate, 4> own = coordinatesOf(site);
  int64_t inGroup = form.channels ? to.getDimSize(0) / form.groups : 1;
  int64_t readInGroup = form.channels ? from.getDimSize(0) / form.groups : 1;

  auto addTap = [&](ArrayRef<GPUCoordinate> tap, Value channel,
                    Value sum) -> Value {
    SmallVector<GPUCoordinate> weight, place;
    if (form.channels) {
      Value mine = at(own[0]), other = channel;
      if (form.groups > 1) {
        Value group = divided(mine, inGroup);
        other = plus(times(group, readInGroup), channel);
        if (form.transposed)
          mine = remainder(mine, inGroup);
      }
      // Kernels are [output channel, field channel within the group, window].
      Value first = form.transposed ? other : at(own[0]);
      Value second = form.transposed ? mine : channel;
      weight = {{first, 0}, {second, 0}};
      place.push_back({other, 0});
    }
    llvm::append_range(weight, tap);
    Value valid;
    ArrayRef<int64_t> extents = from.getShape().drop_front(form.channels);
    for (size_t i = 0; i < tap.size(); ++i) {
      const GPUCoordinate &mine = own[form.channels + i];
      int64_t stride = form.strides[i], low = form.low[i];
      // The field's coordinate, or that of the output times the stride.
      Value moved;
      if (!form.transposed)
        moved = plus(plus(times(at(mine), stride), tap[i].base),
                     tap[i].offset - low);
      else if (tap[i].base)
        moved = plus(arith::SubIOp::create(b, loc, at(mine), tap[i].base),
                     low - tap[i].offset);
      else
        moved = plus(at(mine), low - tap[i].offset);
      int64_t reach = form.transposed ? extents[i] * stride : extents[i];
      bool isFixed = !tap[i].base && stride == 1;
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
        valid =
            both(valid, compare(arith::CmpIPredicate::eq, rest, constant(0)));
        if (form.boundary == Boundary::Zero)
          valid = both(valid,
                       compare(arith::CmpIPredicate::sge, moved, constant(0)));
        moved = arith::DivSIOp::create(b, loc, moved, constant(stride));
      }
      // Strided outputs need not reach the field's end.
      if (form.boundary == Boundary::Zero &&
          !(isFixed && distance == 0 &&
            to.getShape().drop_front(form.channels)[i] <= extents[i]))
        valid = both(valid, compare(arith::CmpIPredicate::ult, moved,
                                    constant(extents[i])));
      place.push_back({moved, 0});
    }
    Value x = getWhere(read, valid, place);
    weight.back().base = plus(weight.back().base, noOffset);
    Value w = getAt(kernel, weight);
    return sum ? Value(math::FmaOp::create(b, loc, w, x, sum))
               : Value(arith::MulFOp::create(b, loc, w, x));
  };
  auto addTaps = [&](Value channel, Value sum) -> Value {
    if (form.taps() > mostUnrolledTaps) {
      Value start = sum ? sum : number(element, 0);
      Value added = sumOver(form.window(), false, element, false,
                            [&](ArrayRef<GPUCoordinate> tap, Value inner) {
                              return addTap(tap, channel, inner);
                            });
      return arith::AddFOp::create(b, loc, start, added);
    }
    SmallVector<GPUCoordinate> tap(form.window().size());
    for (int64_t number = 0; number < form.taps(); ++number) {
      int64_t rest = number;
      for (size_t i = tap.size(); i-- > 0; rest /= form.window()[i])
        tap[i] = {Value(), rest % form.window()[i]};
      sum = addTap(tap, channel, sum);
    }
    return sum;
  };
  if (!form.channels)
    return here(addTaps(Value(), Value()));
  Values sum = {number(element, 0)};
  loop(constant(0), constant(readInGroup), constant(1), sum,
       [&](Value channel, Carried carried) {
         carried[0] = here(addTaps(channel, carried[0]));
       });
  return sum[0];
}

/// The coordinates that weight `tap` of a conv reads for output site `output`
/// (both without channels), and whether they are inside the field.
static void readAt(ConvOuterOp op, ArrayRef<GPUCoordinate> output,
                   ArrayRef<GPUCoordinate> tap,
                   llvm::function_ref<void(size_t, int64_t, int64_t, int64_t,
                                           GPUCoordinate, GPUCoordinate)>
                       visit) {
  ArrayRef<int64_t> extents =
      op.getFieldType().getShape().take_back(tap.size());
  for (size_t i = 0; i < tap.size(); ++i)
    visit(i, op.getStrides()[i], op.getLow()[i], extents[i], output[i], tap[i]);
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
  size_t rank = op.getStrides().size();
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
  readAt(op, output, weight.take_back(rank),
         [&](size_t i, int64_t stride, int64_t low, int64_t extent,
             GPUCoordinate mine, GPUCoordinate tap) {
           Value moved =
               plus(plus(times(at(mine), stride), tap.base), tap.offset - low);
           if (op.getBoundary() == Boundary::Wrap) {
             moved = arith::RemSIOp::create(b, loc, moved, constant(extent));
             moved =
                 select(compare(arith::CmpIPredicate::slt, moved, constant(0)),
                        plus(moved, extent), moved);
           } else {
             valid = both(valid, compare(arith::CmpIPredicate::ult, moved,
                                         constant(extent)));
           }
           place.push_back({moved, 0});
         });
  Value x = getWhere(op.getRhs(), valid, place);
  if (!gradient)
    gradient = getAt(op.getLhs(), from);
  return sum ? Value(math::FmaOp::create(b, loc, gradient, x, sum))
             : Value(arith::MulFOp::create(b, loc, gradient, x));
}
