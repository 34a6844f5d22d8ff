//===- Systems.cpp - Models whose runs are data ---------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A system is a model without inputs. Its outputs at step t see the states
// before that step, so that frame 0 of a trajectory is its start.
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/ExprPrinter.h"
#include "compiler/AST/Printer.h"
#include "compiler/Sema/ModelBuilder.h"
#include "compiler/Sema/PlanEvaluator.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

/// Refuses what a system cannot have, or what only a system can have.
void ModelBuilder::checkSystem() {
  // `Pendulum(m = 1)` draws what `Pendulum` draws.
  if (model->isSystem)
    elaborator.streamPrefix =
        model->name.substr(0, model->name.find('(')) + "/";
  bool hasOutput = false;
  for (const ast::Decl *decl : body->body) {
    bool isOfSystem = llvm::isa<ast::OutputDecl, ast::RequireDecl>(decl);
    StringRef word =
        elaborator.getText(decl->getRange()).take_until([](char c) {
          return !llvm::isAlpha(c);
        });
    hasOutput |= llvm::isa<ast::OutputDecl>(decl);
    if (isOfSystem && !model->isSystem)
      elaborator
          .error("misplaced", decl->getRange(),
                 "`" + word + "` stands in a `system` only")
          .hint(llvm::isa<ast::OutputDecl>(decl)
                    ? "a model reads out with `decode`"
                    : "");
    bool isOfModel = llvm::isa<ast::InputDecl, ast::EncodeDecl, ast::DecodeDecl,
                               ast::LossDecl>(decl);
    if (isOfModel && model->isSystem)
      elaborator
          .error("misplaced", decl->getRange(),
                 "a system has no `" + word +
                     "`: nothing feeds it, nothing "
                     "learns it")
          .hint(llvm::isa<ast::DecodeDecl>(decl) ? "write `output`" : "");
  }
  if (model->isSystem && !hasOutput)
    elaborator
        .error("no-value", model->range,
               "system `" + StringRef(model->name) + "` has no `output`")
        .hint("write `output x = ...` for each field of its samples");
}

void ModelBuilder::makeOutputs() {
  llvm::SaveAndRestore when(elaborator.context,
                            Context{Moment::Current, &elaborator.oldStates});
  Node *violated = nullptr;
  SourceRange place;
  for (const ast::Decl *decl : body->body) {
    if (auto *output = llvm::dyn_cast<ast::OutputDecl>(decl))
      makeOutput(*output);
    auto *require = llvm::dyn_cast<ast::RequireDecl>(decl);
    Node *one = require ? makeViolation(*require) : nullptr;
    if (!one)
      continue;
    place = require->getRange();
    violated =
        violated ? elaborator.graph.binary(Op::Maximum, violated, one) : one;
  }
  // A word of the language, so that no other result is called so.
  if (violated)
    model->results.push_back({"require", ResultRole::Probe, violated, place});
}

void ModelBuilder::makeOutput(const ast::OutputDecl &decl) {
  std::string name = decl.name.name.str();
  SourceRange range = decl.value->getRange();
  llvm::SaveAndRestore place(elaborator.place, Place{name, {&decl}});
  Node *value = elaborator.evaluate(decl.value);
  const Space *space =
      decl.space ? elaborator.evaluateSpace(decl.space) : nullptr;
  if (value && space)
    value = elaborator.fit(value, space, range, "`" + name + "`");
  if (!value)
    return;
  checkEveryStep(value, range);
  if (!checkResultName(name, decl.name.range))
    return;
  model->results.push_back({name, ResultRole::Output, value, range});
}

/// 1 where the condition does not hold, at one site at least; 0 otherwise.
Node *ModelBuilder::makeViolation(const ast::RequireDecl &decl) {
  SourceRange range = decl.value->getRange();
  Meaning condition = elaborator.elaborate(decl.value);
  if (!condition.isValid())
    return nullptr;
  if (!condition.is(Meaning::Kind::Value) ||
      condition.value->element != Element::Bool) {
    elaborator
        .error("not-a-condition", range,
               "`" + elaborator.getText(range) + "` is not a comparison")
        .hint("write `require abs(q) < 1`");
    return nullptr;
  }
  Graph &graph = elaborator.graph;
  Node *holds = condition.value;
  const Space *space =
      holds->space ? holds->space : elaborator.spaces.getScalar();
  Node *violated =
      graph.select(holds, graph.constant(0, space), graph.constant(1, space));
  checkEveryStep(violated, range);
  return violated->isScalar() ? violated : graph.reduceAll(Op::Max, violated);
}

/// `state q, p ~ annulus(1, 2)`: two names, or a state and its velocity.
bool ModelBuilder::startPair(const ast::StateDecl &decl) {
  llvm::SmallVector<State *, 2> pair;
  for (auto names : {decl.names, decl.velocities})
    for (ast::Identifier name : names)
      for (State &state : model->states)
        if (state.name == name.name)
          pair.push_back(&state);
  if (pair.size() != 2) {
    elaborator.reportPair(decl.distribution, pair.size());
    return false;
  }
  auto [first, second] =
      elaborator.drawPair(decl.distribution, "init." + pair[0]->name,
                          "init." + pair[1]->name, pair[0]->space);
  pair[0]->initial = first;
  pair[1]->initial = second;
  return first;
}

//===----------------------------------------------------------------------===//
// Draws
//===----------------------------------------------------------------------===//

/// `draw m ~ uniform(0.5, 1)`: the same number in the whole sample, or
/// another one at every step.
Meaning Elaborator::resolveDraw(Symbol &symbol, const ast::DrawDecl &decl,
                                SourceRange use) {
  const Space *space =
      decl.space ? evaluateSpace(decl.space) : spaces.getScalar();
  if (!space)
    return {};
  if (decl.perStep)
    return drawAtStep(symbol, decl, space, use);
  if (!drawsPair(decl.distribution)) {
    std::string name = qualify(symbol.name);
    Node *drawn = draw(decl.distribution, name, space);
    return Meaning::ofValue(drawn ? sequence.drawOnce(drawn, getStream(name))
                                  : nullptr);
  }
  if (decl.names.size() != 2) {
    reportPair(decl.distribution, decl.names.size());
    return {};
  }
  auto pair = drawPair(decl.distribution, qualify(decl.names[0].name),
                       qualify(decl.names[1].name), space);
  Node *drawn = symbol.index == 0 ? pair.first : pair.second;
  return Meaning::ofValue(
      drawn ? sequence.drawOnce(drawn, getStream(qualify(symbol.name)))
            : nullptr);
}

Meaning Elaborator::drawAtStep(const Symbol &symbol, const ast::DrawDecl &decl,
                               const Space *space, SourceRange use) {
  if (drawsPair(decl.distribution)) {
    error("not-yet", decl.distribution->getRange(),
          "`annulus` at every step is not supported yet")
        .hint("write `draw angle ~ uniform(0, 2 * pi) per step`, and the "
              "radius likewise");
    return {};
  }
  StringRef name = symbol.name;
  switch (context.moment) {
  case Moment::Sample:
    error("per-step-value", use,
          "`" + name +
              "` has a value at every step, but what stands here is needed "
              "once per sample")
        .note(symbol.range, "`" + name + "` is declared here")
        .hint("what is drawn once is declared without `per step`");
    return {};
  case Moment::Next:
  case Moment::NextWrap:
    error("no-next-state", use, "the next step's draw is not known yet");
    return {};
  default:
    return Meaning::ofValue(
        draw(decl.distribution, qualify(name), space, context.moment));
  }
}

bool Elaborator::drawsPair(const ast::Expr *distribution) {
  auto *call = llvm::dyn_cast<ast::CallExpr>(distribution);
  return call && call->getCalleeName() == "annulus";
}

void Elaborator::reportPair(const ast::Expr *distribution, size_t count) {
  error("wrong-count", distribution->getRange(),
        "`" + getText(distribution->getRange()) +
            "` draws two values together, not " + llvm::Twine(count))
      .hint("write `state q, p ~ annulus(r1, r2)` or `draw a, b ~ annulus(r1, "
            "r2)`");
}

std::pair<Node *, Node *> Elaborator::drawPair(const ast::Expr *distribution,
                                               StringRef first,
                                               StringRef second,
                                               const Space *space) {
  auto *call = llvm::cast<ast::CallExpr>(distribution);
  SourceRange range = distribution->getRange();
  llvm::SmallVector<double, 2> radii;
  double byArea = 0;
  for (const ast::Argument &argument : call->arguments) {
    bool isPositional = argument.kind == ast::Argument::Kind::Positional;
    bool isFlag = argument.kind == ast::Argument::Kind::Named &&
                  argument.name.name == "area_uniform";
    if (!isPositional && !isFlag) {
      error("unknown-argument", argument.range,
            "`annulus` has no argument `" + argument.name.name + "`")
          .hint("write `annulus(r1, r2)` or `annulus(r1, r2, area_uniform = "
                "1)`");
      return {};
    }
    std::optional<double> number = evaluateNumber(argument.value);
    if (!number)
      return {};
    if (isPositional)
      radii.push_back(*number);
    else
      byArea = *number;
  }
  if (radii.size() != 2) {
    error("wrong-count", range,
          "`annulus` takes two radii, not " + llvm::Twine(radii.size()))
        .hint("write `annulus(r1, r2)`");
    return {};
  }
  if (radii[0] < 0 || radii[0] > radii[1]) {
    error("empty-range", range,
          "the radii of `" + getText(range) +
              "` go from 0 on, the smaller one first");
    return {};
  }
  auto number = [&](double value) { return graph.constant(value, space); };
  auto scaled = [&](double a, double b, Node *x) {
    return graph.binary(Op::Add, number(a),
                        graph.binary(Op::Multiply, number(b), x));
  };
  auto uniform = [&](StringRef what) {
    return graph.random(/*isNormal=*/false, getStream(what), Moment::Sample,
                        space);
  };
  Node *angle = scaled(0, 2 * M_PI, uniform(first));
  Node *radius = uniform(second);
  if (byArea != 0)
    radius = graph.unary(
        Op::Sqrt, scaled(radii[0] * radii[0],
                         radii[1] * radii[1] - radii[0] * radii[0], radius));
  else
    radius = scaled(radii[0], radii[1] - radii[0], radius);
  return {graph.binary(Op::Multiply, radius, graph.unary(Op::Cos, angle)),
          graph.binary(Op::Multiply, radius, graph.unary(Op::Sin, angle))};
}

//===----------------------------------------------------------------------===//
// Systems as data
//===----------------------------------------------------------------------===//

const ast::Decl *PlanEvaluator::findSystem(StringRef name) {
  // The scope of the run block: its file may not be the model's.
  Symbol *symbol = elaborator.scope->find(name);
  const ast::Decl *decl = symbol ? symbol->decl : nullptr;
  if (auto *model = llvm::dyn_cast_or_null<ast::ModelDecl>(decl))
    return model->isSystem ? decl : nullptr;
  if (auto *instance = llvm::dyn_cast_or_null<ast::InstanceDecl>(decl))
    return instance->isSystem ? decl : nullptr;
  return nullptr;
}

/// The options that every system has as a source of data; all others are
/// constants and arguments of the system.
static bool isSourceOption(StringRef name) {
  return name == "frames" || name == "split";
}

/// `Pendulum(frames = 60, m = 1)`: a call of the source `Pendulum(m = 1)`,
/// which is an instance of the system.
std::optional<PlanValue>
PlanEvaluator::evaluateSystem(const ast::CallExpr &call) {
  Program &program = elaborator.program;
  PlanValue value;
  value.kind = PlanValue::Kind::Call;
  value.range = call.getRange();
  llvm::SmallVector<ast::Argument> replaced;
  std::string spelled;
  for (const ast::Argument &argument : call.arguments) {
    if (argument.kind != ast::Argument::Kind::Named) {
      elaborator
          .error("unknown-argument", argument.range,
                 "`" + elaborator.getText(argument.range) +
                     "` is no argument of a system")
          .hint("write `frames = 60`, or `name = value` for a constant of `" +
                call.getCalleeName().str() + "`");
      return std::nullopt;
    }
    std::optional<PlanValue> inner = evaluateValue(argument.value, false);
    if (!inner)
      return std::nullopt;
    StringRef name = argument.name.name;
    if (isSourceOption(name)) {
      value.arguments.push_back({name.str(), false, std::move(*inner)});
      continue;
    }
    ast::Argument given = argument;
    if (inner->isNumber())
      given.value =
          program.makeNumber(argument.value->getRange(), inner->number);
    replaced.push_back(given);
    spelled += (spelled.empty() ? "" : ", ") + name.str() + " = " +
               (inner->isNumber() ? ast::toString(given.value) : inner->text);
  }
  value.text = call.getCalleeName().str();
  if (!spelled.empty())
    value.text += "(" + spelled + ")";
  program.requestSystem(value.text, call, replaced);
  return value;
}
