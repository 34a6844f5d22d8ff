//===- Fibers.h - A block of GPU threads on one processor thread *- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TEST_EMULATOR_FIBERS_H
#define TEST_EMULATOR_FIBERS_H

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace loco::emulation {

/// What is known of one byte of watched memory.
struct ByteState {
  /// Since the beginning, the barrier before the last write and read.
  uint32_t writeEpoch = 0, readEpoch = 0;
  /// The thread that wrote last; that read last, or `several`.
  int16_t writer = 0, reader = 0;
  bool isWritten = false;
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

/// One block of threads.
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

  /// Runs `kernel(arguments)` for every thread of a block. Returns what went
  /// wrong first, or nothing.
  std::string runBlock(void (*kernel)(void *), void *arguments, int64_t threads,
                       int64_t block, int64_t blocks, void *shared,
                       bool isReversed);

  // What generated code calls.
  int64_t getThread() const { return current; }
  int64_t getBlock() const { return block; }
  int64_t getBlocks() const { return blocks; }
  void *getShared() const { return shared; }
  void barrier();
  uint64_t shuffle(uint64_t value, int32_t distance);
  void access(uint64_t address, int32_t bytes, bool isWrite, int32_t space);

  /// The machine that runs now.
  static Machine *running;

private:
  struct Fiber;
  void fail(const std::string &message);
  void wait();
  bool exchange(int64_t warp);
  static void enter();

  /// By the address behind their end.
  std::map<uint64_t, Region> regions;
  std::vector<Fiber> fibers;
  int64_t current = 0, block = 0, blocks = 1;
  void *shared = nullptr;
  void (*kernel)(void *) = nullptr;
  void *arguments = nullptr;
  void *scheduler = nullptr;
  uint32_t epoch = 1;
  std::string error;
};

} // namespace loco::emulation

#endif // TEST_EMULATOR_FIBERS_H
