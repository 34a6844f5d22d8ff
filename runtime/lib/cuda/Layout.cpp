//===- Layout.cpp - Where a batch is in device memory ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layout.h"

#include <algorithm>

using namespace loco;
using namespace loco::cuda;

using Kind = KernelOperand::Kind;

static LocoArenaSize scratchOf(const CudaLaunch &launch) {
  LocoArenaSize size = {};
  size.constant = launch.scratchBytes;
  size.perStep = launch.scratchBytesPerStep;
  size.perSegment = launch.scratchBytesPerSegment;
  size.perSegmentStep = launch.scratchBytesPerSegmentStep;
  return size;
}

int64_t CudaLaunch::segmentFor(int64_t steps, int64_t wanted) const {
  return wanted > 0 ? wanted : chooseSegment(scratchOf(*this), 1, steps);
}

int64_t CudaLaunch::scratchFor(int64_t steps, int64_t wanted) const {
  LocoArenaSize size = scratchOf(*this);
  return locoArenaBytes(&size, 1, steps, segmentFor(steps, wanted));
}

namespace {
/// An array between parts: the first and the last one that need it, and its
/// place among the others.
struct Life {
  size_t first = 0, last = 0;
  int64_t bytes = 0, offset = 0;
  bool isUsed = false;

  void extend(size_t part) {
    first = isUsed ? std::min(first, part) : part;
    last = std::max(last, part);
    isUsed = true;
  }
  bool meets(const Life &other) const {
    return first <= other.last && other.first <= last;
  }
};
} // namespace

static std::vector<Life> findLives(const CudaCode &code) {
  std::vector<Life> lives(code.between.size());
  for (size_t i = 0; i < code.parts.size(); ++i) {
    const CudaPart &part = code.parts[i];
    std::vector<CudaArray> arrays = part.arguments;
    arrays.insert(arrays.end(), part.results.begin(), part.results.end());
    if (!part.isKernels())
      arrays = {part.left, part.right, part.out};
    for (const CudaArray &array : arrays)
      if (array.place == CudaArray::Place::Between)
        lives[array.number].extend(i);
  }
  return lives;
}

/// Gives arrays places, the largest first, each at the lowest one where nothing
/// is that is needed at the same time: parts run one after the other. Returns
/// the bytes of all.
static int64_t placeLives(std::vector<Life> &lives) {
  std::vector<Life *> order, placed;
  for (Life &life : lives)
    order.push_back(&life);
  std::sort(order.begin(), order.end(), [](Life *a, Life *b) {
    return a->bytes != b->bytes ? a->bytes > b->bytes : a < b;
  });
  int64_t end = 0;
  for (Life *life : order) {
    // In the order of places: what ends before the array begins is passed.
    for (Life *other : placed)
      if (life->meets(*other) && other->offset < life->offset + life->bytes)
        life->offset = std::max(life->offset, other->offset + other->bytes);
    placed.insert(std::upper_bound(
                      placed.begin(), placed.end(), life,
                      [](Life *a, Life *b) { return a->offset < b->offset; }),
                  life);
    end = std::max(end, life->offset + life->bytes);
  }
  return end;
}

Layout Layout::make(const CudaCode &code, int64_t samples, int64_t steps,
                    const std::vector<int64_t> &teams, bool hasSpare,
                    int64_t workspace) {
  Layout layout;
  layout.samples = samples;
  layout.steps = steps;
  layout.hasSpare = hasSpare;
  int64_t end = 0;
  auto place = [](int64_t &end, int64_t size) {
    int64_t offset = end;
    end += aligned(std::max<int64_t>(size, 1));
    return offset;
  };
  int64_t batch = 0;
  for (const KernelOperand &argument : code.kernel.arguments) {
    bool isArray = argument.kind != Kind::None;
    bool isSample = argument.kind == Kind::Sample;
    int64_t size =
        isArray ? argument.bytes(steps) * (isSample ? samples : 1) : 0;
    layout.argumentBytes.push_back(size);
    layout.arguments.push_back(isArray ? place(isSample ? batch : end, size)
                                       : 0);
  }
  layout.index = place(batch, 8 * samples);
  layout.batches[0] = place(end, batch);
  layout.batches[1] = hasSpare ? place(end, batch) : layout.batches[0];
  for (const KernelOperand &result : code.kernel.results) {
    int64_t copies = result.kind == Kind::Sample ? samples : 1;
    layout.resultBytes.push_back(result.bytes(steps) * copies);
    layout.results.push_back(place(end, layout.resultBytes.back()));
  }
  std::vector<Life> lives = findLives(code);
  for (size_t i = 0; i < lives.size(); ++i)
    lives[i].bytes =
        aligned(std::max<int64_t>(code.between[i].bytes(steps) * samples, 1));
  int64_t between = place(end, placeLives(lives));
  for (const Life &life : lives)
    layout.between.push_back(between + life.offset);
  layout.sumsBegin = end;
  for (size_t i = 0; i < code.parts.size(); ++i) {
    const Kernel &kernel = code.parts[i].kernel;
    PartLayout &part = layout.parts.emplace_back();
    part.teams = teams[i];
    for (const KernelOperand &result : kernel.results)
      part.sums.push_back(result.kind == Kind::Sum
                              ? place(end, result.bytes(steps) * part.teams)
                              : 0);
  }
  layout.sumsBytes = end - layout.sumsBegin;
  int64_t scratch = workspace;
  for (size_t i = 0; i < code.parts.size(); ++i) {
    const CudaPart &from = code.parts[i];
    PartLayout &part = layout.parts[i];
    if (!from.isKernels())
      continue;
    part.segment = from.launch.segmentFor(steps, from.kernel.segment);
    part.scratchStride =
        aligned(from.launch.scratchFor(steps, from.kernel.segment));
    scratch = std::max(scratch, part.scratchStride * part.teams);
  }
  layout.scratch = place(end, scratch);
  layout.bytes = end;
  return layout;
}

int64_t Layout::find(const CudaCode &code, const CudaArray &array,
                     int place) const {
  auto number = static_cast<size_t>(array.number);
  switch (array.place) {
  case CudaArray::Place::Argument:
    return arguments[number] +
           (code.kernel.arguments[number].kind == Kind::Sample ? batches[place]
                                                               : 0);
  case CudaArray::Place::Result:
    return results[number];
  case CudaArray::Place::Between:
    return between[number];
  }
  return 0;
}

/// The driver's functions take all host memory as one that they may write to.
static void *hostOf(const void *array) { return const_cast<void *>(array); }

std::vector<Transfer> Layout::shared(const CudaCode &code,
                                     const KernelBatch &batch,
                                     const std::vector<bool> &isThere,
                                     uint64_t arena) const {
  std::vector<Transfer> transfers;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (code.kernel.arguments[i].kind == Kind::Shared &&
        (isThere.empty() || !isThere[i]))
      transfers.push_back(
          {arena + arguments[i], hostOf(batch.arguments[i]), argumentBytes[i]});
  return transfers;
}

std::vector<Transfer> Layout::perSample(const CudaCode &code,
                                        const KernelBatch &batch, int place,
                                        uint64_t arena) const {
  std::vector<Transfer> transfers;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (code.kernel.arguments[i].kind == Kind::Sample)
      transfers.push_back({arena + batches[place] + arguments[i],
                           hostOf(batch.arguments[i]), argumentBytes[i]});
  if (batch.sampleIndex)
    transfers.push_back({arena + batches[place] + index,
                         hostOf(batch.sampleIndex), 8 * samples});
  return transfers;
}

std::vector<Transfer> Layout::resultsOf(const KernelBatch &batch,
                                        const std::vector<bool> &isWanted,
                                        bool areWanted, uint64_t arena) const {
  std::vector<Transfer> transfers;
  for (size_t i = 0; i < results.size(); ++i)
    if ((isWanted.empty() || isWanted[i]) == areWanted)
      transfers.push_back(
          {arena + results[i], batch.results[i], resultBytes[i]});
  return transfers;
}
