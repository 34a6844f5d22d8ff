//===- GradientCheck.h - Derivatives against finite differences ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The autodiff has two modes that share rules but no algorithm, and the
// interpreter knows neither. Where finite differences, the forward and the
// reverse mode agree, a gradient is right. What stands in a `stop_gradient` is
// held in all three: also in the differences.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_GRADIENTCHECK_H
#define COMPILER_DRIVER_GRADIENTCHECK_H

#include "compiler/Reference/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <limits>

namespace loco {

/// The derivative of one number, a random combination of a function's results,
/// along a random direction in one argument: computed in three ways.
struct GradientCheck {
  /// Position of the argument.
  unsigned argument = 0;
  double finiteDifference = 0;
  double forward = 0;
  double reverse = 0;
  /// What the finite difference itself is uncertain by: its change when its
  /// step is halved, and the kink that it stands at.
  double uncertainty = std::numeric_limits<double>::infinity();
  /// Size of the terms that the derivative sums up; errors are relative to it.
  double scale = 0;

  /// Relative distance of forward mode and finite difference, beyond what
  /// the latter is uncertain by.
  double getForwardError() const;
  /// Relative distance of reverse and forward mode.
  double getReverseError() const;
};

/// Checks the derivatives of `function` by each of `wrt` at `arguments`. Adds
/// functions to the module and removes them again. Fails, with a diagnostic, if
/// the function has no derivative or cannot be run.
mlir::FailureOr<std::vector<GradientCheck>>
checkGradients(mlir::func::FuncOp function, llvm::ArrayRef<unsigned> wrt,
               llvm::ArrayRef<RuntimeValue> arguments, uint64_t seed);

} // namespace loco

#endif // COMPILER_DRIVER_GRADIENTCHECK_H
