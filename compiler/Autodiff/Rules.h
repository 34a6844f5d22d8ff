//===- Rules.h - Derivative rules of single ops --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One table per kind of op serves both modes: an elementwise function has
// partial derivatives, a linear op has a transpose, a bilinear form has two.
// Loops and stencils, which hold a program of their own, are differentiated in
// RegionRules.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AUTODIFF_RULES_H
#define COMPILER_AUTODIFF_RULES_H

#include "dialects/Loco/IR/LocoOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace loco {

/// How an op depends on its floating-point operands.
enum class Dependence {
  /// Not at all, or by steps only: the derivative is zero.
  Constant,
  /// Elementwise, with partial derivatives.
  Elementwise,
  /// Linear (where the op is a choice, such as a maximum: linear once chosen).
  Linear,
  /// Linear in each of two operands.
  Bilinear,
  /// Through a program in a region.
  Region,
  /// No rule.
  Unknown,
};

Dependence getDependence(mlir::Operation *op);

/// The partial derivative of the elementwise `op` by operand `index`, at every
/// site; `op` dominates the builder's place.
mlir::Value emitPartial(mlir::ImplicitLocOpBuilder &builder,
                        mlir::Operation *op, unsigned index);

/// The contribution of `cotangent`, that of the linear or bilinear `op`'s
/// result, to the cotangent of operand `index`.
mlir::Value emitTranspose(mlir::ImplicitLocOpBuilder &builder,
                          mlir::Operation *op, unsigned index,
                          mlir::Value cotangent);

/// The tangent of the linear or bilinear `op`'s result; null operand tangents
/// are zero, and at least one is not null.
mlir::Value emitPushforward(mlir::ImplicitLocOpBuilder &builder,
                            mlir::Operation *op,
                            llvm::ArrayRef<mlir::Value> tangents);

/// The constant `number` at every site, in the type of `value`, which is
/// differentiable and gives the length where it is stacked.
mlir::Value emitConstantLike(mlir::ImplicitLocOpBuilder &builder,
                             mlir::Value value, double number);

/// Zero in the type of `value`.
mlir::Value emitZeroLike(mlir::ImplicitLocOpBuilder &builder,
                         mlir::Value value);

} // namespace loco

#endif // COMPILER_AUTODIFF_RULES_H
