//===- FakeCudaDriver.cpp - A CUDA driver with no GPU behind it -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Device memory is memory of the process. The kernels are those of
// CudaExecutorTest: twice the argument, and its sum over the samples. What is
// missing or short is set by FAKE_CUDA_VERSION, FAKE_CUDA_DEVICES,
// FAKE_CUDA_BYTES and FAKE_CUDA_SHARED.
//
//===----------------------------------------------------------------------===//

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>

static int64_t setting(const char *name, int64_t otherwise) {
  const char *text = std::getenv(name);
  return text ? std::atoll(text) : otherwise;
}

static std::map<uint64_t, size_t> allocated;
static size_t used() {
  size_t bytes = 0;
  for (auto [address, size] : allocated)
    bytes += size;
  return bytes;
}
static size_t capacity() {
  return static_cast<size_t>(setting("FAKE_CUDA_BYTES", 1 << 20));
}

enum { ok = 0, invalid = 1, outOfMemory = 2, noDevice = 100, noKernel = 500 };
static char mainKernel, reduceKernel;

template <typename T> static T parameter(void **parameters, int i) {
  return *static_cast<T *>(parameters[i]);
}

extern "C" {
int cuInit(unsigned) { return setting("FAKE_CUDA_DEVICES", 1) ? ok : noDevice; }
int cuDriverGetVersion(int *version) {
  *version = static_cast<int>(setting("FAKE_CUDA_VERSION", 12040));
  return ok;
}
int cuGetErrorName(int error, const char **text) {
  *text = error == outOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == noKernel  ? "CUDA_ERROR_NOT_FOUND"
                               : "CUDA_ERROR_INVALID_VALUE";
  return ok;
}
int cuGetErrorString(int, const char **text) {
  *text = "as the fake driver says";
  return ok;
}
int cuDeviceGetCount(int *count) {
  *count = static_cast<int>(setting("FAKE_CUDA_DEVICES", 1));
  return ok;
}
int cuDeviceGet(int *device, int number) {
  *device = number;
  return ok;
}
int cuDeviceGetName(char *name, int length, int) {
  std::strncpy(name, "a fake GPU", static_cast<size_t>(length));
  return ok;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = attribute == 16   ? 2
           : attribute == 75 ? 9
           : attribute == 97
               ? static_cast<int>(setting("FAKE_CUDA_SHARED", 1000))
               : 0;
  return ok;
}
int cuDeviceTotalMem_v2(size_t *bytes, int) {
  *bytes = capacity();
  return ok;
}
int cuDevicePrimaryCtxRetain(void **context, int) {
  *context = &allocated;
  return ok;
}
int cuDevicePrimaryCtxRelease_v2(int) { return ok; }
int cuCtxSetCurrent(void *context) { return context ? ok : invalid; }
int cuModuleLoadDataEx(void **module, const void *image, unsigned, int *,
                       void **) {
  *module = &mainKernel;
  return std::strcmp(static_cast<const char *>(image), "fake") ? invalid : ok;
}
int cuModuleUnload(void *) { return ok; }
int cuModuleGetFunction(void **function, void *, const char *name) {
  if (!std::strcmp(name, "loco_kernel"))
    *function = &mainKernel;
  else if (!std::strcmp(name, "loco_reduce_f32"))
    *function = &reduceKernel;
  else
    return noKernel;
  return ok;
}
int cuFuncSetAttribute(void *, int, int) { return ok; }
int cuMemGetInfo_v2(size_t *free, size_t *total) {
  *total = capacity();
  *free = *total - used();
  return ok;
}
int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  if (used() + bytes > capacity())
    return outOfMemory;
  *address = reinterpret_cast<uint64_t>(std::malloc(bytes));
  allocated[*address] = bytes;
  return ok;
}
int cuMemFree_v2(uint64_t address) {
  std::free(reinterpret_cast<void *>(address));
  return allocated.erase(address) ? ok : invalid;
}
int cuMemHostAlloc(void **memory, size_t bytes, unsigned) {
  *memory = std::malloc(bytes);
  return ok;
}
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *) {
  std::memcpy(reinterpret_cast<void *>(to), from, bytes);
  return ok;
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *) {
  std::memcpy(to, reinterpret_cast<void *>(from), bytes);
  return ok;
}
int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *) {
  std::memset(reinterpret_cast<void *>(to), value, bytes);
  return ok;
}
// Everything is done at once, and nothing can be recorded.
int cuStreamCreate(void **stream, unsigned) {
  *stream = &mainKernel;
  return ok;
}
int cuStreamSynchronize(void *) { return ok; }
int cuStreamWaitEvent(void *, void *, unsigned) { return ok; }
int cuEventCreate(void **event, unsigned) {
  *event = &mainKernel;
  return ok;
}
int cuEventRecord(void *, void *) { return ok; }
int cuEventSynchronize(void *) { return ok; }
/// There is no clock.
int cuEventElapsedTime(float *milliseconds, void *, void *) {
  *milliseconds = 1;
  return ok;
}

int cuStreamBeginCapture_v2(void *, int) { return invalid; }
int cuStreamEndCapture(void *, void **) { return invalid; }
int cuGraphInstantiateWithFlags(void **, void *, unsigned long long) {
  return invalid;
}
int cuGraphLaunch(void *, void *) { return invalid; }
int cuGraphExecDestroy(void *) { return ok; }
int cuGraphDestroy(void *) { return ok; }
int cuGraphGetNodes(void *, void **, size_t *) { return invalid; }
int cuGraphNodeGetType(void *, int *) { return invalid; }
int cuGraphKernelNodeGetParams_v2(void *, void *) { return invalid; }
int cuGraphExecKernelNodeSetParams_v2(void *, void *, const void *) {
  return invalid;
}
int cuLaunchCooperativeKernel(void *, unsigned, unsigned, unsigned, unsigned,
                              unsigned, unsigned, unsigned, void *, void **) {
  return invalid;
}
int cuFuncGetAttribute(int *value, int, void *) {
  *value = 32;
  return ok;
}
int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *, int,
                                                size_t) {
  *blocks = 4;
  return ok;
}
/// loco_kernel: (x, twice, sum, samples, steps, ...) of one number a sample and
/// step; loco_reduce_f32: (parts, out, count, blocks).
int cuLaunchKernel(void *function, unsigned gridX, unsigned, unsigned,
                   unsigned blockX, unsigned, unsigned, unsigned, void *,
                   void **p, void **) {
  auto *first = parameter<float *>(p, 0), *second = parameter<float *>(p, 1);
  if (function == &reduceKernel) {
    auto count = parameter<int64_t>(p, 2), blocks = parameter<int64_t>(p, 3);
    if (gridX * blockX < count)
      return invalid;
    for (int64_t i = 0; i < count; ++i) {
      double sum = 0;
      for (int64_t k = 0; k < blocks; ++k)
        sum += first[k * count + i];
      second[i] = static_cast<float>(sum);
    }
    return ok;
  }
  auto *parts = parameter<float *>(p, 2);
  auto samples = parameter<int64_t>(p, 3), steps = parameter<int64_t>(p, 4);
  for (int64_t s = 0; s < samples; ++s)
    for (int64_t t = 0; t < steps; ++t) {
      float x = first[s * steps + t];
      second[s * steps + t] = 2 * x;
      parts[s % gridX] += x;
    }
  return ok;
}
}
