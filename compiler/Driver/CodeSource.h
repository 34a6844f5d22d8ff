//===- CodeSource.h - Where machine code of a model comes from --*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_CODESOURCE_H
#define COMPILER_DRIVER_CODESOURCE_H

#include "compiler/Driver/EntryPoint.h"
#include "compiler/Driver/InitialFunction.h"
#include "compiler/Driver/InitialRecipes.h"
#include "compiler/Driver/ObjectCache.h"
#include "compiler/Driver/ProgramImage.h"
#include "compiler/Driver/Timings.h"
#include "compiler/JIT/CompileGPU.h"
#include "loco/CudaUpdates.h"
#include "loco/ThreadPool.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace loco {

/// What makes the parameters' initial values, in f64: code whose `results` are
/// their names, and the numbers that it takes behind the random key.
struct InitialCode {
  EntryCode entry;
  std::vector<std::vector<double>> numbers;
};

/// Gives the code of one model's functions, piece by piece as it is asked for.
class CodeSource {
public:
  virtual ~CodeSource() = default;
  virtual const Signature &getSignature() = 0;
  /// What answers a request.
  virtual Expected<EntryCode> getEntry(const Request &request,
                                       EntryVariant variant) = 0;
  /// Kernels that update parameters on the GPU that the code is for.
  virtual Expected<CudaUpdateCode> getUpdates() = 0;
  /// How the initial values are made without code; nothing if they need some.
  virtual std::optional<std::vector<TensorRecipe>> getRecipes() = 0;
  /// Code that makes them; nothing if they have to be interpreted.
  virtual std::optional<InitialCode> getInitial() = 0;
  /// Initial values of the reference interpreter, in f64.
  virtual Expected<TensorMap> interpretInitial(uint64_t seed,
                                               ThreadPool &pool) = 0;
};

/// An optimiser's kernels for a GPU, compiled or from the cache; `cache` and
/// `timings` may be null.
Expected<CudaUpdateCode> loadUpdates(ElementType precision,
                                     const GPUCompileOptions &gpu,
                                     ObjectCache *cache, Timings *timings);

/// How a module's code is made.
struct ModuleCodeOptions {
  ElementType precision = ElementType::F32;
  /// The GPU that answers requests; none: the processor. Initial values are
  /// always the processor's, so that a seed means the same network everywhere.
  std::optional<GPUCompileOptions> gpu = std::nullopt;
  /// Of the processor, as in CPUOptions.
  std::optional<Products> products = std::nullopt;
  /// Where object code is looked for first; null: nowhere.
  ObjectCache *cache = nullptr;
  /// Null: nobody asks.
  Timings *timings = nullptr;
};

/// Compiles the functions of a module (docs/ModelIR.md), or finds their object
/// code in the cache: under a key made of the function's IR, so whatever leaves
/// that as it is (the start of a parameter, a learning rate) compiles nothing.
class ModuleCode : public CodeSource {
public:
  /// `name`: the model, or another function that is meant to be called.
  ModuleCode(mlir::OwningOpRef<mlir::ModuleOp> module, llvm::StringRef name,
             const ModuleCodeOptions &options);

  const Signature &getSignature() override { return signature; }
  Expected<EntryCode> getEntry(const Request &request,
                               EntryVariant variant) override;
  Expected<CudaUpdateCode> getUpdates() override;
  std::optional<std::vector<TensorRecipe>> getRecipes() override {
    return recipes;
  }
  std::optional<InitialCode> getInitial() override;
  Expected<TensorMap> interpretInitial(uint64_t seed,
                                       ThreadPool &pool) override;

  /// The cache's key of what the functions above would give.
  std::string getEntryKey(const Request &request, EntryVariant variant);
  std::string getInitialKey();

private:
  Expected<EntryCode> compileEntry(const Request &request,
                                   EntryVariant variant);
  llvm::Error makeCode(mlir::func::FuncOp entry, EntryVariant variant,
                       EntryCode &code);
  std::optional<EntryCode> compileInitial();
  const InitialFunction &getInitialFunction();
  std::optional<EntryCode> load(llvm::StringRef key);
  CacheKey startKey(llvm::StringRef kind, mlir::func::FuncOp function);

  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string name;
  ModuleCodeOptions options;
  mlir::func::FuncOp function;
  Signature signature;
  std::optional<std::vector<TensorRecipe>> recipes;
  /// Made when it is first asked for.
  std::optional<InitialFunction> initial;
};

} // namespace loco

#endif // COMPILER_DRIVER_CODESOURCE_H
