//===- Halos.cpp - Fields that are read beyond their edges ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/Transforms/ConvForm.h"
#include "compiler/Conversion/LocoToKernels/Planner.h"

using namespace mlir;
using namespace loco;

/// Wider halos cost more than what they save.
static constexpr int64_t widestHalo = 16;

namespace {
/// One reading of a field around each of its sites.
struct Reading {
  OpOperand *operand;
  Halo halo;
};
} // namespace

static bool allOnes(ArrayRef<int64_t> strides) {
  return llvm::all_of(strides, [](int64_t stride) { return stride == 1; });
}

/// Reading of sites i * stride + t - low for t in the window, i in `sites`; with
/// `flip` of i - t + low.
static std::optional<Halo> windowHalo(RankedTensorType read,
                                      RankedTensorType sites,
                                      ArrayRef<int64_t> window,
                                      ArrayRef<int64_t> low,
                                      ArrayRef<int64_t> strides,
                                      Boundary boundary, bool flip) {
  Halo halo;
  halo.boundary = boundary;
  int64_t first = read.getRank() - window.size();
  halo.low.assign(first, 0);
  halo.high.assign(first, 0);
  for (size_t i = 0; i < window.size(); ++i) {
    int64_t before = flip ? window[i] - 1 - low[i] : low[i];
    int64_t after = flip ? low[i] : window[i] - 1 - low[i];
    int64_t extent = read.getDimSize(first + i);
    int64_t last = (sites.getDimSize(first + i) - 1) * strides[i];
    halo.low.push_back(before);
    halo.high.push_back(std::max<int64_t>(0, last + 1 + after - extent));
  }
  return halo;
}

/// Reading of outputs (i + low - t) / stride, where that is whole, for all sites
/// i of the field.
static std::optional<Halo> spreadHalo(ConvTransposeOp op) {
  Halo halo;
  halo.boundary = op.getBoundary();
  ConvForm form(op);
  if (!form.canSpread())
    return std::nullopt;
  halo.low.assign(1, 0);
  halo.high.assign(1, 0);
  for (size_t i = 0; i < form.strides.size(); ++i) {
    auto [before, after] = form.spreadReach(i);
    halo.low.push_back(before);
    halo.high.push_back(after);
  }
  return halo;
}

/// What `op` reads around sites, if it does so at constant distances.
static SmallVector<Reading> readingsOf(const Schedule &schedule,
                                       Operation *op) {
  SmallVector<Reading> readings;
  auto add = [&](unsigned index, std::optional<Halo> halo) {
    auto type = cast<RankedTensorType>(op->getOperand(index).getType());
    if (!halo || !type.hasStaticShape() || type.getRank() == 0)
      return;
    for (auto [low, high, extent] :
         llvm::zip(halo->low, halo->high, type.getShape()))
      if (std::max(low, high) > std::min(extent, widestHalo))
        return;
    readings.push_back({&op->getOpOperand(index), *halo});
  };
  auto window = [](auto conv) {
    RankedTensorType kernel = conv.getKernelType();
    return kernel.getShape().take_back(conv.getStrides().size());
  };
  if (auto conv = dyn_cast<ConvOp>(op)) {
    // Lanes along sites that are not neighbours are gathered anyway.
    if (allOnes(conv.getStrides()) ||
        schedule.laneAxisOf(conv.getOutputType().getShape()))
      add(1, windowHalo(conv.getFieldType(), conv.getOutputType(), window(conv),
                        conv.getLow(), conv.getStrides(), conv.getBoundary(),
                        false));
  } else if (auto outer = dyn_cast<ConvOuterOp>(op)) {
    if (allOnes(outer.getStrides()) ||
        schedule.laneAxisOf(outer.getKernelType().getShape()))
      add(1, windowHalo(outer.getFieldType(), outer.getOutputType(),
                        window(outer), outer.getLow(), outer.getStrides(),
                        outer.getBoundary(), false));
  } else if (auto transpose = dyn_cast<ConvTransposeOp>(op)) {
    if (!allOnes(transpose.getStrides()) &&
        schedule.laneAxisOf(transpose.getFieldType().getShape()))
      add(1, spreadHalo(transpose));
    else if (allOnes(transpose.getStrides()))
      add(1, windowHalo(transpose.getOutputType(), transpose.getFieldType(),
                        window(transpose), transpose.getLow(),
                        transpose.getStrides(), transpose.getBoundary(),
                        true));
  } else if (auto roll = dyn_cast<RollOp>(op)) {
    RankedTensorType type = roll.getOperand().getType();
    Halo halo;
    halo.boundary = roll.getBoundary();
    halo.low.assign(type.getRank(), 0);
    halo.high.assign(type.getRank(), 0);
    halo.low[roll.getAxis()] = std::max<int64_t>(0, roll.getDistance());
    halo.high[roll.getAxis()] = std::max<int64_t>(0, -roll.getDistance());
    add(0, halo);
  } else if (auto stencil = dyn_cast<StencilOp>(op)) {
    auto type = cast<RankedTensorType>(stencil.getFields().front().getType());
    Halo halo;
    halo.boundary = stencil.getBoundary();
    halo.low.assign(type.getRank(), 0);
    halo.high.assign(type.getRank(), 0);
    for (auto [i, offset] : llvm::enumerate(stencil.getOffsets())) {
      int64_t axis = i % type.getRank();
      halo.low[axis] = std::max(halo.low[axis], -offset);
      halo.high[axis] = std::max(halo.high[axis], offset);
    }
    for (unsigned i = stencil.getCentres().size(); i < op->getNumOperands();
         ++i)
      add(i, halo);
  }
  return readings;
}

Value loco::storageOf(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto scan = dyn_cast<ScanOp>(argument.getOwner()->getParentOp());
    if (!scan)
      return value;
    unsigned number = argument.getArgNumber() - 1,
             carries = scan.getInits().size();
    if (number < carries)
      return value;
    return storageOf(scan->getOperand(1 + number));
  }
  if (auto window = value.getDefiningOp<WindowOp>())
    if (isSegmentWindow(window))
      return storageOf(window.getOperand());
  return value;
}

/// True if the memory of `storage` is ours to lay out.
static bool canPad(Value storage) {
  if (isa<BlockArgument>(storage))
    return !isa<func::FuncOp>(
        cast<BlockArgument>(storage).getOwner()->getParentOp());
  Operation *op = storage.getDefiningOp();
  if (auto scan = dyn_cast<ScanOp>(op)) {
    unsigned number = cast<OpResult>(storage).getResultNumber();
    // Steps of a segment lie where all steps are.
    if (llvm::any_of(storage.getUsers(), [](Operation *user) {
          return isa<PlaceWindowOp>(user) && isSegmentWindow(user);
        }))
      return false;
    return number < scan.getInits().size() + scan.getNumStacks();
  }
  return isInline(op) && !op->hasTrait<OpTrait::ConstantLike>();
}

/// Widens `halo` to hold `other`, of the same boundary.
static void widen(Halo &halo, const Halo &other) {
  for (auto [have, want] : llvm::zip(halo.low, other.low))
    have = std::max(have, want);
  for (auto [have, want] : llvm::zip(halo.high, other.high))
    have = std::max(have, want);
}

/// Gives two storages the halo of both, if they may have one.
void Planner::shareHalo(Value a, Value c) {
  auto first = halos.find(a), second = halos.find(c);
  if ((first == halos.end() && second == halos.end()) || dense.contains(a) ||
      dense.contains(c) || !canPad(a) || !canPad(c))
    return;
  Halo both = first == halos.end() ? second->second : first->second;
  if (first != halos.end() && second != halos.end()) {
    if (first->second.boundary != second->second.boundary)
      return;
    widen(both, second->second);
  }
  halos[a] = halos[c] = both;
}

LogicalResult Planner::findHalos() {
  SmallVector<Operation *> ops;
  schedule.function.walk([&](Operation *op) { ops.push_back(op); });
  DenseMap<std::pair<Block *, Value>, Value> copies;
  for (Operation *op : ops) {
    for (Reading &reading : readingsOf(schedule, op)) {
      Value value = reading.operand->get(), storage = storageOf(value);
      if (!canPad(storage) || dense.contains(storage)) {
        Value &copy = copies[{op->getBlock(), value}];
        if (!copy) {
          OpBuilder builder(op);
          // A copy at the top of its block serves all readers.
          if (Operation *producer = value.getDefiningOp())
            builder.setInsertionPointAfter(producer);
          else
            builder.setInsertionPointToStart(op->getBlock());
          copy = StopGradientOp::create(builder, op->getLoc(), value.getType(),
                                        value);
        }
        reading.operand->set(copy);
        storage = copy;
      }
      auto [known, isNew] = halos.try_emplace(storage, reading.halo);
      if (isNew || known->second.boundary != reading.halo.boundary)
        continue;
      widen(known->second, reading.halo);
    }
  }
  // A carry that is stacked can live in its stack if both are laid out alike.
  schedule.function.walk([&](ScanOp scan) {
    for (Value carry : scan.getCarryArguments())
      for (auto [value, stack] :
           llvm::zip(scan.getYield().getStacks(), scan.getStacks()))
        if (value == carry)
          shareHalo(carry, stack);
  });
  return success();
}
