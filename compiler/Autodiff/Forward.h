//===- Forward.h - Tangents, from the arguments to the results -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AUTODIFF_FORWARD_H
#define COMPILER_AUTODIFF_FORWARD_H

#include "compiler/Autodiff/Activity.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"

namespace loco {

/// Walks a block and emits, after each op, the tangents of its results. Seeds
/// are put in with `set` first.
class ForwardSweep {
public:
  explicit ForwardSweep(mlir::ImplicitLocOpBuilder &builder)
      : builder(builder) {}

  void set(mlir::Value primal, mlir::Value tangent) {
    tangents[primal] = tangent;
  }

  /// The tangent of `primal`, null where it is zero.
  mlir::Value get(mlir::Value primal) const { return tangents.lookup(primal); }

  /// The tangent of `primal`; zero is emitted where there is none.
  mlir::Value getOrZero(mlir::Value primal);

  mlir::LogicalResult run(mlir::Block &block);

private:
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult visitScan(ScanOp scan);
  mlir::LogicalResult visitStencil(StencilOp stencil);

  mlir::ImplicitLocOpBuilder &builder;
  llvm::DenseMap<mlir::Value, mlir::Value> tangents;
};

} // namespace loco

#endif // COMPILER_AUTODIFF_FORWARD_H
