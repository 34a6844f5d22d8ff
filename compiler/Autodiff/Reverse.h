//===- Reverse.h - Cotangents, from the results to the arguments ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AUTODIFF_REVERSE_H
#define COMPILER_AUTODIFF_REVERSE_H

#include "compiler/Autodiff/Activity.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"

namespace loco {

/// Numbers that mark equal values of a forward and a reverse loop.
struct ResidualCounter {
  int64_t next = 0;
};

/// Discardable attributes that pair the loops and the ops in them, for
/// `loco-plan-residuals`.
constexpr llvm::StringLiteral forwardMark = "loco.forward";
constexpr llvm::StringLiteral backwardMark = "loco.backward";
constexpr llvm::StringLiteral residualMark = "loco.residual";

/// Removes these attributes from `op` and all ops inside.
void removeResidualMarks(mlir::Operation *op);

/// Walks a block backwards and emits, at its end, the cotangents of all active
/// values. Seeds are put in with `add` first.
class ReverseSweep {
public:
  ReverseSweep(mlir::ImplicitLocOpBuilder &builder, const Activity &activity,
               ResidualCounter &residuals)
      : builder(builder), activity(activity), residuals(residuals) {}

  /// Adds to the cotangent of `primal`, if it is active.
  void add(mlir::Value primal, mlir::Value cotangent);

  /// The cotangent of `primal`, null where it is zero.
  mlir::Value get(mlir::Value primal) const {
    return cotangents.lookup(primal);
  }

  /// The cotangent of `primal`; zero is emitted where there is none.
  mlir::Value getOrZero(mlir::Value primal);

  mlir::LogicalResult run(mlir::Block &block);

private:
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult visitScan(ScanOp scan);
  mlir::LogicalResult visitStencil(StencilOp stencil);
  void emitStencilCotangents(StencilOp stencil, bool ofNeighbours);

  mlir::ImplicitLocOpBuilder &builder;
  const Activity &activity;
  ResidualCounter &residuals;
  llvm::DenseMap<mlir::Value, mlir::Value> cotangents;
};

} // namespace loco

#endif // COMPILER_AUTODIFF_REVERSE_H
