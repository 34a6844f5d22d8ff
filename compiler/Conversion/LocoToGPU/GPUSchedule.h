//===- GPUSchedule.h - What a GPU's threads compute, and where --*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All decisions of a GPU kernel, before any code is emitted. A team of threads
// runs one sample, all steps of it: a block, one of several teams in a block
// where samples are small, or several blocks where one does not hold the sample
// (a cluster, whose blocks read each other's shared memory, or blocks of a grid
// that meet in global memory). Site number i of a field belongs to thread i mod
// T of the team's T threads; a field of at most `mostSlots` sites a thread is
// kept in registers. What a thread reads at sites of others is in
// shared memory, or in global scratch memory where that is full. Stages are run
// one after the other by all threads, with a barrier where memory says so.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOGPU_GPUSCHEDULE_H
#define COMPILER_CONVERSION_LOCOTOGPU_GPUSCHEDULE_H

#include "dialects/Loco/IR/LocoOps.h"

#include <memory>

namespace loco {

struct GPUOptions {
  /// Bytes of shared memory that a block may use.
  int64_t sharedBytes = 99 * 1024;
  /// Threads of a block for fields that need not more.
  int64_t threads = 512;
  int64_t mostThreads = 1024;
  /// Sites of a thread that are kept in registers.
  int64_t mostSlots = 8;
  /// Blocks may be clusters.
  bool hasClusters = true;
  /// Blocks that share a sample, samples that share a block; 0: chosen.
  int64_t blocksPerSample = 0, samplesPerBlock = 0;
};

/// A piece of memory.
struct GPUPlace {
  enum class Kind {
    /// In memory of the caller; Partial: a sum over the samples of this block.
    Argument,
    Result,
    Partial,
    /// A constant of the module.
    Constant,
    /// Of this block.
    Shared,
    Scratch,
    /// Known by its address when code is emitted: the halves of a carry.
    Half,
  };
  Kind kind = Kind::Scratch;
  /// Of the function's argument or result.
  unsigned index = 0;
  mlir::Type element;
  /// Of one step.
  llvm::SmallVector<int64_t> shape;
  bool stacked = false;
  /// Stacked: number of steps; kDynamic: the function's.
  int64_t length = mlir::ShapedType::kDynamic;
  /// Bytes from the start of shared or scratch memory.
  int64_t offset = 0, offsetPerStep = 0;
  /// Shared, of a cluster: each block holds the elements of its own threads.
  bool isSpread = false;
  /// So many times one behind the other.
  int64_t copies = 1;
  /// Loops around its use, by which shared memory is given out.
  unsigned depth = 0;
  mlir::Attribute constant;

  int64_t sites() const {
    int64_t count = 1;
    for (int64_t extent : shape)
      count *= extent;
    return count;
  }
};

/// All of a place, or its part at the current step of a loop.
struct GPUReference {
  int place = -1;
  mlir::Value step;
  explicit operator bool() const { return place >= 0; }
};

/// Where a value is stored when it is made.
struct GPUSink {
  GPUReference to;
  /// Add to what is there.
  bool add = false;
};

/// One thing that a group of threads does at each site.
struct GPUItem {
  /// Computes an op's results ...
  mlir::Operation *op = nullptr;
  /// ... or reads a value, or (both null) takes zero, for `sinks` alone.
  mlir::Value value;
  llvm::SmallVector<GPUSink> sinks;
  /// A reduction whose terms are added up in registers until its loop ends.
  bool deferred = false;
};

struct GPUStage {
  enum class Kind {
    /// Items at every site, each by the thread that the site belongs to.
    Sites,
    /// Items without sites (one element), by every thread alike.
    Replicated,
    /// A reduction to few results: one warp for each.
    Warps,
    /// Reductions to one result: all threads, twice a tree.
    Block,
    /// A loop over steps.
    Scan,
  };
  Kind kind = Kind::Sites;
  unsigned level = 0;
  /// A value with the shape of the sites; static number of sites, or -1.
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<GPUItem> items;
  bool barrier = false;
  /// Number of the section that the stage is part of.
  unsigned section = 0;
  /// Addresses and sites are computed anew, not kept from before: a loop that
  /// is long beside them.
  bool isApart = false;
};

/// The plan of a loop over steps.
struct GPUScan {
  struct Carry {
    /// Memory of both halves, and the places that mean the value before and
    /// after the current step; -1: registers only.
    int both = -1, current = -1, next = -1;
  };
  struct Sum {
    /// Its terms are added up by each thread and reduced after the loop.
    mlir::Operation *deferred = nullptr;
    /// Where it is added up; -1: in registers.
    int place = -1;
  };
  llvm::SmallVector<Carry> carries;
  llvm::SmallVector<Sum> sums;
  std::vector<GPUStage> entry, body;
  /// Before the first elements are read; before sums are stored; before those
  /// of threads are reduced.
  bool barrierBefore = false, barrierAfter = false, barrierBeforeSums = false;
};

/// The plan of a whole function.
struct GPUSchedule {
  mlir::func::FuncOp function;
  GPUOptions options;
  /// Of a team.
  int64_t threads = 32;
  /// Blocks that share a sample, samples that share a block: one of the two is
  /// 1.
  int64_t blocksPerSample = 1, samplesPerBlock = 1;
  /// Several blocks are a cluster; otherwise they are some of a grid.
  bool isCluster = false;
  std::vector<GPUPlace> places;
  llvm::DenseMap<mlir::Value, GPUReference> memory;
  /// Numbers of steps of stacked values where they are not the function's.
  llvm::DenseMap<mlir::Value, int64_t> lengths;
  std::vector<GPUStage> top;
  llvm::DenseMap<mlir::Operation *, std::unique_ptr<GPUScan>> scans;
  /// The sections of the function's own ops: loops over steps, and what is
  /// between them. Nothing stays in registers from one section to another.
  llvm::DenseMap<mlir::Operation *, unsigned> sections;
  /// Of shared memory that block reductions use.
  int reductionPlace = -1;
  /// Of shared memory: numbers from which sections start (a zero, the sample,
  /// the block, the steps, the block's scratch memory); -1: there is one
  /// section.
  int anchorPlace = -1;
  static constexpr int64_t anchorNumbers = 5;
  /// Of a team: shared memory in each of its blocks, scratch memory. That
  /// begins with `counterBytes` where blocks of a grid meet.
  int64_t sharedBytes = 0, scratchBytes = 0, scratchBytesPerStep = 0;
  int64_t counterBytes = 0;

  /// Threads that a team has in one block; threads of a block.
  int64_t threadsInBlock() const { return threads / blocksPerSample; }
  int64_t blockThreads() const { return threadsInBlock() * samplesPerBlock; }
  /// Bytes of one copy of a place's elements of one step, in one block if it is
  /// spread, a multiple of 16.
  int64_t bytesOf(const GPUPlace &place) const;
  /// The shape of `value`; kDynamic is the function's number of steps.
  llvm::SmallVector<int64_t> shapeOf(mlir::Value value) const;
  /// Number of elements; -1 if it depends on the function's number of steps.
  int64_t countOf(mlir::Value value) const;
  /// Sites of each thread, 0 if not kept in registers.
  int64_t slotsOf(int64_t count) const;
  /// True for a reduction that is made by one warp for each result.
  bool isByWarps(mlir::Operation *op) const;
  /// True if what computes `value` leaves it in registers.
  bool hasRegisters(mlir::Value value) const;
  /// The same for a reader in `section`.
  bool hasRegisters(mlir::Value value, unsigned section) const;
};

/// Plans `function`, which describes one sample; an op that cannot be compiled
/// is a diagnostic.
mlir::FailureOr<GPUSchedule> makeGPUSchedule(mlir::func::FuncOp function,
                                             const GPUOptions &options);

/// The schedule as text: stages, memory, barriers.
std::string describeGPUSchedule(const GPUSchedule &schedule);

/// An op that only says where an element of its result is found.
bool isView(mlir::Operation *op);

/// Through the `with` of loops to what an argument stands for.
mlir::Value resolve(mlir::Value value);

/// The stack that an argument is an element of; null if it is none.
mlir::Value getStackOf(mlir::Value value);

/// How an op reads one of its operands: at the thread's own site, or anywhere.
bool readsOwnSite(mlir::Operation *op, unsigned operand);

/// True for a reduction of whole fields to one element.
bool isFullReduction(mlir::Operation *op);

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOGPU_GPUSCHEDULE_H
