//===- TileFacts.cpp - What differs between samples -----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/TileFacts.h"

using namespace mlir;
using namespace loco;

/// Elements of a sum over steps up to which every sample has its own until the
/// loop ends: registers of a block.
static constexpr int64_t mostOwnSums = 4096;

TileFacts::TileFacts(func::FuncOp function, int64_t tile)
    : function(function), tile(tile) {
  Block &block = function.getBody().front();
  for (BlockArgument argument : block.getArguments()) {
    auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      "loco.role");
    bool isShared = role && (role == "param" || role == "frozen");
    if (isa<RankedTensorType>(argument.getType()) && !isShared)
      varying.insert(argument);
  }
  do {
    isChanged = false;
    findVarying(block);
  } while (isChanged);
}

/// True for a product that is added up over steps, and has too many elements
/// for every sample of the tile to have its own.
bool TileFacts::isLargeSum(Value value) const {
  auto outer = value.getDefiningOp<ContractOp>();
  return outer && outer->hasOneUse() &&
         outer.getResult().getType().getNumElements() * tile > mostOwnSums;
}

/// Marks what differs between samples; loops until nothing is added.
void TileFacts::findVarying(Block &block) {
  auto add = [&](Value value, bool isVarying) {
    if (isVarying && isa<RankedTensorType>(value.getType()))
      isChanged |= varying.insert(value).second;
  };
  for (Operation &op : block.without_terminator()) {
    auto scan = dyn_cast<ScanOp>(op);
    if (!scan) {
      bool any = isa<RandomOp>(op) ||
                 llvm::any_of(op.getOperands(),
                              [&](Value v) { return varying.contains(v); });
      for (Value result : op.getResults())
        add(result, any);
      continue;
    }
    YieldOp yield = scan.getYield();
    for (auto [argument, from] :
         llvm::zip(scan.getElementArguments(), scan.getElements()))
      add(argument, varying.contains(from));
    for (auto [argument, from] :
         llvm::zip(scan.getConstantArguments(), scan.getConstants()))
      add(argument, varying.contains(from));
    for (auto [argument, init, next] : llvm::zip(
             scan.getCarryArguments(), scan.getInits(), yield.getCarries()))
      add(argument, varying.contains(init) || varying.contains(next));
    findVarying(*scan.getBlock());
    for (auto [final, argument] :
         llvm::zip(scan.getFinals(), scan.getCarryArguments()))
      add(final, varying.contains(argument));
    for (auto [stack, value] : llvm::zip(scan.getStacks(), yield.getStacks()))
      add(stack, varying.contains(value));
    for (auto [sum, value] : llvm::zip(scan.getSums(), yield.getSums()))
      add(sum, varying.contains(value));
  }
}

/// True if the user needs no more than the sum over samples.
bool TileFacts::sumsInside(OpOperand &use) {
  Operation *user = use.getOwner();
  if (isa<func::ReturnOp>(user))
    return function.getResultAttr(use.getOperandNumber(), "loco.sum_samples") !=
           nullptr;
  if (auto yield = dyn_cast<YieldOp>(user)) {
    auto scan = dyn_cast<ScanOp>(yield->getParentOp());
    unsigned first = yield.getCarries().size() + yield.getStacks().size();
    if (!scan || use.getOperandNumber() < first)
      return false;
    // What is small is added up at the end, by sample until then.
    return isLargeSum(use.get()) &&
           isSummed(scan.getSums()[use.getOperandNumber() - first]);
  }
  if (isa<arith::MulFOp>(user))
    return isSummed(user->getResult(0));
  if (isa<ReshapeOp, arith::AddFOp, arith::SubFOp, arith::NegFOp>(user))
    return isSummed(user->getResult(0)) &&
           llvm::all_of(user->getOperands(),
                        [&](Value v) { return varying.contains(v); });
  return false;
}

/// True for a value of which only the sum over samples is wanted.
bool TileFacts::isSummed(Value value) {
  if (auto known = summed.find(value); known != summed.end())
    return known->second;
  Operation *op = value.getDefiningOp();
  bool is = op && varying.contains(value) && !value.use_empty() &&
            isa<ScanOp, ContractOp, ReshapeOp, arith::AddFOp, arith::SubFOp,
                arith::NegFOp, arith::MulFOp>(op);
  if (is && isa<arith::MulFOp>(op))
    is = varying.contains(op->getOperand(0)) !=
         varying.contains(op->getOperand(1));
  if (auto scan = dyn_cast_or_null<ScanOp>(op); is && scan) {
    // Those of sums that are formed step by step.
    unsigned first = scan.getFinals().size() + scan.getNumStacks(),
             number = cast<OpResult>(value).getResultNumber();
    is = number >= first && number < first + scan.getSums().size();
    is = is && isLargeSum(scan.getYield().getSums()[number - first]);
  }
  for (OpOperand &use : value.getUses())
    is = is && sumsInside(use);
  return summed[value] = is;
}
