//===- ExponentialEuler.cpp - Steps that hold what decays -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   z + dt phi(a dt) f,  phi(x) = (exp(x) - 1) / x
//
// where a is the derivative of z's rate f by z itself, site by site, with what
// couplings and other states bring held. If f is linear in z (a gate, a leak)
// that is the solution of z' = f with everything else held, as stiff as it may
// be.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelBuilder.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

using namespace loco;
using namespace loco::sema;

namespace {
/// Derivatives of values by one of them, site by site; null where it is zero.
class SiteDerivative {
public:
  explicit SiteDerivative(Graph &graph) : graph(graph) {}

  Node *take(const Node *value, const Node *by);

private:
  Node *differentiate(const Node &node);
  Node *differentiateUnary(const Node &node, Node *inner);
  Node *of(const Node *node) const { return known.lookup(node); }
  Node *number(double value, const Node *like) {
    return graph.constantLike(value, like);
  }
  Node *add(Node *a, Node *b) {
    return a && b ? graph.binary(Op::Add, a, b) : a ? a : b;
  }
  Node *times(Node *factor, Node *inner) {
    return inner ? graph.binary(Op::Multiply, factor, inner) : nullptr;
  }
  Node *negated(Node *inner) {
    return inner ? graph.unary(Op::Negate, inner) : nullptr;
  }

  Graph &graph;
  llvm::DenseMap<const Node *, Node *> known;
};
} // namespace

/// `inner` is the derivative of the operand, which is not zero.
Node *SiteDerivative::differentiateUnary(const Node &node, Node *inner) {
  Node *x = node.operands[0], *y = const_cast<Node *>(&node);
  Node *one = number(1, x);
  auto square = [&](Node *value) {
    return graph.binary(Op::Multiply, value, value);
  };
  switch (node.op) {
  case Op::Negate:
    return negated(inner);
  case Op::Tanh:
    return times(graph.binary(Op::Subtract, one, square(y)), inner);
  case Op::Sigmoid:
    return times(
        graph.binary(Op::Multiply, y, graph.binary(Op::Subtract, one, y)),
        inner);
  case Op::Softplus:
    return times(graph.unary(Op::Sigmoid, x), inner);
  case Op::Exp:
    return times(y, inner);
  case Op::Expm1:
    return times(graph.binary(Op::Add, y, one), inner);
  case Op::Log:
    return graph.binary(Op::Divide, inner, x);
  case Op::Sin:
    return times(graph.unary(Op::Cos, x), inner);
  case Op::Cos:
    return negated(times(graph.unary(Op::Sin, x), inner));
  case Op::Sqrt:
    return graph.binary(Op::Divide, times(number(0.5, x), inner), y);
  case Op::Abs: {
    Node *zero = number(0, x);
    Node *sign = graph.select(graph.compare(Comparison::Less, x, zero),
                              number(-1, x), one);
    return times(sign, inner);
  }
  default:
    return nullptr;
  }
}

Node *SiteDerivative::differentiate(const Node &node) {
  auto operand = [&](unsigned i) { return node.operands[i]; };
  auto inner = [&](unsigned i) { return of(node.operands[i]); };
  Node *y = const_cast<Node *>(&node);
  switch (node.op) {
  case Op::Add:
    return add(inner(0), inner(1));
  case Op::Subtract:
    return add(inner(0), negated(inner(1)));
  case Op::Multiply:
    return add(times(operand(1), inner(0)), times(operand(0), inner(1)));
  case Op::Divide: {
    Node *by = times(y, inner(1));
    Node *top = add(inner(0), negated(by));
    return top ? graph.binary(Op::Divide, top, operand(1)) : nullptr;
  }
  case Op::Power: {
    // The exponent is held.
    if (!inner(0))
      return nullptr;
    Node *less = graph.binary(Op::Subtract, operand(1), number(1, operand(1)));
    Node *slope = graph.binary(Op::Multiply, operand(1),
                               graph.binary(Op::Power, operand(0), less));
    return times(slope, inner(0));
  }
  case Op::Maximum:
  case Op::Minimum: {
    if (!inner(0) && !inner(1))
      return nullptr;
    auto comparison = node.op == Op::Maximum ? Comparison::GreaterEqual
                                             : Comparison::LessEqual;
    Node *zero = number(0, y);
    return graph.select(graph.compare(comparison, operand(0), operand(1)),
                        inner(0) ? inner(0) : zero, inner(1) ? inner(1) : zero);
  }
  case Op::Select: {
    if (!inner(1) && !inner(2))
      return nullptr;
    Node *zero = number(0, y);
    return graph.select(operand(0), inner(1) ? inner(1) : zero,
                        inner(2) ? inner(2) : zero);
  }
  default:
    return node.operands.size() == 1 && inner(0)
               ? differentiateUnary(node, inner(0))
               : nullptr;
  }
}

Node *SiteDerivative::take(const Node *value, const Node *by) {
  auto isEarlier = [&](const Node *node) { return node->index <= by->index; };
  // The nodes are listed before new ones are made.
  auto nodes = collectNodes(*value->graph, {value}, isEarlier);
  known[by] = number(1, by);
  for (const Node *node : nodes)
    if (!isEarlier(node))
      if (Node *derivative = differentiate(*node))
        known[node] = derivative;
  return known.lookup(value);
}

/// (exp(x) - 1) / x, by its series near 0, where the quotient and its
/// derivative have no digits.
static Node *makePhi(Graph &graph, Node *x) {
  auto like = [&](double value) { return graph.constantLike(value, x); };
  // The next term is 1e-17 of the first.
  constexpr double near = 0.02, factorials[] = {5040, 720, 120, 24, 6, 2, 1};
  Node *series = like(1 / factorials[0]);
  for (double factorial : llvm::ArrayRef(factorials).drop_front())
    series = graph.binary(Op::Add, like(1 / factorial),
                          graph.binary(Op::Multiply, x, series));
  Node *isNear =
      graph.compare(Comparison::Less, graph.unary(Op::Abs, x), like(near));
  Node *far = graph.select(isNear, like(1), x);
  return graph.select(
      isNear, series,
      graph.binary(Op::Divide, graph.unary(Op::Expm1, far), far));
}

bool ModelBuilder::integrateExponentialEuler(const StateValues &old, Node *dt,
                                             StateValues &next) {
  StateValues rates;
  if (!makeRates(old, rates))
    return false;
  next = old;
  Graph &graph = elaborator.graph;
  for (auto [i, rate] : llvm::enumerate(rates)) {
    if (!rate)
      continue;
    Node *step = graph.broadcastLike(dt, rate);
    if (Node *slope = SiteDerivative(graph).take(rate, old[i]))
      step =
          graph.binary(Op::Multiply, step,
                       makePhi(graph, graph.binary(Op::Multiply, step, slope)));
    next[i] =
        graph.binary(Op::Add, old[i], graph.binary(Op::Multiply, step, rate));
  }
  return true;
}
