//===- SplitProducts.cpp - Functions divided at their products ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/JIT/SplitProducts.h"

#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace loco;

using Place = CudaArray::Place;

namespace {
class Splitter {
public:
  Splitter(func::FuncOp function, const DenseMap<Value, int64_t> &lengths,
           GPULibraries libraries)
      : function(function), body(function.getBody().front()), lengths(lengths),
        calls(function, libraries) {}

  SplitFunction split();

private:
  bool isUniform(Operation &op) const;
  void findLevels();
  SmallVector<Value> usedBy(Operation &op) const;
  bool canHandOn(Value value) const;
  void sinkOps();
  std::optional<CudaArray> home(Value value);
  bool findHomes();
  void makeKernel(int64_t level);

  func::FuncOp function;
  Block &body;
  const DenseMap<Value, int64_t> &lengths;
  LibraryCalls calls;
  SplitFunction made;
  DenseMap<Operation *, LibraryCall> products;
  /// Of each op: after how many rounds of products it runs; of a product: after
  /// which kernel. Those that every kernel makes itself have none.
  DenseMap<Operation *, int64_t> levels;
  int64_t last = 0;
  /// Where values are that parts hand on.
  llvm::MapVector<Value, CudaArray> homes;
};
} // namespace

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
    return calls.isShared(value) || value.getType().isIndex();
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
    auto isOfSample = [&](Value value) {
      Operation *from = value.getDefiningOp();
      return from ? levels.contains(from) : !calls.isShared(value);
    };
    if (auto found = calls.match(op, isOfSample))
      products[&op] = std::move(*found);
    levels[&op] = level;
    last = std::max(last, level);
  }
}

//===----------------------------------------------------------------------===//
// Arrays between parts
//===----------------------------------------------------------------------===//

/// True for an array of each sample, or of each sample at each of its steps.
bool Splitter::canHandOn(Value value) const {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || lengths.contains(value))
    return false;
  for (int64_t axis = 1; axis < type.getRank(); ++axis)
    if (type.isDynamicDim(axis))
      return false;
  return true;
}

/// Ops whose results cannot be handed on run where these are used.
void Splitter::sinkOps() {
  for (Operation &op : llvm::reverse(body)) {
    auto level = levels.find(&op);
    if (level == levels.end() || products.contains(&op) ||
        llvm::all_of(op.getResults(),
                     [&](Value value) { return canHandOn(value); }))
      continue;
    int64_t used = last;
    for (Operation *user : op.getUsers())
      if (auto known = levels.find(body.findAncestorOpInBlock(*user));
          known != levels.end())
        used = std::min(used, known->second);
    level->second = std::max(level->second, used);
  }
}

/// Where a value is that a part other than its own uses. Nothing if it cannot
/// be handed on.
std::optional<CudaArray> Splitter::home(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return CudaArray{Place::Argument, argument.getArgNumber()};
  if (auto known = homes.find(value); known != homes.end())
    return known->second;
  if (!canHandOn(value))
    return std::nullopt;
  CudaArray array = {Place::Between, int64_t(made.between.size())};
  made.between.push_back(cast<RankedTensorType>(value.getType()));
  homes[value] = array;
  return array;
}

/// False if something cannot be handed on.
bool Splitter::findHomes() {
  for (auto &[op, found] : products)
    if (SmallVector<unsigned> numbers = calls.resultsOf(found.out);
        !numbers.empty())
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
    if (!left || !right || !out || calls.resultsOf(found.out).size() > 1 ||
        lengths.contains(found.left) || lengths.contains(found.right))
      return false;
    found.part.left = *left;
    found.part.right = *right;
    found.part.out = *out;
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
      part.code.results.push_back(array);
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
    part.code.results.push_back({Place::Result, operand.getOperandNumber()});
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
    part.code.arguments.push_back(array);
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
  sinkOps();
  if (products.empty() || !findHomes())
    return {};
  for (int64_t level = 0; level <= last; ++level) {
    makeKernel(level);
    for (Operation &op : body)
      if (auto found = products.find(&op);
          found != products.end() && levels[&op] == level) {
        SplitFunction::Part part;
        part.code = found->second.part;
        made.parts.push_back(std::move(part));
      }
  }
  return std::move(made);
}

SplitFunction loco::splitProducts(func::FuncOp function,
                                  const DenseMap<Value, int64_t> &lengths,
                                  GPULibraries libraries) {
  return Splitter(function, lengths, libraries).split();
}
