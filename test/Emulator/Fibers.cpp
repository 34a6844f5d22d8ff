//===- Fibers.cpp - A block of GPU threads on one processor thread --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/Fibers.h"

#include <sys/mman.h>
#include <ucontext.h>

using namespace loco::emulation;

static constexpr int64_t stackBytes = 256 * 1024;
static constexpr int64_t warpSize = 32;
/// More than one thread has read.
static constexpr int16_t several = -1;

Machine *Machine::running = nullptr;

struct Machine::Fiber {
  enum class State { Ready, Barrier, Shuffle, Done };
  ucontext_t context;
  State state = State::Ready;
  void *stack = nullptr;
  uint64_t value = 0;
  int32_t distance = 0;
};

Machine::Machine() = default;
Machine::~Machine() = default;

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

void Machine::enter() {
  Machine &machine = *running;
  machine.kernel(machine.arguments);
  Fiber &fiber = machine.fibers[machine.current];
  fiber.state = Fiber::State::Done;
  swapcontext(&fiber.context, static_cast<ucontext_t *>(machine.scheduler));
}

/// Gives the processor to the next fiber.
void Machine::wait() {
  swapcontext(&fibers[current].context, static_cast<ucontext_t *>(scheduler));
}

void Machine::barrier() {
  fibers[current].state = Fiber::State::Barrier;
  wait();
}

uint64_t Machine::shuffle(uint64_t value, int32_t distance) {
  Fiber &fiber = fibers[current];
  fiber.value = value;
  fiber.distance = distance;
  fiber.state = Fiber::State::Shuffle;
  wait();
  return fibers[current].value;
}

/// Lets a warp whose threads all wait in a shuffle exchange their values.
bool Machine::exchange(int64_t warp) {
  int64_t first = warp * warpSize;
  for (int64_t i = first; i < first + warpSize; ++i)
    if (fibers[i].state != Fiber::State::Shuffle)
      return false;
  std::vector<uint64_t> values;
  for (int64_t i = first; i < first + warpSize; ++i) {
    if (fibers[i].distance != fibers[first].distance)
      fail("lanes of warp " + std::to_string(warp) + " are in two shuffles");
    values.push_back(fibers[i].value);
  }
  for (int64_t i = 0; i < warpSize; ++i) {
    Fiber &fiber = fibers[first + i];
    fiber.value = values[i ^ fiber.distance];
    fiber.state = Fiber::State::Ready;
  }
  return true;
}

std::string Machine::runBlock(void (*entry)(void *), void *table,
                              int64_t threads, int64_t number, int64_t count,
                              void *memory, bool isReversed) {
  running = this;
  kernel = entry;
  arguments = table;
  block = number;
  blocks = count;
  shared = memory;
  ++epoch;
  ucontext_t own;
  scheduler = &own;
  error.clear();
  fibers = std::vector<Fiber>(threads);
  for (Fiber &fiber : fibers) {
    fiber.stack = mmap(nullptr, stackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = stackBytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, &Machine::enter, 0);
  }
  while (error.empty()) {
    for (int64_t i = 0; i < threads && error.empty(); ++i) {
      current = isReversed ? threads - 1 - i : i;
      while (fibers[current].state == Fiber::State::Ready && error.empty())
        swapcontext(&own, &fibers[current].context);
    }
    if (!error.empty())
      break;
    bool goesOn = false;
    for (int64_t warp = 0; warp < threads / warpSize; ++warp)
      goesOn |= exchange(warp);
    if (goesOn)
      continue;
    int64_t done = 0, waiting = 0;
    for (Fiber &fiber : fibers) {
      done += fiber.state == Fiber::State::Done;
      waiting += fiber.state == Fiber::State::Barrier;
    }
    if (done == threads)
      break;
    if (waiting != threads) {
      fail("some threads wait at a barrier that others do not reach");
      break;
    }
    ++epoch;
    for (Fiber &fiber : fibers)
      fiber.state = Fiber::State::Ready;
  }
  for (Fiber &fiber : fibers)
    munmap(fiber.stack, stackBytes);
  running = nullptr;
  return error;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void Machine::fail(const std::string &message) {
  if (error.empty())
    error = "thread " + std::to_string(current) + " of block " +
            std::to_string(block) + ": " + message;
}

void Machine::addRegion(std::string name, void *begin, int64_t bytes,
                        bool isWatched, bool isWritten) {
  Region region = {
      std::move(name), static_cast<char *>(begin), bytes, isWatched, {}};
  if (isWatched) {
    region.states.resize(bytes);
    for (ByteState &state : region.states)
      state.isWritten = isWritten;
  }
  regions[reinterpret_cast<uint64_t>(begin) + bytes] = std::move(region);
}

void Machine::forget(const std::string &name) {
  for (auto &[end, region] : regions)
    if (region.name == name)
      region.states.assign(region.states.size(), ByteState());
}

void Machine::remove(const std::string &name) {
  std::erase_if(regions,
                [&](const auto &entry) { return entry.second.name == name; });
}

void Machine::access(uint64_t address, int32_t bytes, bool isWrite,
                     int32_t space) {
  auto found = regions.upper_bound(address);
  if (found == regions.end() ||
      address < reinterpret_cast<uint64_t>(found->second.begin) ||
      address + bytes > found->first) {
    fail(std::string(isWrite ? "writes" : "reads") + " beyond its " +
         (space == 3 ? "shared" : "global") + " memory");
    wait();
    return;
  }
  Region &region = found->second;
  if (!region.isWatched)
    return;
  int64_t first = address - reinterpret_cast<uint64_t>(region.begin);
  auto at = [&] {
    return " at byte " + std::to_string(first) + " of " + region.name;
  };
  int16_t thread = static_cast<int16_t>(current);
  for (int64_t i = first; i < first + bytes; ++i) {
    ByteState &state = region.states[i];
    bool isRecentWrite = state.writeEpoch == epoch && state.writer != thread;
    if (isWrite) {
      if (isRecentWrite ||
          (state.readEpoch == epoch && state.reader != thread)) {
        fail("writes what another thread " +
             std::string(isRecentWrite ? "writes" : "reads") +
             " without a barrier between them," + at());
        return wait();
      }
      state.isWritten = true;
      state.writeEpoch = epoch;
      state.writer = thread;
      continue;
    }
    if (!state.isWritten || isRecentWrite) {
      fail(state.isWritten
               ? "reads what another thread writes without a barrier between "
                 "them," +
                     at()
               : "reads what nobody has written," + at());
      return wait();
    }
    state.reader =
        state.readEpoch == epoch && state.reader != thread ? several : thread;
    state.readEpoch = epoch;
  }
}

//===----------------------------------------------------------------------===//
// What generated code calls
//===----------------------------------------------------------------------===//

extern "C" {
int64_t locoEmulateThread() { return Machine::running->getThread(); }
int64_t locoEmulateBlock() { return Machine::running->getBlock(); }
int64_t locoEmulateBlocks() { return Machine::running->getBlocks(); }
int64_t locoEmulateShared() {
  return reinterpret_cast<int64_t>(Machine::running->getShared());
}
void locoEmulateBarrier() { Machine::running->barrier(); }
int64_t locoEmulateShuffle(int64_t value, int32_t distance) {
  return static_cast<int64_t>(
      Machine::running->shuffle(static_cast<uint64_t>(value), distance));
}
void locoEmulateAccess(int64_t address, int32_t bytes, int32_t isWrite,
                       int32_t space) {
  Machine::running->access(static_cast<uint64_t>(address), bytes, isWrite,
                           space);
}
}
