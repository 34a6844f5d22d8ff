//===- ModelBuilder.cpp - Statements of models ----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Syntax/ASTBuilder.h"
#include "compiler/Syntax/Parser.h"

using namespace loco;
using namespace loco::ast;
using antlr4::ParserRuleContext;
using llvm::ArrayRef;
using llvm::StringRef;

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
  decl->isFrozen = context->FROZEN();
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
    if (clause->ON()) {
      setOnce(decl->space, postfix(clause->postfix()), clause, "the lattice");
    } else if (clause->MIXING()) {
      setOnce(decl->mixing, identifier(clause->word()), clause,
              "the axis that is mixed");
    } else if (clause->BIAS()) {
      setOnce(decl->bias, rangeOf(clause), clause, "`bias`");
      if (clause->value())
        (clause->ASSIGN() ? decl->biasValue : decl->biasDistribution) =
            value(clause->value());
    } else {
      setOnce(decl->init, value(clause->value()), clause, "the initial kernel");
    }
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

const Decl *ASTBuilder::encode(LocoParser::EncodeContext *context) {
  auto *decl = arena.create<EncodeDecl>(rangeOf(context));
  decl->name = declaredName(context->name(), "value");
  decl->value = value(context->value());
  return decl;
}

const Decl *ASTBuilder::decode(LocoParser::DecodeContext *context) {
  auto *decl = arena.create<DecodeDecl>(rangeOf(context));
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

const Decl *ASTBuilder::draw(LocoParser::DrawContext *context) {
  auto *decl = arena.create<DrawDecl>(rangeOf(context));
  decl->names = declaredNames(context->name(), "value");
  if (context->ON())
    decl->space = postfix(context->postfix());
  decl->distribution = value(context->value());
  decl->perStep = context->PER() != nullptr;
  return decl;
}

const Decl *ASTBuilder::require(LocoParser::RequireContext *context) {
  auto *decl = arena.create<RequireDecl>(rangeOf(context));
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
  if (context->name())
    decl->name = declaredName(context->name(), "loss");
  decl->value = value(context->value(0));
  if (context->WEIGHT())
    decl->weight = value(context->value(1));
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
      diagnostics
          .error("reserved-name", name.range,
                 "`" + name.name +
                     "` is a word of the language and cannot name a value")
          .hint("another name will do: `" + name.name + "_`");
  auto *decl = arena.create<LetDecl>(rangeOf(context));
  decl->targets = *names;
  decl->value = rhs;
  return decl;
}
