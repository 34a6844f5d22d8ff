//===- Walk.cpp - Going through the AST -----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Walk.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace loco;
using namespace loco::ast;

using Visit = llvm::function_ref<void(const Expr *)>;

/// Visits those that are there.
static void visitAll(Visit visit, std::initializer_list<const Expr *> exprs) {
  for (const Expr *expr : exprs)
    if (expr)
      visit(expr);
}

static void visitParameters(Visit visit, llvm::ArrayRef<Parameter> parameters) {
  for (const Parameter &parameter : parameters)
    visitAll(visit, {parameter.type, parameter.defaultValue});
}

static void visitInterval(Visit visit, const Interval *interval) {
  if (interval)
    visitAll(visit, {interval->lower, interval->upper});
}

void ast::forEachOperand(const Expr *expr, Visit visit) {
  auto visitEach = [&](llvm::ArrayRef<const Expr *> list) {
    for (const Expr *element : list)
      visit(element);
  };
  auto visitTerms = [&](llvm::ArrayRef<Term> terms) {
    for (const Term &term : terms)
      visit(term.value);
  };
  llvm::TypeSwitch<const Expr *>(expr)
      .Case<NumberExpr, StringExpr, NameExpr>([](auto *) {})
      .Case<MemberExpr>([&](auto *e) { visit(e->base); })
      .Case<DerivativeExpr, UnaryExpr>([&](auto *e) { visit(e->operand); })
      .Case<PowerExpr>(
          [&](auto *e) { visitAll(visit, {e->base, e->exponent}); })
      .Case<CoupleExpr>(
          [&](auto *e) { visitAll(visit, {e->coupling, e->operand}); })
      .Case<ProductExpr, SumExpr>([&](auto *e) { visitTerms(e->terms); })
      .Case<CompareExpr>([&](auto *e) { visitAll(visit, {e->lhs, e->rhs}); })
      .Case<PipeExpr>([&](auto *e) { visitEach(e->stages); })
      .Case<CallExpr>([&](auto *e) {
        visit(e->callee);
        for (const Argument &argument : e->arguments)
          visit(argument.value);
      })
      .Case<ReduceExpr>(
          [&](auto *e) { visitAll(visit, {e->neighbourhood, e->body}); })
      .Case<SubscriptExpr>([&](auto *e) {
        visit(e->base);
        visitEach(e->indices);
      })
      .Case<RangeExpr>([&](auto *e) { visitAll(visit, {e->first, e->last}); })
      .Case<ByExpr>([&](auto *e) { visitAll(visit, {e->base, e->axis}); })
      .Case<OnExpr>([&](auto *e) { visitAll(visit, {e->value, e->space}); })
      .Case<ArrowExpr>([&](auto *e) { visitAll(visit, {e->source, e->space}); })
      .Case<OverExpr>([&](auto *e) { visitAll(visit, {e->value, e->axis}); })
      .Case<TupleExpr, ListExpr>([&](auto *e) { visitEach(e->elements); });
}

void ast::forEachExpr(const Decl *decl, Visit visit) {
  llvm::TypeSwitch<const Decl *>(decl)
      .Case<UseDecl, RunDecl, StepDecl>([](auto *) {})
      .Case<ModelDecl>([&](auto *d) { visitParameters(visit, d->parameters); })
      .Case<LayerDecl>([&](auto *d) {
        visitParameters(visit, d->parameters);
        visitAll(visit, {d->result});
      })
      .Case<LatticeDecl, InputDecl>(
          [&](auto *d) { visitAll(visit, {d->space}); })
      .Case<ParamDecl>([&](auto *d) {
        visitAll(visit, {d->space, d->type, d->value, d->distribution});
        visitInterval(visit, d->interval);
      })
      .Case<CouplingDecl>([&](auto *d) {
        visitInterval(visit, d->interval);
        visitAll(visit, {d->kernel, d->space, d->biasValue, d->biasDistribution,
                         d->init});
      })
      .Case<StateDecl>([&](auto *d) {
        visitAll(visit, {d->space, d->type, d->value, d->distribution});
      })
      .Case<InstanceDecl, InitDecl, EncodeDecl, DecodeDecl, ReturnDecl,
            UpdateDecl>([&](auto *d) { visitAll(visit, {d->value}); })
      .Case<LetDecl>([&](auto *d) {
        visitParameters(visit, d->parameters);
        visitAll(visit, {d->value});
      })
      .Case<DrawDecl>(
          [&](auto *d) { visitAll(visit, {d->space, d->distribution}); })
      .Case<RequireDecl>([&](auto *d) { visitAll(visit, {d->value}); })
      .Case<DynamicsDecl>([&](auto *d) { visitAll(visit, {d->rule}); })
      .Case<SolveDecl>([&](auto *d) { visitAll(visit, {d->method, d->every}); })
      .Case<OutputDecl>([&](auto *d) { visitAll(visit, {d->space, d->value}); })
      .Case<LossDecl>([&](auto *d) { visitAll(visit, {d->value, d->weight}); })
      .Case<ProbeDecl>(
          [&](auto *d) { visitAll(visit, {d->label, d->value, d->every}); })
      .Case<SettingDecl>([&](auto *d) {
        visitAll(visit, {d->label, d->value, d->after, d->every});
      })
      .Case<EquationDecl>([&](auto *d) { visitAll(visit, {d->lhs, d->rhs}); });
}

Body ast::getBody(const Decl *decl) {
  return llvm::TypeSwitch<const Decl *, Body>(decl)
      .Case<ModelDecl, LayerDecl, RunDecl, DynamicsDecl, StepDecl>(
          [](auto *d) { return d->body; })
      .Default([](auto *) { return Body(); });
}

void ast::walk(const Expr *expr, Visit visit) {
  visit(expr);
  forEachOperand(expr, [&](const Expr *operand) { walk(operand, visit); });
}
