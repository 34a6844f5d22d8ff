//===- ThreadPoolTest.cpp - The threads of the process --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// RUN: loco-test-thread-pool

#include "loco/ThreadPool.h"

#include "test/Runtime/Check.h"

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

using namespace loco;

/// Every index once, by the thread that owns its range, in order.
static void checkRanges(ThreadPool &pool) {
  for (int64_t n : {0, 1, 2, 3, 7, 100, 1001}) {
    std::vector<std::atomic<int>> visits(n);
    std::vector<int> owner(n);
    pool.parallelFor(n, [&](int64_t index, int thread) {
      ++visits[index];
      owner[index] = thread;
    });
    for (int64_t i = 0; i < n; ++i) {
      CHECK_EQUAL(visits[i].load(), 1);
      IndexRange range = rangeOfThread(n, owner[i], pool.numThreads());
      CHECK(range.begin <= i && i < range.end);
    }
  }
}

/// All tasks run at the same time: a barrier inside them does not hang.
static void checkConcurrency(ThreadPool &pool) {
  std::barrier<> barrier(pool.numThreads());
  std::atomic<int> arrived{0};
  for (int round = 0; round < 1000; ++round)
    pool.run([&](int) {
      ++arrived;
      barrier.arrive_and_wait();
      if (arrived < (round + 1) * pool.numThreads())
        fail(__FILE__, __LINE__, "a task ended before all had begun");
    });
  CHECK_EQUAL(arrived.load(), 1000 * pool.numThreads());
}

/// A thread number is always the same thread, the caller is number 0.
static void checkIdentity(ThreadPool &pool) {
  std::vector<std::thread::id> first(pool.numThreads());
  pool.run([&](int thread) { first[thread] = std::this_thread::get_id(); });
  CHECK(first[0] == std::this_thread::get_id());
  for (int round = 0; round < 100; ++round)
    pool.run([&](int thread) {
      if (first[thread] != std::this_thread::get_id())
        fail(__FILE__, __LINE__, "a thread changed its number");
    });
}

/// A loop inside a loop runs on its own thread, and keeps its number.
static void checkNesting(ThreadPool &pool) {
  std::atomic<int64_t> sum{0};
  pool.parallelFor(10, [&](int64_t outer, int thread) {
    pool.parallelFor(10, [&](int64_t inner, int innerThread) {
      CHECK_EQUAL(innerThread, thread);
      sum += outer * 10 + inner;
    });
  });
  CHECK_EQUAL(sum.load(), 99 * 100 / 2);
}

/// Several outside threads take turns.
static void checkCallers(ThreadPool &pool) {
  std::vector<std::thread> callers;
  std::vector<int64_t> sums(4);
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 200; ++round) {
        std::atomic<int64_t> sum{0};
        pool.parallelFor(10, [&](int64_t i, int) { sum += i; });
        sums[caller] += sum;
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  for (int64_t sum : sums)
    CHECK_EQUAL(sum, 200 * 45);
}

/// Threads that somebody else owns: here, made for each call.
static void runOnNewThreads(void *context, void (*task)(void *, int),
                            void *argument) {
  ++*static_cast<int *>(context);
  std::thread other([&] { task(argument, 1); });
  task(argument, 0);
  other.join();
}

int main() {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    CHECK_EQUAL(pool.numThreads(), threads);
    checkRanges(pool);
    checkConcurrency(pool);
    checkIdentity(pool);
    checkNesting(pool);
    checkCallers(pool);
  }
  int calls = 0;
  LocoThreads foreign = {&calls, 2, runOnNewThreads};
  {
    ThreadPool pool(foreign);
    checkRanges(pool);
    checkNesting(pool);
    checkCallers(pool);
    CHECK(calls > 800);
  }

  calls = 0;
  CHECK_SUCCESS(ThreadPool::setProcess(std::make_unique<ThreadPool>(foreign)));
  ThreadPool::process().run([](int) {});
  CHECK_EQUAL(calls, 1);
  CHECK_EQUAL(&ThreadPool::process(), &ThreadPool::process());
  CHECK_FAILURE(ThreadPool::setProcess(std::make_unique<ThreadPool>(1)),
                "the thread pool of the process is in use already");
  CHECK(availableThreads() >= 1);
  return checksFailed();
}
