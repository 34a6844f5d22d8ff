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

#include "llvm/ADT/SetVector.h"

namespace loco {

class Planner {
public:
  explicit Planner(Schedule &schedule) : schedule(schedule) {}

  /// Finds the fields that are read beyond their edges. Arrays of the caller
  /// have no room for a halo: their reads go through a copy, which is inserted.
  mlir::LogicalResult findHalos();
  /// Finds the fields and kernels whose lanes are channels.
  void findLaneAxes();
  /// Copies such kernels, and such fields of the caller, to where their
  /// channels are side by side, outside of loops.
  void copyInterleaved();
  /// Decides whether lanes are samples.
  void chooseAbreast();
  /// Finds how many steps stacked values have.
  mlir::LogicalResult findLengths();
  mlir::LogicalResult planFunction();

  int addPlace(Place place);
  /// A buffer of the arena for values of `type`; `storage` names its halo.
  int addArena(mlir::Value storage);
  void requireMemory(mlir::Value value);

  bool isUniform(mlir::Value value) const { return uniform.contains(value); }
  /// True if `value`, of any block, is made of nothing that differs between
  /// samples.
  bool isShared(mlir::Value value) const;
  /// `op` as a matrix product over the rows of its block, if it is one that
  /// pays.
  std::optional<ProductCall> asProduct(mlir::Operation *op);
  bool isDirectSum(mlir::Value value) const {
    return directSums.contains(value);
  }
  bool isSkipped(mlir::Operation *op) const { return skipped.contains(op); }
  bool isInterleavedCopy(mlir::Value value) const {
    return innermost.contains(value);
  }
  void findUniform();
  void findDense();
  /// True if the pieces of this concatenation, or the terms of this sum of
  /// products, are computed where they belong.
  bool isAssembled(mlir::Operation *op);
  bool isSumOfProducts(mlir::Operation *op);
  /// The place of the panels of the matrix of a product in a time loop; -1
  /// where a library multiplies.
  int panelsFor(mlir::Operation *op, ProductCall &call);
  void addPhases(BlockPlan &plan);

  Schedule &schedule;

private:
  bool isLarge(const MatrixProduct &product) const;
  mlir::Value findKeeper(ScanOp scan, mlir::Value carry) const;
  int findHandedOn(ScanOp scan, unsigned carry) const;
  void shareHalo(mlir::Value a, mlir::Value b);
  void planCarries(ScanOp scan, ScanPlan &plan,
                   llvm::SmallVectorImpl<Root> &yields);
  void findDirectSums(mlir::Value value, int number);
  void addResult(mlir::Value value, int number, bool summed,
                 llvm::SmallVectorImpl<Root> &yields);
  bool addBlockSum(mlir::Value value);
  void touchedPlaces(const Group &group,
                     llvm::SmallSetVector<int, 8> &places) const;
  bool wantsLockStep(ScanOp scan);
  bool findLockStep(mlir::Block &block);
  bool wantsOneSample(mlir::Block &block);
  bool allDirect(mlir::Value value, int number);
  /// SegmentSchedule.cpp: the memory of what a loop over segments reads and
  /// gives.
  void planWindows(ScanOp scan);
  bool planSegmentWindow(ScanOp scan, mlir::Value value, mlir::Value sum);
  bool planSegmentSum(ScanOp scan, mlir::Value value, mlir::Value sum);
  int addView(mlir::Operation *op, int whole, mlir::Value first,
              int64_t length);
  Layout layoutFor(mlir::Value storage, mlir::RankedTensorType step) const;
  mlir::Value interleavedCopy(mlir::Value value, mlir::Block *block,
                              unsigned lane);
  void interleaveConstants();
  std::optional<unsigned> laneAxisFor(mlir::Value storage,
                                      llvm::ArrayRef<int64_t> step) const;
  BlockPlan planBlock(mlir::Block &block, llvm::ArrayRef<Root> yields);
  BlockPlan planCopies(llvm::ArrayRef<Root> copies);
  void planNested(mlir::Block &block);
  void planScan(ScanOp scan);
  void chooseTiles(Group &group);
  void chooseLanes(Group &group);
  void chooseWindowLoops();
  void chooseFetches(ScanOp scan, ScanPlan &plan);
  void chooseStepMajor();
  void chooseChunks();
  /// Streams.cpp
  void chooseStreams();
  /// Teams.cpp
  void chooseTeam();
  /// SampleLanes.cpp
  struct FieldCount;
  void countLanes(mlir::Value value, FieldCount &count) const;
  FieldCount countFields() const;
  void planTurned();
  void splitGroup(Group &group) const;
  int addPartials(const Group &group);
  void layOutArena();

  /// By storage (see storageOf in Halos.cpp).
  llvm::DenseMap<mlir::Value, Halo> halos;
  /// Copies with another axis innermost: of which value, which axis it is.
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, mlir::Value>
      interleavedCopies;
  llvm::DenseMap<mlir::Value, unsigned> innermost;
  /// Storage that matrix products read or write.
  llvm::DenseSet<mlir::Value> dense;
  /// Values that are the same for all samples.
  llvm::DenseSet<mlir::Value> uniform;
  /// Results of products that are added up where the caller wants them.
  llvm::DenseMap<mlir::Value, int> directSums;
  /// Sums of loops inside of a loop over segments that go on where the segment
  /// before left them.
  llvm::DenseSet<mlir::Value> continued;
  /// Additions of terms that reach their result one by one.
  llvm::DenseSet<mlir::Operation *> skipped;
  /// Matrices of the body that is being planned.
  llvm::SmallVector<PackedMatrix> packed;
  /// Bodies of scans in lock step.
  llvm::DenseSet<mlir::Block *> lockStep;
  /// A sample goes through all loops before the next one begins: no product
  /// waits for all of them.
  bool oneSample = false;
};

/// True if `scan` runs over segments of the function's steps.
bool isSegmentLoop(ScanOp scan);

/// True if `op` takes, or places, the steps of the segment at hand of a loop
/// over segments: nothing but a part of another stack's memory.
bool isSegmentWindow(mlir::Operation *op);

/// The value whose memory `value` is read from: through the arguments of scans.
/// A carry is named by its argument.
mlir::Value storageOf(mlir::Value value);

/// The element type in which a result is summed over samples.
mlir::Type sumType(mlir::RankedTensorType type);

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOKERNELS_PLANNER_H
