//===- Fibers.cpp - GPU threads on one processor thread -------------------===//
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

Machine *Machine::running = nullptr;

struct Machine::Fiber {
  enum class State { Ready, Barrier, Shuffle, Multiply, Done };
  ucontext_t context;
  State state = State::Ready;
  void *stack = nullptr;
  uint64_t value = 0;
  int32_t distance = 0;
  Scope scope = Scope::Block;
  Fragments fragments = {};
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

void Machine::barrier(Scope scope, int64_t group, int64_t threads) {
  Fiber &fiber = fibers[current];
  fiber.state = Fiber::State::Barrier;
  fiber.scope = scope;
  if (scope == Scope::Group) {
    if (groupThreads && groupThreads != threads)
      fail("groups have different numbers of threads");
    groupThreads = threads;
    if (group != groupOf(current))
      fail("waits for a group that is not its own");
  }
  wait();
}

int64_t Machine::groupOf(int64_t thread) const {
  return groupThreads ? thread % blocks.threads / groupThreads : 0;
}

/// Lets the threads go on that all wait for each other; false if there are
/// none.
bool Machine::release() {
  // Sets of threads: all, by block, by group.
  auto key = [&](int64_t thread, Scope scope) {
    int64_t block = scope == Scope::Together ? 0 : blockOf(thread);
    int64_t group = scope == Scope::Group ? groupOf(thread) : 0;
    return block * blocks.threads + group;
  };
  bool isReleased = false;
  for (Scope scope : {Scope::Group, Scope::Block, Scope::Together}) {
    std::map<int64_t, bool> complete;
    for (int64_t i = 0, e = fibers.size(); i < e; ++i) {
      bool waits =
          fibers[i].state == Fiber::State::Barrier && fibers[i].scope == scope;
      auto [found, isNew] = complete.try_emplace(key(i, scope), true);
      found->second &= waits;
    }
    for (auto [number, isComplete] : complete) {
      if (!isComplete)
        continue;
      ++time;
      for (int64_t i = 0, e = fibers.size(); i < e; ++i)
        if (key(i, scope) == number) {
          fibers[i].state = Fiber::State::Ready;
          if (scope == Scope::Together)
            lastTogether = time;
          else if (scope == Scope::Block)
            lastOfBlock[blockOf(i)] = time;
          else
            lastOfGroup[blockOf(i) * blocks.threads + groupOf(i)] = time;
        }
      isReleased = true;
    }
  }
  return isReleased;
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

const std::array<float, 4> &Machine::multiply(const Fragments &fragments) {
  Fiber &fiber = fibers[current];
  fiber.fragments = fragments;
  fiber.state = Fiber::State::Multiply;
  wait();
  return fibers[current].fragments.sum;
}

const std::array<float, 4> &Machine::getProduct() const {
  return fibers[current].fragments.sum;
}

/// Lets a warp whose threads all wait in a product multiply.
bool Machine::multiplyTogether(int64_t warp) {
  Fiber *first = &fibers[warp * warpSize];
  std::array<Fragments *, warpSize> lanes;
  for (int64_t i = 0; i < warpSize; ++i) {
    if (first[i].state != Fiber::State::Multiply)
      return false;
    if (first[i].fragments.isHalf != first->fragments.isHalf)
      fail("lanes of warp " + std::to_string(warp) + " are in two products");
    lanes[i] = &first[i].fragments;
  }
  emulation::multiply(lanes);
  for (int64_t i = 0; i < warpSize; ++i)
    first[i].state = Fiber::State::Ready;
  return true;
}

std::string Machine::run(void (*entry)(void *), void *table,
                         const Blocks &launched) {
  running = this;
  kernel = entry;
  arguments = table;
  blocks = launched;
  lastTogether = ++time;
  lastOfBlock.assign(blocks.together, time);
  lastOfGroup.assign(blocks.together * blocks.threads, time);
  groupThreads = 0;
  ucontext_t own;
  scheduler = &own;
  error.clear();
  int64_t threads = blocks.threads * blocks.together;
  fibers = std::vector<Fiber>(threads);
  copies.assign(threads, AsyncCopies());
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
      current = blocks.isReversed ? threads - 1 - i : i;
      while (fibers[current].state == Fiber::State::Ready && error.empty())
        swapcontext(&own, &fibers[current].context);
    }
    if (!error.empty())
      break;
    bool goesOn = false;
    for (int64_t warp = 0; warp < threads / warpSize; ++warp)
      goesOn |= exchange(warp) || multiplyTogether(warp);
    if (goesOn || release())
      continue;
    bool isDone = true;
    for (Fiber &fiber : fibers)
      isDone &= fiber.state == Fiber::State::Done;
    if (!isDone)
      fail("some threads wait at a barrier that others do not reach");
    break;
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
    error = "thread " + std::to_string(getThread()) + " of block " +
            std::to_string(getBlock()) + ": " + message;
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

Machine::Distance Machine::distance(int64_t a, int64_t b) const {
  if (a == b)
    return Same;
  if (blockOf(a) != blockOf(b))
    return Beyond;
  return groupThreads && groupOf(a) == groupOf(b) ? Near : Within;
}

/// True if a barrier for the thread at hand and others at that distance came
/// after `when`.
bool Machine::isPast(uint32_t when, Distance distance) const {
  int64_t block = blockOf(current);
  switch (distance) {
  case Same:
    return true;
  case Near:
    if (when < lastOfGroup[block * blocks.threads + groupOf(current)])
      return true;
    [[fallthrough]];
  case Within:
    if (when < lastOfBlock[block])
      return true;
    [[fallthrough]];
  case Beyond:
    return when < lastTogether;
  }
  return false;
}

/// The same address in the shared memory of another block.
uint64_t Machine::remote(uint64_t address, int64_t rank) {
  if (rank < 0 || rank >= blocks.together) {
    fail("there is no block " + std::to_string(rank) + " in its cluster");
    wait();
    return address;
  }
  return address - reinterpret_cast<uint64_t>(getShared()) +
         reinterpret_cast<uint64_t>(blocks.shared[rank]);
}

Region *Machine::find(uint64_t address, int32_t bytes) {
  auto found = regions.upper_bound(address);
  if (found == regions.end() ||
      address < reinterpret_cast<uint64_t>(found->second.begin) ||
      address + bytes > found->first)
    return nullptr;
  return &found->second;
}

void Machine::access(uint64_t address, int32_t bytes, bool isWrite,
                     int32_t space) {
  Region *found = find(address, bytes);
  if (!found) {
    fail(std::string(isWrite ? "writes" : "reads") + " beyond its " +
         (space == 1 ? "global" : "shared") + " memory");
    wait();
    return;
  }
  // No instruction takes more than 16 bytes at a time.
  if (int32_t whole = std::min(bytes, 16); address % whole) {
    fail(std::string(isWrite ? "writes " : "reads ") + std::to_string(whole) +
         " bytes at an address that is no multiple of that");
    return wait();
  }
  Region &region = *found;
  if (!region.isWatched)
    return;
  int64_t first = address - reinterpret_cast<uint64_t>(region.begin);
  auto at = [&] {
    return " at byte " + std::to_string(first) + " of " + region.name;
  };
  for (int64_t i = first; i < first + bytes; ++i) {
    ByteState &state = region.states[i];
    if (state.isPending) {
      fail(std::string(isWrite ? "writes" : "reads") +
           " what an asynchronous copy brings that was not waited for," + at());
      return wait();
    }
    bool isAfterWrite =
        isPast(state.writeTime, distance(state.writer, current));
    if (isWrite) {
      Distance reader = std::max(distance(state.reader, current),
                                 static_cast<Distance>(state.readers));
      bool isAfterRead = isPast(state.readTime, reader);
      if (!isAfterWrite || !isAfterRead) {
        fail("writes what another thread " +
             std::string(isAfterWrite ? "reads" : "writes") +
             " without a barrier between them," + at());
        return wait();
      }
      state.isWritten = true;
      state.writeTime = time;
      state.writer = current;
      continue;
    }
    if (!state.isWritten || !isAfterWrite) {
      fail(state.isWritten
               ? "reads what another thread writes without a barrier between "
                 "them," +
                     at()
               : "reads what nobody has written," + at());
      return wait();
    }
    Distance reader = distance(state.reader, current);
    bool isFirst = isPast(
        state.readTime, std::max(reader, static_cast<Distance>(state.readers)));
    state.readers = isFirst ? Same : std::max<uint8_t>(state.readers, reader);
    state.reader = current;
    state.readTime = time;
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
void locoEmulateBarrier(int32_t scope, int32_t group, int32_t threads) {
  Machine::running->barrier(static_cast<Scope>(scope), group, threads);
}
int64_t locoEmulateRemote(int64_t address, int32_t rank) {
  return static_cast<int64_t>(
      Machine::running->remote(static_cast<uint64_t>(address), rank));
}
int64_t locoEmulateShuffle(int64_t value, int32_t distance) {
  return static_cast<int64_t>(
      Machine::running->shuffle(static_cast<uint64_t>(value), distance));
}
void locoEmulateMultiply(int32_t l0, int32_t l1, int32_t l2, int32_t l3,
                         int32_t r0, int32_t r1, float s0, float s1, float s2,
                         float s3, int32_t isHalf) {
  auto bits = [](int32_t word) { return static_cast<uint32_t>(word); };
  Machine::running->multiply({{bits(l0), bits(l1), bits(l2), bits(l3)},
                              {bits(r0), bits(r1)},
                              {s0, s1, s2, s3},
                              isHalf != 0});
}
float locoEmulateProduct(int32_t number) {
  return Machine::running->getProduct()[static_cast<size_t>(number)];
}
int16_t locoEmulateRoundBF16(float value) {
  return static_cast<int16_t>(roundToBF16(value));
}
float locoEmulateRoundTF32(float value) { return roundToTF32(value); }
void locoEmulateCopy(int64_t to, int64_t from, int32_t bytes) {
  Machine::running->copy(static_cast<uint64_t>(to),
                         static_cast<uint64_t>(from), bytes);
}
void locoEmulateCommit() { Machine::running->commitCopies(); }
void locoEmulateWait(int32_t pending) {
  Machine::running->waitForCopies(pending);
}
void locoEmulateAccess(int64_t address, int32_t bytes, int32_t isWrite,
                       int32_t space) {
  Machine::running->access(static_cast<uint64_t>(address), bytes, isWrite,
                           space);
}
}
