//===- ExecutorRuns.cpp - Batches on a GPU --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecutorState.h"

#include <algorithm>

using namespace loco;
using namespace loco::cuda;

using Kind = KernelOperand::Kind;

/// Threads of a block of `loco_reduce_*`.
static constexpr int64_t reduceThreads = 256;

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

Status CudaExecutor::State::start(void *function,
                                  std::vector<void *> &parameters, int64_t grid,
                                  int64_t threads, int64_t sharedBytes,
                                  bool isCooperative) {
  auto blocks = static_cast<unsigned>(grid),
       ofBlock = static_cast<unsigned>(threads),
       bytes = static_cast<unsigned>(sharedBytes);
  void *stream = device.computeStream();
  // Blocks that wait for each other are started together or not at all.
  int error =
      isCooperative
          ? driver.launchCooperativeKernel(function, blocks, 1, 1, ofBlock, 1,
                                           1, bytes, stream, parameters.data())
          : driver.launchKernel(function, blocks, 1, 1, ofBlock, 1, 1, bytes,
                                stream, parameters.data(), nullptr);
  return driver.check(error, "a kernel cannot be started");
}

Status CudaExecutor::State::clear(int64_t offset, int64_t bytes) {
  if (bytes == 0)
    return {};
  return driver.check(driver.memsetD8Async(device.address(offset), 0,
                                           static_cast<size_t>(bytes),
                                           device.computeStream()),
                      "device memory cannot be cleared");
}

/// Counters are cleared, sums made by each team, and added up.
Status CudaExecutor::State::launchPart(size_t number,
                                       std::vector<void *> &parameters) {
  const CudaPart &part = code.parts[number];
  const LoadedPart &loaded = parts[number];
  const PartLayout &places = layout.parts[number];
  const CudaLaunch &launch = part.launch;
  for (int64_t team = 0; launch.counterBytes && team < places.teams; ++team)
    if (Status failed = clear(layout.scratch + team * places.scratchStride,
                              launch.counterBytes))
      return failed;
  if (layout.samples > 0)
    if (Status failed = start(
            loaded.kernel, parameters,
            places.teams / launch.samplesPerBlock * launch.blocksPerSample,
            launch.threads, launch.sharedBytes, launch.isCooperative))
      return failed;
  for (size_t i = 0; i < part.kernel.results.size(); ++i) {
    const KernelOperand &result = part.kernel.results[i];
    int64_t count = result.elements(layout.steps);
    if (result.kind != Kind::Sum || count == 0)
      continue;
    uint64_t values[] = {
        device.address(places.sums[i]),
        device.address(layout.find(code, part.results[i], place)),
        static_cast<uint64_t>(count), static_cast<uint64_t>(places.teams)};
    std::vector<void *> pointers = {&values[0], &values[1], &values[2],
                                    &values[3]};
    if (Status failed =
            start(result.type == ElementType::F64 ? loaded.reduceF64
                                                  : loaded.reduceF32,
                  pointers, (count + reduceThreads - 1) / reduceThreads,
                  reduceThreads, 0, false))
      return failed;
  }
  return {};
}

Status CudaExecutor::State::callLibrary(const CudaPart &part) {
  auto addressOf = [&](const CudaArray &array) {
    if (array.place == CudaArray::Place::Argument && resident[array.number])
      return resident[array.number];
    return device.address(layout.find(code, array, place));
  };
  uint64_t left = addressOf(part.left), right = addressOf(part.right),
           out = addressOf(part.out);
  Workspace workspace = {device.address(layout.scratch), workspaceBytes};
  int64_t rows = layout.samples * (part.isPerStep ? layout.steps : 1);
  // Of nothing, the sum is zero.
  if (rows == 0)
    return part.out.place == CudaArray::Place::Result
               ? clear(layout.results[part.out.number],
                       layout.resultBytes[part.out.number])
               : Status();
  if (part.kind == CudaPart::Kind::Product)
    return library->multiply(device, part.product, rows, left, right, out,
                             workspace);
  return convolutions->convolve(device, part.convolution, rows, left, right,
                                out, workspace);
}

Status
CudaExecutor::State::launchAll(std::vector<std::vector<void *>> &parameters) {
  if (Status failed = clear(layout.sumsBegin, layout.sumsBytes))
    return failed;
  size_t kernels = 0;
  for (size_t i = 0; i < code.parts.size(); ++i) {
    if (Status failed = code.parts[i].isKernels()
                            ? launchPart(i, parameters[kernels++])
                            : callLibrary(code.parts[i]))
      return failed;
  }
  if (!update)
    return {};
  return update->parameters.state->launch(
      update->loss < 0 ? 0 : device.address(layout.results[update->loss]),
      update->loss < 0 ? 0 : layout.samples);
}

/// Finds what is on the device already, and says where the gradients are.
Status CudaExecutor::State::bind(CudaUpdate *given) {
  update = given;
  resident.assign(code.kernel.arguments.size(), 0);
  const void *now = update ? update->parameters.state.get() : nullptr;
  if (now != updated) {
    forgetRecordings();
    updated = now;
  }
  if (!update)
    return {};
  CudaParameters::State &parameters = *update->parameters.state;
  std::vector<uint64_t> gradients;
  for (size_t i = 0; i < parameters.places.size(); ++i) {
    if (int argument = update->arguments[i]; argument >= 0)
      resident[argument] = parameters.address(i);
    int gradient = update->gradients[i];
    gradients.push_back(
        gradient < 0 ? 0 : device.address(layout.results[gradient]));
  }
  return parameters.prepare(*update, gradients);
}

/// What the kernel of a part is called with, in the order of
/// compiler/Conversion/LocoToGPU/LocoToGPU.h; all are eight bytes.
std::vector<uint64_t>
CudaExecutor::State::listParameters(size_t number, const KernelBatch &batch) {
  const CudaPart &part = code.parts[number];
  const PartLayout &places = layout.parts[number];
  std::vector<uint64_t> values;
  for (size_t i = 0; i < part.kernel.arguments.size(); ++i) {
    if (part.kernel.arguments[i].kind == Kind::None)
      continue;
    const CudaArray &array = part.arguments[i];
    bool isThere = array.place == CudaArray::Place::Argument &&
                   resident[array.number] != 0;
    values.push_back(isThere ? resident[array.number]
                             : device.address(layout.find(code, array, place)));
  }
  for (size_t i = 0; i < part.kernel.results.size(); ++i)
    values.push_back(
        device.address(part.kernel.results[i].kind == Kind::Sum
                           ? places.sums[i]
                           : layout.find(code, part.results[i], place)));
  values.insert(
      values.end(),
      {static_cast<uint64_t>(batch.samples), static_cast<uint64_t>(batch.steps),
       device.address(layout.scratch),
       static_cast<uint64_t>(places.scratchStride), batch.seed, batch.update,
       device.address(layout.batches[place] + layout.index),
       static_cast<uint64_t>(places.segment)});
  return values;
}

Status CudaExecutor::State::compute(const KernelBatch &batch) {
  std::vector<std::vector<uint64_t>> values;
  std::vector<std::vector<void *>> parameters;
  std::vector<void *> kernels;
  for (size_t i = 0; i < code.parts.size(); ++i) {
    if (!code.parts[i].isKernels())
      continue;
    values.push_back(listParameters(i, batch));
    kernels.push_back(parts[i].kernel);
    std::vector<void *> &pointers = parameters.emplace_back();
    for (uint64_t &value : values.back())
      pointers.push_back(&value);
  }
  // A batch of this size comes again: from now on it is one call.
  auto &[graph, runs] = *recordings[readsBatch ? place : 0];
  if (++runs == 2 && canRecord && layout.samples > 0)
    canRecord = graph.record(device.computeStream(), kernels,
                             [&] { return launchAll(parameters); });
  if (graph.isRecorded())
    return graph.replay(device.computeStream(), parameters);
  return launchAll(parameters);
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

/// Copies back what is wanted: of results, and of parameters after their
/// update.
Status CudaExecutor::State::finish(const KernelBatch &batch) {
  static const std::vector<bool> all;
  auto transfersOf = [&](bool areWanted) {
    return layout.resultsOf(batch, update ? update->isWanted : all, areWanted,
                            device.address(0));
  };
  std::vector<Transfer> transfers = transfersOf(true);
  void *stream = device.computeStream();
  if (!update)
    return device.download(transfers, stream);
  UpdateOutcome outcome;
  const CudaParameters::State &parameters = *update->parameters.state;
  transfers.push_back(parameters.outcomeTo(outcome));
  parameters.add(update->watched, transfers);
  if (Status failed = device.download(transfers, stream))
    return failed;
  update->norm = outcome.norm;
  update->isGood = outcome.isGood == 1;
  // Somebody will want to know what was not finite.
  return update->isGood ? Status()
                        : device.download(transfersOf(false), stream);
}

Status CudaExecutor::State::run(const KernelBatch &batch, CudaUpdate *given) {
  std::lock_guard<std::mutex> lock(device.turn);
  if (Status failed = device.enter())
    return failed;
  if (Status failed = arrange(batch))
    return failed;
  if (Status failed = bind(given))
    return failed;
  if (Status failed = bring(batch))
    return failed;
  if (Status failed = device.markBegin())
    return failed;
  if (Status failed = compute(batch))
    return failed;
  if (Status failed = device.markEnd())
    return failed;
  if (Status failed = stageNext())
    return failed;
  return finish(batch);
}

Status CudaExecutor::run(const KernelBatch &batch) {
  return state->run(batch, nullptr);
}

Status CudaExecutor::update(const KernelBatch &batch, CudaUpdate &update) {
  return state->run(batch, &update);
}
