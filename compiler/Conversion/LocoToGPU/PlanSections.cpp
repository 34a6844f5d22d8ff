//===- PlanSections.cpp - What a GPU's threads may keep for how long ------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What one loop over steps leaves in registers for a later one would be there
// during all loops between them, and so would the addresses that both use. So
// loops, and what is between two of them, are sections: values go from one to
// another through memory, and each starts from the sample's number and a zero
// which are read from shared memory again. Where a section has many long
// stages, each of those does the same.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUPlanner.h"

using namespace mlir;
using namespace loco;

/// So many long stages may keep their addresses from step to step.
static constexpr int64_t mostLongStages = 4;

/// A stage that is a loop of its own: fields that have too many sites for
/// registers, products, convolutions with channels.
static bool isLong(const GPUSchedule &schedule, const GPUStage &stage) {
  if (stage.kind == GPUStage::Kind::Warps)
    return true;
  if (stage.kind != GPUStage::Kind::Sites)
    return false;
  int64_t count = 1;
  for (int64_t extent : stage.shape)
    count = count < 0 || isOpen(extent) ? -1 : count * extent;
  return !schedule.slotsOf(count) ||
         llvm::any_of(stage.items, [](const GPUItem &item) {
           return item.op && !item.deferred &&
                  isa<ContractOp, ConvOp, ConvTransposeOp, ConvOuterOp>(
                      item.op);
         });
}

/// Calls `visit` for the stages of a loop too.
static void walk(GPUSchedule &schedule, GPUStage &stage,
                 llvm::function_ref<void(GPUStage &)> visit) {
  visit(stage);
  if (stage.kind != GPUStage::Kind::Scan)
    return;
  GPUScan &scan = *schedule.scans[stage.items.front().op];
  for (std::vector<GPUStage> *stages : {&scan.entry, &scan.body})
    for (GPUStage &inner : *stages)
      walk(schedule, inner, visit);
}

void GPUPlanner::planSections() {
  unsigned section = 0;
  bool wasLoop = false;
  std::vector<int64_t> longStages(1, 0);
  for (auto [i, stage] : llvm::enumerate(schedule.top)) {
    bool isLoop = stage.kind == GPUStage::Kind::Scan;
    if (i > 0 && (isLoop || wasLoop)) {
      ++section;
      longStages.push_back(0);
    }
    wasLoop = isLoop;
    walk(schedule, stage, [&](GPUStage &inner) {
      inner.section = section;
      longStages[section] += isLong(schedule, inner);
    });
    for (const GPUItem &item : stage.items)
      if (item.op)
        schedule.sections[item.op] = section;
  }
  bool isDivided = section > 0 || !schedule.scans.empty();
  for (GPUStage &stage : schedule.top)
    walk(schedule, stage, [&](GPUStage &inner) {
      inner.isApart =
          longStages[inner.section] > mostLongStages && isLong(schedule, inner);
      isDivided |= inner.isApart;
    });
  if (!isDivided)
    return;
  GPUPlace place;
  place.element = IntegerType::get(schedule.function.getContext(), 64);
  place.shape = {GPUSchedule::anchorNumbers};
  place.depth = ~0u;
  schedule.anchorPlace = addPlace(std::move(place));
}
