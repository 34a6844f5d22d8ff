//===- BreakKernels.h - Mistakes for the emulation to find ------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TEST_CONVERSION_BREAKKERNELS_H
#define TEST_CONVERSION_BREAKKERNELS_H

#include "mlir/IR/BuiltinOps.h"

namespace loco {

/// Puts a mistake into kernels that the emulation has to find: no `barrier` in
/// time loops, a `halo` whose neighbours around the edge are one site off, the
/// shared memory of the wrong `block`, or a `fragment` two of whose registers
/// are exchanged. No other name changes anything.
void breakKernels(mlir::ModuleOp kernels, llvm::StringRef mistake);

} // namespace loco

#endif // TEST_CONVERSION_BREAKKERNELS_H
