//===- EmitChannels.cpp - Several channels at one place -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A coupling that mixes channels multiplies what one place reads by a weight of
// each output channel. Where a thread's sites are channels of one place, it
// reads once for all of them; and a warp that sums up derivatives of weights
// multiplies what it has read of some channels with each other.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace loco;

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// Convolves the channels of the thread's place from `slot` on, as many as are
/// made at a time, for those of the stage's ops that read the same for each.
void GPUEmitter::convolveAhead(const GPUStage &stage, int64_t slot) {
  if (slot % mostChannelsAhead)
    return;
  for (const GPUItem &item : stage.items) {
    int64_t slots = item.op ? schedule.channelsOfThread(item.op) : 0;
    if (!slots)
      continue;
    llvm::SaveAndRestore source(loc, item.op->getLoc());
    GPUSite site;
    site.shape = schedule.shapeOf(item.op->getResult(0));
    site.linear = thread;
    SmallVector<GPUCoordinate, 4> own = coordinatesOf(site);
    int64_t count = schedule.countOf(item.op->getResult(0)),
            outputs = site.shape.front(), places = count / outputs,
            end = std::min(slots, slot + mostChannelsAhead);
    bool isWhole = schedule.threads == places;
    Values channels;
    for (int64_t i = slot; i < end; ++i) {
      Value channel = plus(isWhole ? constant(0) : at(own[0]),
                           i * (schedule.threads / places));
      if ((i + 1) * schedule.threads > count)
        channel =
            arith::MinUIOp::create(b, loc, channel, constant(outputs - 1));
      channels.push_back(channel);
    }
    channelsAhead[item.op] =
        convolveAt(item.op, ArrayRef(own).drop_front(), channels);
  }
}

//===----------------------------------------------------------------------===//
// Derivatives by weights
//===----------------------------------------------------------------------===//

/// Sums that all lanes have parts of: in each step a lane gives half of them to
/// another one and takes the other half of that one's.
SmallVector<GPUEmitter::LaneSum> GPUEmitter::reduceLanes(Values sums) {
  SmallVector<std::pair<int64_t, int64_t>> steps;
  for (int64_t distance = 16; distance; distance /= 2) {
    Value isUpper = compare(
        arith::CmpIPredicate::ne,
        arith::AndIOp::create(b, loc, lane, constant(distance)), constant(0));
    int64_t count = sums.size(), half = (count + 1) / 2;
    steps.push_back({distance, count});
    for (int64_t i = 0; i < half; ++i) {
      // Without a second one both have the first.
      Value lower = sums[i], upper = i + half < count ? sums[i + half] : lower;
      Value given = select(isUpper, lower, upper);
      Value taken = gpu::ShuffleOp::create(b, loc, given, constant(distance),
                                           constant(32), gpu::ShuffleMode::XOR)
                        .getShuffleResult();
      sums[i] = combine(select(isUpper, upper, lower), taken, false);
    }
    sums.resize(half);
  }
  SmallVector<LaneSum> found;
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value number = constant(i), exists;
    for (auto [distance, count] : llvm::reverse(steps)) {
      Value isUpper = compare(
          arith::CmpIPredicate::ne,
          arith::AndIOp::create(b, loc, lane, constant(distance)), constant(0));
      int64_t half = (count + 1) / 2;
      number = select(isUpper, plus(number, half), number);
      if (count % 2)
        exists = both(exists, compare(arith::CmpIPredicate::ult, number,
                                      constant(count)));
    }
    found.push_back({sum, number, exists});
  }
  return found;
}

/// Derivatives by all weights between `together` output channels and one
/// channel of the field: the work of one warp, whose lanes go through the
/// sites.
void GPUEmitter::emitOuter(ConvOuterOp op, int64_t together) {
  ConvForm form(op);
  int64_t taps = form.taps(), inputs = form.field.getDimSize(0),
          jobs = form.output.getDimSize(0) / together * inputs;
  Type element = op.getResult().getType().getElementType();
  ArrayRef<int64_t> sites = form.output.getShape().drop_front();
  auto add = [&](Value first, Value input, ArrayRef<GPUCoordinate> output,
                 Carried sums) {
    Values gradients;
    for (int64_t k = 0; k < together; ++k) {
      SmallVector<GPUCoordinate> from = {{plus(first, k), 0}};
      llvm::append_range(from, output);
      gradients.push_back(getAt(op.getLhs(), from));
    }
    for (int64_t number = 0; number < taps; ++number) {
      SmallVector<GPUCoordinate> tap, place = {{input, 0}};
      for (int64_t at : form.tapAt(number))
        tap.push_back({Value(), at});
      Value valid;
      placeTap(form, output, tap, place, valid);
      Value x = getWhere(op.getRhs(), valid, place);
      for (auto [k, gradient] : llvm::enumerate(gradients)) {
        Value &sum = sums[k * taps + number];
        sum = math::FmaOp::create(b, loc, gradient, x, sum);
      }
    }
  };
  loop(warp, constant(jobs), constant(schedule.threads / 32), {},
       [&](Value job, Carried) {
         Value input = remainder(job, inputs),
               first = times(divided(job, inputs), together);
         Values sums(together * taps, number(element, 0));
         sumsOver(sites, true, sums,
                  [&](ArrayRef<GPUCoordinate> output, Carried carried) {
                    add(first, input, output, carried);
                  });
         Value begin = times(plus(times(first, inputs), input), taps);
         for (const LaneSum &part : reduceLanes(sums)) {
           Value place = plus(
               plus(begin, times(divided(part.number, taps), inputs * taps)),
               remainder(part.number, taps));
           when(part.exists,
                [&] { store(find(op.getResult()), place, part.sum, false); });
         }
       });
}
