//===- ElaborateNames.cpp - What names mean -------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Builtins.h"
#include "compiler/Sema/Elaborator.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Scopes
//===----------------------------------------------------------------------===//

Symbol *Scope::find(StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->parent)
    if (Symbol *symbol = scope->symbols.lookup(name))
      return symbol;
  return nullptr;
}

void Scope::collectNames(std::vector<StringRef> &names) const {
  for (const Scope *scope = this; scope; scope = scope->parent) {
    size_t first = names.size();
    for (const auto &entry : scope->symbols)
      names.push_back(entry.getKey());
    // A map has no order; suggestions must have one.
    std::sort(names.begin() + first, names.end());
  }
}

Scope *Elaborator::makeScope(Scope *parent, Place place) {
  scopes.push_back(std::make_unique<Scope>());
  Scope *made = scopes.back().get();
  made->parent = parent;
  made->place = std::move(place);
  return made;
}

Symbol *Elaborator::declare(Scope &scope, ast::Identifier name,
                            const ast::Decl *decl, unsigned index) {
  if (const Symbol *other = scope.symbols.lookup(name.name)) {
    error("duplicate-name", name.range, "`" + name.name + "` is declared twice")
        .note(other->range, "it is declared here first");
    return nullptr;
  }
  Symbol &symbol = symbols.emplace_back();
  symbol.name = name.name.str();
  symbol.range = name.range;
  symbol.scope = &scope;
  symbol.decl = decl;
  symbol.index = index;
  scope.symbols[name.name] = &symbol;
  return &symbol;
}

//===----------------------------------------------------------------------===//
// Names in expressions
//===----------------------------------------------------------------------===//

/// White noise, one number per site of the state whose equation this is.
Meaning Elaborator::elaborateNoise(const ast::NameExpr &expr) {
  if (!noiseSpace || !noiseScale) {
    error("misplaced", expr.getRange(),
          noiseSpace ? "`noise` needs a solver for noise"
                     : "`noise` stands only on the right side of an equation")
        .hint(noiseSpace ? "write `solve euler_maruyama(dt)`"
                         : "`sample(q)` draws from a distribution");
    return {};
  }
  Node *draw = graph.random(/*isNormal=*/true,
                            getStream(getInstance("noise", &expr).name),
                            Moment::Current, noiseSpace);
  draw->inIterate = isIterating;
  return Meaning::ofValue(
      graph.binary(Op::Multiply, graph.broadcastLike(noiseScale, draw), draw));
}

Meaning Elaborator::elaborateName(const ast::NameExpr &expr) {
  if (expr.name == "noise")
    return elaborateNoise(expr);
  return lookUp(expr.name, expr.getRange());
}

Meaning Elaborator::lookUp(StringRef name, SourceRange range) {
  if (Symbol *symbol = scope->find(name))
    return resolve(*symbol, range);
  if (name == "pi")
    return Meaning::ofValue(graph.constant(M_PI));
  if (name == "inf")
    return Meaning::ofValue(graph.constant(INFINITY));
  if (isBuiltin(name)) {
    error("not-a-value", range, "`" + name + "` is a function, not a value")
        .hint("call it as `" + name + "(...)`");
    return {};
  }
  if (name == "scalar")
    return Meaning::ofSpace(spaces.getScalar());
  error("unknown-name", range, "nothing is called `" + name + "`")
      .hint(suggest(name, {}));
  return {};
}

/// `sheet.ring`.
Meaning Elaborator::elaborateMember(const ast::MemberExpr &expr) {
  Meaning base = elaborate(expr.base);
  if (!base.isValid())
    return {};
  if (base.is(Meaning::Kind::Space) && expr.member.name == "ring" &&
      base.space->kind == SpaceKind::Rings)
    return Meaning::ofSpace(spaces.getRing(spaces.withChannels(base.space, 0)));
  Diagnostic &diagnostic =
      error("unknown-member", expr.member.range,
            "`" + getText(expr.base->getRange()) + "` has no part `" +
                expr.member.name + "`");
  if (base.is(Meaning::Kind::Space) && base.space->kind == SpaceKind::Rings)
    diagnostic.hint("one ring of it is `" + getText(expr.base->getRange()) +
                    ".ring`");
  else if (base.is(Meaning::Kind::Coupling) && expr.member.name == "T")
    diagnostic.hint("write `transpose(" + getText(expr.base->getRange()) +
                    ") @ y`");
  else if (base.is(Meaning::Kind::Value))
    diagnostic.hint("functions stand in front: `mean(" +
                    getText(expr.base->getRange()) + ")`");
  return {};
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

/// True if the meaning is the same whatever the states are.
static bool isStateFree(const Meaning &meaning) {
  if (!meaning.isValid())
    return false;
  for (Node *node : {meaning.value, meaning.logVariance})
    if (node && node->readsState)
      return false;
  return llvm::all_of(meaning.elements, isStateFree);
}

/// True if a value of it differs from step to step.
static bool isPerStep(const Meaning &meaning) {
  for (Node *node : {meaning.value, meaning.logVariance})
    if (node && node->perStep)
      return true;
  return llvm::any_of(meaning.elements, isPerStep);
}

Meaning Elaborator::resolve(Symbol &symbol, SourceRange use) {
  return context.derivative ? resolveInDerivative(symbol, use)
                            : resolveHere(symbol, use);
}

Meaning Elaborator::resolveHere(Symbol &symbol, SourceRange use) {
  if (!symbol.decl)
    return symbol.fixed;
  // Where there is no step, a name means what it means at every step, as long
  // as it is the same at all of them.
  bool isBinding =
      llvm::isa<ast::EncodeDecl, ast::DecodeDecl, ast::LetDecl>(symbol.decl);
  auto *draw = llvm::dyn_cast<ast::DrawDecl>(symbol.decl);
  bool isTimed = isBinding || (draw && draw->perStep) ||
                 llvm::isa<ast::InputDecl, ast::StateDecl>(symbol.decl);
  // Spaces, parameters and couplings are the same at all times.
  if (!isTimed) {
    llvm::SaveAndRestore always(context, Context{Moment::Current, nullptr});
    return resolveOnce(symbol, use);
  }
  if (context.moment != Moment::Sample || !isBinding)
    return resolveOnce(symbol, use);
  llvm::SaveAndRestore atStep(context,
                              Context{Moment::Current, context.states,
                                      context.isApart, context.derivative});
  Meaning meaning = resolveOnce(symbol, use);
  if (!isPerStep(meaning))
    return meaning;
  error("per-step-value", use,
        "`" + StringRef(symbol.name) +
            "` has a value at every step, but what "
            "stands here is needed once per sample")
      .hint("take the first one with `first(" + StringRef(symbol.name) + ")`");
  return {};
}

/// True if a meaning is made of the inputs of a step alone, so that it is the
/// same before the time loop and in it.
static bool isOfInputs(const Meaning &meaning) {
  for (Node *node : {meaning.value, meaning.logVariance})
    if (node && (node->usesState || node->usesSequence))
      return false;
  return meaning.isValid() && llvm::all_of(meaning.elements, isOfInputs);
}

/// What a name means before the time loop is what it means in it, or the other
/// way round: one value, that both can share.
std::optional<Meaning> Elaborator::findShared(const Symbol &symbol) const {
  // Results that take the place of an input do so in the loop only.
  if (sequence.getFed() || context.moment != Moment::Current ||
      context.derivative)
    return std::nullopt;
  for (auto &[when, meaning] : symbol.known)
    if (when.moment == Moment::Current && when.isApart != context.isApart &&
        !when.derivative && isOfInputs(meaning))
      return meaning;
  return std::nullopt;
}

Meaning Elaborator::resolveOnce(Symbol &symbol, SourceRange use) {
  for (auto &[when, meaning] : symbol.known)
    if (when == context || (when.moment == context.moment && !when.states &&
                            when.isApart == context.isApart &&
                            when.derivative == context.derivative))
      return meaning;
  if (std::optional<Meaning> shared = findShared(symbol))
    return *shared;
  // A definition that needs its own derivative is as much of a cycle.
  for (Context other : symbol.inProgress) {
    other.derivative = context.derivative;
    if (other == context)
      return reportCycle(symbol, use);
  }

  symbol.inProgress.push_back(context);
  resolving.push_back(&symbol);
  Meaning meaning;
  {
    llvm::SaveAndRestore inScope(scope, symbol.valueScope ? symbol.valueScope
                                                          : symbol.scope);
    llvm::SaveAndRestore order(currentOrder);
    llvm::SaveAndRestore neighbourhood(inNeighbourhood, false);
    llvm::SaveAndRestore noise(noiseSpace, static_cast<const Space *>(nullptr));
    llvm::SaveAndRestore copied(copiedCall,
                                static_cast<const ast::Expr *>(nullptr));
    if (symbol.scope == modelScope)
      currentOrder = symbol.order;
    using namespace ast;
    switch (symbol.decl->getKind()) {
    case Decl::Kind::Lattice:
      meaning = Meaning::ofSpace(nullptr);
      if (const Space *space = evaluateSpace(
              symbol.value ? symbol.value
                           : llvm::cast<LatticeDecl>(symbol.decl)->space))
        meaning = Meaning::ofSpace(space);
      break;
    case Decl::Kind::Input:
      meaning = resolveInput(symbol, *llvm::cast<InputDecl>(symbol.decl), use);
      break;
    case Decl::Kind::Param:
      meaning = resolveParameter(symbol, *llvm::cast<ParamDecl>(symbol.decl));
      break;
    case Decl::Kind::Coupling:
      meaning = resolveCoupling(symbol, *llvm::cast<CouplingDecl>(symbol.decl));
      break;
    case Decl::Kind::State:
      meaning = resolveState(symbol, use);
      break;
    case Decl::Kind::Draw:
      meaning = resolveDraw(symbol, *llvm::cast<DrawDecl>(symbol.decl), use);
      break;
    case Decl::Kind::Encode:
      meaning =
          elaborateBinding(symbol, llvm::cast<EncodeDecl>(symbol.decl)->value);
      break;
    case Decl::Kind::Decode:
      meaning =
          elaborateBinding(symbol, llvm::cast<DecodeDecl>(symbol.decl)->value);
      break;
    case Decl::Kind::Let: {
      auto *let = llvm::cast<LetDecl>(symbol.decl);
      if (let->isFunction) {
        meaning.kind = Meaning::Kind::Function;
        meaning.function = let;
        meaning.scope = symbol.scope;
      } else {
        meaning = elaborateBinding(symbol, let->value);
      }
      break;
    }
    case Decl::Kind::Model:
    case Decl::Kind::Instance:
      meaning.kind = Meaning::Kind::Model;
      meaning.declaration = symbol.decl;
      break;
    case Decl::Kind::Layer:
      meaning.kind = Meaning::Kind::Layer;
      meaning.layer = llvm::cast<LayerDecl>(symbol.decl);
      meaning.scope = symbol.scope;
      break;
    default:
      error("not-a-value", use,
            "`" + StringRef(symbol.name) + "` is not a value")
          .note(symbol.range, "it is declared here");
    }
  }
  resolving.pop_back();
  symbol.inProgress.pop_back();
  Context when = context;
  if (isStateFree(meaning))
    when.states = nullptr;
  symbol.known.emplace_back(when, meaning);
  return meaning;
}

/// The right side of `encode`, `decode` or `let`, at a place of its own.
Meaning Elaborator::elaborateBinding(Symbol &symbol, const ast::Expr *value) {
  llvm::SaveAndRestore atPlace(place, symbol.scope->place);
  place.name += (place.name.empty() ? "" : ".") + symbol.name;
  place.path.push_back(symbol.decl);

  auto *let = llvm::dyn_cast<ast::LetDecl>(symbol.decl);
  // `let f = linear(-> s)` is a layer that waits for its operand.
  if (auto *call = llvm::dyn_cast<ast::CallExpr>(value))
    if (let && lacksOperand(*call, *symbol.scope)) {
      Meaning meaning;
      meaning.kind = Meaning::Kind::Partial;
      meaning.call = call;
      meaning.scope = symbol.scope;
      meaning.function = let;
      return meaning;
    }

  Meaning meaning = elaborate(value);
  // A model with a name of its own is one set of parameters.
  if (meaning.is(Meaning::Kind::Model))
    return callModel(meaning, getBareCall(value));
  if (!let || let->targets.size() < 2 || !meaning.isValid())
    return meaning;
  if (!meaning.is(Meaning::Kind::Tuple) ||
      meaning.elements.size() != let->targets.size()) {
    error("wrong-count", value->getRange(),
          "`" + getText(value->getRange()) + "` is not a tuple of " +
              llvm::Twine(let->targets.size()) + " values");
    return {};
  }
  return meaning.elements[symbol.index];
}

Meaning Elaborator::reportCycle(Symbol &symbol, SourceRange use) {
  auto first = llvm::find(resolving, &symbol);
  std::string chain;
  for (auto it = first; it != resolving.end(); ++it)
    chain +=
        (*it)->name == symbol.name ? "" : "`" + (*it)->name + "`, which needs ";
  error("cyclic-definition", use,
        "`" + StringRef(symbol.name) + "` needs " +
            (chain.empty() ? "itself" : chain + "`" + symbol.name + "` itself"))
      .note(symbol.range, "`" + StringRef(symbol.name) + "` is declared here");
  return {};
}

Meaning Elaborator::resolveInput(Symbol &symbol, const ast::InputDecl &decl,
                                 SourceRange use) {
  for (const Input &input : model.inputs) {
    if (input.name != symbol.name)
      continue;
    if (!input.perStep)
      return Meaning::ofValue(sequence.read(input, Moment::Sample));
    if (context.moment != Moment::Sample) {
      // Before the time loop there are no results.
      Node *value = sequence.read(input, context.moment, context.isApart);
      if (!value)
        error("not-yet", use,
              "the last class of a sample with a length of its own is not "
              "supported yet")
            .note(sequence.getCounting()->range, "this says which steps count");
      return Meaning::ofValue(value);
    }
    error("per-step-value", use,
          "`" + StringRef(symbol.name) +
              "` has a value at every step, but what "
              "stands here is needed once per sample")
        .note(input.range, "`" + StringRef(symbol.name) + "` is declared here")
        .hint("take the first one with `first(" + StringRef(symbol.name) +
              ")`");
    return {};
  }
  reportUnknownSpace(symbol, use);
  return {};
}

Meaning Elaborator::resolveState(Symbol &symbol, SourceRange use) {
  for (auto [index, state] : llvm::enumerate(model.states)) {
    if (state.name != symbol.name)
      continue;
    if (context.states)
      return Meaning::ofValue((*context.states)[index]);
    if (context.moment == Moment::Next || context.moment == Moment::NextWrap)
      error("no-next-state", use,
            "`" + StringRef(symbol.name) +
                "` is a state, whose next value is not known yet");
    else if (isMakingStep)
      error("needs-last-step", use,
            "`" + StringRef(symbol.name) +
                "` at other steps is not known while a step is made");
    else if (context.isApart)
      error("no-state-yet", use,
            "`" + StringRef(symbol.name) +
                "` has no value before the time loop, where a model is run "
                "backwards or to its end")
          .note(symbol.range, "it is declared here");
    else
      error("no-state-yet", use,
            "`" + StringRef(symbol.name) +
                "` has no value before the first step")
          .note(symbol.range, "it is declared here");
    return {};
  }
  reportUnknownSpace(symbol, use);
  return {};
}

/// An input or state without a space: it was refused, which is said already, or
/// what is being declared is made of it.
void Elaborator::reportUnknownSpace(const Symbol &symbol, SourceRange use) {
  if (!program.diagnostics.hasErrors())
    error("cyclic-definition", use,
          "the space of `" + StringRef(symbol.name) +
              "` is needed to declare it")
        .note(symbol.range,
              "`" + StringRef(symbol.name) + "` is declared here");
}
