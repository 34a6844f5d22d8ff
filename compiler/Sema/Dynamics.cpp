//===- Dynamics.cpp - Equations of dynamics -------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads equations and evaluates their right sides. An integrator does that once
// for each of its stages, in a context of its own; what does not depend on the
// states is the same node in all of them, so inputs are constant within a step.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelBuilder.h"
#include "compiler/Sema/ValueRange.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Reading equations
//===----------------------------------------------------------------------===//

void ModelBuilder::readEquations(const ast::DynamicsDecl &decl) {
  Scope *inside = elaborator.makeScope(elaborator.modelScope, {});
  elaborator.declareBody(*inside, decl.body);
  for (const ast::Decl *statement : decl.body)
    if (auto *equation = llvm::dyn_cast<ast::EquationDecl>(statement))
      readEquation(*equation, inside);
}

/// `z'' = f`, `r' = f`, `tau * r' = f`.
void ModelBuilder::readEquation(const ast::EquationDecl &decl, Scope *scope) {
  const ast::DerivativeExpr *derivative = nullptr;
  Equation equation{0, &decl, {}, decl.rhs, scope};
  if (auto *product = llvm::dyn_cast<ast::ProductExpr>(decl.lhs)) {
    for (const ast::Term &term : product->terms) {
      auto *found = llvm::dyn_cast<ast::DerivativeExpr>(term.value);
      if (found && !derivative && !term.inverse)
        derivative = found;
      else
        equation.factors.push_back(term);
    }
  } else {
    derivative = llvm::dyn_cast<ast::DerivativeExpr>(decl.lhs);
  }
  auto *name =
      derivative ? llvm::dyn_cast<ast::NameExpr>(derivative->operand) : nullptr;
  SourceRange range = decl.lhs->getRange();
  if (!name) {
    elaborator
        .error("not-an-equation", range,
               "`" + elaborator.getText(range) + "` is not the rate of a state")
        .hint("write `z' = ...`, `z'' = ...` or `tau_m * z' = ...`");
    return;
  }
  std::optional<unsigned> number =
      findStateNumber({name->name, name->getRange()});
  if (!number)
    return;
  State *state = &model->states[*number];
  if (derivative->order > 2 || (derivative->order == 2 && !state->velocity)) {
    Diagnostic &diagnostic = elaborator.error(
        "no-velocity", derivative->getRange(),
        derivative->order > 2
            ? "`" + elaborator.getText(derivative->getRange()) +
                  "` is of higher order than 2"
            : "`" + elaborator.getText(derivative->getRange()) +
                  "` needs a velocity of `" + name->name + "`");
    diagnostic.note(state->range, "`" + name->name + "` is declared here");
    if (derivative->order == 2)
      diagnostic.hint("write `state " + name->name + " ... with velocity v`");
    state->hasWrongEquation = true;
    if (state->velocity)
      state->velocity->hasWrongEquation = true;
    return;
  }
  if (derivative->order == 1) {
    equation.state = *number;
    addEquation(std::move(equation), range);
    return;
  }
  // z'' = f is v' = f and z' = v.
  Equation position{*number, &decl, {}, nullptr, scope};
  ast::Identifier velocity{state->velocity->name, name->getRange()};
  equation.state = *findStateNumber(velocity);
  addEquation(std::move(equation), range);
  addEquation(std::move(position), range);
}

void ModelBuilder::addEquation(Equation equation, SourceRange range) {
  for (const Equation &other : equations)
    if (other.state == equation.state && other.decl != equation.decl) {
      elaborator
          .error("duplicate-equation", range,
                 "`" + StringRef(model->states[equation.state].name) +
                     "` has two equations")
          .note(other.decl->getRange(), "the first one is here");
      return;
    }
  equations.push_back(std::move(equation));
}

//===----------------------------------------------------------------------===//
// Rates
//===----------------------------------------------------------------------===//

/// Divides by a factor of the left side, which must not be zero.
Node *ModelBuilder::divideBy(Node *rate, const ast::Term &factor) {
  SourceRange range = factor.value->getRange();
  Node *value = elaborator.evaluate(factor.value);
  if (value)
    value = elaborator.fit(value, rate->space, range, "the rate");
  if (!value)
    return nullptr;
  if (factor.inverse)
    return elaborator.graph.binary(Op::Multiply, rate, value);
  const Node *source = value;
  while (source->op == Op::Broadcast)
    source = source->operands[0];
  if (source->op == Op::Constant && source->number == 0) {
    elaborator.error("division-by-zero", range,
                     "`" + elaborator.getText(range) + "` is zero");
    return nullptr;
  }
  if (!getValueRange(source).excludesZero) {
    bool isLearned =
        llvm::any_of(model->parameters, [&](const Parameter &parameter) {
          return parameter.value == source && !parameter.isFrozen;
        });
    elaborator
        .error("division-by-zero", range,
               "`" + elaborator.getText(range) + "` may become zero")
        .hint(isLearned ? "give it a range, as `in (0, inf)`"
                        : "what is seen to keep from zero may stand here, as "
                          "`exp(x)`, `1 + x^2` or a parameter with a range");
    return nullptr;
  }
  return elaborator.graph.binary(Op::Divide, rate, value);
}

Node *ModelBuilder::makeRate(const Equation &equation,
                             const StateValues &states) {
  State &state = model->states[equation.state];
  if (equation.energy)
    return makeHamiltonianRate(equation, states);
  if (!equation.rhs)
    for (auto [i, other] : llvm::enumerate(model->states))
      if (&other == state.velocity)
        return states[i];
  llvm::SaveAndRestore inScope(elaborator.scope, equation.scope);
  llvm::SaveAndRestore when(elaborator.context,
                            Context{Moment::Current, &states});
  llvm::SaveAndRestore noise(elaborator.noiseSpace, state.space);
  llvm::SaveAndRestore place(elaborator.place,
                             Place{state.name, {equation.decl}});
  Node *rate = elaborator.evaluate(equation.rhs);
  if (!rate)
    return nullptr;
  checkEveryStep(rate, equation.rhs->getRange());
  rate = elaborator.fit(rate, state.space, equation.rhs->getRange(),
                        "`" + state.name + "`");
  for (const ast::Term &factor : equation.factors)
    rate = rate ? divideBy(rate, factor) : nullptr;
  return rate;
}

bool ModelBuilder::makeRates(const StateValues &states, StateValues &rates) {
  rates.assign(states.size(), nullptr);
  bool valid = true;
  for (const Equation &equation : equations) {
    rates[equation.state] = makeRate(equation, states);
    valid &= rates[equation.state] != nullptr;
  }
  // States that only `after step` moves stand still; adaptive steps look at the
  // rates of all.
  if (valid && model->solver.isAdaptive)
    for (auto [rate, state] : llvm::zip(rates, states))
      if (!rate)
        rate = elaborator.graph.constantLike(0, state);
  return valid;
}
