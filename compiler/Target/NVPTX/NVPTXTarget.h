//===- NVPTXTarget.h - PTX from kernels -------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_TARGET_NVPTX_NVPTXTARGET_H
#define COMPILER_TARGET_NVPTX_NVPTXTARGET_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace loco {

/// What code is made for.
struct NVPTXTarget {
  /// `sm_90`.
  std::string architecture;
  /// Version of PTX: 80 for 8.0.
  unsigned version;
  /// Bytes of shared memory that a block may have on every device of the
  /// architecture.
  int64_t sharedBytes;
  /// Of the device, 90 for 9.0; of the driver that reads such PTX, 12040 for
  /// CUDA 12.4.
  int capability, driverVersion;
};

/// The architectures that code is made for, oldest first.
const std::vector<NVPTXTarget> &getNVPTXTargets();

/// Null if no code is made for `architecture`.
const NVPTXTarget *findNVPTXTarget(llvm::StringRef architecture);

/// A pass on gpu.module: gpu ops to the nvvm dialect.
std::unique_ptr<mlir::Pass> createLowerKernels();

/// Gives the functions of `module`, which are in the llvm dialect, and their ops
/// the places in source files that PTX names.
void addSourceLines(mlir::gpu::GPUModuleOp module);

/// PTX text of `module`, whose functions are lowered to the llvm and nvvm
/// dialects.
llvm::Expected<std::string> emitPTX(mlir::gpu::GPUModuleOp module,
                                    const NVPTXTarget &target);

/// What the toolkit's assembler, opened by its name on the PATH, made of a PTX
/// text.
struct Cubin {
  std::string code;
  /// What it says of registers, spills and shared memory.
  std::string report;
};

/// Assembles `ptx`; an error if there is no `ptxas`, or what it says.
llvm::Expected<Cubin> assemblePTX(llvm::StringRef ptx,
                                  const NVPTXTarget &target);

} // namespace loco

#endif // COMPILER_TARGET_NVPTX_NVPTXTARGET_H
