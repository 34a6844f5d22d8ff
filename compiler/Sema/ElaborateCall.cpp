//===- ElaborateCall.cpp - Calls and functions ----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Elaborator.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Which function is called
//===----------------------------------------------------------------------===//

/// Calls what `callee` names: a declaration, or a function of the language.
Meaning Elaborator::callByName(const ast::Expr *callee, Call call) {
  call.calleeRange = callee->getRange();
  call.name = getText(call.calleeRange);
  auto *name = llvm::dyn_cast<ast::NameExpr>(callee);
  if (name && !scope->find(name->name))
    return callBuiltin(call);
  return callMeaning(elaborate(callee), call);
}

Meaning Elaborator::elaborateCall(const ast::CallExpr &expr) {
  Call call;
  call.arguments = expr.arguments;
  call.range = expr.getRange();
  call.site = &expr;
  return callByName(expr.callee, call);
}

/// `a |> f |> g(n = 2)`: each stage gets the value before it as its operand.
Meaning Elaborator::elaboratePipe(const ast::PipeExpr &expr) {
  auto isGaussian = [&](const ast::Expr *stage) {
    auto *name = llvm::dyn_cast<ast::NameExpr>(stage);
    return name && name->name == "gaussian" && !scope->find(name->name);
  };
  Meaning piped = elaborate(expr.stages.front());
  for (size_t i = 1; i < expr.stages.size() && piped.isValid(); ++i) {
    const ast::Expr *stage = expr.stages[i];
    // In `... |> linear(-> s) |> gaussian` the layer is asked for two copies
    // of its space, as in gaussian(linear(...)).
    bool isCopied =
        i + 1 < expr.stages.size() && isGaussian(expr.stages[i + 1]);
    llvm::SaveAndRestore copied(copiedCall, isCopied ? stage : copiedCall);
    Call call;
    call.range = stage->getRange();
    call.site = stage;
    call.piped = &piped;
    const ast::Expr *callee = stage;
    if (auto *written = llvm::dyn_cast<ast::CallExpr>(stage)) {
      call.arguments = written->arguments;
      callee = written->callee;
    }
    Meaning result = callByName(callee, call);
    piped = std::move(result);
  }
  return piped;
}

Meaning Elaborator::callMeaning(const Meaning &callee, const Call &call) {
  switch (callee.kind) {
  case Meaning::Kind::Invalid:
    return {};
  case Meaning::Kind::Function:
    return callFunction(callee, call);
  case Meaning::Kind::Layer:
    return callLayer(callee, call);
  case Meaning::Kind::Partial:
    return callPartial(callee, call);
  case Meaning::Kind::Model:
    return callModel(callee, call);
  default:
    error("not-a-function", call.calleeRange,
          "`" + call.name + "` cannot be called");
    return {};
  }
}

/// A layer that `let` made: one instance, wherever it is called. Its place is
/// that of the `let`.
Meaning Elaborator::callPartial(const Meaning &callee, const Call &call) {
  if (calling.contains(callee.function)) {
    error("recursion", call.range, "layer `" + call.name + "` uses itself");
    return {};
  }
  if (call.size() != 1) {
    error("wrong-count", call.range, "`" + call.name + "` takes one value");
    return {};
  }
  Meaning operand =
      call.piped ? *call.piped : elaborate(call.arguments.front().value);
  calling.insert(callee.function);
  Place here = callee.scope->place;
  here.name += (here.name.empty() ? "" : ".") + call.name.str();
  here.path.push_back(callee.function);
  llvm::SaveAndRestore atPlace(place, here);
  llvm::SaveAndRestore inScope(scope, callee.scope);
  Call inner;
  inner.arguments = callee.call->arguments;
  inner.range = call.range;
  inner.site = callee.call;
  inner.piped = &operand;
  Meaning result;
  if (operand.isValid())
    result = callByName(callee.call->callee, inner);
  calling.erase(callee.function);
  return result;
}

//===----------------------------------------------------------------------===//
// Functions: let f(u) = ...
//===----------------------------------------------------------------------===//

/// Refuses names and the like where arguments stand in order.
bool Elaborator::checkPositional(const Call &call) {
  for (const ast::Argument &argument : call.arguments)
    if (argument.kind != ast::Argument::Kind::Positional) {
      error("unknown-argument", argument.range,
            "`" + call.name + "` takes its arguments in order, without names");
      return false;
    }
  return true;
}

bool Elaborator::checkFunctionCall(const ast::LetDecl &function,
                                   const Call &call) {
  size_t wanted = function.parameters.size();
  if (call.size() != wanted) {
    error("wrong-count", call.range,
          "`" + call.name + "` takes " + llvm::Twine(wanted) +
              (wanted == 1 ? " argument, not " : " arguments, not ") +
              llvm::Twine(call.size()))
        .note(function.getRange(), "`" + call.name + "` is declared here");
    return false;
  }
  if (calling.contains(&function)) {
    error("recursion", call.range, "`" + call.name + "` calls itself")
        .note(function.getRange(), "`" + call.name + "` is declared here");
    return false;
  }
  return checkPositional(call);
}

Meaning Elaborator::callFunction(const Meaning &callee, const Call &call) {
  const ast::LetDecl &function = *callee.function;
  if (!checkFunctionCall(function, call))
    return {};
  Scope *inside = makeScope(callee.scope, callee.scope->place);
  bool valid = true;
  for (auto [i, parameter] : llvm::enumerate(function.parameters)) {
    const ast::Expr *expr = call.getExpr(i);
    Meaning value = expr ? elaborate(expr) : *call.piped;
    Symbol *symbol = declare(*inside, parameter.name, nullptr);
    valid &= value.isValid() && symbol;
    if (symbol)
      symbol->fixed = value;
  }
  if (!valid)
    return {};
  // As if its text stood here: layers and draws in it are this call's own.
  llvm::SaveAndRestore atPlace(place);
  place.path.push_back(call.site);
  llvm::SaveAndRestore inScope(scope, inside);
  calling.insert(&function);
  calls.push_back({call.name.str(), call.range, callee.scope->isLibrary});
  Meaning result = elaborate(function.value);
  calls.pop_back();
  calling.erase(&function);
  return result;
}
