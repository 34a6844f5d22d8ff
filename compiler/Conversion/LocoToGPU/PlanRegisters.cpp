//===- PlanRegisters.cpp - What a loop keeps from step to step ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where a thread's sites and their neighbours are does not change from step to
// step. Compilers keep it, in a register for each tap of each site, and make
// room by writing to memory what the step needs. Where a loop has no registers
// for it, it is computed again: some twenty instructions on whole numbers for a
// site with eight neighbours.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUPlanner.h"

#include "dialects/Loco/Transforms/ConvForm.h"

using namespace mlir;
using namespace loco;

/// Registers of a thread for what a stage computes with, several sites at a
/// time; in a tight loop, whose addresses are computed where they are used.
static constexpr int64_t atWork = 96, atWorkTight = 88;

/// What it takes more where blocks share a sample: own sites in memory that is
/// spread, barriers.
static constexpr int64_t atWorkAmongBlocks = 48;

/// Weights of a kernel that compilers keep in registers, as their addresses do
/// not change from step to step.
static constexpr int64_t mostWeights = 256;

/// Registers that a thread has if a block is alone on a multiprocessor, which
/// has four parts of 16,384; whole warps of a block are shared out to these.
static int64_t registersOf(int64_t threads) {
  int64_t warps = (threads + 127) / 128;
  return std::min<int64_t>(255, 16384 / (warps * 32) / 8 * 8);
}

static int64_t wordsOf(Value value) {
  return (getElementTypeOrSelf(value).getIntOrFloatBitWidth() + 31) / 32;
}

/// Places relative to a site that an op reads.
static int64_t tapsOf(Operation *op) {
  if (auto stencil = dyn_cast<StencilOp>(op)) {
    auto type = cast<RankedTensorType>(stencil.getResult(0).getType());
    return stencil.getOffsets().size() / std::max<int64_t>(1, type.getRank());
  }
  if (isa<ConvOp, ConvTransposeOp>(op))
    return ConvForm::of(op).taps();
  if (auto outer = dyn_cast<ConvOuterOp>(op))
    return outer.getKernelType().getNumElements();
  return 0;
}

/// Weights that the site of one thread is computed with.
static int64_t weightsOf(Operation *op) {
  if (!isa<ConvOp, ConvTransposeOp>(op))
    return 0;
  ConvForm form = ConvForm::of(op);
  int64_t inner =
      form.channels
          ? cast<RankedTensorType>(op->getOperand(1).getType()).getDimSize(0) /
                form.groups
          : 1;
  return std::min(mostWeights, inner * form.taps());
}

/// Keys of a draw's rounds, 64 bits each, and products of a site's number.
static int64_t roundsOf(const GPUSchedule &schedule, Operation *op) {
  if (!isa<RandomOp>(op))
    return 0;
  return 40 + 2 * schedule.slotsOf(schedule.countOf(op->getResult(0)));
}

/// The most that stages of a step leave in registers for later ones.
int64_t
GPUPlanner::registersBetween(const std::vector<GPUStage> &stages) const {
  // Of each value where it is made and where it is read last.
  llvm::MapVector<Value, std::pair<size_t, size_t>> lives;
  for (auto [number, stage] : llvm::enumerate(stages)) {
    auto read = [&, number = number](Value leaf, bool) {
      if (auto found = lives.find(leaf); found != lives.end())
        found->second.second = number;
    };
    for (const GPUItem &item : stage.items) {
      if (item.op)
        leavesOfOp(item.op, read);
      else if (item.value)
        leaves(item.value, true, read);
    }
    for (const GPUItem &item : stage.items)
      if (item.op && !item.deferred && !item.isReloaded)
        for (Value result : item.op->getResults())
          if (isa<RankedTensorType>(result.getType()) &&
              schedule.hasRegisters(result))
            lives.insert({result, {number, number}});
  }
  int64_t most = 0;
  for (size_t i = 0; i < stages.size(); ++i) {
    int64_t live = 0;
    for (const auto &[value, life] : lives)
      if (life.first <= i && i < life.second)
        live += schedule.slotsOf(schedule.countOf(value)) * wordsOf(value);
    most = std::max(most, live);
  }
  return most;
}

/// What a loop has in registers all the time.
int64_t GPUPlanner::registersKept(ScanOp scan) const {
  const GPUScan &plan = *schedule.scans.find(scan)->second;
  auto registers = [&](Value value) {
    return schedule.slotsOf(schedule.countOf(value)) * wordsOf(value);
  };
  // Halves take what says whether the step is odd.
  int64_t kept = !plan.halves().empty();
  for (Value argument : scan.getCarryArguments())
    kept += registers(argument);
  for (auto [sum, entry] : llvm::zip(scan.getSums(), plan.sums))
    if (entry.deferred)
      kept +=
          cast<RankedTensorType>(sum.getType()).getNumElements() * wordsOf(sum);
    else if (entry.place < 0)
      kept += registers(sum);
  for (BlockArgument element : scan.getElementArguments())
    if (!element.use_empty() && schedule.hasRegisters(element))
      kept += registers(element);
  return kept;
}

/// What a loop's compiler would keep beside: addresses of what is in global
/// memory, of neighbours, weights, keys of draws.
int64_t GPUPlanner::registersSaved(ScanOp scan) const {
  const GPUScan &plan = *schedule.scans.find(scan)->second;
  int64_t saved = 0;
  llvm::DenseSet<int> places;
  Accesses accesses;
  for (const GPUStage &stage : plan.body)
    if (stage.kind != GPUStage::Kind::Scan)
      accessesOf(stage, accesses);
  for (const Access &access : accesses) {
    GPUPlace::Kind kind = schedule.places[access.place].kind;
    if (kind != GPUPlace::Kind::Shared && kind != GPUPlace::Kind::Half &&
        places.insert(access.place).second)
      saved += 2;
  }
  // Stages of one shape have the same neighbours.
  llvm::SmallDenseMap<int64_t, int64_t> taps;
  for (const GPUStage &stage : plan.body) {
    if (stage.kind != GPUStage::Kind::Sites)
      continue;
    int64_t count = 1;
    for (int64_t extent : stage.shape)
      count = count < 0 || isOpen(extent) ? -1 : count * extent;
    int64_t &most = taps[count];
    for (const GPUItem &item : stage.items)
      if (item.op) {
        most = std::max(most, tapsOf(item.op));
        saved += weightsOf(item.op) + roundsOf(schedule, item.op);
      }
  }
  // A neighbour in another block's memory is a block and a place there.
  int64_t ofNeighbour = schedule.blocksPerSample > 1 ? 3 : 1;
  for (auto [count, most] : taps)
    saved += schedule.slotsOf(count) * most * ofNeighbour;
  return saved;
}

/// Lets a loop load what it reads of a step when it uses it, as far as loading
/// it one step ahead takes `missing` registers.
void GPUPlanner::loadLate(ScanOp scan, int64_t missing) {
  for (BlockArgument element : scan.getElementArguments()) {
    int64_t count = schedule.countOf(element);
    // Truth values cannot be copied, which takes four bytes.
    bool isTruth = getElementTypeOrSelf(element).isInteger(1);
    if (element.use_empty() || count <= 1 || !schedule.hasRegisters(element) ||
        !(isTruth || missing > 0))
      continue;
    schedule.loadedLate.insert(element);
    missing -= schedule.slotsOf(count) * wordsOf(element);
  }
}

/// True for memory of the team that holds one step's numbers.
static bool isOfTeam(const GPUPlace &place) {
  return !place.stacked && (place.kind == GPUPlace::Kind::Shared ||
                            place.kind == GPUPlace::Kind::Scratch);
}

/// Marks what later stages read and what more than one value would be kept for,
/// which nobody else reads later: compilers compute it where it is read. And
/// what need not be kept, as it is in memory for its neighbours.
void GPUPlanner::pinItems(GPUStage &stage) {
  llvm::SmallPtrSet<Operation *, 16> here;
  for (const GPUItem &item : stage.items)
    here.insert(item.op);
  auto isReadLater = [&](Value value) {
    return llvm::any_of(value.getUsers(),
                        [&](Operation *user) { return !here.contains(user); });
  };
  // What each result is made of, through ops of this stage. What neighbours
  // are added up to is computed where it stands anyway.
  llvm::DenseMap<Operation *, llvm::SmallSetVector<Value, 8>> madeOf;
  for (GPUItem &item : stage.items) {
    if (!item.op || item.deferred)
      continue;
    llvm::SmallSetVector<Value, 8> &leaves = madeOf[item.op];
    if (tapsOf(item.op)) {
      leaves.insert(item.op->getResult(0));
      continue;
    }
    leavesOfOp(item.op, [&](Value leaf, bool) {
      auto inner = madeOf.find(leaf.getDefiningOp());
      if (inner == madeOf.end() || isReadLater(leaf))
        leaves.insert(leaf);
      else
        leaves.insert(inner->second.begin(), inner->second.end());
    });
    int64_t kept = llvm::count_if(leaves, [&](Value leaf) {
      return schedule.countOf(leaf) != 1 &&
             !(schedule.hasRegisters(leaf) && isReadLater(leaf));
    });
    item.isPinned = kept > 1 && isReadLater(item.op->getResult(0));
    item.isReloaded = llvm::all_of(item.op->getResults(), [&](Value result) {
      auto found = schedule.memory.find(result);
      return schedule.slotsOf(schedule.countOf(result)) &&
             found != schedule.memory.end() &&
             isOfTeam(schedule.places[found->second.place]) &&
             llvm::none_of(result.getUsers(), llvm::IsaPred<YieldOp>);
    });
  }
}

void GPUPlanner::planRegisters() {
  int64_t registers = registersOf(schedule.blockThreads());
  bool isDivided = schedule.blocksPerSample > 1;
  int64_t available = registers - atWork - (isDivided ? atWorkAmongBlocks : 0);
  for (auto &[op, plan] : schedule.scans) {
    auto scan = cast<ScanOp>(op);
    int64_t kept = registersKept(scan) + registersBetween(plan->body);
    if (kept + registersSaved(scan) <= available)
      continue;
    plan->isTight = true;
    for (GPUStage &stage : plan->body) {
      stage.isAnew = stage.kind != GPUStage::Kind::Scan && !stage.isApart;
      pinItems(stage);
    }
    kept = registersKept(scan) + registersBetween(plan->body);
    for (Value argument : scan.getCarryArguments())
      if (schedule.hasRegisters(argument))
        schedule.mostHeld =
            std::max(schedule.mostHeld, schedule.countOf(argument));
    schedule.spareRegisters =
        std::min(schedule.spareRegisters, available - kept);
    loadLate(scan, kept + atWorkTight - registers);
  }
}
