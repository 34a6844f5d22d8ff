//===- Fetches.cpp - What a loop asks for a step ahead --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A pass that only does arithmetic on fields asks for more lines at once than
// the processor can wait for, and stands still. A convolution of channels does
// thousands of products for the same number of lines. So where a loop has one,
// it fetches, a few lines with each channel that it multiplies, what all groups
// of the loop read at the next step; into the second cache, as there is more of
// it than the first one holds.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"
#include "compiler/Conversion/LocoToKernels/Planner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace loco;

static bool hasProducts(const Group &group) {
  return group.lane && llvm::any_of(group.ops, [](Operation *op) {
           return isa<ConvOp, ConvTransposeOp>(op) && !op->use_empty();
         });
}

/// True if the sites of a tile of `group`, or its lanes, are rows of `place`.
static bool isFetchedWith(const Group &group, const Place &place) {
  const Layout &layout = place.layout;
  return ArrayRef(layout.shape) == ArrayRef(group.shape) &&
         (layout.lane == group.lane ||
          (layout.isDense() && layout.pitch[group.tileAxis] == 1));
}

void Planner::chooseFetches(ScanOp scan, ScanPlan &plan) {
  auto fetcher = llvm::find_if(plan.body.groups, hasProducts);
  if (plan.lockStep || fetcher == plan.body.groups.end())
    return;
  auto fits = [&](int place) {
    return isFetchedWith(*fetcher, schedule.places[place]);
  };
  llvm::SmallSetVector<int, 8> read, written;
  auto see = [&](Value value) {
    Reference reference = schedule.find(value);
    if (isa<BlockArgument>(value) && reference &&
        reference.step == scan.getStep() && fits(reference.place))
      read.insert(reference.place);
  };
  for (const Group &group : plan.body.groups) {
    for (Operation *op : group.ops)
      llvm::for_each(op->getOperands(), see);
    if (group.solo && !isa<ScanOp>(group.solo))
      llvm::for_each(group.solo->getOperands(), see);
    for (const Root &root : group.roots) {
      see(root.value);
      for (const Sink &sink : root.sinks)
        if (sink.to.step == scan.getStep() && fits(sink.to.place) &&
            schedule.places[sink.to.place].kind == Place::Kind::Arena)
          written.insert(sink.to.place);
    }
  }
  plan.fetched.insert(read.begin(), read.end());
  // What is handed on from the step before has been there for a step.
  for (auto [place, stack] : plan.handedOn)
    if (read.contains(stack))
      read.remove(place);
  for (int place : read)
    fetcher->fetches.push_back({{place, scan.getStep()}});
  for (int place : written)
    fetcher->fetches.push_back({{place, scan.getStep()}, true});
  for (auto [stack, address] : llvm::zip(plan.carryStacks, plan.carryAddresses))
    if (stack >= 0 && fits(address[1]))
      fetcher->fetches.push_back({{address[1], Value()}, true});
}

/// Asks for the part of what the group fetches that goes with one of the
/// channels that `sites` are made of. A tile of an array of the caller has a
/// line for each lane, one of ours for each site.
void Emitter::fetchAhead(ArrayRef<Site> sites, const Coordinate &channel,
                         int64_t channels) {
  if (!fetching.group)
    return;
  const Group &group = *fetching.group;
  for (auto [i, fetch] : llvm::enumerate(group.fetches)) {
    if (i % fetching.count != fetching.number)
      continue;
    Reference reference = fetch.what;
    const Place &place = schedule.places[reference.place];
    const Layout &layout = place.layout;
    bool turned = layout.isDense();
    unsigned axis = turned ? *group.lane : group.tileAxis;
    int64_t lines = turned ? std::min(lanes, group.shape[axis])
                           : static_cast<int64_t>(sites.size());
    Value index;
    int64_t offset = 0;
    for (auto [coordinate, pitch] : llvm::zip(sites.front(), layout.pitch)) {
      index = plus(index, times(coordinate.base, pitch));
      offset += coordinate.offset * pitch;
    }
    int64_t together = llvm::divideCeil(lines, channels);
    Value line = times(channel.base, together);
    if (lines < channels && line)
      line = arith::DivUIOp::create(b, loc, times(line, lines),
                                    constant(channels));
    for (int64_t j = 0; j < together; ++j) {
      Value at = plus(index, times(line, layout.pitch[axis]));
      int64_t further = offset + (channel.offset + j) * layout.pitch[axis];
      Value pointer = address(pointerTo(reference),
                              memoryElement(place.element), at, further);
      LLVM::Prefetch::create(b, loc, inNextStep(reference, pointer),
                             fetch.written, fetch.written ? 3 : 2, 1);
    }
  }
}
