//===- Printer.cpp - Declarations as text ---------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Printer.h"
#include "compiler/AST/ExprPrinter.h"
#include "compiler/AST/Walk.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace loco;
using namespace loco::ast;
using llvm::StringRef;

namespace {

/// Prints one declaration; each clause prints the space before it.
class DeclPrinter {
public:
  DeclPrinter(llvm::raw_ostream &os, const PrintOptions &options)
      : os(os), exprs(os, options.explicitNesting) {}

  void print(const Decl *decl, unsigned indent);

private:
  void line(const Decl *decl);
  void param(const ParamDecl *decl);
  void coupling(const CouplingDecl *decl);
  void state(const StateDecl *decl);
  void let(const LetDecl *decl);
  void label(const StringExpr *label);
  void probe(const ProbeDecl *decl);
  void setting(const SettingDecl *decl);

  void names(llvm::ArrayRef<Identifier> list, StringRef separator = ", ");
  void targets(llvm::ArrayRef<Identifier> list);
  void parameters(llvm::ArrayRef<Parameter> list);
  void interval(const Interval *interval);
  void via(Identifier name);
  void clause(StringRef word, const Expr *expr, Level level = Level::Value);
  /// The same for spaces, where `by` and `on` need no parentheses.
  void spaceClause(StringRef word, const Expr *expr) {
    clause(word, expr, Level::By);
  }

  llvm::raw_ostream &os;
  ExprPrinter exprs;
};

} // namespace

void DeclPrinter::names(llvm::ArrayRef<Identifier> list, StringRef separator) {
  llvm::interleave(
      list, os, [&](const Identifier &name) { os << name.name; }, separator);
}

void DeclPrinter::targets(llvm::ArrayRef<Identifier> list) {
  os << (list.size() > 1 ? "(" : "");
  names(list);
  os << (list.size() > 1 ? ")" : "");
}

void DeclPrinter::parameters(llvm::ArrayRef<Parameter> list) {
  auto printOne = [&](const Parameter &parameter) {
    os << parameter.name.name;
    clause(" : ", parameter.type, Level::Any);
    clause(" = ", parameter.defaultValue, Level::Any);
  };
  os << '(';
  llvm::interleave(list, os, printOne, ", ");
  os << ')';
}

void DeclPrinter::interval(const Interval *interval) {
  if (!interval)
    return;
  os << " in " << (interval->lowerOpen ? '(' : '[');
  exprs.print(interval->lower, Level::Value);
  os << ", ";
  exprs.print(interval->upper, Level::Value);
  os << (interval->upperOpen ? ')' : ']');
}

void DeclPrinter::via(Identifier name) {
  if (name)
    os << " via " << name.name;
}

void DeclPrinter::clause(StringRef word, const Expr *expr, Level level) {
  if (!expr)
    return;
  os << word;
  exprs.print(expr, level);
}

void DeclPrinter::param(const ParamDecl *decl) {
  os << (decl->role == ParamDecl::Role::Param    ? "param "
         : decl->role == ParamDecl::Role::Frozen ? "frozen "
                                                 : "const ");
  names(decl->names);
  clause(" on ", decl->space, Level::Postfix);
  spaceClause(" : ", decl->type);
  clause(" = ", decl->value);
  clause(" ~ ", decl->distribution);
  interval(decl->interval);
  via(decl->via);
}

void DeclPrinter::coupling(const CouplingDecl *decl) {
  os << (decl->isFrozen ? "frozen coupling " : "coupling ");
  names(decl->names);
  interval(decl->interval);
  via(decl->via);
  clause(" : ", decl->kernel);
  clause(" on ", decl->space, Level::Postfix);
  if (decl->mixing)
    os << " mixing " << decl->mixing.name;
  if (decl->hasBias())
    os << " bias";
  clause(" = ", decl->biasValue);
  clause(" ~ ", decl->biasDistribution);
  clause(" init ", decl->init);
}

void DeclPrinter::state(const StateDecl *decl) {
  os << "state ";
  names(decl->names);
  clause(" on ", decl->space, Level::Postfix);
  spaceClause(" : ", decl->type);
  if (!decl->velocities.empty()) {
    os << " with velocity ";
    names(decl->velocities);
  }
  clause(" = ", decl->value);
  clause(" ~ ", decl->distribution);
  os << (decl->carry ? " carry" : "");
}

void DeclPrinter::let(const LetDecl *decl) {
  os << "let ";
  targets(decl->targets);
  if (decl->isFunction)
    parameters(decl->parameters);
  clause(" = ", decl->value);
}

void DeclPrinter::label(const StringExpr *label) {
  if (!label)
    return;
  os << ' ';
  exprs.printString(label->value);
  os << " =";
}

void DeclPrinter::probe(const ProbeDecl *decl) {
  os << "probe";
  label(decl->label);
  clause(" ", decl->value);
  clause(" every ", decl->every);
}

void DeclPrinter::setting(const SettingDecl *decl) {
  os << decl->name.name;
  label(decl->label);
  if (!decl->target.name.empty())
    os << ' ' << decl->target.name << " =";
  clause(" ", decl->value);
  clause(" after ", decl->after);
  clause(" every ", decl->every);
}

/// Prints the part of a declaration before its braces.
void DeclPrinter::line(const Decl *decl) {
  llvm::TypeSwitch<const Decl *>(decl)
      .Case<UseDecl>([&](auto *d) {
        os << "use ";
        names(d->path, ".");
      })
      .Case<ModelDecl>([&](auto *d) {
        os << (d->isSystem ? "system " : "model ") << d->name.name;
        if (!d->parameters.empty())
          parameters(d->parameters);
      })
      .Case<InstanceDecl>([&](auto *d) {
        os << (d->isSystem ? "system " : "model ") << d->name.name;
        clause(" = ", d->value);
      })
      .Case<LayerDecl>([&](auto *d) {
        os << "layer " << d->name.name;
        parameters(d->parameters);
        spaceClause(" -> ", d->result);
      })
      .Case<RunDecl>([&](auto *d) {
        os << (d->verb == RunDecl::Verb::Train     ? "train "
               : d->verb == RunDecl::Verb::Analyze ? "analyze "
                                                   : "simulate ")
           << d->model.name;
      })
      .Case<LatticeDecl>([&](auto *d) {
        os << "lattice " << d->name.name;
        spaceClause(" = ", d->space);
      })
      .Case<InputDecl>([&](auto *d) {
        os << "input ";
        names(d->names);
        spaceClause(" : ", d->space);
        os << (d->perStep ? " per step" : "");
      })
      .Case<ParamDecl>([&](auto *d) { param(d); })
      .Case<CouplingDecl>([&](auto *d) { coupling(d); })
      .Case<StateDecl>([&](auto *d) { state(d); })
      .Case<InitDecl>([&](auto *d) {
        os << "init ";
        targets(d->targets);
        clause(" = ", d->value);
      })
      .Case<EncodeDecl>([&](auto *d) {
        os << "encode " << d->name.name;
        clause(" = ", d->value);
      })
      .Case<DecodeDecl>([&](auto *d) {
        os << "decode " << d->name.name;
        clause(" = ", d->value);
      })
      .Case<LetDecl>([&](auto *d) { let(d); })
      .Case<DrawDecl>([&](auto *d) {
        os << "draw ";
        names(d->names);
        clause(" on ", d->space, Level::Postfix);
        clause(" ~ ", d->distribution);
        if (d->perStep)
          os << " per step";
      })
      .Case<RequireDecl>([&](auto *d) { clause("require ", d->value); })
      .Case<DynamicsDecl>([&](auto *d) {
        os << "dynamics";
        clause(" ", d->rule);
      })
      .Case<StepDecl>(
          [&](auto *d) { os << (d->isAfter ? "after " : "") << "step"; })
      .Case<SolveDecl>([&](auto *d) {
        clause("solve ", d->method);
        clause(" every ", d->every);
      })
      .Case<LossDecl>([&](auto *d) {
        os << "loss " << d->name.name << (d->name.name.empty() ? "" : " ");
        clause("= ", d->value);
        clause(" weight ", d->weight);
      })
      .Case<OutputDecl>([&](auto *d) {
        os << "output " << d->name.name;
        spaceClause(" : ", d->space);
        clause(" = ", d->value);
      })
      .Case<ProbeDecl>([&](auto *d) { probe(d); })
      .Case<SettingDecl>([&](auto *d) { setting(d); })
      .Case<ReturnDecl>([&](auto *d) { clause("return ", d->value); })
      .Case<EquationDecl>([&](auto *d) {
        exprs.print(d->lhs, Level::Value);
        clause(" = ", d->rhs);
      })
      .Case<UpdateDecl>([&](auto *d) {
        targets(d->targets);
        clause(" <- ", d->value);
      });
}

/// Whether the declaration has braces, even around nothing.
static bool hasBody(const Decl *decl) {
  if (auto *dynamics = llvm::dyn_cast<DynamicsDecl>(decl))
    return !dynamics->rule;
  return llvm::isa<ModelDecl, LayerDecl, RunDecl, StepDecl>(decl);
}

void DeclPrinter::print(const Decl *decl, unsigned indent) {
  os.indent(indent);
  line(decl);
  if (!hasBody(decl)) {
    os << '\n';
    return;
  }
  os << " {\n";
  for (const Decl *inner : getBody(decl))
    print(inner, indent + 2);
  os.indent(indent) << "}\n";
}

void ast::print(const Decl *decl, llvm::raw_ostream &os, unsigned indent,
                const PrintOptions &options) {
  DeclPrinter(os, options).print(decl, indent);
}

void ast::print(const File &file, llvm::raw_ostream &os,
                const PrintOptions &options) {
  os << "loco " << file.languageVersion << '\n';
  for (const Decl *decl : file.body) {
    if (hasBody(decl))
      os << '\n';
    print(decl, os, 0, options);
  }
}
