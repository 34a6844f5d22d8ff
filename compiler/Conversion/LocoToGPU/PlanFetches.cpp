//===- PlanFetches.cpp - What is copied while a step is worked on ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a loop reads of a stack in global memory, its drive, its target, what
// the way there kept, is not waited for where it is used. A few numbers are
// loaded one step ahead into registers; more of them, and what other threads
// read, are copied into one of two halves in shared memory while the step
// before reads the other one; or, in grids, into the cache.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUPlanner.h"

using namespace mlir;
using namespace loco;

/// Registers of a thread that may wait for the next step: loading ahead into
/// registers takes one instruction less for each number, and no shared memory,
/// but a lattice kernel has 128 registers or fewer, all of which it wants.
static constexpr int64_t mostAhead = 2;

static int64_t bytesOf(Type element) {
  return element.getIntOrFloatBitWidth() / 8;
}

void GPUPlanner::planFetches(ScanOp scan) {
  struct Candidate {
    BlockArgument element;
    int64_t registers;
  };
  bool isDivided = schedule.blocksPerSample > 1,
       isGrid = isDivided && !schedule.isCluster;
  SmallVector<Candidate> candidates;
  for (BlockArgument element : scan.getElementArguments()) {
    auto found = schedule.memory.find(getStackOf(element));
    if (element.use_empty() || found == schedule.memory.end() ||
        schedule.memory.contains(element))
      continue;
    const GPUPlace &place = schedule.places[found->second.place];
    int64_t count = schedule.countOf(element);
    int64_t bytes = bytesOf(place.element);
    if (place.kind == GPUPlace::Kind::Shared || count <= 1 || bytes < 4)
      continue;
    // Blocks of a grid share no memory on chip: each has what its own threads
    // read at their sites. What others read, too, comes as far as the cache that
    // all of them have.
    if (isGrid && remote.contains(element)) {
      schedule.loadedLate.insert(element);
      continue;
    }
    // Those that threads wait for come first.
    int64_t slots = remote.contains(element) ? 0 : schedule.slotsOf(count);
    candidates.push_back({element, slots * bytes / 4});
  }
  llvm::stable_sort(candidates, [](const Candidate &a, const Candidate &b) {
    return std::pair(a.registers > 0, -a.registers) <
           std::pair(b.registers > 0, -b.registers);
  });
  int64_t ahead = 0;
  for (const Candidate &candidate : candidates)
    ahead += candidate.registers;
  int64_t available = schedule.options.sharedBytes / schedule.samplesPerBlock;
  int64_t &end = fetchEnd;
  for (const auto &[element, registers] : candidates) {
    if (registers > 0 && ahead <= mostAhead)
      break;
    GPUScan::Fetch fetch;
    fetch.element = element;
    int both = addMemory(element, GPUPlace::Kind::Shared);
    GPUPlace &place = schedule.places[both];
    place.isSpread = isDivided;
    place.copies = 2;
    int64_t bytes = schedule.bytesOf(place) * place.copies;
    if (end + bytes > available) {
      schedule.places.pop_back();
      continue;
    }
    place.offset = end;
    end += bytes;
    fetch.halves.both = both;
    for (int *half : {&fetch.halves.current, &fetch.halves.next}) {
      *half = addMemory(element, GPUPlace::Kind::Half);
      schedule.places[*half].isSpread = isDivided;
    }
    schedule.memory[element] = {fetch.halves.current};
    schedule.fetched.insert(element);
    schedule.scans[scan]->fetches.push_back(fetch);
    ahead -= registers;
  }
}

void GPUPlanner::planFetches() {
  int64_t begin = schedule.sharedBytes;
  for (const GPUStage &stage : schedule.top) {
    if (stage.kind != GPUStage::Kind::Scan)
      continue;
    // Each of the function's own loops has the memory of the one before. Inner
    // loops are run more often, and are walked through first.
    fetchEnd = begin;
    Operation *outer = stage.items.front().op;
    outer->walk([&](ScanOp scan) { planFetches(scan); });
    if (fetchEnd > begin)
      schedule.scans[outer]->barrierBefore = true;
    schedule.sharedBytes = std::max(schedule.sharedBytes, fetchEnd);
  }
}
