//===- DeclBuilder.cpp - Statements of the parse tree ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Syntax/ASTBuilder.h"
#include "compiler/Syntax/Parser.h"
#include "llvm/ADT/STLExtras.h"

using namespace loco;
using namespace loco::ast;
using antlr4::ParserRuleContext;
using antlr4::tree::TerminalNode;
using llvm::ArrayRef;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Parts of statements
//===----------------------------------------------------------------------===//

Identifier ASTBuilder::identifier(ParserRuleContext *context) {
  SourceRange range = rangeOf(context);
  return {spell(range), range};
}

/// A name that is being declared; words of the future are refused.
Identifier ASTBuilder::declaredName(LocoParser::NameContext *context,
                                    StringRef noun) {
  Identifier name = identifier(context);
  if (isReservedName(name.name))
    diagnostics
        .error("reserved-name", name.range,
               "`" + name.name +
                   "` is a word of the language and cannot name a " + noun)
        .hint("another name will do: `" + name.name + "_`");
  return name;
}

ArrayRef<Identifier>
ASTBuilder::declaredNames(ArrayRef<LocoParser::NameContext *> contexts,
                          StringRef noun) {
  llvm::SmallVector<Identifier> names;
  for (auto *context : contexts)
    names.push_back(declaredName(context, noun));
  return arena.copy(ArrayRef(names));
}

ArrayRef<Parameter>
ASTBuilder::parameters(LocoParser::ParametersContext *context) {
  llvm::SmallVector<Parameter> list;
  if (!context)
    return {};
  for (auto *each : context->parameter()) {
    Parameter parameter;
    parameter.range = rangeOf(each);
    parameter.name = declaredName(each->name(), "parameter");
    auto parts = each->full();
    if (each->COLON())
      parameter.type = full(parts.front());
    if (each->ASSIGN())
      parameter.defaultValue = full(parts.back());
    list.push_back(parameter);
  }
  return arena.copy(ArrayRef(list));
}

ArrayRef<Identifier> ASTBuilder::targets(LocoParser::TargetsContext *context,
                                         StringRef noun) {
  return declaredNames(context->name(), noun);
}

/// The names on the left of `sign`, or nothing after an error.
std::optional<ArrayRef<Identifier>> ASTBuilder::targets(const Expr *expr,
                                                        StringRef sign) {
  llvm::SmallVector<Identifier> names;
  ArrayRef<const Expr *> elements = expr;
  if (TupleExpr::classof(expr))
    elements = static_cast<const TupleExpr *>(expr)->elements;
  for (const Expr *element : elements) {
    if (!NameExpr::classof(element)) {
      diagnostics.error("bad-target", element->getRange(),
                        "expected a name on the left of `" + sign + "`");
      return std::nullopt;
    }
    names.push_back(
        {static_cast<const NameExpr *>(element)->name, element->getRange()});
  }
  return arena.copy(ArrayRef(names));
}

/// `"name" =` before a value.
const StringExpr *ASTBuilder::label(TerminalNode *text, TerminalNode *assign) {
  return assign ? string(text->getSymbol()) : nullptr;
}

//===----------------------------------------------------------------------===//
// Which statement may stand where
//===----------------------------------------------------------------------===//

bool ASTBuilder::isAllowed(LocoParser::StatementContext *context, size_t rule,
                           Scope scope) {
  using P = LocoParser;
  bool allowed = false;
  StringRef place;
  switch (scope) {
  case Scope::File:
    place = "outside of a model";
    allowed = llvm::is_contained({P::RuleUse, P::RuleModel, P::RuleLayer,
                                  P::RuleRun, P::RuleParam, P::RuleLet},
                                 rule);
    if (auto *param = context->param())
      allowed = param->CONST() != nullptr;
    break;
  case Scope::Model:
    place = "in a model";
    allowed = !llvm::is_contained({P::RuleUse, P::RuleModel, P::RuleLayer,
                                   P::RuleRun, P::RulePlain, P::RuleResult},
                                  rule);
    break;
  case Scope::Layer:
    place = "in a layer";
    allowed = llvm::is_contained({P::RuleParam, P::RuleLattice, P::RuleCoupling,
                                  P::RuleLet, P::RulePlain, P::RuleResult},
                                 rule);
    break;
  case Scope::Dynamics:
    place = "in `dynamics`";
    allowed = rule == P::RuleLet || rule == P::RulePlain;
    break;
  case Scope::Step:
    place = "in `step`";
    allowed = rule == P::RuleLet || rule == P::RulePlain;
    break;
  }
  if (allowed)
    return true;

  SourceRange word = rangeOf(context->getStart());
  if (rule == P::RulePlain) {
    diagnostics
        .error("misplaced-statement", rangeOf(context),
               "an equation cannot stand " + place)
        .hint(scope == Scope::Model
                  ? "write it in `dynamics`, or name a value with `let`"
                  : "name a value with `let`");
    return false;
  }
  Diagnostic &error =
      diagnostics.error("misplaced-statement", word,
                        "`" + spell(word) + "` cannot stand " + place);
  bool ofFile = llvm::is_contained(
      {P::RuleUse, P::RuleModel, P::RuleLayer, P::RuleRun}, rule);
  if (ofFile)
    error.hint("it stands by itself, outside of all braces");
  else if (rule == P::RuleResult)
    error.hint("only a layer returns something");
  return false;
}

void ASTBuilder::item(LocoParser::ItemContext *context, Scope scope,
                      Decls &out) {
  if (!failed.contains(context) && context->statement())
    statement(context->statement(), scope, out);
}

void ASTBuilder::statement(LocoParser::StatementContext *context, Scope scope,
                           Decls &out) {
  auto *inner = static_cast<ParserRuleContext *>(context->children.front());
  size_t rule = inner->getRuleIndex();
  if (!isAllowed(context, rule, scope))
    return;
  auto add = [&](const Decl *decl) {
    if (decl)
      out.push_back(decl);
  };
  switch (rule) {
  case LocoParser::RuleUse:
    return add(use(context->use()));
  case LocoParser::RuleModel:
    return add(model(context->model()));
  case LocoParser::RuleLayer:
    return add(layer(context->layer()));
  case LocoParser::RuleRun:
    return add(run(context->run()));
  case LocoParser::RuleLattice:
    return add(lattice(context->lattice()));
  case LocoParser::RuleInput:
    return add(input(context->input()));
  case LocoParser::RuleParam:
    return params(context->param(), out);
  case LocoParser::RuleCoupling:
    return add(coupling(context->coupling()));
  case LocoParser::RuleState:
    return states(context->state(), out);
  case LocoParser::RuleInit:
    return inits(context->init(), out);
  case LocoParser::RuleEncode:
    return add(encode(context->encode()));
  case LocoParser::RuleDecode:
    return add(decode(context->decode()));
  case LocoParser::RuleLet:
    return add(let(context->let()));
  case LocoParser::RuleDraw:
    return add(draw(context->draw()));
  case LocoParser::RuleRequire:
    return add(require(context->require()));
  case LocoParser::RuleDynamics:
    return add(dynamics(context->dynamics()));
  case LocoParser::RuleStep:
    return add(step(context->step()));
  case LocoParser::RuleSolve:
    return add(solve(context->solve()));
  case LocoParser::RuleLoss:
    return add(loss(context->loss()));
  case LocoParser::RuleOutput:
    return add(output(context->output()));
  case LocoParser::RuleProbe:
    return add(probe(context->probe()));
  case LocoParser::RuleResult:
    return add(result(context->result()));
  case LocoParser::RulePlain:
    return equations(context->plain(), scope, out);
  default:
    llvm_unreachable("a statement of the grammar");
  }
}

void ASTBuilder::build(LocoParser::FileContext *context) {
  Decls decls;
  for (auto *each : context->item())
    item(each, Scope::File, decls);
  file.body = arena.copy(ArrayRef<const Decl *>(decls));
}

Body ASTBuilder::block(LocoParser::BlockContext *context, Scope scope) {
  Decls decls;
  for (auto *each : context->item())
    item(each, scope, decls);
  return arena.copy(ArrayRef<const Decl *>(decls));
}

Body ASTBuilder::runBlock(LocoParser::RunBlockContext *context) {
  Decls decls;
  for (auto *each : context->settingItem())
    if (!failed.contains(each) && each->setting())
      decls.push_back(setting(each->setting()));
  return arena.copy(ArrayRef<const Decl *>(decls));
}

//===----------------------------------------------------------------------===//
// Statements of files
//===----------------------------------------------------------------------===//

const Decl *ASTBuilder::use(LocoParser::UseContext *context) {
  auto *decl = arena.create<UseDecl>(rangeOf(context));
  llvm::SmallVector<Identifier> path;
  for (auto *word : context->path()->word())
    path.push_back(identifier(word));
  decl->path = arena.copy(ArrayRef(path));
  decl->pathRange = rangeOf(context->path());
  return decl;
}

const Decl *ASTBuilder::model(LocoParser::ModelContext *context) {
  auto *head = context->modelHead();
  bool isSystem = context->SYSTEM() != nullptr;
  Identifier name = declaredName(head->name(), isSystem ? "system" : "model");
  if (context->ASSIGN()) {
    if (head->parameters())
      diagnostics.error("unexpected-token", rangeOf(head->parameters()),
                        "an instance of a model takes no parameters");
    auto *decl = arena.create<InstanceDecl>(rangeOf(context));
    decl->isSystem = isSystem;
    decl->name = name;
    decl->value = value(context->value());
    return decl;
  }
  auto *decl = arena.create<ModelDecl>(rangeOf(context));
  decl->isSystem = isSystem;
  decl->name = name;
  decl->parameters = parameters(head->parameters());
  decl->body = block(context->block(), Scope::Model);
  return decl;
}

const Decl *ASTBuilder::layer(LocoParser::LayerContext *context) {
  auto *head = context->layerHead();
  auto *decl = arena.create<LayerDecl>(rangeOf(context));
  decl->name = declaredName(head->name(), "layer");
  decl->parameters = parameters(head->parameters());
  if (head->spaced())
    decl->result = spaced(head->spaced());
  decl->body = block(context->block(), Scope::Layer);
  return decl;
}

const Decl *ASTBuilder::run(LocoParser::RunContext *context) {
  auto *decl = arena.create<RunDecl>(rangeOf(context));
  decl->verb = context->TRAIN()     ? RunDecl::Verb::Train
               : context->ANALYZE() ? RunDecl::Verb::Analyze
                                    : RunDecl::Verb::Simulate;
  decl->model = identifier(context->runHead()->name());
  decl->body = runBlock(context->runBlock());
  return decl;
}

const Decl *ASTBuilder::setting(LocoParser::SettingContext *context) {
  if (context->probe())
    return probe(context->probe());
  auto *decl = arena.create<SettingDecl>(rangeOf(context));
  decl->name = identifier(context->word());
  if (context->STRING())
    decl->label = label(context->STRING(), context->ASSIGN());
  if (context->path())
    decl->target = identifier(context->path());
  auto values = context->value();
  if (context->AFTER())
    decl->after = value(values.back());
  if (values.size() > (context->AFTER() ? 1u : 0u))
    decl->value = value(values.front());
  if (context->every())
    decl->every = value(context->every()->value());
  return decl;
}
