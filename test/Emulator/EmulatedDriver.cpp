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
// context unusable, as on a device; the error's text says what it did. What
// is missing or short is set by
//
//   EMULATED_CUDA_CAPABILITY   90
//   EMULATED_CUDA_BYTES        of device memory
//   EMULATED_CUDA_LAUNCHES     the device is lost after so many of them
//   EMULATED_CUDA_REVERSED     1: threads and blocks run from the last on
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/Emulator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"

#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace loco;

namespace {
enum {
  ok = 0,
  invalidValue = 1,
  outOfMemory = 2,
  invalidImage = 200,
  notFound = 500,
  illegalAddress = 700,
  launchFailed = 719,
};

struct LoadedModule {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  std::unique_ptr<EmulatedModule> kernels;
};

struct Function {
  LoadedModule *module;
  std::string name;
  unsigned arguments;
};

/// The one device, and its context.
struct Device {
  std::map<uint64_t, std::unique_ptr<char[]>> memory;
  std::map<uint64_t, int64_t> bytes;
  int64_t used = 0, launches = 0;
  /// What every call answers once a kernel went wrong, and why.
  int error = ok;
  std::string reason;
  /// Handles of functions; they live as long as the process.
  std::vector<std::unique_ptr<Function>> functions;
};
} // namespace

static Device device;

static int64_t setting(const char *name, int64_t otherwise) {
  const char *text = std::getenv(name);
  return text && *text ? std::atoll(text) : otherwise;
}

static int64_t capacity() {
  return setting("EMULATED_CUDA_BYTES", int64_t(4) << 30);
}

/// True if the bytes are of one allocation.
static bool isInside(uint64_t address, size_t bytes) {
  auto found = device.bytes.upper_bound(address);
  if (found == device.bytes.begin())
    return false;
  --found;
  return address + bytes <= found->first + static_cast<uint64_t>(found->second);
}

static int fail(int error, const std::string &reason) {
  device.error = error;
  device.reason = reason;
  return error;
}

static int launch(const Function &function, unsigned blocks, unsigned threads,
                  unsigned sharedBytes, std::vector<uint64_t> arguments) {
  if (device.launches++ >= setting("EMULATED_CUDA_LAUNCHES", INT64_MAX))
    return fail(launchFailed, "the emulated device is lost");
  emulation::Machine machine;
  for (auto [address, bytes] : device.bytes)
    machine.addRegion("device memory", reinterpret_cast<void *>(address), bytes,
                      false, true);
  EmulatedGrid grid;
  grid.blocks = blocks;
  grid.threads = threads;
  grid.sharedBytes = sharedBytes;
  grid.isReversed = setting("EMULATED_CUDA_REVERSED", 0);
  Status failed = function.module->kernels->launch(machine, function.name,
                                                   arguments.data(), grid);
  return failed ? fail(illegalAddress, failed.message()) : ok;
}

extern "C" {
//===----------------------------------------------------------------------===//
// The device
//===----------------------------------------------------------------------===//

/// Says that modules are kernels of the gpu dialect.
char locoEmulatedDevice = 1;

int cuInit(unsigned) { return ok; }

int cuDriverGetVersion(int *version) {
  *version = 13000;
  return ok;
}

int cuGetErrorName(int error, const char **text) {
  *text = error == outOfMemory      ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == invalidImage   ? "CUDA_ERROR_INVALID_IMAGE"
          : error == notFound       ? "CUDA_ERROR_NOT_FOUND"
          : error == illegalAddress ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : error == launchFailed   ? "CUDA_ERROR_LAUNCH_FAILED"
                                    : "CUDA_ERROR_INVALID_VALUE";
  return ok;
}

int cuGetErrorString(int, const char **text) {
  *text = device.reason.empty() ? "as the emulated driver says"
                                : device.reason.c_str();
  return ok;
}

int cuDeviceGetCount(int *count) {
  *count = 1;
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
  int64_t capability = setting("EMULATED_CUDA_CAPABILITY", 90);
  switch (attribute) {
  case 16: // multiprocessors
    *value = 2;
    return ok;
  case 75:
    *value = static_cast<int>(capability / 10);
    return ok;
  case 76:
    *value = static_cast<int>(capability % 10);
    return ok;
  case 97: // shared memory of a block, on request
    *value = (capability < 90 ? 99 : 227) * 1024;
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
  *context = &device;
  return ok;
}
int cuDevicePrimaryCtxRelease_v2(int) { return ok; }
int cuCtxSetCurrent(void *context) {
  return context == &device ? ok : invalidValue;
}
int cuCtxSynchronize(void) { return device.error; }

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

int cuModuleLoadDataEx(void **module, const void *image, unsigned, int *,
                       void **) {
  auto loaded = std::make_unique<LoadedModule>();
  loaded->context.loadDialect<gpu::GPUDialect, LLVM::LLVMDialect,
                              arith::ArithDialect, math::MathDialect,
                              scf::SCFDialect, cf::ControlFlowDialect,
                              vector::VectorDialect>();
  auto parsed = parseSourceString<ModuleOp>(static_cast<const char *>(image),
                                            &loaded->context);
  if (!parsed) {
    device.reason = "the text is no module of the gpu dialect";
    return invalidImage;
  }
  auto kernels = EmulatedModule::create(std::move(parsed));
  if (!kernels) {
    device.reason = llvm::toString(kernels.takeError());
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
  device.functions.push_back(
      std::make_unique<Function>(Function{loaded, name, *arguments}));
  *function = device.functions.back().get();
  return ok;
}

int cuFuncSetAttribute(void *, int, int) { return device.error; }

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

int cuMemGetInfo_v2(size_t *free, size_t *total) {
  *total = static_cast<size_t>(capacity());
  *free = static_cast<size_t>(std::max<int64_t>(0, capacity() - device.used));
  return device.error;
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  if (device.error)
    return device.error;
  if (device.used + static_cast<int64_t>(bytes) > capacity())
    return outOfMemory;
  std::unique_ptr<char[]> memory(new char[bytes]);
  // What nobody has written reads as no number.
  std::memset(memory.get(), 0xff, bytes);
  *address = reinterpret_cast<uint64_t>(memory.get());
  device.bytes[*address] = static_cast<int64_t>(bytes);
  device.memory[*address] = std::move(memory);
  device.used += static_cast<int64_t>(bytes);
  return ok;
}

int cuMemFree_v2(uint64_t address) {
  if (!device.memory.erase(address))
    return invalidValue;
  device.used -= device.bytes[address];
  device.bytes.erase(address);
  return device.error;
}

int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
  if (device.error)
    return device.error;
  if (!isInside(to, bytes))
    return invalidValue;
  std::memcpy(reinterpret_cast<void *>(to), from, bytes);
  return ok;
}

int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
  if (device.error)
    return device.error;
  if (!isInside(from, bytes))
    return invalidValue;
  std::memcpy(to, reinterpret_cast<void *>(from), bytes);
  return ok;
}

int cuMemsetD8_v2(uint64_t to, unsigned char value, size_t bytes) {
  if (device.error)
    return device.error;
  if (!isInside(to, bytes))
    return invalidValue;
  std::memset(reinterpret_cast<void *>(to), value, bytes);
  return ok;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

int cuLaunchKernel(void *function, unsigned gridX, unsigned, unsigned,
                   unsigned blockX, unsigned, unsigned, unsigned sharedBytes,
                   void *, void **parameters, void **) {
  if (device.error)
    return device.error;
  auto *called = static_cast<Function *>(function);
  std::vector<uint64_t> arguments;
  for (unsigned i = 0; i < called->arguments; ++i)
    arguments.push_back(*static_cast<uint64_t *>(parameters[i]));
  return launch(*called, gridX, blockX, sharedBytes, std::move(arguments));
}
}
