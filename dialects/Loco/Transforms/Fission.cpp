//===- Fission.cpp - Large products leave the time loop -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/Transforms/Margins.h"
#include "dialects/Loco/Transforms/MatrixProduct.h"
#include "dialects/Loco/Transforms/Passes.h"
#include "dialects/Loco/Transforms/ScanBuilder.h"
#include "dialects/Loco/Transforms/SummedTerms.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace loco;

namespace loco {
#define GEN_PASS_DEF_FISSION
#include "dialects/Loco/Transforms/Passes.h.inc"
} // namespace loco

namespace {

/// Distributes the body of a scan over several scans, run one after the other.
class ScanDivider {
public:
  ScanDivider(ScanOp scan, int64_t threshold, int64_t convolutions)
      : scan(scan), threshold(threshold), convolutions(convolutions) {}

  void run();

private:
  bool isLarge(Operation *op);
  bool isConstant(Value value);
  bool isSummed(Operation *op);
  void prepareConvolutions();
  bool isCheap(Operation *op) const;
  void findDependences();
  void assignPhases();
  bool canStackAll();
  bool isRepeated(Value value, const DenseSet<Value> &read, int &ops);
  void emit();

  ScanOp scan;
  int64_t threshold, convolutions;
  /// Ops that depend on a carry; that a carry depends on.
  DenseSet<Operation *> dependent, feeding;
  /// Negative before the core (0), positive after it.
  DenseMap<Operation *, int> phases;
};

} // namespace

/// What all steps share.
bool ScanDivider::isConstant(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && llvm::is_contained(scan.getConstantArguments(), argument);
}

/// True if the result of `op` is added up over the steps and used nowhere else.
bool ScanDivider::isSummed(Operation *op) {
  YieldOp yield = scan.getYield();
  return llvm::all_of(op->getUses(), [&](OpOperand &use) {
    return use.getOwner() == yield &&
           use.getOperandNumber() >=
               yield.getCarries().size() + yield.getStacks().size();
  });
}

/// A product of rows with a matrix that all steps share, or an outer product
/// that is only summed, with enough work; the same of convolutions.
bool ScanDivider::isLarge(Operation *op) {
  if (convolutions && isLibraryConvolution(op, convolutions))
    return isa<ConvOuterOp>(op) ? isSummed(op) : isConstant(op->getOperand(0));
  auto contract = dyn_cast<ContractOp>(op);
  if (!contract)
    return false;
  for (unsigned matrix : {0, 1})
    if (isConstant(contract->getOperand(matrix)))
      if (auto product = asApply(contract, matrix))
        return product->size() >= threshold;
  auto outer = asOuter(contract);
  return isSummed(op) && outer && outer->size() >= threshold;
}

/// Cloned rather than stacked: steps, constants, coordinates.
bool ScanDivider::isCheap(Operation *op) const {
  return op->getNumOperands() == 0 || isa<FromIndexOp>(op) ||
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>);
}

void ScanDivider::findDependences() {
  Block &block = *scan.getBlock();
  auto isCarry = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && llvm::is_contained(scan.getCarryArguments(), argument);
  };
  for (Operation &op : block.without_terminator())
    if (llvm::any_of(op.getOperands(), [&](Value operand) {
          return isCarry(operand) ||
                 dependent.contains(operand.getDefiningOp());
        }))
      dependent.insert(&op);
  SmallVector<Value> worklist(scan.getYield().getCarries());
  while (!worklist.empty())
    if (Operation *op = worklist.pop_back_val().getDefiningOp())
      if (feeding.insert(op).second)
        llvm::append_range(worklist, op->getOperands());
}

/// Gives those convolutions that will leave the loop the margins of a library.
void ScanDivider::prepareConvolutions() {
  SmallVector<Operation *> leaving;
  for (Operation &op : scan.getBlock()->without_terminator())
    if (isa<ConvOp, ConvTransposeOp, ConvOuterOp>(op) && isLarge(&op) &&
        !(dependent.contains(&op) && feeding.contains(&op)))
      leaving.push_back(&op);
  for (Operation *op : leaving)
    makeMarginsPlain(op);
  // They have other ops now.
  dependent.clear();
  feeding.clear();
  findDependences();
}

/// Products before the core and what they need get phases below 0: chains
/// of products alternate with what lies between them. The same after it.
void ScanDivider::assignPhases() {
  Block &block = *scan.getBlock();
  auto producers = [](Operation *op) {
    SmallVector<Operation *> result;
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        result.push_back(producer);
    return result;
  };
  // Depths of carry-independent ops, as far as products need them.
  DenseMap<Operation *, int> before;
  DenseSet<Operation *> early;
  for (Operation &op : block.without_terminator()) {
    if (dependent.contains(&op) || isCheap(&op))
      continue;
    int depth = 0;
    for (Operation *producer : producers(&op))
      if (!isCheap(producer))
        depth = std::max(depth, before.lookup(producer) +
                                    (isLarge(producer) || isLarge(&op)));
    // A product does not share its scan with what feeds it.
    before[&op] = isLarge(&op) ? std::max(depth, 1) : depth;
    if (isLarge(&op) &&
        !(isa<ContractOp>(op) && !feeding.contains(&op) && false))
      early.insert(&op);
  }
  SmallVector<Operation *> worklist(early.begin(), early.end());
  while (!worklist.empty())
    for (Operation *producer : producers(worklist.pop_back_val()))
      if (!isCheap(producer) && early.insert(producer).second)
        worklist.push_back(producer);
  int last = 0;
  for (Operation *op : early)
    last = std::max(last, before.lookup(op));
  for (Operation *op : early)
    phases[op] = before.lookup(op) - last - 1;

  for (Operation &op : block.without_terminator()) {
    if (early.contains(&op) || isCheap(&op))
      continue;
    int phase = 0;
    bool late = false;
    if (!feeding.contains(&op)) {
      for (Operation *producer : producers(&op)) {
        if (isCheap(producer) || phases.lookup(producer) < 0)
          continue;
        phase = std::max(phase, phases.lookup(producer));
        late |= phases.lookup(producer) > 0;
      }
      // A new phase for every product, and for what follows it.
      if (isLarge(&op))
        phase += 1 + (phase % 2);
      else if (late && phase % 2)
        phase += 1;
    }
    phases[&op] = phase;
  }
}

/// True if whatever one phase hands to another can be kept for every step: not
/// the stacks of a loop inside, nor how often it ran.
bool ScanDivider::canStackAll() {
  auto reaches = [&](auto &&self, Value value, int phase) -> bool {
    Operation *op = value.getDefiningOp();
    if (!op)
      return true;
    if (isCheap(op))
      return llvm::all_of(op->getOperands(), [&](Value operand) {
        return self(self, operand, phase);
      });
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return phases.lookup(op) == phase || (type && type.hasStaticShape());
  };
  return llvm::all_of(phases, [&](auto &entry) {
    auto [op, phase] = entry;
    return llvm::all_of(op->getOperands(), [&](Value operand) {
      return reaches(reaches, operand, phase);
    });
  });
}

/// Ops that a loop does again for one value, rather than read it.
static constexpr int mostRepeated = 12;

/// True if `value` is made by few ops of elements in `read` and of what all
/// steps share: it is then made again where it is needed, unless a product
/// needs it in memory. `ops` counts them.
bool ScanDivider::isRepeated(Value value, const DenseSet<Value> &read,
                             int &ops) {
  if (read.contains(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != scan.getBlock())
    return !op && llvm::is_contained(scan.getConstantArguments(), value);
  if (isCheap(op))
    return true;
  if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp,
           BroadcastOp>(op) ||
      ++ops > mostRepeated)
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return isRepeated(operand, read, ops);
  });
}

/// Odd phases hold products, each in a scan of its own; even ones the rest.
void ScanDivider::emit() {
  ScanParts whole = partsOf(scan);
  OpBuilder builder(scan);
  Block &block = *scan.getBlock();
  // Scans in order: phases, products of one phase apart.
  std::map<std::pair<int, unsigned>, SmallVector<Operation *>> pieces;
  DenseMap<Operation *, std::pair<int, unsigned>> pieceOf;
  unsigned count = 0;
  pieces[{0, 0}];
  for (Operation &op : block.without_terminator()) {
    if (isCheap(&op))
      continue;
    std::pair<int, unsigned> piece = {phases.lookup(&op), 0};
    if (piece.first && isLarge(&op))
      piece.second = ++count;
    pieces[piece].push_back(&op);
    pieceOf[&op] = piece;
  }

  // Which piece computes a value; carries belong to the core.
  auto home = [&](Value value) -> std::optional<std::pair<int, unsigned>> {
    if (Operation *op = value.getDefiningOp())
      return isCheap(op) ? std::nullopt : std::optional(pieceOf.lookup(op));
    if (llvm::is_contained(scan.getCarryArguments(),
                           cast<BlockArgument>(value)))
      return std::pair(0, 0u);
    return std::nullopt;
  };
  // The elements that each piece reads anyway.
  std::map<std::pair<int, unsigned>, DenseSet<Value>> elementsOf;
  for (auto &[piece, ops] : pieces)
    for (Operation *op : ops)
      for (Value operand : op->getOperands())
        if (whole.elements.count(operand))
          elementsOf[piece].insert(operand);
  auto isMadeAgain = [&](Value value, std::pair<int, unsigned> piece) {
    int ops = 0;
    return piece.second == 0 && isRepeated(value, elementsOf[piece], ops);
  };
  // Values that other pieces need are stacked by their own.
  std::map<std::pair<int, unsigned>, llvm::SetVector<Value>> wanted;
  auto want = [&](Value value, std::pair<int, unsigned> piece) {
    if (auto from = home(value);
        from && *from != piece && !isMadeAgain(value, piece))
      wanted[*from].insert(value);
  };
  for (auto &[piece, ops] : pieces)
    for (Operation *op : ops)
      for (Value operand : op->getOperands())
        want(operand, piece);
  for (const ScanParts::Carry &carry : whole.carries)
    want(carry.next, {0, 0});

  DenseMap<Value, Value> stacked;
  DenseSet<Value> replaced;
  for (auto &[piece, ops] : pieces) {
    ScanParts parts;
    parts.steps = whole.steps;
    parts.reverse = whole.reverse;
    parts.step = whole.step;
    bool core = piece == std::pair(0, 0u);
    if (core)
      parts.carries = whole.carries;
    llvm::append_range(parts.stacks, wanted[piece]);
    SmallVector<Value> stacks, sums;
    auto mine = [&](Value value) {
      auto from = home(value);
      return from ? *from == piece : core;
    };
    for (auto [value, stack] : llvm::zip(whole.stacks, scan.getStacks()))
      if (mine(value)) {
        parts.stacks.push_back(value);
        stacks.push_back(stack);
      }
    for (auto [value, sum] : llvm::zip(whole.sums, scan.getSums()))
      if (mine(value)) {
        parts.sums.push_back(value);
        sums.push_back(sum);
      }

    // Everything that this piece reads: cheap ops are cloned along.
    llvm::SetVector<Value> reads;
    for (Operation *op : ops)
      reads.insert(op->operand_begin(), op->operand_end());
    reads.insert(parts.stacks.begin(), parts.stacks.end());
    reads.insert(parts.sums.begin(), parts.sums.end());
    for (const ScanParts::Carry &carry : parts.carries)
      reads.insert(carry.next);
    DenseSet<Operation *> cheap;
    for (size_t i = 0; i < reads.size(); ++i)
      if (Operation *op = reads[i].getDefiningOp();
          op && op->getBlock() == &block &&
          (isCheap(op) ||
           (pieceOf.lookup(op) != piece && isMadeAgain(reads[i], piece)))) {
        cheap.insert(op);
        for (Value operand : op->getOperands())
          reads.insert(operand);
      }
    SmallVector<Operation *> cloned;
    for (Operation &op : block.without_terminator())
      if (cheap.contains(&op) ||
          (pieceOf.contains(&op) && pieceOf.lookup(&op) == piece))
        cloned.push_back(&op);
    for (Value value : reads) {
      if (auto element = whole.elements.find(value);
          element != whole.elements.end())
        parts.elements.insert(*element);
      else if (auto constant = whole.constants.find(value);
               constant != whole.constants.end())
        parts.constants.insert(*constant);
      else if (auto from = home(value);
               from && *from != piece && !cheap.contains(value.getDefiningOp()))
        parts.elements.insert({value, stacked.lookup(value)});
    }
    if (cloned.empty() && parts.carries.empty() && parts.stacks.empty() &&
        parts.sums.empty())
      continue;
    ScanOp made = buildScan(builder, scan.getLoc(), parts, cloned);
    for (auto [value, stack] : llvm::zip(wanted[piece], made.getStacks()))
      stacked[value] = stack;
    for (auto [from, to] :
         llvm::zip(stacks, made.getStacks().drop_front(wanted[piece].size())))
      from.replaceAllUsesWith(to);
    for (auto [from, to] : llvm::zip(sums, made.getSums()))
      from.replaceAllUsesWith(to);
    if (core)
      for (auto [from, to] : llvm::zip(scan.getFinals(), made.getFinals()))
        from.replaceAllUsesWith(to);
  }
  scan.erase();
}

void ScanDivider::run() {
  // A map would run the steps that this loop leaves out.
  if (scan.isPartial())
    return;
  bool any = false;
  for (Operation &op : scan.getBlock()->without_terminator())
    any |= isLarge(&op);
  if (!any)
    return;
  findDependences();
  if (convolutions)
    prepareConvolutions();
  assignPhases();
  if (llvm::all_of(phases, [](auto &entry) { return entry.second == 0; }))
    return;
  // A map whose body is one product already is what we make.
  if (scan.getInits().empty() && phases.size() == 1)
    return;
  if (!canStackAll())
    return;
  emit();
}

namespace {
class Fission : public loco::impl::FissionBase<Fission> {
public:
  using FissionBase::FissionBase;
  void runOnOperation() override {
    SmallVector<ScanOp> scans;
    SmallVector<Operation *> once;
    getOperation().walk([&](Operation *op) {
      if (auto scan = dyn_cast<ScanOp>(op))
        scans.push_back(scan);
      else if (convolutions && op->getParentOp() == getOperation() &&
               isLibraryConvolution(op, convolutions))
        once.push_back(op);
    });
    // A library works on whole arrays: those of loops inside of others are
    // none.
    for (ScanOp scan : scans) {
      if (!scan.isPartial())
        scan = separateSummedProducts(scan, threshold);
      ScanDivider(scan, threshold,
                  scan->getParentOp() == getOperation() ? convolutions : 0)
          .run();
    }
    for (Operation *op : once)
      makeMarginsPlain(op);
  }
};
} // namespace
