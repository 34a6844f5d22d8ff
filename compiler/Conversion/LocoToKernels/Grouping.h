//===- Grouping.h - Which ops are fused into one pass over sites -*- C++
//-*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every op has a level: that of its operands, or one more where an operand must
// be complete before the op can start. Ops of one level and one shape are a
// group; what crosses groups is kept in memory.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOKERNELS_GROUPING_H
#define COMPILER_CONVERSION_LOCOTOKERNELS_GROUPING_H

#include "compiler/Conversion/LocoToKernels/Planner.h"

namespace loco {

/// The sites that an op runs over.
llvm::SmallVector<int64_t> iterationShape(const Schedule &schedule,
                                          mlir::Operation *op);

/// Sums of kernel gradients, or weights, that one pass keeps in registers
/// beside what it computes, by how many registers there are.
int64_t mostSums(const Schedule &schedule);

/// What it costs to read a field of vectors, and to write it, in operations on
/// vectors. A line that is written is read, and moved away, too.
constexpr int64_t readCost = 1, writeCost = 3;

/// True if reading `value` at a site is an access of memory.
bool isField(mlir::Value value);

/// Distributes the ops of one block over groups.
class Grouping {
public:
  Grouping(Planner &planner, mlir::Block &block)
      : planner(planner), block(block) {}

  BlockPlan run(llvm::ArrayRef<Root> yields);

private:
  using Levels = llvm::DenseMap<mlir::Operation *, unsigned>;
  using Ops = llvm::SmallSetVector<mlir::Operation *, 16>;

  bool isBarrier(mlir::OpOperand &use) const;
  bool standsAlone(mlir::Operation *op) const;
  void assignLevels();
  void partSums();
  void partCopies();
  void materialise();
  void addToFirst();
  void placePieces(llvm::SmallVectorImpl<Root> &yields);
  void placeReshaped(llvm::SmallVectorImpl<Root> &yields);
  Group *groupReading(mlir::Value value);
  Group &groupFor(unsigned level, llvm::ArrayRef<int64_t> shape, bool uniform);
  Group &addGroup(unsigned level, llvm::ArrayRef<int64_t> shape, bool uniform);
  Root &rootFor(Group &group, mlir::Value value);

  // Sinking.cpp: moving ops to where they are used.
  bool isLeaving(mlir::Operation *user) const;
  bool hasLevel(mlir::Operation *op) const;
  bool isOwn(mlir::OpOperand &operand) const;
  llvm::DenseSet<mlir::Operation *> findLight() const;
  bool mayMove(mlir::Operation *op) const;
  Levels settle(llvm::DenseSet<mlir::Operation *> &pinned,
                const llvm::DenseSet<mlir::Operation *> &light) const;
  bool holdMoves(const Levels &late,
                 const llvm::DenseSet<mlir::Operation *> &light,
                 llvm::DenseSet<mlir::Operation *> &pinned) const;
  bool hasLightOperands(mlir::Operation *op,
                        const llvm::DenseSet<mlir::Operation *> &light) const;
  void sinkLate();

  // Repeating.cpp: making them there once more.
  bool isUsedAt(mlir::OpOperand &use, unsigned level) const;
  bool crosses(mlir::Value value, unsigned level) const;
  bool isPadded(mlir::Value value) const;
  bool isKept(mlir::Value value) const;
  std::optional<Ops> coneOf(mlir::Operation *op) const;
  void repeatAt(unsigned level, llvm::ArrayRef<int64_t> shape);
  void repeatCheap();

  Planner &planner;
  mlir::Block &block;
  Levels levels;
  llvm::SmallVector<std::unique_ptr<Group>> groups;
  /// Kernel gradients and copies that have a pass of their own.
  llvm::DenseSet<mlir::Operation *> apart;
  /// Reshapes whose elements are stored where they belong by what makes them.
  llvm::DenseSet<mlir::Operation *> placed;
  /// What a later group reads from memory rather than compute it again.
  llvm::DenseSet<mlir::Value> kept;
};

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOKERNELS_GROUPING_H
