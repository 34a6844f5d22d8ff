//===- ElaborateArithmetic.cpp - Operators --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Elaborator.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Spaces of operands
//===----------------------------------------------------------------------===//

std::string sema::hintAtReshape(const Node *value, StringRef text,
                                const Space *space) {
  auto isRow = [](const Space *s) { return s->kind == SpaceKind::Vector; };
  if (isRow(value->space) == isRow(space) ||
      value->space->getNumElements() != space->getNumElements())
    return "";
  return ("the same numbers are `reshape(" + text + " -> " + space->spell() +
          ")`")
      .str();
}

/// Says that two operands live on different spaces, at the second one.
void Elaborator::reportMismatch(const Node *lhs, const Node *rhs,
                                SourceRange lhsRange, SourceRange rhsRange) {
  auto lives = [&](SourceRange range, const Node *node) {
    return ("`" + getText(range) + "` lives on " + node->space->quote()).str();
  };
  Diagnostic &diagnostic =
      error("space-mismatch", rhsRange,
            lives(lhsRange, lhs) + ", but " + lives(rhsRange, rhs));
  if (!calls.empty() && calls.back().isLibrary)
    return; // The place is that of the call.
  diagnostic.label(rhs->space->describe());
  if (lhsRange.file == rhsRange.file)
    diagnostic.place(lhsRange, lhs->space->describe());
  bool toLeft = rhs->space->kind == SpaceKind::Vector;
  diagnostic.hint(toLeft ? hintAtReshape(rhs, getText(rhsRange), lhs->space)
                         : hintAtReshape(lhs, getText(lhsRange), rhs->space));
  noteDeclaration(diagnostic, rhsRange);
}

bool Elaborator::unify(Node *&lhs, Node *&rhs, SourceRange lhsRange,
                       SourceRange rhsRange) {
  if (lhs->space == rhs->space && lhs->shape == rhs->shape)
    return true;
  SmallVector<int64_t> axes;
  if (lhs->space && rhs->space) {
    if (findBroadcast(rhs->space, lhs->space, axes)) {
      rhs = graph.broadcast(rhs, lhs->space, axes);
      return true;
    }
    if (findBroadcast(lhs->space, rhs->space, axes)) {
      lhs = graph.broadcast(lhs, rhs->space, axes);
      return true;
    }
  }
  reportMismatch(lhs, rhs, lhsRange, rhsRange);
  return false;
}

Node *Elaborator::fit(Node *value, const Space *space, SourceRange range,
                      StringRef what) {
  SmallVector<int64_t> axes;
  if (findBroadcast(value->space, space, axes))
    return graph.broadcast(value, space, axes);
  Diagnostic &diagnostic =
      error("space-mismatch", range,
            "`" + getText(range) + "` lives on " + value->space->quote() +
                ", but " + what + " lives on " + space->quote())
          .label(value->space->describe())
          .hint(hintAtReshape(value, getText(range), space));
  noteDeclaration(diagnostic, range);
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

/// A flat chain of one operator and its inverse, from left to right. All terms
/// are looked at, so that each misspelt name is reported.
Meaning Elaborator::elaborateTerms(ArrayRef<ast::Term> terms, Op op,
                                   Op inverse) {
  Node *result = nullptr;
  // Where the operand that gave the result its space stands.
  SourceRange resultRange;
  bool failed = false;
  for (const ast::Term &term : terms) {
    Node *value = evaluate(term.value);
    SourceRange range = term.value->getRange();
    if (!value) {
      failed = true;
      continue;
    }
    if (!result) {
      result = value;
      resultRange = range;
      continue;
    }
    bool hasSpace = !value->isScalar() || result->isScalar();
    if (failed || !unify(result, value, resultRange, range)) {
      failed = true;
      continue;
    }
    if (hasSpace)
      resultRange = range;
    result = graph.binary(term.inverse ? inverse : op, result, value);
  }
  return failed ? Meaning() : Meaning::ofValue(result);
}

Meaning Elaborator::elaborateSum(const ast::SumExpr &expr) {
  return elaborateTerms(expr.terms, Op::Add, Op::Subtract);
}

Meaning Elaborator::elaborateProduct(const ast::ProductExpr &expr) {
  return elaborateTerms(expr.terms, Op::Multiply, Op::Divide);
}

Meaning Elaborator::elaborateUnary(const ast::UnaryExpr &expr) {
  Node *operand = evaluate(expr.operand);
  return operand ? Meaning::ofValue(graph.unary(Op::Negate, operand))
                 : Meaning();
}

/// `base ^ n` by repeated squaring.
static Node *makePower(Graph &graph, Node *base, unsigned n) {
  Node *result = nullptr;
  for (Node *square = base; n; n >>= 1) {
    if (n & 1)
      result = result ? graph.binary(Op::Multiply, result, square) : square;
    if (n > 1)
      square = graph.binary(Op::Multiply, square, square);
  }
  return result;
}

Meaning Elaborator::elaboratePower(const ast::PowerExpr &expr) {
  Node *base = evaluate(expr.base), *exponent = evaluate(expr.exponent);
  if (!base || !exponent)
    return {};
  if (exponent->isNumber() && !base->isNumber()) {
    double n = exponent->number, whole = std::abs(n);
    if (n == 0.5)
      return Meaning::ofValue(graph.unary(Op::Sqrt, base));
    if (n == 0)
      return Meaning::ofValue(graph.constantLike(1, base));
    // Few products are exact to an ulp or so and have a derivative at 0.
    if (whole == std::floor(whole) && whole <= 64) {
      Node *power = makePower(graph, base, whole);
      if (n < 0)
        power = graph.binary(Op::Divide, graph.constantLike(1, power), power);
      return Meaning::ofValue(power);
    }
  }
  if (!unify(base, exponent, expr.base->getRange(), expr.exponent->getRange()))
    return {};
  return Meaning::ofValue(graph.binary(Op::Power, base, exponent));
}

static Comparison getComparison(ast::CompareOp op) {
  switch (op) {
  case ast::CompareOp::Less:
    return Comparison::Less;
  case ast::CompareOp::LessEqual:
    return Comparison::LessEqual;
  case ast::CompareOp::Greater:
    return Comparison::Greater;
  case ast::CompareOp::GreaterEqual:
    return Comparison::GreaterEqual;
  case ast::CompareOp::Equal:
    return Comparison::Equal;
  case ast::CompareOp::NotEqual:
    return Comparison::NotEqual;
  }
  llvm_unreachable("unknown comparison");
}

Meaning Elaborator::elaborateCompare(const ast::CompareExpr &expr) {
  Node *lhs = evaluate(expr.lhs), *rhs = evaluate(expr.rhs);
  if (!lhs || !rhs ||
      !unify(lhs, rhs, expr.lhs->getRange(), expr.rhs->getRange()))
    return {};
  return Meaning::ofValue(graph.compare(getComparison(expr.op), lhs, rhs));
}
