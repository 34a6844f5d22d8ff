//===- Schedule.cpp - What is computed where and when ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Planner.h"
#include "dialects/Loco/Transforms/ConvForm.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace loco;

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

int Planner::addPlace(Place place) {
  schedule.places.push_back(std::move(place));
  return schedule.places.size() - 1;
}

Layout Planner::layoutFor(Value storage, RankedTensorType step) const {
  auto halo = halos.find(storage);
  if (schedule.abreast > 1 && dense.contains(storage))
    return Layout::dense(step.getShape());
  if (schedule.abreast > 1 && !isShared(storage))
    return Layout::sideBySide(
        halo == halos.end() ? Layout::dense(step.getShape())
                            : Layout::padded(step.getShape(), halo->second, 1),
        schedule.abreast);
  if (std::optional<unsigned> lane = laneAxisFor(storage, step.getShape()))
    return Layout::interleaved(
        step.getShape(), *lane,
        halo == halos.end() ? std::optional<Halo>() : halo->second,
        schedule.options.vectorBytes / std::max<int64_t>(
            4, bytesOf(step.getElementType())));
  if (halo == halos.end())
    return Layout::dense(step.getShape());
  return Layout::padded(step.getShape(), halo->second,
                        schedule.lanesOf(step.getElementType()));
}

int64_t Schedule::lanesOf(const Group &group, Type element) const {
  constexpr int64_t fewest = 4;
  int64_t most = lanesOf(element);
  if (group.flat || group.lane || group.shape.empty() ||
      !isKnownLength(group.shape.back()))
    return most;
  return std::min<int64_t>(
      most, llvm::PowerOf2Ceil(std::max(group.shape.back(), fewest)));
}

int Planner::addArena(Value storage) {
  auto tensor = cast<RankedTensorType>(storage.getType());
  Place place;
  place.stacked = tensor.getRank() && tensor.isDynamicDim(0);
  RankedTensorType step = place.stacked ? getStepType(tensor) : tensor;
  place.layout = layoutFor(storage, step);
  place.element = step.getElementType();
  if (place.stacked)
    place.length = schedule.shapeOf(storage).front();
  place.shared = isShared(storage);
  return addPlace(std::move(place));
}

void Planner::requireMemory(Value value) {
  if (schedule.memory.contains(value))
    return;
  if (auto constant = value.getDefiningOp<arith::ConstantOp>()) {
    auto type = cast<RankedTensorType>(value.getType());
    Place place;
    place.kind = Place::Kind::Global;
    place.shared = true;
    place.layout = Layout::dense(type.getShape());
    place.element = type.getElementType();
    place.constant = constant.getValue();
    schedule.memory[value] = {addPlace(std::move(place)), nullptr};
    return;
  }
  schedule.memory[value] = {addArena(value), nullptr};
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// True if the group's sites are one dense row: elementwise, everything in
/// memory dense, broadcasts from scalars only.
static bool isFlat(const Schedule &schedule, const Group &group) {
  auto dense = [&](Value value) {
    Reference reference = schedule.find(value);
    return !reference || schedule.places[reference.place].layout.isDense();
  };
  for (Operation *op : group.ops) {
    auto broadcast = dyn_cast<BroadcastOp>(op);
    if (broadcast
            ? broadcast.getOperand().getType().getRank() != 0
            : !isElementwise(op) && !isa<ReduceOp, FromIndexOp, ZerosOp>(op) &&
                  !matchPattern(op, m_Constant()))
      return false;
    if (!llvm::all_of(op->getOperands(), dense))
      return false;
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        if (isFree(producer) && isa<CoordinateOp>(producer))
          return false;
  }
  for (const Root &root : group.roots) {
    if (!dense(root.value) || root.value.getDefiningOp<CoordinateOp>())
      return false;
    for (const Sink &sink : root.sinks)
      if (!schedule.places[sink.to.place].layout.isDense())
        return false;
  }
  // Constants that are not one number are read at their place.
  for (Operation *op : group.ops)
    for (Value operand : op->getOperands())
      if (auto constant = operand.getDefiningOp<arith::ConstantOp>())
        if (!isa<SplatElementsAttr>(constant.getValue()))
          return false;
  return true;
}

/// Rows whose loads a stencil shares; more run out of registers.
static constexpr int64_t stencilRows = 4;

/// Rows of a tile: so many, or one more or less if a low lattice is divided by
/// that, since a row that is left over waits for every one of its operations.
static int64_t tileRowsOf(int64_t extent) {
  for (int64_t rows : {stencilRows, stencilRows + 1, stencilRows - 1})
    if (extent % rows == 0 && extent < 8 * stencilRows)
      return rows;
  return std::min(stencilRows, extent);
}

/// Products of a tile that are written out, at most.
static constexpr int64_t mostProducts = 400;

/// Lanes along sites: some channels at some sites, as many as there are
/// registers for their sums, which must not wait for each other.
static void tileChannels(Group &group, const ConvForm &form, int64_t most,
                         int64_t lanes) {
  int64_t channels = group.shape.front(), last = group.shape.size() - 1;
  int64_t atOnce = most / 2;
  group.tileAxis = 0;
  group.tileRows =
      llvm::divideCeil(channels, llvm::divideCeil(channels, atOnce));
  if (form.strided() || llvm::any_of(group.ops, llvm::IsaPred<StencilOp>))
    return;
  group.lineAxis = std::max<int64_t>(1, last - 1);
  int64_t extent = group.shape[group.lineAxis];
  if (group.lineAxis == last)
    extent = llvm::divideCeil(extent, lanes);
  int64_t lines = std::min(
      {most / group.tileRows, extent,
       std::max<int64_t>(1, mostProducts / (form.taps() * group.tileRows))});
  // Tiles of one size, if there are enough sums in them still.
  group.tileLines = lines;
  while (extent % group.tileLines && 3 * group.tileLines > 2 * lines)
    --group.tileLines;
  if (extent % group.tileLines)
    group.tileLines = llvm::divideCeil(extent, llvm::divideCeil(extent, lines));
}

void Planner::chooseTiles(Group &group) {
  if (group.solo || group.shape.empty())
    return;
  // Samples side by side are no row of sites.
  group.flat =
      (schedule.abreast == 1 || group.uniform) && isFlat(schedule, group);
  if (group.flat)
    return;
  chooseLanes(group);
  if (group.lane)
    return;
  for (Operation *op : group.ops) {
    if (auto stencil = dyn_cast<StencilOp>(op); stencil && sharesRows(stencil)) {
      group.tileAxis = group.shape.size() - 2;
      group.tileRows = std::min(stencilRows, group.shape[group.tileAxis]);
      continue;
    }
    RankedTensorType kernel, field;
    if (auto conv = dyn_cast<ConvOp>(op))
      std::tie(kernel, field) =
          std::pair(conv.getKernelType(), conv.getFieldType());
    else if (auto transpose = dyn_cast<ConvTransposeOp>(op))
      std::tie(kernel, field) =
          std::pair(transpose.getKernelType(), transpose.getOutputType());
    else if (auto outer = dyn_cast<ConvOuterOp>(op))
      std::tie(kernel, field) =
          std::pair(outer.getKernelType(), outer.getOutputType());
    else
      continue;
    bool channels = kernel.getRank() > field.getRank();
    if (channels) {
      tileChannels(
          group, ConvForm::of(op), schedule.options.vectorBytes == 64 ? 16 : 8,
          schedule.abreast > 1 ? 1 : schedule.lanesOf(field.getElementType()));
      continue;
    }
    if (field.getRank() < 2)
      continue;
    group.tileAxis = field.getRank() - 2;
    group.tileRows = tileRowsOf(group.shape[group.tileAxis]);
  }
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static Place callerPlace(Place::Kind kind, unsigned index, Value value,
                         const Schedule &schedule) {
  auto type = cast<RankedTensorType>(value.getType());
  Place place;
  place.kind = kind;
  place.index = index;
  place.stacked = type.getRank() && type.isDynamicDim(0);
  place.layout =
      Layout::dense((place.stacked ? getStepType(type) : type).getShape());
  place.element = type.getElementType();
  if (place.stacked)
    place.length = schedule.shapeOf(value).front();
  return place;
}

/// `value` goes to result place `number`; the terms of a sum over samples one
/// by one, unless the sum is needed elsewhere, too.
void Planner::addResult(Value value, int number, bool summed,
                        SmallVectorImpl<Root> &yields) {
  auto sum = value.getDefiningOp<arith::AddFOp>();
  if (sum && summed && value.hasOneUse()) {
    skipped.insert(sum);
    addResult(sum.getLhs(), number, summed, yields);
    addResult(sum.getRhs(), number, summed, yields);
    return;
  }
  if (summed && directSums.lookup(value) == number + 1)
    return;
  if (isUniform(value) && value.getDefiningOp() &&
      !isFree(value.getDefiningOp()))
    requireMemory(value);
  yields.push_back({value, {{{number, nullptr}, summed}}});
}

/// Finds the products among the terms of `value` that add to result place
/// `number` without a sum of their own.
void Planner::findDirectSums(Value value, int number) {
  auto sum = value.getDefiningOp<arith::AddFOp>();
  if (sum && value.hasOneUse()) {
    findDirectSums(sum.getLhs(), number);
    findDirectSums(sum.getRhs(), number);
    return;
  }
  Operation *op = value.getDefiningOp();
  if (auto scan = dyn_cast_or_null<ScanOp>(op);
      scan && isSegmentLoop(scan) && value.hasOneUse()) {
    for (auto [inside, sum] :
         llvm::zip(scan.getYield().getSums(), scan.getSums()))
      if (sum == value && allDirect(inside, number))
        directSums[value] = number + 1;
    return;
  }
  if (!op || !value.hasOneUse() ||
      schedule.places[number].element != getElementTypeOrSelf(value))
    return;
  directSums[value] = number + 1;
  std::optional<ProductCall> product = asProduct(op);
  if (!product || product->form.kind != MatrixProduct::Kind::Outer)
    directSums.erase(value);
}

/// True if a loop over segments only puts the steps of each where they belong.
static bool isSumOfWindows(ScanOp scan, Value value) {
  for (auto [inside, sum] :
       llvm::zip(scan.getYield().getSums(), scan.getSums()))
    if (sum == value)
      return inside.getDefiningOp<PlaceWindowOp>() && isSegmentLoop(scan);
  return false;
}

/// True if `value`, a summand of a loop over segments, consists of products
/// that add to result place `number`; they then do.
bool Planner::allDirect(Value value, int number) {
  SmallVector<Value> terms = {value};
  SmallVector<Operation *> sums;
  for (size_t i = 0; i < terms.size();) {
    auto sum = terms[i].getDefiningOp<arith::AddFOp>();
    if (!terms[i].hasOneUse())
      return false;
    if (!sum) {
      findDirectSums(terms[i++], number);
      continue;
    }
    sums.push_back(sum);
    terms[i] = sum.getLhs();
    terms.push_back(sum.getRhs());
  }
  if (llvm::all_of(terms, [&](Value term) {
        return directSums.lookup(term) == number + 1;
      })) {
    skipped.insert(sums.begin(), sums.end());
    return true;
  }
  for (Value term : terms)
    directSums.erase(term);
  return false;
}

/// Samples of a block that each thread has one of.
static constexpr int64_t anyBlock = int64_t(1) << 30;

LogicalResult Planner::planFunction() {
  func::FuncOp function = schedule.function;
  Block &block = function.getBody().front();
  for (BlockArgument argument : function.getArguments()) {
    if (!isa<RankedTensorType>(argument.getType()))
      continue;
    Place place = callerPlace(Place::Kind::Argument, argument.getArgNumber(),
                              argument, schedule);
    place.shared = isUniform(argument);
    schedule.memory[argument] = {addPlace(std::move(place)), nullptr};
  }

  // Constants that are not one number are read from memory wherever they stand.
  function.walk([&](arith::ConstantOp op) {
    if (isa<RankedTensorType>(op.getType()) &&
        !isa<SplatElementsAttr>(op.getValue()))
      requireMemory(op.getResult());
  });

  SmallVector<std::tuple<Value, int, bool>> results;
  for (auto [i, value] :
       llvm::enumerate(block.getTerminator()->getOperands())) {
    auto type = cast<RankedTensorType>(value.getType());
    bool summed = function.getResultAttr(i, "loco.sum_samples") != nullptr;
    Place place = callerPlace(Place::Kind::Result, i, value, schedule);
    if (summed)
      place.element = sumType(type);
    place.shared = summed;
    results.push_back({value, addPlace(std::move(place)), summed});
  }
  oneSample = schedule.abreast > 1
                  ? dense.empty()
                  : !findLockStep(block) && wantsOneSample(block);
  for (auto [value, number, summed] : results)
    if (summed)
      findDirectSums(value, number);

  SmallVector<Root> yields, exits;
  for (auto [value, number, summed] : results) {
    if (summed && addBlockSum(value)) {
      exits.push_back({value, {{{number, nullptr}, true}}});
      continue;
    }
    // A stack that is only a result is written where the caller wants it.
    auto scan = value.getDefiningOp<ScanOp>();
    bool stacked = scan && (llvm::is_contained(scan.getStacks(), value) ||
                            isSumOfWindows(scan, value));
    if (!summed && stacked && !halos.contains(value) && !schedule.memory.contains(value))
      schedule.memory[value] = {number, nullptr};
    else
      addResult(value, number, summed, yields);
  }
  planNested(block);
  schedule.top = planBlock(block, yields);
  addPhases(schedule.top);
  schedule.exit = planCopies(exits);
  chooseStepMajor();
  chooseChunks();
  if (schedule.abreast > 1) {
    // A block may be of any size: what is kept is that of one vector.
    planTurned();
    if (oneSample)
      schedule.preferredBlock = anyBlock;
  } else {
    chooseStreams();
    chooseWindowLoops();
    chooseTeam();
  }
  layOutArena();
  return success();
}

Type loco::sumType(RankedTensorType type) {
  return type.hasStaticShape() && type.getNumElements() < 4096
             ? Float64Type::get(type.getContext())
             : type.getElementType();
}

/// Adds up the sizes; the kernel's prologue adds them up in the same order.
void Planner::layOutArena() {
  for (Place &place : schedule.places) {
    if (place.kind != Place::Kind::Arena)
      continue;
    // Of samples side by side there are as many as fill vectors.
    int64_t together = place.perSample ? place.layout.abreast : 1;
    int64_t each = place.layout.size * bytesOf(place.element) / together;
    int64_t length = place.stacked ? place.length : 1;
    BlockSize size = BlockSize::stacked(each, length, place.perSample);
    size += BlockSize::stacked((together - 1) * each, length, false);
    if (place.ring) {
      size = {};
      size.perSample = place.layout.size * bytesOf(place.element);
      size.constant = chunkRows * size.perSample;
    }
    (place.perSample ? size.perSample : size.constant) +=
        place.beyond * each;
    if (place.perSample)
      size.constant += (together - 1) * place.beyond * each;
    place.offset = size;
    size.constant += LOCO_ARENA_ALIGNMENT;
    schedule.arena += size;
  }
}

/// Ops that the emitter does not know are found before it starts.
static LogicalResult checkOps(func::FuncOp function) {
  auto result = function.walk([&](Operation *op) {
    Dialect *dialect = op->getDialect();
    if (isa<func::FuncOp, func::ReturnOp>(op) ||
        isa_and_nonnull<LocoDialect, arith::ArithDialect, math::MathDialect>(
            dialect)) {
      // Numbers of steps are computed before the loops of their block.
      auto scan = dyn_cast<ScanOp>(op);
      if (!scan || !scan.isCounted() ||
          llvm::all_of(scan.getCount().getUses(), [](OpOperand &use) {
            auto reader = dyn_cast<ScanOp>(use.getOwner());
            return reader && reader.getSteps() != use.get();
          }))
        return WalkResult::advance();
      op->emitOpError("gives its number of steps to something else than a "
                      "loop's `taking` or `with`, which cannot be compiled for "
                      "the CPU [unsupported-op]");
      return WalkResult::interrupt();
    }
    op->emitOpError("cannot be compiled for the CPU [unsupported-op]");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

FailureOr<Schedule> loco::makeSchedule(func::FuncOp function,
                                       const ScheduleOptions &options) {
  Schedule schedule;
  schedule.function = function;
  schedule.options = options;
  Planner planner(schedule);
  planner.findUniform();
  planner.findLaneAxes();
  planner.chooseAbreast();
  planner.findDense();
  planner.copyInterleaved();
  if (failed(checkOps(function)) || failed(planner.findLengths()) ||
      failed(planner.findHalos()))
    return failure();
  planner.findUniform();
  if (failed(planner.planFunction()))
    return failure();
  return std::move(schedule);
}
