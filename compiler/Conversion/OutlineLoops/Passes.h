//===- Passes.h - Large kernels as several functions ------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_OUTLINELOOPS_PASSES_H
#define COMPILER_CONVERSION_OUTLINELOOPS_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/Pass.h"

namespace loco {

#define GEN_PASS_DECL
#include "compiler/Conversion/OutlineLoops/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/Conversion/OutlineLoops/Passes.h.inc"

} // namespace loco

#endif // COMPILER_CONVERSION_OUTLINELOOPS_PASSES_H
