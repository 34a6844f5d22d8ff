//===- GPUSchedule.cpp - What a GPU's threads compute, and where ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUSchedule.h"

#include "compiler/Conversion/LocoToKernels/Layout.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace loco;

bool loco::isView(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() ||
         isa<CoordinateOp, FromIndexOp, ZerosOp, BroadcastOp, ReshapeOp,
             TransposeOp, SliceOp, PadOp, ConcatOp, RollOp, OneHotOp, AtOp,
             PlaceOp, WindowOp, PlaceWindowOp>(op);
}

Value loco::resolve(Value value) {
  while (auto argument = dyn_cast<BlockArgument>(value)) {
    auto scan = dyn_cast<ScanOp>(argument.getOwner()->getParentOp());
    if (!scan || scan.getConstants().empty())
      break;
    unsigned first = scan.getConstantArguments().front().getArgNumber();
    if (argument.getArgNumber() < first)
      break;
    value = scan.getConstants()[argument.getArgNumber() - first];
  }
  return value;
}

bool loco::isFullReduction(Operation *op) {
  return isa<ReduceOp, ContractOp, ConvOuterOp>(op) &&
         cast<RankedTensorType>(op->getResult(0).getType()).hasStaticShape() &&
         cast<RankedTensorType>(op->getResult(0).getType()).getNumElements() ==
             1;
}

bool loco::readsOwnSite(Operation *op, unsigned operand) {
  if (isElementwise(op))
    return true;
  if (auto stencil = dyn_cast<StencilOp>(op))
    return operand < stencil.getCentres().size();
  if (isa<ReduceOp>(op))
    return isFullReduction(op);
  // The left field's sites are those of the sum; the right one has the same
  // order where the letters have.
  if (auto contract = dyn_cast<ContractOp>(op)) {
    auto [left, right] = contract.getEquation().split("->").first.split(',');
    return isFullReduction(op) && (operand == 0 || left == right);
  }
  // The left field's sites again.
  if (isa<ConvOuterOp>(op))
    return operand == 0 && isFullReduction(op);
  return false;
}

SmallVector<int64_t> GPUSchedule::shapeOf(Value value) const {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  if (auto known = lengths.find(resolve(value)); known != lengths.end())
    shape.front() = known->second;
  return shape;
}

int64_t GPUSchedule::countOf(Value value) const {
  int64_t count = 1;
  for (int64_t extent : shapeOf(value)) {
    if (isOpen(extent))
      return -1;
    count *= extent;
  }
  return count;
}

int64_t GPUSchedule::slotsOf(int64_t count) const {
  if (count < 0)
    return 0;
  int64_t slots = (count + threads - 1) / threads;
  int64_t most =
      std::min(options.mostSlots, registerSlots(options, threadsInBlock()));
  return slots <= std::max<int64_t>(most, 1) ? slots : 0;
}

int64_t GPUSchedule::bytesOf(const GPUPlace &place) const {
  int64_t sites = place.sites();
  if (place.isSpread)
    sites = (sites + threads - 1) / threads * threadsInBlock();
  return llvm::alignTo(
      sites * ((place.element.getIntOrFloatBitWidth() + 7) / 8), 16);
}

/// Elements that are summed for each result, -1 if only known at run time, and
/// whether they follow each other in the larger operand's memory.
static std::pair<int64_t, bool> summedOf(const GPUSchedule &schedule,
                                         Operation *op) {
  auto multiply = [](int64_t &count, int64_t extent) {
    count = count < 0 || isOpen(extent) ? -1 : count * extent;
  };
  int64_t count = 1;
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    SmallVector<int64_t> shape = schedule.shapeOf(reduce.getOperand());
    for (int64_t axis : reduce.getAxes())
      multiply(count, shape[axis]);
    return {count, llvm::is_contained(reduce.getAxes(),
                                      static_cast<int64_t>(shape.size()) - 1)};
  }
  auto contract = cast<ContractOp>(op);
  auto [inputs, output] = contract.getEquation().split("->");
  auto [left, right] = inputs.split(',');
  SmallVector<int64_t> leftShape = schedule.shapeOf(contract.getLhs()),
                       rightShape = schedule.shapeOf(contract.getRhs());
  std::string seen;
  for (auto [letters, shape] : {std::pair(left, ArrayRef(leftShape)),
                                std::pair(right, ArrayRef(rightShape))})
    for (auto [letter, extent] : llvm::zip(letters, shape))
      if (!output.contains(letter) && !StringRef(seen).contains(letter)) {
        seen.push_back(letter);
        multiply(count, extent);
      }
  StringRef larger = left.size() >= right.size() ? left : right;
  return {count, !larger.empty() && !output.contains(larger.back())};
}

/// A warp reads 32 elements at once where they follow each other.
static constexpr int64_t warp = 32;

bool GPUSchedule::isByWarps(Operation *op) const {
  if (!isa<ReduceOp, ContractOp, ConvOuterOp>(op) || isFullReduction(op))
    return false;
  if (isa<ConvOuterOp>(op))
    return true;
  auto [summed, isContiguous] = summedOf(*this, op);
  if (isContiguous && (summed < 0 || summed >= warp))
    return true;
  int64_t results = countOf(op->getResult(0));
  return results >= 0 && results < threads / 8 &&
         (summed < 0 || summed >= 2 * warp);
}

bool GPUSchedule::hasRegisters(Value value) const {
  if (!slotsOf(countOf(value)))
    return false;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto scan = dyn_cast<ScanOp>(argument.getOwner()->getParentOp());
    return scan && argument != scan.getStep() && !fetched.contains(value) &&
           !loadedLate.contains(value);
  }
  auto result = cast<OpResult>(value);
  Operation *op = result.getOwner();
  if (auto scan = dyn_cast<ScanOp>(op)) {
    unsigned number = result.getResultNumber();
    unsigned carries = scan.getInits().size();
    if (number < carries)
      return true;
    number -= carries;
    if (number < scan.getNumStacks())
      return false;
    number -= scan.getNumStacks();
    auto plan = scans.find(scan);
    if (plan == scans.end() || number >= plan->second->sums.size())
      return false;
    const GPUScan::Sum &sum = plan->second->sums[number];
    return sum.deferred ? countOf(value) == 1 : sum.place < 0;
  }
  return !isView(op) && !isByWarps(op) && !products.contains(op);
}

bool GPUSchedule::hasRegisters(Value value, unsigned section) const {
  if (!hasRegisters(value))
    return false;
  Operation *op = value.getDefiningOp();
  if (!op)
    op = cast<BlockArgument>(value).getOwner()->getParentOp();
  func::FuncOp source = function;
  Block &top = source.getBody().front();
  while (op->getBlock() != &top)
    op = op->getParentOp();
  return sections.lookup(op) == section;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static StringRef nameOf(GPUStage::Kind kind) {
  switch (kind) {
  case GPUStage::Kind::Sites:
    return "sites";
  case GPUStage::Kind::Replicated:
    return "every thread";
  case GPUStage::Kind::Warps:
    return "a warp for each result";
  case GPUStage::Kind::Block:
    return "all threads to one number";
  case GPUStage::Kind::Product:
    return "products with weights on chip";
  case GPUStage::Kind::Scan:
    return "loop";
  }
  llvm_unreachable("all kinds are listed");
}

std::string loco::describeGPUSchedule(const GPUSchedule &schedule) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (schedule.blocksPerSample > 1)
    os << (schedule.isCluster ? "a cluster of " : "a grid of ")
       << schedule.blocksPerSample << " blocks of " << schedule.blockThreads()
       << " threads for each sample; ";
  else if (schedule.samplesPerBlock > 1)
    os << "one block of " << schedule.blockThreads() << " threads for each "
       << schedule.samplesPerBlock << " samples; ";
  else
    os << "one block of " << schedule.threads << " threads for each sample; ";
  if (schedule.tile > 1)
    os << schedule.tile << " samples advance together; ";
  os << schedule.sharedBytes * schedule.samplesPerBlock
     << " bytes of shared memory; scratch " << schedule.scratchBytes << " + "
     << schedule.scratchBytesPerStep << " steps";
  if (schedule.hasSegments)
    os << " + " << schedule.scratchBytesPerSegment << " segments + "
       << schedule.scratchBytesPerSegmentStep << " steps of a segment";
  os << " bytes for each sample at work\n";
  if (!schedule.products.empty()) {
    bool isByCores = false;
    int64_t sums = 0;
    for (const auto &[op, product] : schedule.products) {
      sums += product.isSum;
      isByCores |= schedule.multipliesByTensorCores(product);
    }
    os << schedule.products.size() - sums
       << " products with weights on chip and " << sums
       << " gradients of weights, "
       << schedule.places[schedule.panelPlace].sites()
       << " bytes of shared memory for them, multiply ";
    if (isByCores)
      os << productsName(schedule.options.products) << " on tensor cores\n";
    else
      os << getElementTypeOrSelf(schedule.products.begin()->second.held)
         << "\n";
  } else if (!schedule.whyNoTile.empty()) {
    os << "products read their weights in every step: " << schedule.whyNoTile
       << "\n";
  }
  std::function<void(ArrayRef<GPUStage>, unsigned)> print =
      [&](ArrayRef<GPUStage> stages, unsigned indent) {
        for (const GPUStage &stage : stages) {
          if (stage.barrier)
            os.indent(indent) << "barrier\n";
          os.indent(indent) << nameOf(stage.kind);
          if (stage.kind == GPUStage::Kind::Scan) {
            const GPUScan &scan =
                *schedule.scans.find(stage.items.front().op)->second;
            int64_t shared = 0, scratch = 0, registers = 0, deferred = 0;
            for (const GPUScan::Carry &carry : scan.carries)
              if (carry.both < 0)
                ++registers;
              else
                ++(schedule.places[carry.both].kind == GPUPlace::Kind::Shared
                       ? shared
                       : scratch);
            for (const GPUScan::Sum &sum : scan.sums)
              deferred += sum.deferred != nullptr;
            os << ": carries " << registers << " in registers, " << shared
               << " with shared memory, " << scratch << " with scratch; "
               << deferred << " of " << scan.sums.size()
               << " sums reduced after the loop";
            if (!scan.fetches.empty())
              os << "; " << scan.fetches.size() << " of "
                 << cast<ScanOp>(stage.items.front().op).getElements().size()
                 << " inputs of the next step copied asynchronously";
            if (int64_t late = llvm::count_if(
                    cast<ScanOp>(stage.items.front().op).getElementArguments(),
                    [&](Value element) {
                      return schedule.loadedLate.contains(element);
                    }))
              os << "; " << late << " brought into the cache";
            if (scan.isTight)
              os << "; addresses computed in every step";
            os << "\n";
            print(scan.body, indent + 2);
            continue;
          }
          os << " [";
          llvm::interleaveComma(stage.shape, os, [&](int64_t extent) {
            extent == segmentSteps   ? (os << "segment")
            : extent == segmentCount ? (os << "segments")
            : isOpen(extent)         ? (os << "steps")
                                     : (os << extent);
          });
          os << "]";
          unsigned stored = 0;
          for (const GPUItem &item : stage.items)
            stored += item.sinks.size();
          os << " " << stage.items.size() << " ops";
          if (stored)
            os << ", " << stored << " stored";
          int64_t channels = 0, outputs = 0;
          for (const GPUItem &item : stage.items)
            if (item.op) {
              channels = std::max(channels, schedule.channelsOfThread(item.op));
              outputs = std::max(outputs, schedule.outputsOfWarp(item.op));
            }
          if (channels)
            os << ", " << channels << " channels of a place together";
          if (outputs)
            os << ", weights of " << outputs << " channels together";
          os << "\n";
        }
      };
  print(schedule.top, 0);
  return text;
}
