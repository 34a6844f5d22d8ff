//===- ThreadPool.h - The threads of the process ----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fixed number of threads and a static division of work: thread t always
// gets the same contiguous range of the same n, so that sums which are made
// per thread and added in order are the same in every run.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_THREADPOOL_H
#define LOCO_THREADPOOL_H

#include "loco-c/threads.h"
#include "loco/Expected.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

namespace loco {

/// A half-open range of indices.
struct IndexRange {
  int64_t begin = 0, end = 0;
};

/// The part of 0..n-1 that belongs to `thread` of `threads`: contiguous, in
/// order, lengths that differ by at most one.
inline IndexRange rangeOfThread(int64_t n, int thread, int threads) {
  int64_t share = n / threads, rest = n % threads;
  int64_t begin = thread * share + (thread < rest ? thread : rest);
  return {begin, begin + share + (thread < rest ? 1 : 0)};
}

/// CPUs this process may run on, at least 1 (its affinity and the cgroup's
/// quota, not what the machine has).
int availableThreads();

class ThreadPool {
public:
  /// Starts `threads` - 1 threads; the caller of a task is thread 0. 0 means
  /// availableThreads(). A pool as wide as the CPUs available pins its threads
  /// to them, one each; a narrower one leaves the choice to the system, which
  /// knows of other processes.
  explicit ThreadPool(int threads = 0);
  /// Uses somebody else's threads, for as long as the pool lives.
  explicit ThreadPool(const LocoThreads &threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int numThreads() const;

  /// Calls task(thread) once on every thread, all at the same time, and
  /// returns when all have returned. Tasks must not throw. A call from inside
  /// a task of this pool is a mistake; calls from several outside threads take
  /// turns.
  void run(const std::function<void(int thread)> &task);

  /// Calls body(index, thread) for every index of 0..n-1, each thread going
  /// through its own range in order. From inside a task of the pool all of
  /// it runs on the calling thread, as its own thread number.
  void parallelFor(int64_t n,
                   const std::function<void(int64_t index, int thread)> &body);

  /// The same with one call per thread whose range is not empty.
  void
  parallelRanges(int64_t n,
                 const std::function<void(IndexRange range, int thread)> &body);

  /// The pool of the process; made with availableThreads() when first asked
  /// for, unless one was set.
  static ThreadPool &process();
  /// Makes this the pool of the process. An error once `process` has been
  /// called: kernels may hold the old one.
  static Status setProcess(std::unique_ptr<ThreadPool> pool);

private:
  struct Workers;
  std::mutex turn;
  std::unique_ptr<Workers> workers;
  LocoThreads foreign{};
};

} // namespace loco

#endif // LOCO_THREADPOOL_H
