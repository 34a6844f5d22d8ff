//===- CudaExecutor.cpp - Running a compiled function on a GPU ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Cuda.h"

#include "Driver.h"

#include <algorithm>

using namespace loco;
using namespace loco::cuda;

/// Places in device memory begin at multiples of this.
static constexpr int64_t alignment = 256;
/// Blocks of the grid for each multiprocessor, at most.
static constexpr int64_t blocksEach = 4;
/// Threads of a block of `loco_reduce_*`.
static constexpr int64_t reduceThreads = 256;

static int64_t aligned(int64_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}

Expected<CudaDevice> loco::findCudaDevice() {
  auto opened = openDriver();
  if (!opened)
    return opened.error();
  const Driver &driver = **opened;
  CudaDevice found;
  int device = 0, major = 0, minor = 0, shared = 0;
  char name[256] = "";
  size_t bytes = 0;
  if (Status failed = driver.check(driver.deviceGet(&device, 0),
                                   "the first GPU cannot be asked"))
    return failed.error();
  driver.deviceGetName(name, sizeof(name) - 1, device);
  driver.deviceGetAttribute(&major, attributeCapabilityMajor, device);
  driver.deviceGetAttribute(&minor, attributeCapabilityMinor, device);
  driver.deviceGetAttribute(&found.multiprocessors, attributeMultiprocessors,
                            device);
  driver.deviceGetAttribute(&shared, attributeSharedBytesOptIn, device);
  driver.deviceTotalMem(&bytes, device);
  found.name = name;
  found.capability = 10 * major + minor;
  found.memoryBytes = static_cast<int64_t>(bytes);
  found.sharedBytes = shared;
  found.driverVersion = driver.version;
  found.isEmulated = driver.isEmulated;
  return found;
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

struct CudaExecutor::State {
  const Driver *driver = nullptr;
  CudaCode code;
  CudaDevice device;
  int deviceNumber = 0;
  void *context = nullptr, *module = nullptr;
  void *kernel = nullptr, *reduceF32 = nullptr, *reduceF64 = nullptr;
  /// One piece of device memory for everything.
  uint64_t arena = 0;
  int64_t arenaBytes = 0, blocks = 0;

  ~State() {
    if (!context)
      return;
    driver->ctxSetCurrent(context);
    release();
    if (module)
      driver->moduleUnload(module);
    driver->devicePrimaryCtxRelease(deviceNumber);
  }
  void release() {
    if (arena)
      driver->memFree(arena);
    arena = 0;
    arenaBytes = 0;
  }
  Status load();
  Status reserve(int64_t bytes, const KernelBatch &batch);
};

Status CudaExecutor::State::load() {
  if (code.launch.sharedBytes > device.sharedBytes)
    return Error{"the code needs " + std::to_string(code.launch.sharedBytes) +
                 " bytes of shared memory, " + device.name + " has " +
                 std::to_string(device.sharedBytes)};
  if (Status failed = driver->check(driver->deviceGet(&deviceNumber, 0),
                                    "the first GPU cannot be used"))
    return failed;
  if (Status failed =
          driver->check(driver->devicePrimaryCtxRetain(&context, deviceNumber),
                        device.name + " cannot be used"))
    return failed;
  if (Status failed = driver->check(driver->ctxSetCurrent(context),
                                    device.name + " cannot be used"))
    return failed;
  std::string log(4096, '\0');
  int options[] = {jitErrorLog, jitErrorLogBytes};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
  if (int error = driver->moduleLoadDataEx(&module, code.image.c_str(), 2,
                                           options, values))
    return Error{device.name + " refuses the code: " + driver->describe(error) +
                 " " + log.c_str()};
  auto find = [&](const char *name, void **function) {
    return driver->check(driver->moduleGetFunction(function, module, name),
                         "the code has no kernel `" + std::string(name) + "`");
  };
  if (Status failed = find("loco_kernel", &kernel))
    return failed;
  for (const KernelOperand &result : code.kernel.results)
    if (result.kind == KernelOperand::Kind::Sum) {
      bool isWide = result.type == ElementType::F64;
      if (Status failed = find(isWide ? "loco_reduce_f64" : "loco_reduce_f32",
                               isWide ? &reduceF64 : &reduceF32))
        return failed;
    }
  return driver->check(
      driver->funcSetAttribute(kernel, functionDynamicSharedBytes,
                               static_cast<int>(code.launch.sharedBytes)),
      device.name + " has no " + std::to_string(code.launch.sharedBytes) +
          " bytes of shared memory for a block");
}

CudaExecutor::CudaExecutor(std::unique_ptr<State> state)
    : state(std::move(state)) {}
CudaExecutor::~CudaExecutor() = default;

int64_t CudaExecutor::blocks() const { return state->blocks; }
int64_t CudaExecutor::deviceBytes() const { return state->arenaBytes; }

Expected<std::unique_ptr<CudaExecutor>>
CudaExecutor::create(const CudaCode &code) {
  auto opened = openDriver();
  if (!opened)
    return opened.error();
  auto device = findCudaDevice();
  if (!device)
    return device.error();
  auto state = std::make_unique<State>();
  state->driver = *opened;
  state->code = code;
  state->device = *device;
  if (Status failed = state->load())
    return failed.error();
  return std::unique_ptr<CudaExecutor>(new CudaExecutor(std::move(state)));
}

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

/// Makes the arena large enough, or says what is missing.
Status CudaExecutor::State::reserve(int64_t bytes, const KernelBatch &batch) {
  if (bytes <= arenaBytes)
    return {};
  release();
  size_t free = 0, total = 0;
  driver->memGetInfo(&free, &total);
  int error = driver->memAlloc(&arena, static_cast<size_t>(bytes));
  if (error == errorOutOfMemory)
    return Error{"out of device memory: " + std::to_string(batch.samples) +
                 " samples of " + std::to_string(batch.steps) + " steps need " +
                 std::to_string(bytes) + " bytes, " + std::to_string(free) +
                 " of the " + std::to_string(total) + " of " + device.name +
                 " are free; lower the batch or the number of steps"};
  if (error != 0)
    return driver->check(error, "device memory cannot be taken");
  arenaBytes = bytes;
  return {};
}

Status CudaExecutor::run(const KernelBatch &batch) {
  const Driver &driver = *state->driver;
  const Kernel &kernel = state->code.kernel;
  if (Status failed = driver.check(driver.ctxSetCurrent(state->context),
                                   state->device.name + " is lost"))
    return failed;

  // Everything that does not depend on the number of blocks.
  int64_t bytes = 0;
  auto place = [&](int64_t size) {
    int64_t offset = bytes;
    bytes += aligned(std::max<int64_t>(size, 1));
    return offset;
  };
  std::vector<int64_t> argumentBytes, argumentOffsets, resultBytes,
      resultOffsets, partOffsets;
  for (const KernelOperand &argument : kernel.arguments) {
    int64_t copies =
        argument.kind == KernelOperand::Kind::Sample ? batch.samples : 1;
    bool isArray = argument.kind != KernelOperand::Kind::None;
    argumentBytes.push_back(isArray ? argument.bytes(batch.steps) * copies : 0);
    argumentOffsets.push_back(isArray ? place(argumentBytes.back()) : 0);
  }
  for (const KernelOperand &result : kernel.results) {
    int64_t copies =
        result.kind == KernelOperand::Kind::Sample ? batch.samples : 1;
    resultBytes.push_back(result.bytes(batch.steps) * copies);
    resultOffsets.push_back(place(resultBytes.back()));
  }
  int64_t indexOffset = place(8 * batch.samples);
  int64_t scratchStride = aligned(
      state->code.launch.scratchBytes + state->code.launch.scratchBytesPerStep * batch.steps);
  int64_t partStride = 0;
  for (size_t i = 0; i < kernel.results.size(); ++i)
    if (kernel.results[i].kind == KernelOperand::Kind::Sum)
      partStride += resultBytes[i];

  // As many blocks as there is work and room for.
  size_t free = 0, total = 0;
  driver.memGetInfo(&free, &total);
  int64_t blocks = std::clamp<int64_t>(
      batch.samples, 1,
      std::max(1, state->device.multiprocessors) * blocksEach);
  int64_t room = static_cast<int64_t>(free) + state->arenaBytes - bytes;
  while (blocks > 1 && blocks * (scratchStride + partStride) > room)
    blocks = (blocks + 1) / 2;
  for (size_t i = 0; i < kernel.results.size(); ++i)
    partOffsets.push_back(kernel.results[i].kind == KernelOperand::Kind::Sum
                              ? place(resultBytes[i] * blocks)
                              : 0);
  int64_t scratchOffset = place(scratchStride * blocks);
  if (Status failed = state->reserve(bytes, batch))
    return failed;
  state->blocks = blocks;

  auto address = [&](int64_t offset) {
    return state->arena + static_cast<uint64_t>(offset);
  };
  auto copyIn = [&](int64_t offset, const void *from, int64_t size) {
    return size ? driver.check(driver.memcpyHtoD(address(offset), from,
                                                 static_cast<size_t>(size)),
                               "data cannot be copied to " + state->device.name)
                : Status();
  };
  for (size_t i = 0; i < kernel.arguments.size(); ++i)
    if (Status failed =
            copyIn(argumentOffsets[i], batch.arguments[i], argumentBytes[i]))
      return failed;
  if (batch.sampleIndex)
    if (Status failed =
            copyIn(indexOffset, batch.sampleIndex, 8 * batch.samples))
      return failed;

  // In the order of compiler/Conversion/LocoToGPU/LocoToGPU.h; all are eight
  // bytes.
  std::vector<uint64_t> values;
  for (size_t i = 0; i < kernel.arguments.size(); ++i)
    if (kernel.arguments[i].kind != KernelOperand::Kind::None)
      values.push_back(address(argumentOffsets[i]));
  for (size_t i = 0; i < kernel.results.size(); ++i) {
    bool isSum = kernel.results[i].kind == KernelOperand::Kind::Sum;
    values.push_back(address(isSum ? partOffsets[i] : resultOffsets[i]));
    if (isSum && resultBytes[i])
      if (Status failed = driver.check(
              driver.memsetD8(address(partOffsets[i]), 0,
                              static_cast<size_t>(resultBytes[i] * blocks)),
              "device memory cannot be cleared"))
        return failed;
  }
  values.insert(values.end(),
                {static_cast<uint64_t>(batch.samples),
                 static_cast<uint64_t>(batch.steps), address(scratchOffset),
                 static_cast<uint64_t>(scratchStride), batch.seed, batch.update,
                 address(indexOffset)});
  auto launch = [&](void *function, std::vector<uint64_t> &parameters,
                    int64_t grid, int64_t threads, int64_t sharedBytes) {
    std::vector<void *> pointers;
    for (uint64_t &parameter : parameters)
      pointers.push_back(&parameter);
    return driver.check(
        driver.launchKernel(function, static_cast<unsigned>(grid), 1, 1,
                            static_cast<unsigned>(threads), 1, 1,
                            static_cast<unsigned>(sharedBytes), nullptr,
                            pointers.data(), nullptr),
        "a kernel cannot be started");
  };
  if (batch.samples > 0)
    if (Status failed = launch(state->kernel, values, blocks,
                               state->code.launch.threads, state->code.launch.sharedBytes))
      return failed;
  for (size_t i = 0; i < kernel.results.size(); ++i) {
    const KernelOperand &result = kernel.results[i];
    int64_t count = result.elements(batch.steps);
    if (result.kind != KernelOperand::Kind::Sum || count == 0)
      continue;
    std::vector<uint64_t> parameters = {
        address(partOffsets[i]), address(resultOffsets[i]),
        static_cast<uint64_t>(count), static_cast<uint64_t>(blocks)};
    if (Status failed =
            launch(result.type == ElementType::F64 ? state->reduceF64
                                                   : state->reduceF32,
                   parameters, (count + reduceThreads - 1) / reduceThreads,
                   reduceThreads, 0))
      return failed;
  }
  if (Status failed =
          driver.check(driver.ctxSynchronize(),
                       "the kernels did not end well on " + state->device.name))
    return failed;
  for (size_t i = 0; i < kernel.results.size(); ++i)
    if (resultBytes[i])
      if (Status failed = driver.check(
              driver.memcpyDtoH(batch.results[i], address(resultOffsets[i]),
                                static_cast<size_t>(resultBytes[i])),
              "results cannot be copied from " + state->device.name))
        return failed;
  return {};
}
