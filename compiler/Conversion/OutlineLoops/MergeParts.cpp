//===- MergeParts.cpp - Functions that differ in numbers alone ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers of one form on pictures of several sizes give loop nests that differ
// in extents and distances only. One function does for all of them, to which
// each call hands its own numbers.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/OutlineLoops/Passes.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace loco {
#define GEN_PASS_DEF_MERGEPARTS
#include "compiler/Conversion/OutlineLoops/Passes.h.inc"
} // namespace loco

/// The number that `value` is, if it may be passed to a function instead.
static std::optional<int64_t> numberOf(Value value) {
  IntegerAttr number;
  if (!value.getType().isSignlessInteger(64) ||
      !matchPattern(value, m_Constant(&number)))
    return std::nullopt;
  return number.getInt();
}

/// True for ops that are cheap with numbers that are known alone.
static bool needsKnown(Operation *op) {
  return isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
             arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp,
             LLVM::AllocaOp, LLVM::InlineAsmOp>(op);
}

namespace {
/// Where a function has a number: an operand of an op, or a constant index of
/// an address.
struct Number {
  Operation *op;
  unsigned position;
  bool isIndex;
  int64_t value;
};

/// A function as the list of its ops, without its numbers.
class Form {
public:
  explicit Form(func::FuncOp function);

  /// True if both do the same, but for their numbers.
  bool isLike(const Form &other) const;

  func::FuncOp function;
  SmallVector<Number> numbers;
  llvm::hash_code hash = 0;

private:
  void defineArguments(Region &region);
  void add(Operation *op);
  void addHash(Operation *op);
  bool areAlike(Operation *op, const Form &other, Operation *with) const;

  SmallVector<Operation *> ops;
  /// Results and arguments in the order in which they are defined.
  DenseMap<Value, unsigned> order;
};
} // namespace

Form::Form(func::FuncOp function) : function(function) {
  defineArguments(function.getBody());
  function.getBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op->getNumResults() != 1 || !numberOf(op->getResult(0)))
      add(op);
  });
}

void Form::defineArguments(Region &region) {
  for (Block &block : region)
    for (BlockArgument argument : block.getArguments())
      order.try_emplace(argument, order.size());
}

void Form::add(Operation *op) {
  ops.push_back(op);
  for (Value result : op->getResults())
    order.try_emplace(result, order.size());
  for (Region &region : op->getRegions())
    defineArguments(region);
  for (OpOperand &operand : op->getOpOperands())
    if (auto number = numberOf(operand.get()); number && !needsKnown(op))
      numbers.push_back({op, operand.getOperandNumber(), false, *number});
  if (auto address = dyn_cast<LLVM::GEPOp>(op))
    if (ArrayRef indices = address.getRawConstantIndices();
        indices.size() == 1 && indices.front() != LLVM::GEPOp::kDynamicIndex)
      numbers.push_back({op, 0, true, indices.front()});
  addHash(op);
}

/// Adds what `areAlike` compares.
void Form::addHash(Operation *op) {
  bool isAddress = isa<LLVM::GEPOp>(op);
  hash = llvm::hash_combine(hash, op->getName(), op->getNumOperands(),
                            op->getNumRegions(),
                            isAddress ? 0 : size_t(op->hashProperties()));
  for (Type type : op->getResultTypes())
    hash = llvm::hash_combine(hash, type);
  for (Value operand : op->getOperands())
    if (auto known = order.find(operand); known != order.end())
      hash = llvm::hash_combine(hash, known->second);
}

bool Form::areAlike(Operation *op, const Form &other, Operation *with) const {
  if (op->getName() != with->getName() ||
      op->getNumOperands() != with->getNumOperands() ||
      op->getNumRegions() != with->getNumRegions() ||
      op->getResultTypes() != with->getResultTypes() ||
      op->getDiscardableAttrDictionary() !=
          with->getDiscardableAttrDictionary())
    return false;
  if (auto address = dyn_cast<LLVM::GEPOp>(op)) {
    auto otherAddress = cast<LLVM::GEPOp>(with);
    ArrayRef indices = address.getRawConstantIndices(),
             otherIndices = otherAddress.getRawConstantIndices();
    if (address.getElemType() != otherAddress.getElemType() ||
        address.getNoWrapFlags() != otherAddress.getNoWrapFlags() ||
        (indices != otherIndices &&
         (indices.size() != 1 || otherIndices.size() != 1)))
      return false;
  } else if (!op->getName().compareOpProperties(op->getPropertiesStorage(),
                                                with->getPropertiesStorage())) {
    return false;
  }
  for (auto [mine, theirs] :
       llvm::zip_equal(op->getOperands(), with->getOperands())) {
    auto number = numberOf(mine), otherNumber = numberOf(theirs);
    if (number.has_value() != otherNumber.has_value() ||
        (number && needsKnown(op) && *number != *otherNumber) ||
        (!number && order.lookup(mine) != other.order.lookup(theirs)))
      return false;
  }
  for (auto [mine, theirs] :
       llvm::zip_equal(op->getRegions(), with->getRegions()))
    if (!mine.hasOneBlock() || !theirs.hasOneBlock() ||
        mine.getArgumentTypes() != theirs.getArgumentTypes())
      return false;
  return true;
}

bool Form::isLike(const Form &other) const {
  return func::FuncOp(function).getFunctionType() ==
             func::FuncOp(other.function).getFunctionType() &&
         ops.size() == other.ops.size() &&
         llvm::all_of(llvm::zip_equal(ops, other.ops), [&](auto both) {
           return areAlike(std::get<0>(both), other, std::get<1>(both));
         });
}

/// Adds `distance` to `number`.
static void move(const Number &number, Value distance) {
  OpBuilder builder(number.op);
  Location loc = number.op->getLoc();
  if (number.isIndex) {
    auto address = cast<LLVM::GEPOp>(number.op);
    address.getBaseMutable().assign(LLVM::GEPOp::create(
        builder, loc, address.getType(), address.getElemType(),
        address.getBase(), ValueRange(distance)));
    return;
  }
  Value known = number.op->getOperand(number.position);
  number.op->setOperand(number.position,
                        arith::AddIOp::create(builder, loc, known, distance));
}

/// Replaces all functions by the first one. What the numbers of the others are
/// more becomes an argument: one for all numbers that are as much more, as the
/// sites of a row are that lies farther away.
static void merge(ArrayRef<Form *> alike,
                  const DenseMap<StringAttr, func::CallOp> &calls) {
  const Form &first = *alike.front();
  llvm::MapVector<SmallVector<int64_t>, Value> passed;
  func::FuncOp function = first.function;
  Block &entry = function.getBody().front();
  Type type = IntegerType::get(function.getContext(), 64);
  for (size_t i = 0; i < first.numbers.size(); ++i) {
    SmallVector<int64_t> distances;
    for (const Form *form : alike)
      distances.push_back(form->numbers[i].value - first.numbers[i].value);
    if (llvm::all_equal(distances))
      continue;
    Value &argument = passed[distances];
    if (!argument)
      argument = entry.addArgument(type, function.getLoc());
    move(first.numbers[i], argument);
  }
  function.setType(
      FunctionType::get(type.getContext(), entry.getArgumentTypes(), {}));
  for (auto [number, form] : llvm::enumerate(alike)) {
    func::CallOp call = calls.lookup(form->function.getSymNameAttr());
    OpBuilder builder(call);
    SmallVector<Value> operands(call.getOperands());
    for (auto &[distances, argument] : passed)
      operands.push_back(arith::ConstantOp::create(
          builder, call.getLoc(),
          builder.getI64IntegerAttr(distances[number])));
    func::CallOp::create(builder, call.getLoc(), function, operands);
    call.erase();
    if (number)
      form->function.erase();
  }
}

namespace {
struct MergeParts : public loco::impl::MergePartsBase<MergeParts> {
  using MergePartsBase::MergePartsBase;

  void runOnOperation() override {
    std::vector<std::unique_ptr<Form>> forms;
    DenseMap<StringAttr, func::CallOp> calls;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      function.walk([&](func::CallOp call) {
        auto [known, isNew] =
            calls.try_emplace(call.getCalleeAttr().getAttr(), call);
        if (!isNew)
          known->second = nullptr;
      });
      if (function.isPrivate() && !function.isDeclaration())
        forms.push_back(std::make_unique<Form>(function));
    }
    llvm::MapVector<size_t, SmallVector<SmallVector<Form *>>> classes;
    for (auto &form : forms) {
      if (!calls.lookup(form->function.getSymNameAttr()))
        continue;
      auto &candidates = classes[form->hash];
      auto alike = llvm::find_if(candidates, [&](ArrayRef<Form *> others) {
        return others.front()->isLike(*form);
      });
      if (alike == candidates.end())
        candidates.push_back({form.get()});
      else
        alike->push_back(form.get());
    }
    for (auto &[hash, candidates] : classes)
      for (ArrayRef<Form *> alike : candidates)
        if (alike.size() > 1) {
          numMerged += alike.size() - 1;
          merge(alike, calls);
        }
  }
};
} // namespace
