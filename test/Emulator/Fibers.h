//===- Fibers.h - GPU threads on one processor thread -----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TEST_EMULATOR_FIBERS_H
#define TEST_EMULATOR_FIBERS_H

#include "test/Emulator/Fragments.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace loco::emulation {

/// What is known of one byte of watched memory.
struct ByteState {
  /// How many barriers there were before the last write and read.
  uint32_t writeTime = 0, readTime = 0;
  /// The thread that wrote last; one of those that read last.
  int32_t writer = 0, reader = 0;
  /// How far apart the threads are that read: a `Machine::Distance`.
  uint8_t readers = 0;
  bool isWritten = false;
  /// An asynchronous copy brings it that was not waited for.
  bool isPending = false;
};

/// Copies of a thread that it has not waited for, and groups of them.
struct AsyncCopies {
  struct Copy {
    uint64_t to, from;
    int32_t bytes;
    int64_t group;
  };
  std::vector<Copy> pending;
  int64_t groups = 0;
};

/// Memory that kernels may touch.
struct Region {
  std::string name;
  char *begin;
  int64_t bytes;
  /// Of the block at hand alone: conflicts and first writes are looked at.
  bool isWatched;
  std::vector<ByteState> states;
};

/// Which threads a barrier is for.
enum class Scope : int32_t {
  Block,
  /// So many threads of a block.
  Group,
  /// All blocks that run together.
  Together
};

/// What is run at the same time: a block, or several that wait for each other.
struct Blocks {
  int64_t threads = 1, first = 0, together = 1;
  /// Of the grid.
  int64_t count = 1;
  /// Shared memory of each.
  std::vector<void *> shared;
  bool isReversed = false;
};

/// Blocks of threads.
class Machine {
public:
  Machine();
  ~Machine();
  /// Memory between `begin` and `begin + bytes`; `isWritten`: it may be read
  /// from the start.
  void addRegion(std::string name, void *begin, int64_t bytes, bool isWatched,
                 bool isWritten);
  /// Forgets what was written to the regions of that name.
  void forget(const std::string &name);
  /// Forgets the regions of that name.
  void remove(const std::string &name);

  /// Runs `kernel(arguments)` for every thread. Returns what went wrong first,
  /// or nothing.
  std::string run(void (*kernel)(void *), void *arguments,
                  const Blocks &blocks);

  // What generated code calls.
  int64_t getThread() const { return current % blocks.threads; }
  int64_t getBlock() const { return blocks.first + blockOf(current); }
  int64_t getBlocks() const { return blocks.count; }
  void *getShared() const { return blocks.shared[blockOf(current)]; }
  uint64_t remote(uint64_t address, int64_t rank);
  /// Group `group` of `threads` threads, where that is the scope.
  void barrier(Scope scope, int64_t group, int64_t threads);
  uint64_t shuffle(uint64_t value, int32_t distance);
  /// A product by the warp; returns this lane's part of the result.
  const std::array<float, 4> &multiply(const Fragments &fragments);
  const std::array<float, 4> &getProduct() const;
  void access(uint64_t address, int32_t bytes, bool isWrite, int32_t space);
  /// Asynchronous copies (AsyncCopies.cpp): all but the thread's last `pending`
  /// groups arrive when it waits for them, as late as they may.
  void copy(uint64_t to, uint64_t from, int32_t bytes);
  void commitCopies() { ++copies[current].groups; }
  void waitForCopies(int64_t pending);

  /// The machine that runs now.
  static Machine *running;

  /// The same thread, others of its group, of its block, of other blocks.
  enum Distance : uint8_t { Same, Near, Within, Beyond };

private:
  struct Fiber;
  int64_t blockOf(int64_t thread) const { return thread / blocks.threads; }
  int64_t groupOf(int64_t thread) const;
  Distance distance(int64_t a, int64_t b) const;
  bool isPast(uint32_t when, Distance distance) const;
  bool release();
  void fail(const std::string &message);
  /// The region that holds these bytes; null if there is none.
  Region *find(uint64_t address, int32_t bytes);
  void wait();
  bool exchange(int64_t warp);
  bool multiplyTogether(int64_t warp);
  static void enter();

  /// By the address behind their end.
  std::map<uint64_t, Region> regions;
  std::vector<Fiber> fibers;
  /// By thread.
  std::vector<AsyncCopies> copies;
  int64_t current = 0;
  Blocks blocks;
  void (*kernel)(void *) = nullptr;
  void *arguments = nullptr;
  void *scheduler = nullptr;
  /// Barriers so far; the last ones of all blocks, of each, of each group.
  uint32_t time = 1, lastTogether = 1;
  std::vector<uint32_t> lastOfBlock, lastOfGroup;
  /// Threads of a group; 0: no barrier was for one.
  int64_t groupThreads = 0;
  std::string error;
};

} // namespace loco::emulation

#endif // TEST_EMULATOR_FIBERS_H
