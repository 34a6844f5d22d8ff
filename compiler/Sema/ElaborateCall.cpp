//===- ElaborateCall.cpp - Calls of functions and layers ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Builtins.h"
#include "compiler/Sema/Elaborator.h"

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Which function is called
//===----------------------------------------------------------------------===//

Meaning Elaborator::elaborateCall(const ast::CallExpr &expr) {
  SourceRange calleeRange = expr.callee->getRange();
  StringRef name = expr.getCalleeName();
  if (name.empty())
    return callMeaning(elaborate(expr.callee), getText(calleeRange),
                       expr.arguments, calleeRange, expr.getRange(), &expr,
                       nullptr);
  if (Symbol *symbol = scope->find(name))
    return callMeaning(resolve(*symbol, calleeRange), name, expr.arguments,
                       calleeRange, expr.getRange(), &expr, nullptr);
  return callBuiltin(name, expr.arguments, expr.getRange(), &expr, nullptr);
}

/// `a |> f |> g(n = 2)`: each stage gets the value before it as its operand.
Meaning Elaborator::elaboratePipe(const ast::PipeExpr &expr) {
  // `... |> linear(-> s) |> gaussian`: gaussian asks the layer before it for
  // two copies of its space, so it is evaluated as gaussian(linear(...)).
  Meaning piped = elaborate(expr.stages.front());
  for (size_t i = 1; i < expr.stages.size() && piped.isValid(); ++i) {
    const ast::Expr *stage = expr.stages[i];
    auto *call = llvm::dyn_cast<ast::CallExpr>(stage);
    const ast::Expr *callee = call ? call->callee : stage;
    ArrayRef<ast::Argument> arguments;
    if (call)
      arguments = call->arguments;
    bool beforeGaussian = false;
    if (i + 1 < expr.stages.size())
      if (auto *next = llvm::dyn_cast<ast::NameExpr>(expr.stages[i + 1]))
        beforeGaussian = next->name == "gaussian" && !scope->find("gaussian");
    llvm::SaveAndRestore copied(copiedCall,
                                beforeGaussian ? stage : copiedCall);
    auto *name = llvm::dyn_cast<ast::NameExpr>(callee);
    if (name && !scope->find(name->name)) {
      piped =
          callBuiltin(name->name, arguments, stage->getRange(), stage, &piped);
      continue;
    }
    piped =
        callMeaning(elaborate(callee), getText(callee->getRange()), arguments,
                    callee->getRange(), stage->getRange(), stage, &piped);
  }
  return piped;
}

Meaning Elaborator::callMeaning(const Meaning &callee, StringRef name,
                                ArrayRef<ast::Argument> arguments,
                                SourceRange calleeRange, SourceRange range,
                                const void *site, const Meaning *piped) {
  switch (callee.kind) {
  case Meaning::Kind::Invalid:
    return {};
  case Meaning::Kind::Function:
    return callFunction(callee, name, arguments, range, piped);
  case Meaning::Kind::Layer:
    return callLayer(callee, name, arguments, range, site, piped);
  case Meaning::Kind::Partial: {
    // One instance, wherever it is called: its place is that of the `let`.
    if (!piped && arguments.size() != 1) {
      error("wrong-count", range, "`" + name + "` takes one value");
      return {};
    }
    Meaning operand = piped ? *piped : elaborate(arguments.front().value);
    if (!calling.insert(callee.function).second) {
      error("recursion", range, "layer `" + name + "` uses itself");
      return {};
    }
    Place here = callee.scope->place;
    here.name += (here.name.empty() ? "" : ".") + name.str();
    here.path.push_back(callee.function);
    llvm::SaveAndRestore atPlace(place, here);
    llvm::SaveAndRestore inScope(scope, callee.scope);
    StringRef layer = callee.call->getCalleeName();
    Meaning result;
    if (operand.isValid())
      result = scope->find(layer) ? callMeaning(elaborate(callee.call->callee),
                                                layer, callee.call->arguments,
                                                callee.call->callee->getRange(),
                                                range, callee.call, &operand)
                                  : callBuiltin(layer, callee.call->arguments,
                                                range, callee.call, &operand);
    calling.erase(callee.function);
    return result;
  }
  default:
    error("not-a-function", calleeRange,
          "`" + getText(calleeRange) + "` cannot be called");
    return {};
  }
}

//===----------------------------------------------------------------------===//
// Functions: let f(u) = ...
//===----------------------------------------------------------------------===//

Meaning Elaborator::callFunction(const Meaning &callee, StringRef name,
                                 ArrayRef<ast::Argument> arguments,
                                 SourceRange range, const Meaning *piped) {
  const ast::LetDecl &function = *callee.function;
  size_t given = arguments.size() + (piped ? 1 : 0);
  if (given != function.parameters.size()) {
    error("wrong-count", range,
          "`" + name + "` takes " + llvm::Twine(function.parameters.size()) +
              (function.parameters.size() == 1 ? " argument, not "
                                               : " arguments, not ") +
              llvm::Twine(given))
        .note(function.getRange(), "`" + name + "` is declared here");
    return {};
  }
  if (calling.contains(&function)) {
    error("recursion", range, "`" + name + "` calls itself")
        .note(function.getRange(), "`" + name + "` is declared here");
    return {};
  }
  Scope *inside = makeScope(callee.scope, callee.scope->place);
  bool valid = true;
  for (auto [i, parameter] : llvm::enumerate(function.parameters)) {
    Meaning value;
    if (piped && i == 0) {
      value = *piped;
    } else {
      const ast::Argument &argument = arguments[i - (piped ? 1 : 0)];
      if (argument.kind != ast::Argument::Kind::Positional) {
        error("unknown-argument", argument.range,
              "`" + name + "` takes its arguments in order, without names");
        return {};
      }
      value = elaborate(argument.value);
    }
    valid &= value.isValid();
    if (Symbol *symbol = declare(*inside, parameter.name, nullptr))
      symbol->fixed = value;
    else
      valid = false;
  }
  if (!valid)
    return {};
  llvm::SaveAndRestore inScope(scope, inside);
  calling.insert(&function);
  bool isLibrary = callee.scope->isLibrary;
  calls.push_back({name.str(), range, isLibrary});
  Meaning result = elaborate(function.value);
  calls.pop_back();
  calling.erase(&function);
  return result;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

Place Elaborator::getInstance(StringRef name, const void *site) {
  Place here = place;
  here.path.push_back(site);
  std::string &known = instances[Path(here.path.begin(), here.path.end())];
  if (known.empty()) {
    std::string base =
        (place.name.empty() ? "" : place.name + ".") + name.str();
    unsigned count = ++instanceNames[base];
    known = count == 1 ? base : base + std::to_string(count);
  }
  here.name = known;
  return here;
}

/// Binds a word of a layer's head to a space (`x : from`), or checks it.
static bool bindSpace(Elaborator &elaborator, Scope &inside,
                      const ast::Expr *annotation, const Space *space,
                      SourceRange range, StringRef what) {
  auto *name = llvm::dyn_cast<ast::NameExpr>(annotation);
  if (name && !inside.find(name->name) && name->name != "scalar") {
    Symbol *symbol = elaborator.declare(
        inside, ast::Identifier{name->name, name->getRange()}, nullptr);
    symbol->fixed = Meaning::ofSpace(space);
    return true;
  }
  llvm::SaveAndRestore inScope(elaborator.scope, &inside);
  const Space *wanted = elaborator.evaluateSpace(annotation);
  if (!wanted)
    return false;
  if (wanted == space)
    return true;
  elaborator.error("space-mismatch", range,
                   what + " lives on " + space->quote() +
                       ", but the layer wants " + wanted->quote());
  return false;
}

Meaning Elaborator::callLayer(const Meaning &callee, StringRef name,
                              ArrayRef<ast::Argument> arguments,
                              SourceRange range, const void *site,
                              const Meaning *piped) {
  const ast::LayerDecl &layer = *callee.layer;
  if (calling.contains(&layer)) {
    error("recursion", range, "layer `" + name + "` uses itself")
        .note(layer.name.range, "`" + name + "` is declared here");
    return {};
  }
  const void *copiedSite = copiedCall;
  bool isCopied = copiedSite && copiedSite == site;
  llvm::SaveAndRestore copied(copiedCall,
                              static_cast<const ast::Expr *>(nullptr));

  std::vector<std::pair<Meaning, SourceRange>> given(layer.parameters.size());
  const ast::Expr *resultSpace = nullptr;
  size_t position = 0;
  if (piped && !given.empty())
    given[position++] = {*piped, range};

  for (const ast::Argument &argument : arguments) {
    size_t index = position;
    if (argument.kind == ast::Argument::Kind::Named) {
      auto *found =
          llvm::find_if(layer.parameters, [&](const ast::Parameter &p) {
            return p.name.name == argument.name.name;
          });
      index = found - layer.parameters.begin();
      if (found == layer.parameters.end()) {
        std::vector<StringRef> names;
        for (const ast::Parameter &parameter : layer.parameters)
          names.push_back(parameter.name.name);
        error("unknown-argument", argument.name.range,
              "`" + name + "` has no argument `" + argument.name.name + "`")
            .hint(didYouMean(argument.name.name, names));
        return {};
      }
    } else if (argument.kind != ast::Argument::Kind::Positional) {
      error("unknown-argument", argument.range,
            "`" + getText(argument.range) + "` is no argument of a layer");
      return {};
    }
    const ast::Expr *value = argument.value;
    if (auto *arrow = llvm::dyn_cast<ast::ArrowExpr>(value)) {
      resultSpace = arrow->space;
      value = arrow->source;
      if (!value)
        continue;
    }
    if (argument.kind == ast::Argument::Kind::Positional)
      ++position;
    if (index >= given.size() || given[index].second.isValid()) {
      error("wrong-count", argument.range,
            index >= given.size()
                ? "`" + name + "` takes " + llvm::Twine(given.size()) +
                      (given.size() == 1 ? " argument" : " arguments")
                : "`" + layer.parameters[index].name.name + "` is given twice");
      return {};
    }
    given[index] = {elaborate(value), value->getRange()};
    if (!given[index].first.isValid())
      return {};
  }

  // Layers are numbered as data flow through them: those of the arguments
  // first.
  Place instance = getInstance(name, site);
  Scope *inside = makeScope(callee.scope, instance);
  inside->isLibrary = callee.scope->isLibrary;

  // Arguments, then the spaces that the head gives names to.
  for (auto [i, parameter] : llvm::enumerate(layer.parameters)) {
    auto &[value, where] = given[i];
    if (!where.isValid()) {
      if (!parameter.defaultValue) {
        error("missing-argument", range,
              "`" + name + "` needs its argument `" + parameter.name.name +
                  "`");
        return {};
      }
      llvm::SaveAndRestore inScope(scope, callee.scope);
      value = elaborate(parameter.defaultValue);
      where = parameter.defaultValue->getRange();
    }
    if (!value.isValid())
      return {};
    Symbol *symbol = declare(*inside, parameter.name, nullptr);
    if (!symbol)
      return {};
    symbol->fixed = value;
    if (!parameter.type)
      continue;
    Node *node = requireValue(value, where);
    if (!node || !bindSpace(*this, *inside, parameter.type, node->space, where,
                            "`" + getText(where).str() + "`"))
      return {};
  }

  const Space *target = nullptr;
  if (resultSpace) {
    target = evaluateSpace(resultSpace);
    if (!target)
      return {};
    if (isCopied)
      target = spaces.withCopies(target, 2);
    if (!layer.result) {
      error("unknown-argument", resultSpace->getRange(),
            "`" + name + "` decides itself where its result lives");
      return {};
    }
    if (!bindSpace(*this, *inside, layer.result, target,
                   resultSpace->getRange(), "the result"))
      return {};
  } else if (layer.result) {
    auto *word = llvm::dyn_cast<ast::NameExpr>(layer.result);
    if (word && !inside->find(word->name) && word->name != "scalar") {
      error("missing-space", range,
            "`" + name + "` needs to know where its result lives")
          .hint("write `" + name + "(x -> space)`");
      return {};
    }
  }

  llvm::SaveAndRestore atPlace(place, instance);
  llvm::SaveAndRestore inScope(scope, inside);
  calling.insert(&layer);
  calls.push_back({name.str(), range, callee.scope->isLibrary});
  declareBody(*inside, layer.body);
  Meaning result;
  const ast::ReturnDecl *last = nullptr;
  for (const ast::Decl *decl : layer.body)
    if (auto *statement = llvm::dyn_cast<ast::ReturnDecl>(decl))
      last = statement;
  if (!last)
    error("no-return", layer.name.range, "layer `" + name + "` returns nothing")
        .hint("end it with `return ...`");
  else
    result = elaborate(last->value);
  if (result.is(Meaning::Kind::Value) && layer.result) {
    if (const Space *space = target ? target : evaluateSpace(layer.result))
      result = Meaning::ofValue(fit(
          result.value, space, last->value->getRange(), "the layer's result"));
    else
      result = {};
  }
  calls.pop_back();
  calling.erase(&layer);
  return result;
}
