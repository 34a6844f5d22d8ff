//===- LoadedCode.h - Code in the memory of what executes it ----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_LOADEDCODE_H
#define COMPILER_DRIVER_LOADEDCODE_H

#include "compiler/Driver/ProgramImage.h"
#include "compiler/JIT/CompileGPU.h"
#include "loco/ThreadPool.h"

#include <memory>

namespace loco {

struct CudaUpdate;

/// A function that batches are run with.
class LoadedCode {
public:
  virtual ~LoadedCode() = default;
  /// Arguments and results.
  virtual const Kernel &getKernel() const = 0;
  virtual Status run(const KernelBatch &batch) = 0;
  /// The same, then an update of parameters that stay on the device. Only code
  /// of a GPU does that.
  virtual Status update(const KernelBatch &batch, CudaUpdate &update);
  /// False where a batch would be run by less of the device than there is, for
  /// want of memory; `isSlow`: where it could not be run at all.
  virtual bool hasRoom(int64_t samples, int64_t steps, bool isSlow) const {
    return true;
  }
  /// True if a GPU's kernels stand between calls of libraries.
  virtual bool callsLibraries() const { return false; }
  /// Announces the batch that comes after the next one (see Program::expect).
  virtual void expect(const KernelBatch &next) {}
};

/// Loads machine code into this process. `memory`: bytes of scratch memory for
/// all threads together; 0: no limit.
Expected<std::unique_ptr<LoadedCode>>
loadOnProcessor(const KernelObject &object, ThreadPool &pool, int64_t memory,
                std::shared_ptr<KernelScratch> scratch);

/// The GPU of this machine, as the compiler has to know it. An error says what
/// is missing: a driver, a device, or one that is new enough.
Expected<GPUCompileOptions> chooseGPU(Products products = Products::F32);

/// Loads code of a GPU into the first one. `memory`: bytes of its memory; 0:
/// what is free.
Expected<std::unique_ptr<LoadedCode>> loadOnGPU(const EntryCode &code,
                                                int64_t memory);

} // namespace loco

#endif // COMPILER_DRIVER_LOADEDCODE_H
