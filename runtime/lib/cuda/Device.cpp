//===- Device.cpp - The GPU of this process -------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"

#include "loco/CudaTimes.h"

#include <algorithm>
#include <cstring>

using namespace loco;
using namespace loco::cuda;

/// Large enough that a copy takes longer than it takes to start it, small
/// enough that the first begins soon.
static constexpr int64_t slotBytes = int64_t(4) << 20;
static constexpr size_t slotCount = 3;
/// A part of the device's memory is left to the driver and to libraries: local
/// memory of kernels, say, which is taken when they start.
static constexpr int64_t shareOfOthers = 128;

//===----------------------------------------------------------------------===//
// The device
//===----------------------------------------------------------------------===//

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

Expected<Device *> Device::open() {
  static Expected<Device *> device = []() -> Expected<Device *> {
    auto opened = openDriver();
    if (!opened)
      return opened.error();
    auto found = findCudaDevice();
    if (!found)
      return found.error();
    auto *made = new Device();
    made->api = *opened;
    made->described = *found;
    if (Status failed = made->start())
      return failed.error();
    return made;
  }();
  return device;
}

Status Device::start() {
  std::string what = described.name + " cannot be used";
  if (Status failed = api->check(api->deviceGet(&number, 0), what))
    return failed;
  if (Status failed =
          api->check(api->devicePrimaryCtxRetain(&context, number), what))
    return failed;
  if (Status failed = enter())
    return failed;
  for (void **stream : {&compute, &copies})
    if (Status failed =
            api->check(api->streamCreate(stream, streamNonBlocking), what))
      return failed;
  for (void **event : {&begin, &end})
    if (Status failed = api->check(api->eventCreate(event, 0), what))
      return failed;
  return {};
}

Status Device::mark(void *event) {
  return api->check(api->eventRecord(event, compute),
                    described.name + " cannot measure time");
}

double Device::kernelSeconds() const {
  float milliseconds = 0;
  bool isKnown = api->eventElapsedTime(&milliseconds, begin, end) == 0;
  return isKnown ? double(milliseconds) * 1e-3 : 0;
}

double loco::cudaKernelSeconds() {
  auto device = Device::open();
  return device ? (*device)->kernelSeconds() : 0;
}

Status Device::enter() {
  return api->check(api->ctxSetCurrent(context),
                    described.name + " cannot be used");
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

int64_t Device::freeBytes() const {
  size_t free = 0, total = 0;
  api->memGetInfo(&free, &total);
  return static_cast<int64_t>(free);
}

int64_t Device::room() const {
  int64_t others = described.memoryBytes / shareOfOthers;
  return freeBytes() + bytes - others;
}

Status Device::reserve(int64_t wanted, const std::string &what) {
  if (wanted <= bytes)
    return {};
  // What is on its way to or from the arena would miss it.
  for (void *stream : {compute, copies})
    if (Status failed = api->check(api->streamSynchronize(stream),
                                   described.name + " does not answer"))
      return failed;
  if (arena)
    api->memFree(arena);
  arena = 0;
  bytes = 0;
  ++moves;
  auto taken = take(wanted, what);
  if (!taken)
    return taken.error();
  arena = *taken;
  bytes = wanted;
  return {};
}

Expected<uint64_t> Device::take(int64_t wanted, const std::string &what) {
  size_t free = 0, total = 0;
  api->memGetInfo(&free, &total);
  uint64_t memory = 0;
  int error = api->memAlloc(&memory, static_cast<size_t>(wanted));
  if (error == errorOutOfMemory)
    return Error{"out of device memory: " + what + " need " +
                 std::to_string(wanted) + " bytes, " + std::to_string(free) +
                 " of the " + std::to_string(total) + " of " + described.name +
                 " are free; lower the batch or the number of steps"};
  if (Status failed = api->check(error, "device memory cannot be taken"))
    return failed.error();
  return memory;
}

Expected<uint64_t> Device::keep(int64_t wanted, const std::string &what) {
  auto taken = take(wanted, what);
  if (taken)
    kept += wanted;
  return taken;
}

void Device::release(uint64_t address, int64_t size) {
  api->memFree(address);
  kept -= size;
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

/// The piece of the ring that was used least recently, once its last copy is
/// done.
Expected<Device::Slot *> Device::nextSlot() {
  if (ring.size() < slotCount) {
    ring.reserve(slotCount);
    Slot slot;
    void *memory = nullptr;
    if (Status failed =
            api->check(api->memHostAlloc(&memory, slotBytes, 0),
                       "no host memory can be shared with " + described.name))
      return failed.error();
    slot.memory = static_cast<char *>(memory);
    if (Status failed =
            api->check(api->eventCreate(&slot.event, eventDisableTiming),
                       described.name + " cannot be used"))
      return failed.error();
    ring.push_back(slot);
    return &ring.back();
  }
  Slot &slot = ring[next];
  next = (next + 1) % slotCount;
  if (Status failed = api->check(api->eventSynchronize(slot.event),
                                 "a copy failed on " + described.name))
    return failed.error();
  return &slot;
}

namespace {
/// Consecutive bytes of device memory, at most a slot of the ring, and the
/// parts of host arrays that belong there.
struct Window {
  uint64_t begin = 0, end = 0;
  struct Part {
    int64_t at;
    char *host;
    int64_t bytes;
  };
  std::vector<Part> parts;
};
} // namespace

/// Divides transfers into windows: small ones next to each other go together,
/// large ones in pieces.
static std::vector<Window> makeWindows(const std::vector<Transfer> &transfers) {
  std::vector<Window> windows;
  for (const Transfer &transfer : transfers) {
    int64_t done = 0;
    while (done < transfer.bytes) {
      uint64_t at = transfer.address + static_cast<uint64_t>(done);
      if (windows.empty() || at < windows.back().end ||
          at - windows.back().end >= alignment ||
          at - windows.back().begin >= slotBytes)
        windows.push_back({at, at, {}});
      Window &window = windows.back();
      auto before = static_cast<int64_t>(at - window.begin);
      int64_t count = std::min(transfer.bytes - done, slotBytes - before);
      window.parts.push_back(
          {before, static_cast<char *>(transfer.host) + done, count});
      window.end = at + static_cast<uint64_t>(count);
      done += count;
    }
  }
  return windows;
}

Status Device::upload(const std::vector<Transfer> &transfers, void *stream) {
  for (const Window &window : makeWindows(transfers)) {
    auto slot = nextSlot();
    if (!slot)
      return slot.error();
    for (const Window::Part &part : window.parts)
      std::memcpy((*slot)->memory + part.at, part.host,
                  static_cast<size_t>(part.bytes));
    int error = api->memcpyHtoDAsync(
        window.begin, (*slot)->memory,
        static_cast<size_t>(window.end - window.begin), stream);
    if (error == 0)
      error = api->eventRecord((*slot)->event, stream);
    if (Status failed =
            api->check(error, "data cannot be copied to " + described.name))
      return failed;
  }
  return {};
}

Status Device::download(const std::vector<Transfer> &transfers, void *stream) {
  std::vector<Window> windows = makeWindows(transfers);
  std::vector<Slot *> slots;
  auto take = [&](size_t i) {
    int error = api->eventSynchronize(slots[i]->event);
    for (const Window::Part &part : windows[i].parts)
      if (error == 0)
        std::memcpy(part.host, slots[i]->memory + part.at,
                    static_cast<size_t>(part.bytes));
    return api->check(error,
                      "the kernels did not end well on " + described.name);
  };
  // The next piece is on its way while the one before it is taken.
  for (size_t i = 0; i < windows.size(); ++i) {
    auto slot = nextSlot();
    if (!slot)
      return slot.error();
    slots.push_back(*slot);
    int error = api->memcpyDtoHAsync(
        (*slot)->memory, windows[i].begin,
        static_cast<size_t>(windows[i].end - windows[i].begin), stream);
    if (error == 0)
      error = api->eventRecord((*slot)->event, stream);
    if (Status failed = api->check(error, "results cannot be copied from " +
                                              described.name))
      return failed;
    if (i > 0)
      if (Status failed = take(i - 1))
        return failed;
  }
  if (!windows.empty())
    return take(windows.size() - 1);
  return api->check(api->streamSynchronize(stream),
                    "the kernels did not end well on " + described.name);
}
