//===- ModelResults.cpp - What a run can ask of a model -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Printer.h"
#include "compiler/Sema/ModelBuilder.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

/// A value that is needed at every step, also at the last one.
void ModelBuilder::checkEveryStep(Node *node, SourceRange range) {
  elaborator.checkCausal(node, range);
  if (node->perStep && node->usesLaterStep)
    elaborator
        .error("misplaced", range,
               "`" + elaborator.getText(range) +
                   "` has no value at the last step, which no step follows")
        .hint(isBuilt ? "write `next(x, wrap)`, or `error(y, x, ahead = 1)` "
                        "for what a step says of the next"
                      : "write `next(x, wrap)`, or use it in `loss`");
}

void ModelBuilder::makeResults() {
  llvm::SaveAndRestore when(elaborator.context,
                            Context{Moment::Current, &elaborator.newStates});
  for (const ast::Decl *decl : body->body) {
    if (auto *encode = llvm::dyn_cast<ast::EncodeDecl>(decl)) {
      Meaning meaning =
          elaborator.lookUp(encode->name.name, encode->name.range);
      if (meaning.value)
        model->encodings.push_back({encode->name.name.str(),
                                    meaning.value->space,
                                    meaning.is(Meaning::Kind::Gaussian)});
    } else if (auto *let = llvm::dyn_cast<ast::LetDecl>(decl)) {
      for (ast::Identifier name : let->targets)
        elaborator.lookUp(name.name, name.range);
    } else if (auto *decode = llvm::dyn_cast<ast::DecodeDecl>(decl)) {
      SourceRange range = decode->value->getRange();
      Node *node = elaborator.requireValue(
          elaborator.lookUp(decode->name.name, decode->name.range), range);
      if (!node)
        continue;
      checkEveryStep(node, range);
      model->results.push_back(
          {decode->name.name.str(), ResultRole::Output, node, range});
    }
  }
  // Inside of another model nothing asks for a loss.
  if (!elaborator.around)
    makeLosses();
  for (const ast::Decl *decl : body->body) {
    if (auto *probe = llvm::dyn_cast<ast::ProbeDecl>(decl))
      makeProbe(*probe);
  }
}

/// A probe that stands in the model.
void ModelBuilder::makeProbe(const ast::ProbeDecl &probe) {
  std::string name =
      addProbe(probe.value, probe.label ? probe.label->value.str()
                                        : ast::toString(probe.value));
  if (name.empty() || !probe.every)
    return;
  Result &result = model->results.back();
  SourceRange range = probe.every->getRange();
  if (!result.value->perStep) {
    elaborator
        .error("no-steps", range,
               "`" + elaborator.getText(result.range) +
                   "` is one value for all steps")
        .hint("leave out `every`");
    return;
  }
  llvm::SaveAndRestore inScope(elaborator.scope, elaborator.modelScope);
  if (auto every = elaborator.evaluateInteger(probe.every, 1, "an interval"))
    result.every = *every;
}

/// Results, states and losses are in one file, by their names.
bool ModelBuilder::checkResultName(StringRef name, SourceRange range) {
  if (const Result *other = model->findResult(name)) {
    elaborator
        .error("duplicate-name", range, "two results are called `" + name + "`")
        .note(other->range, "the first one is here");
    return false;
  }
  if (name == "loss" || name == "loss.samples" || name.starts_with("grad.") ||
      name.starts_with("random.")) {
    elaborator.error("reserved-name", range,
                     "`" + name + "` is the name of another result");
    return false;
  }
  for (const State &state : model->states)
    if (state.name == name) {
      elaborator
          .error("duplicate-name", range,
                 "`" + name + "` is a state, which is a result of that name")
          .note(state.range, "it is declared here")
          .hint("give one of the two another name");
      return false;
    }
  return true;
}

std::string ModelBuilder::addProbe(const ast::Expr *expr, std::string name) {
  llvm::SaveAndRestore when(elaborator.context,
                            Context{Moment::Current, &elaborator.newStates});
  // Those of run blocks see the names of their file (`makeRunScope`).
  llvm::SaveAndRestore inScope(
      elaborator.scope, isBuilt ? elaborator.scope : elaborator.modelScope);
  llvm::SaveAndRestore place(elaborator.place, Place{name, {expr}});
  SourceRange range = expr->getRange();
  size_t numParameters = model->parameters.size();
  Node *node = elaborator.evaluate(expr);
  if (!node)
    return {};
  if (isBuilt && model->parameters.size() != numParameters) {
    elaborator
        .error("misplaced", range,
               "`" + elaborator.getText(range) +
                   "` has parameters of its own, which nothing learns")
        .hint("put the layer into the model, in a `decode`");
    return {};
  }
  checkEveryStep(node, range);
  if (!checkResultName(name, range))
    return {};
  model->results.push_back({name, ResultRole::Probe, node, range});
  return name;
}
