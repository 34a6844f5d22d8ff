//===- OutlineLoops.cpp - Large kernels as several functions --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/OutlineLoops/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace loco {
#define GEN_PASS_DEF_OUTLINELOOPS
#include "compiler/Conversion/OutlineLoops/Passes.h.inc"
} // namespace loco

static int64_t countOps(Operation *op) {
  int64_t count = 0;
  op->walk([&](Operation *) { ++count; });
  return count;
}

/// True for what each function makes for itself.
static bool isConstant(Operation *op) {
  return op &&
         (op->hasTrait<OpTrait::ConstantLike>() || isa<LLVM::AddressOfOp>(op));
}

/// True for the arithmetic of addresses and what else is as good in front of a
/// piece as in it. It stays there: in terms of the one pointer that is passed
/// loops are easier to simplify than in terms of all that it is made of.
static bool canStay(Operation *op) {
  if (isConstant(op))
    return true;
  if (op->getNumRegions() || op->getNumResults() != 1 ||
      !isMemoryEffectFree(op))
    return false;
  Type type = op->getResult(0).getType();
  return type.isSignlessInteger() || isa<LLVM::LLVMPointerType>(type);
}

namespace {
class Outliner {
public:
  Outliner(func::FuncOp function, int64_t most, int64_t least)
      : function(function), most(most), least(least) {}

  void run() { divide(function.getBody().front()); }

private:
  using Piece = SmallVector<Operation *>;

  void divide(Block &block);
  void outline(ArrayRef<Operation *> piece);
  Value makeInside(Value value, IRMapping &mapping, OpBuilder &builder);

  func::FuncOp function;
  int64_t most, least;
  unsigned numOutlined = 0;
  llvm::SetVector<Value> passed;
};
} // namespace

/// A loop whose code is mostly that of one loop inside is as hard to compile
/// without its outer part, and the body of an innermost loop is not divided.
static bool canDivide(Operation *op, int64_t least) {
  while (true) {
    SmallVector<Operation *> inner;
    for (Region &region : op->getRegions())
      for (Operation &each : region.getOps())
        if (each.getNumRegions() && countOps(&each) >= least)
          inner.push_back(&each);
    if (inner.size() != 1)
      return inner.size() > 1;
    op = inner.front();
  }
}

static bool hasLoop(Operation *op) { return op->getNumRegions() > 0; }

/// For each op of `block` the number of the last one that needs it, be it
/// through what stays in front of pieces.
static SmallVector<size_t> findLastUses(Block &block) {
  llvm::DenseMap<Operation *, size_t> numbers;
  for (auto [number, op] : llvm::enumerate(block))
    numbers[&op] = number;
  SmallVector<size_t> last(numbers.size());
  for (Operation &op : llvm::reverse(block)) {
    size_t &mine = last[numbers[&op]] = numbers[&op];
    for (Operation *user : op.getUsers()) {
      Operation *inBlock = block.findAncestorOpInBlock(*user);
      size_t number = numbers[inBlock];
      mine = std::max(mine, canStay(inBlock) ? last[number] : number);
    }
  }
  return last;
}

/// Hides the number of a loop's turn from the simplification of addresses: they
/// differ by another distance each, and there are as many as values are kept
/// for every step. A loop that is divided has work enough beside them.
static void hideTurn(scf::ForOp loop) {
  Value turn = loop.getInductionVar();
  OpBuilder builder = OpBuilder::atBlockBegin(loop.getBody());
  auto hidden = LLVM::InlineAsmOp::create(
      builder, loop.getLoc(), turn.getType(), turn, /*asm_string=*/"",
      /*constraints=*/"=r,0", /*has_side_effects=*/false,
      /*is_align_stack=*/false, LLVM::TailCallKind::None,
      /*asm_dialect=*/LLVM::AsmDialectAttr(), /*operand_attrs=*/ArrayAttr());
  turn.replaceAllUsesExcept(hidden.getResult(0), hidden);
}

/// Cuts the ops of `block` into pieces after which nothing of them is needed,
/// each at least half as large as allowed, and makes functions of them.
void Outliner::divide(Block &block) {
  SmallVector<size_t> last = findLastUses(block);
  Piece ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  Piece piece;
  // The first ops of `piece` that may become a function, and their sizes.
  size_t clean = 0, needed = 0;
  int64_t size = 0, cleanSize = 0;
  auto start = [&] {
    piece.clear();
    clean = needed = 0;
    size = cleanSize = 0;
  };
  auto finish = [&] {
    if (cleanSize >= least &&
        llvm::any_of(ArrayRef(piece).take_front(clean), hasLoop))
      outline(ArrayRef(piece).take_front(clean));
    start();
  };
  for (auto [number, op] : llvm::enumerate(ops)) {
    int64_t added = countOps(op);
    if (added > most && canDivide(op, least)) {
      finish();
      if (auto loop = dyn_cast<scf::ForOp>(op))
        hideTurn(loop);
      for (Region &region : op->getRegions())
        for (Block &inner : region)
          divide(inner);
      continue;
    }
    // What is large stands alone: it may be as large a loop elsewhere.
    if ((size + added > most || 2 * added > most) && clean == piece.size())
      finish();
    // What is computed before several loops for all of them belongs to none.
    if (op->getNumRegions() && needed > number &&
        llvm::none_of(piece, hasLoop))
      start();
    piece.push_back(op);
    size += added;
    if (!canStay(op))
      needed = std::max(needed, last[number]);
    if (needed > number)
      continue;
    clean = piece.size();
    cleanSize = size;
    if (size > most / 2)
      finish();
  }
  finish();
}

/// `value` inside of the new function: made anew, or passed.
Value Outliner::makeInside(Value value, IRMapping &mapping,
                           OpBuilder &builder) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (!isConstant(op)) {
    passed.insert(value);
    Block *entry = builder.getInsertionBlock();
    Value argument = entry->addArgument(value.getType(), value.getLoc());
    mapping.map(value, argument);
    return argument;
  }
  return builder.clone(*op, mapping)->getResult(0);
}

void Outliner::outline(ArrayRef<Operation *> piece) {
  Location loc = piece.front()->getLoc();
  OpBuilder builder(function);
  std::string name =
      (function.getName() + ".part" + Twine(numOutlined++)).str();
  auto part =
      func::FuncOp::create(builder, loc, name, builder.getFunctionType({}, {}));
  part.setPrivate();
  part->setAttr("llvm.linkage",
                LLVM::LinkageAttr::get(builder.getContext(),
                                       LLVM::linkage::Linkage::Internal));
  Block *entry = part.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  auto end = func::ReturnOp::create(builder, loc);
  Operation *after = piece.back()->getNextNode();
  for (Operation *op : piece) {
    auto isInside = [&](Value operand) {
      return operand.getParentBlock() == entry;
    };
    if (!canStay(op) || llvm::any_of(op->getOperands(), isInside))
      op->moveBefore(end);
  }
  passed.clear();
  IRMapping mapping;
  builder.setInsertionPoint(&entry->front());
  part.walk([&](Operation *op) {
    for (OpOperand &operand : op->getOpOperands())
      if (!part.getBody().isAncestor(operand.get().getParentRegion()))
        operand.set(makeInside(operand.get(), mapping, builder));
  });
  part.setType(builder.getFunctionType(entry->getArgumentTypes(), {}));
  builder.setInsertionPoint(after);
  func::CallOp::create(builder, loc, name, TypeRange(), passed.getArrayRef());
}

namespace {
struct OutlineLoops : public loco::impl::OutlineLoopsBase<OutlineLoops> {
  using OutlineLoopsBase::OutlineLoopsBase;
  void runOnOperation() override {
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (!function.isDeclaration() && countOps(function) > large)
        Outliner(function, most, least).run();
  }
};
} // namespace
