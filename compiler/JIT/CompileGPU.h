//===- CompileGPU.h - Code of a GPU for a function --------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_JIT_COMPILEGPU_H
#define COMPILER_JIT_COMPILEGPU_H

#include "compiler/Conversion/Products.h"
#include "compiler/JIT/CompiledKernel.h"
#include "compiler/JIT/LibraryCalls.h"

#include "mlir/IR/OwningOpRef.h"

namespace loco {

struct GPUCompileOptions {
  /// `sm_90`.
  std::string architecture = "sm_90";
  /// Blocks that share a sample, samples that share a block; 0: chosen.
  int64_t blocksPerSample = 0, samplesPerBlock = 0;
  /// Samples that advance together where products gain by it; 0: chosen.
  int64_t samplesPerTeam = 0;
  /// What products with weights on chip multiply.
  Products products = Products::F32;
  /// Large products of matrices and convolutions are theirs (SplitProducts.h).
  GPULibraries libraries = {};
  /// Stop at the schedule.
  bool scheduleOnly = false;
  /// Stop at kernels of the gpu dialect: no PTX.
  bool kernelsOnly = false;
};

/// Code of one function for a GPU (compiler/Conversion/LocoToGPU/LocoToGPU.h
/// says how it is called).
struct GPUObject {
  /// Arguments and results; no function and no arena.
  Kernel kernel;
  CudaLaunch launch;
  std::string ptx;
  /// The schedule: stable text.
  std::string explain;
  /// The function as the schedule sees it; the kernels in the gpu dialect.
  std::string planned, kernels;
  /// Of a function that is divided at calls of libraries, in place of
  /// `launch` and `ptx`: its parts, whose images are PTX or kernels, and what
  /// stands between them.
  std::vector<CudaPart> parts;
  std::vector<KernelOperand> between;
};

/// Compiles `function` of `module`, which is not changed, as compileToObject
/// does. What cannot be compiled is a diagnostic at the op, and an error here.
llvm::Expected<GPUObject> compileForGPU(mlir::ModuleOp module,
                                        llvm::StringRef function,
                                        const GPUCompileOptions &options);

/// The same up to kernels of the gpu dialect, in a module of their own.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
makeGPUModule(mlir::ModuleOp module, llvm::StringRef function,
              const GPUCompileOptions &options, GPUObject &object);

/// An optimiser's kernels (compiler/Conversion/LocoToGPU/UpdateKernels.h), as
/// GPUObject::ptx or, where the options stop there, GPUObject::kernels.
llvm::Expected<std::string>
compileUpdatesForGPU(bool isF64, const GPUCompileOptions &options);

} // namespace loco

#endif // COMPILER_JIT_COMPILEGPU_H
