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

Layout Layout::make(const CudaCode &code, int64_t samples, int64_t steps,
                    int64_t teams, bool hasSpare) {
  Layout layout;
  layout.samples = samples;
  layout.steps = steps;
  layout.teams = teams;
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
  layout.partsBegin = end;
  for (size_t i = 0; i < code.kernel.results.size(); ++i)
    layout.parts.push_back(code.kernel.results[i].kind == Kind::Sum
                               ? place(end, layout.resultBytes[i] * teams)
                               : 0);
  layout.partsBytes = end - layout.partsBegin;
  layout.scratchStride = aligned(code.launch.scratchBytes +
                                 code.launch.scratchBytesPerStep * steps);
  layout.scratch = place(end, layout.scratchStride * teams);
  layout.bytes = end;
  return layout;
}

/// The driver's functions take all host memory as one that they may write to.
static void *hostOf(const void *array) { return const_cast<void *>(array); }

std::vector<Transfer> Layout::shared(const CudaCode &code,
                                     const KernelBatch &batch) const {
  std::vector<Transfer> transfers;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (code.kernel.arguments[i].kind == Kind::Shared)
      transfers.push_back(
          {arguments[i], hostOf(batch.arguments[i]), argumentBytes[i]});
  return transfers;
}

std::vector<Transfer> Layout::perSample(const CudaCode &code,
                                        const KernelBatch &batch,
                                        int place) const {
  std::vector<Transfer> transfers;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (code.kernel.arguments[i].kind == Kind::Sample)
      transfers.push_back({batches[place] + arguments[i],
                           hostOf(batch.arguments[i]), argumentBytes[i]});
  if (batch.sampleIndex)
    transfers.push_back(
        {batches[place] + index, hostOf(batch.sampleIndex), 8 * samples});
  return transfers;
}

std::vector<Transfer> Layout::resultsOf(const KernelBatch &batch) const {
  std::vector<Transfer> transfers;
  for (size_t i = 0; i < results.size(); ++i)
    transfers.push_back({results[i], batch.results[i], resultBytes[i]});
  return transfers;
}
