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
                                  int64_t threads, int64_t sharedBytes) {
  auto blocks = static_cast<unsigned>(grid),
       ofBlock = static_cast<unsigned>(threads),
       bytes = static_cast<unsigned>(sharedBytes);
  void *stream = device.computeStream();
  // Blocks that wait for each other are started together or not at all.
  int error =
      function == kernel && code.launch.isCooperative
          ? driver.launchCooperativeKernel(function, blocks, 1, 1, ofBlock, 1,
                                           1, bytes, stream, parameters.data())
          : driver.launchKernel(function, blocks, 1, 1, ofBlock, 1, 1, bytes,
                                stream, parameters.data(), nullptr);
  return driver.check(error, "a kernel cannot be started");
}

/// Sums and counters are cleared, sums made by each team, and added up.
Status CudaExecutor::State::launchAll(std::vector<void *> &parameters) {
  if (layout.partsBytes > 0)
    if (Status failed = driver.check(
            driver.memsetD8Async(device.address(layout.partsBegin), 0,
                                 static_cast<size_t>(layout.partsBytes),
                                 device.computeStream()),
            "device memory cannot be cleared"))
      return failed;
  const CudaLaunch &launch = code.launch;
  for (int64_t team = 0; launch.counterBytes && team < layout.teams; ++team)
    if (Status failed = driver.check(
            driver.memsetD8Async(
                device.address(layout.scratch + team * layout.scratchStride), 0,
                static_cast<size_t>(launch.counterBytes),
                device.computeStream()),
            "device memory cannot be cleared"))
      return failed;
  if (layout.samples > 0)
    if (Status failed = start(kernel, parameters,
                              layout.teams / launch.samplesPerBlock *
                                  launch.blocksPerSample,
                              launch.threads, launch.sharedBytes))
      return failed;
  for (size_t i = 0; i < code.kernel.results.size(); ++i) {
    const KernelOperand &result = code.kernel.results[i];
    int64_t count = result.elements(layout.steps);
    if (result.kind != Kind::Sum || count == 0)
      continue;
    uint64_t values[] = {
        device.address(layout.parts[i]), device.address(layout.results[i]),
        static_cast<uint64_t>(count), static_cast<uint64_t>(layout.teams)};
    std::vector<void *> pointers = {&values[0], &values[1], &values[2],
                                    &values[3]};
    if (Status failed = start(
            result.type == ElementType::F64 ? reduceF64 : reduceF32, pointers,
            (count + reduceThreads - 1) / reduceThreads, reduceThreads, 0))
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
    graph.clear();
    runs = 0;
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

Status CudaExecutor::State::compute(const KernelBatch &batch) {
  // In the order of compiler/Conversion/LocoToGPU/LocoToGPU.h; all are eight
  // bytes.
  std::vector<uint64_t> values;
  for (size_t i = 0; i < code.kernel.arguments.size(); ++i) {
    Kind kind = code.kernel.arguments[i].kind;
    if (kind != Kind::None)
      values.push_back(resident[i] ? resident[i]
                                   : device.address(layout.arguments[i] +
                                                    (kind == Kind::Sample
                                                         ? layout.batches[place]
                                                         : 0)));
  }
  for (size_t i = 0; i < code.kernel.results.size(); ++i)
    values.push_back(device.address(code.kernel.results[i].kind == Kind::Sum
                                        ? layout.parts[i]
                                        : layout.results[i]));
  values.insert(
      values.end(),
      {static_cast<uint64_t>(batch.samples), static_cast<uint64_t>(batch.steps),
       device.address(layout.scratch),
       static_cast<uint64_t>(layout.scratchStride), batch.seed, batch.update,
       device.address(layout.batches[place] + layout.index),
       static_cast<uint64_t>(layout.segment)});
  std::vector<void *> parameters;
  for (uint64_t &value : values)
    parameters.push_back(&value);

  // A batch of this size comes again: from now on it is one call.
  if (++runs == 2 && canRecord && layout.samples > 0)
    canRecord = graph.record(device.computeStream(), kernel,
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
