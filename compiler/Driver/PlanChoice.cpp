//===- PlanChoice.cpp - Which plan a byte budget allows -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/PlanChoice.h"

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Target/CPU/CPUTarget.h"

#include <fmt/format.h>

using namespace loco;

/// A matrix product of a quarter of the rows that it wants is slower, but less
/// so than making the rows a second time.
static constexpr int64_t smallestShare = 4;

static Error describeShortage(const PlanQuestion &question,
                              const KernelBlockPlan &least) {
  std::string threads =
      question.threads == 1 ? "1 thread"
                            : fmt::format("{} threads", question.threads);
  std::string text = fmt::format(
      "one sample of {} step{} needs at least {} bytes of scratch memory on {}, "
      "more than the memory budget of {}; raise `--memory`",
      question.steps, question.steps == 1 ? "" : "s", least.totalBytes, threads,
      question.budget);
  return Error{question.threads > 1 ? text + " or lower `--threads`" : text};
}

Expected<PlanChoice> loco::choosePlan(
    const PlanQuestion &question,
    llvm::function_ref<Expected<const Kernel *>(ResidualPolicy)> describe) {
  std::optional<PlanChoice> best;
  KernelBlockPlan least;
  for (ResidualPolicy policy :
       {ResidualPolicy::Store, ResidualPolicy::Recompute,
        ResidualPolicy::Checkpoint}) {
    Expected<const Kernel *> kernel = describe(policy);
    if (!kernel)
      return kernel.error();
    auto blocks = [&](int64_t budget) {
      return planBlocks(**kernel, question.samples, question.steps,
                        question.threads, budget);
    };
    PlanChoice choice = {policy, blocks(question.budget)};
    int64_t wanted = blocks(0).samples;
    if (choice.blocks.fits && choice.blocks.samples * smallestShare >= wanted)
      return choice;
    if (choice.blocks.fits &&
        (!best || choice.blocks.samples > best->blocks.samples))
      best = choice;
    if (!choice.blocks.fits && (least.totalBytes == 0 ||
                                choice.blocks.totalBytes < least.totalBytes))
      least = choice.blocks;
    if (!question.hasGradients)
      break;
  }
  if (best)
    return *best;
  return describeShortage(question, least);
}

bool loco::hasManySamples(int64_t samples, int threads, ElementType precision,
                          int64_t budget) {
  return budget == 0 &&
         CPUTarget::host().hasManySamples(
             samples, threads, static_cast<int64_t>(sizeOf(precision)));
}
