//===- ExprPrinter.cpp - Expressions as text ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/ExprPrinter.h"
#include "compiler/AST/Printer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace loco;
using namespace loco::ast;
using llvm::StringRef;

/// The level of the grammar rule that makes this kind of expression.
static Level levelOf(const Expr *expr) {
  switch (expr->getKind()) {
  case Expr::Kind::Arrow:
  case Expr::Kind::Over:
  case Expr::Kind::Range:
    return Level::Any;
  case Expr::Kind::By:
    return Level::By;
  case Expr::Kind::On:
    return Level::On;
  case Expr::Kind::Pipe:
    return Level::Value;
  case Expr::Kind::Compare:
    return Level::Compare;
  case Expr::Kind::Sum:
    return Level::Sum;
  case Expr::Kind::Product:
    return Level::Product;
  case Expr::Kind::Unary:
    return Level::Signed;
  case Expr::Kind::Couple:
    return Level::Couple;
  case Expr::Kind::Power:
    return Level::Power;
  default:
    return Level::Postfix;
  }
}

static StringRef spell(CompareOp op) {
  switch (op) {
  case CompareOp::Less:
    return "<";
  case CompareOp::LessEqual:
    return "<=";
  case CompareOp::Greater:
    return ">";
  case CompareOp::GreaterEqual:
    return ">=";
  case CompareOp::Equal:
    return "==";
  case CompareOp::NotEqual:
    return "!=";
  }
  llvm_unreachable("covered switch");
}

void ExprPrinter::print(const Expr *expr, Level level) {
  Level own = levelOf(expr);
  bool parentheses =
      own < level || (explicitNesting && own > Level::On &&
                      own < Level::Postfix && level != Level::Any);
  if (parentheses)
    os << '(';
  printBare(expr);
  if (parentheses)
    os << ')';
}

void ExprPrinter::printBare(const Expr *expr) {
  llvm::TypeSwitch<const Expr *>(expr)
      .Case<NumberExpr>([&](auto *e) {
        os << e->spelling;
        if (e->unit)
          os << ' ' << e->unit.name;
      })
      .Case<StringExpr>([&](auto *e) { printString(e->value); })
      .Case<NameExpr>([&](auto *e) { os << e->name; })
      .Case<MemberExpr>([&](auto *e) {
        print(e->base, Level::Postfix);
        os << '.' << e->member.name;
      })
      .Case<DerivativeExpr>([&](auto *e) {
        print(e->operand, Level::Postfix);
        os << std::string(e->order, '\'');
      })
      .Case<UnaryExpr>([&](auto *e) {
        os << '-';
        print(e->operand, Level::Signed);
      })
      .Case<PowerExpr>([&](auto *e) {
        print(e->base, Level::Postfix);
        os << '^';
        printExponent(e->exponent);
      })
      .Case<CoupleExpr>([&](auto *e) {
        print(e->coupling, Level::Power);
        os << " @ ";
        print(e->operand, Level::Signed);
      })
      .Case<ProductExpr>(
          [&](auto *e) { printTerms(e->terms, " * ", " / ", Level::Signed); })
      .Case<SumExpr>(
          [&](auto *e) { printTerms(e->terms, " + ", " - ", Level::Product); })
      .Case<CompareExpr>([&](auto *e) {
        print(e->lhs, Level::Sum);
        os << ' ' << spell(e->op) << ' ';
        print(e->rhs, Level::Sum);
      })
      .Case<PipeExpr>(
          [&](auto *e) { printList(e->stages, " |> ", Level::Compare); })
      .Case<CallExpr>([&](auto *e) {
        print(e->callee, Level::Postfix);
        os << '(';
        llvm::interleave(
            e->arguments, os, [&](const Argument &a) { printArgument(a); },
            ", ");
        os << ')';
      })
      .Case<ReduceExpr>([&](auto *e) {
        os << e->reduction.name << '(' << e->index.name << " in ";
        print(e->neighbourhood, Level::Postfix);
        os << ": ";
        print(e->body, Level::Any);
        os << ')';
      })
      .Case<SubscriptExpr>([&](auto *e) {
        print(e->base, Level::Postfix);
        os << '[';
        printList(e->indices, ", ", Level::Any);
        os << ']';
      })
      .Case<RangeExpr>([&](auto *e) {
        if (e->first)
          print(e->first, Level::Value);
        os << "..";
        if (e->last)
          print(e->last, Level::Value);
      })
      .Case<ByExpr>([&](auto *e) {
        print(e->base, Level::By);
        os << " by ";
        print(e->axis, Level::On);
      })
      .Case<OnExpr>([&](auto *e) {
        print(e->value, Level::Value);
        os << " on ";
        print(e->space, Level::Postfix);
      })
      .Case<ArrowExpr>([&](auto *e) {
        if (e->source) {
          print(e->source, Level::By);
          os << ' ';
        }
        os << "-> ";
        print(e->space, Level::By);
      })
      .Case<OverExpr>([&](auto *e) {
        print(e->value, Level::By);
        os << " over ";
        print(e->axis, Level::Postfix);
      })
      .Case<TupleExpr>([&](auto *e) {
        os << '(';
        printList(e->elements, ", ", Level::Any);
        os << ')';
      })
      .Case<ListExpr>([&](auto *e) {
        os << '[';
        printList(e->elements, ", ", Level::Any);
        os << ']';
      });
}

/// A sign in an exponent holds only what follows up to the next `@`, so its
/// operand is printed one level tighter than elsewhere.
void ExprPrinter::printExponent(const Expr *expr) {
  if (auto *unary = llvm::dyn_cast<UnaryExpr>(expr)) {
    os << '-';
    printExponent(unary->operand);
    return;
  }
  print(expr, Level::Power);
}

void ExprPrinter::printTerms(llvm::ArrayRef<Term> terms, StringRef plain,
                             StringRef inverse, Level level) {
  for (const Term &term : terms) {
    if (&term != terms.begin())
      os << (term.inverse ? inverse : plain);
    // A sum that stands first in a sum was in parentheses.
    print(term.value, level);
  }
}

void ExprPrinter::printList(llvm::ArrayRef<const Expr *> list,
                            StringRef separator, Level level) {
  llvm::interleave(
      list, os, [&](const Expr *e) { print(e, level); }, separator);
}

void ExprPrinter::printArgument(const Argument &argument) {
  os << argument.name.name;
  switch (argument.kind) {
  case Argument::Kind::Positional:
    break;
  case Argument::Kind::Named:
    os << " = ";
    break;
  case Argument::Kind::Distributed:
    os << " ~ ";
    break;
  case Argument::Kind::Typed:
    os << " : ";
    break;
  }
  print(argument.value, Level::Any);
}

void ExprPrinter::printString(StringRef value) {
  os << '"';
  for (char c : value) {
    if (c == '\n')
      os << "\\n";
    else if (c == '\t')
      os << "\\t";
    else if (c == '"' || c == '\\')
      os << '\\' << c;
    else
      os << c;
  }
  os << '"';
}

void ast::print(const Expr *expr, llvm::raw_ostream &os,
                const PrintOptions &options) {
  ExprPrinter(os, options.explicitNesting).print(expr, Level::Any);
}

std::string ast::toString(const Expr *expr) {
  std::string text;
  llvm::raw_string_ostream os(text);
  print(expr, os);
  return text;
}
