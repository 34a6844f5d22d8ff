//===- Parameters.cpp - param, frozen, const ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A parameter's range picks how it is stored: what is learned is the stored
// tensor, which may be any number. Starts are inverted accordingly.
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Printer.h"
#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Elaborator.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

std::string Elaborator::qualify(StringRef name) const {
  return scope->place.name.empty() ? name.str()
                                   : scope->place.name + "." + name.str();
}

Parameter &Elaborator::makeParameter(StringRef name, SourceRange range) {
  Parameter &parameter = model.parameters.emplace_back();
  parameter.name = name.str();
  parameter.range = range;
  parameter.order = currentOrder;
  if (!parameterNames.insert(parameter.name).second)
    error("duplicate-name", range,
          "two parameters of the model are called `" + name + "`");
  return parameter;
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

bool Elaborator::setTransform(Parameter &parameter,
                              const ast::Interval *interval,
                              ast::Identifier via) {
  static constexpr StringRef functions[] = {"sigmoid", "softplus", "relu",
                                            "exp"};
  if (via && !llvm::is_contained(functions, via.name)) {
    error("unknown-name", via.range,
          "no parametrisation is called `" + via.name + "`")
        .hint(didYouMean(via.name, functions));
    return false;
  }
  if (!interval) {
    if (!via)
      return true;
    error("missing-range", via.range,
          "`via " + via.name + "` needs the range that it keeps to")
        .hint("write `in [0, inf) via " + via.name + "`");
    return false;
  }
  std::optional<double> lower = evaluateNumber(interval->lower),
                        upper = evaluateNumber(interval->upper);
  if (!lower || !upper)
    return false;
  if (!(*lower < *upper)) {
    error("empty-range", interval->range,
          "the range `" + getText(interval->range) + "` is empty");
    return false;
  }
  parameter.interval = getText(interval->range).str();
  parameter.isBoundedBelow = std::isfinite(*lower);
  parameter.isBoundedAbove = std::isfinite(*upper);
  parameter.lower = *lower;
  parameter.upper = *upper;
  if (!parameter.isBoundedBelow && !parameter.isBoundedAbove)
    return true;
  bool isBounded = parameter.isBoundedBelow && parameter.isBoundedAbove;
  if (via && (via.name == "sigmoid") != isBounded) {
    error("wrong-parametrisation", via.range,
          "`" + via.name + "` does not keep to " + parameter.interval)
        .hint(isBounded ? "two ends need `sigmoid`"
                        : "one end needs `softplus`, `relu` or `exp`");
    return false;
  }
  if (isBounded)
    parameter.transform = Transform::Sigmoid;
  else if (via.name == "relu")
    parameter.transform = Transform::Relu;
  else if (via.name == "exp")
    parameter.transform = Transform::Exp;
  else
    parameter.transform = Transform::Softplus;
  return true;
}

/// The value that a stored tensor stands for.
static Node *makeValue(Graph &graph, const Parameter &p, Node *stored) {
  switch (p.transform) {
  case Transform::None:
    return stored;
  case Transform::Sigmoid: {
    Node *value = graph.unary(Op::Sigmoid, stored);
    if (p.upper - p.lower != 1)
      value = graph.binary(Op::Multiply,
                           graph.constantLike(p.upper - p.lower, value), value);
    if (p.lower != 0)
      value = graph.binary(Op::Add, graph.constantLike(p.lower, value), value);
    return value;
  }
  case Transform::Softplus:
  case Transform::Relu:
  case Transform::Exp: {
    Node *distance =
        p.transform == Transform::Softplus ? graph.unary(Op::Softplus, stored)
        : p.transform == Transform::Relu   ? graph.relu(stored)
                                           : graph.unary(Op::Exp, stored);
    if (p.isBoundedAbove)
      return graph.binary(Op::Subtract, graph.constantLike(p.upper, distance),
                          distance);
    if (p.lower == 0)
      return distance;
    return graph.binary(Op::Add, graph.constantLike(p.lower, distance),
                        distance);
  }
  }
  llvm_unreachable("unknown transform");
}

/// The stored tensor whose value is `value`; null if a start lies outside.
Node *Elaborator::invert(const Parameter &p, Node *value, SourceRange range) {
  if (p.transform == Transform::None)
    return value;
  auto refuse = [&](double number) -> Node * {
    error("out-of-range", range,
          "`" + p.name + "` starts at " + getText(range) + ", outside of " +
              p.interval)
        .hint(number == p.lower || number == p.upper
                  ? "its parametrisation reaches the ends only in the limit"
                  : "");
    return nullptr;
  };
  auto check = [&](double number) {
    bool relu = p.transform == Transform::Relu;
    return (!p.isBoundedBelow || number > p.lower ||
            (relu && number == p.lower)) &&
           (!p.isBoundedAbove || number < p.upper ||
            (relu && number == p.upper));
  };
  if (value->op == Op::Constant && !check(value->number))
    return refuse(value->number);
  for (double number : value->numbers)
    if (!check(number))
      return refuse(number);
  auto like = [&](double number) { return graph.constantLike(number, value); };

  // Numbers are inverted here, draws by ops.
  if (value->op == Op::Constant) {
    double x = value->number;
    if (p.transform == Transform::Sigmoid) {
      double share = (x - p.lower) / (p.upper - p.lower);
      return like(std::log(share) - std::log1p(-share));
    }
    double d = p.isBoundedAbove ? p.upper - x : x - p.lower;
    if (p.transform == Transform::Softplus)
      return like(d + std::log(-std::expm1(-d)));
    return like(p.transform == Transform::Exp ? std::log(d) : d);
  }
  if (p.transform == Transform::Sigmoid) {
    Node *share = graph.binary(Op::Divide,
                               graph.binary(Op::Subtract, value, like(p.lower)),
                               like(p.upper - p.lower));
    return graph.binary(
        Op::Subtract, graph.unary(Op::Log, share),
        graph.unary(Op::Log, graph.binary(Op::Subtract, like(1), share)));
  }
  Node *d = p.isBoundedAbove ? graph.binary(Op::Subtract, like(p.upper), value)
                             : graph.binary(Op::Subtract, value, like(p.lower));
  if (p.transform == Transform::Exp)
    return graph.unary(Op::Log, d);
  if (p.transform == Transform::Relu)
    return d;
  // log(exp(d) - 1), written so that it cannot overflow.
  Node *rest = graph.unary(Op::Negate,
                           graph.unary(Op::Expm1, graph.unary(Op::Negate, d)));
  return graph.binary(Op::Add, d, graph.unary(Op::Log, rest));
}

void Elaborator::finishParameter(Parameter &parameter, Node *initial,
                                 SourceRange range) {
  parameter.initial = initial ? invert(parameter, initial, range) : nullptr;
  llvm::SaveAndRestore at(graph.range, parameter.range);
  parameter.value = makeValue(graph, parameter, graph.readParameter(parameter));
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

Meaning Elaborator::resolveParameter(Symbol &symbol,
                                     const ast::ParamDecl &decl) {
  const ast::Expr *value = symbol.value ? symbol.value : decl.value;
  if (decl.role == ast::ParamDecl::Role::Const) {
    if (!value) {
      error("no-value", symbol.range,
            "`const " + StringRef(symbol.name) + "` has no value");
      return {};
    }
    Meaning meaning = elaborate(value);
    if (meaning.is(Meaning::Kind::Text) || !meaning.isValid())
      return meaning;
    Node *node = requireValue(meaning, value->getRange());
    if (!node)
      return {};
    if (node->op != Op::Constant && node->op != Op::Array) {
      error("not-a-number", value->getRange(),
            "`" + getText(value->getRange()) +
                "` is not known before the program runs")
          .hint("a `const` is the same in every run");
      return {};
    }
    if (!decl.space)
      return Meaning::ofValue(node);
    const Space *space = evaluateSpace(decl.space);
    return space ? Meaning::ofValue(fit(node, space, value->getRange(),
                                        "`" + symbol.name + "`"))
                 : Meaning();
  }

  Path path(symbol.scope->place.path.begin(), symbol.scope->place.path.end());
  path.push_back(&decl);
  path.push_back(reinterpret_cast<const void *>(uintptr_t(symbol.index)));
  Parameter *&known = parameters[path];
  if (known)
    return known->value ? Meaning::ofValue(known->value) : Meaning();
  if (symbol.scope != modelScope && symbol.scope->place.path.empty()) {
    error("misplaced", symbol.range,
          "`" + StringRef(symbol.name) +
              "` stands outside of a model; only a `const` can be shared");
    return {};
  }
  const Space *space =
      decl.space ? evaluateSpace(decl.space) : spaces.getScalar();
  if (!space)
    return {};
  Parameter &parameter = makeParameter(qualify(symbol.name), symbol.range);
  known = &parameter;
  parameter.isFrozen = decl.role == ast::ParamDecl::Role::Frozen;
  parameter.space = space;
  parameter.shape = space->getShape();
  parameter.description =
      space->isScalar() ? "scalar" : "on " + space->describe();
  if (decl.type) {
    auto *type = llvm::dyn_cast<ast::NameExpr>(decl.type);
    if (!type || type->name != "angle") {
      error("unknown-type", decl.type->getRange(),
            "`" + getText(decl.type->getRange()) +
                "` is not a type of parameters")
          .hint(llvm::isa<ast::NameExpr>(decl.type) ? "there is `angle`"
                : parameter.isFrozen
                    ? "a map that is not learned is a `frozen coupling`"
                    : "a learned map is a `coupling`");
      return {};
    }
  }
  if (!setTransform(parameter, decl.interval, decl.via))
    return {};

  Node *initial = nullptr;
  const ast::Expr *start = value ? value : decl.distribution;
  if (!start) {
    error("no-value", symbol.range,
          "`" + StringRef(symbol.name) + "` has no value to start from")
        .hint("write `= 0` or `~ normal(0, 1)`");
    return {};
  }
  if (value) {
    parameter.start = "= " + ast::toString(value);
    initial = evaluate(value);
    if (initial && initial->op != Op::Constant && initial->op != Op::Array) {
      error("not-a-number", value->getRange(),
            "`" + getText(value->getRange()) +
                "` is not known before the program runs")
          .hint("a parameter starts from a number or is drawn with `~`");
      return {};
    }
    if (initial && !decl.space && initial->op == Op::Array) {
      error("space-mismatch", value->getRange(),
            "`" + StringRef(symbol.name) +
                "` is one number, but starts at a list")
          .hint("write `" + symbol.name + " on " + initial->space->spell() +
                " = ...`");
      return {};
    }
    if (initial)
      initial = fit(initial, space, value->getRange(), "`" + symbol.name + "`");
  } else {
    parameter.start = "~ " + ast::toString(decl.distribution);
    initial = draw(decl.distribution, parameter.name, space);
  }
  if (!initial)
    return {};
  finishParameter(parameter, initial, start->getRange());
  return parameter.initial ? Meaning::ofValue(parameter.value) : Meaning();
}
