//===- KernelExecutor.cpp - Running a compiled function on a batch --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Kernel.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <utility>

using namespace loco;

// The sanitizer of function types reads a signature in front of every function
// that is called by pointer; generated code has none.
#if defined(__clang__)
#define LOCO_CALLS_GENERATED_CODE __attribute__((no_sanitize("function")))
#else
#define LOCO_CALLS_GENERATED_CODE
#endif

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

static int64_t bytesOf(ElementType type) {
  return static_cast<int64_t>(sizeOf(type));
}

int64_t KernelOperand::elements(int64_t steps) const {
  int64_t count = perStep ? steps : 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

int64_t KernelOperand::bytes(int64_t steps) const {
  return elements(steps) * bytesOf(type);
}

static int64_t arenaBytes(const LocoArenaSize &size, int64_t samples,
                          int64_t steps) {
  return size.constant + size.perSample * samples + size.perStep * steps +
         size.perSampleStep * samples * steps;
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

namespace {

/// Memory that grows and is kept, on huge pages where the system has them:
/// fresh pages cost more than most kernels.
class Arena {
public:
  Arena() = default;
  Arena(Arena &&other) noexcept
      : memory(std::exchange(other.memory, nullptr)),
        size(std::exchange(other.size, 0)) {}
  ~Arena() { release(); }

  bool reserve(int64_t bytes) {
    if (bytes <= size)
      return true;
    release();
    constexpr int64_t page = int64_t(2) << 20;
    int64_t rounded = (bytes + page - 1) / page * page;
    void *mapped = mmap(nullptr, rounded, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
      return false;
    madvise(mapped, rounded, MADV_HUGEPAGE);
    memory = mapped;
    size = rounded;
    return true;
  }
  void *data() const { return memory; }
  int64_t bytes() const { return size; }

private:
  void release() {
    if (memory)
      munmap(memory, size);
    memory = nullptr;
    size = 0;
  }
  void *memory = nullptr;
  int64_t size = 0;
};

} // namespace

struct KernelExecutor::Thread {
  Arena arena;
  /// One buffer for each result that is a sum, empty for the others.
  std::vector<std::vector<char>> sums;
  bool outOfMemory = false;
};

KernelExecutor::KernelExecutor(const Kernel &kernel, ThreadPool &pool,
                               int64_t budget)
    : kernel(kernel), pool(pool), budget(budget), threads(pool.numThreads()) {
  for (Thread &thread : threads)
    thread.sums.resize(kernel.results.size());
}

KernelExecutor::~KernelExecutor() = default;

int64_t KernelExecutor::scratchBytes() const {
  int64_t total = 0;
  for (const Thread &thread : threads)
    total += thread.arena.bytes();
  return total;
}

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

/// Copies the sum of all threads' `parts` to the caller's array, in order.
template <typename From, typename To>
static void addUp(const std::vector<const char *> &parts, int64_t count,
                  void *result) {
  To *to = static_cast<To *>(result);
  for (int64_t i = 0; i < count; ++i) {
    From total = 0;
    for (const char *part : parts)
      total += reinterpret_cast<const From *>(part)[i];
    to[i] = static_cast<To>(total);
  }
}

Status KernelExecutor::run(const KernelBatch &batch) {
  int used = static_cast<int>(threads.size());
  // As many samples as products want, as the budget allows, and so that every
  // thread has work.
  block = std::max<int64_t>(
      1, std::min(kernel.preferredBlock, (batch.samples + used - 1) / used));
  auto fits = [&] {
    return budget == 0 ||
           arenaBytes(kernel.arena, block, batch.steps) * used <= budget;
  };
  while (block > 1 && !fits())
    block /= 2;
  if (!fits())
    return Error{"one sample of " + std::to_string(batch.steps) +
                 " steps needs " +
                 std::to_string(arenaBytes(kernel.arena, 1, batch.steps)) +
                 " bytes per thread, more than the memory budget of " +
                 std::to_string(budget) + " for " + std::to_string(used) +
                 " threads; raise `--memory` or lower `--threads`"};

  std::vector<int64_t> argumentStrides, resultStrides;
  for (const KernelOperand &argument : kernel.arguments)
    argumentStrides.push_back(argument.kind == KernelOperand::Kind::Sample
                                  ? argument.bytes(batch.steps)
                                  : 0);
  for (const KernelOperand &result : kernel.results)
    resultStrides.push_back(result.kind == KernelOperand::Kind::Sample
                                ? result.bytes(batch.steps)
                                : 0);

  pool.run([&](int number) LOCO_CALLS_GENERATED_CODE {
    Thread &thread = threads[number];
    for (size_t i = 0; i < kernel.results.size(); ++i)
      if (kernel.results[i].kind == KernelOperand::Kind::Sum)
        thread.sums[i].assign(kernel.results[i].elements(batch.steps) *
                                  bytesOf(kernel.results[i].sumType),
                              0);
    IndexRange range = rangeOfThread(batch.samples, number, used);
    if (range.begin == range.end)
      return;
    int64_t most = std::min(block, range.end - range.begin);
    thread.outOfMemory =
        !thread.arena.reserve(arenaBytes(kernel.arena, most, batch.steps));
    if (thread.outOfMemory)
      return;
    std::vector<const void *> arguments(kernel.arguments.size());
    std::vector<void *> results(kernel.results.size());
    for (int64_t first = range.begin; first < range.end; first += block) {
      for (size_t i = 0; i < arguments.size(); ++i)
        arguments[i] = batch.arguments[i]
                           ? static_cast<const char *>(batch.arguments[i]) +
                                 first * argumentStrides[i]
                           : nullptr;
      for (size_t i = 0; i < results.size(); ++i)
        results[i] = kernel.results[i].kind == KernelOperand::Kind::Sum
                         ? thread.sums[i].data()
                         : static_cast<char *>(batch.results[i]) +
                               first * resultStrides[i];
      LocoBlock call = {};
      call.samples = std::min(block, range.end - first);
      call.steps = batch.steps;
      call.arguments = arguments.data();
      call.argumentStrides = argumentStrides.data();
      call.results = results.data();
      call.resultStrides = resultStrides.data();
      call.arena = thread.arena.data();
      call.services = locoKernelServices();
      call.seed = batch.seed;
      call.update = batch.update;
      call.sampleIndex =
          batch.sampleIndex ? batch.sampleIndex + first : nullptr;
      kernel.function(&call);
    }
  });

  for (const Thread &thread : threads)
    if (thread.outOfMemory)
      return Error{
          "out of memory: no room for " +
          std::to_string(arenaBytes(kernel.arena, block, batch.steps)) +
          " bytes of scratch memory per thread; lower `--memory` or "
          "`--threads`"};
  for (size_t i = 0; i < kernel.results.size(); ++i) {
    const KernelOperand &result = kernel.results[i];
    if (result.kind != KernelOperand::Kind::Sum)
      continue;
    std::vector<const char *> parts;
    for (const Thread &thread : threads)
      parts.push_back(thread.sums[i].data());
    int64_t count = result.elements(batch.steps);
    if (result.type == ElementType::F64)
      addUp<double, double>(parts, count, batch.results[i]);
    else if (result.sumType == ElementType::F64)
      addUp<double, float>(parts, count, batch.results[i]);
    else
      addUp<float, float>(parts, count, batch.results[i]);
  }
  return {};
}
