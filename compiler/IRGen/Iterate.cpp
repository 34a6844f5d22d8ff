//===- Iterate.cpp - Loops inside of a step -------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sub-steps and adaptive steps of a solver: a scan inside of the scan over
// time.
//
//===----------------------------------------------------------------------===//

#include "compiler/IRGen/Emitter.h"
#include "dialects/Loco/IR/LocoOps.h"

using namespace mlir;
using namespace loco;
using namespace loco::irgen;
using sema::Node;
using NodeOp = sema::Op;

namespace {
/// What the body of a loop is made of.
struct Body {
  SmallVector<const Node *> arguments, draws;
  /// Values that are the same in every pass.
  SmallVector<const Node *> captured;
};
} // namespace

static Body findBody(const sema::Graph &graph, ArrayRef<const Node *> roots) {
  Body body;
  auto isOutside = [](const Node *node) {
    return !node->inIterate && !isLocal(node);
  };
  for (const Node *node : sema::collectNodes(graph, roots, isOutside)) {
    if (isOutside(node))
      body.captured.push_back(node);
    else if (node->op == NodeOp::IterateArgument)
      body.arguments.push_back(node);
    else if (node->op == NodeOp::Random)
      body.draws.push_back(node);
  }
  return body;
}

/// The first result stands for all of them.
Value Emitter::emitIterate(const Node &node) {
  unsigned count = node.axes[0];
  ArrayRef<const Node *> operands(node.operands.begin(), node.operands.end());
  auto starts = operands.take_front(count), roots = operands.drop_front(count);
  Body body = findBody(context.model.graph, roots);
  Location loc = context.getLoc(node.range);
  Value passes = arith::ConstantIndexOp::create(builder, loc, node.axes[1]);

  SmallVector<Value> inits, constants;
  for (const Node *start : starts)
    inits.push_back(values.lookup(start));
  for (const Node *each : body.captured)
    constants.push_back(emit(each));
  // Each pass draws anew: pass p of step t as a draw of step passes t + p
  // would. What is drawn outside tells the key and the step.
  for (const Node *draw : body.draws) {
    auto outside = source(*draw).getDefiningOp<RandomOp>();
    constants.push_back(outside.getKey());
    constants.push_back(
        arith::MulIOp::create(builder, loc, outside.getStep(), passes));
    outside.erase();
  }
  bool isCounted = node.axes[2];
  auto scan = ScanOp::create(builder, loc, passes, inits, ValueRange(),
                             constants, TypeRange(), TypeRange(),
                             /*reverse=*/false, Value(), isCounted);

  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(scan.getBlock());
  auto with = scan.getConstantArguments();
  Emitter inside(context, builder, [&](const Node &draw) -> Value {
    unsigned first = body.captured.size() +
                     2 * (llvm::find(body.draws, &draw) - body.draws.begin());
    Location place = context.getLoc(draw.range);
    Value step =
        arith::AddIOp::create(builder, place, with[first + 1], scan.getStep());
    return RandomOp::create(builder, place, context.getType(draw),
                            draw.isNormal ? Distribution::Normal
                                          : Distribution::Uniform,
                            with[first], step, draw.stream);
  });
  inside.isInIterate = true;
  for (const Node *argument : body.arguments)
    inside.bind(argument, scan.getCarryArguments()[argument->member]);
  for (auto [each, value] : llvm::zip(body.captured, with))
    inside.bind(each, value);
  inside.emit(roots);
  SmallVector<Value> next;
  for (const Node *root : roots)
    next.push_back(inside.emit(root));
  Value condition = isCounted ? next.pop_back_val() : Value();
  YieldOp::create(builder, loc, next, ValueRange(), ValueRange(), condition);
  return scan.getResult(0);
}
