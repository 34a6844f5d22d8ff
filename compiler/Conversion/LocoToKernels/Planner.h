//===- Planner.h - Making a schedule ----------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOKERNELS_PLANNER_H
#define COMPILER_CONVERSION_LOCOTOKERNELS_PLANNER_H

#include "compiler/Conversion/LocoToKernels/Schedule.h"
#include "runtime/include/loco-c/kernel.h"

namespace loco {

class Planner {
public:
  explicit Planner(Schedule &schedule) : schedule(schedule) {}

  /// Finds the fields that are read beyond their edges. Arrays of the caller
  /// have no room for a halo: their reads go through a copy, which is inserted.
  mlir::LogicalResult findHalos();
  mlir::LogicalResult planFunction();

  int addPlace(Place place);
  /// A buffer of the arena for values of `type`; `storage` names its halo.
  int addArena(mlir::Value storage, mlir::Type type);
  void requireMemory(mlir::Value value);

  Schedule &schedule;

private:
  Layout layoutFor(mlir::Value storage, mlir::RankedTensorType step) const;
  BlockPlan planBlock(mlir::Block &block, llvm::ArrayRef<Root> yields);
  BlockPlan planCopies(llvm::ArrayRef<Root> copies);
  void planNested(mlir::Block &block);
  void planScan(ScanOp scan);
  void chooseTiles(Group &group);
  void layOutArena();

  /// By storage (see storageOf in Halos.cpp).
  llvm::DenseMap<mlir::Value, Halo> halos;
};

/// The element type in which a result is summed over samples.
mlir::Type sumType(mlir::RankedTensorType type);

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOKERNELS_PLANNER_H
