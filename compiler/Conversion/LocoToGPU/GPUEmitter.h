//===- GPUEmitter.h - Kernels of a GPU from a schedule ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emits scalar code of one thread. `get(value, site)` gives an element of a
// field: from a register if the site is the thread's own, from memory, or by
// following a view. Threads that have no site left compute the last one once
// more and store nothing, so that no value depends on a branch.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOGPU_GPUEMITTER_H
#define COMPILER_CONVERSION_LOCOTOGPU_GPUEMITTER_H

#include "compiler/Conversion/LocoToGPU/GPUSchedule.h"

#include "dialects/Device/IR/DeviceOps.h"
#include "dialects/Loco/Transforms/ConvForm.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace loco {

/// Names of what a module of kernels holds.
inline constexpr llvm::StringLiteral sharedMemoryName = "loco_shared";

/// Attribute of kernels whose blocks wait for each other: so many at a time.
inline constexpr llvm::StringLiteral blocksTogetherAttribute =
    "loco.blocks_together";

/// Channels of a place that a thread convolves at a time.
inline constexpr int64_t mostChannelsAhead = 8;

/// A coordinate along one axis: base (i32, null: 0) + offset.
struct GPUCoordinate {
  mlir::Value base;
  int64_t offset = 0;
};

/// A site of a field: an element's number in row-major order, coordinates, or
/// both.
struct GPUSite {
  llvm::SmallVector<int64_t> shape;
  /// i32; null: only coordinates are known.
  mlir::Value linear;
  llvm::SmallVector<GPUCoordinate, 4> coordinates;
  /// Number among the thread's own sites; -1: another one's, or in a loop over
  /// own sites.
  int slot = -1;
  /// The thread's own site.
  bool isOwn = false;
  /// Own: null, or false for a thread that has none and shows the last one.
  mlir::Value exists;
  /// Own, of several blocks: the element's number in memory that is spread over
  /// them.
  mlir::Value local;
};

class GPUEmitter {
public:
  GPUEmitter(const GPUSchedule &schedule, mlir::OpBuilder &builder)
      : schedule(schedule), b(builder) {}

  /// Emits the kernel `name` at the builder's place, in a gpu.module.
  mlir::LogicalResult emitKernel(llvm::StringRef name);

private:
  using Values = llvm::SmallVector<mlir::Value>;
  using Carried = llvm::MutableArrayRef<mlir::Value>;
  using LoopBody = llvm::function_ref<void(mlir::Value, Carried)>;

  /// What was computed and may be used in the region at hand.
  struct Scope {
    llvm::DenseMap<mlir::Value, Values> registers;
    llvm::DenseMap<mlir::Value, mlir::Value> scalars;
    /// At the site of a loop over own sites.
    llvm::DenseMap<mlir::Value, mlir::Value> here;
  };

  // EmitKernel.cpp: the function, memory of places.
  void emitPrologue(mlir::gpu::GPUFuncOp function);
  void bindSample();
  void setThread(mlir::Value number);
  void nameLane();
  std::pair<mlir::Value, mlir::Value> teamsOf(mlir::Value zero);
  void forSamples(llvm::function_ref<void()> body);
  void startSample(mlir::Value first);
  void startAnew();
  void storeAnchor();
  mlir::Value readAnchor(int32_t number);
  void readSample();
  void divideSteps(mlir::Value wanted);
  mlir::Value constantPlace(unsigned number);

  // EmitStages.cpp
  void emitSections();
  void emitStages(llvm::ArrayRef<GPUStage> stages);
  void emitStage(const GPUStage &stage);
  void emitKind(const GPUStage &stage);
  void anew(llvm::function_ref<void()> body);
  mlir::Value here(mlir::Value value);
  void emitSites(const GPUStage &stage);
  void loadNumbers(mlir::Value value, Values &loaded);
  void emitItem(const GPUItem &item, const GPUSite &site, mlir::Value exists,
                bool inRegisters);
  void forOwnSites(
      llvm::ArrayRef<int64_t> shape, Carried carried,
      llvm::function_ref<void(const GPUSite &, mlir::Value, Carried)> body);
  /// Adds a deferred reduction's terms at an own site.
  void addTerms(mlir::Operation *op, const GPUSite &site, mlir::Value exists,
                Carried sums);
  /// What each deferred reduction has added up so far.
  llvm::DenseMap<mlir::Operation *, Values> accumulators;

  // EmitScans.cpp
  class ScanLoop;
  /// What has two halves in a loop at hand, and whether the step's number is
  /// odd, i32.
  struct HalvesInUse {
    mlir::Value step;
    llvm::SmallVector<GPUScan::Carry> halves;
    mlir::Value isOdd;
  };
  /// Of the loops around, the innermost last.
  llvm::SmallVector<HalvesInUse> halvesInUse;
  mlir::Value hidden(mlir::Value steps);
  mlir::Value isOdd(mlir::Value step);
  void bindHalves(const HalvesInUse &loop);
  void emitScan(ScanOp scan);
  bool isAhead(mlir::BlockArgument element);
  Values loadElements(ScanOp scan, mlir::Value step);
  void fetchElements(ScanOp scan, mlir::Value step, bool isNext);
  void prefetchElements(ScanOp scan, mlir::Value step);

  // EmitProducts.cpp
  void loadHeld(ScanOp scan);
  void emitProducts(const GPUStage &stage);
  void fillPanel(const GPUProduct &product, bool isHeld);
  void multiply(const GPUProduct &product);
  Values zerosOf(mlir::Operation *op);
  void addProduct(const GPUProduct &product);
  void storeSum(const GPUProduct &product, GPUReference to);
  mlir::Value panelElement(int64_t offset, mlir::Type element,
                           mlir::Value number);
  void storeProduct(const GPUProduct &product, GPUReference to, mlir::Value row,
                    mlir::Value column, mlir::Value value,
                    mlir::Value exists = {});
  mlir::Value firstRow(const GPUProduct &product);
  void placeAlong(const GPUProduct::Axes &axes, mlir::Value number,
                  llvm::SmallDenseMap<char, GPUCoordinate> &places);

  // EmitFragments.cpp: the same by tensor cores.
  void multiplyByFragments(const GPUProduct &product);
  void addFragments(const GPUProduct &product);
  mlir::Value zeroFragment();
  int64_t numbersOfLane(bool isHeld) const;
  void storeInFragment(const GPUProduct &product, bool isHeld, mlir::Value line,
                       mlir::Value sum, mlir::Value value);
  mlir::Value readFragment(const GPUProduct &product, bool isHeld, int64_t part,
                           mlir::Value tile, mlir::Value piece);
  void multiplyParts(llvm::ArrayRef<mlir::Value> left,
                     llvm::ArrayRef<mlir::Value> right, mlir::Value &sum);
  Values partsOf(mlir::Value value);

  // EmitReductions.cpp
  void emitWarps(const GPUStage &stage);
  void emitBlock(const GPUStage &stage);
  void keepTotal(mlir::Value value, mlir::Value total);
  Values reduceBlock(llvm::ArrayRef<mlir::Value> parts,
                     llvm::ArrayRef<bool> isMaximum);
  mlir::Value reduceWarp(mlir::Value part, bool isMaximum);
  mlir::Value combine(mlir::Value a, mlir::Value c, bool isMaximum);
  mlir::Value isOfSample(mlir::Operation *op, const GPUCoordinate &number);
  mlir::Value neutral(mlir::Type element, bool isMaximum);
  mlir::Value contractAt(ContractOp op, const GPUSite &site, bool byLanes);
  mlir::Value reduceAt(ReduceOp op, const GPUSite &site, bool byLanes);
  mlir::Value outerAt(ConvOuterOp op, const GPUSite &site, bool byLanes);
  mlir::Value addOuter(ConvOuterOp op, llvm::ArrayRef<GPUCoordinate> weight,
                       llvm::ArrayRef<GPUCoordinate> output,
                       mlir::Value gradient, mlir::Value sum, bool hasChannels);
  /// Several sums over all sites of `shape`, as sumOver makes one.
  void sumsOver(
      llvm::ArrayRef<int64_t> shape, bool byLanes, Carried sums,
      llvm::function_ref<void(llvm::ArrayRef<GPUCoordinate>, Carried)> add);
  /// Sums `term` over all sites of `shape`, by this thread or by its warp's
  /// lanes in turn (whose parts are not yet added).
  mlir::Value
  sumOver(llvm::ArrayRef<int64_t> shape, bool byLanes, mlir::Type element,
          bool isMaximum,
          llvm::function_ref<mlir::Value(llvm::ArrayRef<GPUCoordinate>,
                                         mlir::Value sum)>
              term);

  // EmitOps.cpp: ops at a site.
  mlir::Value get(mlir::Value value, const GPUSite &site);
  mlir::Value getAt(mlir::Value value,
                    llvm::ArrayRef<GPUCoordinate> coordinates);
  /// Zero where `valid` (null: everywhere) is not; coordinates are taken as 0
  /// there.
  mlir::Value getWhere(mlir::Value value, mlir::Value valid,
                       llvm::ArrayRef<GPUCoordinate> coordinates);
  /// At coordinates moved beyond the edges by at most the extent.
  mlir::Value getAround(mlir::Value value,
                        llvm::ArrayRef<GPUCoordinate> coordinates,
                        Boundary boundary);
  mlir::Value getFrom(mlir::Value value,
                      llvm::MutableArrayRef<GPUCoordinate> coordinates,
                      mlir::Value distance);
  mlir::Value view(mlir::Value value, const GPUSite &site);
  void compute(mlir::Operation *op, const GPUSite &site, Values &results);
  mlir::Value elementwise(mlir::Operation *op,
                          llvm::ArrayRef<mlir::Value> operands);
  mlir::Value convolve(mlir::Operation *op, const GPUSite &site);
  Values convolveAt(mlir::Operation *op, llvm::ArrayRef<GPUCoordinate> own,
                    llvm::ArrayRef<mlir::Value> channels);
  void placeTap(const ConvForm &form, llvm::ArrayRef<GPUCoordinate> own,
                llvm::ArrayRef<GPUCoordinate> tap,
                llvm::SmallVectorImpl<GPUCoordinate> &place, mlir::Value &valid,
                bool byRemainder = false);

  // EmitStencils.cpp
  void stencil(StencilOp op, const GPUSite &site, Values &results);
  Values stencils(llvm::ArrayRef<StencilOp> ops, const GPUSite &site);
  Values termsOf(StencilOp op, llvm::ArrayRef<mlir::Value> centres,
                 llvm::function_ref<mlir::Value(mlir::Value)> neighbour,
                 const GPUSite &site);
  /// The stage whose sites are gone through; results at the site at hand of
  /// those of its stencils that were made beside another one.
  const GPUStage *stageAtHand = nullptr;
  llvm::DenseMap<mlir::Operation *, Values> stencilsAhead;

  // EmitChannels.cpp
  void convolveAhead(const GPUStage &stage, int64_t slot);
  void emitOuter(ConvOuterOp op, int64_t together);
  /// Sums over a warp's lanes, each in one of them: its number among `sums`,
  /// and whether there is one.
  struct LaneSum {
    mlir::Value sum, number, exists;
  };
  llvm::SmallVector<LaneSum> reduceLanes(Values sums);
  /// Of a stage's convs, for some of the thread's own sites in turn.
  llvm::DenseMap<mlir::Operation *, Values> channelsAhead;

  mlir::Value firstMax(FirstMaxOp op, const GPUSite &site);

  // EmitRandom.cpp
  mlir::Value random(RandomOp op, const GPUSite &site);
  void philox(llvm::MutableArrayRef<mlir::Value> counter, mlir::Value key0,
              mlir::Value key1);

  // EmitMemory.cpp
  const llvm::SmallVector<GPUCoordinate, 4> coordinatesOf(const GPUSite &site);
  mlir::Value linearOf(const GPUSite &site);
  mlir::Value pointerTo(GPUReference reference);
  mlir::Value sampleElement(GPUReference reference, mlir::Value linear);
  /// The address of an element; `local` as in GPUSite.
  mlir::Value elementOf(GPUReference reference, mlir::Value linear,
                        mlir::Value local);
  mlir::Value load(GPUReference reference, mlir::Type element,
                   mlir::Value linear, mlir::Value local = {});
  void store(GPUReference reference, mlir::Value linear, mlir::Value value,
             bool add, mlir::Value local = {});
  void storeElement(GPUReference reference, mlir::Value linear,
                    mlir::Value value, bool add, mlir::Value local);
  GPUReference find(mlir::Value value);
  GPUReference findInStack(mlir::Value element);
  /// Of an own site. A thread without one reads nothing that others write.
  mlir::Value loadOwn(GPUReference reference, mlir::Type element,
                      const GPUSite &site);
  GPUSite ownSite(llvm::ArrayRef<int64_t> shape, mlir::Value linear, int slot,
                  mlir::Value exists);
  mlir::Type memoryElement(mlir::Type element);
  mlir::Value converted(mlir::Value value, mlir::Type element);

  // GPUHelpers.cpp
  mlir::Value constant(int64_t value);
  mlir::Value wide(int64_t value);
  mlir::Value truth(bool value);
  mlir::Value number(mlir::Type element, double value);
  mlir::Value plus(mlir::Value a, mlir::Value c);
  mlir::Value plus(mlir::Value a, int64_t c);
  mlir::Value times(mlir::Value a, int64_t c);
  mlir::Value divided(mlir::Value a, int64_t c);
  mlir::Value remainder(mlir::Value a, int64_t c);
  mlir::Value both(mlir::Value a, mlir::Value c);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value c);
  mlir::Value compare(mlir::arith::CmpIPredicate how, mlir::Value a,
                      mlir::Value c);
  mlir::Value at(const GPUCoordinate &coordinate);
  mlir::Value toWide(mlir::Value value);
  mlir::Value toNarrow(mlir::Value value);
  /// Number of sites of a shape, i32.
  mlir::Value countOf(llvm::ArrayRef<int64_t> shape);
  /// Samples of the tile that there are, i32.
  mlir::Value samplesHere();
  mlir::Value lengthOf(int64_t extent);
  mlir::Value scalar(mlir::Value value);
  mlir::Value computeScalar(mlir::Operation *op, mlir::Value value);
  void barrier();
  void when(mlir::Value condition, llvm::function_ref<void()> body);
  void loop(mlir::Value begin, mlir::Value end, mlir::Value step,
            Carried carried, LoopBody body);
  mlir::Value
  loopWhile(mlir::Value end, Carried carried,
            llvm::function_ref<mlir::Value(mlir::Value, Carried)> body);

  const GPUSchedule &schedule;
  mlir::OpBuilder &b;
  /// Where in the source the code at hand comes from.
  mlir::Location loc = mlir::UnknownLoc::get(b.getContext());

  /// i32: the thread's number in its team, that in its warp, that of its warp.
  mlir::Value thread, lane, warp;
  /// i32: its number among the team's threads in this block; that of the team
  /// in the block.
  mlir::Value threadInBlock, group;
  /// i64.
  mlir::Value team, samples, steps, sample, seed, update;
  /// i64: from one sample of the team to the next.
  mlir::Value stride;
  /// As the launch says, before they are hidden; scratch memory of all teams,
  /// bytes of one, steps of a segment that are wanted.
  mlir::Value launchSeed, launchUpdate, launchSteps;
  mlir::Value launchScratch, launchScratchStride, launchSegment;
  /// i64: a zero of the sample or section at hand. What is made of it is not
  /// kept in registers from before.
  mlir::Value freshZero;
  /// i64: steps of a segment, how many there are, steps of the one at hand.
  mlir::Value segmentLength, numSegments, segmentExtent;
  mlir::Value sampleIndex, scratch, shared;
  Values arguments, results;
  Values pointers;
  Scope scope;
  /// i32: a zero that is one more term of addresses that would be kept from
  /// step to step; null where they may be.
  mlir::Value noOffset;
  /// An op is unknown, which was said.
  bool isBroken = false;
};

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOGPU_GPUEMITTER_H
