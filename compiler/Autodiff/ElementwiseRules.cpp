//===- ElementwiseRules.cpp - Partial derivatives ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Rules.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace loco;

static Value emitConstant(ImplicitLocOpBuilder &builder, RankedTensorType type,
                          double number) {
  Attribute element = builder.getFloatAttr(type.getElementType(), number);
  return arith::ConstantOp::create(builder,
                                   DenseElementsAttr::get(type, element));
}

Value loco::emitConstantLike(ImplicitLocOpBuilder &builder, Value value,
                             double number) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.hasStaticShape())
    return emitConstant(builder, type, number);
  Value steps = LengthOp::create(builder, value);
  if (number == 0)
    return ZerosOp::create(builder, type, steps);

  // Constants have static shapes: a map over time stacks one.
  auto map = ScanOp::create(builder, steps, ValueRange(), ValueRange(),
                            ValueRange(), TypeRange(type), TypeRange());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(map.getBlock());
  Value step = emitConstant(builder, getStepType(type), number);
  YieldOp::create(builder, ValueRange(), step, ValueRange());
  return map.getResult(0);
}

Value loco::emitZeroLike(ImplicitLocOpBuilder &builder, Value value) {
  return emitConstantLike(builder, value, 0);
}

namespace {
/// Arithmetic on fields of one type, that of `like`, for rules that read like
/// the formulas.
struct Formula {
  ImplicitLocOpBuilder &builder;
  Value like;

  Value constant(double number) {
    return emitConstantLike(builder, like, number);
  }
  Value add(Value a, Value b) { return arith::AddFOp::create(builder, a, b); }
  Value sub(Value a, Value b) { return arith::SubFOp::create(builder, a, b); }
  Value mul(Value a, Value b) { return arith::MulFOp::create(builder, a, b); }
  Value div(Value a, Value b) { return arith::DivFOp::create(builder, a, b); }
  Value neg(Value a) { return arith::NegFOp::create(builder, a); }
  Value oneMinus(Value a) { return sub(constant(1), a); }
};
} // namespace

/// d(x^p)/dx = p x^(p-1), d(x^p)/dp = x^p log(x).
static Value emitPowPartial(Formula f, math::PowFOp op, unsigned index) {
  if (index == 0) {
    Value exponent = f.sub(op.getRhs(), f.constant(1));
    return f.mul(op.getRhs(),
                 math::PowFOp::create(f.builder, op.getLhs(), exponent));
  }
  return f.mul(op.getResult(), math::LogOp::create(f.builder, op.getLhs()));
}

/// d atan2(y, x) = (x dy - y dx) / (x^2 + y^2).
static Value emitAtan2Partial(Formula f, math::Atan2Op op, unsigned index) {
  Value y = op.getLhs(), x = op.getRhs();
  Value square = f.add(f.mul(x, x), f.mul(y, y));
  return f.div(index == 0 ? x : f.neg(y), square);
}

Value loco::emitPartial(ImplicitLocOpBuilder &builder, Operation *op,
                        unsigned index) {
  Value result = op->getResult(0), x = op->getOperand(0);
  Formula f{builder, result};
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::MulFOp) { return op->getOperand(1 - index); })
      .Case([&](arith::DivFOp) {
        Value inverse = f.div(f.constant(1), op->getOperand(1));
        return index == 0 ? inverse : f.neg(f.mul(result, inverse));
      })
      .Case([&](math::TanhOp) { return f.oneMinus(f.mul(result, result)); })
      .Case([&](math::ExpOp) { return result; })
      .Case([&](math::ExpM1Op) { return f.add(result, f.constant(1)); })
      .Case([&](math::LogOp) { return f.div(f.constant(1), x); })
      .Case([&](math::Log1pOp) {
        return f.div(f.constant(1), f.add(f.constant(1), x));
      })
      .Case(
          [&](math::SinOp) -> Value { return math::CosOp::create(builder, x); })
      .Case([&](math::CosOp) { return f.neg(math::SinOp::create(builder, x)); })
      .Case([&](math::SqrtOp) { return f.div(f.constant(0.5), result); })
      .Case([&](math::RsqrtOp) {
        return f.mul(f.constant(-0.5), f.mul(result, f.mul(result, result)));
      })
      .Case([&](math::PowFOp pow) { return emitPowPartial(f, pow, index); })
      .Case([&](math::Atan2Op atan2) {
        return emitAtan2Partial(f, atan2, index);
      })
      .Case([&](SigmoidOp) { return f.mul(result, f.oneMinus(result)); })
      .Case([&](SoftplusOp) -> Value { return SigmoidOp::create(builder, x); });
}
