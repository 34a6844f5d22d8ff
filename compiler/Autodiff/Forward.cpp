//===- Forward.cpp - Tangents, from the arguments to the results ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Forward.h"

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/Autodiff/Rules.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace loco;

Value ForwardSweep::getOrZero(Value primal) {
  Value tangent = get(primal);
  return tangent ? tangent : emitZeroLike(builder, primal);
}

LogicalResult ForwardSweep::run(Block &block) {
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  for (Operation *op : ops) {
    builder.setLoc(op->getLoc());
    builder.setInsertionPointAfter(op);
    if (failed(visit(op)))
      return failure();
  }
  return success();
}

LogicalResult ForwardSweep::visit(Operation *op) {
  SmallVector<Value> operandTangents;
  for (Value operand : op->getOperands())
    operandTangents.push_back(get(operand));
  if (llvm::none_of(operandTangents, [](Value tangent) { return tangent; }))
    return success();

  switch (getDependence(op)) {
  case Dependence::Constant:
    return success();
  case Dependence::Unknown:
    return op->emitError("`") << op->getName() << "` has no derivative";
  case Dependence::Region:
    if (auto scan = dyn_cast<ScanOp>(op))
      return visitScan(scan);
    return visitStencil(cast<StencilOp>(op));
  case Dependence::Linear:
  case Dependence::Bilinear:
    set(op->getResult(0), emitPushforward(builder, op, operandTangents));
    return success();
  case Dependence::Elementwise: {
    Value sum;
    for (auto [index, tangent] : llvm::enumerate(operandTangents)) {
      if (!tangent)
        continue;
      Value term = arith::MulFOp::create(builder, tangent,
                                         emitPartial(builder, op, index));
      sum = sum ? arith::AddFOp::create(builder, sum, term) : term;
    }
    set(op->getResult(0), sum);
    return success();
  }
  }
  llvm_unreachable("all kinds of dependence are handled");
}

/// The tangents of those of `values` that have one, and their positions.
static std::pair<SmallVector<Value>, SmallVector<unsigned>>
collectTangents(ForwardSweep &sweep, ValueRange values) {
  std::pair<SmallVector<Value>, SmallVector<unsigned>> found;
  for (auto [index, value] : llvm::enumerate(values))
    if (Value tangent = sweep.get(value)) {
      found.first.push_back(tangent);
      found.second.push_back(index);
    }
  return found;
}

/// Appends `more` to a copy of `values`.
static SmallVector<Value> join(ValueRange values, ValueRange more) {
  SmallVector<Value> all(values);
  llvm::append_range(all, more);
  return all;
}

/// The loop that carries values and tangents together replaces the scan.
LogicalResult ForwardSweep::visitScan(ScanOp scan) {
  Activity outside;
  for (Value operand : scan->getOperands())
    if (get(operand))
      outside.insert(operand);
  FailureOr<ScanActivity> inside = findScanActivity(scan, outside);
  if (failed(inside))
    return failure();

  SmallVector<unsigned> carries, stacks, sums;
  SmallVector<Value> initTangents;
  YieldOp yield = scan.getYield();
  for (auto [index, init] : llvm::enumerate(scan.getInits()))
    if (inside->carries[index]) {
      carries.push_back(index);
      initTangents.push_back(getOrZero(init));
    }
  auto collectActive = [&](OperandRange values,
                           SmallVector<unsigned> &positions) {
    for (auto [index, value] : llvm::enumerate(values))
      if (inside->body.contains(value))
        positions.push_back(index);
  };
  collectActive(yield.getStacks(), stacks);
  collectActive(yield.getSums(), sums);
  auto [elementTangents, elements] = collectTangents(*this, scan.getElements());
  auto [constantTangents, constants] =
      collectTangents(*this, scan.getConstants());

  SmallVector<Type> stackTypes(scan.getStacks().getTypes()),
      sumTypes(scan.getSums().getTypes());
  for (unsigned index : stacks)
    stackTypes.push_back(scan.getStacks()[index].getType());
  for (unsigned index : sums)
    sumTypes.push_back(scan.getSums()[index].getType());
  auto both = ScanOp::create(
      builder, scan.getSteps(), join(scan.getInits(), initTangents),
      join(scan.getElements(), elementTangents),
      join(scan.getConstants(), constantTangents), stackTypes, sumTypes,
      scan.getReverse(), scan.getTaken(), scan.isCounted());

  OpBuilder::InsertionGuard guard(builder);
  Block *block = both.getBlock();
  builder.setInsertionPointToEnd(block);
  IRMapping mapping;
  ForwardSweep body(builder);
  mapping.map(scan.getStep(), both.getStep());
  auto enter = [&](Block::BlockArgListType from, Block::BlockArgListType to,
                   ArrayRef<unsigned> withTangent) {
    mapping.map(ValueRange(from), ValueRange(to.take_front(from.size())));
    for (auto [tangent, index] :
         llvm::zip(to.drop_front(from.size()), withTangent))
      body.set(to[index], tangent);
  };
  enter(scan.getCarryArguments(), both.getCarryArguments(), carries);
  enter(scan.getElementArguments(), both.getElementArguments(), elements);
  enter(scan.getConstantArguments(), both.getConstantArguments(), constants);
  for (Operation &op : scan.getBlock()->without_terminator())
    builder.clone(op, mapping);
  builder.clone(*yield, mapping);
  if (failed(body.run(*block)))
    return failure();

  YieldOp joint = both.getYield();
  builder.setInsertionPoint(joint);
  auto leave = [&](MutableOperandRange values, ArrayRef<unsigned> withTangent) {
    SmallVector<Value> tangents;
    for (unsigned index : withTangent)
      tangents.push_back(body.getOrZero(values[index].get()));
    values.append(tangents);
  };
  leave(joint.getCarriesMutable(), carries);
  leave(joint.getStacksMutable(), stacks);
  leave(joint.getSumsMutable(), sums);

  auto replace = [&](ResultRange from, ResultRange to,
                     ArrayRef<unsigned> withTangent) {
    for (auto [result, tangent] :
         llvm::zip(withTangent, to.drop_front(from.size())))
      set(to[result], tangent);
    for (auto [result, replacement] : llvm::zip(from, to))
      result.replaceAllUsesWith(replacement);
  };
  replace(scan.getFinals(), both.getFinals(), carries);
  replace(scan.getStacks(), both.getStacks(), stacks);
  replace(scan.getSums(), both.getSums(), sums);
  if (Value count = scan.getCount())
    count.replaceAllUsesWith(both.getCount());
  scan.erase();
  return success();
}

/// A second stencil over the same neighbourhood gives the tangents.
LogicalResult ForwardSweep::visitStencil(StencilOp stencil) {
  auto [centreTangents, centres] = collectTangents(*this, stencil.getCentres());
  auto [neighbourTangents, neighbours] =
      collectTangents(*this, stencil.getNeighbours());
  SmallVector<Type> types(stencil.getFields().getTypes());
  auto tangentStencil = StencilOp::create(
      builder, types, join(stencil.getCentres(), centreTangents),
      join(stencil.getNeighbours(), neighbourTangents), stencil.getOffsets(),
      stencil.getBoundary());

  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&tangentStencil.getBody());
  for (Value operand : tangentStencil.getOperands())
    block->addArgument(operand.getType(), operand.getLoc());
  Block &primal = stencil.getBody().front();
  unsigned numCentres = stencil.getCentres().size();
  auto centreArguments =
      block->getArguments().take_front(numCentres + centres.size());
  auto neighbourArguments =
      block->getArguments().drop_front(numCentres + centres.size());
  IRMapping mapping;
  ForwardSweep body(builder);
  mapping.map(ValueRange(primal.getArguments().take_front(numCentres)),
              ValueRange(centreArguments.take_front(numCentres)));
  mapping.map(ValueRange(primal.getArguments().drop_front(numCentres)),
              ValueRange(neighbourArguments.drop_back(neighbours.size())));
  for (auto [index, tangent] :
       llvm::zip(centres, centreArguments.drop_front(numCentres)))
    body.set(centreArguments[index], tangent);
  for (auto [index, tangent] :
       llvm::zip(neighbours, neighbourArguments.take_back(neighbours.size())))
    body.set(neighbourArguments[index], tangent);
  for (Operation &op : primal)
    builder.clone(op, mapping);
  if (failed(body.run(*block)))
    return failure();

  Operation *yield = block->getTerminator();
  builder.setInsertionPoint(yield);
  for (OpOperand &operand : yield->getOpOperands())
    operand.set(body.getOrZero(operand.get()));
  for (auto [result, tangent] :
       llvm::zip(stencil.getFields(), tangentStencil.getFields()))
    set(result, tangent);
  return success();
}
