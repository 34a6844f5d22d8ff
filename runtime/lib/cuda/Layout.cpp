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
  for (const KernelOperand &array : code.between)
    layout.between.push_back(place(end, array.bytes(steps) * samples));
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
