//===- Activity.cpp - Which values a derivative concerns -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Activity.h"

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/Autodiff/Rules.h"

using namespace mlir;
using namespace loco;

LogicalResult Activity::propagate(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(visit(&op)))
      return failure();
  return success();
}

LogicalResult Activity::visit(Operation *op) {
  if (!containsAny(op->getOperands()))
    return success();
  if (auto scan = dyn_cast<ScanOp>(op))
    return visitScan(scan);

  switch (getDependence(op)) {
  case Dependence::Constant:
    return success();
  case Dependence::Unknown:
    return op->emitError("`") << op->getName() << "` has no derivative";
  default:
    for (Value result : op->getResults())
      if (isDifferentiable(result.getType()))
        insert(result);
    return success();
  }
}

LogicalResult Activity::visitScan(ScanOp scan) {
  FailureOr<ScanActivity> inside = findScanActivity(scan, *this);
  if (failed(inside))
    return failure();
  for (auto [isActive, result] : llvm::zip(inside->carries, scan.getFinals()))
    if (isActive)
      insert(result);
  YieldOp yield = scan.getYield();
  for (auto [value, result] : llvm::zip(yield.getStacks(), scan.getStacks()))
    if (inside->body.contains(value))
      insert(result);
  for (auto [value, result] : llvm::zip(yield.getSums(), scan.getSums()))
    if (inside->body.contains(value))
      insert(result);
  return success();
}

FailureOr<ScanActivity> loco::findScanActivity(ScanOp scan,
                                               const Activity &outside) {
  ScanActivity result;
  for (Value init : scan.getInits())
    result.carries.push_back(outside.contains(init));

  for (bool changed = true; changed;) {
    result.body = Activity();
    for (auto [isActive, argument] :
         llvm::zip(result.carries, scan.getCarryArguments()))
      if (isActive)
        result.body.insert(argument);
    auto enter = [&](OperandRange operands, Block::BlockArgListType arguments) {
      for (auto [operand, argument] : llvm::zip(operands, arguments))
        if (outside.contains(operand))
          result.body.insert(argument);
    };
    enter(scan.getElements(), scan.getElementArguments());
    enter(scan.getConstants(), scan.getConstantArguments());
    if (failed(result.body.propagate(*scan.getBlock())))
      return failure();

    changed = false;
    for (auto [isActive, value] :
         llvm::zip(result.carries, scan.getYield().getCarries()))
      if (!isActive && result.body.contains(value))
        isActive = changed = true;
  }
  return result;
}
