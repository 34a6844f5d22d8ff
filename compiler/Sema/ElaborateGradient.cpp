//===- ElaborateGradient.cpp - Derivatives as expressions -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `grad(E, x)` evaluates E once more, in a context in which `x` means a value
// of its own, and so does every `let`, encoder and decoder that depends on it.
// Whatever else has the same value as `x`, under another name, is held.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Elaborator.h"

using namespace loco;
using namespace loco::sema;

/// True if any value of `meaning` is made of `source`.
static bool isMadeOf(const Meaning &meaning, const Node *source) {
  for (const Node *node : {meaning.value, meaning.logVariance})
    if (node && dependsOn(node, source))
      return true;
  return llvm::any_of(meaning.elements, [&](const Meaning &element) {
    return isMadeOf(element, source);
  });
}

/// What a name means inside of a derivative: the variable, or what it means
/// outside if that does not depend on the variable.
Meaning Elaborator::resolveInDerivative(Symbol &symbol, SourceRange use) {
  Derivative derivative = derivatives[context.derivative - 1];
  Meaning outside;
  {
    llvm::SaveAndRestore around(context.derivative, derivative.around);
    outside = resolve(symbol, use);
  }
  if (!outside.isValid())
    return outside;
  if (&symbol == derivative.symbol && outside.value == derivative.original)
    return Meaning::ofValue(derivative.variable);
  bool isBinding =
      symbol.decl &&
      llvm::isa<ast::EncodeDecl, ast::DecodeDecl, ast::LetDecl>(symbol.decl);
  if (!isBinding || !isMadeOf(outside, derivative.original))
    return outside;
  return resolveHere(symbol, use);
}

/// Refuses what has no gradient; `use` is where the variable stands.
bool Elaborator::checkDifferentiable(const Node *scalar, const Node *variable,
                                     const ast::Expr *expr, SourceRange use) {
  SourceRange range = expr->getRange();
  if (!scalar->isScalar()) {
    error("not-a-scalar", range,
          "`" + getText(range) + "` is not a scalar" +
              (scalar->space
                   ? " but lives on `" + scalar->space->describe() + "`"
                   : "") +
              ", so it has no gradient")
        .hint("reduce it, as with `sum(...)`");
    return false;
  }
  auto isEarlier = [&](const Node *node) {
    return node->index <= variable->index;
  };
  for (const Node *node : collectNodes(graph, {scalar}, isEarlier))
    if (node->op == Op::TimeSum && dependsOn(node, variable)) {
      error("misplaced", range,
            "`" + getText(range) + "` reduces over time what depends on `" +
                getText(use) + "`, so it has no derivative by it")
          .hint("reduce over time the derivative instead");
      return false;
    }
  return true;
}

Node *Elaborator::differentiate(const ast::Expr *scalar, Symbol &symbol,
                                SourceRange use, bool mayBeZero) {
  Node *original = requireValue(resolve(symbol, use), use);
  if (!original)
    return nullptr;
  Node *variable = graph.variable(original);
  derivatives.push_back({context.derivative, &symbol, original, variable});
  Node *value;
  {
    llvm::SaveAndRestore inside(context.derivative,
                                unsigned(derivatives.size()));
    value = evaluate(scalar);
  }
  if (!value || !checkDifferentiable(value, variable, scalar, use))
    return nullptr;
  if (Node *gradient = graph.gradient(value, variable))
    return gradient;
  if (mayBeZero)
    return graph.constantLike(0, original);
  error("no-dependence", scalar->getRange(),
        "`" + getText(scalar->getRange()) + "` does not depend on `" +
            getText(use) + "`, so its derivative is zero")
      .note(symbol.range,
            "`" + llvm::StringRef(symbol.name) + "` is declared here")
      .hint("states are held constant, and so are values at other steps");
  return nullptr;
}

/// grad(E, x).
Meaning Elaborator::callGradient(const Call &call) {
  if (call.piped || inNeighbourhood) {
    error("misplaced", call.range,
          call.piped ? "`grad` cannot stand in a pipe"
                     : "`grad` cannot stand in a reduction over neighbours");
    return {};
  }
  auto *name = llvm::dyn_cast<ast::NameExpr>(call.getExpr(1));
  SourceRange use = call.getRange(1);
  if (!name) {
    error("not-a-name", use,
          "`grad` takes the derivative by a name, not by `" + getText(use) +
              "`")
        .hint("name it with `let`, or take a part of the derivative by all of "
              "it, as in `grad(E, q)[0]`");
    return {};
  }
  Symbol *symbol = scope->find(name->name);
  if (!symbol) {
    // Says what the name is, or that there is none.
    Meaning meaning = lookUp(name->name, use);
    if (meaning.isValid())
      error("not-a-name", use,
            "`" + getText(use) + "` is a number of the language");
    return {};
  }
  return Meaning::ofValue(
      differentiate(call.getExpr(0), *symbol, use, /*mayBeZero=*/false));
}
