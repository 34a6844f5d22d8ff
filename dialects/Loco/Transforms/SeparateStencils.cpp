//===- SeparateStencils.cpp - Sines of differences in stencils ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A summand sin(n - c) of neighbour and centre costs a sine for every pair of
// sites. As sin(n) cos(c) - cos(n) sin(c) it costs two for every site, and the
// sums over the neighbourhood are sums of fields. Every value of a stencil's
// body is written as a sum of terms, each a number times factors of the centre
// times factors of the neighbour; factors of the centre leave the sum.
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/Transforms/Passes.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace loco;

namespace loco {
#define GEN_PASS_DEF_SEPARATESTENCILS
#include "dialects/Loco/Transforms/Passes.h.inc"
} // namespace loco

/// Bodies whose values have more terms are left as they are.
static constexpr size_t mostTerms = 8;

namespace {
/// number * (centre fields) * (neighbour fields), by the fields' numbers.
struct Term {
  double number = 1;
  SmallVector<unsigned> centre, neighbour;
};
using Sum = SmallVector<Term>;

class Separation {
public:
  explicit Separation(StencilOp stencil)
      : stencil(stencil), builder(stencil) {}
  /// Nothing is changed if it fails.
  LogicalResult analyse();
  void rewrite();

private:
  /// A field outside of the stencil: an operand, or its sine or cosine.
  struct Field {
    Value operand;
    enum Kind { Itself, Sine, Cosine } kind;
    Value made = {};
  };
  unsigned fieldFor(Value operand, Field::Kind kind);
  Value make(unsigned number);
  bool visit(Operation &op);
  bool visitSine(Operation &op, bool cosine);
  Value rewriteSum(const Sum &sum);

  StencilOp stencil;
  OpBuilder builder;
  SmallVector<Field> fields;
  DenseMap<Value, Sum> sums;
  bool pays = false;
  /// The sum over the neighbourhood of each product of neighbour fields.
  llvm::MapVector<SmallVector<unsigned>, Value,
                  std::map<SmallVector<unsigned>, unsigned>>
      totals;
};
} // namespace

static Sum product(const Sum &a, const Sum &b) {
  Sum result;
  for (const Term &x : a)
    for (const Term &y : b) {
      Term &term = result.emplace_back(x);
      term.number *= y.number;
      llvm::append_range(term.centre, y.centre);
      llvm::append_range(term.neighbour, y.neighbour);
      llvm::sort(term.neighbour);
    }
  return result;
}

static Sum scaled(Sum sum, double by) {
  for (Term &term : sum)
    term.number *= by;
  return sum;
}

static Sum plus(Sum a, const Sum &b) {
  llvm::append_range(a, b);
  return a;
}

unsigned Separation::fieldFor(Value operand, Field::Kind kind) {
  for (auto [i, field] : llvm::enumerate(fields))
    if (field.operand == operand && field.kind == kind)
      return i;
  fields.push_back({operand, kind});
  return fields.size() - 1;
}

/// sin or cos of a sum of at most one centre and one neighbour, or of two of a
/// kind, each as it is or negated.
bool Separation::visitSine(Operation &op, bool cosine) {
  const Sum &phase = sums[op.getOperand(0)];
  if (phase.empty() || phase.size() > 2)
    return false;
  // The sine and the cosine of what was added up so far.
  Sum sine, cosineSum = {Term()};
  for (const Term &term : phase) {
    if (std::abs(term.number) != 1 ||
        term.centre.size() + term.neighbour.size() != 1)
      return false;
    auto factor = [&](Field::Kind kind, double number) {
      bool isCentre = !term.centre.empty();
      unsigned inner = isCentre ? term.centre[0] : term.neighbour[0];
      if (fields[inner].kind != Field::Itself)
        return Sum();
      Term made;
      made.number = number;
      (isCentre ? made.centre : made.neighbour) = {
          fieldFor(fields[inner].operand, kind)};
      return Sum{made};
    };
    Sum s = factor(Field::Sine, term.number), c = factor(Field::Cosine, 1);
    if (s.empty() || c.empty())
      return false;
    Sum next = plus(product(sine, c), product(cosineSum, s));
    cosineSum = plus(product(cosineSum, c), scaled(product(sine, s), -1));
    sine = std::move(next);
  }
  bool mixed = phase.size() == 2 &&
               phase[0].centre.size() != phase[1].centre.size();
  pays |= mixed;
  sums[op.getResult(0)] = cosine ? cosineSum : sine;
  return true;
}

bool Separation::visit(Operation &op) {
  SplatElementsAttr splat;
  if (matchPattern(&op, m_Constant(&splat))) {
    if (!isa<FloatType>(splat.getElementType()))
      return false;
    Term term;
    term.number = splat.getSplatValue<APFloat>().convertToDouble();
    sums[op.getResult(0)] = {term};
    return true;
  }
  auto operand = [&](unsigned i) -> const Sum & {
    return sums.find(op.getOperand(i))->second;
  };
  Sum result;
  if (isa<math::SinOp>(op))
    return visitSine(op, false);
  if (isa<math::CosOp>(op))
    return visitSine(op, true);
  if (isa<arith::AddFOp>(op))
    result = plus(operand(0), operand(1));
  else if (isa<arith::SubFOp>(op))
    result = plus(operand(0), scaled(operand(1), -1));
  else if (isa<arith::NegFOp>(op))
    result = scaled(operand(0), -1);
  else if (isa<arith::MulFOp>(op))
    result = product(operand(0), operand(1));
  else
    return false;
  sums[op.getResult(0)] = result;
  return result.size() <= mostTerms;
}

LogicalResult Separation::analyse() {
  Block &body = stencil.getBody().front();
  unsigned numCentres = stencil.getCentres().size();
  for (auto [argument, operand] :
       llvm::zip(body.getArguments(), stencil.getOperands())) {
    Term term;
    unsigned number = fieldFor(operand, Field::Itself);
    bool isCentre = argument.getArgNumber() < numCentres;
    (isCentre ? term.centre : term.neighbour) = {number};
    sums[argument] = {term};
  }
  for (Operation &op : body.without_terminator())
    if (!visit(op))
      return failure();
  return success(pays);
}

Value Separation::make(unsigned number) {
  Field &field = fields[number];
  if (field.made)
    return field.made;
  if (field.kind == Field::Sine)
    field.made = math::SinOp::create(builder, stencil.getLoc(), field.operand);
  else if (field.kind == Field::Cosine)
    field.made = math::CosOp::create(builder, stencil.getLoc(), field.operand);
  else
    field.made = field.operand;
  return field.made;
}

Value Separation::rewriteSum(const Sum &sum) {
  Location loc = stencil.getLoc();
  auto type = cast<RankedTensorType>(stencil.getFields().front().getType());
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(
            type, Attribute(builder.getFloatAttr(type.getElementType(),
                                                 value))));
  };
  Value result;
  for (const Term &term : sum) {
    Value value = totals[term.neighbour];
    for (unsigned factor : term.centre)
      value = arith::MulFOp::create(builder, loc, make(factor), value);
    if (std::abs(term.number) != 1)
      value = arith::MulFOp::create(builder, loc,
                                    number(std::abs(term.number)), value);
    bool negative = term.number < 0;
    if (!result)
      result = negative ? Value(arith::NegFOp::create(builder, loc, value))
                        : value;
    else if (negative)
      result = arith::SubFOp::create(builder, loc, result, value);
    else
      result = arith::AddFOp::create(builder, loc, result, value);
  }
  return result ? result : number(0);
}

void Separation::rewrite() {
  Location loc = stencil.getLoc();
  auto yield = cast<YieldOp>(stencil.getBody().front().getTerminator());
  for (Value value : yield.getStacks())
    for (const Term &term : sums[value])
      totals.insert({term.neighbour, Value()});

  SmallVector<Value> neighbours;
  for (auto &[factors, total] : totals)
    for (unsigned factor : factors)
      if (!llvm::is_contained(neighbours, make(factor)))
        neighbours.push_back(make(factor));
  Type type = stencil.getFields().front().getType();
  SmallVector<Type> types(totals.size(), type);
  auto separated = StencilOp::create(builder, loc, types, ValueRange(),
                                     neighbours, stencil.getOffsets(),
                                     stencil.getBoundary());
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&separated.getBody());
    for (Value neighbour : neighbours)
      block->addArgument(neighbour.getType(), loc);
    SmallVector<Value> summands;
    for (auto &[factors, total] : totals) {
      Value summand;
      for (unsigned factor : factors) {
        auto place = llvm::find(neighbours, make(factor));
        Value argument = block->getArgument(place - neighbours.begin());
        summand = summand ? Value(arith::MulFOp::create(builder, loc, summand,
                                                        argument))
                          : argument;
      }
      if (!summand)
        summand = arith::ConstantOp::create(
            builder, loc,
            DenseElementsAttr::get(
                cast<RankedTensorType>(type),
                Attribute(builder.getFloatAttr(getElementTypeOrSelf(type),
                                               1))));
      summands.push_back(summand);
    }
    YieldOp::create(builder, loc, ValueRange(), summands, ValueRange());
  }
  for (auto [entry, result] : llvm::zip(totals, separated.getFields()))
    entry.second = result;
  for (auto [field, value] :
       llvm::zip(stencil.getFields(), yield.getStacks()))
    field.replaceAllUsesWith(rewriteSum(sums[value]));
  stencil.erase();
}

namespace {
struct SeparateStencils
    : public loco::impl::SeparateStencilsBase<SeparateStencils> {
  void runOnOperation() override {
    SmallVector<StencilOp> stencils;
    getOperation().walk([&](StencilOp op) { stencils.push_back(op); });
    for (StencilOp stencil : stencils)
      if (Separation separation(stencil); succeeded(separation.analyse()))
        separation.rewrite();
  }
};
} // namespace
