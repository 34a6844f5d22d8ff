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
};

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

/// Keeps the arenas of the threads from call to call.
class KernelExecutor {
public:
  /// `budget`: bytes of scratch memory for all threads together; 0: no limit.
  KernelExecutor(const Kernel &kernel, ThreadPool &pool, int64_t budget = 0);
  ~KernelExecutor();
  KernelExecutor(const KernelExecutor &) = delete;
  KernelExecutor &operator=(const KernelExecutor &) = delete;

  /// Runs the batch. An error if one sample does not fit the budget.
  Status run(const KernelBatch &batch);

  /// Samples of a block and bytes of scratch memory of the last run.
  int64_t blockSize() const { return block; }
  int64_t scratchBytes() const;

private:
  struct Thread;
  const Kernel &kernel;
  ThreadPool &pool;
  int64_t budget, block = 0;
  std::vector<Thread> threads;
};

} // namespace loco

#endif // LOCO_KERNEL_H
