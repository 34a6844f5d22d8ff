//===- Interleave.cpp - Which axis is innermost in memory -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A convolution that mixes channels multiplies every input of a site with a
// column of the kernel. With the channels of a site side by side, a vector
// holds the outputs of one site, an input is one number for all of them, and
// no load is split or masked, whatever the lattice's extents are. So fields
// whose channels fill vectors are interleaved, and kernels are copied once,
// before all loops, to where a vector of their outputs is a load.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Planner.h"
#include "dialects/Loco/Transforms/ConvForm.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace loco;

/// Three of five lanes must do something: lanes along sites waste less
/// otherwise.
static bool fillsVectors(int64_t extent, int64_t lanes) {
  return lanes > 1 && 5 * extent >= 3 * int64_t(llvm::alignTo(extent, lanes));
}

namespace {
/// A conv that mixes channels, whichever of its arguments is the result.
struct Mixing {
  Operation *op = nullptr;
  RankedTensorType kernel, read, result;
  int64_t groups = 1;

  static Mixing of(Operation *op) {
    Mixing mixing;
    auto set = [&](auto conv, RankedTensorType read, RankedTensorType result) {
      mixing.kernel = conv.getKernelType();
      mixing.groups = conv.getGroups();
      if (mixing.kernel.getRank() <= conv.getFieldType().getRank())
        return;
      mixing.op = op;
      mixing.read = read;
      mixing.result = result;
    };
    if (auto conv = dyn_cast<ConvOp>(op))
      set(conv, conv.getFieldType(), conv.getOutputType());
    else if (auto conv = dyn_cast<ConvTransposeOp>(op))
      set(conv, conv.getOutputType(), conv.getFieldType());
    else if (auto conv = dyn_cast<ConvOuterOp>(op))
      set(conv, conv.getFieldType(), conv.getOutputType());
    return mixing;
  }
  bool isOuter() const { return isa<ConvOuterOp>(op); }
};
} // namespace

static SmallVector<Mixing> findMixings(func::FuncOp function) {
  SmallVector<Mixing> mixings;
  function.walk([&](Operation *op) {
    if (Mixing mixing = Mixing::of(op); mixing.op)
      mixings.push_back(mixing);
  });
  return mixings;
}

/// Finds the shapes whose first axis is interleaved, and which axis of kernel
/// gradients is.
void Planner::findLaneAxes() {
  SmallVector<Mixing> mixings = findMixings(schedule.function);
  auto fills = [&](RankedTensorType type, unsigned axis) {
    return fillsVectors(type.getDimSize(axis),
                        schedule.lanesOf(type.getElementType()));
  };
  auto &axes = schedule.laneAxes;
  for (const Mixing &mixing : mixings)
    for (RankedTensorType type : {mixing.read, mixing.result})
      if (fills(type, 0))
        axes[SmallVector<int64_t>(type.getShape())] = 0;
  // What a conv reads lies as its result does; so does what lies beside it.
  auto is = [&](RankedTensorType type) {
    return schedule.laneAxisOf(type.getShape()).has_value();
  };
  auto outerLane = [&](const Mixing &mixing) -> std::optional<unsigned> {
    if (fills(mixing.kernel, 0) && is(mixing.result))
      return 0;
    if (fills(mixing.kernel, 1) && is(mixing.read))
      return 1;
    return std::nullopt;
  };
  bool changed = true;
  while (changed) {
    changed = false;
    for (const Mixing &mixing : mixings) {
      if (mixing.groups == 1 &&
          (mixing.isOuter() ? outerLane(mixing).has_value()
                            : is(mixing.result)))
        continue;
      for (RankedTensorType type : {mixing.read, mixing.result})
        changed |= axes.erase(SmallVector<int64_t>(type.getShape())) > 0;
    }
  }
  for (const Mixing &mixing : mixings) {
    if (!mixing.isOuter() || mixing.groups > 1)
      continue;
    if (std::optional<unsigned> lane = outerLane(mixing))
      axes.try_emplace(SmallVector<int64_t>(mixing.kernel.getShape()), *lane);
  }
}

void Planner::copyInterleaved() {
  for (const Mixing &mixing : findMixings(schedule.function))
    if (!mixing.isOuter() && schedule.laneAxisOf(mixing.result.getShape()))
      mixing.op->setOperand(0, interleavedCopy(mixing.op->getOperand(0),
                                               mixing.op->getBlock(),
                                               isa<ConvOp>(mixing.op) ? 0 : 1));
  interleaveConstants();
}

/// A copy of `value`, seen from `block`, with axis `lane` innermost, made
/// outside of all loops that it does not change in.
Value Planner::interleavedCopy(Value value, Block *block, unsigned lane) {
  Value &known = interleavedCopies[{value, lane}];
  if (known)
    return known;
  auto argument = dyn_cast<BlockArgument>(value);
  auto scan = argument ? dyn_cast<ScanOp>(argument.getOwner()->getParentOp())
                       : ScanOp();
  if (scan && llvm::is_contained(scan.getConstantArguments(), argument)) {
    Value outside = interleavedCopy(scan->getOperand(argument.getArgNumber()),
                                    scan->getBlock(), lane);
    scan.getConstantsMutable().append(outside);
    Value inside =
        scan.getBlock()->addArgument(value.getType(), value.getLoc());
    return interleavedCopies[{value, lane}] = inside;
  }
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Value copy =
      StopGradientOp::create(builder, value.getLoc(), value.getType(), value);
  innermost[copy] = lane;
  return interleavedCopies[{value, lane}] = copy;
}

/// Fields of the caller that loops read at every step are copied before them.
void Planner::interleaveConstants() {
  for (auto scan : schedule.function.getBody().front().getOps<ScanOp>()) {
    for (OpOperand &operand : scan.getConstantsMutable()) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      if (!type || !type.hasStaticShape() ||
          !isa<BlockArgument>(operand.get()) || operand.get().use_empty())
        continue;
      if (std::optional<unsigned> lane = schedule.laneAxisOf(type.getShape());
          lane && innermost.count(operand.get()) == 0)
        operand.set(interleavedCopy(operand.get(), scan->getBlock(), *lane));
    }
  }
}

/// True if only code of ours that asks for the layout touches `storage`.
static bool canInterleave(Value storage) {
  if (auto argument = dyn_cast<BlockArgument>(storage))
    return isa<ScanOp>(argument.getOwner()->getParentOp());
  Operation *op = storage.getDefiningOp();
  if (auto scan = dyn_cast<ScanOp>(op)) {
    // A product over all steps writes what it gives as a matrix.
    unsigned sums = scan.getInits().size() + scan.getNumStacks();
    unsigned number = cast<OpResult>(storage).getResultNumber();
    YieldOp yield = scan.getYield();
    return number < sums || number - sums >= yield.getSums().size() ||
           !yield.getSums()[number - sums].getDefiningOp<ContractOp>();
  }
  return (isInline(op) && !op->hasTrait<OpTrait::ConstantLike>()) ||
         isa<ReduceOp, ConvOuterOp>(op);
}

/// The axis of a step of `storage` that is innermost, if it is not the last.
std::optional<unsigned> Planner::laneAxisFor(Value storage,
                                             ArrayRef<int64_t> step) const {
  if (auto known = innermost.find(storage); known != innermost.end())
    return known->second;
  std::optional<unsigned> lane = schedule.laneAxisOf(step);
  if (!lane || dense.contains(storage) || !canInterleave(storage))
    return std::nullopt;
  auto halo = halos.find(storage);
  if (halo != halos.end() &&
      (halo->second.low[*lane] || halo->second.high[*lane]))
    return std::nullopt;
  return lane;
}

/// Gives `value`, which is summed over samples, a place that all samples of a
/// block add to, if it is a kernel gradient whose lanes lie apart in the
/// caller's memory: once for a block it is turned, not for every sample.
bool Planner::addBlockSum(Value value) {
  auto outer = value.getDefiningOp<ConvOuterOp>();
  if (schedule.abreast > 1 || !outer || !value.hasOneUse() ||
      outer.getGroups() != 1 ||
      !schedule.laneAxisOf(outer.getKernelType().getShape()))
    return false;
  requireMemory(value);
  schedule.blockSums.push_back(schedule.find(value).place);
  return true;
}

/// Sites of a row whose sums are in registers at the same time, by how many
/// registers there are; the broadcast inputs of a row are shared by them.
static int64_t mostSites(int64_t vectorBytes) {
  return vectorBytes == 64 ? 16 : 8;
}

/// True if the taps that `op` has differ from site to site.
static bool isStridedTranspose(Operation *op) {
  return isa<ConvTransposeOp>(op) && ConvForm::of(op).strided();
}

bool Schedule::isTurned(const Group &group, Reference reference) const {
  if (!reference)
    return false;
  const Place &place = places[reference.place];
  return place.layout.isDense() && !place.element.isInteger(1) &&
         (!place.stacked || reference.step) &&
         place.layout.pitch.size() == group.shape.size() &&
         place.layout.pitch[group.tileAxis] == 1 && group.tileRows > 2;
}

/// Sites of a tile that share nothing: enough to wait for each other's
/// operations, and a quarter of the code that compiling them takes time for.
static constexpr int64_t fewSites = 4;

/// True if neighbouring sites of `group` share loads, or are turned together.
static bool sharesTiles(const Schedule &schedule, const Group &group) {
  auto turned = [&](Value value) {
    return schedule.isTurned(group, schedule.find(value));
  };
  for (Operation *op : group.ops)
    if (isa<ConvOp, ConvTransposeOp, ConvOuterOp, StencilOp>(op) ||
        llvm::any_of(op->getOperands(), turned))
      return true;
  return llvm::any_of(group.roots, [&](const Root &root) {
    return turned(root.value) ||
           llvm::any_of(root.sinks, [&](const Sink &sink) {
             return schedule.isTurned(group, sink.to);
           });
  });
}

/// Lanes along the axis that is innermost in the memory of the group's shape.
void Planner::chooseLanes(Group &group) {
  ArrayRef<int64_t> step = group.shape;
  std::optional<unsigned> lane = schedule.laneAxisOf(step);
  unsigned steps = 0;
  if (!lane && step.size() > 1) {
    steps = 1;
    lane = schedule.laneAxisOf(step.drop_front());
  }
  // A copy of a kernel lies as whoever asked for it wants.
  if (!lane)
    for (const Root &root : group.roots)
      for (const Sink &sink : root.sinks)
        if (const Layout &to = schedule.places[sink.to.place].layout; to.lane) {
          lane = to.lane;
          steps = step.size() - to.shape.size();
        }
  if (!lane)
    return;
  group.lane = *lane + steps;
  group.tileAxis = group.shape.size() - 1;
  if (group.tileAxis == static_cast<int>(*group.lane))
    --group.tileAxis;
  // Tiles of one size, as far as the row can be divided so.
  int64_t extent = group.shape[group.tileAxis],
          most = mostSites(schedule.options.vectorBytes);
  group.tileRows = llvm::divideCeil(extent, llvm::divideCeil(extent, most));
  if (!sharesTiles(schedule, group)) {
    group.tileRows = std::min(extent, fewSites);
    return;
  }
  // Rows of a few sites, several at a time: sums that wait for themselves would
  // follow each other too closely.
  int64_t before = group.tileAxis - 1;
  if (before >= 0 && before != static_cast<int64_t>(*group.lane) &&
      (steps == 0 || before > 0) && 2 * extent <= most &&
      llvm::none_of(group.ops, isStridedTranspose)) {
    int64_t lines = group.shape[before], room = most / extent;
    group.tileLines = llvm::divideCeil(lines, llvm::divideCeil(lines, room));
  }
}

/// Products of all tiles of convolutions, written out, from which a loop over
/// the rows of a window pays: a third of the code to compile, for some more
/// loads, as the rows of a tile share what they read only within a turn.
static constexpr int64_t mostWritten = 1500;

void Planner::chooseWindowLoops() {
  int64_t written = 0;
  auto count = [&](const BlockPlan &plan) {
    for (const Group &group : plan.groups)
      for (Operation *op : group.ops)
        if (group.lane && isa<ConvOp, ConvTransposeOp>(op))
          written += ConvForm::of(op).taps() * group.tileRows * group.tileLines;
  };
  count(schedule.top);
  for (auto &[scan, plan] : schedule.scans)
    for (const BlockPlan *block : {&plan->body, &plan->entry, &plan->exit})
      count(*block);
  schedule.windowLoops = written > mostWritten;
}
