//===- KernelExecutor.cpp - Running a compiled function on a batch --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Kernel.h"

#include "runtime/lib/Pages.h"
#include "runtime/lib/kernels/Denormals.h"
#include "runtime/lib/kernels/Team.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
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

int64_t loco::chooseSegment(const LocoArenaSize &size, int64_t samples,
                            int64_t steps) {
  double ofSegment = double(size.perSegment + size.perSampleSegment * samples);
  double ofStep =
      double(size.perSegmentStep + size.perSampleSegmentStep * samples);
  if (ofSegment == 0 || ofStep == 0 || steps < 2)
    return 0;
  int64_t length = locoSegmentLength(
      std::llround(std::sqrt(steps * ofSegment / ofStep)), steps);
  // As many segments can be of more equal lengths.
  int64_t count = (steps + length - 1) / length;
  return (steps + count - 1) / count;
}

/// Rows, one per sample and step, from which a library's matrix product runs at
/// its full speed: it packs the matrix anew at every call, and reads and writes
/// the gradient of the matrix.
static constexpr int64_t productRows = 2048;

KernelBlockPlan loco::planBlocks(const Kernel &kernel, int64_t samples,
                                 int64_t steps, int threads, int64_t budget) {
  KernelBlockPlan plan;
  for (const KernelOperand &result : kernel.results)
    if (result.kind == KernelOperand::Kind::Sum)
      plan.sumBytes += result.elements(steps) * bytesOf(result.sumType);
  // Samples that are fewer than the threads are run by all of them together.
  if (samples > 0 && samples < threads && kernel.teamMost > 1) {
    plan.team = static_cast<int>(std::min<int64_t>(threads, kernel.teamMost));
    threads = 1;
  }
  // As many samples as products want, as the budget allows, and so that every
  // thread has work.
  int64_t each = std::max<int64_t>(1, (samples + threads - 1) / threads);
  int64_t wanted = kernel.preferredBlock;
  if (wanted > 1 && steps > 0)
    wanted = std::max(wanted, productRows / steps);
  // Blocks of one size, rather than a small one at the end.
  int64_t numBlocks = (each + wanted - 1) / std::max<int64_t>(1, wanted);
  plan.samples = (each + numBlocks - 1) / numBlocks;
  while (true) {
    plan.segment = kernel.segment > 0
                       ? kernel.segment
                       : chooseSegment(kernel.arena, plan.samples, steps);
    plan.arenaBytes =
        locoArenaBytes(&kernel.arena, plan.samples, steps, plan.segment);
    plan.totalBytes =
        threads * (KernelScratch::roundedUp(plan.arenaBytes) + plan.sumBytes);
    plan.fits = budget == 0 || plan.totalBytes <= budget;
    if (plan.fits || plan.samples == 1)
      return plan;
    plan.samples /= 2;
  }
}

//===----------------------------------------------------------------------===//
// Scratch memory
//===----------------------------------------------------------------------===//

struct KernelScratch::Arena {
  void *memory = nullptr;
  int64_t size = 0;
};

KernelScratch::KernelScratch(int threads) : arenas(threads) {}

KernelScratch::~KernelScratch() {
  for (Arena &arena : arenas)
    unmapPages(arena.memory, arena.size);
}

int64_t KernelScratch::roundedUp(int64_t bytes) {
  // Small arenas share no huge page with anything, so they take small ones.
  int64_t page = bytes < hugePage ? 4096 : hugePage;
  return (bytes + page - 1) / page * page;
}

void *KernelScratch::reserve(int thread, int64_t bytes) {
  Arena &arena = arenas[thread];
  if (arena.memory && bytes <= arena.size)
    return arena.memory;
  unmapPages(arena.memory, arena.size);
  arena = {};
  int64_t size = roundedUp(std::max<int64_t>(bytes, 1));
  void *memory = mapPages(size);
  if (memory)
    arena = {memory, size};
  return memory;
}

int64_t KernelScratch::bytes() const {
  int64_t total = 0;
  for (const Arena &arena : arenas)
    total += arena.size;
  return total;
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

struct KernelExecutor::Thread {
  /// One buffer for each result that is a sum, empty for the others.
  std::vector<std::vector<char>> sums;
  /// Those of the block at hand.
  std::vector<const void *> arguments;
  std::vector<void *> results;
  void *arena = nullptr;
  bool outOfMemory = false;
};

/// What one thread does of a batch: all of some samples, or as a member of a
/// team.
struct KernelExecutor::Share {
  IndexRange range;
  int member = 0, members = 1;
  KernelTeam *team = nullptr;
};

KernelExecutor::KernelExecutor(const Kernel &kernel, ThreadPool &pool,
                               int64_t budget,
                               std::shared_ptr<KernelScratch> scratch)
    : kernel(kernel), pool(pool), budget(budget), scratch(std::move(scratch)),
      threads(pool.numThreads()), argumentStrides(kernel.arguments.size()),
      resultStrides(kernel.results.size()), parts(threads.size()) {
  if (!this->scratch)
    this->scratch = std::make_shared<KernelScratch>(pool.numThreads());
  for (Thread &thread : threads) {
    thread.sums.resize(kernel.results.size());
    thread.arguments.resize(kernel.arguments.size());
    thread.results.resize(kernel.results.size());
  }
}

KernelExecutor::~KernelExecutor() = default;

int64_t KernelExecutor::scratchBytes() const {
  int64_t total = scratch->bytes();
  for (const Thread &thread : threads)
    for (const std::vector<char> &sum : thread.sums)
      total += sum.capacity();
  return total;
}

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

/// Copies the sum of all threads' `parts` to a part of the caller's array, in
/// order.
template <typename From, typename To>
static void addUp(const std::vector<const char *> &parts, IndexRange range,
                  void *result) {
  To *to = static_cast<To *>(result);
  for (int64_t i = range.begin; i < range.end; ++i) {
    From total = 0;
    for (const char *part : parts)
      total += reinterpret_cast<const From *>(part)[i];
    to[i] = static_cast<To>(total);
  }
}

/// Sums from which threads are worth being woken.
static constexpr int64_t sumsForThreads = int64_t(1) << 15;

/// Makes room for the blocks of thread `number` and its sums; false if there is
/// none.
bool KernelExecutor::prepare(const KernelBatch &batch, int number,
                             int64_t samples) {
  Thread &thread = threads[number];
  for (size_t i = 0; i < kernel.results.size(); ++i)
    if (kernel.results[i].kind == KernelOperand::Kind::Sum)
      thread.sums[i].assign(kernel.results[i].elements(batch.steps) *
                                bytesOf(kernel.results[i].sumType),
                            0);
  if (samples == 0)
    return true;
  thread.arena = scratch->reserve(
      number, locoArenaBytes(&kernel.arena, std::min(blocks.samples, samples),
                             batch.steps, blocks.segment));
  thread.outOfMemory = !thread.arena;
  return thread.arena;
}

/// The blocks of thread `number`: a range of the samples that depends on
/// nothing but their number, so the same samples meet in the same sums.
void KernelExecutor::runThread(const KernelBatch &batch, int number) {
  FlushDenormals flush;
  IndexRange range =
      rangeOfThread(batch.samples, number, static_cast<int>(threads.size()));
  if (prepare(batch, number, range.end - range.begin))
    runBlocks(batch, threads[number], {range, 0, 1, nullptr});
}

/// All blocks, as a member of the team of threads that runs each of them: with
/// the memory of the first.
void KernelExecutor::runMember(const KernelBatch &batch, int number) {
  FlushDenormals flush;
  if (number < team->size())
    runBlocks(batch, threads[number],
              {{0, batch.samples}, number, team->size(), team.get()});
}

void KernelExecutor::runBlocks(const KernelBatch &batch, Thread &thread,
                               const Share &share) LOCO_CALLS_GENERATED_CODE {
  Thread &owner = share.team ? threads.front() : thread;
  for (int64_t first = share.range.begin; first < share.range.end;
       first += blocks.samples) {
    for (size_t i = 0; i < thread.arguments.size(); ++i)
      thread.arguments[i] =
          batch.arguments[i] ? static_cast<const char *>(batch.arguments[i]) +
                                   first * argumentStrides[i]
                             : nullptr;
    for (size_t i = 0; i < thread.results.size(); ++i)
      thread.results[i] = kernel.results[i].kind == KernelOperand::Kind::Sum
                              ? owner.sums[i].data()
                              : static_cast<char *>(batch.results[i]) +
                                    first * resultStrides[i];
    LocoBlock call = {};
    call.samples = std::min(blocks.samples, share.range.end - first);
    call.steps = batch.steps;
    call.arguments = thread.arguments.data();
    call.argumentStrides = argumentStrides.data();
    call.results = thread.results.data();
    call.resultStrides = resultStrides.data();
    call.arena = owner.arena;
    call.services = locoKernelServices();
    call.segment = blocks.segment;
    call.seed = batch.seed;
    call.update = batch.update;
    call.sampleIndex = batch.sampleIndex ? batch.sampleIndex + first : nullptr;
    call.member = share.member;
    call.members = share.members;
    call.team = share.team;
    kernel.function(&call);
    // The next block uses the same memory.
    if (share.team)
      share.team->meet(share.member);
  }
}

/// Adds up what the threads summed, in their order.
void KernelExecutor::addSums(const KernelBatch &batch) {
  // A team has one set of sums.
  parts.resize(blocks.team > 1 ? 1 : threads.size());
  for (size_t i = 0; i < kernel.results.size(); ++i) {
    const KernelOperand &result = kernel.results[i];
    if (result.kind != KernelOperand::Kind::Sum)
      continue;
    for (size_t thread = 0; thread < parts.size(); ++thread)
      parts[thread] = threads[thread].sums[i].data();
    auto add = [&, to = batch.results[i]](IndexRange range, int) {
      if (result.type == ElementType::F64)
        addUp<double, double>(parts, range, to);
      else if (result.sumType == ElementType::F64)
        addUp<double, float>(parts, range, to);
      else
        addUp<float, float>(parts, range, to);
    };
    int64_t count = result.elements(batch.steps);
    if (count < sumsForThreads)
      add({0, count}, 0);
    else
      pool.parallelRanges(count, std::ref(add));
  }
}

Status KernelExecutor::run(const KernelBatch &batch) {
  int used = static_cast<int>(threads.size());
  blocks = planBlocks(kernel, batch.samples, batch.steps, used, budget);
  if (!blocks.fits)
    return Error{
        "one sample of " + std::to_string(batch.steps) + " steps needs " +
        std::to_string(blocks.totalBytes) + " bytes of scratch memory on " +
        std::to_string(used) + " threads, more than the memory budget of " +
        std::to_string(budget) + "; raise `--memory` or lower `--threads`"};
  for (size_t i = 0; i < kernel.arguments.size(); ++i)
    argumentStrides[i] = kernel.arguments[i].kind == KernelOperand::Kind::Sample
                             ? kernel.arguments[i].bytes(batch.steps)
                             : 0;
  for (size_t i = 0; i < kernel.results.size(); ++i)
    resultStrides[i] = kernel.results[i].kind == KernelOperand::Kind::Sample
                           ? kernel.results[i].bytes(batch.steps)
                           : 0;
  for (Thread &thread : threads)
    thread.outOfMemory = false;
  if (blocks.team > 1) {
    if (!team || team->size() != blocks.team)
      team = std::make_unique<KernelTeam>(blocks.team);
    auto task = [&](int number) { runMember(batch, number); };
    if (prepare(batch, 0, batch.samples))
      pool.run(std::ref(task));
  } else {
    auto task = [&](int number) { runThread(batch, number); };
    pool.run(std::ref(task));
  }
  for (const Thread &thread : threads)
    if (thread.outOfMemory)
      return Error{"out of memory: no room for " +
                   std::to_string(blocks.arenaBytes) +
                   " bytes of scratch memory per thread; lower `--memory` or "
                   "`--threads`"};
  addSums(batch);
  return {};
}
