//===- ExpandGradients.cpp - Derivatives inside of programs --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/Autodiff/Reverse.h"
#include "compiler/Autodiff/Rules.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"

using namespace mlir;
using namespace loco;

namespace loco {
#define GEN_PASS_DEF_EXPANDGRADIENTS
#include "compiler/Autodiff/Passes.h.inc"
} // namespace loco

/// Emits the reverse sweep behind the body's ops; its cotangents of the
/// variables.
static FailureOr<SmallVector<Value>> differentiateBody(GradientOp op) {
  Block &block = *op.getBlock();
  Activity activity;
  for (Value argument : op.getVariableArguments())
    activity.insert(argument);
  if (failed(activity.propagate(block)))
    return failure();

  YieldOp yield = op.getYield();
  Value scalar = yield.getSums().front();
  ImplicitLocOpBuilder builder(op.getLoc(), yield);
  ResidualCounter residuals;
  ReverseSweep sweep(builder, activity, residuals);
  if (activity.contains(scalar))
    sweep.add(scalar, emitConstantLike(builder, scalar, 1));
  if (failed(sweep.run(block)))
    return failure();
  SmallVector<Value> gradients;
  builder.setLoc(op.getLoc());
  for (Value argument : op.getVariableArguments())
    gradients.push_back(sweep.getOrZero(argument));
  // Pairs of loops are for the planner of a whole function's derivative.
  removeResidualMarks(op);
  return gradients;
}

/// Puts the body with its derivative in place of the op.
static LogicalResult expand(GradientOp op) {
  FailureOr<SmallVector<Value>> gradients = differentiateBody(op);
  if (failed(gradients))
    return failure();
  Block &block = *op.getBlock();
  for (auto [argument, operand] :
       llvm::zip(block.getArguments(), op.getOperands()))
    argument.replaceAllUsesWith(operand);
  op->getBlock()->getOperations().splice(op->getIterator(),
                                         block.getOperations(), block.begin(),
                                         std::prev(block.end()));
  op.replaceAllUsesWith(*gradients);
  op.erase();
  return success();
}

namespace {
struct ExpandGradients : loco::impl::ExpandGradientsBase<ExpandGradients> {
  using ExpandGradientsBase::ExpandGradientsBase;
  void runOnOperation() override {
    // Inner ones come before those that they stand in.
    SmallVector<GradientOp> ops;
    getOperation()->walk<WalkOrder::PostOrder>(
        [&](GradientOp op) { ops.push_back(op); });
    for (GradientOp op : ops)
      if (failed(expand(op)))
        return signalPassFailure();
    if (ops.empty())
      return;
    // Several derivatives of one scalar compute it once.
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(getOperation());
    eliminateCommonSubExpressions(rewriter, dominance, getOperation());
  }
};
} // namespace
