//===- Schedule.h - What is computed where and when -------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All decisions of the CPU kernels, before any code is emitted: which ops are
// fused into one loop nest (a group), which values are kept in memory, in which
// layout and where, in which order samples and steps are run. The emitter only
// follows; `explain` prints from the same structure.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOKERNELS_SCHEDULE_H
#define COMPILER_CONVERSION_LOCOTOKERNELS_SCHEDULE_H

#include "compiler/Conversion/LocoToKernels/Layout.h"
#include "dialects/Loco/Transforms/MatrixProduct.h"

#include <map>
#include <memory>

namespace loco {

struct ScheduleOptions {
  /// Bytes of a vector: 64, 32 or 16.
  int64_t vectorBytes = 64;
  /// Multiplications from which a contraction is worth a call of a library.
  int64_t libraryThreshold = 4096;
  /// A product and the sum that it goes into are rounded once, where the machine
  /// can.
  bool fuseSums = true;
  /// Matrix products in f32 are made on tiles (AMX), of so many pieces of bf16
  /// for each number; 0: they are not.
  int32_t tilePieces = 0;
  /// There are samples enough to fill vectors with them (SampleLanes.cpp).
  bool manySamples = false;
  /// Bytes of the cache that a processor has for itself.
  int64_t cacheBytes = int64_t(2) << 20;
};

/// Memory as seen from a place in the program: a stacked place at the step of a
/// scan's body, or a whole place.
struct Reference {
  int place = -1;
  /// The step argument of the scan whose current step is meant; null: all of
  /// it.
  mlir::Value step;

  explicit operator bool() const { return place >= 0; }
};

/// `place` is what lies in `whole` from step `first` on.
struct SegmentView {
  int place = -1, whole = -1;
  mlir::Value first;
};

/// Memory that the next step of a loop reads or writes; without a step of its
/// own what a carry becomes, which lies in a stack.
struct Fetch {
  Reference what;
  bool written = false;
};

/// Where a group puts one of its values.
struct Sink {
  Reference to;
  /// Add to what is there instead of replacing it.
  bool accumulate = false;
  /// Elements from the place's first site to that of the value: a piece of it.
  int64_t offset = 0;
  /// The shape of the value, if the place, which is dense, is for its elements in
  /// another shape.
  llvm::SmallVector<int64_t> shape = {};
};

/// A value of a group that goes to memory.
struct Root {
  mlir::Value value;
  llvm::SmallVector<Sink> sinks;
};

/// A matrix product over all rows that a phase has: samples, or samples and
/// steps.
struct ProductCall {
  MatrixProduct form;
  /// Apply: the rows and what they become. Outer: left, right and the sum.
  mlir::Value matrix, rows, left, right;
  Reference out;
  /// Outer: added to what all samples share, instead of one sum for each
  /// sample.
  bool shared = false;
  /// Apply, in a time loop or to short rows: the place of the matrix in panels
  /// (PackedMatrix), with which our own product does the work; otherwise a
  /// library does it.
  int panels = -1;
  /// Apply, by panels: samples of a block from which on the panels are tiles.
  std::optional<int64_t> tilesFrom;
  /// Apply, by panels: added to what another product of the same sum gave.
  bool accumulate = false;
};

/// A matrix that a time loop multiplies all samples with in every step, kept in
/// panels: columns as many as a vector has lanes, row by row.
struct PackedMatrix {
  mlir::Value matrix;
  MatrixProduct form;
  int place = -1;
  /// As in ProductCall.
  std::optional<int64_t> tilesFrom;
};

/// Ops of one iteration shape that are computed in one pass over its sites, or
/// one op that has loops of its own (`solo`).
struct Group {
  unsigned level = 0;
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<mlir::Operation *> ops;
  llvm::SmallVector<Root> roots;
  mlir::Operation *solo = nullptr;
  std::optional<ProductCall> product;
  /// Depends on nothing that differs between samples.
  bool uniform = false;
  /// All memory it touches is dense, so its sites are one row.
  bool flat = false;
  /// Lanes are neighbours along this axis, if not along the last one.
  std::optional<unsigned> lane;
  /// This axis is run over `tileRows` rows at a time, whose loads are shared.
  int tileAxis = -1;
  int64_t tileRows = 1;
  /// With lanes along channels, where a tile has room for several rows of sites:
  /// how many it takes along the axis before the tiled one. With lanes along
  /// sites and some channels at a time: how many rows along `lineAxis`, or, if
  /// that is the lanes' own axis, vectors.
  int64_t tileLines = 1;
  int lineAxis = -1;
  /// What the loop around reads or writes at its next step, asked for between
  /// the products of this group.
  llvm::SmallVector<Fetch> fetches;
  /// The axis whose sites the threads of a team divide among themselves; a flat
  /// group is divided along its one row. None: one of them does it all.
  std::optional<unsigned> splitAxis;
  /// Divided: where each thread leaves what its sites give sums and maxima.
  int partials = -1;
};

/// Groups that are run together.
struct Phase {
  enum class Kind {
    /// Once for the block.
    Uniform,
    /// For one sample after the other.
    Samples,
    /// A matrix product, for all samples at once.
    Product,
    /// A scan in which the samples advance together.
    LockStep,
  };
  Kind kind;
  llvm::SmallVector<unsigned> groups;
};

struct BlockPlan {
  std::vector<Group> groups;
  /// Of the function and of scans in lock step; elsewhere the groups follow
  /// each other.
  llvm::SmallVector<Phase> phases;
};

struct ScanPlan {
  BlockPlan body;
  /// The two halves of each carry, and the places that mean the value before
  /// and after the current step: halves that change places after every step.
  llvm::SmallVector<std::array<int, 2>> carries, carryAddresses;
  /// For each carry the stack that it lives in, with one step more than the
  /// loop takes, instead of two halves; otherwise -1.
  llvm::SmallVector<int> carryStacks;
  /// Carries that are what a stack holds one step further on: a place with the
  /// memory of another one, from its second step on.
  llvm::SmallVector<std::pair<int, int>> handedOn;
  /// Places that a group of the body fetches for all (Group::fetches).
  llvm::SmallDenseSet<int> fetched;
  /// Copies of the initial values before the loop, of the final ones after it.
  BlockPlan entry, exit;
  /// Where each sum is accumulated, and copied from after the loop.
  llvm::SmallVector<int> sums;
  /// Stacks that are read at steps that the loop does not take.
  llvm::SmallVector<int> cleared;
  /// Where a step leaves the condition for the next one.
  Reference condition;
  /// The big products of the body run over all samples of the block, so the
  /// samples advance together.
  bool lockStep = false;
  /// Packed before the loop.
  llvm::SmallVector<PackedMatrix> packed;
  /// Sums of outer products of what the body stacks, one matrix product for a
  /// chunk of steps each, as soon as these are there.
  llvm::SmallVector<ProductCall> chunked;
};

/// The plan of a whole function.
struct Schedule {
  mlir::func::FuncOp function;
  ScheduleOptions options;
  std::vector<Place> places;
  /// Memory of values; a value may be in memory and still be recomputed.
  llvm::DenseMap<mlir::Value, Reference> memory;
  /// Numbers of steps of stacked values where they are not the function's.
  llvm::DenseMap<mlir::Value, int64_t> lengths;
  /// Numbers of steps of the segment at hand.
  llvm::DenseSet<mlir::Value> segmentExtents;
  /// Places that are steps of another place, from a step on: of windows that
  /// loops over segments read or write.
  llvm::DenseMap<mlir::Operation *, SegmentView> views;
  /// Shapes of fields and kernels whose lanes lie along another axis than the
  /// last, and along which.
  std::map<llvm::SmallVector<int64_t>, unsigned> laneAxes;
  BlockPlan top;
  /// Places of kernel gradients that all samples of the block add to; copied to
  /// the results after everything else.
  llvm::SmallVector<int> blockSums;
  BlockPlan exit;
  llvm::DenseMap<mlir::Operation *, std::unique_ptr<ScanPlan>> scans;
  /// Bytes of arena.
  BlockSize arena;
  /// Convolutions whose lanes are channels have a loop over the rows of their
  /// window, which would be written out otherwise.
  bool windowLoops = false;
  /// Samples of a block that its matrix products want.
  int64_t preferredBlock = 1;
  /// Samples that advance in one vector (SampleLanes.cpp); 1: lanes are sites
  /// or channels of one.
  int64_t abreast = 1;
  /// Why lanes are samples, or are not, where there are samples enough.
  std::string abreastReason;
  /// Most threads that can run a block as a team; 1: there is nothing that they
  /// would divide.
  int64_t teamMost = 1;

  int64_t lanesOf(mlir::Type element) const {
    return std::max<int64_t>(1, options.vectorBytes / bytesOf(element));
  }
  /// The same for the sites of `group`: rows of a few take vectors of no more
  /// lanes than they fill. Masked lanes cost as much as sites, and some
  /// processors do half a vector in half the time.
  int64_t lanesOf(const Group &group, mlir::Type element) const;
  /// The shape of `value`; a number of steps may be none that is known here
  /// (isKnownLength).
  llvm::SmallVector<int64_t> shapeOf(mlir::Value value) const {
    auto type = llvm::cast<mlir::RankedTensorType>(value.getType());
    llvm::SmallVector<int64_t> shape(type.getShape());
    if (auto known = lengths.find(value); known != lengths.end())
      shape.front() = known->second;
    return shape;
  }
  Reference find(mlir::Value value) const { return memory.lookup(value); }
  /// True if the sites of `reference` follow each other in memory along the
  /// tiled axis of `group`, whose lanes do not.
  bool isTurned(const Group &group, Reference reference) const;
  std::optional<unsigned> laneAxisOf(llvm::ArrayRef<int64_t> shape) const {
    auto known = laneAxes.find(llvm::SmallVector<int64_t>(shape));
    if (known == laneAxes.end())
      return std::nullopt;
    return known->second;
  }
};

/// An op on indices and truth values of rank 0, which lives in registers. A loop
/// that gives nothing but its number of steps is none.
bool isScalarOp(mlir::Operation *op);

/// Plans `function`; an op that cannot be compiled is a diagnostic.
mlir::FailureOr<Schedule> makeSchedule(mlir::func::FuncOp function,
                                       const ScheduleOptions &options);

/// Ops that are fused into the loop nest of their result's shape.
bool isInline(mlir::Operation *op);

/// Ops whose result needs no memory: constants, coordinates, ...
bool isFree(mlir::Operation *op);

/// True if the terms of a stencil's sums depend on the neighbour alone, so that
/// rows of centres that follow each other share them.
bool sharesRows(StencilOp op);

/// A kernel gradient without channels, summed up in its group's loop.
bool isFusedOuter(mlir::Operation *op);

/// True if `op` needs operand `index` in memory, not as a value of its tile.
bool needsMemory(mlir::Operation *op, unsigned index);

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOKERNELS_SCHEDULE_H
