//===- Solvers.cpp - solve method(...) every interval ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/ModelBuilder.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

/// Sub-steps of a step; more are a mistake in a number.
static constexpr double mostPasses = 1e6;

//===----------------------------------------------------------------------===//
// Numbers of a solver
//===----------------------------------------------------------------------===//

/// A step size, a scalar greater than 0; null after an error.
Node *ModelBuilder::evaluateStepSize(const ast::Expr *expr) {
  SourceRange range = expr->getRange();
  llvm::SaveAndRestore always(elaborator.context, Context{});
  Node *dt = elaborator.evaluate(expr);
  if (!dt)
    return nullptr;
  if (!dt->isScalar()) {
    elaborator.error("out-of-range", range, "a step size is a scalar");
    return nullptr;
  }
  if (dt->isNumber() && !(dt->number > 0 && std::isfinite(dt->number))) {
    elaborator.error("out-of-range", range,
                     "a step size is greater than 0, not `" +
                         elaborator.getText(range) + "`");
    return nullptr;
  }
  return dt;
}

/// `rtol`, `atol` and `max` of an adaptive solver.
bool ModelBuilder::readTolerances(const ast::CallExpr &call,
                                  const Method &method) {
  static constexpr StringRef names[] = {"rtol", "atol", "max"};
  llvm::SmallVector<StringRef, 3> seen;
  for (const ast::Argument &argument : call.arguments) {
    if (argument.kind == ast::Argument::Kind::Positional)
      continue;
    StringRef name = argument.name.name;
    if (argument.kind != ast::Argument::Kind::Named ||
        !llvm::is_contained(names, name)) {
      elaborator
          .error("unknown-argument", argument.range,
                 "`" + method.name + "` has no argument `" + name + "`")
          .hint(didYouMean(name, names));
      return false;
    }
    if (llvm::is_contained(seen, name)) {
      elaborator.error("duplicate-name", argument.range,
                       "`" + name + "` is given twice");
      return false;
    }
    seen.push_back(name);
    if (name == "max") {
      auto most = elaborator.evaluateInteger(argument.value, 1,
                                             "the number of attempts");
      if (!most)
        return false;
      stepping.most = *most;
      continue;
    }
    std::optional<double> number = elaborator.evaluateNumber(argument.value);
    if (!number)
      return false;
    if (!(*number > 0 && std::isfinite(*number))) {
      elaborator.error("out-of-range", argument.value->getRange(),
                       "a tolerance is greater than 0, not `" +
                           elaborator.getText(argument.value->getRange()) +
                           "`");
      return false;
    }
    (name == "rtol" ? stepping.rtol : stepping.atol) = *number;
  }
  return true;
}

/// How many steps of the solver `every` asks for.
bool ModelBuilder::countPasses(const ast::SolveDecl &solve,
                               SourceRange dtRange) {
  SourceRange range = solve.every->getRange();
  Node *interval = evaluateStepSize(solve.every);
  if (!interval)
    return false;
  for (auto [node, place] :
       {std::pair(stepping.dt, dtRange), {interval, range}})
    if (!node->isNumber()) {
      elaborator
          .error("not-a-number", place,
                 "`" + elaborator.getText(place) +
                     "` is not known before the program runs, so it is not "
                     "known how many steps make an interval")
          .hint("write a number or a `const`");
      return false;
    }
  double ratio = interval->number / stepping.dt->number,
         passes = std::round(ratio);
  if (passes < 1 || passes > mostPasses ||
      std::abs(ratio - passes) > 1e-6 * passes) {
    elaborator
        .error("out-of-range", range,
               "`" + elaborator.getText(range) + "` is not a whole number of " +
                   "steps of `" + elaborator.getText(dtRange) + "`")
        .hint("an interval holds 1 to 1000000 steps");
    return false;
  }
  stepping.passes = int64_t(passes);
  stepping.dt = elaborator.graph.constant(interval->number / passes);
  return true;
}

/// `method(dt)`, `method(dt) every interval`, `dopri5(...) every interval`,
/// `dopri5(interval, ...)`; false after an error.
bool ModelBuilder::readStepping(const ast::SolveDecl &solve,
                                const Method &method) {
  auto *call = llvm::cast<ast::CallExpr>(solve.method);
  bool isAdaptive = method.kind == Method::Adaptive;
  llvm::SmallVector<const ast::Argument *, 2> positional;
  for (const ast::Argument &argument : call->arguments)
    if (argument.kind == ast::Argument::Kind::Positional)
      positional.push_back(&argument);
  bool hasNames = positional.size() != call->arguments.size();
  if (isAdaptive ? positional.size() + (solve.every != nullptr) != 1
                 : positional.size() != 1 || hasNames) {
    std::string what =
        isAdaptive
            ? (solve.every ? "` is given its interval twice"
                           : "` is not told how long a step of the model is")
            : "` takes its step size alone";
    elaborator.error("wrong-count", call->getRange(), "`" + method.name + what)
        .hint("write `" + method.name +
              (isAdaptive ? "(rtol = 1e-6) every 0.05`" : "(0.01)`"));
    return false;
  }
  if (isAdaptive && !readTolerances(*call, method))
    return false;
  const ast::Expr *size =
      positional.empty() ? solve.every : positional.front()->value;
  stepping.dt = evaluateStepSize(size);
  model->solver.stepSize = elaborator.getText(size->getRange()).str();
  if (!stepping.dt)
    return false;
  return isAdaptive || !solve.every || countPasses(solve, size->getRange());
}

//===----------------------------------------------------------------------===//
// Several steps of the solver in a step of the model
//===----------------------------------------------------------------------===//

/// What starts at `starts`, as the passes of a loop find it.
StateValues ModelBuilder::beginIterate(llvm::ArrayRef<Node *> starts) {
  StateValues arguments;
  for (auto [i, start] : llvm::enumerate(starts))
    arguments.push_back(elaborator.graph.iterateArgument(start, i));
  return arguments;
}

bool ModelBuilder::integrateSubSteps(const Method &method, StateValues &next) {
  const StateValues &old = keep(beginIterate(elaborator.oldStates));
  StateValues inside;
  llvm::SaveAndRestore iterating(elaborator.isIterating, true);
  if (!(this->*method.integrate)(old, stepping.dt, inside))
    return false;
  auto results =
      elaborator.graph.iterate(elaborator.oldStates, inside, stepping.passes,
                               /*condition=*/nullptr);
  next.assign(results.begin(), results.end());
  return true;
}

/// One step of the dynamics; false after an error.
bool ModelBuilder::integrate(const ast::SolveDecl &solve, StateValues &next) {
  const Method *method = findMethod(solve);
  if (!method || !readStepping(solve, *method))
    return false;
  Solver &solver = model->solver;
  solver.method = method->name.str();
  solver.stages = method->stages;
  solver.range = solve.method->getRange();
  solver.isAdaptive = method->kind == Method::Adaptive;
  solver.passes = stepping.passes;
  solver.rtol = stepping.rtol;
  solver.atol = stepping.atol;
  solver.most = stepping.most;
  if (stepping.dt->isNumber())
    solver.interval = stepping.dt->number * stepping.passes;
  // All states were refused, or there are none.
  if (elaborator.oldStates.empty())
    return true;
  // White noise: its integral over a step has variance dt.
  Graph &graph = elaborator.graph;
  llvm::SaveAndRestore noise(elaborator.noiseScale);
  if (method->kind == Method::Stochastic)
    elaborator.noiseScale = graph.binary(Op::Divide, graph.constant(1),
                                         graph.unary(Op::Sqrt, stepping.dt));
  if (stepping.passes > 1)
    return integrateSubSteps(*method, next);
  return (this->*method->integrate)(elaborator.oldStates, stepping.dt, next);
}
