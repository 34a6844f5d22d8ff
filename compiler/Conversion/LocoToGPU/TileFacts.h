//===- TileFacts.h - What differs between samples ---------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOGPU_TILEFACTS_H
#define COMPILER_CONVERSION_LOCOTOGPU_TILEFACTS_H

#include "dialects/Loco/IR/LocoOps.h"

namespace loco {

/// What a function of one sample computes for each sample of a tile, and what
/// only as a sum over them.
class TileFacts {
public:
  TileFacts(mlir::func::FuncOp function, int64_t tile);

  /// True for what differs between samples.
  bool varies(mlir::Value value) const { return varying.contains(value); }
  /// True for a value of which only the sum over samples is wanted.
  bool isSummed(mlir::Value value);

private:
  void findVarying(mlir::Block &block);
  bool sumsInside(mlir::OpOperand &use);
  bool isLargeSum(mlir::Value value) const;

  mlir::func::FuncOp function;
  int64_t tile;
  llvm::DenseSet<mlir::Value> varying;
  llvm::DenseMap<mlir::Value, bool> summed;
  bool isChanged = false;
};

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOGPU_TILEFACTS_H
