//===- Packing.cpp - Memory of recurrences through matrices ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where samples advance together, the matrices of the recurrence are packed
// once before the loop, what is stacked lies sample by sample within a step, so
// that its rows are one block of memory, and vectors that are joined from
// pieces are never copied.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Planner.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace loco;

/// Products of a time loop that are added to each other: all but the first add
/// to what is there.
bool Planner::isSumOfProducts(Operation *op) {
  auto sum = dyn_cast<arith::AddFOp>(op);
  if (!sum || !lockStep.contains(op->getBlock()) ||
      sum.getLhs() == sum.getRhs())
    return false;
  return llvm::all_of(sum->getOperands(), [&](Value term) {
    Operation *producer = term.getDefiningOp();
    if (!producer || !term.hasOneUse() ||
        producer->getBlock() != op->getBlock())
      return false;
    if (!isa<ContractOp>(producer))
      return isSumOfProducts(producer);
    auto product = asProduct(producer);
    return product && product->form.kind == MatrixProduct::Kind::Apply;
  });
}

bool Planner::isAssembled(Operation *op) {
  if (isSumOfProducts(op))
    return true;
  auto concat = dyn_cast<ConcatOp>(op);
  if (!concat || !concat.getResult().getType().hasStaticShape() ||
      isUniform(concat.getResult()) ||
      halos.contains(storageOf(concat.getResult())) ||
      innermost.contains(storageOf(concat.getResult())))
    return false;
  // Pieces lie one behind the other.
  return llvm::all_of(
      concat.getResult().getType().getShape().take_front(concat.getAxis()),
      [](int64_t extent) { return extent == 1; });
}

/// Elements of a row up to which our own product is faster than a library's
/// outside of time loops, too: it writes the result once, where a library
/// clears it, reads it and writes it again.
static constexpr int64_t thinRow = 32;

/// Rows (samples of a block) from which on tiles are faster than panels of f32;
/// nothing if they never are. Both in cycles: of whole tiles and of bringing
/// the rows into tiles (runtime/lib/kernels/Tiles.cpp), against eight tenths of
/// two vectors' products.
static std::optional<int64_t> findTilesFrom(const MatrixProduct &form,
                                            int32_t pieces) {
  constexpr int64_t most = 64;
  int64_t products = pieces * (pieces + 1) / 2,
          whole = llvm::alignTo(form.inner, 32) * llvm::alignTo(form.outer, 16);
  auto isFaster = [&](int64_t rows) {
    int64_t byTiles = llvm::alignTo(rows, 16) * whole * products / 400 +
                      rows * form.inner / 2;
    return byTiles < rows * form.inner * form.outer / 25;
  };
  std::optional<int64_t> from;
  for (int64_t rows = most; rows > 0 && isFaster(rows); --rows)
    from = rows;
  return from;
}

int Planner::panelsFor(Operation *op, ProductCall &call) {
  if (call.form.kind != MatrixProduct::Kind::Apply)
    return -1;
  bool together = isa<ContractOp>(op) && lockStep.contains(op->getBlock());
  if (!together && call.form.inner > thinRow)
    return -1;
  for (const PackedMatrix &known : packed)
    if (together && known.matrix == call.matrix &&
        known.form.transposed == call.form.transposed) {
      call.tilesFrom = known.tilesFrom;
      return known.place;
    }
  Type element = getElementTypeOrSelf(call.matrix);
  int64_t columns = llvm::alignTo(call.form.outer, schedule.lanesOf(element)),
          size = call.form.inner * columns;
  int32_t pieces = schedule.options.tilePieces;
  if (together && pieces > 0 && element.isF32())
    call.tilesFrom = findTilesFrom(call.form, pieces);
  // One place for both: how many samples a block has is known when it comes.
  if (call.tilesFrom)
    size = std::max<int64_t>(
        size, locoTileBytes(pieces, call.form.inner, call.form.outer) /
                  sizeof(float));
  Place place;
  place.layout = Layout::dense({size});
  place.element = element;
  int added = addPlace(std::move(place));
  if (together)
    packed.push_back({call.matrix, call.form, added, call.tilesFrom});
  return added;
}

//===----------------------------------------------------------------------===//
// Stacks
//===----------------------------------------------------------------------===//

namespace {
/// How the plan of a function uses its stacked places.
struct StackUses {
  explicit StackUses(const Schedule &schedule) : schedule(schedule) {}

  void see(const BlockPlan &plan);
  void see(const ScanPlan &plan);
  void see(Reference reference) {
    if (!reference)
      return;
    if (!reference.step) {
      if (schedule.places[reference.place].stacked)
        other.insert(reference.place);
      return;
    }
    auto scan = cast<ScanOp>(reference.step.getParentBlock()->getParentOp());
    auto plan = schedule.scans.find(scan);
    bool together = plan != schedule.scans.end() && plan->second->lockStep;
    (together ? stepped : other).insert(reference.place);
  }

  const Schedule &schedule;
  /// Read or written step by step by samples that advance together; anything
  /// else.
  DenseSet<int> stepped, other;
};
} // namespace

void StackUses::see(const BlockPlan &plan) {
  for (const Group &group : plan.groups) {
    auto seeOp = [&](Operation *op) {
      for (Value value :
           llvm::concat<Value>(op->getOperands(), op->getResults()))
        see(schedule.find(value));
    };
    llvm::for_each(group.ops, seeOp);
    for (const Root &root : group.roots) {
      see(schedule.find(root.value));
      for (const Sink &sink : root.sinks)
        see(sink.to);
    }
    if (!group.solo || group.product)
      continue;
    auto scan = schedule.scans.find(group.solo);
    if (scan != schedule.scans.end())
      see(*scan->second);
    else
      seeOp(group.solo);
  }
}

void StackUses::see(const ScanPlan &plan) {
  see(plan.body);
  see(plan.entry);
  see(plan.exit);
  for (auto [first, second] : plan.carries)
    other.insert_range(ArrayRef{first, second});
  other.insert_range(plan.carryStacks);
  other.insert(plan.cleared.begin(), plan.cleared.end());
  other.insert(plan.sums.begin(), plan.sums.end());
}

/// The product of two stacks that `group` is, summed over samples and steps.
static ScanOp asSumOfProducts(const Group &group) {
  auto scan = dyn_cast_or_null<ScanOp>(group.solo);
  bool fits = scan && group.product && group.product->shared &&
              group.product->form.kind == MatrixProduct::Kind::Outer;
  return fits ? scan : ScanOp();
}

/// The gradient of a matrix is a sum of outer products over all steps, of
/// derivatives that a loop in lock step makes and of what is there before it. A
/// product for every few steps finds them in the cache, and there need be no
/// memory for all steps.
void Planner::chooseChunks() {
  BlockPlan &top = schedule.top;
  DenseMap<Value, SmallVector<unsigned>> readers;
  for (auto [i, group] : llvm::enumerate(top.groups))
    if (asSumOfProducts(group) && group.product->left != group.product->right)
      for (Value value : {group.product->left, group.product->right})
        readers[value].push_back(i);

  DenseSet<unsigned> gone;
  for (auto &[op, plan] : schedule.scans) {
    auto maker = cast<ScanOp>(op);
    if (!plan->lockStep || maker.isPartial() ||
        maker->getBlock() != &schedule.function.getBody().front())
      continue;
    for (Value stack : maker.getStacks()) {
      Reference made = schedule.find(stack);
      auto found = readers.find(stack);
      if (!made || found == readers.end() ||
          !schedule.places[made.place].stepMajor)
        continue;
      auto fits = [&](unsigned number) {
        const ProductCall &call = *top.groups[number].product;
        Value other = call.left == stack ? call.right : call.left;
        Reference there = schedule.find(other);
        auto before = other.getDefiningOp<ScanOp>();
        auto reader = cast<ScanOp>(top.groups[number].solo);
        return there && schedule.places[there.place].stepMajor &&
               !schedule.places[there.place].ring && before &&
               before->getBlock() == maker->getBlock() &&
               before->isBeforeInBlock(maker) && !reader.isPartial() &&
               reader.getSteps() == maker.getSteps() && !gone.contains(number);
      };
      // All that read the stack.
      auto numUses =
          std::distance(stack.getUses().begin(), stack.getUses().end());
      if (numUses != static_cast<ptrdiff_t>(found->second.size()) ||
          !llvm::all_of(found->second, fits))
        continue;
      schedule.places[made.place].ring = true;
      for (unsigned number : found->second) {
        plan->chunked.push_back(*top.groups[number].product);
        gone.insert(number);
      }
    }
  }
  llvm::erase_if(top.phases, [&](const Phase &phase) {
    return llvm::any_of(phase.groups,
                        [&](unsigned number) { return gone.contains(number); });
  });
}

/// The rows of a step follow each other where nothing but loops in lock step
/// and matrix products touch them.
void Planner::chooseStepMajor() {
  StackUses uses(schedule);
  uses.see(schedule.top);
  for (auto &[op, view] : schedule.views) {
    uses.other.insert(view.whole);
    uses.other.insert(view.place);
  }
  for (int number : uses.stepped) {
    Place &place = schedule.places[number];
    place.stepMajor = place.kind == Place::Kind::Arena && place.stacked &&
                      place.perSample && place.layout.isDense() &&
                      !uses.other.contains(number);
  }
}
