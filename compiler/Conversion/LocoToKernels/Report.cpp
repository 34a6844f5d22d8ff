//===- Report.cpp - What became of a function's loops, for people ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Report.h"
#include "compiler/Conversion/LocoToKernels/Schedule.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace loco;

/// `model.loco:12`, with the column if wanted; empty if `location` is in no
/// file.
static std::string describePlace(Location location, bool withColumn) {
  auto place = location->findInstanceOf<FileLineColLoc>();
  if (!place)
    return "";
  std::string text = (llvm::sys::path::filename(place.getFilename()) + ":" +
                      Twine(place.getLine()))
                         .str();
  return withColumn ? text + ":" + std::to_string(place.getColumn()) : text;
}

static std::string describeSites(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto print = [&](int64_t extent) {
    isKnownLength(extent) ? (os << extent) : (os << "steps");
  };
  llvm::interleave(shape, os, print, " x ");
  return text.empty() ? "one number" : text;
}

static std::string counted(size_t count, StringRef what) {
  return (Twine(count) + " " + what + (count == 1 ? "" : "s")).str();
}

namespace {
class Reporter {
public:
  explicit Reporter(const Schedule &schedule) : schedule(schedule) {}

  void addNests(const BlockPlan &plan, unsigned depth);
  void addLostFusions(const BlockPlan &plan);
  void addLoops(ModuleOp loops);

  KernelReport report;

private:
  void addScan(ScanOp scan, unsigned depth);
  NestFact describeSolo(const Group &group) const;
  NestFact describeFused(const Group &group) const;
  void remark(StringRef name, Location location, const Twine &message);

  const Schedule &schedule;
};
} // namespace

//===----------------------------------------------------------------------===//
// Nests
//===----------------------------------------------------------------------===//

void Reporter::addScan(ScanOp scan, unsigned depth) {
  const ScanPlan &plan = *schedule.scans.find(scan)->second;
  NestFact fact;
  fact.depth = depth;
  fact.place = describePlace(scan.getLoc(), false);
  fact.work = scan.getReverse() ? "loop back over time" : "loop over time";
  fact.schedule = plan.lockStep ? "all samples of a block advance together"
                  : schedule.abreast > 1
                      ? std::to_string(schedule.abreast) +
                            " samples at a time, side by side"
                      : "one sample after the other";
  report.nests.push_back(fact);
  addNests(plan.body, depth + 1);
}

/// An op with loops of its own, or one that a product does for many rows.
NestFact Reporter::describeSolo(const Group &group) const {
  NestFact fact;
  Operation *op = group.solo;
  if (op->getNumResults())
    fact.sites = describeSites(schedule.shapeOf(op->getResult(0)));
  if (group.product) {
    fact.work = "matrix product";
    fact.schedule = group.product->panels >= 0
                        ? "own loops over a packed matrix"
                        : "the library's, over all samples of a block";
    if (isa<ScanOp>(op))
      fact.schedule +=
          group.product->panels >= 0 ? ", for all steps" : " and all steps";
    if (group.product->tilesFrom)
      fact.schedule += llvm::formatv(", on tiles of AMX from {0} samples on",
                                     *group.product->tilesFrom);
    else if (group.product->panels < 0 && schedule.options.tilePieces > 0)
      fact.schedule += ", on tiles of AMX where they are faster";
    return fact;
  }
  fact.work = op->getName().getStringRef().str();
  fact.schedule = isa<RandomOp>(op) ? "drawn by the run-time, a field at a time"
                                    : "loops of its own";
  return fact;
}

NestFact Reporter::describeFused(const Group &group) const {
  NestFact fact;
  fact.sites = describeSites(group.shape);
  std::string values = counted(group.roots.size(), "value");
  fact.work = group.ops.empty()
                  ? values + " copied"
                  : counted(group.ops.size(), "op") + " in one pass";
  if (!group.ops.empty() && !group.roots.empty())
    fact.work += ", " + values + " kept";
  bool abreast = schedule.abreast > 1 && !group.uniform;
  if (group.shape.empty()) {
    fact.schedule = abreast ? "no loop, a vector of samples" : "no loop";
    return fact;
  }
  Type element = group.ops.empty()
                     ? getElementTypeOrSelf(group.roots.front().value)
                     : getElementTypeOrSelf(group.ops.front()->getResult(0));
  int64_t lanes = schedule.lanesOf(group, element);
  int64_t axis = group.lane ? *group.lane : group.shape.size() - 1;
  fact.schedule = ("vectors of " + Twine(lanes) + " along ").str();
  fact.schedule += group.flat ? "all sites" : ("axis " + Twine(axis)).str();
  if (abreast)
    fact.schedule =
        ("vectors of " + Twine(schedule.abreast) + " samples").str();
  if (group.tileAxis >= 0 && group.tileRows > 1)
    fact.schedule +=
        (", " + Twine(group.tileRows) + " rows of axis " +
         Twine(group.tileAxis) +
         (group.tileLines > 1
              ? " by " + std::to_string(group.tileLines) + " of axis " +
                    std::to_string(group.lane ? group.tileAxis - 1
                                              : group.lineAxis)
              : std::string()) +
         " at a time")
            .str();
  return fact;
}

void Reporter::addNests(const BlockPlan &plan, unsigned depth) {
  for (const Group &group : plan.groups) {
    auto scan = dyn_cast_or_null<ScanOp>(group.solo);
    if (scan && !group.product) {
      addScan(scan, depth);
      continue;
    }
    NestFact fact = group.solo ? describeSolo(group) : describeFused(group);
    fact.depth = depth;
    if (group.uniform)
      fact.schedule += ", once for all samples";
    if (Operation *first = group.solo          ? group.solo
                           : group.ops.empty() ? nullptr
                                               : group.ops.front())
      fact.place = describePlace(first->getLoc(), false);
    report.nests.push_back(fact);
  }
}

//===----------------------------------------------------------------------===//
// Remarks
//===----------------------------------------------------------------------===//

void Reporter::remark(StringRef name, Location location, const Twine &message) {
  KernelRemark made{name.str(), describePlace(location, true), message.str()};
  if (llvm::none_of(report.remarks, [&](const KernelRemark &known) {
        return known.name == made.name && known.place == made.place;
      }))
    report.remarks.push_back(made);
}

/// The op with loops of its own, or of other neighbours, that `op` is computed
/// from; `op` itself if there is none.
static Operation *findCause(Operation *op) {
  SmallVector<Operation *> todo = {op};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!todo.empty()) {
    Operation *next = todo.pop_back_val();
    if (!isElementwise(next) && !isa<BroadcastOp, ReshapeOp>(next))
      return next;
    for (Value operand : next->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer && producer->getBlock() == op->getBlock() &&
          !isScalarOp(producer) && !isFree(producer) &&
          seen.insert(producer).second)
        todo.push_back(producer);
    }
  }
  return op;
}

/// What the ops of `group` that use `value` wait for: the last op of another
/// group that must be complete before.
static Operation *findReason(const Group &group, Value value) {
  Operation *reason = nullptr;
  for (Operation *op : group.ops)
    for (OpOperand &operand : op->getOpOperands()) {
      Operation *producer = operand.get().getDefiningOp();
      if (producer && operand.get() != value &&
          producer->getBlock() == op->getBlock() && !isScalarOp(producer) &&
          !isFree(producer) && !llvm::is_contained(group.ops, producer) &&
          (!reason || reason->isBeforeInBlock(producer)))
        reason = producer;
    }
  return reason ? findCause(reason) : nullptr;
}

/// Where `op` is from; ops of a derivative may be from nowhere: then where
/// those are from that it is computed from.
static Location findPlace(Operation *op) {
  auto isSomewhere = [](Operation *op) {
    return op->getLoc()->findInstanceOf<FileLineColLoc>() != nullptr;
  };
  SmallVector<Operation *> todo = {op};
  for (size_t i = 0; i < todo.size(); ++i) {
    if (isSomewhere(todo[i]))
      return todo[i]->getLoc();
    for (Value operand : todo[i]->getOperands())
      if (Operation *producer = operand.getDefiningOp();
          producer && !llvm::is_contained(todo, producer))
        todo.push_back(producer);
  }
  return op->getParentOp()->getLoc();
}

/// Values that cross from one pass over some sites to another one over the
/// same, though each site needs its own only.
void Reporter::addLostFusions(const BlockPlan &plan) {
  for (const Group &producer : plan.groups)
    for (const Root &root : producer.roots)
      for (const Group &user : plan.groups) {
        if (&user == &producer || user.solo || user.shape.empty() ||
            user.shape != producer.shape || user.uniform != producer.uniform)
          continue;
        auto isDirect = [&](OpOperand &use) {
          return llvm::is_contained(user.ops, use.getOwner()) &&
                 !needsMemory(use.getOwner(), use.getOperandNumber());
        };
        auto use = llvm::find_if(root.value.getUses(), isDirect);
        if (use == root.value.use_end())
          continue;
        Operation *reason = findReason(user, root.value);
        std::string because;
        if (reason)
          because = ", which waits for `" +
                    reason->getName().getStringRef().str() + "` of " +
                    describePlace(findPlace(reason), false);
        remark("lost-fusion", findPlace(use->getOwner()),
               "a value of " + describeSites(user.shape) +
                   " is kept for a second pass over its sites" + because);
      }
  for (const Group &group : plan.groups)
    if (auto scan = schedule.scans.find(group.solo);
        scan != schedule.scans.end())
      addLostFusions(scan->second->body);
}

static bool isVector(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector && vector.getNumElements() > 1;
}

/// Loops of which each turn computes, or reads, one number after the other.
/// How many there are of them is known; loops over samples and steps are
/// serial by nature.
void Reporter::addLoops(ModuleOp loops) {
  loops.walk([&](scf::ForOp loop) {
    APInt end;
    if (!matchPattern(loop.getUpperBound(), m_ConstantInt(&end)))
      return;
    bool computes = false, hasVectors = false, isInnermost = true,
         gathers = false;
    for (Operation &op : loop.getBody()->without_terminator()) {
      isInnermost &= op.getNumRegions() == 0;
      hasVectors |= llvm::any_of(op.getResultTypes(), isVector) ||
                    llvm::any_of(op.getOperandTypes(), isVector);
      computes |=
          isa<arith::ArithDialect, math::MathDialect>(op.getDialect()) &&
          llvm::any_of(op.getResultTypes(), llvm::IsaPred<FloatType>);
      gathers |= isa<LLVM::masked_gather>(op);
    }
    std::string turns = llvm::toString(end, 10, /*Signed=*/true);
    if (isInnermost && computes && !hasVectors)
      remark("serial-loop", loop.getLoc(),
             "a loop of " + turns + " turns has no vectors");
    else if (isInnermost && gathers)
      remark("gathered-loop", loop.getLoc(),
             "a loop over " + turns +
                 " sites reads its lanes from places that are no neighbours");
  });
}

KernelReport loco::reportKernel(const Schedule &schedule, ModuleOp loops) {
  Reporter reporter(schedule);
  reporter.report.abreast = schedule.abreast;
  reporter.report.abreastReason = schedule.abreastReason;
  reporter.addNests(schedule.top, 0);
  reporter.addLostFusions(schedule.top);
  if (loops)
    reporter.addLoops(loops);
  return std::move(reporter.report);
}
