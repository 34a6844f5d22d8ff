//===- Dynamics.cpp - Equations, updates, integrators ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One step of a model: from the values of its states before to those after.
// An integrator evaluates the right sides in a context for each of its stages;
// what does not depend on the states is the same node in all of them, so
// inputs are constant within a step.
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/ModelBuilder.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Reading equations
//===----------------------------------------------------------------------===//

void ModelBuilder::readEquations(const ast::DynamicsDecl &decl) {
  if (decl.rule) {
    elaborator.notYet(decl.rule->getRange(),
                      "`dynamics " + elaborator.getText(decl.rule->getRange()) +
                          "` is");
    return;
  }
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
        .hint("write `z' = ...`, `z'' = ...` or `tau * z' = ...`");
    return;
  }
  State *state = findState(name->name);
  if (!state) {
    std::vector<StringRef> names;
    for (const State &known : model->states)
      names.push_back(known.name);
    elaborator
        .error("unknown-name", name->getRange(),
               "no state is called `" + name->name + "`")
        .hint(didYouMean(name->name, names));
    return;
  }
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
    return;
  }
  auto numberOf = [&](const State *wanted) {
    unsigned number = 0;
    while (&model->states[number] != wanted)
      ++number;
    return number;
  };
  if (derivative->order == 1) {
    equation.state = numberOf(state);
    addEquation(std::move(equation), range);
    return;
  }
  // z'' = f is v' = f and z' = v.
  Equation position{numberOf(state), &decl, {}, nullptr, scope};
  equation.state = numberOf(state->velocity);
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
  bool isZero = source->op == Op::Constant && source->number == 0;
  bool isNumber = source->op == Op::Constant || source->op == Op::Array;
  for (double number : source->numbers)
    isZero |= number == 0;
  if (isZero) {
    elaborator.error("division-by-zero", range,
                     "`" + elaborator.getText(range) + "` is zero");
    return nullptr;
  }
  // A learned factor must be kept away from zero by its range.
  bool isSafe = isNumber;
  for (const Parameter &parameter : model->parameters)
    if (parameter.value == source)
      isSafe |= parameter.transform != Transform::None &&
                parameter.transform != Transform::Relu &&
                ((parameter.isBoundedBelow && parameter.lower >= 0) ||
                 (parameter.isBoundedAbove && parameter.upper <= 0));
  if (!isSafe) {
    elaborator
        .error("division-by-zero", range,
               "`" + elaborator.getText(range) + "` may become zero")
        .hint("give it a range, as `in (0, inf)`");
    return nullptr;
  }
  return elaborator.graph.binary(Op::Divide, rate, value);
}

Node *ModelBuilder::makeRate(const Equation &equation,
                             const StateValues &states) {
  State &state = model->states[equation.state];
  if (!equation.rhs)
    for (auto [i, other] : llvm::enumerate(model->states))
      if (&other == state.velocity)
        return states[i];
  llvm::SaveAndRestore inScope(elaborator.scope, equation.scope);
  llvm::SaveAndRestore when(elaborator.context,
                            Context{Moment::Current, &states});
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
  return valid;
}

//===----------------------------------------------------------------------===//
// Integrators
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

/// All velocities from the old state, then all positions from the new ones.
static bool refuseWithoutVelocity(Elaborator &elaborator, Model &model,
                                  SourceRange range) {
  for (const State &state : model.states)
    if (!state.velocity && !state.position) {
      elaborator
          .error("no-velocity", range,
                 "`symplectic_euler` needs a velocity of every state, and `" +
                     StringRef(state.name) + "` has none")
          .note(state.range, "`" + StringRef(state.name) + "` is declared here")
          .hint("write `with velocity v`, or solve with `euler` or `rk4`");
      return true;
    }
  return false;
}

bool ModelBuilder::integrate(const ast::SolveDecl &solve, StateValues &next) {
  static constexpr StringRef methods[] = {"symplectic_euler", "euler",
                                          "midpoint", "heun", "rk4"};
  static constexpr StringRef later[] = {"euler_maruyama", "heun_stochastic",
                                        "dopri5", "leapfrog"};
  auto *call = llvm::dyn_cast<ast::CallExpr>(solve.method);
  StringRef method = call ? call->getCalleeName() : StringRef();
  SourceRange range = solve.method->getRange();
  if (llvm::is_contained(later, method)) {
    elaborator.notYet(range, "solver `" + method + "` is");
    return false;
  }
  if (!llvm::is_contained(methods, method)) {
    elaborator
        .error("unknown-name", range,
               "no solver is written `" + elaborator.getText(range) + "`")
        .hint(method.empty() || llvm::is_contained(methods, method)
                  ? "write `rk4(0.01)`"
                  : didYouMean(method, methods));
    return false;
  }
  if (solve.every) {
    elaborator.notYet(solve.every->getRange(), "`every` of a solver is");
    return false;
  }
  if (call->arguments.size() != 1 ||
      call->arguments[0].kind != ast::Argument::Kind::Positional) {
    elaborator
        .error("wrong-count", range,
               "`" + method + "` takes its step size alone")
        .hint("write `" + method + "(0.01)`");
    return false;
  }
  const ast::Expr *stepExpr = call->arguments[0].value;
  llvm::SaveAndRestore always(elaborator.context, Context{});
  Node *dt = elaborator.evaluate(stepExpr);
  if (!dt)
    return false;
  if (!dt->isScalar() || (dt->isNumber() && !(dt->number > 0))) {
    elaborator.error("out-of-range", stepExpr->getRange(),
                     dt->isScalar()
                         ? "a step size is greater than 0, not `" +
                               elaborator.getText(stepExpr->getRange()) + "`"
                         : "a step size is a scalar");
    return false;
  }
  model->solver.method = method.str();
  model->solver.stepSize = elaborator.getText(stepExpr->getRange()).str();
  model->solver.range = range;
  if (method == "symplectic_euler" &&
      refuseWithoutVelocity(elaborator, *model, range))
    return false;

  Graph &graph = elaborator.graph;
  const StateValues &old = elaborator.oldStates;
  StateValues k1;
  if (!makeRates(old, k1))
    return false;
  auto scaled = [&](double factor) {
    return graph.binary(Op::Multiply, graph.constant(factor), dt);
  };
  auto sum = [&](double scale, const StateValues &a, const StateValues &b) {
    StateValues total = a;
    for (auto [i, rate] : llvm::enumerate(b))
      if (rate)
        total[i] = graph.binary(
            Op::Add, a[i],
            graph.binary(Op::Multiply, graph.constantLike(scale, rate), rate));
    return total;
  };
  model->solver.stages = 1;
  if (method == "euler") {
    next = advance(old, dt, k1);
  } else if (method == "symplectic_euler") {
    StateValues velocities = k1, positions = k1;
    for (auto [i, state] : llvm::enumerate(model->states))
      (state.position ? positions : velocities)[i] = nullptr;
    StateValues &middle = keep(advance(old, dt, velocities));
    // An explicit z' = f(z, v) reads the new velocities too.
    for (const Equation &equation : equations)
      if (positions[equation.state])
        positions[equation.state] = makeRate(equation, middle);
    if (llvm::any_of(equations, [&](const Equation &equation) {
          return !positions[equation.state] && !velocities[equation.state];
        }))
      return false;
    next = advance(middle, dt, positions);
  } else if (method == "midpoint") {
    StateValues k2;
    model->solver.stages = 2;
    if (!makeRates(keep(advance(old, scaled(0.5), k1)), k2))
      return false;
    next = advance(old, dt, k2);
  } else if (method == "heun") {
    StateValues k2;
    model->solver.stages = 2;
    if (!makeRates(keep(advance(old, dt, k1)), k2))
      return false;
    next = advance(old, scaled(0.5), sum(1, k1, k2));
  } else {
    StateValues k2, k3, k4;
    model->solver.stages = 4;
    if (!makeRates(keep(advance(old, scaled(0.5), k1)), k2) ||
        !makeRates(keep(advance(old, scaled(0.5), k2)), k3) ||
        !makeRates(keep(advance(old, dt, k3)), k4))
      return false;
    next =
        advance(old, scaled(1.0 / 6), sum(1, sum(2, sum(2, k1, k2), k3), k4));
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Updates
//===----------------------------------------------------------------------===//

/// `h <- e`: every right side reads `states`, the values before the block.
bool ModelBuilder::makeUpdates(const ast::StepDecl &decl,
                               const StateValues &states, StateValues &next) {
  Scope *inside = elaborator.makeScope(elaborator.modelScope, {});
  elaborator.declareBody(*inside, decl.body);
  std::map<unsigned, SourceRange> updated;
  bool valid = true;
  for (const ast::Decl *statement : decl.body) {
    auto *update = llvm::dyn_cast<ast::UpdateDecl>(statement);
    if (!update)
      continue;
    llvm::SaveAndRestore inScope(elaborator.scope, inside);
    llvm::SaveAndRestore when(elaborator.context,
                              Context{Moment::Current, &states});
    llvm::SaveAndRestore place(
        elaborator.place, Place{update->targets.front().name.str(), {update}});
    Meaning meaning = elaborator.elaborate(update->value);
    SourceRange range = update->value->getRange();
    std::vector<Meaning> values = {meaning};
    if (update->targets.size() > 1)
      values = meaning.elements;
    if (!meaning.isValid()) {
      valid = false;
      continue;
    }
    if (values.size() != update->targets.size()) {
      elaborator.error("wrong-count", range,
                       "`" + elaborator.getText(range) +
                           "` is not a tuple of " +
                           llvm::Twine(update->targets.size()) + " values");
      valid = false;
      continue;
    }
    for (auto [target, value] : llvm::zip(update->targets, values)) {
      unsigned number = 0;
      while (number < model->states.size() &&
             model->states[number].name != target.name)
        ++number;
      if (number == model->states.size()) {
        std::vector<StringRef> names;
        for (const State &state : model->states)
          names.push_back(state.name);
        elaborator
            .error("unknown-name", target.range,
                   "no state is called `" + target.name + "`")
            .hint(didYouMean(target.name, names));
        valid = false;
        continue;
      }
      auto [first, isNew] = updated.emplace(number, target.range);
      if (!isNew) {
        elaborator
            .error("duplicate-equation", target.range,
                   "`" + target.name + "` is updated twice")
            .note(first->second, "the first update is here");
        valid = false;
        continue;
      }
      Node *node = elaborator.requireValue(value, range);
      if (node)
        node = elaborator.fit(node, model->states[number].space, range,
                              "`" + target.name.str() + "`");
      if (node)
        checkEveryStep(node, range);
      next[number] = node;
      valid &= node != nullptr;
    }
  }
  return valid;
}

void ModelBuilder::makeStep() {
  llvm::SaveAndRestore making(elaborator.isMakingStep, true);
  const ast::DynamicsDecl *dynamics = nullptr;
  const ast::SolveDecl *solve = nullptr;
  const ast::StepDecl *step = nullptr, *after = nullptr;
  auto once = [&](auto *&slot, const auto *decl, StringRef what) {
    if (slot)
      elaborator
          .error("duplicate-equation", decl->getRange(),
                 "a model has one " + what)
          .note(slot->getRange(), "the first one is here");
    else
      slot = decl;
  };
  for (const ast::Decl *decl : body->body) {
    if (auto *d = llvm::dyn_cast<ast::DynamicsDecl>(decl))
      once(dynamics, d, "`dynamics`");
    else if (auto *d = llvm::dyn_cast<ast::SolveDecl>(decl))
      once(solve, d, "`solve`");
    else if (auto *d = llvm::dyn_cast<ast::StepDecl>(decl))
      d->isAfter ? once(after, d, "`after step`") : once(step, d, "`step`");
  }
  if (dynamics)
    readEquations(*dynamics);
  if (dynamics && step)
    elaborator
        .error("misplaced", step->getRange(),
               "a model has `dynamics` or `step`, not both")
        .note(dynamics->getRange(), "the dynamics are here")
        .hint("use `after step` for what follows each step");
  if (dynamics && !solve)
    elaborator
        .error("no-solver", dynamics->getRange(), "the dynamics are not solved")
        .hint("write `solve rk4(0.01)`");
  if (solve && !dynamics)
    elaborator.error("misplaced", solve->getRange(),
                     "there are no `dynamics` to solve");

  StateValues next(model->states.size(), nullptr);
  bool valid = true;
  if (dynamics) {
    valid = solve && integrate(*solve, next);
    // Without a solver the right sides are looked at all the same.
    StateValues rates;
    if (!valid)
      makeRates(elaborator.oldStates, rates);
  } else if (step) {
    valid = makeUpdates(*step, elaborator.oldStates, next);
  }

  for (auto [i, state] : llvm::enumerate(model->states)) {
    bool hasEquation =
        step ? next[i] != nullptr
             : llvm::any_of(equations, [&](const Equation &equation) {
                 return equation.state == i;
               });
    if (!hasEquation && valid && !state.hasWrongEquation &&
        !(dynamics && dynamics->rule))
      elaborator
          .error("no-equation", state.range,
                 "state `" + StringRef(state.name) + "` has no equation")
          .hint(step ? "write `" + state.name + " <- ...` in `step`"
                     : "write `" + state.name + "' = ...` in `dynamics`");
    valid &= hasEquation;
  }
  if (!valid)
    next = elaborator.oldStates; // What follows is checked all the same.
  if (after) {
    StateValues &completed = keep(next);
    if (!makeUpdates(*after, completed, next))
      next = completed;
  }
  for (auto [i, state] : llvm::enumerate(model->states)) {
    state.next = next[i];
    elaborator.firstStates.push_back(
        elaborator.graph.stateAfter(state, Moment::First));
    elaborator.lastStates.push_back(
        elaborator.graph.stateAfter(state, Moment::Last));
  }
  elaborator.newStates = next;
  elaborator.stepIsKnown = true;
}
