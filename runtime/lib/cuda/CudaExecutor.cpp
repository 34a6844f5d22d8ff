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

/// Code that is not divided is one part, whose arrays are the function's.
static void makeParts(CudaCode &code) {
  if (!code.parts.empty())
    return;
  CudaPart &part = code.parts.emplace_back();
  part.kernel = code.kernel;
  part.image = std::move(code.image);
  part.launch = code.launch;
  for (size_t i = 0; i < code.kernel.arguments.size(); ++i)
    part.arguments.push_back({CudaArray::Place::Argument, int64_t(i)});
  for (size_t i = 0; i < code.kernel.results.size(); ++i)
    part.results.push_back({CudaArray::Place::Result, int64_t(i)});
}

CudaExecutor::State::State(Device &device, const CudaCode &given,
                           int64_t budget)
    : device(device), driver(device.driver()), code(given), budget(budget) {
  makeParts(code);
  parts.resize(code.parts.size());
  for (const CudaPart &part : code.parts)
    for (const CudaArray &array : {part.left, part.right})
      readsBatch |= !part.isKernels() &&
                    array.place == CudaArray::Place::Argument &&
                    code.kernel.arguments[array.number].kind == Kind::Sample;
  forgetRecordings();
}

void CudaExecutor::State::forgetRecordings() {
  recordings.clear();
  for (int i = 0; i < (readsBatch ? 2 : 1); ++i)
    recordings.push_back(std::make_unique<Recording>(driver));
}

CudaExecutor::State::~State() {
  std::lock_guard<std::mutex> lock(device.turn);
  if (device.enter())
    return;
  recordings.clear();
  for (const LoadedPart &part : parts)
    if (part.module)
      driver.moduleUnload(part.module);
}

Status CudaExecutor::State::findLibrary(CudaPart::Kind kind) {
  if (kind == CudaPart::Kind::Product) {
    auto found = Library::open();
    library = found ? *found : nullptr;
    return found ? Status() : found.error();
  }
  auto found = ConvolutionLibrary::open();
  convolutions = found ? *found : nullptr;
  return found ? Status() : found.error();
}

Status CudaExecutor::State::load() {
  if (Status failed = device.enter())
    return failed;
  for (size_t i = 0; i < parts.size(); ++i)
    if (Status failed = code.parts[i].isKernels()
                            ? load(code.parts[i], parts[i])
                            : findLibrary(code.parts[i].kind))
      return failed;
  return driver.check(driver.eventCreate(&arrived, eventDisableTiming),
                      device.facts().name + " cannot be used");
}

/// What a model that does not fit the device can be told.
static constexpr const char *tryProcessor = "; write `--target cpu`";

Status CudaExecutor::State::load(const CudaPart &part, LoadedPart &loaded) {
  const CudaDevice &facts = device.facts();
  if (part.launch.sharedBytes > facts.sharedBytes)
    return Error{"the code needs " + std::to_string(part.launch.sharedBytes) +
                 " bytes of shared memory, " + facts.name + " has " +
                 std::to_string(facts.sharedBytes) + tryProcessor};
  std::string log(4096, '\0');
  // Profilers show lines of the source.
  int options[] = {jitErrorLog, jitErrorLogBytes, jitGenerateLineInfo};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size()),
                    reinterpret_cast<void *>(1)};
  if (int error = driver.moduleLoadDataEx(&loaded.module, part.image.c_str(), 3,
                                          options, values))
    return Error{facts.name + " refuses the code: " + driver.describe(error) +
                 " " + log.c_str()};
  auto find = [&](const char *name, void **function) {
    return driver.check(driver.moduleGetFunction(function, loaded.module, name),
                        "the code has no kernel `" + std::string(name) + "`");
  };
  if (Status failed = find("loco_kernel", &loaded.kernel))
    return failed;
  for (const KernelOperand &result : part.kernel.results)
    if (result.kind == Kind::Sum) {
      bool isWide = result.type == ElementType::F64;
      if (Status failed = find(isWide ? "loco_reduce_f64" : "loco_reduce_f32",
                               isWide ? &loaded.reduceF64 : &loaded.reduceF32))
        return failed;
    }
  if (Status failed = driver.check(
          driver.funcSetAttribute(loaded.kernel, functionDynamicSharedBytes,
                                  static_cast<int>(part.launch.sharedBytes)),
          facts.name + " has no " + std::to_string(part.launch.sharedBytes) +
              " bytes of shared memory for a block"))
    return failed;
  CudaOccupancy &occupancy = loaded.occupancy;
  driver.funcGetAttribute(&occupancy.registers, functionRegisters,
                          loaded.kernel);
  driver.funcGetAttribute(&occupancy.localBytes, functionLocalBytes,
                          loaded.kernel);
  if (Status failed = driver.check(
          driver.occupancy(&occupancy.blocks, loaded.kernel,
                           static_cast<int>(part.launch.threads),
                           static_cast<size_t>(part.launch.sharedBytes)),
          "it cannot be found out how many blocks run at a time"))
    return failed;
  if (occupancy.blocks < 1)
    return Error{"a block of " + std::to_string(part.launch.threads) +
                 " threads with " + std::to_string(occupancy.registers) +
                 " registers each does not fit a multiprocessor of " +
                 facts.name + tryProcessor};
  // Blocks that wait for each other have to be there at the same time.
  int64_t together =
      part.launch.isCooperative ? part.launch.blocksPerSample : 1;
  if (int64_t most = int64_t(facts.multiprocessors) * occupancy.blocks;
      most < together)
    return Error{"a sample is shared by " + std::to_string(together) +
                 " blocks that run at the same time, " + facts.name +
                 " has room for " + std::to_string(most) + tryProcessor};
  return {};
}

CudaExecutor::CudaExecutor(std::unique_ptr<State> state)
    : state(std::move(state)) {}
CudaExecutor::~CudaExecutor() = default;

int64_t CudaExecutor::blocks() const {
  int64_t most = 0;
  for (const PartLayout &part : state->layout.parts)
    most = std::max(most, part.teams);
  return most;
}
int64_t CudaExecutor::deviceBytes() const { return state->device.arenaBytes(); }
const CudaOccupancy &CudaExecutor::occupancy() const {
  return std::max_element(state->parts.begin(), state->parts.end(),
                          [](const LoadedPart &a, const LoadedPart &b) {
                            return a.occupancy.registers <
                                   b.occupancy.registers;
                          })
      ->occupancy;
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

/// At least so many teams that no block is divided.
static int64_t wholeBlocks(const CudaLaunch &launch, int64_t teams) {
  int64_t beside = launch.samplesPerBlock;
  return std::max<int64_t>(1, (teams + beside - 1) / beside) * beside;
}

/// Of each part: teams of threads that are all on the device at the same time
/// and have the same number of samples, as far as that goes; whole blocks of
/// them.
std::vector<int64_t> CudaExecutor::State::countTeams(int64_t samples) const {
  std::vector<int64_t> teams;
  for (size_t i = 0; i < parts.size(); ++i) {
    const CudaLaunch &launch = code.parts[i].launch;
    int64_t most = std::max<int64_t>(
        1, int64_t(device.facts().multiprocessors) * parts[i].occupancy.blocks *
               launch.samplesPerBlock / launch.blocksPerSample);
    int64_t tile = launch.samplesPerTeam, tiles = (samples + tile - 1) / tile;
    int64_t each = (tiles + most - 1) / most;
    teams.push_back(wholeBlocks(launch, each ? (tiles + each - 1) / each : 1));
  }
  return teams;
}

/// Half of the teams of each part; false if there are no fewer.
bool CudaExecutor::State::halveTeams(std::vector<int64_t> &teams) const {
  bool isLess = false;
  for (size_t i = 0; i < parts.size(); ++i) {
    const CudaLaunch &launch = code.parts[i].launch;
    if (teams[i] <= launch.samplesPerBlock)
      continue;
    teams[i] = wholeBlocks(launch, teams[i] / 2);
    isLess = true;
  }
  return isLess;
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

/// Bytes that the calls of libraries cannot do without. An error if one of them
/// cannot be called here.
Expected<int64_t> CudaExecutor::State::workspaceNeed(int64_t samples,
                                                     int64_t steps) const {
  if (library)
    if (Status failed = library->start(device))
      return failed.error();
  int64_t most = 0;
  for (const CudaPart &part : code.parts) {
    if (part.kind != CudaPart::Kind::Convolution)
      continue;
    auto need = convolutions->workspaceBytes(
        device, part.convolution, samples * (part.isPerStep ? steps : 1));
    if (!need)
      return need.error();
    most = std::max(most, *need);
  }
  return most;
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
    std::vector<int64_t> teams = countTeams(batch.samples);
    int64_t room = this->room();
    auto make = [&] {
      return Layout::make(code, batch.samples, batch.steps, teams, wantsSpare,
                          workspaceBytes);
    };
    auto need = workspaceNeed(batch.samples, batch.steps);
    if (!need)
      return need.error();
    workspaceBytes =
        std::max(*need, library ? Library::workspaceBytes(device) : 0);
    layout = make();
    if (layout.bytes > room && wantsSpare) {
      canHaveSpare = wantsSpare = false;
      layout = make();
    }
    if (layout.bytes > room) {
      workspaceBytes = *need;
      layout = make();
    }
    while (layout.bytes > room && halveTeams(teams))
      layout = make();
    forgetRecordings();
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

bool CudaExecutor::hasRoom(int64_t samples, int64_t steps, bool isSlow) const {
  std::lock_guard<std::mutex> lock(state->device.turn);
  if (state->device.enter())
    return false;
  // What a library refuses has no room either.
  auto need = state->workspaceNeed(samples, steps);
  if (!need)
    return false;
  std::vector<int64_t> teams = state->countTeams(samples);
  while (isSlow && state->halveTeams(teams)) {
  }
  return Layout::make(state->code, samples, steps, teams, /*hasSpare=*/false,
                      *need)
             .bytes <= state->room();
}
