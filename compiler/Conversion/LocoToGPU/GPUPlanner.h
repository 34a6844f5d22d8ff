//===- GPUPlanner.h - Making a GPU's schedule -------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOGPU_GPUPLANNER_H
#define COMPILER_CONVERSION_LOCOTOGPU_GPUPLANNER_H

#include "compiler/Conversion/LocoToGPU/GPUSchedule.h"

#include "llvm/ADT/SetVector.h"

namespace loco {

/// What value is read to know another, and whether at the reader's own site.
using VisitLeaf = llvm::function_ref<void(mlir::Value, bool isOwn)>;

/// Blocks of a cluster on every device that has clusters.
inline constexpr int64_t mostInCluster = 8;

class GPUPlanner {
public:
  explicit GPUPlanner(GPUSchedule &schedule) : schedule(schedule) {}

  mlir::LogicalResult plan();

private:
  // PlanStages.cpp: what is done in which order.
  void chooseThreads();
  void chooseBlocks(int64_t most);
  void planBlock(mlir::Block &block, std::vector<GPUStage> &stages,
                 llvm::ArrayRef<std::pair<mlir::Value, GPUSink>> sinks);
  void planScan(ScanOp scan);
  void planFunction();
  unsigned readLevel(mlir::Value value, bool isOwn, mlir::Block &block);
  GPUStage &stageFor(std::vector<GPUStage> &stages, GPUStage::Kind kind,
                     unsigned level, mlir::Value shape);
  void findDeferred();
  bool isDeferred(mlir::Operation *op) const { return deferred.contains(op); }
  bool readsOwn(mlir::Operation *op, unsigned operand) const;
  GPUStage::Kind classify(mlir::Operation *op) const;

  // PlanChannels.cpp
  int64_t alignToPlaces(int64_t threads, int64_t most) const;
  int64_t dividePlaces(int64_t &blocks, int64_t threads, int64_t most);

  // PlanProducts.cpp
  void planProducts();
  void chooseTileThreads(int64_t most);
  void planPanels();

  // PlanSections.cpp: what stays in registers for how long.
  void planSections();

  // PlanSegments.cpp
  bool
  planSegmentSum(ScanOp scan, mlir::Value value, mlir::Value sum,
                 llvm::SmallVectorImpl<std::pair<mlir::Value, GPUSink>> &sinks);

  // PlanFetches.cpp
  void planFetches();
  void planFetches(ScanOp scan);

  // PlanRegisters.cpp
  void planRegisters();
  int64_t registersKept(ScanOp scan) const;
  int64_t registersSaved(ScanOp scan) const;
  void loadLate(ScanOp scan, int64_t missing);
  void pinItems(GPUStage &stage);
  int64_t registersBetween(const std::vector<GPUStage> &stages) const;

  // PlanMemory.cpp: where values are.
  void leaves(mlir::Value value, bool isOwn, VisitLeaf visit) const;
  void leavesOfOp(mlir::Operation *op, VisitLeaf visit) const;
  void findRemote();
  int addPlace(GPUPlace place);
  int addMemory(mlir::Value value, GPUPlace::Kind kind);
  void requireMemory(mlir::Value value);
  void requireMemoryAcross(llvm::ArrayRef<GPUStage> stages);
  void layOut();
  int64_t mostReductions(llvm::ArrayRef<GPUStage> stages) const;

  // PlanBarriers.cpp
  struct Access {
    int place;
    /// Which thread touches which element: the number of sites that are given
    /// out to the threads in turn; 0: any.
    int64_t mapping;
    bool write;
  };
  using Accesses = llvm::SmallVector<Access>;
  void accessesOf(const GPUStage &stage, Accesses &accesses) const;
  void readAccess(mlir::Value value, bool isOwn, int64_t mapping,
                  unsigned section, Accesses &accesses) const;
  void placeBarriers(std::vector<GPUStage> &stages, Accesses &open);

  GPUSchedule &schedule;
  /// Values that are read at sites of other threads.
  llvm::SetVector<mlir::Value> remote;
  llvm::DenseSet<mlir::Operation *> deferred;
  /// Sums of loops inside of a loop over segments that go on where the segment
  /// before left them.
  llvm::DenseSet<mlir::Value> continued;
  bool hasReductions = false;
  /// Of shared memory that copies for the next step have so far.
  int64_t fetchEnd = 0;
  /// When values of a block are there, and whether at their own site earlier.
  llvm::DenseMap<mlir::Value, unsigned> levels;
};

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOGPU_GPUPLANNER_H
