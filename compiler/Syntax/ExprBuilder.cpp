//===- ExprBuilder.cpp - Expressions of the parse tree --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Syntax/ASTBuilder.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace loco;
using namespace loco::ast;
using antlr4::ParserRuleContext;
using antlr4::tree::TerminalNode;
using llvm::ArrayRef;
using llvm::StringRef;

/// Enters `levels` of nesting for the time of a scope; `isTooDeep` after that
/// means that the error is reported and the expression should not be built.
class ASTBuilder::Deeper {
public:
  Deeper(ASTBuilder &builder, unsigned levels, SourceRange range)
      : builder(builder), levels(levels) {
    builder.depth += levels;
    if (isTooDeep())
      builder.diagnostics.error("nesting-too-deep", range,
                                "this expression is nested more than " +
                                    llvm::Twine(maxExprDepth) +
                                    " operations deep");
  }
  ~Deeper() { builder.depth -= levels; }
  bool isTooDeep() const { return builder.depth > maxExprDepth; }
  /// Stands for what was not built; the file is refused anyway.
  const Expr *placeholder(SourceRange range) const {
    return builder.arena.create<NameExpr>(range, "");
  }

private:
  ASTBuilder &builder;
  unsigned levels;
};

SourceRange ASTBuilder::rangeOf(ParserRuleContext *context) const {
  return rangeOf(context->getStart()).merge(rangeOf(context->getStop()));
}

/// The token of a child, or null if the child is a rule.
static antlr4::Token *tokenOf(antlr4::tree::ParseTree *child) {
  auto *terminal = dynamic_cast<TerminalNode *>(child);
  return terminal ? terminal->getSymbol() : nullptr;
}

const Expr *ASTBuilder::full(LocoParser::FullContext *context) {
  SourceRange range = rangeOf(context);
  Deeper level(*this, 1, range);
  if (level.isTooDeep())
    return level.placeholder(range);
  auto operands = context->spaced();
  const Expr *first = spaced(operands.front());
  if (context->OVER())
    return arena.create<OverExpr>(range, first, postfix(context->postfix()));
  if (!context->ARROW())
    return first;
  if (operands.size() == 1)
    return arena.create<ArrowExpr>(range, nullptr, first);
  return arena.create<ArrowExpr>(range, first, spaced(operands.back()));
}

const Expr *ASTBuilder::spaced(LocoParser::SpacedContext *context) {
  auto operands = context->located();
  SourceRange range = rangeOf(context);
  Deeper level(*this, operands.size() - 1, range);
  if (level.isTooDeep())
    return level.placeholder(range);
  const Expr *result = located(operands.front());
  for (auto *operand : ArrayRef(operands).drop_front()) {
    range.end = rangeOf(operand).end;
    result = arena.create<ByExpr>(range, result, located(operand));
  }
  return result;
}

const Expr *ASTBuilder::located(LocoParser::LocatedContext *context) {
  const Expr *inner = value(context->value());
  if (!context->ON())
    return inner;
  return arena.create<OnExpr>(rangeOf(context), inner,
                              postfix(context->postfix()));
}

const Expr *ASTBuilder::value(LocoParser::ValueContext *context) {
  auto operands = context->comparison();
  if (operands.size() == 1)
    return comparison(operands.front());
  Exprs stages;
  for (auto *operand : operands)
    stages.push_back(comparison(operand));
  return arena.create<PipeExpr>(rangeOf(context),
                                arena.copy(ArrayRef<const Expr *>(stages)));
}

static CompareOp compareOpOf(size_t type) {
  switch (type) {
  case LocoParser::LT:
    return CompareOp::Less;
  case LocoParser::LE:
    return CompareOp::LessEqual;
  case LocoParser::GT:
    return CompareOp::Greater;
  case LocoParser::GE:
    return CompareOp::GreaterEqual;
  case LocoParser::EQ:
    return CompareOp::Equal;
  default:
    return CompareOp::NotEqual;
  }
}

const Expr *ASTBuilder::comparison(LocoParser::ComparisonContext *context) {
  auto operands = context->sum();
  if (operands.size() == 1)
    return sum(operands.front());
  antlr4::Token *sign = tokenOf(context->children[1]);
  if (operands.size() > 2) {
    SourceRange second = rangeOf(tokenOf(context->children[3]));
    diagnostics.error("chained-comparison", second, "comparisons do not chain")
        .place(rangeOf(sign), "the first one")
        .hint("compare two values at a time");
  }
  return arena.create<CompareExpr>(rangeOf(context),
                                   compareOpOf(sign->getType()), rangeOf(sign),
                                   sum(operands[0]), sum(operands[1]));
}

/// Builds a sum or a product: operands and signs take turns.
template <typename Chain, typename ContextT, typename Build>
const Expr *ASTBuilder::terms(ContextT *context, size_t inverse, Build build) {
  llvm::SmallVector<Term> terms;
  Term term;
  for (antlr4::tree::ParseTree *child : context->children) {
    if (antlr4::Token *sign = tokenOf(child)) {
      term.inverse = sign->getType() == inverse;
      term.operatorRange = rangeOf(sign);
      continue;
    }
    term.value = build(child);
    terms.push_back(term);
  }
  return arena.create<Chain>(rangeOf(context), arena.copy(ArrayRef(terms)));
}

const Expr *ASTBuilder::sum(LocoParser::SumContext *context) {
  auto build = [this](antlr4::tree::ParseTree *child) {
    return product(static_cast<LocoParser::ProductContext *>(child));
  };
  if (context->children.size() == 1)
    return build(context->children.front());
  return terms<SumExpr>(context, LocoParser::MINUS, build);
}

const Expr *ASTBuilder::product(LocoParser::ProductContext *context) {
  auto build = [this](antlr4::tree::ParseTree *child) {
    return factor(static_cast<LocoParser::FactorContext *>(child));
  };
  if (context->children.size() == 1)
    return build(context->children.front());
  return terms<ProductExpr>(context, LocoParser::SLASH, build);
}

/// Whether the signs around `children[i]` stand behind a `^`.
static bool isInExponent(ArrayRef<antlr4::tree::ParseTree *> children,
                         size_t i) {
  while (i-- > 0) {
    antlr4::Token *token = tokenOf(children[i]);
    if (!token)
      return false;
    if (token->getType() == LocoParser::CARET)
      return true;
    if (token->getType() == LocoParser::AT)
      return false;
  }
  return false;
}

/// Signs, powers and couplings in one flat list, read from the right: each
/// operand takes the `^` behind it first, then the signs before it, then `@`.
const Expr *ASTBuilder::factor(LocoParser::FactorContext *context) {
  auto &children = context->children;
  if (children.size() == 1)
    return postfix(static_cast<LocoParser::PostfixContext *>(children[0]));
  SourceRange range = rangeOf(context);
  Deeper level(*this, children.size(), range);
  if (level.isTooDeep())
    return level.placeholder(range);

  // An expression with its place, which may hold parentheses around it.
  struct Piece {
    const Expr *expr = nullptr;
    SourceRange range;
  };
  // What stands to the right: what `@` and `^` will take, and the operand that
  // is being put together.
  Piece coupled, exponent, operand;
  auto couple = [&] {
    if (!coupled.expr)
      return;
    operand.range = operand.range.merge(coupled.range);
    operand.expr =
        arena.create<CoupleExpr>(operand.range, operand.expr, coupled.expr);
    coupled = {};
  };
  for (size_t i = children.size(); i-- > 0;) {
    antlr4::Token *sign = tokenOf(children[i]);
    if (!sign) {
      auto *inner = static_cast<LocoParser::PostfixContext *>(children[i]);
      operand = {postfix(inner), rangeOf(inner)};
      if (exponent.expr) {
        operand.range = operand.range.merge(exponent.range);
        operand.expr =
            arena.create<PowerExpr>(operand.range, operand.expr, exponent.expr);
      }
      exponent = {};
    } else if (sign->getType() == LocoParser::CARET) {
      exponent = operand;
    } else if (sign->getType() == LocoParser::AT) {
      couple();
      coupled = operand;
    } else {
      // `-W @ z` is `-(W @ z)`, but in `a ^ -b @ z` the sign is b's.
      if (!isInExponent(children, i))
        couple();
      operand.range = operand.range.merge(rangeOf(sign));
      if (sign->getType() == LocoParser::MINUS)
        operand.expr = arena.create<UnaryExpr>(operand.range, operand.expr);
    }
  }
  couple();
  return operand.expr;
}

const Expr *ASTBuilder::postfix(LocoParser::PostfixContext *context) {
  auto suffixes = context->suffix();
  if (suffixes.empty())
    return atom(context->atom());
  SourceRange whole = rangeOf(context);
  Deeper level(*this, suffixes.size(), whole);
  if (level.isTooDeep())
    return level.placeholder(whole);

  const Expr *result = atom(context->atom());
  for (size_t i = 0; i < suffixes.size(); ++i) {
    LocoParser::SuffixContext *suffix = suffixes[i];
    SourceRange range = whole;
    range.end = rangeOf(suffix).end;
    if (suffix->PRIME()) {
      unsigned order = 1;
      while (i + 1 < suffixes.size() && suffixes[i + 1]->PRIME()) {
        ++order;
        range.end = rangeOf(suffixes[++i]).end;
      }
      result = arena.create<DerivativeExpr>(range, result, order);
    } else if (suffix->DOT()) {
      result =
          arena.create<MemberExpr>(range, result, identifier(suffix->word()));
    } else if (suffix->LPAREN()) {
      result = call(result, suffix, range);
    } else {
      Exprs indices;
      for (auto *index : suffix->subscript())
        indices.push_back(subscript(index));
      result = arena.create<SubscriptExpr>(
          range, result, arena.copy(ArrayRef<const Expr *>(indices)));
    }
  }
  return result;
}

const Expr *ASTBuilder::call(const Expr *callee,
                             LocoParser::SuffixContext *context,
                             SourceRange range) {
  auto contexts = context->argument();
  for (auto *each : contexts)
    if (each->IN())
      return reduction(callee, context, each, range);
  llvm::SmallVector<Argument> arguments;
  for (auto *each : contexts)
    arguments.push_back(argument(each));
  return arena.create<CallExpr>(range, callee, arena.copy(ArrayRef(arguments)));
}

/// `mean(j in near(radius = 5): ...)`.
const Expr *ASTBuilder::reduction(const Expr *callee,
                                  LocoParser::SuffixContext *context,
                                  LocoParser::ArgumentContext *argument,
                                  SourceRange range) {
  Identifier reduction;
  if (NameExpr::classof(callee))
    reduction = {static_cast<const NameExpr *>(callee)->name,
                 callee->getRange()};
  else
    diagnostics.error("bad-reduction", callee->getRange(),
                      "expected the name of a reduction before `(` with a "
                      "neighbourhood");
  for (auto *other : context->argument())
    if (other != argument) {
      diagnostics
          .error("bad-reduction", rangeOf(other),
                 "a sum over neighbours takes nothing else")
          .place(rangeOf(argument), "the neighbours");
      break;
    }
  return arena.create<ReduceExpr>(
      range, reduction, identifier(argument->name()),
      postfix(argument->postfix()), full(argument->full()));
}

Argument ASTBuilder::argument(LocoParser::ArgumentContext *context) {
  Argument result;
  result.range = rangeOf(context);
  if (context->word()) {
    result.name = identifier(context->word());
    result.kind = context->ASSIGN()  ? Argument::Kind::Named
                  : context->TILDE() ? Argument::Kind::Distributed
                                     : Argument::Kind::Typed;
  }
  result.value = full(context->full());
  if (context->RANGE()) {
    const Expr *last = value(context->value());
    SourceRange range = result.value->getRange().merge(last->getRange());
    result.value = arena.create<RangeExpr>(range, result.value, last);
  }
  return result;
}

const Expr *ASTBuilder::subscript(LocoParser::SubscriptContext *context) {
  const Expr *first = context->full() ? full(context->full()) : nullptr;
  if (!context->RANGE())
    return first;
  const Expr *last = context->value() ? value(context->value()) : nullptr;
  return arena.create<RangeExpr>(rangeOf(context), first, last);
}

const Expr *ASTBuilder::atom(LocoParser::AtomContext *context) {
  if (context->NUMBER())
    return number(context);
  if (context->STRING())
    return string(context->STRING()->getSymbol());
  if (context->name())
    return name(context->name());

  Exprs elements;
  for (auto *element : context->full())
    elements.push_back(full(element));
  if (context->LPAREN() && elements.size() == 1 && context->COMMA().empty())
    return elements.front();
  ArrayRef<const Expr *> list = arena.copy(ArrayRef<const Expr *>(elements));
  if (context->LBRACKET())
    return arena.create<ListExpr>(rangeOf(context), list);
  if (elements.size() == 1)
    diagnostics.error("bad-tuple", rangeOf(context),
                      "a tuple has two elements or more");
  return arena.create<TupleExpr>(rangeOf(context), list);
}

const Expr *ASTBuilder::number(LocoParser::AtomContext *context) {
  SourceRange place = rangeOf(context->NUMBER());
  StringRef spelling = spell(place);
  double value = 0;
  // LLVM wants a digit before the point.
  std::string digits = (spelling.starts_with(".") ? "0" : "") + spelling.str();
  if (StringRef(digits).getAsDouble(value) || !std::isfinite(value))
    diagnostics.error("number-out-of-range", place,
                      "`" + spelling + "` is too large for a number");
  Identifier unit;
  if (context->ID())
    unit = {spell(rangeOf(context->ID())), rangeOf(context->ID())};
  return arena.create<NumberExpr>(rangeOf(context), value, spelling, unit);
}

const StringExpr *ASTBuilder::string(antlr4::Token *token) {
  SourceRange range = rangeOf(token);
  StringRef text = spell(range).drop_front().drop_back();
  if (!text.contains('\\'))
    return arena.create<StringExpr>(range, text);
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    char escape = text[++i];
    size_t known = StringRef("nt\"\\").find(escape);
    if (known == StringRef::npos) {
      uint32_t at = range.begin + i;
      diagnostics
          .error("invalid-escape", {range.file, at, at + 2},
                 "`\\" + text.substr(i, 1) + "` means nothing in a string")
          .hint("`\\\\` is a backslash");
      continue;
    }
    value += "\n\t\"\\"[known];
  }
  return arena.create<StringExpr>(range, arena.copy(StringRef(value)));
}

const Expr *ASTBuilder::name(LocoParser::NameContext *context) {
  SourceRange range = rangeOf(context);
  return arena.create<NameExpr>(range, spell(range));
}
