//===- CudaExecutor.cpp - Running a compiled function on a GPU ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExecutorState.h"

#include <algorithm>
#include <utility>

using namespace loco;
using namespace loco::cuda;

using Kind = KernelOperand::Kind;

bool Announced::isSame(const Kernel &kernel, const KernelBatch &other) const {
  if (!isSet || batch.samples != other.samples || batch.steps != other.steps ||
      !batch.sampleIndex || !other.sampleIndex ||
      !std::equal(samples.begin(), samples.end(), other.sampleIndex))
    return false;
  for (size_t i = 0; i < kernel.arguments.size(); ++i)
    if (kernel.arguments[i].kind == Kind::Sample &&
        batch.arguments[i] != other.arguments[i])
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

CudaExecutor::State::~State() {
  std::lock_guard<std::mutex> lock(device.turn);
  if (device.enter())
    return;
  graph.clear();
  if (module)
    driver.moduleUnload(module);
}

Status CudaExecutor::State::load() {
  const CudaDevice &facts = device.facts();
  if (code.launch.sharedBytes > facts.sharedBytes)
    return Error{"the code needs " + std::to_string(code.launch.sharedBytes) +
                 " bytes of shared memory, " + facts.name + " has " +
                 std::to_string(facts.sharedBytes)};
  if (Status failed = device.enter())
    return failed;
  std::string log(4096, '\0');
  int options[] = {jitErrorLog, jitErrorLogBytes};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
  if (int error = driver.moduleLoadDataEx(&module, code.image.c_str(), 2,
                                          options, values))
    return Error{facts.name + " refuses the code: " + driver.describe(error) +
                 " " + log.c_str()};
  auto find = [&](const char *name, void **function) {
    return driver.check(driver.moduleGetFunction(function, module, name),
                        "the code has no kernel `" + std::string(name) + "`");
  };
  if (Status failed = find("loco_kernel", &kernel))
    return failed;
  for (const KernelOperand &result : code.kernel.results)
    if (result.kind == Kind::Sum) {
      bool isWide = result.type == ElementType::F64;
      if (Status failed = find(isWide ? "loco_reduce_f64" : "loco_reduce_f32",
                               isWide ? &reduceF64 : &reduceF32))
        return failed;
    }
  if (Status failed = driver.check(
          driver.funcSetAttribute(kernel, functionDynamicSharedBytes,
                                  static_cast<int>(code.launch.sharedBytes)),
          facts.name + " has no " + std::to_string(code.launch.sharedBytes) +
              " bytes of shared memory for a block"))
    return failed;
  driver.funcGetAttribute(&occupancy.registers, functionRegisters, kernel);
  driver.funcGetAttribute(&occupancy.localBytes, functionLocalBytes, kernel);
  if (Status failed = driver.check(
          driver.occupancy(&occupancy.blocks, kernel,
                           static_cast<int>(code.launch.threads),
                           static_cast<size_t>(code.launch.sharedBytes)),
          "it cannot be found out how many blocks run at a time"))
    return failed;
  if (occupancy.blocks < 1)
    return Error{"a block of " + std::to_string(code.launch.threads) +
                 " threads with " + std::to_string(occupancy.registers) +
                 " registers each does not fit a multiprocessor of " +
                 facts.name};
  // Blocks that wait for each other have to be there at the same time.
  int64_t together =
      code.launch.isCooperative ? code.launch.blocksPerSample : 1;
  if (int64_t most = int64_t(facts.multiprocessors) * occupancy.blocks;
      most < together)
    return Error{"a sample is shared by " + std::to_string(together) +
                 " blocks, " + facts.name + " runs " + std::to_string(most) +
                 " of them at a time"};
  return driver.check(driver.eventCreate(&arrived, eventDisableTiming),
                      facts.name + " cannot be used");
}

CudaExecutor::CudaExecutor(std::unique_ptr<State> state)
    : state(std::move(state)) {}
CudaExecutor::~CudaExecutor() = default;

int64_t CudaExecutor::blocks() const { return state->layout.teams; }
int64_t CudaExecutor::deviceBytes() const { return state->device.arenaBytes(); }
const CudaOccupancy &CudaExecutor::occupancy() const {
  return state->occupancy;
}

Expected<std::unique_ptr<CudaExecutor>>
CudaExecutor::create(const CudaCode &code, int64_t budget) {
  auto device = Device::open();
  if (!device)
    return device.error();
  auto state = std::make_unique<State>(**device, code, budget);
  {
    std::lock_guard<std::mutex> lock((*device)->turn);
    if (Status failed = state->load())
      return failed.error();
  }
  return std::unique_ptr<CudaExecutor>(new CudaExecutor(std::move(state)));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Teams of threads that are all on the device at the same time and have the
/// same number of samples, as far as that goes; whole blocks of them.
int64_t CudaExecutor::State::countTeams(int64_t samples) const {
  const CudaLaunch &launch = code.launch;
  int64_t most = std::max<int64_t>(
      1, int64_t(device.facts().multiprocessors) * occupancy.blocks *
             launch.samplesPerBlock / launch.blocksPerSample);
  int64_t tile = launch.samplesPerTeam, tiles = (samples + tile - 1) / tile;
  int64_t each = (tiles + most - 1) / most;
  return wholeBlocks(each ? (tiles + each - 1) / each : 1);
}

/// At least so many teams that no block is divided.
int64_t CudaExecutor::State::wholeBlocks(int64_t teams) const {
  int64_t beside = code.launch.samplesPerBlock;
  return std::max<int64_t>(1, (teams + beside - 1) / beside) * beside;
}

/// Bytes that a batch may take.
int64_t CudaExecutor::State::room() const {
  int64_t free = device.room();
  return budget > 0 ? std::min(budget - device.keptBytes(), free) : free;
}

static std::string describeBatch(const KernelBatch &batch) {
  return std::to_string(batch.samples) + " samples of " +
         std::to_string(batch.steps) + " steps";
}

/// Finds a place for everything, or says what is missing.
Status CudaExecutor::State::arrange(const KernelBatch &batch) {
  bool wantsSpare = canHaveSpare && (layout.hasSpare || next.isSet);
  bool isKnown = layout.samples == batch.samples &&
                 layout.steps == batch.steps && layout.hasSpare == wantsSpare &&
                 generation == device.generation();
  // The arena is everybody's.
  if (!isKnown || device.lastUser != this) {
    if (Status failed =
            driver.check(driver.streamSynchronize(device.copyStream()),
                         device.facts().name + " does not answer"))
      return failed;
    staged.isSet = false;
    device.lastUser = this;
  }
  if (!isKnown) {
    int64_t teams = countTeams(batch.samples), room = this->room();
    auto make = [&] {
      return Layout::make(code, batch.samples, batch.steps, teams, wantsSpare);
    };
    layout = make();
    if (layout.bytes > room && wantsSpare) {
      canHaveSpare = wantsSpare = false;
      layout = make();
    }
    while (layout.bytes > room && teams > code.launch.samplesPerBlock) {
      teams = wholeBlocks(teams / 2);
      layout = make();
    }
    graph.clear();
    runs = 0;
  }
  if (budget > 0 && layout.bytes + device.keptBytes() > budget) {
    int64_t needed = std::exchange(layout, Layout()).bytes + device.keptBytes();
    return Error{describeBatch(batch) + " need " + std::to_string(needed) +
                 " bytes of device memory, more than the memory budget of " +
                 std::to_string(budget) + "; raise `--memory`"};
  }
  if (Status failed = device.reserve(layout.bytes, describeBatch(batch))) {
    layout = Layout();
    return failed;
  }
  generation = device.generation();
  return {};
}

/// Copies what the kernels read, apart from what is there already.
Status CudaExecutor::State::bring(const KernelBatch &batch) {
  void *stream = device.computeStream();
  if (layout.hasSpare && staged.isSame(code.kernel, batch)) {
    place = 1 - place;
    if (Status failed = driver.check(driver.streamWaitEvent(stream, arrived, 0),
                                     "a copy cannot be waited for"))
      return failed;
  } else if (Status failed = device.upload(
                 layout.perSample(code, batch, place, device.address(0)),
                 stream)) {
    return failed;
  }
  staged.isSet = false;
  std::vector<bool> isThere;
  for (uint64_t address : resident)
    isThere.push_back(address != 0);
  return device.upload(layout.shared(code, batch, isThere, device.address(0)),
                       stream);
}

/// Copies the batch that was announced while the device works on another.
Status CudaExecutor::State::stageNext() {
  if (!next.isSet)
    return {};
  std::swap(staged, next);
  next.isSet = false;
  staged.isSet = layout.hasSpare && staged.batch.samples == layout.samples &&
                 staged.batch.steps == layout.steps;
  if (!staged.isSet)
    return {};
  if (Status failed = device.upload(
          layout.perSample(code, staged.batch, 1 - place, device.address(0)),
          device.copyStream()))
    return failed;
  return driver.check(driver.eventRecord(arrived, device.copyStream()),
                      "a copy cannot be waited for");
}

void CudaExecutor::expect(const KernelBatch &next) { state->next.set(next); }

bool CudaExecutor::hasRoom(int64_t samples, int64_t steps) const {
  std::lock_guard<std::mutex> lock(state->device.turn);
  if (state->device.enter())
    return false;
  return Layout::make(state->code, samples, steps, state->countTeams(samples),
                      /*hasSpare=*/false)
             .bytes <= state->room();
}
