//===- Expr.h - Expressions of the AST --------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A space (`torus(36, 36)`, `ring(256) by channels(16)`, `field on sheet`) is
// written like any other expression and is one here; what it means is decided
// by where it stands. Sums, products and pipes are flat lists, so a sum of a
// hundred thousand terms is one node; the depth of every other nesting is
// bounded by the parser (`maxExprDepth`), so consumers may recurse.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AST_EXPR_H
#define COMPILER_AST_EXPR_H

#include "compiler/AST/Node.h"

namespace loco::ast {

/// The deepest chain of nodes that the parser builds in one expression.
constexpr unsigned maxExprDepth = 1024;

class Expr {
public:
  enum class Kind {
    Number,
    String,
    Name,
    Member,
    Derivative,
    Unary,
    Power,
    Couple,
    Product,
    Sum,
    Compare,
    Pipe,
    Call,
    Reduce,
    Subscript,
    Range,
    By,
    On,
    Arrow,
    Over,
    Tuple,
    List,
  };

  Kind getKind() const { return kind; }
  SourceRange getRange() const { return range; }

protected:
  Expr(Kind kind, SourceRange range) : kind(kind), range(range) {}

private:
  Kind kind;
  SourceRange range;
};

/// Gives a node its kind and its `classof`.
template <Expr::Kind K>
class ExprOf : public Expr {
public:
  static bool classof(const Expr *expr) { return expr->getKind() == K; }

protected:
  explicit ExprOf(SourceRange range) : Expr(K, range) {}
};

/// `2.5e-4`, `20 deg`. The value is the number as written, before its unit.
struct NumberExpr : ExprOf<Expr::Kind::Number> {
  NumberExpr(SourceRange range, double value, llvm::StringRef spelling,
             Identifier unit)
      : ExprOf(range), value(value), spelling(spelling), unit(unit) {}

  /// Digits only: no point and no exponent.
  bool isInteger() const {
    return spelling.find_first_not_of("0123456789") == llvm::StringRef::npos;
  }

  double value;
  llvm::StringRef spelling;
  /// Empty if there is none.
  Identifier unit;
};

/// `"data/mnist"`, escapes resolved.
struct StringExpr : ExprOf<Expr::Kind::String> {
  StringExpr(SourceRange range, llvm::StringRef value)
      : ExprOf(range), value(value) {}
  llvm::StringRef value;
};

/// `z`.
struct NameExpr : ExprOf<Expr::Kind::Name> {
  NameExpr(SourceRange range, llvm::StringRef name)
      : ExprOf(range), name(name) {}
  llvm::StringRef name;
};

/// `base.member`.
struct MemberExpr : ExprOf<Expr::Kind::Member> {
  MemberExpr(SourceRange range, const Expr *base, Identifier member)
      : ExprOf(range), base(base), member(member) {}
  const Expr *base;
  Identifier member;
};

/// `z''`: the derivative in time of that order, 1 or more.
struct DerivativeExpr : ExprOf<Expr::Kind::Derivative> {
  DerivativeExpr(SourceRange range, const Expr *operand, unsigned order)
      : ExprOf(range), operand(operand), order(order) {}
  const Expr *operand;
  unsigned order;
};

/// `-operand`; the only unary operator. (`+operand` is the operand.)
struct UnaryExpr : ExprOf<Expr::Kind::Unary> {
  UnaryExpr(SourceRange range, const Expr *operand)
      : ExprOf(range), operand(operand) {}
  const Expr *operand;
};

/// `base ^ exponent`; `a ^ b ^ c` is `a ^ (b ^ c)`, `-a ^ b` is `-(a ^ b)`.
struct PowerExpr : ExprOf<Expr::Kind::Power> {
  PowerExpr(SourceRange range, const Expr *base, const Expr *exponent)
      : ExprOf(range), base(base), exponent(exponent) {}
  const Expr *base;
  const Expr *exponent;
};

/// `coupling @ operand`. Binds tighter than `*` and looser than `^`;
/// `A @ B @ z` is `A @ (B @ z)`.
struct CoupleExpr : ExprOf<Expr::Kind::Couple> {
  CoupleExpr(SourceRange range, const Expr *coupling, const Expr *operand)
      : ExprOf(range), coupling(coupling), operand(operand) {}
  const Expr *coupling;
  const Expr *operand;
};

/// One operand of a sum or a product with the operator before it.
struct Term {
  /// Subtracted in a sum, divided by in a product. Never set on the first.
  bool inverse = false;
  const Expr *value = nullptr;
  /// Where the operator stands; invalid for the first.
  SourceRange operatorRange;
};

/// `a * b / c`, from left to right; two terms at least.
struct ProductExpr : ExprOf<Expr::Kind::Product> {
  ProductExpr(SourceRange range, llvm::ArrayRef<Term> terms)
      : ExprOf(range), terms(terms) {}
  llvm::ArrayRef<Term> terms;
};

/// `a + b - c`, from left to right; two terms at least.
struct SumExpr : ExprOf<Expr::Kind::Sum> {
  SumExpr(SourceRange range, llvm::ArrayRef<Term> terms)
      : ExprOf(range), terms(terms) {}
  llvm::ArrayRef<Term> terms;
};

enum class CompareOp {
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  Equal,
  NotEqual
};

/// `lhs < rhs`; comparisons do not chain.
struct CompareExpr : ExprOf<Expr::Kind::Compare> {
  CompareExpr(SourceRange range, CompareOp op, SourceRange operatorRange,
              const Expr *lhs, const Expr *rhs)
      : ExprOf(range), op(op), operatorRange(operatorRange), lhs(lhs),
        rhs(rhs) {}
  CompareOp op;
  SourceRange operatorRange;
  const Expr *lhs;
  const Expr *rhs;
};

/// `a |> f |> g`: `stages` are `a`, `f`, `g`; two at least.
struct PipeExpr : ExprOf<Expr::Kind::Pipe> {
  PipeExpr(SourceRange range, llvm::ArrayRef<const Expr *> stages)
      : ExprOf(range), stages(stages) {}
  llvm::ArrayRef<const Expr *> stages;
};

/// One argument of a call.
struct Argument {
  enum class Kind {
    Positional,  ///< `expr`
    Named,       ///< `name = expr`
    Distributed, ///< `name ~ expr`
    Typed,       ///< `name : space`
  };
  Kind kind = Kind::Positional;
  /// Empty if positional.
  Identifier name;
  const Expr *value = nullptr;
  SourceRange range;
};

/// `callee(arguments)`.
struct CallExpr : ExprOf<Expr::Kind::Call> {
  CallExpr(SourceRange range, const Expr *callee,
           llvm::ArrayRef<Argument> arguments)
      : ExprOf(range), callee(callee), arguments(arguments) {}

  /// The name that is called, or empty if the callee is not just a name.
  llvm::StringRef getCalleeName() const {
    return NameExpr::classof(callee)
               ? static_cast<const NameExpr *>(callee)->name
               : llvm::StringRef();
  }

  const Expr *callee;
  llvm::ArrayRef<Argument> arguments;
};

/// `mean(j in near(radius = 5): sin(theta[j] - theta))`.
struct ReduceExpr : ExprOf<Expr::Kind::Reduce> {
  ReduceExpr(SourceRange range, Identifier reduction, Identifier index,
             const Expr *neighbourhood, const Expr *body)
      : ExprOf(range), reduction(reduction), index(index),
        neighbourhood(neighbourhood), body(body) {}
  Identifier reduction;
  Identifier index;
  const Expr *neighbourhood;
  const Expr *body;
};

/// `base[indices]`; an index may be a `RangeExpr`.
struct SubscriptExpr : ExprOf<Expr::Kind::Subscript> {
  SubscriptExpr(SourceRange range, const Expr *base,
                llvm::ArrayRef<const Expr *> indices)
      : ExprOf(range), base(base), indices(indices) {}
  const Expr *base;
  llvm::ArrayRef<const Expr *> indices;
};

/// `first..last`, in subscripts and as a named argument (`wavelengths = 4..28`);
/// in subscripts either end may be null.
struct RangeExpr : ExprOf<Expr::Kind::Range> {
  RangeExpr(SourceRange range, const Expr *first, const Expr *last)
      : ExprOf(range), first(first), last(last) {}
  const Expr *first;
  const Expr *last;
};

/// `base by axis`, as in `ring(256) by channels(16)`; leans to the left.
struct ByExpr : ExprOf<Expr::Kind::By> {
  ByExpr(SourceRange range, const Expr *base, const Expr *axis)
      : ExprOf(range), base(base), axis(axis) {}
  const Expr *base;
  const Expr *axis;
};

/// `value on space`, as in `field on sheet`.
struct OnExpr : ExprOf<Expr::Kind::On> {
  OnExpr(SourceRange range, const Expr *value, const Expr *space)
      : ExprOf(range), value(value), space(space) {}
  const Expr *value;
  const Expr *space;
};

/// `source -> space`; in an argument the source may be left out (null), as in
/// `x |> linear(-> sheet)`.
struct ArrowExpr : ExprOf<Expr::Kind::Arrow> {
  ArrowExpr(SourceRange range, const Expr *source, const Expr *space)
      : ExprOf(range), source(source), space(space) {}
  const Expr *source;
  const Expr *space;
};

/// `value over axis`, as in `mean(z over time)`.
struct OverExpr : ExprOf<Expr::Kind::Over> {
  OverExpr(SourceRange range, const Expr *value, const Expr *axis)
      : ExprOf(range), value(value), axis(axis) {}
  const Expr *value;
  const Expr *axis;
};

/// `(a, b)`; two elements at least. (`(a)` is `a`.)
struct TupleExpr : ExprOf<Expr::Kind::Tuple> {
  TupleExpr(SourceRange range, llvm::ArrayRef<const Expr *> elements)
      : ExprOf(range), elements(elements) {}
  llvm::ArrayRef<const Expr *> elements;
};

/// `[a, b]`; may be empty.
struct ListExpr : ExprOf<Expr::Kind::List> {
  ListExpr(SourceRange range, llvm::ArrayRef<const Expr *> elements)
      : ExprOf(range), elements(elements) {}
  llvm::ArrayRef<const Expr *> elements;
};

} // namespace loco::ast

#endif // COMPILER_AST_EXPR_H
