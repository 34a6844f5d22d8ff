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

#include "compiler/Conversion/Products.h"

#include "dialects/Loco/IR/LocoOps.h"

#include "llvm/ADT/MapVector.h"

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
  /// Samples that advance together (TileSamples.h); 0: chosen.
  int64_t tile = 0;
  Products products = Products::F32;
};

/// Sites that are kept in registers by a thread of a block of so many: the more
/// threads there are, the fewer registers each has.
inline int64_t registerSlots(const GPUOptions &options, int64_t blockThreads) {
  return options.mostThreads * 4 / blockThreads;
}

/// True for a number of steps that is only known when the kernel runs: the
/// function's (kDynamic), or that of LocoToKernels/Layout.h.
inline bool isOpen(int64_t extent) { return extent < 0; }

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
  /// Stacked: number of steps, may be open.
  int64_t length = mlir::ShapedType::kDynamic;
  /// Bytes from the start of shared or scratch memory.
  int64_t offset = 0, offsetPerStep = 0, offsetPerSegment = 0,
          offsetPerSegmentStep = 0;
  /// Shared, of several blocks: each holds the elements of its own threads. In
  /// a grid others do not see them.
  bool isSpread = false;
  /// So many times one behind the other.
  int64_t copies = 1;
  /// Argument, result: samples of the tile, each with an array of its own. The
  /// shape begins with them.
  int64_t tile = 1;
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

/// All of a place, or its part at the current step of a loop; counted from step
/// `first`, if that is there: a segment of a stack.
struct GPUReference {
  int place = -1;
  mlir::Value step = {};
  mlir::Value first = {};
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
  /// Later stages of a tight loop read it: it is computed here, where its
  /// operands are, which would otherwise be kept until then.
  bool isPinned = false;
  /// Later stages of a tight loop read its results from memory, where
  /// neighbours read them, not from registers.
  bool isReloaded = false;
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
    /// Products whose weights stay on chip: all threads, one barrier.
    Product,
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
  /// Sites and addresses are computed anew in every step of the loop around,
  /// which is tight.
  bool isAnew = false;
};

/// A product in a loop of a matrix that every step sees, its rows those of the
/// result, and one that changes, whose columns are the result's. Or one of two
/// that change, summed over samples and steps: the gradient of such a matrix.
struct GPUProduct {
  /// Several axes as one, numbered row by row.
  struct Axes {
    std::string letters;
    llvm::SmallVector<int64_t> extents;
    int64_t count = 1;
  };
  ContractOp op;
  mlir::Value held, moving;
  std::string heldLetters, movingLetters, output;
  Axes rows, summed, columns;
  bool isSum = false;
  /// In bytes, from the start of the panels.
  int64_t heldOffset = 0, movingOffset = 0;
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
    /// A product of two panels, added up in registers as its jobs are given out
    /// (GPUProduct::isSum), and stored after the loop.
    mlir::Operation *product = nullptr;
  };
  /// An element of every step that is copied into shared memory while the step
  /// before is worked on.
  struct Fetch {
    mlir::Value element;
    Carry halves;
  };
  llvm::SmallVector<Carry> carries;
  llvm::SmallVector<Fetch> fetches;
  llvm::SmallVector<Sum> sums;
  std::vector<GPUStage> entry, body;
  /// Before the first elements are read; before sums are stored; before those
  /// of threads are reduced.
  bool barrierBefore = false, barrierAfter = false, barrierBeforeSums = false;
  /// In a step, before copies of the next one's elements start.
  bool barrierBeforeFetches = false;
  /// There are no registers for what is the same in every step.
  bool isTight = false;

  /// What has two halves that change places after every step.
  llvm::SmallVector<Carry> halves() const {
    llvm::SmallVector<Carry> all;
    for (const Carry &carry : carries)
      if (carry.both >= 0)
        all.push_back(carry);
    for (const Fetch &fetch : fetches)
      all.push_back(fetch.halves);
    return all;
  }
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
  /// Samples that a team advances together; 1: why not more, where there would
  /// be products for them.
  int64_t tile = 1;
  std::string whyNoTile;
  llvm::MapVector<mlir::Operation *, GPUProduct> products;
  /// Shared memory of both sides of products; -1: there are none.
  int panelPlace = -1;
  std::vector<GPUPlace> places;
  llvm::DenseMap<mlir::Value, GPUReference> memory;
  /// Numbers of steps of stacked values where they are not the function's.
  llvm::DenseMap<mlir::Value, int64_t> lengths;
  std::vector<GPUStage> top;
  llvm::MapVector<mlir::Operation *, std::unique_ptr<GPUScan>> scans;
  /// Elements of steps that are copied ahead (GPUScan::fetches).
  llvm::DenseSet<mlir::Value> fetched;
  /// Elements of steps that are loaded when they are used, and brought closer
  /// in the step before.
  llvm::DenseSet<mlir::Value> loadedLate;
  /// Registers that are left in the loop that has fewest, as far as that can be
  /// told here, where one is tight; sites of the largest field that such loops
  /// have in registers.
  int64_t spareRegisters = 255, mostHeld = 0;
  /// The sections of the function's own ops: loops over steps, and what is
  /// between them. Nothing stays in registers from one section to another.
  llvm::DenseMap<mlir::Operation *, unsigned> sections;
  /// Of shared memory that block reductions use.
  int reductionPlace = -1;
  /// Of shared memory: numbers from which sections start (a zero, the sample,
  /// the block, the steps, the block's scratch memory, how the steps are
  /// divided) and loops' addresses (the zero), and from where the next sample
  /// is found; -1: there is no loop over steps.
  int anchorPlace = -1;
  static constexpr int64_t anchorNumbers = 8;
  /// Of a team: shared memory in each of its blocks, scratch memory. That
  /// begins with `counterBytes` where blocks of a grid meet.
  int64_t sharedBytes = 0, scratchBytes = 0, scratchBytesPerStep = 0;
  int64_t scratchBytesPerSegment = 0, scratchBytesPerSegmentStep = 0;
  int64_t counterBytes = 0;
  /// The function goes through its steps in segments.
  bool hasSegments = false;

  /// Sizes of a product's panels: rows that a block has, columns and sums, as
  /// they are in memory; numbers from one sum's columns to the next one's.
  struct Panels {
    int64_t rows = 0, columns = 0, summed = 0, pitch = 0, parts = 1;
    int64_t heldBytes = 0, movingBytes = 0;
  };
  Panels panelsOf(const GPUProduct &product) const;
  bool multipliesByTensorCores(const GPUProduct &product) const;
  /// Of a sum: pieces of the result, each of one thread (four by four) or one
  /// warp, and how many a thread has at most.
  int64_t jobsOf(const GPUProduct &product) const;
  int64_t jobsOfThread(const GPUProduct &product) const;

  /// Threads that a team has in one block; threads of a block.
  int64_t threadsInBlock() const { return threads / blocksPerSample; }
  int64_t blockThreads() const { return threadsInBlock() * samplesPerBlock; }
  /// Bytes of one copy of a place's elements of one step, in one block if it is
  /// spread, a multiple of 16.
  int64_t bytesOf(const GPUPlace &place) const;
  /// The shape of `value`; the number of steps may be open.
  llvm::SmallVector<int64_t> shapeOf(mlir::Value value) const;
  /// Number of elements; -1 if it depends on the function's number of steps.
  int64_t countOf(mlir::Value value) const;
  /// Sites of each thread, 0 if not kept in registers.
  int64_t slotsOf(int64_t count) const;
  /// Sites of a thread that are one place of as many channels, for a conv that
  /// mixes these: what they read is the same. 0 if they are not, or are few.
  int64_t channelsOfThread(mlir::Operation *op) const;
  /// Output channels whose weights, of one channel of the field, a warp finds
  /// the derivatives of at a time; 0: it finds one weight's.
  int64_t outputsOfWarp(mlir::Operation *op) const;
  /// True for a reduction that is made by one warp for each result.
  bool isByWarps(mlir::Operation *op) const;
  /// True if what computes `value` leaves it in registers.
  bool hasRegisters(mlir::Value value) const;
  /// The same for a reader in `section`.
  bool hasRegisters(mlir::Value value, unsigned section) const;
};

/// `op` as a product whose weights can stay on chip.
std::optional<GPUProduct> asProduct(ContractOp op);

/// So many samples of `function` should advance together, for the sake of
/// products in its loops, or as many as the options ask for. `why`: why it is
/// one, where there are such products.
int64_t chooseTile(mlir::func::FuncOp function, const GPUOptions &options,
                   std::string &why);

/// Plans `function`, which describes one sample, or a tile of `tile` samples; an
/// op that cannot be compiled is a diagnostic.
mlir::FailureOr<GPUSchedule> makeGPUSchedule(mlir::func::FuncOp function,
                                             const GPUOptions &options,
                                             int64_t tile = 1);

/// The schedule as text: stages, memory, barriers.
std::string describeGPUSchedule(const GPUSchedule &schedule);

/// An op that only says where an element of its result is found.
bool isView(mlir::Operation *op);

/// Through the `with` of loops to what an argument stands for.
mlir::Value resolve(mlir::Value value);

/// The stack that an argument is an element of; null if it is none. For an
/// element of a segment, that of all steps.
mlir::Value getStackOf(mlir::Value value);

/// The first step of the segment that an argument is an element of; null if it
/// is of no segment.
mlir::Value getFirstOf(mlir::Value value);

/// True for what is zero but at the steps of the segment at hand of a loop over
/// segments.
bool isPlacedInSegments(mlir::Value value);

/// How an op reads one of its operands: at the thread's own site, or anywhere.
bool readsOwnSite(mlir::Operation *op, unsigned operand);

/// True for a reduction of whole fields to one element.
bool isFullReduction(mlir::Operation *op);

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOGPU_GPUSCHEDULE_H
