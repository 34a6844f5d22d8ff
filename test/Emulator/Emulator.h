//===- Emulator.h - Kernels of a GPU executed on the processor --*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes the kernels of a gpu.module on a machine without a GPU. Each GPU
// thread is a fiber; barriers and shuffles switch fibers. Every access to
// shared and global memory is watched: out of bounds, reads of what was never
// written, and two accesses of different threads to the same bytes without a
// barrier between them, one of them a write, are errors.
//
//===----------------------------------------------------------------------===//

#ifndef TEST_EMULATOR_EMULATOR_H
#define TEST_EMULATOR_EMULATOR_H

#include "compiler/JIT/CompileGPU.h"
#include "test/Emulator/Fibers.h"

#include "mlir/IR/OwningOpRef.h"

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace loco {

struct EmulationOptions {
  /// Teams of threads; samples are shared out among them.
  int64_t teams = 2;
  /// Steps of a segment; 0: what needs the least memory.
  int64_t segment = 0;
  /// Fibers run from the last to the first.
  bool isReversed = false;
};

/// A launch of one kernel.
struct EmulatedGrid {
  int64_t blocks = 1, threads = 1, sharedBytes = 0;
  bool isReversed = false;
};

/// A module of the gpu dialect with one gpu.module; null, with a diagnostic, if
/// the text is none.
mlir::OwningOpRef<mlir::ModuleOp> parseKernels(llvm::StringRef text,
                                               mlir::MLIRContext &context);

/// The kernels of one gpu.module, compiled for the processor.
class EmulatedModule {
public:
  /// Lowers `kernels`, a module with one gpu.module, which is consumed.
  static llvm::Expected<std::unique_ptr<EmulatedModule>>
  create(mlir::OwningOpRef<mlir::ModuleOp> kernels);

  /// Arguments of the kernel `name`, eight bytes each; nothing if there is no
  /// such kernel.
  std::optional<unsigned> countArguments(llvm::StringRef name) const;

  /// Executes a kernel, which may touch the regions of `machine`, constants
  /// and shared memory. The error is the first thing that a thread did wrong.
  Status launch(emulation::Machine &machine, const std::string &name,
                void *arguments, const EmulatedGrid &grid);

private:
  EmulatedModule() = default;

  std::map<std::string, unsigned, std::less<>> kernels;
  /// Kernels whose blocks run so many at a time and wait for each other.
  std::map<std::string, int64_t> together;
  /// Names and bytes of global variables.
  std::vector<std::pair<std::string, int64_t>> constants;
  std::shared_ptr<llvm::orc::LLJIT> jit;
};

/// The kernels of one function, called as LocoToGPU.h says.
class EmulatedKernels {
public:
  /// Lowers `kernels`, a module with one gpu.module, which is consumed.
  static llvm::Expected<std::unique_ptr<EmulatedKernels>>
  create(mlir::OwningOpRef<mlir::ModuleOp> kernels, const GPUObject &object);
  ~EmulatedKernels();

  /// Runs the batch as a GPU would. The error is the first thing that a thread
  /// did wrong.
  Status run(const KernelBatch &batch, const EmulationOptions &options);

private:
  explicit EmulatedKernels(const GPUObject &object) : object(object) {}

  GPUObject object;
  std::unique_ptr<EmulatedModule> module;
};

/// Rewrites the kernels of `module` to functions of plain code: numbers of
/// thread and block, barriers, shuffles and shared memory are calls, and so is
/// a look at every access to memory. Each function takes a pointer to its
/// arguments, eight bytes each.
mlir::LogicalResult lowerForEmulation(mlir::ModuleOp module);

} // namespace loco

#endif // TEST_EMULATOR_EMULATOR_H
