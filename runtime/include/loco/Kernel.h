//===- Kernel.h - Running a compiled function on a batch --------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A compiled function and what is known of it, and the executor that divides a
// batch into sample blocks and these over the threads of a pool. Sums are made
// per thread and added in the order of threads: the same batch on the same
// number of threads gives the same bits.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_KERNEL_H
#define LOCO_KERNEL_H

#include "loco-c/kernel.h"
#include "loco/Expected.h"
#include "loco/Tensor.h"
#include "loco/ThreadPool.h"

#include <memory>
#include <string>
#include <vector>

namespace loco {

/// An argument or a result of a compiled function.
struct KernelOperand {
  enum class Kind : uint8_t {
    /// The same for all samples (arguments).
    Shared,
    /// One for each sample.
    Sample,
    /// Added up over the samples (results).
    Sum,
    /// The random key or the number of steps: no memory.
    None,
  };
  Kind kind = Kind::Sample;
  ElementType type = ElementType::F32;
  /// Of one step.
  Shape shape;
  /// One value per step, the step being the first axis.
  bool perStep = false;
  /// Sums: the type they are accumulated in.
  ElementType sumType = ElementType::F32;

  int64_t elements(int64_t steps) const;
  int64_t bytes(int64_t steps) const;
};

/// A compiled function; whoever made it keeps its code alive.
struct Kernel {
  LocoKernel function = nullptr;
  LocoArenaSize arena = {};
  std::vector<KernelOperand> arguments, results;
  /// Samples of a block at which its matrix products are large enough, 1 if it
  /// has none.
  int64_t preferredBlock = 1;
  /// Steps of a segment; 0: what needs the least memory.
  int64_t segment = 0;
  /// Most threads that can run a block together.
  int64_t teamMost = 1;
};

/// How a batch is run: samples of a block, steps of a segment (0: the function
/// has none), and bytes of scratch memory: the arena and the sums of each
/// thread, and those of all threads.
struct KernelBlockPlan {
  int64_t samples = 1, segment = 0;
  /// Threads that run one block together, where there are fewer samples than
  /// threads; otherwise 1. A team needs the memory of one thread.
  int team = 1;
  int64_t arenaBytes = 0, sumBytes = 0, totalBytes = 0;
  /// The total is within the budget.
  bool fits = true;
};

/// The length of segments with which `samples` samples need the least memory:
/// what is kept of every segment weighs as much as what the one at hand needs. 0
/// where that makes no difference.
int64_t chooseSegment(const LocoArenaSize &size, int64_t samples,
                      int64_t steps);

/// `budget`: bytes of scratch memory for all threads together; 0: no limit.
KernelBlockPlan planBlocks(const Kernel &kernel, int64_t samples, int64_t steps,
                           int threads, int64_t budget);

/// Pointers of one batch, dense arrays: [samples, steps, ...] for what is per
/// sample and step, [samples, ...] per sample, [...] shared or summed.
struct KernelBatch {
  int64_t samples = 0, steps = 0;
  /// Null for the key and the number of steps.
  std::vector<const void *> arguments;
  /// Results that are sums hold their element type, whatever they were
  /// accumulated in.
  std::vector<void *> results;
  uint64_t seed = 0, update = 0;
  const uint64_t *sampleIndex = nullptr;
};

/// Arenas of the threads of a pool, kept from call to call; on huge pages where
/// the system has them: fresh pages cost more than most kernels. Executors that
/// do not run at the same time may share one.
class KernelScratch {
public:
  explicit KernelScratch(int threads);
  ~KernelScratch();
  KernelScratch(const KernelScratch &) = delete;
  KernelScratch &operator=(const KernelScratch &) = delete;

  /// At least `bytes` bytes for `thread`, which calls this itself so that the
  /// pages become its own; null if there is no memory. What was there is lost
  /// if it was less.
  void *reserve(int thread, int64_t bytes);
  /// Bytes that are taken from the system.
  int64_t bytes() const;
  /// Of these, what `bytes` bytes of arena take.
  static int64_t roundedUp(int64_t bytes);

private:
  struct Arena;
  std::vector<Arena> arenas;
};

class KernelTeam;

/// Keeps the scratch memory of the threads from call to call.
class KernelExecutor {
public:
  /// `budget`: bytes of scratch memory for all threads together; 0: no limit.
  /// `scratch`: null for arenas of its own.
  KernelExecutor(const Kernel &kernel, ThreadPool &pool, int64_t budget = 0,
                 std::shared_ptr<KernelScratch> scratch = nullptr);
  ~KernelExecutor();
  KernelExecutor(const KernelExecutor &) = delete;
  KernelExecutor &operator=(const KernelExecutor &) = delete;

  /// Runs the batch. An error if one sample does not fit the budget.
  Status run(const KernelBatch &batch);

  /// How the last run was divided, and bytes of scratch memory that are held:
  /// arenas and sums.
  const KernelBlockPlan &plan() const { return blocks; }
  int64_t blockSize() const { return blocks.samples; }
  int64_t scratchBytes() const;

private:
  struct Thread;
  struct Share;
  void runThread(const KernelBatch &batch, int number);
  bool prepare(const KernelBatch &batch, int number, int64_t samples);
  void runMember(const KernelBatch &batch, int number);
  void runBlocks(const KernelBatch &batch, Thread &thread, const Share &share);
  void addSums(const KernelBatch &batch);

  const Kernel &kernel;
  ThreadPool &pool;
  int64_t budget;
  KernelBlockPlan blocks;
  std::shared_ptr<KernelScratch> scratch;
  std::vector<Thread> threads;
  /// Null until a batch has fewer samples than there are threads.
  std::unique_ptr<KernelTeam> team;
  /// Bytes between samples, of the last run.
  std::vector<int64_t> argumentStrides, resultStrides;
  std::vector<const char *> parts;
};

} // namespace loco

#endif // LOCO_KERNEL_H
