//===- InitialRecipes.h - Starts that need no code --------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_INITIALRECIPES_H
#define COMPILER_DRIVER_INITIALRECIPES_H

#include "loco/TensorRecipe.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>

namespace loco {

/// What `@M.initial` (docs/ModelIR.md) computes, in f64 as the interpreter
/// does, if it treats all sites of each result alike; nothing if some result
/// needs more than draws, numbers and arithmetic.
std::optional<std::vector<TensorRecipe>>
readRecipes(mlir::func::FuncOp initial);

} // namespace loco

#endif // COMPILER_DRIVER_INITIALRECIPES_H
