//===- Autodiff.h - Derivatives of functions of the loco dialect ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Forward and reverse mode on whole functions, time loops included. What comes
// out is made of the ops that went in, so it can be differentiated again.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AUTODIFF_AUTODIFF_H
#define COMPILER_AUTODIFF_AUTODIFF_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace loco {

/// Adds to the module the function `name`:
///
///   (arguments of `primal`, one cotangent for each floating-point result)
///     -> (results of `primal`, cotangents of the arguments listed in `wrt`)
///
/// The reverse pass of a time loop is a time loop in the other direction, which
/// recomputes each step from the carries that the forward loop stacks. Values
/// of the two loops that are equal carry the same `loco.residual` number, for
/// the planner (`loco-plan-residuals`) to decide which of them to store. An op
/// without a derivative is an error at its place, unless nothing depends on it.
mlir::FailureOr<mlir::func::FuncOp>
createVJP(mlir::func::FuncOp primal, llvm::ArrayRef<unsigned> wrt,
          llvm::StringRef name);

/// The same where only the results at the positions `of` have a cotangent; that
/// of the others is zero.
mlir::FailureOr<mlir::func::FuncOp>
createVJPOfResults(mlir::func::FuncOp primal, llvm::ArrayRef<unsigned> of,
                   llvm::ArrayRef<unsigned> wrt, llvm::StringRef name);

/// Adds to the module the function `name`:
///
///   (arguments of `primal`, one tangent for each argument listed in `wrt`)
///     -> (results of `primal`, tangents of its floating-point results)
mlir::FailureOr<mlir::func::FuncOp> createJVP(mlir::func::FuncOp primal,
                                              llvm::ArrayRef<unsigned> wrt,
                                              llvm::StringRef name);

/// True for types that have derivatives: tensors of floating-point numbers.
bool isDifferentiable(mlir::Type type);

#define GEN_PASS_DECL
#include "compiler/Autodiff/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/Autodiff/Passes.h.inc"

} // namespace loco

#endif // COMPILER_AUTODIFF_AUTODIFF_H
