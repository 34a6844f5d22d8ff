//===- Hamiltonian.cpp - Dynamics that an energy gives --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `dynamics hamiltonian(H, q, p, friction = c)` is q' = dH/dp and
// p' = -dH/dq - c dH/dp, two equations like any other to the solvers.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelBuilder.h"

using namespace loco;
using namespace loco::sema;
using llvm::SmallVectorImpl;
using llvm::StringRef;

/// True if an equation moves the state already.
bool ModelBuilder::isMoved(unsigned state) const {
  return llvm::any_of(equations, [&](const Equation &equation) {
    return equation.state == state;
  });
}

/// The states that a name, or a tuple of names, stands for.
bool ModelBuilder::readStates(const ast::Expr *expr,
                              SmallVectorImpl<unsigned> &found) {
  llvm::SmallVector<const ast::Expr *> parts = {expr};
  if (auto *tuple = llvm::dyn_cast<ast::TupleExpr>(expr))
    parts.assign(tuple->elements.begin(), tuple->elements.end());
  for (const ast::Expr *part : parts) {
    auto *name = llvm::dyn_cast<ast::NameExpr>(part);
    if (!name) {
      elaborator
          .error("not-a-name", part->getRange(),
                 "`" + elaborator.getText(part->getRange()) +
                     "` is not the name of a state")
          .hint("write `hamiltonian(H, q, p)`");
      return false;
    }
    std::optional<unsigned> number =
        findStateNumber({name->name, name->getRange()});
    if (!number)
      return false;
    found.push_back(*number);
  }
  return true;
}

/// Without names: the states that nothing moves yet, two by two.
bool ModelBuilder::findPairs(
    const ast::CallExpr &rule,
    SmallVectorImpl<std::pair<unsigned, unsigned>> &pairs) {
  llvm::SmallVector<unsigned> left;
  for (auto [i, state] : llvm::enumerate(model->states))
    if (!isMoved(i) && !state.hasWrongEquation)
      left.push_back(i);
  if (left.empty() || left.size() % 2) {
    elaborator
        .error("wrong-count", rule.getRange(),
               left.empty() ? llvm::Twine("there are no states for `") +
                                  elaborator.getText(rule.getRange()) + "`"
                            : "`" + elaborator.getText(rule.getRange()) +
                                  "` takes states in pairs, and there are " +
                                  llvm::Twine(left.size()))
        .hint("name them, as in `hamiltonian(H, q, p)`");
    return false;
  }
  for (size_t i = 0; i < left.size(); i += 2)
    pairs.push_back({left[i], left[i + 1]});
  return true;
}

bool ModelBuilder::readPairs(
    const ast::CallExpr &rule,
    SmallVectorImpl<std::pair<unsigned, unsigned>> &pairs) {
  llvm::SmallVector<const ast::Expr *> names;
  for (const ast::Argument &argument : llvm::drop_begin(rule.arguments))
    if (argument.kind == ast::Argument::Kind::Positional)
      names.push_back(argument.value);
  if (names.empty())
    return findPairs(rule, pairs);
  llvm::SmallVector<unsigned> positions, momenta;
  if (names.size() == 2 &&
      (!readStates(names[0], positions) || !readStates(names[1], momenta)))
    return false;
  if (names.size() != 2 || positions.size() != momenta.size()) {
    elaborator
        .error("wrong-count", rule.getRange(),
               "`hamiltonian` takes as many momenta as positions")
        .hint("write `hamiltonian(H, q, p)`, or tuples of them");
    return false;
  }
  for (auto [position, momentum] : llvm::zip(positions, momenta)) {
    const State &q = model->states[position], &p = model->states[momentum];
    if (q.space != p.space) {
      elaborator
          .error("space-mismatch", names[1]->getRange(),
                 "momentum `" + StringRef(p.name) + "` lives on " +
                     p.space->quote() + ", but `" + StringRef(q.name) +
                     "` lives on " + q.space->quote())
          .note(q.range, "`" + StringRef(q.name) + "` is declared here");
      return false;
    }
    pairs.push_back({position, momentum});
  }
  return true;
}

void ModelBuilder::readHamiltonian(const ast::DynamicsDecl &decl) {
  SourceRange range = decl.rule->getRange();
  auto *rule = llvm::dyn_cast<ast::CallExpr>(decl.rule);
  auto isPositional = [](const ast::Argument &argument) {
    return argument.kind == ast::Argument::Kind::Positional;
  };
  if (!rule || rule->getCalleeName() != "hamiltonian" ||
      rule->arguments.empty() || !isPositional(rule->arguments.front())) {
    elaborator
        .error("not-an-equation", range,
               "`" + elaborator.getText(range) + "` is no rule for dynamics")
        .hint("write `dynamics hamiltonian(H)`, or equations in `{ }`");
    for (State &state : model->states)
      state.hasWrongEquation = true;
    return;
  }
  const ast::Expr *friction = nullptr;
  for (const ast::Argument &argument : rule->arguments) {
    if (isPositional(argument))
      continue;
    if (argument.kind == ast::Argument::Kind::Named &&
        argument.name.name == "friction") {
      friction = argument.value;
      continue;
    }
    elaborator
        .error("unknown-argument", argument.range,
               "`hamiltonian` has no argument `" + argument.name.name + "`")
        .hint("write `hamiltonian(H, q, p, friction = c)`");
  }
  llvm::SmallVector<std::pair<unsigned, unsigned>> pairs;
  if (!readPairs(*rule, pairs)) {
    for (State &state : model->states)
      state.hasWrongEquation = true;
    return;
  }
  for (auto [position, momentum] : pairs) {
    Equation equation{position, &decl, {}, nullptr, elaborator.modelScope};
    equation.energy = rule->arguments.front().value;
    equation.partner = momentum;
    addEquation(equation, range);
    equation.friction = friction;
    equation.isMomentum = true;
    std::swap(equation.state, equation.partner);
    addEquation(equation, range);
    model->solver.pairs.push_back(
        {model->states[position].name, model->states[momentum].name});
  }
}

/// dH/dp, or -dH/dq - c dH/dp.
Node *ModelBuilder::makeHamiltonianRate(const Equation &equation,
                                        const StateValues &states) {
  llvm::SaveAndRestore inScope(elaborator.scope, equation.scope);
  llvm::SaveAndRestore when(elaborator.context,
                            Context{Moment::Current, &states});
  // One place for all equations: layers in the energy are the same in each.
  llvm::SaveAndRestore place(elaborator.place,
                             Place{"hamiltonian", {equation.decl}});
  SourceRange range = equation.energy->getRange();
  auto differentiate = [&](unsigned state) -> Node * {
    StringRef name = model->states[state].name;
    Node *gradient = elaborator.differentiate(
        equation.energy, *elaborator.modelScope->find(name), range,
        /*mayBeZero=*/true);
    if (gradient)
      checkEveryStep(gradient, range);
    return gradient;
  };
  Graph &graph = elaborator.graph;
  Node *slope = differentiate(equation.partner);
  if (!equation.isMomentum || !slope)
    return slope;
  Node *rate = graph.unary(Op::Negate, slope);
  if (!equation.friction)
    return rate;
  SourceRange frictionRange = equation.friction->getRange();
  Node *factor = elaborator.evaluate(equation.friction);
  if (factor)
    factor = elaborator.fit(factor, rate->space, frictionRange,
                            "`" + model->states[equation.state].name + "`");
  Node *velocity = factor ? differentiate(equation.state) : nullptr;
  if (!velocity)
    return nullptr;
  checkEveryStep(factor, frictionRange);
  return graph.binary(Op::Subtract, rate,
                      graph.binary(Op::Multiply, factor, velocity));
}
