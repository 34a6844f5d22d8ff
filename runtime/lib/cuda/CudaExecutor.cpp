//===- CudaExecutor.cpp - Running a compiled function on a GPU ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchGraph.h"
#include "Layout.h"

#include <algorithm>
#include <utility>

using namespace loco;
using namespace loco::cuda;

using Kind = KernelOperand::Kind;

/// Threads of a block of `loco_reduce_*`.
static constexpr int64_t reduceThreads = 256;

namespace {
/// A batch that was announced: its arrays, and which samples it has.
struct Announced {
  KernelBatch batch;
  std::vector<uint64_t> samples;
  bool isSet = false;

  void set(const KernelBatch &next) {
    batch = next;
    samples.clear();
    if (next.sampleIndex)
      samples.assign(next.sampleIndex, next.sampleIndex + next.samples);
    isSet = true;
  }
  /// True if `other` is that batch.
  bool isSame(const Kernel &kernel, const KernelBatch &other) const;
};
} // namespace

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

struct CudaExecutor::State {
  State(Device &device, const CudaCode &code, int64_t budget)
      : device(device), driver(device.driver()), code(code), budget(budget),
        graph(device.driver()) {}
  ~State();

  Status load();
  Status arrange(const KernelBatch &batch);
  Status bring(const KernelBatch &batch);
  Status compute(const KernelBatch &batch);
  Status launchAll(std::vector<void *> &parameters);
  Status start(void *function, std::vector<void *> &parameters, int64_t grid,
               int64_t threads, int64_t sharedBytes);
  Status stageNext();
  int64_t countTeams(int64_t samples) const;
  int64_t wholeBlocks(int64_t teams) const;
  int64_t room() const;

  Device &device;
  const Driver &driver;
  CudaCode code;
  int64_t budget;
  CudaOccupancy occupancy;
  void *module = nullptr;
  void *kernel = nullptr, *reduceF32 = nullptr, *reduceF64 = nullptr;

  Layout layout;
  /// The arena's, of the last run.
  int64_t generation = -1;
  /// Runs with this layout.
  int64_t runs = 0;
  LaunchGraph graph;
  bool canRecord = true, canHaveSpare = true;

  /// Where the samples of the batch at hand are.
  int place = 0;
  /// What comes next, as far as it is known, and what is in the other place.
  Announced next, staged;
  /// Recorded behind the copy of what is staged.
  void *arrived = nullptr;
};

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
  int64_t each = (samples + most - 1) / most;
  return wholeBlocks(each ? (samples + each - 1) / each : 1);
}

/// At least so many teams that no block is divided.
int64_t CudaExecutor::State::wholeBlocks(int64_t teams) const {
  int64_t beside = code.launch.samplesPerBlock;
  return std::max<int64_t>(1, (teams + beside - 1) / beside) * beside;
}

/// Bytes that a batch may take.
int64_t CudaExecutor::State::room() const {
  int64_t free = device.room();
  return budget > 0 ? std::min(budget, free) : free;
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
  if (budget > 0 && layout.bytes > budget) {
    int64_t needed = std::exchange(layout, Layout()).bytes;
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
  } else if (Status failed =
                 device.upload(layout.perSample(code, batch, place), stream)) {
    return failed;
  }
  staged.isSet = false;
  return device.upload(layout.shared(code, batch), stream);
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
          layout.perSample(code, staged.batch, 1 - place), device.copyStream()))
    return failed;
  return driver.check(driver.eventRecord(arrived, device.copyStream()),
                      "a copy cannot be waited for");
}

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
  return {};
}

Status CudaExecutor::State::compute(const KernelBatch &batch) {
  // In the order of compiler/Conversion/LocoToGPU/LocoToGPU.h; all are eight
  // bytes.
  std::vector<uint64_t> values;
  for (size_t i = 0; i < code.kernel.arguments.size(); ++i) {
    Kind kind = code.kernel.arguments[i].kind;
    if (kind != Kind::None)
      values.push_back(
          device.address(layout.arguments[i] +
                         (kind == Kind::Sample ? layout.batches[place] : 0)));
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
       device.address(layout.batches[place] + layout.index)});
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

Status CudaExecutor::run(const KernelBatch &batch) {
  std::lock_guard<std::mutex> lock(state->device.turn);
  if (Status failed = state->device.enter())
    return failed;
  if (Status failed = state->arrange(batch))
    return failed;
  if (Status failed = state->bring(batch))
    return failed;
  if (Status failed = state->device.markBegin())
    return failed;
  if (Status failed = state->compute(batch))
    return failed;
  if (Status failed = state->device.markEnd())
    return failed;
  if (Status failed = state->stageNext())
    return failed;
  return state->device.download(state->layout.resultsOf(batch),
                                state->device.computeStream());
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
