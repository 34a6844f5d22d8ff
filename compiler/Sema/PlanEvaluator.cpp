//===- PlanEvaluator.cpp - Expressions of run blocks ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/PlanEvaluator.h"
#include "compiler/AST/Walk.h"
#include "compiler/Sema/Builtins.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

using Verb = ast::RunDecl::Verb;

StringRef sema::getVerbName(Verb verb) {
  return verb == Verb::Train     ? "train"
         : verb == Verb::Analyze ? "analyze"
                                 : "simulate";
}

bool PlanEvaluator::mentionsModel(const ast::Expr *expr) {
  bool found = false;
  ast::walk(expr, [&](const ast::Expr *inner) {
    auto *name = llvm::dyn_cast<ast::NameExpr>(inner);
    if (!name)
      return;
    Symbol *symbol = elaborator.scope->find(name->name);
    if (!symbol || symbol->scope != elaborator.modelScope || !symbol->decl)
      return;
    auto *param = llvm::dyn_cast<ast::ParamDecl>(symbol->decl);
    if (!(param && param->role == ast::ParamDecl::Role::Const) &&
        !llvm::isa<ast::LatticeDecl>(symbol->decl))
      found = true;
  });
  return found;
}

bool PlanEvaluator::mentionsDegrees(const ast::Expr *expr) {
  bool found = false;
  ast::walk(expr, [&](const ast::Expr *inner) {
    if (auto *number = llvm::dyn_cast<ast::NumberExpr>(inner)) {
      found |= number->unit.name == "deg";
    } else if (auto *name = llvm::dyn_cast<ast::NameExpr>(inner)) {
      // A constant that was evaluated has no cycle.
      Symbol *symbol = elaborator.scope->find(name->name);
      auto *param = symbol
                        ? llvm::dyn_cast_or_null<ast::ParamDecl>(symbol->decl)
                        : nullptr;
      const ast::Expr *value = param ? param->value : nullptr;
      if (symbol && symbol->value)
        value = symbol->value;
      found |= value && mentionsDegrees(value);
    }
  });
  return found;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

std::optional<PlanValue>
PlanEvaluator::evaluateConstant(const ast::Expr *expr) {
  Meaning meaning = elaborator.elaborate(expr);
  if (!meaning.isValid())
    return std::nullopt;
  PlanValue value;
  value.range = expr->getRange();
  if (meaning.is(Meaning::Kind::Text)) {
    value.kind = PlanValue::Kind::Text;
    value.text = meaning.text.str();
    return value;
  }
  if (meaning.is(Meaning::Kind::Space)) {
    value.kind = PlanValue::Kind::Space;
    value.text = meaning.space->spell();
    auto shape = meaning.space->getShape();
    value.extents.assign(shape.begin(), shape.end());
    return value;
  }
  Node *node = elaborator.requireValue(meaning, expr->getRange());
  if (!node)
    return std::nullopt;
  if (!node->isNumber()) {
    elaborator.error("not-a-number", expr->getRange(),
                     "`" + elaborator.getText(expr->getRange()) +
                         "` is not known before the program runs");
    return std::nullopt;
  }
  value.number = node->number;
  value.isAngle = mentionsDegrees(expr);
  return value;
}

/// A value of the model: an input or a result that exists already by its name,
/// everything else as a result of its own.
std::optional<PlanValue>
PlanEvaluator::evaluateModelValue(const ast::Expr *expr) {
  SourceRange range = expr->getRange();
  if (verb == Verb::Train) {
    elaborator.error(
        "not-a-setting", range,
        "`" + elaborator.getText(range) +
            "` belongs to the model; what `train` needs is known before "
            "the run");
    return std::nullopt;
  }
  PlanValue value;
  value.range = range;
  value.written = elaborator.getText(range).str();
  if (auto *name = llvm::dyn_cast<ast::NameExpr>(expr)) {
    Model &model = builder.getModel();
    value.text = name->name.str();
    for (const Input &input : model.inputs)
      if (input.name == name->name) {
        value.kind = PlanValue::Kind::Input;
        return value;
      }
    value.kind = PlanValue::Kind::Result;
    for (const State &state : model.states)
      if (state.name == name->name)
        return value;
    if (model.findResult(name->name))
      return value;
  }
  std::string result = getVerbName(verb).str() + "." + label;
  if (++numProbes > 1)
    result += "." + std::to_string(numProbes);
  value.kind = PlanValue::Kind::Result;
  value.text = builder.addProbe(expr, result);
  if (value.text.empty())
    return std::nullopt;
  return value;
}

std::optional<PlanValue>
PlanEvaluator::evaluateCall(const ast::CallExpr &call) {
  PlanValue value;
  value.kind = PlanValue::Kind::Call;
  value.text = call.getCalleeName().str();
  value.range = call.getRange();
  bool valid = true;
  for (const ast::Argument &argument : call.arguments) {
    if (argument.kind == ast::Argument::Kind::Typed) {
      elaborator.error("unknown-argument", argument.range,
                       "`" + elaborator.getText(argument.range) +
                           "` is no argument here");
      valid = false;
      continue;
    }
    std::optional<PlanValue> inner = evaluateValue(argument.value, false);
    if (!inner) {
      valid = false;
      continue;
    }
    for (const PlanArgument &other : value.arguments)
      if (!other.name.empty() && other.name == argument.name.name) {
        elaborator.error("duplicate-name", argument.name.range,
                         "`" + argument.name.name + "` is given twice");
        valid = false;
      }
    value.arguments.push_back(
        {argument.name.name.str(),
         argument.kind == ast::Argument::Kind::Distributed, std::move(*inner)});
  }
  if (!valid)
    return std::nullopt;
  return value;
}

static bool isSpaceName(StringRef name) {
  static constexpr StringRef names[] = {"vector", "class", "image",
                                        "set",    "ring",  "rings",
                                        "torus",  "line",  "grid"};
  return llvm::is_contained(names, name);
}

/// `rows(...)` of another call is the data source; of a space it is a field.
static bool isRowsOfSource(const ast::CallExpr &call) {
  if (call.getCalleeName() != "rows" || call.arguments.empty())
    return false;
  auto *of = llvm::dyn_cast<ast::CallExpr>(call.arguments.front().value);
  return of && !isSpaceName(of->getCalleeName());
}

std::optional<PlanValue> PlanEvaluator::evaluateValue(const ast::Expr *expr,
                                                      bool isOutermost,
                                                      bool isCall) {
  PlanValue value;
  value.range = expr->getRange();
  if (auto *call = llvm::dyn_cast<ast::CallExpr>(expr)) {
    StringRef callee = call->getCalleeName();
    if (isSpaceName(callee)) {
      const Space *space = elaborator.evaluateSpace(expr);
      if (!space)
        return std::nullopt;
      value.kind = PlanValue::Kind::Space;
      value.text = space->spell();
      auto shape = space->getShape();
      value.extents.assign(shape.begin(), shape.end());
      return value;
    }
    if (findSystem(callee))
      return evaluateSystem(*call);
    bool isOurs = elaborator.modelScope->find(callee) ||
                  (isBuiltin(callee) && !isRowsOfSource(*call));
    if (!callee.empty() && (isCall || !isOurs))
      return evaluateCall(*call);
  }
  // `data Pendulum`, `optimizer adam`: calls without arguments.
  if (auto *name = llvm::dyn_cast<ast::NameExpr>(expr);
      name && findSystem(name->name))
    return evaluateSystem(ast::CallExpr(expr->getRange(), expr, {}));
  if (auto *name = llvm::dyn_cast<ast::NameExpr>(expr);
      name && isOutermost && !elaborator.scope->find(name->name)) {
    value.kind = PlanValue::Kind::Call;
    value.text = name->name.str();
    return value;
  }
  if (auto *list = llvm::dyn_cast<ast::ListExpr>(expr)) {
    value.kind = PlanValue::Kind::List;
    for (const ast::Expr *element : list->elements) {
      std::optional<PlanValue> inner = evaluateValue(element, false);
      if (!inner)
        return std::nullopt;
      value.arguments.push_back({"", false, std::move(*inner)});
    }
    return value;
  }
  if (auto *range = llvm::dyn_cast<ast::RangeExpr>(expr)) {
    value.kind = PlanValue::Kind::Range;
    for (const ast::Expr *end : {range->first, range->last}) {
      std::optional<PlanValue> inner = evaluateConstant(end);
      if (!inner)
        return std::nullopt;
      if (!inner->isNumber()) {
        elaborator.error("wrong-type", end->getRange(),
                         "a range goes from one number to another");
        return std::nullopt;
      }
      value.arguments.push_back({"", false, std::move(*inner)});
    }
    return value;
  }
  if (mentionsModel(expr))
    return evaluateModelValue(expr);
  return evaluateConstant(expr);
}

std::optional<PlanValue> PlanEvaluator::evaluateEvery(const ast::Expr *every) {
  std::optional<int64_t> count =
      elaborator.evaluateInteger(every, 1, "an interval");
  if (!count)
    return std::nullopt;
  PlanValue value;
  value.number = *count;
  value.range = every->getRange();
  return value;
}
