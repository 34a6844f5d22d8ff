//===- InnerLoops.cpp - Loops of models inside of a model -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/IRGen/InnerLoops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace loco;
using namespace loco::irgen;
using sema::Node;
using NodeOp = sema::Op;

//===----------------------------------------------------------------------===//
// What several loops compute
//===----------------------------------------------------------------------===//

/// True if a value can be made before all loops, from the inputs alone.
static bool canShare(const Node *node) {
  return node->perStep && !node->usesState && !node->usesSequence &&
         !node->inStencil && !node->inIterate &&
         node->element == sema::Element::Float && node->op != NodeOp::Input &&
         node->op != NodeOp::Random;
}

/// The largest values with a product in them that several of `bodies` need.
static SmallVector<const Node *>
findShared(const sema::Graph &graph,
           ArrayRef<SmallVector<const Node *>> bodies) {
  llvm::DenseMap<const Node *, unsigned> uses;
  llvm::DenseSet<const Node *> heavy;
  std::vector<SmallVector<const Node *, 0>> nodes;
  for (ArrayRef<const Node *> roots : bodies) {
    nodes.push_back(sema::collectNodes(
        graph, roots, [](const Node *node) { return !node->perStep; }));
    for (const Node *node : nodes.back()) {
      bool isHeavy = node->op == NodeOp::Contract ||
                     node->op == NodeOp::Conv || node->op == NodeOp::Stencil;
      for (const Node *operand : node->operands)
        isHeavy |= heavy.contains(operand);
      if (isHeavy)
        heavy.insert(node);
      if (isHeavy && canShare(node))
        ++uses[node];
    }
  }
  auto isShared = [&](const Node *node) { return uses.lookup(node) > 1; };
  llvm::SetVector<const Node *> largest;
  for (auto [roots, all] : llvm::zip(bodies, nodes)) {
    for (const Node *root : roots)
      if (isShared(root))
        largest.insert(root);
    for (const Node *node : all)
      for (const Node *operand : node->operands)
        if (!isShared(node) && isShared(operand))
          largest.insert(operand);
  }
  return largest.takeVector();
}

void InnerLoops::share(ArrayRef<const Node *> roots,
                       const LoopSurroundings &around) {
  const sema::Model &model = context.model;
  if (model.innerLoops.empty())
    return;
  std::vector<SmallVector<const Node *>> bodies(1);
  bodies.front().assign(roots.begin(), roots.end());
  for (const sema::InnerLoop &loop : model.innerLoops) {
    SmallVector<const Node *> &body = bodies.emplace_back();
    for (const sema::State &state : loop.states)
      body.push_back(state.next);
    body.append(loop.outputs.begin(), loop.outputs.end());
  }
  TimeLoop loop;
  loop.stacks = findShared(model.graph, bodies);
  if (loop.stacks.empty())
    return;
  loop.emit(context, builder, around);
  for (auto [node, value] : llvm::zip(loop.stacks, loop.stacked))
    shared[node] = value;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

TimeLoop &InnerLoops::get(const sema::InnerLoop &loop,
                          const LoopSurroundings &around) {
  auto [known, isNew] = emitted.try_emplace(&loop);
  TimeLoop &made = known->second;
  if (!isNew)
    return made;
  made.isReverse = loop.isReverse;
  Location loc = context.getLoc(loop.range);
  if (loop.last)
    made.taken = arith::MinSIOp::create(
        builder, loc,
        arith::ConstantIndexOp::create(builder, loc, *loop.last + 1),
        around.steps);
  for (const sema::State &state : loop.states) {
    made.carries.push_back(&state);
    made.initials.push_back(around.outside.emit(state.initial));
  }
  made.stacks.append(loop.outputs.begin(), loop.outputs.end());
  made.emit(context, builder, around);
  return made;
}

Value InnerLoops::getFinal(const sema::Node &node,
                           const LoopSurroundings &around) {
  return get(*node.loop, around).finals[node.member];
}

Value InnerLoops::getOutput(const sema::Node &node,
                            const LoopSurroundings &around) {
  return get(*node.loop, around).stacked[node.member];
}
