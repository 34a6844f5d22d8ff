//===- PlanBarriers.cpp - Where a GPU's threads wait for each other -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two accesses to one place conflict unless both read, or the same thread
// touches the same element both times. A stage whose accesses conflict with
// one since the last barrier begins with a barrier. Bodies of loops are gone
// through twice: what a step leaves open meets the next one.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUPlanner.h"

#include "compiler/Conversion/LocoToKernels/Layout.h"

using namespace mlir;
using namespace loco;

/// Sites given out in turn: static count; negative where it depends on a number
/// of steps, and on which.
static int64_t mappingOf(ArrayRef<int64_t> shape) {
  int64_t count = 1, open = 0;
  for (int64_t extent : shape)
    if (isOpen(extent))
      open = extent == segmentSteps ? 1 : extent == segmentCount ? 2 : 3;
    else
      count *= extent;
  return open ? -(4 * count + open) : count;
}

/// What reading `value` at sites of `mapping` touches. Values of registers and
/// of the same stage have no memory to be read, or the thread's own.
void GPUPlanner::readAccess(Value value, bool isOwn, int64_t mapping,
                            unsigned section, Accesses &accesses) const {
  leaves(value, isOwn, [&](Value leaf, bool isOwnLeaf) {
    Value stored = leaf;
    // Copied ahead, an element has memory of its own.
    if (Value stack = getStackOf(leaf);
        stack && !schedule.fetched.contains(leaf))
      stored = stack;
    auto found = schedule.memory.find(stored);
    if (found == schedule.memory.end())
      return;
    if (isOwnLeaf && stored == leaf && schedule.hasRegisters(leaf, section))
      return;
    bool isMapped = isOwnLeaf && mapping != 1 &&
                    mappingOf(schedule.shapeOf(leaf)) == mapping;
    accesses.push_back({found->second.place, isMapped ? mapping : 0, false});
  });
}

void GPUPlanner::accessesOf(const GPUStage &stage, Accesses &accesses) const {
  int64_t mapping = 0;
  if (stage.kind == GPUStage::Kind::Sites)
    mapping = mappingOf(stage.shape);
  if (stage.kind == GPUStage::Kind::Replicated)
    mapping = 1;
  for (const GPUItem &item : stage.items) {
    if (item.op) {
      for (auto [i, operand] : llvm::enumerate(item.op->getOperands())) {
        bool isOwn = readsOwn(item.op, i);
        int64_t from = mapping;
        if (stage.kind == GPUStage::Kind::Block && isOwn &&
            isa<RankedTensorType>(operand.getType()))
          from = mappingOf(schedule.shapeOf(operand));
        readAccess(operand, isOwn, from, stage.section, accesses);
      }
      if (!item.deferred)
        for (Value result : item.op->getResults())
          if (auto found = schedule.memory.find(result);
              found != schedule.memory.end())
            accesses.push_back({found->second.place, mapping, true});
    } else if (item.value) {
      readAccess(item.value, true, mapping, stage.section, accesses);
    }
    for (const GPUSink &sink : item.sinks)
      accesses.push_back({sink.to.place, mapping, true});
  }
  if (stage.kind == GPUStage::Kind::Block)
    accesses.push_back({schedule.reductionPlace, 0, true});
  if (stage.kind == GPUStage::Kind::Product)
    accesses.push_back({schedule.panelPlace, 0, true});
}

void GPUPlanner::placeBarriers(std::vector<GPUStage> &stages, Accesses &open) {
  auto conflicts = [&](const Accesses &accesses) {
    for (const Access &now : accesses)
      for (const Access &before : open)
        if (now.place == before.place && (now.write || before.write) &&
            (now.mapping != before.mapping || now.mapping == 0))
          return true;
    return false;
  };
  auto add = [&](const Accesses &accesses) {
    for (const Access &access : accesses)
      if (llvm::none_of(open, [&](const Access &known) {
            return known.place == access.place &&
                   known.mapping == access.mapping &&
                   known.write == access.write;
          }))
        open.push_back(access);
  };
  for (GPUStage &stage : stages) {
    if (stage.kind == GPUStage::Kind::Scan) {
      auto scan = cast<ScanOp>(stage.items.front().op);
      GPUScan &plan = *schedule.scans[scan];
      // Which half a loop ended with is not known, should it run again.
      for (size_t i = 0, e = open.size(); i < e; ++i)
        for (const GPUScan::Carry &carry : plan.halves())
          if (open[i].place == carry.current || open[i].place == carry.next) {
            Access other = open[i];
            other.place = carry.current + carry.next - other.place;
            open.push_back(other);
            break;
          }
      placeBarriers(plan.entry, open);
      // First elements are loaded ahead.
      Accesses ahead;
      for (Value element : scan.getElementArguments())
        if (schedule.hasRegisters(element))
          readAccess(element, true, mappingOf(schedule.shapeOf(element)),
                     stage.section, ahead);
      // So are weights that stay on chip.
      for (Operation &op : *scan.getBlock())
        if (auto found = schedule.products.find(&op);
            found != schedule.products.end() && !found->second.isSum) {
          readAccess(found->second.held, false, 0, stage.section, ahead);
          ahead.push_back({schedule.panelPlace, 0, true});
        }
      auto fetch = [&](bool isFirst) {
        Accesses accesses;
        for (const GPUScan::Fetch &fetch : plan.fetches) {
          int64_t mapping = mappingOf(schedule.shapeOf(fetch.element));
          accesses.push_back(
              {schedule.memory.lookup(getStackOf(fetch.element)).place, mapping,
               false});
          accesses.push_back(
              {isFirst ? fetch.halves.current : fetch.halves.next, mapping,
               true});
        }
        return accesses;
      };
      llvm::append_range(ahead, fetch(true));
      plan.barrierBefore |= conflicts(ahead);
      if (plan.barrierBefore)
        open.clear();
      add(ahead);
      Accesses before = open;
      for (int pass = 0; pass < 2; ++pass) {
        // What was copied arrives, then the next copies start.
        for (const GPUScan::Fetch &arrived : plan.fetches)
          add({{arrived.halves.current,
                mappingOf(schedule.shapeOf(arrived.element)), true}});
        Accesses next = fetch(false);
        plan.barrierBeforeFetches |= conflicts(next);
        if (plan.barrierBeforeFetches)
          open.clear();
        add(next);
        placeBarriers(plan.body, open);
        // The halves change places.
        for (Access &access : open)
          for (const GPUScan::Carry &carry : plan.halves()) {
            if (access.place == carry.current) {
              access.place = carry.next;
              break;
            }
            if (access.place == carry.next) {
              access.place = carry.current;
              break;
            }
          }
        add(before);
      }
      // What is in registers and read elsewhere is stored, then sums of
      // threads are reduced.
      Accesses stored;
      for (auto [final, carry] : llvm::zip(scan.getFinals(), plan.carries))
        if (auto found = schedule.memory.find(final);
            found != schedule.memory.end() && carry.both < 0)
          stored.push_back(
              {found->second.place, mappingOf(schedule.shapeOf(final)), true});
      for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums))
        if (auto found = schedule.memory.find(sum);
            found != schedule.memory.end() && !entry.deferred &&
            entry.place < 0)
          stored.push_back(
              {found->second.place,
               entry.product ? 0 : mappingOf(schedule.shapeOf(sum)), true});
      plan.barrierAfter |= conflicts(stored);
      if (plan.barrierAfter)
        open.clear();
      add(stored);
      bool isReduced = llvm::any_of(
          plan.sums, [](const GPUScan::Sum &sum) { return sum.deferred; });
      if (isReduced) {
        Accesses accesses = {{schedule.reductionPlace, 0, true}};
        plan.barrierBeforeSums |= conflicts(accesses);
        if (plan.barrierBeforeSums)
          open.clear();
        add(accesses);
        for (Value sum : scan.getSums())
          if (auto found = schedule.memory.find(sum);
              found != schedule.memory.end())
            add({{found->second.place, 0, true}});
      }
      continue;
    }
    Accesses accesses;
    accessesOf(stage, accesses);
    stage.barrier |= conflicts(accesses);
    if (stage.barrier)
      open.clear();
    // A reduction over several warps has a barrier of its own in the middle;
    // what is open after it are the reads behind that, and what it writes.
    if (stage.kind == GPUStage::Kind::Block && schedule.threads > 32)
      open.clear();
    add(accesses);
  }
}
