//===- ElaborateLayer.cpp - Calls of layers -------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Elaborator.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

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

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// The parameter of the layer that an argument is for, counted from 0;
/// `position` counts those without a name. None after an error.
std::optional<size_t> Elaborator::findParameter(const ast::LayerDecl &layer,
                                                const Call &call,
                                                const ast::Argument &argument,
                                                size_t position) {
  if (argument.kind == ast::Argument::Kind::Positional)
    return position;
  if (argument.kind != ast::Argument::Kind::Named) {
    error("unknown-argument", argument.range,
          "`" + getText(argument.range) + "` is no argument of a layer");
    return std::nullopt;
  }
  std::vector<StringRef> names;
  for (auto [i, parameter] : llvm::enumerate(layer.parameters)) {
    if (parameter.name.name == argument.name.name)
      return i;
    names.push_back(parameter.name.name);
  }
  error("unknown-argument", argument.name.range,
        "`" + call.name + "` has no argument `" + argument.name.name + "`")
      .hint(didYouMean(argument.name.name, names));
  return std::nullopt;
}

/// `linear(-> s)`, `energy(hidden = 32)`: a call of a layer without a value to
/// begin with.
bool Elaborator::lacksOperand(const ast::CallExpr &call, Scope &inside) {
  auto isPlace = [](const ast::Argument &argument) {
    auto *arrow = llvm::dyn_cast<ast::ArrowExpr>(argument.value);
    return arrow && !arrow->source;
  };
  if (!call.arguments.empty() && isPlace(call.arguments.front()))
    return true;
  Symbol *callee = inside.find(call.getCalleeName());
  auto *layer =
      callee ? llvm::dyn_cast_or_null<ast::LayerDecl>(callee->decl) : nullptr;
  if (!layer || layer->parameters.empty() ||
      layer->parameters.front().defaultValue)
    return false;
  return llvm::all_of(call.arguments, [&](const ast::Argument &argument) {
    return isPlace(argument) ||
           (argument.kind == ast::Argument::Kind::Named &&
            argument.name.name != layer->parameters.front().name.name);
  });
}

/// Evaluates the arguments of a call and puts them into the layer's order.
bool Elaborator::evaluateArguments(const ast::LayerDecl &layer,
                                   const Call &call, LayerArguments &given) {
  given.values.resize(layer.parameters.size());
  size_t position = 0;
  if (call.piped && !given.values.empty())
    given.values[position++] = {*call.piped, call.range};
  for (const ast::Argument &argument : call.arguments) {
    std::optional<size_t> index =
        findParameter(layer, call, argument, position);
    if (!index)
      return false;
    const ast::Expr *value = argument.value;
    if (auto *arrow = llvm::dyn_cast<ast::ArrowExpr>(value)) {
      given.resultSpace = arrow->space;
      value = arrow->source;
      if (!value)
        continue;
    }
    if (argument.kind == ast::Argument::Kind::Positional)
      ++position;
    if (*index >= given.values.size()) {
      error("wrong-count", argument.range,
            "`" + call.name + "` takes " + llvm::Twine(given.values.size()) +
                (given.values.size() == 1 ? " argument" : " arguments"));
      return false;
    }
    auto &[meaning, where] = given.values[*index];
    if (where.isValid()) {
      error("wrong-count", argument.range,
            "`" + layer.parameters[*index].name.name + "` is given twice");
      return false;
    }
    meaning = elaborate(value);
    where = value->getRange();
    if (!meaning.isValid())
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Names of the head
//===----------------------------------------------------------------------===//

/// A word of the head that names no space yet: the call gives it one.
static bool isOpenSpace(const Scope &inside, const ast::Expr *annotation) {
  auto *name = llvm::dyn_cast<ast::NameExpr>(annotation);
  return name && name->name != "scalar" && !inside.find(name->name);
}

/// Binds a word of the head to a space (`x : from`), or checks the space that
/// stands there.
bool Elaborator::bindSpace(Scope &inside, const ast::Expr *annotation,
                           const Space *space, SourceRange range,
                           const llvm::Twine &what) {
  if (isOpenSpace(inside, annotation)) {
    auto *name = llvm::cast<ast::NameExpr>(annotation);
    Symbol *symbol =
        declare(inside, ast::Identifier{name->name, name->getRange()}, nullptr);
    symbol->fixed = Meaning::ofSpace(space);
    return true;
  }
  llvm::SaveAndRestore inScope(scope, &inside);
  const Space *wanted = evaluateSpace(annotation);
  if (!wanted || wanted == space)
    return wanted;
  error("space-mismatch", range,
        what + " lives on " + space->quote() + ", but the layer wants " +
            wanted->quote());
  return false;
}

/// Declares the layer's parameters with their values or defaults.
bool Elaborator::bindArguments(const ast::LayerDecl &layer, const Call &call,
                               LayerArguments &given, Scope &inside) {
  for (auto [i, parameter] : llvm::enumerate(layer.parameters)) {
    auto &[value, where] = given.values[i];
    if (!where.isValid() && !parameter.defaultValue) {
      error("missing-argument", call.range,
            "`" + call.name + "` needs its argument `" + parameter.name.name +
                "`");
      return false;
    }
    if (!where.isValid()) {
      llvm::SaveAndRestore inScope(scope, inside.parent);
      value = elaborate(parameter.defaultValue);
      where = parameter.defaultValue->getRange();
    }
    Symbol *symbol = declare(inside, parameter.name, nullptr);
    if (!value.isValid() || !symbol)
      return false;
    symbol->fixed = value;
    if (!parameter.type)
      continue;
    Node *node = requireValue(value, where);
    if (!node || !bindSpace(inside, parameter.type, node->space, where,
                            "`" + getText(where) + "`"))
      return false;
  }
  return true;
}

/// Gives the result its space. `copies` is the length of an axis in front of
/// it, or 0.
bool Elaborator::bindResult(const ast::LayerDecl &layer, const Call &call,
                            LayerArguments &given, Scope &inside,
                            int64_t copies) {
  if (!given.resultSpace) {
    if (!layer.result || !isOpenSpace(inside, layer.result))
      return true;
    error("missing-space", call.range,
          "`" + call.name + "` needs to know where its result lives")
        .hint("write `" + call.name + "(x -> space)`");
    return false;
  }
  given.target = evaluateSpace(given.resultSpace);
  if (!given.target)
    return false;
  if (copies)
    given.target = spaces.withCopies(given.target, copies);
  SourceRange range = given.resultSpace->getRange();
  if (layer.result)
    return bindSpace(inside, layer.result, given.target, range, "the result");
  error("unknown-argument", range,
        "`" + call.name + "` decides itself where its result lives");
  return false;
}

//===----------------------------------------------------------------------===//
// The call
//===----------------------------------------------------------------------===//

/// What the layer returns, where its arguments are bound.
Meaning Elaborator::elaborateBody(const ast::LayerDecl &layer, const Call &call,
                                  const Space *target, Scope &inside) {
  llvm::SaveAndRestore inScope(scope, &inside);
  declareBody(inside, layer.body);
  const ast::ReturnDecl *last = nullptr;
  for (const ast::Decl *decl : layer.body)
    if (auto *statement = llvm::dyn_cast<ast::ReturnDecl>(decl))
      last = statement;
  if (!last) {
    error("no-return", layer.name.range,
          "layer `" + call.name + "` returns nothing")
        .hint("end it with `return ...`");
    return {};
  }
  Meaning result = elaborate(last->value);
  if (!result.is(Meaning::Kind::Value) || !layer.result)
    return result;
  const Space *space = target ? target : evaluateSpace(layer.result);
  if (!space)
    return {};
  return Meaning::ofValue(
      fit(result.value, space, last->value->getRange(), "the layer's result"));
}

Meaning Elaborator::callLayer(const Meaning &callee, const Call &call) {
  const ast::LayerDecl &layer = *callee.layer;
  if (calling.contains(&layer)) {
    error("recursion", call.range, "layer `" + call.name + "` uses itself")
        .note(layer.name.range, "`" + call.name + "` is declared here");
    return {};
  }
  int64_t copies = copiedCall && copiedCall == call.site ? 2 : 0;
  llvm::SaveAndRestore copied(copiedCall,
                              static_cast<const ast::Expr *>(nullptr));
  LayerArguments given;
  if (!evaluateArguments(layer, call, given))
    return {};

  // Layers are numbered as data flow through them: those of the arguments
  // first.
  Place instance = getInstance(call.name, call.site);
  Scope *inside = makeScope(callee.scope, instance);
  inside->isLibrary = callee.scope->isLibrary;
  if (!bindArguments(layer, call, given, *inside) ||
      !bindResult(layer, call, given, *inside, copies))
    return {};

  llvm::SaveAndRestore atPlace(place, instance);
  calling.insert(&layer);
  calls.push_back({call.name.str(), call.range, callee.scope->isLibrary});
  Meaning result = elaborateBody(layer, call, given.target, *inside);
  calls.pop_back();
  calling.erase(&layer);
  return result;
}
