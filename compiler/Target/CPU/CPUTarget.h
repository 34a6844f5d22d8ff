//===- CPUTarget.h - Machine code from the llvm dialect ---------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_TARGET_CPU_CPUTARGET_H
#define COMPILER_TARGET_CPU_CPUTARGET_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

namespace loco {

/// What code is made for.
struct CPUTarget {
  std::string triple, cpu;
  /// As LLVM writes them: `+avx512f,-avx512er,...`.
  std::string features;
  /// Width of the vectors that the kernels are written in.
  int64_t vectorBytes = 16;
  /// Bytes of the cache that a processor has for itself.
  int64_t cacheBytes = int64_t(1) << 20;
  /// The tiles of AMX multiply bf16, in this process.
  bool hasTiles = false;

  /// What is wrong with `LOCO_CPU`; empty if nothing is. Nothing can be
  /// compiled otherwise.
  std::string problem;

  /// The machine at hand. Its vectors are those of its feature bits: the name
  /// of a virtual machine's processor may stand for one that has less. If
  /// `LOCO_CPU` is set, the level of x86-64 that it names, no more.
  static CPUTarget host();

  /// True if `samples` fill vectors of numbers of so many bytes on each of
  /// `threads`, up to a quarter of the lanes.
  bool hasManySamples(int64_t samples, int64_t threads,
                      int64_t numberBytes) const;

  std::unique_ptr<llvm::TargetMachine> makeMachine() const;
};

/// Translates a module of the llvm dialect.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, llvm::LLVMContext &context,
                llvm::TargetMachine &machine, const CPUTarget &target);

/// LLVM's passes. Vectors are written by us, so the loop and the straight-line
/// vectoriser stay off.
void simplify(llvm::Module &module, llvm::TargetMachine &machine);

/// Object code or assembly text of `module`.
llvm::SmallVector<char, 0> emitMachineCode(llvm::Module &module,
                                           llvm::TargetMachine &machine,
                                           llvm::CodeGenFileType type);

/// Simplified object code of `module`. A large one is divided by its functions,
/// which several threads work on: some object files that refer to each other,
/// the same ones on every machine of so many processors.
llvm::Expected<std::string> emitObjects(std::unique_ptr<llvm::Module> module,
                                        const CPUTarget &target);

/// The object files of what `emitObjects` made.
llvm::SmallVector<llvm::StringRef> unpackObjects(llvm::StringRef objects);

} // namespace loco

#endif // COMPILER_TARGET_CPU_CPUTARGET_H
