//===- ScanBuilder.h - Making a scan from parts of another ------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_LOCO_TRANSFORMS_SCANBUILDER_H
#define DIALECTS_LOCO_TRANSFORMS_SCANBUILDER_H

#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/MapVector.h"

namespace loco {

/// Describes a scan by values of another scan's body and of its surroundings.
/// Arguments are named by the body values that they stand for.
struct ScanParts {
  mlir::Value steps;
  bool reverse = false;
  /// How many of the steps are run; null: all of them.
  mlir::Value taken;
  /// What the body yields for going on; null: it does not say.
  mlir::Value condition;
  /// What stands for the step in the body.
  mlir::Value step;
  struct Carry {
    mlir::Value argument, init, next;
  };
  llvm::SmallVector<Carry> carries;
  /// Body value to what it is bound to outside.
  llvm::MapVector<mlir::Value, mlir::Value> elements, constants;
  llvm::SmallVector<mlir::Value> stacks, sums;
};

/// Makes the scan; `ops` (in order) are cloned into its body.
ScanOp buildScan(mlir::OpBuilder &builder, mlir::Location loc,
                 const ScanParts &parts, llvm::ArrayRef<mlir::Operation *> ops);

/// The parts of `scan` itself.
ScanParts partsOf(ScanOp scan);

} // namespace loco

#endif // DIALECTS_LOCO_TRANSFORMS_SCANBUILDER_H
