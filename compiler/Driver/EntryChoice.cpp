//===- EntryChoice.cpp - Which code answers a request ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/EntryChoice.h"

#include "compiler/Driver/PlanChoice.h"

#include "llvm/ADT/STLExtras.h"

using namespace loco;

Expected<LinkedEntry>
EntryChoice::link(EntryCode code, bool isOnGPU, int64_t memory,
                  const std::shared_ptr<KernelScratch> &room) {
  Timings::Phase phase(options.timings, "linking");
  auto loaded = isOnGPU ? loadOnGPU(code, memory)
                        : loadOnProcessor(code.object, pool, memory, room);
  if (!loaded)
    return loaded.error();
  return LinkedEntry{std::move(code.results), std::move(code.gradients),
                     std::move(*loaded)};
}

Expected<LinkedEntry> EntryChoice::linkOnce(EntryCode code) {
  // Its memory is not kept.
  return link(std::move(code), /*isOnGPU=*/false, /*memory=*/0,
              std::make_shared<KernelScratch>(pool.numThreads()));
}

Expected<LinkedEntry *> EntryChoice::getEntry(RequestCode &code,
                                              const Request &request,
                                              EntryVariant variant) {
  if (auto found = code.entries.find(variant); found != code.entries.end())
    return &found->second;
  auto made = source.getEntry(request, variant);
  if (!made)
    return made.error();
  auto entry = link(std::move(*made), options.isOnGPU, options.memory, scratch);
  if (!entry)
    return entry.error();
  return &code.entries.emplace(variant, std::move(*entry)).first->second;
}

//===----------------------------------------------------------------------===//
// Memory of a GPU
//===----------------------------------------------------------------------===//

/// All that can answer the request, the fastest first. What is between kernels
/// and libraries stands in memory for the whole batch; kernels of our own take
/// less.
Expected<std::vector<EntryVariant>>
EntryChoice::listOnGPU(RequestCode &code, const Request &request) {
  std::vector<ResidualPolicy> policies = {ResidualPolicy::Store};
  if (!request.gradients.empty())
    policies.insert(policies.end(),
                    {ResidualPolicy::Recompute, ResidualPolicy::Checkpoint});
  auto first = getEntry(code, request, {});
  if (!first)
    return first.error();
  std::vector<EntryVariant> variants;
  for (ResidualPolicy policy : policies)
    variants.push_back({policy, true});
  if ((*first)->code->callsLibraries())
    for (ResidualPolicy policy : policies)
      variants.push_back({policy, false});
  return variants;
}

/// Keeps all residuals on the device if they fit there, else what is made anew
/// from less, else what fits best; by libraries as long as these have room.
Expected<EntryVariant> EntryChoice::chooseOnGPU(RequestCode &code,
                                                const Request &request,
                                                int64_t samples,
                                                int64_t steps) {
  auto variants = listOnGPU(code, request);
  if (!variants)
    return variants.error();
  auto hasRoom = [&](EntryVariant variant, bool isSlow) -> Expected<bool> {
    auto entry = getEntry(code, request, variant);
    if (!entry)
      return entry.error();
    return (*entry)->code->hasRoom(samples, steps, isSlow);
  };
  // By all of the device; by a part of it, which is the larger the less each
  // sample needs.
  for (EntryVariant variant : *variants) {
    auto found = hasRoom(variant, false);
    if (!found)
      return found.error();
    if (*found)
      return variant;
  }
  for (EntryVariant variant : llvm::reverse(*variants))
    if (auto found = hasRoom(variant, true); found && *found)
      return variant;
  return variants->back();
}

Expected<bool> EntryChoice::fitsGPU(const Request &request, int64_t samples,
                                    int64_t steps) {
  RequestCode &code = codes[getRequestKey(request)];
  auto variant = chooseOnGPU(code, request, samples, steps);
  if (!variant)
    return variant.error();
  auto entry = getEntry(code, request, *variant);
  if (!entry)
    return entry.error();
  return (*entry)->code->hasRoom(samples, steps, /*isSlow=*/false);
}

//===----------------------------------------------------------------------===//
// Memory of the processor
//===----------------------------------------------------------------------===//

Expected<EntryVariant> EntryChoice::chooseOnProcessor(RequestCode &code,
                                                      const Request &request,
                                                      int64_t samples,
                                                      int64_t steps) {
  PlanQuestion question = {samples, steps, pool.numThreads(), options.memory,
                           !request.gradients.empty()};
  auto choice = choosePlan(
      question, [&](ResidualPolicy policy) -> Expected<const Kernel *> {
        auto entry = getEntry(code, request, {policy});
        if (!entry)
          return entry.error();
        return &(*entry)->code->getKernel();
      });
  if (!choice)
    return choice.error();
  return EntryVariant{choice->policy};
}

Expected<LinkedEntry *> EntryChoice::choose(const Request &request,
                                            int64_t samples, int64_t steps) {
  RequestCode &code = codes[getRequestKey(request)];
  bool isAsked = options.isOnGPU || options.memory > 0;
  if (isAsked && (code.samples != samples || code.steps != steps)) {
    auto chosen = options.isOnGPU
                      ? chooseOnGPU(code, request, samples, steps)
                      : chooseOnProcessor(code, request, samples, steps);
    if (!chosen)
      return chosen.error();
    code.samples = samples;
    code.steps = steps;
    code.chosen = *chosen;
  }
  // Code for many samples runs any number of them, so a smaller batch at the
  // end of the data compiles nothing.
  if (!isAsked && code.samples != samples) {
    code.samples = samples;
    code.chosen.manySamples |= hasManySamples(
        samples, pool.numThreads(), options.precision, options.memory);
  }
  return getEntry(code, request, code.chosen);
}
