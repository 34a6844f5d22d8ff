//===- EmulatedDriver.cpp - A CUDA driver that emulates its device --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The driver's functions that loco calls, for machines without a GPU: device
// memory is memory of the process, modules are kernels of the gpu dialect,
// executed by the emulator. A kernel that does something wrong leaves the
// context unusable, as on a device; the error's text says what it did. What a
// stream is given is done as late as it may be (EmulatedStreams.cpp). What is
// missing or short is set by
//
//   EMULATED_CUDA_VERSION          13000, of the driver
//   EMULATED_CUDA_START            what the driver answers when it starts
//   EMULATED_CUDA_DEVICES          1
//   EMULATED_CUDA_CAPABILITY       90
//   EMULATED_CUDA_MULTIPROCESSORS  2
//   EMULATED_CUDA_RESIDENT         2, blocks that each of them runs at a time
//   EMULATED_CUDA_SHARED           bytes of shared memory of a block
//   EMULATED_CUDA_BYTES            of device memory
//   EMULATED_CUDA_LAUNCHES         the device is lost after so many of them
//   EMULATED_CUDA_TRACE            a file that tells what was asked for
//   EMULATED_CUDA_REVERSED         1: threads and blocks run from the last on
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/EmulatedDevice.h"

#include "mlir/IR/BuiltinOps.h"

#include <cstdlib>
#include <cstring>
#include <fstream>

using namespace mlir;
using namespace loco;
using namespace loco::emulation;

static emulation::Device &gpuDevice = getDevice();

Device &emulation::getDevice() {
  static Device theDevice;
  return theDevice;
}

int64_t emulation::getSetting(const char *name, int64_t otherwise) {
  const char *text = std::getenv(name);
  return text && *text ? std::atoll(text) : otherwise;
}

void emulation::note(const std::string &line) {
  if (const char *path = std::getenv("EMULATED_CUDA_TRACE"))
    std::ofstream(path, std::ios::app) << line << "\n";
}

static int64_t capacity() {
  return getSetting("EMULATED_CUDA_BYTES", int64_t(4) << 30);
}

static int multiprocessors() {
  return static_cast<int>(getSetting("EMULATED_CUDA_MULTIPROCESSORS", 2));
}

/// Blocks that a multiprocessor runs at a time.
static int residentBlocks() {
  return static_cast<int>(getSetting("EMULATED_CUDA_RESIDENT", 2));
}

int64_t emulation::blocksAtATime() {
  return int64_t(multiprocessors()) * residentBlocks();
}

bool Device::isInside(uint64_t address, size_t size) const {
  auto found = bytes.upper_bound(address);
  if (found == bytes.begin())
    return false;
  --found;
  return address + size <= found->first + static_cast<uint64_t>(found->second);
}

int Device::fail(int code, const std::string &why) {
  error = code;
  reason = why;
  return code;
}

extern "C" {
//===----------------------------------------------------------------------===//
// The device
//===----------------------------------------------------------------------===//

/// Says that modules are kernels of the gpu dialect.
char locoEmulatedDevice = 1;

int cuInit(unsigned) {
  return static_cast<int>(getSetting("EMULATED_CUDA_START", ok));
}

int cuDriverGetVersion(int *version) {
  *version = static_cast<int>(getSetting("EMULATED_CUDA_VERSION", 13000));
  return ok;
}

int cuGetErrorName(int error, const char **text) {
  *text = error == outOfMemory      ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == invalidImage   ? "CUDA_ERROR_INVALID_IMAGE"
          : error == notFound       ? "CUDA_ERROR_NOT_FOUND"
          : error == illegalAddress ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : error == launchFailed   ? "CUDA_ERROR_LAUNCH_FAILED"
          : error == tooLargeForCooperation
              ? "CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE"
          : error == otherDriver ? "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"
                                 : "CUDA_ERROR_INVALID_VALUE";
  return ok;
}

int cuGetErrorString(int, const char **text) {
  *text = gpuDevice.reason.empty() ? "as the emulated driver says"
                                   : gpuDevice.reason.c_str();
  return ok;
}

int cuDeviceGetCount(int *count) {
  *count = static_cast<int>(getSetting("EMULATED_CUDA_DEVICES", 1));
  return ok;
}

int cuDeviceGet(int *number, int wanted) {
  *number = wanted;
  return wanted == 0 ? ok : invalidValue;
}

int cuDeviceGetName(char *name, int length, int) {
  std::strncpy(name, "an emulated GPU", static_cast<size_t>(length));
  return ok;
}

int cuDeviceGetAttribute(int *value, int attribute, int) {
  int64_t capability = getSetting("EMULATED_CUDA_CAPABILITY", 90);
  switch (attribute) {
  case 16: // multiprocessors
    *value = multiprocessors();
    return ok;
  case 75:
    *value = static_cast<int>(capability / 10);
    return ok;
  case 76:
    *value = static_cast<int>(capability % 10);
    return ok;
  case 97: // shared memory of a block, on request
    *value = static_cast<int>(getSetting("EMULATED_CUDA_SHARED",
                                         (capability < 90 ? 99 : 227) * 1024));
    return ok;
  default:
    return invalidValue;
  }
}

int cuDeviceTotalMem_v2(size_t *bytes, int) {
  *bytes = static_cast<size_t>(capacity());
  return ok;
}

int cuDevicePrimaryCtxRetain(void **context, int) {
  *context = &gpuDevice;
  return ok;
}
int cuDevicePrimaryCtxRelease_v2(int) { return ok; }
int cuCtxSetCurrent(void *context) {
  return context == &gpuDevice ? ok : invalidValue;
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

int cuModuleLoadDataEx(void **module, const void *image, unsigned, int *,
                       void **) {
  auto loaded = std::make_unique<LoadedModule>();
  auto parsed = parseKernels(static_cast<const char *>(image), loaded->context);
  if (!parsed) {
    gpuDevice.reason = "the text is no module of the gpu dialect";
    return invalidImage;
  }
  auto kernels = EmulatedModule::create(std::move(parsed));
  if (!kernels) {
    gpuDevice.reason = llvm::toString(kernels.takeError());
    return invalidImage;
  }
  loaded->kernels = std::move(*kernels);
  *module = loaded.release();
  return ok;
}

int cuModuleUnload(void *module) {
  delete static_cast<LoadedModule *>(module);
  return ok;
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
  auto *loaded = static_cast<LoadedModule *>(module);
  auto arguments = loaded->kernels->countArguments(name);
  if (!arguments)
    return notFound;
  gpuDevice.functions.push_back(
      std::make_unique<Function>(Function{loaded, name, *arguments}));
  *function = gpuDevice.functions.back().get();
  return ok;
}

int cuFuncSetAttribute(void *, int, int) { return gpuDevice.error; }

int cuFuncGetAttribute(int *value, int attribute, void *) {
  *value = attribute == 4 ? 64 : 0; // registers, and no bytes of spills
  return ok;
}

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *, int,
                                                size_t) {
  *blocks = residentBlocks();
  return ok;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

int cuMemGetInfo_v2(size_t *free, size_t *total) {
  *total = static_cast<size_t>(capacity());
  *free =
      static_cast<size_t>(std::max<int64_t>(0, capacity() - gpuDevice.used));
  return gpuDevice.error;
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  if (gpuDevice.error)
    return gpuDevice.error;
  if (gpuDevice.used + static_cast<int64_t>(bytes) > capacity())
    return outOfMemory;
  note("memory " + std::to_string(bytes));
  std::unique_ptr<char[]> memory(new char[bytes]);
  // What nobody has written reads as no number.
  std::memset(memory.get(), 0xff, bytes);
  *address = reinterpret_cast<uint64_t>(memory.get());
  gpuDevice.bytes[*address] = static_cast<int64_t>(bytes);
  gpuDevice.memory[*address] = std::move(memory);
  gpuDevice.used += static_cast<int64_t>(bytes);
  return ok;
}

int cuMemFree_v2(uint64_t address) {
  if (!gpuDevice.memory.erase(address))
    return invalidValue;
  gpuDevice.used -= gpuDevice.bytes[address];
  gpuDevice.bytes.erase(address);
  return gpuDevice.error;
}

int cuMemHostAlloc(void **memory, size_t bytes, unsigned) {
  *memory = std::malloc(bytes);
  return *memory ? ok : outOfMemory;
}
}
