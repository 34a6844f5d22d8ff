//===- SampleLanes.cpp - Whether lanes are samples ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lanes along the sites of a row are wasted where rows fill no vectors,
// neighbours are read across the ends of lines, sums over sites end with a sum
// over lanes, and what a small lattice does in a step is one chain of
// operations. With lanes that are samples (EmitSamples.cpp) none of this is so,
// whatever the extents are; what it costs is that as many samples as a vector
// has lanes are in the cache at the same time, and that arrays of the caller
// are turned.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Planner.h"
#include "dialects/Loco/Transforms/ConvForm.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace loco;

bool Planner::isShared(Value value) const {
  Block *top = &schedule.function.getBody().front();
  value = storageOf(value);
  if (value.getParentBlock() == top)
    return isUniform(value);
  Operation *around =
      top->findAncestorOpInBlock(*value.getParentBlock()->getParentOp());
  return around && around->getNumResults() && isUniform(around->getResult(0));
}

/// True if `op` is a loop over the steps of one product, which is one product
/// over all of them.
static bool isOnlyProduct(Operation *op) {
  auto scan = dyn_cast<ScanOp>(op);
  return scan && isa<func::FuncOp>(scan->getParentOp()) &&
         scan.getInits().empty() &&
         llvm::hasSingleElement(scan.getBlock()->without_terminator());
}

/// Why `op` keeps the function from having samples as lanes; empty: it does
/// not.
static StringRef hindranceOf(Operation *op, const ScheduleOptions &options) {
  if (isa<RandomOp>(op))
    return "numbers are drawn a sample at a time";
  if (auto scan = dyn_cast<ScanOp>(op))
    if (scan.isPartial() || scan.isCounted())
      return "samples end at different steps";
  // Products for all samples at once are made of rows, outside of loops.
  Operation *around = op->getParentOp();
  bool outside = isa<func::FuncOp>(around) || isOnlyProduct(around);
  if (auto contract = dyn_cast<ContractOp>(op); contract && !outside)
    for (Type type : {contract.getLhs().getType(), contract.getRhs().getType(),
                      contract.getResult().getType()}) {
      auto tensor = cast<RankedTensorType>(type);
      if (!tensor.hasStaticShape() ||
          tensor.getNumElements() >= options.libraryThreshold)
        return "there are matrix products in its loops";
    }
  return "";
}

/// What decides, counted over the fields that differ between samples.
struct Planner::FieldCount {
  /// Numbers, and lanes that they take if these are sites or channels.
  int64_t numbers = 0, lanes = 0;
  /// Bytes that a step of the busiest block moves, of one sample.
  int64_t stepBytes = 0;
  /// Extent of the axis along which the most lanes lie.
  int64_t row = 0, rowNumbers = 0;
};

/// A step of `type`, if it is a field.
static RankedTensorType fieldOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (tensor && tensor.getRank() && tensor.isDynamicDim(0))
    tensor = getStepType(tensor);
  return tensor && tensor.getRank() && tensor.hasStaticShape() &&
                 isa<FloatType>(tensor.getElementType())
             ? tensor
             : RankedTensorType();
}

void Planner::countLanes(Value value, FieldCount &count) const {
  RankedTensorType type = fieldOf(value.getType());
  if (!type)
    return;
  unsigned axis =
      schedule.laneAxisOf(type.getShape()).value_or(type.getRank() - 1);
  int64_t numbers = type.getNumElements(), row = type.getDimSize(axis);
  count.numbers += numbers;
  count.lanes += numbers / row *
                 llvm::alignTo(row, schedule.lanesOf(type.getElementType()));
  if (numbers > count.rowNumbers) {
    count.rowNumbers = numbers;
    count.row = row;
  }
}

/// Bytes of what `block` reads and writes in each step: what it is given, what
/// it leaves, and half of that once more for what its passes leave each other.
static int64_t countStep(const Planner &planner, Block &block) {
  llvm::SmallSetVector<Value, 16> values;
  values.insert(block.args_begin(), block.args_end());
  Operation *end = block.getTerminator();
  values.insert(end->operand_begin(), end->operand_end());
  int64_t bytes = 0;
  for (Value value : values)
    if (RankedTensorType type = fieldOf(value.getType());
        type && !planner.isShared(value))
      bytes += type.getNumElements() * bytesOf(type.getElementType());
  return bytes + bytes / 2;
}

Planner::FieldCount Planner::countFields() const {
  FieldCount count;
  schedule.function.walk([&](Block *block) {
    if (isa<StencilOp>(block->getParentOp()))
      return;
    count.stepBytes = std::max(count.stepBytes, countStep(*this, *block));
    for (Operation &op : *block)
      for (Value result : op.getResults())
        if (isInline(&op) && !isFree(&op) && !isShared(result))
          countLanes(result, count);
  });
  return count;
}

/// Lanes along sites or channels that are filled to so many hundredths are not
/// worth turning arrays and more memory at a time: measured between 73 and 100
/// (docs/rationale/SampleLanes.md).
static constexpr int64_t fullEnough = 80;

void Planner::chooseAbreast() {
  const ScheduleOptions &options = schedule.options;
  if (!options.manySamples)
    return;
  Type element;
  for (Type type : schedule.function.getArgumentTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type);
        tensor && isa<FloatType>(tensor.getElementType()) &&
        (!element || bytesOf(element) < bytesOf(tensor.getElementType())))
      element = tensor.getElementType();
  int64_t lanes = element ? schedule.lanesOf(element) : 1;
  if (lanes < 2)
    return;
  StringRef hindrance;
  schedule.function.walk([&](Operation *op) {
    if (hindrance.empty())
      hindrance = hindranceOf(op, options);
  });
  FieldCount count = countFields();
  int64_t filled = 100 * count.numbers / std::max<int64_t>(1, count.lanes);
  if (!hindrance.empty())
    schedule.abreastReason = hindrance.str();
  else if (!count.numbers)
    schedule.abreastReason = "there are no fields";
  else if (filled >= fullEnough)
    schedule.abreastReason = llvm::formatv(
        "{0} in a row fill {1} % of their vectors", count.row, filled);
  else if (4 * lanes * count.stepBytes > 3 * options.cacheBytes)
    schedule.abreastReason = llvm::formatv(
        "a step of {0} samples, {1} KiB, takes more than three quarters of the "
        "cache",
        lanes, lanes * count.stepBytes >> 10);
  if (!schedule.abreastReason.empty())
    return;
  schedule.abreast = lanes;
  schedule.abreastReason = llvm::formatv(
      "{0} in a row fill only {1} % of their vectors", count.row, filled);
  schedule.laneAxes.clear();
}

/// Gives arrays that belong to one sample each (the caller's, rows of matrix
/// products) a place for one step with samples side by side.
void Planner::planTurned() {
  if (schedule.abreast == 1)
    return;
  // What is added to stays where it is.
  llvm::DenseSet<int> added;
  auto see = [&](const BlockPlan &plan) {
    for (const Group &group : plan.groups)
      for (const Root &root : group.roots)
        for (const Sink &sink : root.sinks)
          if (sink.accumulate)
            added.insert(sink.to.place);
  };
  see(schedule.top);
  for (auto &[scan, plan] : schedule.scans)
    for (const BlockPlan *block : {&plan->body, &plan->entry, &plan->exit})
      see(*block);
  for (int i = 0, count = schedule.places.size(); i < count; ++i) {
    Place &place = schedule.places[i];
    bool ours = place.kind == Place::Kind::Arena;
    if ((!ours && place.kind != Place::Kind::Argument &&
         place.kind != Place::Kind::Result) ||
        place.shared || place.layout.abreast > 1)
      continue;
    place.perSample = ours;
    if (added.contains(i) || place.layout.size == 1)
      continue;
    Place turned;
    turned.shared = true;
    turned.layout = Layout::sideBySide(place.layout, schedule.abreast);
    turned.element = place.element;
    int number = addPlace(std::move(turned));
    schedule.places[i].turned = number;
  }
}
