//===- PlanChoice.h - Which plan a byte budget allows -----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_PLANCHOICE_H
#define COMPILER_DRIVER_PLANCHOICE_H

#include "compiler/Pipelines/Pipelines.h"
#include "loco/Kernel.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace loco {

/// How a request of so many samples and steps is answered.
struct PlanChoice {
  ResidualPolicy policy = ResidualPolicy::Store;
  KernelBlockPlan blocks;
};

/// What a choice depends on.
struct PlanQuestion {
  int64_t samples = 0, steps = 0;
  int threads = 1;
  /// Bytes of scratch memory for all threads together; 0: no limit.
  int64_t budget = 0;
  /// Nothing is kept where nothing goes back over a loop.
  bool hasGradients = false;
};

/// The fastest plan that stays within the budget, in the order of what they
/// cost: all residuals in blocks of fewer samples (at least a quarter of what
/// products want), loops that store their carries only, checkpoints, then
/// blocks that are smaller still. `describe` gives a plan's kernel, without
/// code. An error, if none fits, says how much the smallest one needs.
Expected<PlanChoice>
choosePlan(const PlanQuestion &question,
           llvm::function_ref<Expected<const Kernel *>(ResidualPolicy)> describe);

/// True if batches of so many samples are worth code whose lanes are samples
/// (SampleLanes.cpp), for the threads, precision and budget (0: no limit, which
/// it takes: a budget is for few samples at a time) of a run.
bool hasManySamples(int64_t samples, int threads, ElementType precision,
                    int64_t budget);

} // namespace loco

#endif // COMPILER_DRIVER_PLANCHOICE_H
