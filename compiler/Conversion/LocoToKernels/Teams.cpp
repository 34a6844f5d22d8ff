//===- Teams.cpp - What several threads do of one sample ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where there are fewer samples than threads, a team of threads runs a sample:
// all run its loops, each has some rows of every large field, and they meet
// between groups. Everything small is done by one of them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Planner.h"

using namespace mlir;
using namespace loco;

/// Sites of a group from which it takes longer than what it takes threads to
/// meet, and rows that a thread has at least.
static constexpr int64_t smallestSplit = 4096, fewestRows = 8;

/// Threads of a team: for each there is room for its sums.
static constexpr int64_t mostMembers = 64;

/// The axis that is outermost in the group's loops, but for blocks of lanes.
static unsigned outermostAxis(const Group &group) {
  return group.lane == 0u && group.shape.size() > 1 ? 1 : 0;
}

/// True if what lies around `place` can be filled by those who have the sites
/// that lie there.
static bool canFill(const Place &place, const Sink &sink, unsigned axis) {
  if (!place.layout.halo)
    return true;
  return (!place.stacked || sink.to.step) &&
         place.layout.order().front() == axis;
}

/// Rows of `place` that others read beyond a thread's first or last.
static int64_t haloRows(const Place &place, unsigned axis) {
  if (!place.layout.halo)
    return 0;
  return std::max(place.layout.halo->low[axis], place.layout.halo->high[axis]);
}

static bool hasStrides(const Group &group) {
  return llvm::any_of(group.ops, [](Operation *op) {
    auto transpose = dyn_cast<ConvTransposeOp>(op);
    return transpose && llvm::any_of(transpose.getStrides(),
                                     [](int64_t stride) { return stride > 1; });
  });
}

/// Divides `group` along an axis if it is large enough.
void Planner::splitGroup(Group &group) const {
  if (group.solo || group.shape.empty() ||
      !llvm::all_of(group.shape, isKnownLength))
    return;
  int64_t sites = 1;
  for (int64_t extent : group.shape)
    sites *= extent;
  unsigned axis = outermostAxis(group);
  if (sites < smallestSplit ||
      (!group.flat && group.shape[axis] < 2 * fewestRows))
    return;
  // Sites of one turn belong to one thread.
  if (group.lane && (*group.lane == axis || hasStrides(group) ||
                     group.tileLines > 1))
    return;
  for (const Root &root : group.roots)
    for (const Sink &sink : root.sinks) {
      const Place &place = schedule.places[sink.to.place];
      if (!canFill(place, sink, axis) || (place.staging >= 0 && axis != 0))
        return;
    }
  group.splitAxis = axis;
}

/// A place for what each thread of a team gives the sums of `group`.
int Planner::addPartials(const Group &group) {
  int64_t count = 0;
  Type element;
  for (Operation *op : group.ops)
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      ++count;
      element = getElementTypeOrSelf(reduce.getResult());
    } else if (auto outer = dyn_cast<ConvOuterOp>(op)) {
      count += outer.getKernelType().getNumElements();
      element = outer.getKernelType().getElementType();
    }
  if (!count)
    return -1;
  Place place;
  place.layout = Layout::dense({mostMembers, (count + 15) / 16 * 16});
  place.element = element;
  return addPlace(std::move(place));
}

void Planner::chooseTeam() {
  // Loops in which samples advance together are products first of all.
  bool any = false;
  SmallVector<Group *> groups;
  auto collect = [&](BlockPlan &plan) {
    for (Group &group : plan.groups)
      groups.push_back(&group);
  };
  collect(schedule.top);
  // In the order of the program: places are numbered.
  schedule.function.walk([&](ScanOp scan) {
    auto found = schedule.scans.find(scan);
    if (found == schedule.scans.end())
      return;
    ScanPlan &plan = *found->second;
    for (BlockPlan *block : {&plan.entry, &plan.body, &plan.exit})
      collect(*block);
    for (Group &group : plan.body.groups) {
      splitGroup(group);
      any |= group.splitAxis.has_value() && !plan.lockStep;
      group.splitAxis.reset();
    }
  });
  if (!any)
    return;
  schedule.teamMost = mostMembers;
  for (Group *group : groups) {
    splitGroup(*group);
    if (!group->splitAxis)
      continue;
    unsigned axis = *group->splitAxis;
    int64_t rows = group->flat ? fewestRows * mostMembers : group->shape[axis];
    int64_t least = fewestRows;
    for (const Root &root : group->roots)
      for (const Sink &sink : root.sinks)
        least = std::max(least, haloRows(schedule.places[sink.to.place], axis) +
                                    group->tileRows);
    // A row of sites is divided by vectors.
    if (group->shape.size() == 1 && !group->flat)
      least = std::max(least, 2 * schedule.options.vectorBytes);
    schedule.teamMost = std::min(schedule.teamMost, rows / least);
    group->partials = addPartials(*group);
  }
  if (schedule.teamMost > 1)
    return;
  schedule.teamMost = 1;
  for (Group *group : groups)
    group->splitAxis.reset();
}
