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
    diagnostics.error("reserved-name", name.range,
                      "`" + name.name +
                          "` is a word of the language and cannot name a " +
                          noun);
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

const Interval *ASTBuilder::interval(LocoParser::IntervalContext *context) {
  Interval result;
  result.lower = value(context->value(0));
  result.upper = value(context->value(1));
  result.lowerOpen = context->LPAREN() != nullptr;
  result.upperOpen = context->RPAREN() != nullptr;
  result.range = rangeOf(context);
  result.range.begin =
      rangeOf(result.lowerOpen ? context->LPAREN() : context->LBRACKET()).begin;
  return arena.create<Interval>(result);
}

/// `"name" =` before a value.
const StringExpr *ASTBuilder::label(TerminalNode *text, TerminalNode *assign) {
  return assign ? string(text->getSymbol()) : nullptr;
}

static SourceRange placeOf(const Expr *expr) { return expr->getRange(); }
static SourceRange placeOf(const Interval *interval) { return interval->range; }
static SourceRange placeOf(const Identifier &name) { return name.range; }
static SourceRange placeOf(SourceRange range) { return range; }
static bool isSet(const void *node) { return node; }
static bool isSet(const Identifier &name) { return !name.empty(); }
static bool isSet(SourceRange range) { return range.isValid(); }

template <typename Field>
void ASTBuilder::setOnce(Field &field, Field value, ParserRuleContext *clause,
                         StringRef what) {
  if (isSet(field)) {
    diagnostics
        .error("duplicate-clause", rangeOf(clause), what + " is given twice")
        .place(placeOf(field), "first here");
    return;
  }
  field = value;
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
    return add(named<EncodeDecl>(context->encode()));
  case LocoParser::RuleDecode:
    return add(named<DecodeDecl>(context->decode()));
  case LocoParser::RuleLet:
    return add(let(context->let()));
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
  decl->label = label(context->STRING(), context->ASSIGN());
  if (context->value())
    decl->value = value(context->value());
  if (context->every())
    decl->every = value(context->every()->value());
  return decl;
}

//===----------------------------------------------------------------------===//
// Statements of models
//===----------------------------------------------------------------------===//

const Decl *ASTBuilder::lattice(LocoParser::LatticeContext *context) {
  auto *decl = arena.create<LatticeDecl>(rangeOf(context));
  decl->name = declaredName(context->name(), "lattice");
  decl->space = spaced(context->spaced());
  return decl;
}

const Decl *ASTBuilder::input(LocoParser::InputContext *context) {
  auto *decl = arena.create<InputDecl>(rangeOf(context));
  decl->names = declaredNames(context->name(), "input");
  decl->space = spaced(context->spaced());
  decl->perStep = context->PER() != nullptr;
  return decl;
}

/// Names without clauses of their own share those of the next name.
void ASTBuilder::params(LocoParser::ParamContext *context, Decls &out) {
  llvm::SmallVector<LocoParser::NameContext *> names;
  auto items = context->paramItem();
  for (auto *each : items) {
    names.push_back(each->name());
    if (each->paramClause().empty() && each != items.back())
      continue;
    SourceRange range = rangeOf(names.front()).merge(rangeOf(each));
    if (each == items[names.size() - 1]) // the first one has the word
      range = rangeOf(context->getStart()).merge(range);
    auto *decl = arena.create<ParamDecl>(range);
    decl->role = context->PARAM()    ? ParamDecl::Role::Param
                 : context->FROZEN() ? ParamDecl::Role::Frozen
                                     : ParamDecl::Role::Const;
    decl->names = declaredNames(names, "parameter");
    names.clear();
    for (auto *clause : each->paramClause()) {
      if (clause->ON())
        setOnce(decl->space, postfix(clause->postfix()), clause, "the lattice");
      else if (clause->COLON())
        setOnce(decl->type, spaced(clause->spaced()), clause, "the space");
      else if (clause->interval())
        setOnce(decl->interval, interval(clause->interval()), clause,
                "the range");
      else if (clause->VIA())
        setOnce(decl->via, identifier(clause->word()), clause,
                "the parametrisation");
      else if (decl->value || decl->distribution)
        setOnce(decl->value ? decl->value : decl->distribution,
                value(clause->value()), clause, "the value");
      else
        (clause->ASSIGN() ? decl->value : decl->distribution) =
            value(clause->value());
    }
    out.push_back(decl);
  }
}

const Decl *ASTBuilder::coupling(LocoParser::CouplingContext *context) {
  auto *decl = arena.create<CouplingDecl>(rangeOf(context));
  decl->names = declaredNames(context->name(), "coupling");
  decl->kernel = value(context->value());
  for (auto *clause : context->rangeClause()) {
    if (clause->interval())
      setOnce(decl->interval, interval(clause->interval()), clause,
              "the range");
    else
      setOnce(decl->via, identifier(clause->word()), clause,
              "the parametrisation");
  }
  for (auto *clause : context->couplingClause()) {
    if (clause->ON())
      setOnce(decl->space, postfix(clause->postfix()), clause, "the lattice");
    else if (clause->MIXING())
      setOnce(decl->mixing, identifier(clause->word()), clause,
              "the axis that is mixed");
    else if (clause->BIAS())
      setOnce(decl->bias, rangeOf(clause), clause, "`bias`");
    else
      setOnce(decl->init, value(clause->value()), clause, "the initial kernel");
  }
  return decl;
}

void ASTBuilder::states(LocoParser::StateContext *context, Decls &out) {
  llvm::SmallVector<LocoParser::NameContext *> names;
  auto items = context->stateItem();
  for (auto *each : items) {
    names.push_back(each->name());
    if (each->stateClause().empty() && each != items.back())
      continue;
    SourceRange range = rangeOf(names.front()).merge(rangeOf(each));
    if (each == items[names.size() - 1])
      range = rangeOf(context->getStart()).merge(range);
    auto *decl = arena.create<StateDecl>(range);
    decl->names = declaredNames(names, "state");
    names.clear();
    for (auto *clause : each->stateClause()) {
      if (clause->ON()) {
        setOnce(decl->space, postfix(clause->postfix()), clause, "the lattice");
      } else if (clause->COLON()) {
        setOnce(decl->type, spaced(clause->spaced()), clause, "the space");
      } else if (clause->CARRY()) {
        decl->carry = true;
      } else if (clause->WITH()) {
        if (!decl->velocities.empty())
          diagnostics
              .error("duplicate-clause", rangeOf(clause),
                     "the velocity is given twice")
              .place(decl->velocities.front().range, "first here")
              .hint("write one state on each line");
        decl->velocities = declaredNames(clause->name(), "state");
      } else if (decl->value || decl->distribution) {
        setOnce(decl->value ? decl->value : decl->distribution,
                value(clause->value()), clause, "the initial value");
      } else {
        (clause->ASSIGN() ? decl->value : decl->distribution) =
            value(clause->value());
      }
    }
    if (!decl->velocities.empty() &&
        decl->velocities.size() != decl->names.size())
      diagnostics
          .error(
              "velocity-count", decl->velocities.back().range,
              llvm::Twine(decl->names.size()) + " states, but " +
                  llvm::Twine(decl->velocities.size()) +
                  (decl->velocities.size() == 1 ? " velocity" : " velocities"))
          .place(decl->names.back().range, "the states")
          .hint("give each state one velocity");
    out.push_back(decl);
  }
}

void ASTBuilder::inits(LocoParser::InitContext *context, Decls &out) {
  for (auto *each : context->initItem()) {
    auto *decl = arena.create<InitDecl>(rangeOf(each));
    decl->targets = targets(each->targets(), "state");
    decl->value = value(each->value());
    out.push_back(decl);
  }
}

/// `encode name = value`, `decode name = value`.
template <typename DeclT, typename Context>
const Decl *ASTBuilder::named(Context *context) {
  auto *decl = arena.create<DeclT>(rangeOf(context));
  decl->name = declaredName(context->name(), "value");
  decl->value = value(context->value());
  return decl;
}

const Decl *ASTBuilder::let(LocoParser::LetContext *context) {
  auto *decl = arena.create<LetDecl>(rangeOf(context));
  decl->targets = targets(context->targets(), "value");
  decl->isFunction = context->parameters() != nullptr;
  if (decl->isFunction && decl->targets.size() > 1)
    diagnostics.error("bad-target", rangeOf(context->targets()),
                      "expected one name before the parameters");
  decl->parameters = parameters(context->parameters());
  decl->value = value(context->value());
  return decl;
}

const Decl *ASTBuilder::dynamics(LocoParser::DynamicsContext *context) {
  auto *decl = arena.create<DynamicsDecl>(rangeOf(context));
  if (context->block())
    decl->body = block(context->block(), Scope::Dynamics);
  else
    decl->rule = value(context->value());
  return decl;
}

const Decl *ASTBuilder::step(LocoParser::StepContext *context) {
  auto *decl = arena.create<StepDecl>(rangeOf(context));
  decl->isAfter = context->AFTER() != nullptr;
  decl->body = block(context->block(), Scope::Step);
  return decl;
}

const Decl *ASTBuilder::solve(LocoParser::SolveContext *context) {
  auto *decl = arena.create<SolveDecl>(rangeOf(context));
  decl->method = value(context->value());
  if (context->every())
    decl->every = value(context->every()->value());
  return decl;
}

const Decl *ASTBuilder::loss(LocoParser::LossContext *context) {
  auto *decl = arena.create<LossDecl>(rangeOf(context));
  decl->value = value(context->value());
  return decl;
}

const Decl *ASTBuilder::output(LocoParser::OutputContext *context) {
  auto *decl = arena.create<OutputDecl>(rangeOf(context));
  decl->name = declaredName(context->name(), "output");
  if (context->spaced())
    decl->space = spaced(context->spaced());
  decl->value = value(context->value());
  return decl;
}

const Decl *ASTBuilder::probe(LocoParser::ProbeContext *context) {
  auto *decl = arena.create<ProbeDecl>(rangeOf(context));
  decl->label = label(context->STRING(), context->ASSIGN());
  decl->value = value(context->value());
  if (context->every())
    decl->every = value(context->every()->value());
  return decl;
}

const Decl *ASTBuilder::result(LocoParser::ResultContext *context) {
  auto *decl = arena.create<ReturnDecl>(rangeOf(context));
  Exprs values;
  for (auto *each : context->value())
    values.push_back(value(each));
  decl->value = values.front();
  if (values.size() > 1)
    decl->value = arena.create<TupleExpr>(
        values.front()->getRange().merge(values.back()->getRange()),
        arena.copy(ArrayRef<const Expr *>(values)));
  return decl;
}

/// `lhs = rhs` or `lhs <- rhs`: what it is depends on where it stands.
void ASTBuilder::equations(LocoParser::PlainContext *context, Scope scope,
                           Decls &out) {
  for (auto *each : context->equation())
    if (const Decl *decl = equation(each, scope))
      out.push_back(decl);
}

const Decl *ASTBuilder::equation(LocoParser::EquationContext *context,
                                 Scope scope) {
  const Expr *lhs = value(context->value(0));
  const Expr *rhs = value(context->value(1));
  bool isUpdate = context->UPDATE() != nullptr;
  if (isUpdate != (scope == Scope::Step)) {
    SourceRange sign =
        rangeOf(isUpdate ? context->UPDATE() : context->ASSIGN());
    if (isUpdate)
      diagnostics
          .error("misplaced-statement", sign, "`<-` stands in `step` only")
          .hint("write `=`");
    else
      diagnostics
          .error("misplaced-statement", sign,
                 "`step` gives states their new values with `<-`")
          .hint("write `<-`, or name a value with `let`");
    return nullptr;
  }
  if (scope == Scope::Dynamics) {
    auto *decl = arena.create<EquationDecl>(rangeOf(context));
    decl->lhs = lhs;
    decl->rhs = rhs;
    return decl;
  }
  auto names = targets(lhs, isUpdate ? "<-" : "=");
  if (!names)
    return nullptr;
  if (isUpdate) {
    auto *decl = arena.create<UpdateDecl>(rangeOf(context));
    decl->targets = *names;
    decl->value = rhs;
    return decl;
  }
  for (const Identifier &name : *names)
    if (isReservedName(name.name))
      diagnostics.error("reserved-name", name.range,
                        "`" + name.name +
                            "` is a word of the language and cannot name a "
                            "value");
  auto *decl = arena.create<LetDecl>(rangeOf(context));
  decl->targets = *names;
  decl->value = rhs;
  return decl;
}
