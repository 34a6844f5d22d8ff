//===- TeamTest.cpp - Threads that meet -----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each member of a team writes a number of its own between two meetings and
// reads all others' between the next two: teams of one, of as many as there are
// processors, and of more, whose members are late and sleep.
//
//===----------------------------------------------------------------------===//

// RUN: loco-test-team

#include "runtime/lib/kernels/Team.h"

#include "test/Runtime/Check.h"

#include <chrono>
#include <thread>
#include <vector>

using namespace loco;

/// How many numbers were not what they had to be.
static int64_t countWrong(int size, int meetings, int lateEvery) {
  KernelTeam team(size);
  CHECK_EQUAL(team.size(), size);
  // Not atomic: meetings alone order them.
  std::vector<int64_t> numbers(size, 0), wrong(size, 0);
  std::vector<std::thread> threads;
  for (int member = 0; member < size; ++member)
    threads.emplace_back([&, member] {
      for (int i = 1; i <= meetings; ++i) {
        if (lateEvery && (i + member) % lateEvery == 0)
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
        numbers[member] = int64_t(i) * (member + 1);
        team.meet(member);
        for (int other = 0; other < size; ++other)
          wrong[member] += numbers[other] != int64_t(i) * (other + 1);
        team.meet(member);
      }
    });
  int64_t all = 0;
  for (int member = 0; member < size; ++member) {
    threads[member].join();
    all += wrong[member];
  }
  return all;
}

int main() {
  CHECK_EQUAL(countWrong(1, 1000, 0), 0);
  CHECK_EQUAL(countWrong(2, 5000, 0), 0);
  CHECK_EQUAL(countWrong(2, 60, 7), 0);
  CHECK_EQUAL(countWrong(5, 100, 0), 0);
  CHECK_EQUAL(countWrong(9, 20, 6), 0);
  return checksFailed();
}
