//===- SplitProducts.cpp - Functions divided at their products ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/JIT/SplitProducts.h"

#include "dialects/Loco/IR/LocoOps.h"
#include "dialects/Loco/Transforms/MatrixProduct.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace loco;

using Place = CudaArray::Place;

namespace {
/// A product that a library makes, and its operands and result in the function.
struct Found {
  CudaProduct product;
  Value left, right, out;
};

class Splitter {
public:
  Splitter(func::FuncOp function, const DenseMap<Value, int64_t> &lengths)
      : function(function), body(function.getBody().front()), lengths(lengths) {
  }

  SplitFunction split();

private:
  bool isShared(Value value) const;
  bool isOfSample(Value value) const;
  bool isUniform(Operation &op) const;
  std::optional<Found> match(Operation &op) const;
  std::optional<Found> matchScan(ScanOp scan) const;
  std::optional<Found> matchApply(ContractOp op, Value matrix, Value rows,
                                  unsigned operand, Value out) const;
  std::optional<Found> matchOuter(ContractOp op, Value left, Value right,
                                  Value out) const;
  SmallVector<unsigned> resultsOf(Value value) const;
  void findLevels();
  SmallVector<Value> usedBy(Operation &op) const;
  std::optional<CudaArray> home(Value value);
  bool findHomes();
  void makeKernel(int64_t level);

  mutable func::FuncOp function;
  Block &body;
  const DenseMap<Value, int64_t> &lengths;
  SplitFunction made;
  DenseMap<Operation *, Found> products;
  /// Of each op: after how many rounds of products it runs; of a product: after
  /// which kernel. Those that every kernel makes itself have none.
  DenseMap<Operation *, int64_t> levels;
  int64_t last = 0;
  /// Where values are that parts hand on.
  llvm::MapVector<Value, CudaArray> homes;
};
} // namespace

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// An argument that all samples share.
bool Splitter::isShared(Value value) const {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != &body)
    return false;
  auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                    "loco.role");
  return role && (role == "param" || role == "frozen");
}

/// An array that every sample has for itself.
bool Splitter::isOfSample(Value value) const {
  Operation *from = value.getDefiningOp();
  return from ? levels.contains(from) : !isShared(value);
}

/// The results of the function that a value is.
SmallVector<unsigned> Splitter::resultsOf(Value value) const {
  SmallVector<unsigned> numbers;
  for (OpOperand &use : value.getUses())
    if (isa<func::ReturnOp>(use.getOwner()))
      numbers.push_back(use.getOperandNumber());
  return numbers;
}

static ElementType elementOf(Value value) {
  return getElementTypeOrSelf(value.getType()).isF64() ? ElementType::F64
                                                       : ElementType::F32;
}

std::optional<Found> Splitter::matchApply(ContractOp op, Value matrix,
                                          Value rows, unsigned operand,
                                          Value out) const {
  auto product = asApply(op, operand);
  if (!product || product->size() < libraryElements || !isShared(matrix) ||
      !isOfSample(rows))
    return std::nullopt;
  for (unsigned number : resultsOf(out))
    if (function.getResultAttr(number, "loco.sum_samples"))
      return std::nullopt;
  Found found;
  found.product.type = elementOf(matrix);
  found.product.isTransposed = product->transposed;
  found.product.inner = product->inner;
  found.product.outer = product->outer;
  found.left = rows;
  found.right = matrix;
  found.out = out;
  return found;
}

/// Only for a sum over all samples that is a result and nothing else.
std::optional<Found> Splitter::matchOuter(ContractOp op, Value left,
                                          Value right, Value out) const {
  auto product = asOuter(op);
  if (!product || product->size() < libraryElements || !out.hasOneUse() ||
      !isOfSample(left) || !isOfSample(right))
    return std::nullopt;
  SmallVector<unsigned> numbers = resultsOf(out);
  if (numbers.empty() ||
      !function.getResultAttr(numbers.front(), "loco.sum_samples"))
    return std::nullopt;
  Found found;
  found.product.type = elementOf(out);
  found.product.isOuter = true;
  found.product.inner = product->inner;
  found.product.outer = product->outer;
  found.left = product->left == 0 ? left : right;
  found.right = product->left == 0 ? right : left;
  found.out = out;
  return found;
}

/// A loop that does nothing but one product in each of all steps.
std::optional<Found> Splitter::matchScan(ScanOp scan) const {
  auto steps = dyn_cast<BlockArgument>(scan.getSteps());
  if (!steps || scan.isPartial() || !scan.getInits().empty() ||
      scan.getNumResults() != 1)
    return std::nullopt;
  Block *inner = &scan.getBody().front();
  auto op = dyn_cast<ContractOp>(inner->front());
  if (!op || inner->getOperations().size() != 2 ||
      inner->getTerminator()->getNumOperands() != 1 ||
      inner->getTerminator()->getOperand(0) != op.getResult())
    return std::nullopt;
  auto elements = scan.getElementArguments();
  auto constants = scan.getConstantArguments();
  std::optional<Found> found;
  if (elements.size() == 1 && constants.size() == 1 &&
      scan.getNumStacks() == 1) {
    for (unsigned matrix : {0u, 1u})
      if (!found && op->getOperand(matrix) == constants[0] &&
          op->getOperand(1 - matrix) == elements[0])
        found = matchApply(op, scan.getConstants()[0], scan.getElements()[0],
                           matrix, scan.getResult(0));
  } else if (elements.size() == 2 && constants.empty() &&
             scan.getNumStacks() == 0) {
    auto outside = [&](Value value) -> Value {
      for (auto [argument, stack] : llvm::zip(elements, scan.getElements()))
        if (argument == value)
          return stack;
      return Value();
    };
    Value left = outside(op.getLhs()), right = outside(op.getRhs());
    if (left && right)
      found = matchOuter(op, left, right, scan.getResult(0));
  }
  if (found)
    found->product.isPerStep = true;
  return found;
}

std::optional<Found> Splitter::match(Operation &op) const {
  if (auto scan = dyn_cast<ScanOp>(op))
    return matchScan(scan);
  auto contract = dyn_cast<ContractOp>(op);
  if (!contract)
    return std::nullopt;
  for (unsigned matrix : {0u, 1u})
    if (auto found =
            matchApply(contract, op.getOperand(matrix),
                       op.getOperand(1 - matrix), matrix, contract.getResult()))
      return found;
  return matchOuter(contract, contract.getLhs(), contract.getRhs(),
                    contract.getResult());
}

//===----------------------------------------------------------------------===//
// Levels
//===----------------------------------------------------------------------===//

SmallVector<Value> Splitter::usedBy(Operation &op) const {
  llvm::SetVector<Value> used(op.operand_begin(), op.operand_end());
  getUsedValuesDefinedAbove(op.getRegions(), used);
  return llvm::to_vector(used);
}

/// True for what is little and the same for all samples: each kernel that needs
/// it makes it.
bool Splitter::isUniform(Operation &op) const {
  if (op.getNumRegions() || isa<func::ReturnOp>(op))
    return false;
  return llvm::all_of(op.getOperands(), [&](Value value) {
    if (Operation *from = value.getDefiningOp())
      return !levels.contains(from) && !products.contains(from);
    return isShared(value) || value.getType().isIndex();
  });
}

void Splitter::findLevels() {
  for (Operation &op : body) {
    if (isUniform(op) || isa<func::ReturnOp>(op))
      continue;
    int64_t level = 0;
    for (Value value : usedBy(op))
      if (Operation *from = value.getDefiningOp())
        if (auto known = levels.find(from); known != levels.end())
          level = std::max(level, known->second + products.contains(from));
    if (auto found = match(op))
      products[&op] = *found;
    levels[&op] = level;
    last = std::max(last, level);
  }
}

//===----------------------------------------------------------------------===//
// Arrays between parts
//===----------------------------------------------------------------------===//

/// Where a value is that a part other than its own uses. Nothing if it cannot
/// be handed on.
std::optional<CudaArray> Splitter::home(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return CudaArray{Place::Argument, argument.getArgNumber()};
  if (auto known = homes.find(value); known != homes.end())
    return known->second;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || lengths.contains(value))
    return std::nullopt;
  for (int64_t axis = 1; axis < type.getRank(); ++axis)
    if (type.isDynamicDim(axis))
      return std::nullopt;
  CudaArray array = {Place::Between, int64_t(made.between.size())};
  made.between.push_back(type);
  homes[value] = array;
  return array;
}

/// False if something cannot be handed on.
bool Splitter::findHomes() {
  for (auto &[op, found] : products)
    if (SmallVector<unsigned> numbers = resultsOf(found.out); !numbers.empty())
      homes[found.out] = {Place::Result, numbers.front()};
  for (Operation &op : body) {
    if (!levels.contains(&op))
      continue;
    bool isProduct = products.contains(&op);
    for (Value value : usedBy(op)) {
      Operation *from = value.getDefiningOp();
      if (!from || !levels.contains(from))
        continue;
      bool isOwn =
          !isProduct && !products.contains(from) && levels[from] == levels[&op];
      if (!isOwn && !home(value))
        return false;
    }
  }
  for (auto &[op, found] : products) {
    auto left = home(found.left), right = home(found.right),
         out = home(found.out);
    // A result that is several, and stacks of which the library sees a part.
    if (!left || !right || !out || resultsOf(found.out).size() > 1 ||
        lengths.contains(found.left) || lengths.contains(found.right))
      return false;
    found.product.left = *left;
    found.product.right = *right;
    found.product.out = *out;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

void Splitter::makeKernel(int64_t level) {
  // What it makes, and what it makes of it for others.
  SmallVector<Operation *> ops;
  SmallVector<Value> outputs;
  SplitFunction::Part part;
  SmallVector<DictionaryAttr> resultAttributes;
  auto isOwn = [&](Value value) {
    Operation *from = value.getDefiningOp();
    auto known = from ? levels.find(from) : levels.end();
    return known != levels.end() && known->second == level &&
           !products.contains(from);
  };
  for (Operation &op : body)
    if (auto known = levels.find(&op); known != levels.end() &&
                                       known->second == level &&
                                       !products.contains(&op))
      ops.push_back(&op);
  MLIRContext *context = function.getContext();
  Builder attributes(context);
  for (auto &[value, array] : homes)
    if (isOwn(value)) {
      outputs.push_back(value);
      part.results.push_back(array);
      resultAttributes.push_back(attributes.getDictionaryAttr(
          {attributes.getNamedAttr(
               "loco.name", attributes.getStringAttr(
                                "between " + std::to_string(array.number))),
           attributes.getNamedAttr("loco.role",
                                   attributes.getStringAttr("output"))}));
    }
  Operation *end = body.getTerminator();
  for (OpOperand &operand : end->getOpOperands()) {
    Operation *from = operand.get().getDefiningOp();
    bool isAnybodys = !from || !levels.contains(from);
    if (!isOwn(operand.get()) && !(isAnybodys && level == 0))
      continue;
    outputs.push_back(operand.get());
    part.results.push_back({Place::Result, operand.getOperandNumber()});
    auto given = function.getResultAttrDict(operand.getOperandNumber());
    resultAttributes.push_back(given ? given
                                     : attributes.getDictionaryAttr({}));
  }
  if (outputs.empty())
    return;

  // Ops that every kernel makes itself, with what they need.
  llvm::SetVector<Value> taken;
  llvm::SmallPtrSet<Operation *, 16> wanted(ops.begin(), ops.end());
  SmallVector<Value> open(outputs);
  for (Operation *op : ops)
    open.append(usedBy(*op));
  while (!open.empty()) {
    Value value = open.pop_back_val();
    Operation *from = value.getDefiningOp();
    if (from && !levels.contains(from)) {
      if (wanted.insert(from).second)
        open.append(usedBy(*from));
    } else if (!isOwn(value)) {
      taken.insert(value);
    }
  }
  // The arguments of the function in their order, steps in any case.
  SmallVector<Value> inputs;
  for (BlockArgument argument : body.getArguments())
    if (taken.contains(argument) || argument.getType().isIndex())
      inputs.push_back(argument);
  for (Value value : taken)
    if (!isa<BlockArgument>(value))
      inputs.push_back(value);

  SmallVector<Type> inputTypes, outputTypes;
  for (Value value : inputs)
    inputTypes.push_back(value.getType());
  for (Value value : outputs)
    outputTypes.push_back(value.getType());
  OpBuilder b(function);
  part.function = func::FuncOp::create(
      b, function.getLoc(),
      (function.getSymName() + ".part" + std::to_string(level)).str(),
      b.getFunctionType(inputTypes, outputTypes));
  Block *block = part.function.addEntryBlock();
  IRMapping mapping;
  for (auto [i, value] : llvm::enumerate(inputs)) {
    mapping.map(value, block->getArgument(i));
    CudaArray array = *home(value);
    part.arguments.push_back(array);
    if (array.place == Place::Argument) {
      if (auto given = function.getArgAttrDict(array.number))
        part.function.setArgAttrs(i, given);
      continue;
    }
    part.function.setArgAttr(i, "loco.name",
                             b.getStringAttr("between " + std::to_string(i)));
    part.function.setArgAttr(i, "loco.role", b.getStringAttr("input"));
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getRank() && type.isDynamicDim(0))
      part.function.setArgAttr(i, "loco.per_step", b.getUnitAttr());
  }
  for (auto [i, given] : llvm::enumerate(resultAttributes))
    part.function.setResultAttrs(i, given);
  b.setInsertionPointToEnd(block);
  for (Operation &op : body)
    if (wanted.contains(&op))
      b.clone(op, mapping);
  SmallVector<Value> returned;
  for (Value value : outputs)
    returned.push_back(mapping.lookup(value));
  func::ReturnOp::create(b, function.getLoc(), returned);
  made.parts.push_back(std::move(part));
}

SplitFunction Splitter::split() {
  findLevels();
  if (products.empty() || !findHomes())
    return {};
  for (int64_t level = 0; level <= last; ++level) {
    makeKernel(level);
    for (Operation &op : body)
      if (auto found = products.find(&op);
          found != products.end() && levels[&op] == level) {
        SplitFunction::Part part;
        part.product = found->second.product;
        made.parts.push_back(std::move(part));
      }
  }
  return std::move(made);
}

SplitFunction loco::splitProducts(func::FuncOp function,
                                  const DenseMap<Value, int64_t> &lengths) {
  return Splitter(function, lengths).split();
}
