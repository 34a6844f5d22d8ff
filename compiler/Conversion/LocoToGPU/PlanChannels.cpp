//===- PlanChannels.cpp - Which channels a thread has ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sites are numbered channel by channel. If the number of threads is a multiple
// of the places of a channel, then all sites of a thread are channels of one
// place, and a coupling that mixes channels reads what they have in common once
// (EmitChannels.cpp).
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUPlanner.h"

#include "dialects/Loco/Transforms/ConvForm.h"

#include <numeric>

using namespace mlir;
using namespace loco;

static constexpr int64_t warp = 32;

/// Channels of one place that a thread of several blocks has at most, and
/// threads that a block has at least then.
static constexpr int64_t mostOfPlace = 16, leastThreads = 128;

/// Sums that a lane adds up at a time.
static constexpr int64_t mostSums = 40, mostOutputs = 8;

int64_t GPUSchedule::channelsOfThread(Operation *op) const {
  if (!isa<ConvOp, ConvTransposeOp>(op))
    return 0;
  ConvForm form = ConvForm::of(op);
  Value result = op->getResult(0);
  int64_t slots = slotsOf(countOf(result));
  if (!form.channels || form.groups > 1 || slots < 2)
    return 0;
  int64_t places =
      countOf(result) / cast<RankedTensorType>(result.getType()).getDimSize(0);
  return threads % places == 0 ? slots : 0;
}

int64_t GPUSchedule::outputsOfWarp(Operation *op) const {
  auto outer = dyn_cast<ConvOuterOp>(op);
  if (!outer)
    return 0;
  ConvForm form(outer);
  if (!form.channels || form.groups > 1 || form.taps() > mostSums)
    return 0;
  int64_t outputs = form.output.getDimSize(0),
          inputs = form.field.getDimSize(0);
  // Every warp should have something to do.
  for (int64_t together = mostOutputs; together > 1; --together)
    if (outputs % together == 0 && together * form.taps() <= mostSums &&
        outputs / together * inputs >= threads / 32)
      return together;
  return form.taps() > 1 ? 1 : 0;
}

/// Places of a channel, where all couplings of the loops that mix channels have
/// as many; else 0.
static int64_t findPlaces(func::FuncOp function) {
  int64_t places = 0;
  bool isOne = true;
  function.walk([&](Operation *op) {
    if (!isa<ConvOp, ConvTransposeOp>(op) || !op->getParentOfType<ScanOp>())
      return;
    ConvForm form = ConvForm::of(op);
    if (!form.channels || form.groups > 1)
      return;
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    int64_t found = type.getNumElements() / type.getDimSize(0);
    isOne &= places == 0 || places == found;
    places = found;
  });
  return isOne ? places : 0;
}

/// Threads for fields of `most` sites, so that those of a thread are channels
/// of one place; `threads` if that takes more rounds.
int64_t GPUPlanner::alignToPlaces(int64_t threads, int64_t most) const {
  const GPUOptions &options = schedule.options;
  int64_t places = findPlaces(schedule.function);
  if (!places || most % places)
    return threads;
  auto roundsOf = [&](int64_t number) { return (most + number - 1) / number; };
  int64_t each = std::lcm(places, warp), best = threads;
  for (int64_t number = each; number <= options.threads; number += each) {
    bool isBetter = best % places != 0 ||
                    roundsOf(number) * number <= roundsOf(best) * best;
    if (roundsOf(number) <= options.mostSlots && isBetter &&
        roundsOf(number) * number <= 2 * roundsOf(threads) * threads)
      best = number;
  }
  return best;
}

/// Gives each block all channels of some places, where that can be: threads of
/// a block, and `blocks`, which there have to be at least; else `threads`.
int64_t GPUPlanner::dividePlaces(int64_t &blocks, int64_t threads,
                                 int64_t most) {
  int64_t places = findPlaces(schedule.function);
  if (!places || most % places || !llvm::isPowerOf2_64(places))
    return threads;
  int64_t slots = most / places;
  for (int64_t number = blocks; number <= mostInCluster; number *= 2) {
    int64_t each = places / number;
    if (each < leastThreads || each > threads || slots > mostOfPlace ||
        slots > registerSlots(schedule.options, each))
      continue;
    schedule.options.mostSlots = std::max(schedule.options.mostSlots, slots);
    blocks = number;
    return each;
  }
  return threads;
}
