//===- CompiledKernel.h - Functions of a sample as machine code -*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   CPUOptions options;
//   auto kernel = compileFunction(module, "M.gradient", options);
//   KernelExecutor executor((*kernel)->kernel, ThreadPool::process());
//   executor.run(batch);
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_JIT_COMPILEDKERNEL_H
#define COMPILER_JIT_COMPILEDKERNEL_H

#include "compiler/Conversion/Products.h"
#include "compiler/Conversion/LocoToKernels/Report.h"
#include "compiler/JIT/NestTimes.h"
#include "runtime/include/loco/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <memory>
#include <string>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace loco {

struct CPUOptions {
  /// Bytes of a vector: 16, 32, 64; 0: what the machine has.
  int64_t vectorBytes = 0;
  /// Round a product and the sum that it goes into once, where the machine can.
  /// Without it the numbers of short computations are those of the interpreter,
  /// on every machine.
  bool fuseSums = true;
  /// What matrix products in f32 multiply; none: what is fastest with the error
  /// of f32, six products of bf16 where the processor has AMX.
  std::optional<Products> products;
  /// There are samples enough to fill vectors with them.
  bool manySamples = false;
  /// Keep the texts of the stages (see CompiledKernel).
  bool keepTexts = false;
  /// Stop at the schedule, before any code is made: for those who want to know
  /// what would be done.
  bool scheduleOnly = false;
  /// Make code that measures its loop nests, and says which there are.
  bool timeNests = false;
  /// Hears how many seconds each stage took.
  std::function<void(const char *stage, double seconds)> onStage;
};

/// What `emit` prints.
struct KernelTexts {
  /// The function as the schedule sees it; the loops; LLVM IR; assembly.
  std::string planned, loops, llvm, assembly;
  KernelReport report;
  /// Of code with `timeNests`.
  std::vector<TimedNest> nests;
};

/// Machine code of one function, without its addresses: what the object cache
/// keeps.
struct KernelObject {
  std::string code;
  /// Everything but the address of the function.
  Kernel kernel;
  /// Groups, buffers, bytes: stable text.
  std::string explain;
};

struct CompiledKernel {
  Kernel kernel;
  std::string explain;
  KernelTexts texts;
  /// Owns the code.
  std::shared_ptr<llvm::orc::LLJIT> code;
};

/// Compiles `function` of `module`, which is not changed. The function
/// describes one sample (docs/ModelIR.md); a result with the attribute
/// `loco.sum_samples` is added up over the samples. What cannot be compiled is
/// a diagnostic at the op, and an error here. With `scheduleOnly` there is no
/// code in the result, and of the texts `planned` and the report alone.
llvm::Expected<KernelObject> compileToObject(mlir::ModuleOp module,
                                             llvm::StringRef function,
                                             const CPUOptions &options,
                                             KernelTexts *texts = nullptr);

/// A copy of `module` as schedules want it (buildPlanPipeline, which says what
/// `convolutions` are), with a function `name` in it. Planning changes what it
/// plans.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
copyForPlanning(mlir::ModuleOp module, llvm::StringRef name,
                int64_t convolutions = 0);

/// Fills the tables of arguments and results of `kernel`; `lengths` are those
/// of a schedule.
void describeFunction(mlir::func::FuncOp function,
                      const llvm::DenseMap<mlir::Value, int64_t> &lengths,
                      Kernel &kernel);

/// Loads an object into this process.
llvm::Expected<std::unique_ptr<CompiledKernel>>
linkObject(const KernelObject &object);

/// Both; with `scheduleOnly` nothing is loaded and there is no function.
llvm::Expected<std::unique_ptr<CompiledKernel>>
compileFunction(mlir::ModuleOp module, llvm::StringRef function,
                const CPUOptions &options = {});

} // namespace loco

#endif // COMPILER_JIT_COMPILEDKERNEL_H
