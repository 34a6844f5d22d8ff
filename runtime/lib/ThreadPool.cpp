//===- ThreadPool.cpp - The threads of the process ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/ThreadPool.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <functional>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <thread>
#include <vector>

using namespace loco;

/// The CPUs in this process's affinity mask.
static std::vector<int> allowedProcessors() {
  std::vector<int> processors;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set))
        processors.push_back(cpu);
  return processors;
}

/// CPUs' worth of time that a container may use, rounded up; 0 for no limit.
static int quotaOfContainer() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0)
    return 0;
  return static_cast<int>(std::ceil(std::atof(quota.c_str()) / period));
}

int loco::availableThreads() {
  int available = static_cast<int>(allowedProcessors().size());
  if (available == 0)
    available = static_cast<int>(std::thread::hardware_concurrency());
  if (int quota = quotaOfContainer())
    available = std::min(available, quota);
  return std::max(available, 1);
}

/// Pool and number of the thread that runs a task, if it does.
static thread_local const ThreadPool *poolOfThread = nullptr;
static thread_local int numberOfThread = 0;

/// Marks the current thread as one of a pool while it runs a task; a thread of
/// one pool may be the caller of another.
namespace {
class InsideTask {
public:
  InsideTask(const ThreadPool *pool, int number)
      : outerPool(poolOfThread), outerNumber(numberOfThread) {
    poolOfThread = pool;
    numberOfThread = number;
  }
  ~InsideTask() {
    poolOfThread = outerPool;
    numberOfThread = outerNumber;
  }
  void call(const std::function<void(int)> &task) { task(numberOfThread); }

private:
  const ThreadPool *outerPool;
  int outerNumber;
};
} // namespace

/// Our own threads. A generation counter starts a task, a count of the threads
/// still at work ends it; both are spun on briefly before the system is asked
/// to wait, because tasks of a time step follow each other closely.
struct ThreadPool::Workers {
  std::vector<std::thread> threads;
  /// Those that workers are bound to; without the caller's own, the first.
  std::vector<int> processors;
  /// Spinning helps only where every thread has a CPU.
  int spins = 0;
  const std::function<void(int)> *task = nullptr;
  std::atomic<uint32_t> generation{0};
  std::atomic<int> busy{0};
  bool stopping = false;

  template <typename T>
  void waitWhile(const std::atomic<T> &value, T old) const {
    for (int spin = 0; spin < spins; ++spin) {
      if (value.load(std::memory_order_acquire) != old)
        return;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    value.wait(old, std::memory_order_acquire);
  }

  void work(const ThreadPool *pool, int number) {
    uint32_t seen = 0;
    while (true) {
      waitWhile(generation, seen);
      ++seen;
      if (stopping)
        return;
      InsideTask(pool, number).call(*task);
      if (busy.fetch_sub(1, std::memory_order_acq_rel) == 1)
        busy.notify_one();
    }
  }

  void start(const ThreadPool *pool, int count) {
    std::vector<int> processors = allowedProcessors();
    spins = count <= availableThreads() ? 2000 : 0;
    bool pin = static_cast<size_t>(count) == processors.size() &&
               count == availableThreads();
    if (pin)
      this->processors = processors;
    for (int number = 1; number < count; ++number) {
      threads.emplace_back([this, pool, number] { work(pool, number); });
      if (!pin)
        continue;
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(processors[number], &set);
      // Where the system refuses, it places the threads itself.
      (void)pthread_setaffinity_np(threads.back().native_handle(), sizeof(set),
                                   &set);
    }
  }

  /// The caller is not bound, as it is not ours; but on a worker's processor
  /// the two would take turns until the system notices. Moves it to the one
  /// that is left for it.
  void moveCaller() const {
    int here = processors.empty() ? -1 : sched_getcpu();
    if (here < 0 || here == processors.front() ||
        std::find(processors.begin(), processors.end(), here) ==
            processors.end())
      return;
    cpu_set_t before, first;
    if (sched_getaffinity(0, sizeof(before), &before) != 0 ||
        !CPU_ISSET(processors.front(), &before))
      return;
    CPU_ZERO(&first);
    CPU_SET(processors.front(), &first);
    if (sched_setaffinity(0, sizeof(first), &first) == 0)
      (void)sched_setaffinity(0, sizeof(before), &before);
  }

  void release() {
    generation.fetch_add(1, std::memory_order_release);
    generation.notify_all();
  }

  void run(const ThreadPool *pool, const std::function<void(int)> &next) {
    task = &next;
    busy.store(static_cast<int>(threads.size()), std::memory_order_relaxed);
    if (!threads.empty()) {
      moveCaller();
      release();
    }
    InsideTask(pool, 0).call(next);
    while (int left = busy.load(std::memory_order_acquire))
      waitWhile(busy, left);
  }

  ~Workers() {
    stopping = true;
    release();
    for (std::thread &thread : threads)
      thread.join();
  }
};

ThreadPool::ThreadPool(int threads) : workers(std::make_unique<Workers>()) {
  workers->start(this, threads > 0 ? threads : availableThreads());
}

ThreadPool::ThreadPool(const LocoThreads &threads) : foreign(threads) {
  assert(threads.count >= 1 && threads.run && "no threads handed in");
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::numThreads() const {
  return workers ? static_cast<int>(workers->threads.size()) + 1
                 : foreign.count;
}

void ThreadPool::run(const std::function<void(int)> &task) {
  assert(poolOfThread != this && "a task starts tasks on its own pool");
  std::lock_guard<std::mutex> lock(turn);
  if (workers)
    return workers->run(this, task);
  struct Call {
    const ThreadPool *pool;
    const std::function<void(int)> &task;
  } call = {this, task};
  foreign.run(
      foreign.context,
      [](void *argument, int thread) {
        Call &call = *static_cast<Call *>(argument);
        InsideTask(call.pool, thread).call(call.task);
      },
      &call);
}

void ThreadPool::parallelRanges(
    int64_t n, const std::function<void(IndexRange, int)> &body) {
  if (n <= 0)
    return;
  if (poolOfThread == this)
    return body({0, n}, numberOfThread);
  auto task = [&](int thread) {
    IndexRange range = rangeOfThread(n, thread, numThreads());
    if (range.begin < range.end)
      body(range, thread);
  };
  // A reference, for which nothing is allocated.
  run(std::ref(task));
}

void ThreadPool::parallelFor(int64_t n,
                             const std::function<void(int64_t, int)> &body) {
  parallelRanges(n, [&](IndexRange range, int thread) {
    for (int64_t index = range.begin; index < range.end; ++index)
      body(index, thread);
  });
}

namespace {
struct ProcessPool {
  std::mutex mutex;
  std::unique_ptr<ThreadPool> pool;
  bool inUse = false;
};
} // namespace

/// Never destroyed: a thread that is still running at exit may ask for it.
static ProcessPool &processPool() {
  static ProcessPool *instance = new ProcessPool;
  return *instance;
}

ThreadPool &ThreadPool::process() {
  ProcessPool &shared = processPool();
  std::lock_guard<std::mutex> lock(shared.mutex);
  if (!shared.pool)
    shared.pool = std::make_unique<ThreadPool>();
  shared.inUse = true;
  return *shared.pool;
}

Status ThreadPool::setProcess(std::unique_ptr<ThreadPool> pool) {
  ProcessPool &shared = processPool();
  std::lock_guard<std::mutex> lock(shared.mutex);
  if (shared.inUse)
    return Error{"the thread pool of the process is in use already; set it "
                 "before anything is run"};
  shared.pool = std::move(pool);
  return {};
}
