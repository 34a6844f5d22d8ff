//===- Reverse.cpp - Cotangents, from the results to the arguments -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Reverse.h"

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/Autodiff/Rules.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace loco;

void loco::removeResidualMarks(Operation *op) {
  op->walk([](Operation *inner) {
    for (StringRef mark : {forwardMark, backwardMark, residualMark})
      inner->removeDiscardableAttr(mark);
  });
}

void ReverseSweep::add(Value primal, Value cotangent) {
  if (!activity.contains(primal))
    return;
  Value &sum = cotangents[primal];
  sum = sum ? arith::AddFOp::create(builder, sum, cotangent) : cotangent;
}

Value ReverseSweep::getOrZero(Value primal) {
  Value cotangent = get(primal);
  return cotangent ? cotangent : emitZeroLike(builder, primal);
}

LogicalResult ReverseSweep::run(Block &block) {
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops)) {
    builder.setLoc(op->getLoc());
    if (failed(visit(op)))
      return failure();
  }
  return success();
}

LogicalResult ReverseSweep::visit(Operation *op) {
  if (llvm::none_of(op->getResults(),
                    [&](Value result) { return get(result); }))
    return success();
  if (auto scan = dyn_cast<ScanOp>(op))
    return visitScan(scan);
  if (auto stencil = dyn_cast<StencilOp>(op))
    return visitStencil(stencil);

  Value cotangent = get(op->getResult(0));
  bool elementwise = getDependence(op) == Dependence::Elementwise;
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    if (!activity.contains(operand))
      continue;
    if (elementwise)
      add(operand, arith::MulFOp::create(builder, cotangent,
                                         emitPartial(builder, op, index)));
    else
      add(operand, emitTranspose(builder, op, index, cotangent));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Time loops
//===----------------------------------------------------------------------===//

/// Numbers the ops of a forward loop's body that their copies in the reverse
/// loop share.
static void markResiduals(Block &block, ResidualCounter &residuals) {
  Builder builder(block.getParentOp()->getContext());
  for (Operation &op : block.without_terminator())
    op.setAttr(residualMark, builder.getI64IntegerAttr(residuals.next++));
}

/// Replaces `scan` by one that also stacks what its carries were before each
/// step; these are its last stacks.
static ScanOp stackCarries(ImplicitLocOpBuilder &builder, ScanOp scan) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(scan);
  SmallVector<Type> stackTypes(scan.getStacks().getTypes());
  for (Value init : scan.getInits())
    stackTypes.push_back(getStackedType(init.getType()));
  auto augmented = ScanOp::create(
      builder, scan.getSteps(), scan.getInits(), scan.getElements(),
      scan.getConstants(), stackTypes, scan.getSums().getTypes(),
      scan.getReverse(), scan.getTaken(), scan.isCounted());
  for (auto [result, replacement] :
       llvm::zip(scan.getFinals(), augmented.getOutputs()))
    result.replaceAllUsesWith(replacement);
  unsigned numStacks = scan.getNumStacks();
  for (auto [result, replacement] :
       llvm::zip(scan.getStacks(),
                 augmented.getOutputs().drop_front(scan.getInits().size())))
    result.replaceAllUsesWith(replacement);
  for (auto [result, replacement] :
       llvm::zip(scan.getSums(), augmented.getOutputs()
                                     .drop_back(scan.isCounted())
                                     .take_back(scan.getSums().size())))
    result.replaceAllUsesWith(replacement);
  if (Value count = scan.getCount())
    count.replaceAllUsesWith(augmented.getCount());

  augmented.getBody().takeBody(scan.getBody());
  augmented.getYield().getStacksMutable().append(
      SmallVector<Value>(augmented.getCarryArguments()));
  assert(augmented.getNumStacks() == numStacks + augmented.getInits().size());
  (void)numStacks;
  scan.erase();
  return augmented;
}

namespace {
/// The reverse loop of a scan: what enters it and what its results stand for.
struct ReverseLoop {
  ScanOp scan;
  SmallVector<Value> inits, elements, constants;
  /// Positions, among those of the forward loop, of what has a cotangent.
  SmallVector<unsigned> carries, stacks, sums, activeElements, activeConstants;
};
} // namespace

/// Positions of the active values among `operands`.
static SmallVector<unsigned> findActive(OperandRange operands,
                                        const Activity &activity) {
  SmallVector<unsigned> positions;
  for (auto [index, operand] : llvm::enumerate(operands))
    if (activity.contains(operand))
      positions.push_back(index);
  return positions;
}

LogicalResult ReverseSweep::visitScan(ScanOp scan) {
  FailureOr<ScanActivity> inside = findScanActivity(scan, activity);
  if (failed(inside))
    return failure();

  // Cotangents that enter: of final carries, of stacks, of sums.
  ReverseLoop loop;
  for (auto [index, result] : llvm::enumerate(scan.getFinals()))
    if (inside->carries[index]) {
      loop.carries.push_back(index);
      loop.inits.push_back(getOrZero(result));
    }
  SmallVector<Value> stackCotangents, sumCotangents;
  for (auto [index, result] : llvm::enumerate(scan.getStacks()))
    if (Value cotangent = get(result)) {
      loop.stacks.push_back(index);
      stackCotangents.push_back(cotangent);
    }
  for (auto [index, result] : llvm::enumerate(scan.getSums()))
    if (Value cotangent = get(result)) {
      loop.sums.push_back(index);
      sumCotangents.push_back(cotangent);
    }
  loop.activeElements = findActive(scan.getElements(), activity);
  loop.activeConstants = findActive(scan.getConstants(), activity);

  ScanOp forward = stackCarries(builder, scan);
  markResiduals(*forward.getBlock(), residuals);
  auto pair = builder.getI64IntegerAttr(residuals.next++);
  forward->setAttr(forwardMark, pair);

  unsigned numCarries = forward.getInits().size(),
           numElements = forward.getElements().size();
  loop.elements.assign(forward.getStacks().take_back(numCarries).begin(),
                       forward.getStacks().take_back(numCarries).end());
  llvm::append_range(loop.elements, forward.getElements());
  llvm::append_range(loop.elements, stackCotangents);
  loop.constants.assign(forward.getConstants().begin(),
                        forward.getConstants().end());
  llvm::append_range(loop.constants, sumCotangents);

  SmallVector<Type> stackTypes, sumTypes;
  for (unsigned index : loop.activeElements)
    stackTypes.push_back(forward.getElements()[index].getType());
  for (unsigned index : loop.activeConstants)
    sumTypes.push_back(forward.getConstants()[index].getType());
  // Back over the steps that were run, however their number came about.
  Value taken =
      forward.isCounted() ? forward.getCount() : Value(forward.getTaken());
  loop.scan = ScanOp::create(builder, forward.getSteps(), loop.inits,
                             loop.elements, loop.constants, stackTypes,
                             sumTypes, !forward.getReverse(), taken);
  loop.scan->setAttr(backwardMark, pair);

  // The body: the step once more, from the carries before it, then its
  // cotangents.
  OpBuilder::InsertionGuard guard(builder);
  Block *block = loop.scan.getBlock();
  builder.setInsertionPointToEnd(block);
  auto elementArguments = loop.scan.getElementArguments();
  auto constantArguments = loop.scan.getConstantArguments();
  IRMapping mapping;
  mapping.map(forward.getStep(), loop.scan.getStep());
  mapping.map(ValueRange(forward.getCarryArguments()),
              ValueRange(elementArguments.take_front(numCarries)));
  mapping.map(ValueRange(forward.getElementArguments()),
              ValueRange(elementArguments.slice(numCarries, numElements)));
  mapping.map(
      ValueRange(forward.getConstantArguments()),
      ValueRange(constantArguments.take_front(forward.getConstants().size())));
  for (Operation &op : forward.getBlock()->without_terminator())
    builder.clone(op, mapping);

  Activity bodyActivity;
  for (Block &forwardBlock : forward.getBody()) {
    for (Value argument : forwardBlock.getArguments())
      if (inside->body.contains(argument))
        bodyActivity.insert(mapping.lookup(argument));
    for (Operation &op : forwardBlock)
      for (Value result : op.getResults())
        if (inside->body.contains(result))
          bodyActivity.insert(mapping.lookup(result));
  }

  ReverseSweep body(builder, bodyActivity, residuals);
  YieldOp yield = forward.getYield();
  auto carrySeeds = loop.scan.getCarryArguments();
  for (auto [seed, index] : llvm::zip(carrySeeds, loop.carries))
    body.add(mapping.lookupOrDefault(yield.getCarries()[index]), seed);
  for (auto [seed, index] :
       llvm::zip(elementArguments.take_back(loop.stacks.size()), loop.stacks))
    body.add(mapping.lookupOrDefault(yield.getStacks()[index]), seed);
  for (auto [seed, index] :
       llvm::zip(constantArguments.take_back(loop.sums.size()), loop.sums))
    body.add(mapping.lookupOrDefault(yield.getSums()[index]), seed);
  if (failed(body.run(*block)))
    return failure();

  SmallVector<Value> carryResults, stackResults, sumResults;
  for (unsigned index : loop.carries)
    carryResults.push_back(body.getOrZero(elementArguments[index]));
  for (unsigned index : loop.activeElements)
    stackResults.push_back(
        body.getOrZero(elementArguments[numCarries + index]));
  for (unsigned index : loop.activeConstants)
    sumResults.push_back(body.getOrZero(constantArguments[index]));
  YieldOp::create(builder, carryResults, stackResults, sumResults);

  builder.setInsertionPointAfter(loop.scan);
  for (auto [cotangent, index] : llvm::zip(loop.scan.getFinals(), loop.carries))
    add(forward.getInits()[index], cotangent);
  for (auto [cotangent, index] :
       llvm::zip(loop.scan.getStacks(), loop.activeElements))
    add(forward.getElements()[index], cotangent);
  for (auto [cotangent, index] :
       llvm::zip(loop.scan.getSums(), loop.activeConstants))
    add(forward.getConstants()[index], cotangent);
  return success();
}

//===----------------------------------------------------------------------===//
// Stencils
//===----------------------------------------------------------------------===//

LogicalResult ReverseSweep::visitStencil(StencilOp stencil) {
  if (activity.containsAny(stencil.getCentres()))
    emitStencilCotangents(stencil, /*ofNeighbours=*/false);
  if (activity.containsAny(stencil.getNeighbours()))
    emitStencilCotangents(stencil, /*ofNeighbours=*/true);
  return success();
}

/// With f(a_i, b_j) summed over j = i + d, the cotangent of a_i is the sum over
/// the same neighbourhood of g_i df/da(a_i, b_j); that of b_j, seen from j, is
/// the sum over i = j - d of g_i df/db(a_i, b_j), where (a, g) are the
/// neighbours.
void ReverseSweep::emitStencilCotangents(StencilOp stencil, bool ofNeighbours) {
  SmallVector<Value> seeds;
  for (Value result : stencil.getFields())
    seeds.push_back(getOrZero(result));
  SmallVector<Value> withSeeds(stencil.getCentres());
  llvm::append_range(withSeeds, seeds);
  SmallVector<Value> neighbours(stencil.getNeighbours());
  SmallVector<int64_t> offsets(stencil.getOffsets());
  if (ofNeighbours)
    llvm::transform(offsets, offsets.begin(), std::negate<>());

  auto targets = ofNeighbours ? stencil.getNeighbours() : stencil.getCentres();
  SmallVector<unsigned> active = findActive(targets, activity);
  Type type = stencil.getFields().front().getType();
  auto adjoint = StencilOp::create(
      builder, SmallVector<Type>(active.size(), type),
      ofNeighbours ? neighbours : withSeeds,
      ofNeighbours ? withSeeds : neighbours, offsets, stencil.getBoundary());

  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&adjoint.getBody());
  for (Value operand : adjoint.getOperands())
    block->addArgument(type, operand.getLoc());
  unsigned numCentres = stencil.getCentres().size(),
           numNeighbours = neighbours.size();
  auto arguments = block->getArguments();
  auto neighbourArguments = ofNeighbours ? arguments.take_front(numNeighbours)
                                         : arguments.take_back(numNeighbours);
  auto seededArguments = ofNeighbours ? arguments.drop_front(numNeighbours)
                                      : arguments.drop_back(numNeighbours);
  Block &primal = stencil.getBody().front();
  IRMapping mapping;
  mapping.map(ValueRange(primal.getArguments().take_front(numCentres)),
              ValueRange(seededArguments.take_front(numCentres)));
  mapping.map(ValueRange(primal.getArguments().drop_front(numCentres)),
              ValueRange(neighbourArguments));
  for (Operation &op : primal.without_terminator())
    builder.clone(op, mapping);

  auto targetArguments = ofNeighbours ? neighbourArguments
                                      : seededArguments.take_front(numCentres);
  Activity bodyActivity;
  for (unsigned index : active)
    bodyActivity.insert(targetArguments[index]);
  // The verifier lets only elementwise ops in, all of which have rules; the
  // surroundings were checked by Activity.
  LogicalResult known = bodyActivity.propagate(*block);
  assert(succeeded(known));
  (void)known;

  ReverseSweep body(builder, bodyActivity, residuals);
  auto yield = cast<YieldOp>(primal.getTerminator());
  for (auto [value, seed] :
       llvm::zip(yield.getStacks(), seededArguments.drop_front(numCentres)))
    body.add(mapping.lookupOrDefault(value), seed);
  LogicalResult swept = body.run(*block);
  assert(succeeded(swept));
  (void)swept;

  SmallVector<Value> results;
  for (unsigned index : active)
    results.push_back(body.getOrZero(targetArguments[index]));
  YieldOp::create(builder, ValueRange(), results, ValueRange());
  builder.setInsertionPointAfter(adjoint);
  for (auto [index, cotangent] : llvm::zip(active, adjoint.getFields()))
    add(targets[index], cotangent);
}
