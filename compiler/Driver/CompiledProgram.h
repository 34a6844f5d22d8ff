//===- CompiledProgram.h - A model that runs as compiled code ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_COMPILEDPROGRAM_H
#define COMPILER_DRIVER_COMPILEDPROGRAM_H

#include "compiler/Driver/CodeSource.h"
#include "loco/ThreadPool.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>

namespace loco {

struct CompiledProgramOptions {
  /// Type of parameters, states and gradients; that of the module's tensors.
  ElementType precision = ElementType::F32;
  /// What a processor's products multiply, as in CPUOptions.
  std::optional<Products> products;
  /// The code is of a GPU.
  bool isOnGPU = false;
  /// Bytes of scratch memory for all threads together, or of the GPU's memory;
  /// 0: no limit.
  int64_t memory = 0;
  /// Where object code is looked for first; null: nowhere.
  ObjectCache *cache = nullptr;
  /// Null: nobody asks.
  Timings *timings = nullptr;
};

/// Runs code, one kernel for each kind of request, taken from `source` when it
/// first comes.
std::unique_ptr<Program>
makeCompiledProgram(std::unique_ptr<CodeSource> source,
                    const CompiledProgramOptions &options, ThreadPool &pool);

/// The same with the code of the model `name` of `module` (docs/ModelIR.md),
/// made for `gpu`, or for the processor if there is none.
std::unique_ptr<Program>
makeCompiledProgram(mlir::OwningOpRef<mlir::ModuleOp> module,
                    llvm::StringRef name, CompiledProgramOptions options,
                    const std::optional<GPUCompileOptions> &gpu,
                    ThreadPool &pool);

} // namespace loco

#endif // COMPILER_DRIVER_COMPILEDPROGRAM_H
