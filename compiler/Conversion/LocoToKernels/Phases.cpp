//===- Phases.cpp - What runs sample by sample, and what for all at once --===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Planner.h"

using namespace mlir;
using namespace loco;

/// Samples of a block: so many rows per step make a product of a recurrence a
/// matrix product worth the name; products over all steps need fewer.
static constexpr int64_t lockStepBlock = 64, productBlock = 16;

bool Planner::isLarge(const MatrixProduct &product) const {
  return product.size() >= schedule.options.libraryThreshold;
}

/// What depends on parameters and constants alone.
void Planner::findUniform() {
  func::FuncOp function = schedule.function;
  for (BlockArgument argument : function.getArguments()) {
    auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      "loco.role");
    if (argument.getType().isIndex() ||
        (role && (role == "param" || role == "frozen")))
      uniform.insert(argument);
  }
  for (Operation &op : function.getBody().front().without_terminator())
    if (isa<LengthOp>(op) || llvm::all_of(op.getOperands(), [&](Value value) {
          return uniform.contains(value);
        }))
      uniform.insert(op.result_begin(), op.result_end());
}

/// Rows of products have no gaps, so what they read and write gets no halo.
void Planner::findDense() {
  schedule.function.walk([&](ContractOp op) {
    auto extent = [](Value value) {
      auto type = cast<RankedTensorType>(value.getType());
      return type.hasStaticShape() ? type.getNumElements() : 0;
    };
    int64_t size = std::max(
        {extent(op.getLhs()), extent(op.getRhs()), extent(op.getResult())});
    if (size < schedule.options.libraryThreshold)
      return;
    dense.insert(storageOf(op.getLhs()));
    dense.insert(storageOf(op.getRhs()));
    dense.insert(op.getResult());
    auto scan = dyn_cast<ScanOp>(op->getParentOp());
    if (!scan)
      return;
    for (auto [value, stack] :
         llvm::zip(scan.getYield().getStacks(), scan.getStacks()))
      if (value == op.getResult())
        dense.insert(stack);
  });
}

/// A scan that only does one product.
static ContractOp onlyProduct(ScanOp scan) {
  Block &block = *scan.getBlock();
  if (!scan.getInits().empty() || scan.isPartial() ||
      scan.getNumResults() != 1 ||
      !llvm::hasSingleElement(block.without_terminator()))
    return {};
  return dyn_cast<ContractOp>(block.front());
}

std::optional<ProductCall> Planner::asProduct(Operation *op) {
  auto scan = dyn_cast<ScanOp>(op);
  auto contract = scan ? onlyProduct(scan) : dyn_cast<ContractOp>(op);
  bool top = isa<func::FuncOp>(op->getParentOp());
  auto around = dyn_cast<ScanOp>(op->getParentOp());
  bool inSegment = around && isSegmentLoop(around);
  if (!contract || (top ? oneSample : !lockStep.contains(op->getBlock())))
    return std::nullopt;
  // What an operand is outside of the scan: the stack of an element.
  auto outside = [&](Value value) -> Value {
    auto argument = dyn_cast<BlockArgument>(value);
    return scan && argument ? scan->getOperand(argument.getArgNumber()) : value;
  };
  auto isElement = [&](Value value) {
    return !scan || llvm::is_contained(scan.getElementArguments(), value);
  };
  ProductCall call;
  for (unsigned matrix : {0, 1}) {
    Value rows = contract->getOperand(1 - matrix);
    if (!isUniform(storageOf(contract->getOperand(matrix))) ||
        !isElement(rows) || isUniform(storageOf(rows)) ||
        (scan && isElement(contract->getOperand(matrix))))
      continue;
    auto form = asApply(contract, matrix);
    // Within a loop it is a product of our own, which small ones are worth, too.
    bool pays = form && (isLarge(*form) || (!scan && !top &&
                                            !halos.contains(storageOf(rows)) &&
                                            !halos.contains(op->getResult(0))));
    if (!pays || (scan && scan.getNumStacks() != 1))
      continue;
    call.form = *form;
    call.matrix = outside(contract->getOperand(matrix));
    call.rows = outside(rows);
    call.out = {};
    return call;
  }
  auto form = asOuter(contract);
  if ((!top && !inSegment) || !form || !isLarge(*form) || !isElement(contract.getLhs()) ||
      !isElement(contract.getRhs()) ||
      isUniform(storageOf(contract.getLhs())) ||
      isUniform(storageOf(contract.getRhs())))
    return std::nullopt;
  auto direct = directSums.find(op->getResult(0));
  // One outer product per sample is no matrix product, unless samples are
  // summed.
  if (scan && !inSegment ? scan.getNumStacks() != 0
                         : direct == directSums.end())
    return std::nullopt;
  call.form = *form;
  call.left = outside(contract->getOperand(form->left));
  call.right = outside(contract->getOperand(1 - form->left));
  call.shared = direct != directSums.end();
  if (call.shared)
    call.out = {direct->second - 1, nullptr};
  return call;
}

/// A recurrence through a large matrix: one sample alone would read all of it
/// at every step for a single row. Samples that end at different steps cannot
/// advance together.
bool Planner::wantsLockStep(ScanOp scan) {
  if (scan.getInits().empty() || scan.isPartial())
    return false;
  return llvm::any_of(
      scan.getBlock()->getOps<ContractOp>(), [&](ContractOp op) {
        for (unsigned matrix : {0, 1}) {
          auto form = asApply(op, matrix);
          auto argument = dyn_cast<BlockArgument>(op->getOperand(matrix));
          if (form && argument &&
              llvm::is_contained(scan.getConstantArguments(), argument) &&
              isUniform(storageOf(argument)) && isLarge(*form))
            return true;
        }
        return false;
      });
}

/// Finds the scans of `block` whose samples advance together: loops over
/// segments do if there is a product in them for all samples. True if there is
/// one.
bool Planner::findLockStep(Block &block) {
  bool any = false;
  for (auto scan : block.getOps<ScanOp>()) {
    bool together =
        isSegmentLoop(scan) ? findLockStep(*scan.getBlock()) : wantsLockStep(scan);
    if (together)
      lockStep.insert(scan.getBlock());
    any |= together;
    if (ContractOp product = onlyProduct(scan)) {
      auto outer = asOuter(product);
      any |= outer && isLarge(*outer);
      for (unsigned matrix : {0, 1})
        if (isUniform(storageOf(product->getOperand(matrix))))
          if (auto apply = asApply(product, matrix))
            any |= isLarge(*apply);
    }
  }
  return any;
}

/// Steps whose residuals are as many numbers as a matrix may have that every
/// sample reads anew.
static constexpr int64_t stepsOfMatrix = 16;

/// True if the products of `block` are small beside what its loops keep of their
/// steps: made for all samples at once they would save reading their matrices,
/// but what is kept of all samples would have to wait in memory for the way
/// back, in place of what is kept of one, in the cache.
bool Planner::wantsOneSample(Block &block) {
  int64_t kept = 0, largest = 0;
  for (auto scan : block.getOps<ScanOp>())
    for (Value stack : scan.getStacks())
      if (auto step = getStepType(cast<RankedTensorType>(stack.getType()));
          step.hasStaticShape() && !stack.use_empty())
        kept += step.getNumElements();
  for (auto contract : block.getOps<ContractOp>())
    for (Value value : {contract.getLhs(), contract.getRhs()})
      if (auto type = cast<RankedTensorType>(value.getType());
          type.hasStaticShape() && isUniform(value))
        largest = std::max(largest, type.getNumElements());
  return largest <= stepsOfMatrix * kept;
}

void Planner::touchedPlaces(const Group &group,
                            llvm::SmallSetVector<int, 8> &places) const {
  auto touch = [&](Value value) {
    if (Reference reference = schedule.find(value)) {
      places.insert(reference.place);
      if (int whole = schedule.places[reference.place].partOf; whole >= 0)
        places.insert(whole);
    }
  };
  auto touchOp = [&](Operation *op) {
    llvm::for_each(op->getOperands(), touch);
    llvm::for_each(op->getResults(), touch);
  };
  llvm::for_each(group.ops, touchOp);
  if (group.solo)
    touchOp(group.solo);
  for (const Root &root : group.roots) {
    touch(root.value);
    for (const Sink &sink : root.sinks)
      places.insert(sink.to.place);
  }
}

/// Divides the groups into phases, and gives a buffer per sample to what more
/// than one phase touches.
void Planner::addPhases(BlockPlan &plan) {
  Phase first{Phase::Kind::Uniform, {}};
  llvm::SmallSetVector<int, 8> uniformPlaces;
  for (auto [i, group] : llvm::enumerate(plan.groups))
    if (group.uniform) {
      first.groups.push_back(i);
      touchedPlaces(group, uniformPlaces);
    }
  if (!first.groups.empty())
    plan.phases.push_back(first);
  for (auto [i, group] : llvm::enumerate(plan.groups)) {
    if (group.uniform)
      continue;
    auto scan = schedule.scans.find(group.solo);
    bool together = scan != schedule.scans.end() && scan->second->lockStep;
    Phase::Kind kind = group.product ? Phase::Kind::Product
                       : together    ? Phase::Kind::LockStep
                                     : Phase::Kind::Samples;
    if (kind != Phase::Kind::Samples || plan.phases.empty() ||
        plan.phases.back().kind != Phase::Kind::Samples)
      plan.phases.push_back({kind, {}});
    plan.phases.back().groups.push_back(i);
    if (kind != Phase::Kind::Samples)
      schedule.preferredBlock = std::max(
          schedule.preferredBlock, together ? lockStepBlock : productBlock);
  }

  if (!schedule.blockSums.empty())
    schedule.preferredBlock = std::max(schedule.preferredBlock, productBlock);

  // In the body of a loop, what all samples share comes from outside.
  for (auto &[value, reference] : schedule.memory)
    if (reference && isUniform(storageOf(value)))
      uniformPlaces.insert(reference.place);
  DenseMap<int, int> touchedBy;
  for (auto [number, phase] : llvm::enumerate(plan.phases)) {
    if (phase.kind == Phase::Kind::Uniform)
      continue;
    llvm::SmallSetVector<int, 8> places;
    for (unsigned i : phase.groups)
      touchedPlaces(plan.groups[i], places);
    for (int place : places) {
      int phaseNumber = number;
      auto [known, isNew] = touchedBy.try_emplace(place, phaseNumber);
      if (schedule.places[place].kind != Place::Kind::Arena ||
          uniformPlaces.contains(place))
        continue;
      if (known->second != phaseNumber || phase.kind != Phase::Kind::Samples)
        schedule.places[place].perSample = true;
    }
  }
}
