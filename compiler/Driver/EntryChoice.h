//===- EntryChoice.h - Which code answers a request -------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A request can be answered by several functions that differ in the memory that
// a batch takes. They are made and linked when they are first considered.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_ENTRYCHOICE_H
#define COMPILER_DRIVER_ENTRYCHOICE_H

#include "compiler/Driver/CompiledProgram.h"
#include "compiler/Driver/LoadedCode.h"

#include "llvm/ADT/StringMap.h"

#include <map>

namespace loco {

/// A kernel and what its results are.
struct LinkedEntry {
  std::vector<std::string> results, gradients;
  std::unique_ptr<LoadedCode> code;
};

class EntryChoice {
public:
  EntryChoice(CodeSource &source, const CompiledProgramOptions &options,
              ThreadPool &pool)
      : source(source), options(options), pool(pool),
        scratch(std::make_shared<KernelScratch>(pool.numThreads())) {}

  /// What answers the request within the memory that there is.
  Expected<LinkedEntry *> choose(const Request &request, int64_t samples,
                                 int64_t steps);

  /// True if what a GPU would answer with has room for all that it runs at a
  /// time. It is asked anew.
  Expected<bool> fitsGPU(const Request &request, int64_t samples,
                         int64_t steps);

  /// Code that the processor runs once, beside any budget.
  Expected<LinkedEntry> linkOnce(EntryCode code);

private:
  /// The code that answers one kind of request, and which of it a batch of so
  /// many samples and steps takes.
  struct RequestCode {
    std::map<EntryVariant, LinkedEntry> entries;
    int64_t samples = -1, steps = -1;
    EntryVariant chosen;
  };

  Expected<LinkedEntry> link(EntryCode code, bool isOnGPU, int64_t memory,
                             const std::shared_ptr<KernelScratch> &room);
  Expected<LinkedEntry *> getEntry(RequestCode &code, const Request &request,
                                   EntryVariant variant);
  Expected<std::vector<EntryVariant>> listOnGPU(RequestCode &code,
                                                const Request &request);
  Expected<EntryVariant> chooseOnGPU(RequestCode &code, const Request &request,
                                     int64_t samples, int64_t steps);
  Expected<EntryVariant> chooseOnProcessor(RequestCode &code,
                                           const Request &request,
                                           int64_t samples, int64_t steps);

  CodeSource &source;
  const CompiledProgramOptions &options;
  ThreadPool &pool;
  /// Of all kernels: one of them runs at a time.
  std::shared_ptr<KernelScratch> scratch;
  llvm::StringMap<RequestCode> codes;
};

} // namespace loco

#endif // COMPILER_DRIVER_ENTRYCHOICE_H
