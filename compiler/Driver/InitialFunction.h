//===- InitialFunction.h - Starts as a function of their numbers -*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_INITIALFUNCTION_H
#define COMPILER_DRIVER_INITIALFUNCTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <vector>

namespace loco {

/// `@M.initial` in a module of its own, in f64 whatever the model computes in,
/// as the interpreter does; what it gives is of the model's precision. Its
/// constants are arguments behind the random key: programs that differ in the
/// starts of parameters share the function.
struct InitialFunction {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  /// The values of those arguments.
  std::vector<std::vector<double>> numbers;
};

InitialFunction makeInitialFunction(mlir::func::FuncOp initial);

} // namespace loco

#endif // COMPILER_DRIVER_INITIALFUNCTION_H
