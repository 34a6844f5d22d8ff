//===- Emitter.h - Loops and vectors from a schedule ------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values are emitted on demand: `get(value, site)` gives the SSA value of a
// field at a row of sites, one vector wide, from memory or by emitting its op
// for the same sites. What was emitted once in a tile is used again, which is
// how the rows of a stencil come to share their loads.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOKERNELS_EMITTER_H
#define COMPILER_CONVERSION_LOCOTOKERNELS_EMITTER_H

#include "dialects/Loco/Transforms/ConvForm.h"
#include "compiler/Conversion/LocoToKernels/Schedule.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/SmallPtrSet.h"

#include <map>

namespace loco {

/// A coordinate along one axis: one number, or one per lane.
struct Coordinate {
  /// i64; null: 0.
  mlir::Value base;
  int64_t offset = 0;
  /// Lane l stands for base + offset + l.
  bool lanes = false;
  /// Not null: i32, one per lane, instead of base and offset.
  mlir::Value vector = {};

  bool isConstant() const { return !base && !lanes && !vector; }
  Coordinate shifted(int64_t distance) const {
    Coordinate result = *this;
    result.offset += distance;
    return result;
  }
  auto key() const {
    return std::tuple(base.getAsOpaquePointer(), offset, lanes,
                      vector.getAsOpaquePointer());
  }
};

using Site = llvm::SmallVector<Coordinate, 4>;

/// Rows of a tile along the tiled axis, and lines of these along another one.
struct TileSize {
  int64_t rows = 1, lines = 1;
};

/// A vector, and which of its lanes mean something (null: all).
struct Masked {
  mlir::Value value, valid;
};

class Emitter {
public:
  Emitter(const Schedule &schedule, mlir::OpBuilder &builder)
      : schedule(schedule), b(builder) {}

  /// Emits `void name(const LocoBlock *)` at the builder's place.
  mlir::FailureOr<mlir::func::FuncOp> emitKernel(llvm::StringRef name);

private:
  using Values = llvm::SmallVector<mlir::Value>;
  using Carried = llvm::MutableArrayRef<mlir::Value>;
  using LoopBody = llvm::function_ref<void(mlir::Value, Carried)>;
  using NestBody =
      llvm::function_ref<void(llvm::ArrayRef<Coordinate>, Carried)>;

  // EmitFunction.cpp: the function, scans.
  void emitPrologue(mlir::Value block);
  mlir::Value globalFor(unsigned number);
  void emitGroups(const BlockPlan &plan);
  void emitPhases(const BlockPlan &plan);
  void forEachSample(llvm::function_ref<void()> body);
  void emitScalarOps(mlir::Block &source);
  void emitScan(ScanOp scan);
  void emitScalarOp(mlir::Operation &op);
  void emitSegments();
  void bindViews(mlir::Block &source);

  // EmitGroup.cpp: loops over sites.
  void emitGroup(const Group &group);
  void emitPasses(const Group &group);
  void emitSites(const Group &group);
  void storeReductions(const Group &group, Carried totals);
  void emitRows(const Group &group, unsigned axis, Site &site, TileSize tile,
                Carried accumulators);
  void emitColumns(const Group &group, Site &site, TileSize tile,
                   Carried accumulators);
  void emitVectors(const Group &group, Site &site, TileSize tile,
                   Carried accumulators);
  void emitTile(const Group &group, const Site &site, TileSize tile,
                llvm::ArrayRef<mlir::Value> masks, Carried accumulators);
  void reduceInto(ReduceOp reduce, const Site &site, mlir::Value &total);
  void emitSolo(mlir::Operation *op);
  void fillHalo(Reference reference);
  void fillHaloAt(const Place &place, mlir::Value base);
  void clear(Reference reference);
  void clearWhole(Reference reference);
  mlir::Type memoryElement(mlir::Type element) const;
  /// Begins a piece of code in which nothing is known of earlier tiles.
  void startGroup(mlir::Type element, int64_t width);

  // Streams.cpp: results that are written around the caches.
  mlir::Value isStreamed(const Place &place);
  void streamOut(Reference to);

  // EmitTeam.cpp: what the threads of a team do together, and what one does.
  bool isTeam() const { return schedule.teamMost > 1; }
  void emitTeamPrologue();
  void meet();
  void byOne(llvm::function_ref<void()> body);
  void beginSplit(const Group &group);
  void combinePartials(const Group &group, Carried accumulators);
  void loopOwn(int64_t extent, int64_t step, bool divided, Carried carried,
               LoopBody body);
  void loopOwn(mlir::Value extent, int64_t step, bool divided, Carried carried,
               LoopBody body);
  /// Runs `body` on the thread that has the last sites.
  void byLast(bool divided, Carried carried,
              llvm::function_ref<void(Carried)> body);
  void byFirst(bool divided, llvm::function_ref<void()> body);
  std::pair<mlir::Value, mlir::Value> ownRange(mlir::Value extent,
                                               int64_t step);

  // Fetches.cpp: what the next step reads, asked for between products.
  void fetchAhead(llvm::ArrayRef<Site> sites, const Coordinate &channel,
                  int64_t channels);

  // EmitLanes.cpp: groups whose lanes are channels.
  void emitLanes(const Group &group, Carried accumulators);
  void emitLaneRows(const Group &group, unsigned axis, Site &site,
                    Carried accumulators);
  void emitLaneLines(const Group &group, Site &site, Carried accumulators);
  void emitLaneTile(const Group &group, llvm::ArrayRef<Site> sites,
                    Carried accumulators);
  bool isTurned(const Group &group, Reference reference) const;
  void turn(Values &rows);
  mlir::Value firstLanes(int64_t count);
  llvm::SmallVector<std::pair<Coordinate, mlir::Value>>
  lanesApart(const Group &group, const Site &site);
  void loadTurned(const Group &group, mlir::Value value,
                  llvm::ArrayRef<Site> sites);
  void storeTurned(const Group &group, const Sink &sink,
                   llvm::ArrayRef<Site> sites,
                   llvm::ArrayRef<mlir::Value> values);

  // EmitSamples.cpp: groups whose lanes are samples.
  bool isApart(const Place &place) const;
  void enterSamples(mlir::Value first);
  mlir::Value sampleOffsets(int place);
  mlir::Value loadAbreast(Reference reference, mlir::Type element,
                          const Site &site);
  void storeAbreast(const Sink &sink, const Site &site, mlir::Value value);
  Reference turnedFor(Reference reference) const;
  void forSiteBlocks(int64_t sites,
                     llvm::function_ref<void(mlir::Value, int64_t)> body);
  Values lanePointers(Reference reference);
  void turnIn(Reference reference);
  void turnOut(Reference reference);
  void turnInputs(const Group &group);
  void turnOutputs(const Group &group);
  /// Lanes of what is stored as one number.
  int64_t single() const { return abreast ? lanes : 1; }

  // EmitOuter.cpp
  void outerLanes(ConvOuterOp op, unsigned lane);
  mlir::Value loadTap(const ConvForm &form, mlir::Value field,
                      const Site &site, llvm::ArrayRef<Coordinate> tap);
  bool spread(const ConvForm &form, Site &site,
              llvm::ArrayRef<int64_t> distance);
  mlir::Value loadSpread(const ConvForm &form, mlir::Value output,
                         const Site &site);
  mlir::Value scaled(mlir::Value base, int64_t factor);

  // EmitProduct.cpp
  void emitProduct(const Group &group);
  void callRows(const Group &group);
  void callGemm(mlir::Type element, llvm::ArrayRef<mlir::Value> arguments);
  void callService(mlir::Value function, llvm::ArrayRef<mlir::Value> arguments);
  mlir::Value chunkSteps();
  void emitChunks(const ScanPlan &plan, mlir::Value step, mlir::Value taken,
                  bool reverse);

  // EmitPanels.cpp: products within a time loop.
  void emitPanels(const PackedMatrix &packed);
  void packPanels(const PackedMatrix &packed);
  void callPanels(const ProductCall &call, Reference out);
  mlir::func::FuncOp panelProduct(mlir::Type element);

  // EmitTiles.cpp: the same on AMX.
  mlir::Value loadService(int64_t offset);
  void ifTiles(int64_t from, llvm::function_ref<void()> tiles,
               llvm::function_ref<void()> others);
  void packTiles(const MatrixProduct &form, mlir::Value from, mlir::Value to);
  void multiplyTiles(llvm::ArrayRef<mlir::Value> operands, bool accumulate);

  // EmitAccess.cpp: memory.
  mlir::Value pointerTo(Reference reference);
  mlir::Value stepPointer(Reference reference);
  /// Bytes from one step of a stacked place to the next.
  mlir::Value stepBytes(const Place &place);
  mlir::Value address(mlir::Value pointer, mlir::Type element,
                      mlir::Value index, int64_t offset);
  mlir::Value load(Reference reference, mlir::Type element, const Site &site);
  void prefetch(Reference reference, mlir::Value pointer);
  mlir::Value inNextStep(Reference reference, mlir::Value pointer);
  mlir::Value loadUncached(Reference reference, mlir::Type element,
                           const Site &site);
  void store(const Sink &sink, const Site &site, mlir::Value value);
  void scatter(const Sink &sink, mlir::Value pointer, int64_t pitch,
               mlir::Value value);
  /// `value` at coordinates that may lie beyond its edges.
  Masked loadAround(mlir::Value value, const Site &site, Boundary boundary);
  /// `value` at `site` moved by `distance`, where sites are those of a field of
  /// `extents`: directly where the halo reaches far enough.
  Masked loadMoved(mlir::Value value, const Site &site,
                   llvm::ArrayRef<int64_t> distance,
                   llvm::ArrayRef<int64_t> extents, Boundary boundary);

  // EmitValue.cpp: ops at a site.
  mlir::Value get(mlir::Value value, const Site &site);
  mlir::Value compute(mlir::Value value, const Site &site);
  mlir::arith::MulFOp productHere(mlir::Value value) const;
  mlir::Value reciprocal(mlir::arith::DivFOp division);
  mlir::Value fusedSum(mlir::Operation *op, const Site &site);
  mlir::Value elementwise(mlir::Operation *op,
                          llvm::ArrayRef<mlir::Value> operands);
  mlir::Value reshaped(ReshapeOp op, const Site &site);
  mlir::Value concatenated(ConcatOp op, const Site &site);
  mlir::Value remember(mlir::Value value, const Site &site, mlir::Value result);
  mlir::Value recall(mlir::Value value, const Site &site) const;

  // EmitStencil.cpp
  llvm::DenseMap<mlir::Value, mlir::Value>
  stencilBody(StencilOp op, const Site &site, llvm::ArrayRef<int64_t> offset);
  void stencil(StencilOp op, const Site &site);
  void stencilRows(StencilOp op, unsigned axis, llvm::ArrayRef<Site> sites);

  // EmitConv.cpp
  void convRows(llvm::ArrayRef<mlir::Operation *> ops,
                llvm::ArrayRef<Site> rows);
  void convTogether(const Group &group, llvm::ArrayRef<Site> rows);
  void outerRows(ConvOuterOp op, llvm::ArrayRef<Site> rows,
                 Carried accumulators);
  void outerNest(ConvOuterOp op);

  // EmitReduce.cpp
  void contract(ContractOp op);
  void reduceNest(ReduceOp op);
  void firstMax(FirstMaxOp op);
  void random(RandomOp op);
  mlir::Value foldLanes(mlir::Value vector, bool maximum);
  mlir::Value horizontal(mlir::Value vector, bool maximum);
  mlir::Value combine(mlir::Value a, mlir::Value b, bool maximum);
  mlir::Value neutral(mlir::Type element, bool maximum);

  // EmitHelpers.cpp
  mlir::Value constant(int64_t value);
  mlir::Value number(mlir::Type element, double value);
  mlir::Value splat(mlir::Value scalar);
  mlir::Value splat32(int64_t value);
  mlir::Value iota();
  mlir::Type vectorOf(mlir::Type element) const;
  mlir::Value plus(mlir::Value a, mlir::Value b);
  mlir::Value plus(mlir::Value a, int64_t b);
  mlir::Value times(mlir::Value a, int64_t b);
  mlir::Value times(mlir::Value a, mlir::Value b);
  mlir::Value scalar(const Coordinate &coordinate);
  mlir::Value perLane(const Coordinate &coordinate);
  mlir::Value both(mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);
  mlir::Value masked(mlir::Value valid, mlir::Value value,
                     mlir::Value otherwise);
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  mlir::Value converted(mlir::Value value, mlir::Type element);
  mlir::Value extentOf(int64_t extent);
  /// for (i = begin; i < end; i += step) body(i, carried)
  void loop(mlir::Value begin, mlir::Value end, int64_t step, Carried carried,
            LoopBody body);
  void loop(int64_t count, int64_t step, Carried carried, LoopBody body);
  /// for (i = 0; i < end; ++i), ending when body(i, carried) gives 0; how often
  /// it ran.
  mlir::Value
  loopWhile(mlir::Value end, Carried carried,
            llvm::function_ref<mlir::Value(mlir::Value, Carried)> body);
  /// All coordinates of a box, first axis outermost; an axis of one site has no
  /// loop.
  void nest(llvm::ArrayRef<int64_t> extents, Carried carried, NestBody body);
  /// Rows of `extent` sites, a vector at a time; the body sees `valid`.
  void columns(int64_t extent, Carried carried, LoopBody body);

  const Schedule &schedule;
  mlir::OpBuilder &b;
  mlir::Location loc = mlir::UnknownLoc::get(b.getContext());

  /// The running block: LocoBlock, its fields, the current sample.
  mlir::Value block, samples, steps, sample, services;
  /// How the steps are divided, and the steps of the segment at hand.
  mlir::Value segmentLength, numSegments, segmentExtent;
  /// The thread's number in its team, and how many there are.
  mlir::Value member, members;
  /// What threads may have done since they met: nothing; work of one of them;
  /// work that they divided.
  enum class Since { Nothing, One, Divided };
  Since since = Since::Nothing;
  /// Address of each place's first site, as far as it does not depend on the
  /// step.
  llvm::SmallVector<mlir::Value> bases;
  /// Bytes between samples in memory of the caller.
  llvm::SmallVector<mlir::Value> strides;
  /// Values of index type, and truth values of rank 0.
  llvm::DenseMap<mlir::Value, mlir::Value> scalars;

  /// State of the group at hand: vector width, where its preparations go,
  /// the lanes that exist, what was emitted for which site.
  int64_t lanes = 1;
  mlir::Type groupElement;
  mlir::Operation *marker = nullptr;
  mlir::Value valid;
  bool flat = false;
  /// Lanes are samples, and sites follow each other.
  bool abreast = false;
  /// What is being emitted is done once for all samples.
  bool inShared = false;
  /// Abreast: the sample of each lane, counted from the first one's; which
  /// lanes are samples that exist. Of others, the last one is computed again.
  mlir::Value laneSample, laneExists;
  std::map<int, mlir::Value> laneOffsets;
  /// The axis along which the group at hand is divided, and the thread's own
  /// sites along it.
  std::optional<unsigned> splitAxis;
  mlir::Value ownBegin, ownEnd;
  /// Sites of which single numbers are read are fetched for the next step, too.
  bool fetchNumbers = false;
  /// The group whose products are being emitted, if it fetches for the next
  /// step: which of its convolutions is, and how many it has.
  struct {
    const Group *group = nullptr;
    size_t number = 0, count = 1;
  } fetching;
  /// Loads give zero beyond the row, also where the padding could be read.
  bool maskedLoads = false;
  llvm::SmallPtrSet<mlir::Operation *, 16> here;
  using Key =
      std::pair<void *,
                llvm::SmallVector<
                    std::tuple<const void *, int64_t, bool, const void *>, 4>>;
  struct KeyLess {
    bool operator()(const Key &a, const Key &b) const {
      return a.first != b.first ? a.first < b.first
                                : std::lexicographical_compare(
                                      a.second.begin(), a.second.end(),
                                      b.second.begin(), b.second.end());
    }
  };
  using Memo = std::map<Key, mlir::Value, KeyLess>;
  static Key keyOf(const void *value, const Site &site);
  Memo memo, hoisted;
  std::map<std::pair<int, void *>, mlir::Value> pointers;
};

/// Pitches along the axes of a value that is read whole, steps first.
llvm::SmallVector<int64_t> pitchesOf(const Place &place, size_t rank,
                                     bool flat);

/// Sums and maxima that the group computes beside its fields, in order, and how
/// many numbers each has.
llvm::SmallVector<std::pair<mlir::Operation *, int64_t>>
reductionsOf(const Group &group);

/// True if `op` is a reduction that keeps the largest.
bool isMaximum(mlir::Operation *op);

/// The elementary function of `op` (tanh, loco.sigmoid, ...) on a vector of
/// f32, as arith and vector ops; null if `op` is none.
mlir::Value expandMath(mlir::OpBuilder &builder, mlir::Operation *op,
                       llvm::ArrayRef<mlir::Value> operands);

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOKERNELS_EMITTER_H
