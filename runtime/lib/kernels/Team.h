//===- Team.h - Threads that run one block together -------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The members of a team meet between the loops that they divide, every few
// microseconds: they wait for each other in a loop, and let the system run
// something else only if one of them is late.
//
//===----------------------------------------------------------------------===//

#ifndef RUNTIME_LIB_KERNELS_TEAM_H
#define RUNTIME_LIB_KERNELS_TEAM_H

#include <atomic>
#include <cstdint>
#include <thread>

namespace loco {

class KernelTeam {
public:
  explicit KernelTeam(int size) : members(size) {}
  int size() const { return members; }

  /// Returns when all members have called it as often as the caller has.
  void meet() {
    uint32_t before = meetings.load(std::memory_order_relaxed);
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == members) {
      arrived.store(0, std::memory_order_relaxed);
      // Either this sees who sleeps, or who is about to sees the new number. To
      // wake nobody takes five times as long as all else here.
      meetings.store(before + 1, std::memory_order_seq_cst);
      if (sleeping.load(std::memory_order_seq_cst))
        meetings.notify_all();
      return;
    }
    for (int turn = 0; turn < turnsOfWaiting; ++turn) {
      if (meetings.load(std::memory_order_acquire) != before)
        return;
      pause();
    }
    for (int turn = 0; turn < turnsOfYielding; ++turn) {
      if (meetings.load(std::memory_order_acquire) != before)
        return;
      std::this_thread::yield();
    }
    sleeping.fetch_add(1, std::memory_order_seq_cst);
    meetings.wait(before, std::memory_order_seq_cst);
    sleeping.fetch_sub(1, std::memory_order_relaxed);
  }

private:
  /// Ten microseconds or more: a thread that waits longer waits for one that
  /// does not run, and lets others have its processor. It sleeps only where
  /// that takes long: who is woken late keeps the others waiting until they
  /// sleep, too.
  static constexpr int turnsOfWaiting = 1 << 9, turnsOfYielding = 1 << 10;

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  const int members;
  alignas(64) std::atomic<int> arrived{0};
  alignas(64) std::atomic<uint32_t> meetings{0};
  std::atomic<int> sleeping{0};
};

} // namespace loco

#endif // RUNTIME_LIB_KERNELS_TEAM_H
