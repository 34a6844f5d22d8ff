//===- GraphGradients.cpp - Derivatives in the values of a model ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A gradient is one node to all that walk over the graph: its operands are what
// its body reads, and the body itself, the values that depend on the variable,
// is reached through it alone.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Graph.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;

using NodeSet = llvm::DenseSet<const Node *>;

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// The values between `variable` and `root` that depend on the variable, which
/// is one of them, in order.
static SmallVector<const Node *, 0> collectDependent(const Node *root,
                                                     const Node *variable) {
  NodeSet dependent = {variable};
  SmallVector<const Node *, 0> nodes;
  auto isEarlier = [&](const Node *node) {
    return node->index <= variable->index;
  };
  for (const Node *node : collectNodes(*root->graph, {root}, isEarlier)) {
    if (node != variable &&
        (isEarlier(node) || llvm::none_of(node->operands, [&](Node *operand) {
           return dependent.contains(operand);
         })))
      continue;
    dependent.insert(node);
    nodes.push_back(node);
  }
  return nodes;
}

/// The values that a gradient's body is made of, in order, beginning with the
/// variable: those that depend on it, and what can stand nowhere else.
static SmallVector<const Node *, 0> collectBody(const Node *root,
                                                const Node *variable) {
  SmallVector<const Node *, 0> nodes = collectDependent(root, variable);
  NodeSet inside(nodes.begin(), nodes.end());
  for (size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i] != variable)
      for (const Node *operand : nodes[i]->operands)
        if ((operand->inStencil || operand->op == Op::Constant) &&
            inside.insert(operand).second)
          nodes.push_back(operand);
  llvm::sort(nodes,
             [](const Node *a, const Node *b) { return a->index < b->index; });
  return nodes;
}

Node *Graph::variable(Node *value) {
  return make(Op::Variable, value, value->shape, value->space);
}

Node *Graph::gradient(Node *body, Node *variable) {
  SmallVector<const Node *, 0> nodes = collectBody(body, variable);
  if (!llvm::is_contained(nodes, body))
    return nullptr;
  NodeSet inside(nodes.begin(), nodes.end());
  SmallVector<Node *> operands = {variable->operands[0]};
  for (const Node *node : nodes)
    if (node != variable)
      for (Node *operand : node->operands)
        if (!inside.contains(operand) &&
            !llvm::is_contained(ArrayRef(operands).drop_front(), operand))
          operands.push_back(operand);
  Node *node = make(Op::Gradient, operands, variable->shape, variable->space);
  node->body = body;
  node->variable = variable;
  return node;
}

void Graph::copyBody(const Node &gradient, Node &copy) {
  llvm::DenseMap<const Node *, Node *> copies;
  for (auto [from, to] : llvm::zip(llvm::drop_begin(gradient.operands),
                                   llvm::drop_begin(copy.operands)))
    copies[from] = to;
  for (const Node *node : collectBody(gradient.body, gradient.variable)) {
    SmallVector<Node *> operands;
    if (node == gradient.variable)
      operands.push_back(copy.operands[0]);
    else
      for (const Node *operand : node->operands)
        operands.push_back(copies.lookup(operand));
    copies[node] = this->copy(*node, operands);
  }
  copy.body = copies.lookup(gradient.body);
  copy.variable = copies.lookup(gradient.variable);
}

//===----------------------------------------------------------------------===//
// Dependence
//===----------------------------------------------------------------------===//

/// True if the derivatives of `node` by its operands are the same whatever the
/// operands are.
static bool isLinear(const Node *node) {
  switch (node->op) {
  case Op::Variable:
  case Op::Negate:
  case Op::Add:
  case Op::Subtract:
  case Op::Broadcast:
  case Op::Sum:
  case Op::Reshape:
  case Op::Slice:
  case Op::Roll:
  case Op::Concat:
  case Op::Neighbour:
  case Op::Stencil:
  case Op::StopGradient:
    return true;
  default:
    return false;
  }
}

/// Calls `visit` for the values that the derivative of `gradient` needs.
static void visitNeeds(const Node *gradient,
                       llvm::function_ref<void(const Node *)> visit) {
  auto nodes = collectDependent(gradient->body, gradient->variable);
  NodeSet dependent(nodes.begin(), nodes.end());
  for (const Node *node : nodes) {
    if (isLinear(node))
      continue;
    bool isProduct = node->op == Op::Multiply || node->op == Op::Contract ||
                     node->op == Op::Conv;
    for (auto [i, operand] : llvm::enumerate(node->operands))
      // Of a product the other factor counts, of a quotient the divisor.
      if (isProduct ? dependent.contains(node->operands[1 - i])
          : node->op == Op::Divide && i == 0
              ? dependent.contains(node->operands[1])
              : true)
        visit(operand);
  }
}

bool sema::dependsOn(const Node *node, ArrayRef<const Node *> sources) {
  NodeSet seen;
  SmallVector<const Node *> work;
  auto visit = [&](const Node *next) {
    if (seen.insert(next).second)
      work.push_back(next);
  };
  visit(node);
  while (!work.empty()) {
    const Node *next = work.pop_back_val();
    if (llvm::is_contained(sources, next))
      return true;
    if (next->op == Op::Gradient)
      visitNeeds(next, visit);
    else
      llvm::for_each(next->operands, visit);
  }
  return false;
}
