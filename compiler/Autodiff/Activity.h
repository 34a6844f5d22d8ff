//===- Activity.h - Which values a derivative concerns -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AUTODIFF_ACTIVITY_H
#define COMPILER_AUTODIFF_ACTIVITY_H

#include "dialects/Loco/IR/LocoOps.h"
#include "llvm/ADT/DenseSet.h"

namespace loco {

/// The values that depend, differentiably, on those a derivative is taken by.
class Activity {
public:
  bool contains(mlir::Value value) const { return active.contains(value); }
  void insert(mlir::Value value) { active.insert(value); }

  /// Follows the ops of `block` in order. Fails, with a diagnostic, at an op
  /// that has no rule and depends on an active value.
  mlir::LogicalResult propagate(mlir::Block &block);

  /// True if any of `values` is active.
  bool containsAny(mlir::ValueRange values) const {
    return llvm::any_of(values, [&](mlir::Value v) { return contains(v); });
  }

private:
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult visitScan(ScanOp scan);

  llvm::DenseSet<mlir::Value> active;
};

/// Activity inside of a scan's body, found by going round until no further
/// carry becomes active.
struct ScanActivity {
  llvm::SmallVector<bool> carries;
  Activity body;
};

mlir::FailureOr<ScanActivity> findScanActivity(ScanOp scan,
                                               const Activity &outside);

} // namespace loco

#endif // COMPILER_AUTODIFF_ACTIVITY_H
