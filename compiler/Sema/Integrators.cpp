//===- Integrators.cpp - Dynamics to steps --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/ModelBuilder.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Arithmetic of all states at once
//===----------------------------------------------------------------------===//

StateValues ModelBuilder::advance(const StateValues &states, Node *scale,
                                  const StateValues &rates) {
  StateValues next = states;
  Graph &graph = elaborator.graph;
  for (auto [i, rate] : llvm::enumerate(rates))
    if (rate)
      next[i] = graph.binary(
          Op::Add, states[i],
          graph.binary(Op::Multiply, graph.broadcastLike(scale, rate), rate));
  return next;
}

/// a + scale * b.
StateValues ModelBuilder::combine(const StateValues &a, double scale,
                                  const StateValues &b) {
  return advance(a, elaborator.graph.constant(scale), b);
}

Node *ModelBuilder::scale(double factor, Node *dt) {
  Graph &graph = elaborator.graph;
  return graph.binary(Op::Multiply, graph.constant(factor), dt);
}

//===----------------------------------------------------------------------===//
// Methods
//===----------------------------------------------------------------------===//

bool ModelBuilder::integrateEuler(const StateValues &old, Node *dt,
                                  StateValues &next) {
  StateValues k1;
  if (!makeRates(old, k1))
    return false;
  next = advance(old, dt, k1);
  return true;
}

bool ModelBuilder::integrateMidpoint(const StateValues &old, Node *dt,
                                     StateValues &next) {
  StateValues k1, k2;
  if (!makeRates(old, k1) ||
      !makeRates(keep(advance(old, scale(0.5, dt), k1)), k2))
    return false;
  next = advance(old, dt, k2);
  return true;
}

bool ModelBuilder::integrateHeun(const StateValues &old, Node *dt,
                                 StateValues &next) {
  StateValues k1, k2;
  if (!makeRates(old, k1) || !makeRates(keep(advance(old, dt, k1)), k2))
    return false;
  next = advance(old, scale(0.5, dt), combine(k1, 1, k2));
  return true;
}

bool ModelBuilder::integrateRk4(const StateValues &old, Node *dt,
                                StateValues &next) {
  StateValues k1, k2, k3, k4;
  if (!makeRates(old, k1) ||
      !makeRates(keep(advance(old, scale(0.5, dt), k1)), k2) ||
      !makeRates(keep(advance(old, scale(0.5, dt), k2)), k3) ||
      !makeRates(keep(advance(old, dt, k3)), k4))
    return false;
  StateValues sum = combine(combine(combine(k1, 2, k2), 2, k3), 1, k4);
  next = advance(old, scale(1.0 / 6, dt), sum);
  return true;
}

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

const ModelBuilder::Method *
ModelBuilder::findMethod(const ast::SolveDecl &solve) {
  static constexpr Method methods[] = {
      {"euler", 1, &ModelBuilder::integrateEuler},
      {"symplectic_euler", 1, &ModelBuilder::integrateSymplecticEuler},
      {"leapfrog", 2, &ModelBuilder::integrateLeapfrog},
      {"stormer_verlet", 2, &ModelBuilder::integrateLeapfrog},
      {"midpoint", 2, &ModelBuilder::integrateMidpoint},
      {"heun", 2, &ModelBuilder::integrateHeun},
      {"rk4", 4, &ModelBuilder::integrateRk4},
      {"euler_maruyama", 1, &ModelBuilder::integrateEuler, Method::Stochastic},
      {"exp_euler", 1, &ModelBuilder::integrateExponentialEuler},
      {"dopri5", 6, &ModelBuilder::integrateDopri5, Method::Adaptive},
  };
  auto *call = llvm::dyn_cast<ast::CallExpr>(solve.method);
  StringRef name = call ? call->getCalleeName() : StringRef();
  SourceRange range = solve.method->getRange();
  std::vector<StringRef> names;
  auto *bare = llvm::dyn_cast<ast::NameExpr>(solve.method);
  for (const Method &method : methods) {
    if (method.name == name)
      return &method;
    names.push_back(method.name);
    if (!bare || bare->name != method.name)
      continue;
    bool hasInterval = method.kind == Method::Adaptive && solve.every;
    elaborator
        .error("wrong-count", range,
               "`" + method.name + "` stands without " +
                   (hasInterval ? "`()`" : "its step size"))
        .hint("write `" + method.name + (hasInterval ? "()`" : "(0.01)`"));
    return nullptr;
  }
  elaborator
      .error("unknown-name", range,
             "no solver is written `" + elaborator.getText(range) + "`")
      .hint(name.empty() ? "write `rk4(0.01)`" : didYouMeanOneOf(name, names));
  return nullptr;
}
