//===- TimeLoop.cpp - Steps of a model as a scan --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/IRGen/TimeLoop.h"
#include "dialects/Loco/IR/LocoOps.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace loco;
using namespace loco::irgen;
using sema::Moment;
using sema::Node;
using NodeOp = sema::Op;

namespace {
/// What a loop's body reads from outside.
struct BodyNeeds {
  /// Values that are the same at every step.
  SmallVector<const Node *> captured;
  /// Inputs and the step that is read: the one at hand or the next.
  llvm::MapVector<std::pair<const sema::Input *, Moment>, Value> elements;
  /// Classes whose next step is read: all of their steps.
  llvm::SmallVector<const sema::Input *> labels;
  /// Outputs of other loops at some step.
  llvm::MapVector<std::tuple<const sema::InnerLoop *, unsigned, Moment>,
                  const Node *>
      outputs;
  /// Values that are made before.
  SmallVector<const Node *> stacked;
  bool usesKey = false;
};
} // namespace

/// The number of a class at the next step. Numbers of classes are not rolled.
static bool readsLaterClass(const Node &node) {
  return node.op == NodeOp::Input && node.input->isClass() &&
         node.moment != Moment::Current;
}

/// A class at the step after `step`, the first one after the last.
static Value readNextClass(OpBuilder &builder, Location loc, Value labels,
                           Value step) {
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value next = arith::AddIOp::create(builder, loc, step, one);
  Value steps = LengthOp::create(builder, loc, labels);
  Value wrapped = arith::RemSIOp::create(builder, loc, next, steps);
  return AtOp::create(builder, loc,
                      RankedTensorType::get({}, builder.getI32Type()), labels,
                      wrapped);
}

static BodyNeeds findNeeds(const sema::Graph &graph,
                           ArrayRef<const Node *> roots,
                           const llvm::DenseMap<const Node *, Value> &stacked) {
  BodyNeeds needs;
  auto isOutside = [](const Node *node) {
    return !node->perStep && !isLocal(node);
  };
  auto stop = [&](const Node *node) {
    return isOutside(node) || stacked.contains(node);
  };
  for (const Node *node : sema::collectNodes(graph, roots, stop)) {
    if (isOutside(node))
      needs.captured.push_back(node);
    else if (stacked.contains(node))
      needs.stacked.push_back(node);
    else if (readsLaterClass(*node)) {
      if (!llvm::is_contained(needs.labels, node->input))
        needs.labels.push_back(node->input);
    } else if (node->op == NodeOp::Input)
      needs.elements[{node->input, node->moment}] = {};
    else if (node->op == NodeOp::LoopOutput)
      needs.outputs[{node->loop, node->member, node->moment}] = node;
    else if (node->op == NodeOp::Random)
      needs.usesKey = true;
  }
  return needs;
}

/// A value over all steps, shifted so that step t holds step t + 1. The last
/// one holds the first also where it does not count: a zero might have no
/// derivative. Of a mask it is 0, for no step follows.
static Value rollToNext(OpBuilder &builder, Location loc, Value stacked,
                        bool isMask = false) {
  return RollOp::create(builder, loc, stacked.getType(), stacked, 0, -1,
                        isMask ? Boundary::Zero : Boundary::Wrap);
}

/// `value` before the last step, zero at it.
static Value maskLastStep(OpBuilder &builder, Location loc, Value value,
                          Value step, Value steps) {
  Type type = value.getType();
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value next = arith::AddIOp::create(builder, loc, step, one);
  Value isBefore =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT,
                            FromIndexOp::create(builder, loc, type, next),
                            FromIndexOp::create(builder, loc, type, steps));
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return arith::SelectOp::create(builder, loc, isBefore, value, zero);
}

void TimeLoop::emit(const irgen::Context &context, OpBuilder &builder,
                    const LoopSurroundings &around) {
  SmallVector<const Node *> roots;
  for (const sema::State *state : carries)
    roots.push_back(state->next);
  roots.append(stacks.begin(), stacks.end());
  roots.append(sums.begin(), sums.end());
  BodyNeeds needs = findNeeds(context.model.graph, roots, around.stacked);
  Location loc = context.getLoc(context.model.range);

  around.outside.emit(needs.captured);
  SmallVector<Value> elements, constants;
  for (auto &[key, value] : needs.elements) {
    auto [input, moment] = key;
    value = around.getInput(*input);
    if (moment != Moment::Current)
      value = rollToNext(builder, context.getLoc(input->name, input->range),
                         value, input->kind == sema::Input::Kind::Mask);
    elements.push_back(value);
  }
  for (auto &[key, node] : needs.outputs) {
    Value value = around.getOutput(*node);
    if (node->moment != Moment::Current)
      value = rollToNext(builder, context.getLoc(node->range), value);
    elements.push_back(value);
  }
  for (const Node *node : needs.stacked)
    elements.push_back(around.stacked.lookup(node));
  for (const Node *node : needs.captured)
    constants.push_back(around.outside.emit(node));
  if (needs.usesKey)
    constants.push_back(around.key);
  for (const sema::Input *label : needs.labels)
    constants.push_back(around.getInput(*label));
  if (skipsLast)
    constants.push_back(around.steps);

  SmallVector<Type> stackTypes, sumTypes;
  for (const Node *node : stacks)
    stackTypes.push_back(getStackedType(context.getType(*node)));
  for (const Node *node : sums)
    sumTypes.push_back(context.getType(*node));
  auto scan = ScanOp::create(builder, loc, around.steps, initials, elements,
                             constants, stackTypes, sumTypes, isReverse, taken);

  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(scan.getBlock());
  auto carried = scan.getCarryArguments();
  auto each = scan.getElementArguments();
  auto with = scan.getConstantArguments();
  Value key = needs.usesKey ? with[needs.captured.size()] : Value();
  Emitter body(context, builder, [&](const Node &node) -> Value {
    switch (node.op) {
    case NodeOp::OldState:
      return carried[llvm::find(carries, node.state) - carries.begin()];
    case NodeOp::Input: {
      if (readsLaterClass(node)) {
        size_t number = llvm::find(needs.labels, node.input) -
                        needs.labels.begin() + needs.captured.size() +
                        needs.usesKey;
        return readNextClass(builder, context.getLoc(node.range), with[number],
                             scan.getBlock()->getArgument(0));
      }
      auto *found = needs.elements.find({node.input, node.moment});
      return each[found - needs.elements.begin()];
    }
    case NodeOp::LoopOutput: {
      auto *found = needs.outputs.find({node.loop, node.member, node.moment});
      return each[needs.elements.size() + (found - needs.outputs.begin())];
    }
    case NodeOp::StepIndex:
      return FromIndexOp::create(builder, context.getLoc(node.range),
                                 context.getType(node),
                                 scan.getBlock()->getArgument(0));
    case NodeOp::Random:
      return RandomOp::create(
          builder, context.getLoc(node.range), context.getType(node),
          node.isNormal ? Distribution::Normal : Distribution::Uniform, key,
          scan.getBlock()->getArgument(0), node.stream);
    default:
      llvm_unreachable("is captured");
    }
  });
  for (auto [node, value] : llvm::zip(needs.captured, with))
    body.bind(node, value);
  for (auto [node, value] :
       llvm::zip(needs.stacked, each.take_back(needs.stacked.size())))
    body.bind(node, value);
  body.emit(roots);

  SmallVector<Value> nextValues, stackValues, sumValues;
  for (const sema::State *state : carries)
    nextValues.push_back(body.emit(state->next));
  for (const Node *node : stacks)
    stackValues.push_back(body.emit(node));
  for (const Node *node : sums) {
    Value value = body.emit(node);
    if (node == skipsLast)
      value = maskLastStep(builder, context.getLoc(node->range), value,
                           scan.getBlock()->getArgument(0), with.back());
    sumValues.push_back(value);
  }
  YieldOp::create(builder, loc, nextValues, stackValues, sumValues);
  llvm::append_range(finals, scan.getFinals());
  llvm::append_range(stacked, scan.getStacks());
  llvm::append_range(totals, scan.getSums());
}
