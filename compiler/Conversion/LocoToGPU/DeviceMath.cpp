//===- DeviceMath.cpp - Functions that a GPU has no instruction for -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// f32 functions that ExpandMath leaves to libm on a CPU (sine and cosine of
// large numbers, powers, angles) are made of f64 arithmetic, which is exact
// enough to be rounded once. Functions of f64 are good to about 1e-15; sines of
// numbers above 1e15 have no correct digit.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/LocoToGPU.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace loco;

namespace {
/// Writes f64 arithmetic.
class Wide {
public:
  Wide(OpBuilder &b, Location loc) : b(b), loc(loc) {}

  Value sinOrCos(Value x, bool isCosine);
  Value power(Value x, Value y, double limit);
  Value angle(Value y, Value x);
  Value exp(Value x);
  Value expm1(Value x);
  Value log(Value x);
  Value log1p(Value x);
  Value tanh(Value x);
  Value wideSinOrCos(Value x, bool isCosine);

  Value widened(Value x) {
    return arith::ExtFOp::create(b, loc, b.getF64Type(), x);
  }
  Value narrowed(Value x) {
    return arith::TruncFOp::create(b, loc, b.getF32Type(), x);
  }

private:
  Value exp2(Value x);
  Value scale(Value x, Value n);
  Value turned(Value r, Value quarter, bool isCosine);
  Value log2(Value x);
  Value c(double value) {
    return arith::ConstantOp::create(b, loc, b.getF64FloatAttr(value));
  }
  Value i(int64_t value) {
    return arith::ConstantIntOp::create(b, loc, b.getI64Type(), value);
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(b, loc, x, y, z);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value is(arith::CmpFPredicate how, Value x, double y) {
    return arith::CmpFOp::create(b, loc, how, x, c(y));
  }
  Value is(arith::CmpIPredicate how, Value x, int64_t y) {
    return arith::CmpIOp::create(b, loc, how, x, i(y));
  }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, loc, x, y); }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, loc, x, y); }
  Value bits(Value x) {
    return arith::BitcastOp::create(b, loc, b.getI64Type(), x);
  }
  Value fromBits(Value x) {
    return arith::BitcastOp::create(b, loc, b.getF64Type(), x);
  }
  Value toReal(Value x) {
    return arith::SIToFPOp::create(b, loc, b.getF64Type(), x);
  }
  Value toWhole(Value x) {
    return arith::FPToSIOp::create(b, loc, b.getI64Type(), x);
  }
  Value shl(Value x, Value n) { return arith::ShLIOp::create(b, loc, x, n); }
  Value shr(Value x, Value n) { return arith::ShRUIOp::create(b, loc, x, n); }
  Value plus(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value minus(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }
  /// Taylor's series: x^0 / 0! and so on, `step` by `step`.
  Value series(Value x, int first, int step, int terms, double sign) {
    Value sum;
    for (int k = first + step * (terms - 1); k >= first; k -= step) {
      double coefficient = 1 / std::tgamma(k + 1.0);
      if (sign < 0 && (k - first) / step % 2)
        coefficient = -coefficient;
      sum = sum ? fma(sum, x, c(coefficient)) : c(coefficient);
    }
    return sum;
  }

  OpBuilder &b;
  Location loc;
};
} // namespace

/// x 2^n in two steps: 2^n itself may not be a number when the product is.
Value Wide::scale(Value x, Value n) {
  Value whole = toWhole(n);
  Value half = arith::ShRSIOp::create(b, loc, whole, i(1));
  auto power = [&](Value k) { return fromBits(shl(plus(k, i(1023)), i(52))); };
  return mul(mul(x, power(half)), power(minus(whole, half)));
}

/// 2^x for |x| < 1100.
Value Wide::exp2(Value x) {
  Value n = math::RoundEvenOp::create(b, loc, x);
  Value r = mul(sub(x, n), c(0.693147180559945309));
  return scale(series(r, 0, 1, 14, 1), n);
}

Value Wide::exp(Value x) {
  using enum arith::CmpFPredicate;
  x = select(is(OGT, x, 710), c(710), x);
  x = select(is(OLT, x, -746), c(-746), x);
  Value n = math::RoundEvenOp::create(b, loc, mul(x, c(1.44269504088896341)));
  // log 2 in two parts.
  Value r = fma(n, c(-0x1.62e42fefa39efp-1), x);
  r = fma(n, c(-0x1.abc9e3b39803fp-56), r);
  return scale(series(r, 0, 1, 15, 1), n);
}

Value Wide::expm1(Value x) {
  Value size = math::AbsFOp::create(b, loc, x);
  return select(is(arith::CmpFPredicate::OLT, size, 0.35),
                mul(series(x, 1, 1, 15, 1), x), sub(exp(x), c(1)));
}

Value Wide::log(Value x) {
  using enum arith::CmpFPredicate;
  Value isTiny = is(OLT, x, 0x1p-1022);
  Value y = log2(select(isTiny, mul(x, c(0x1p52)), x));
  y = mul(sub(y, select(isTiny, c(52), c(0))), c(0.693147180559945309));
  // Near 1 the number of halvings is zero, and the product exact enough.
  y = select(is(OEQ, x, 0), c(-INFINITY), y);
  y = select(is(OEQ, x, INFINITY), x, y);
  return select(is(OGE, x, 0), y, c(NAN));
}

/// log(1 + x), with what 1 + x has lost put back to first order.
Value Wide::log1p(Value x) {
  using enum arith::CmpFPredicate;
  Value u = add(x, c(1));
  Value lost = div(sub(x, sub(u, c(1))), u);
  Value y = log(u);
  Value isEnd = either(is(OEQ, u, 0), is(OEQ, u, INFINITY));
  y = select(isEnd, y, add(y, lost));
  return select(is(OEQ, x, 0), x, y);
}

Value Wide::tanh(Value x) {
  Value t = expm1(mul(math::AbsFOp::create(b, loc, x), c(2)));
  Value y = sub(c(1), div(c(2), add(t, c(2))));
  Value small = div(t, add(t, c(2)));
  y = select(is(arith::CmpFPredicate::OLT, t, 1), small, y);
  return math::CopySignOp::create(b, loc, y, x);
}

/// Sine or cosine of r and so many quarter turns.
Value Wide::turned(Value r, Value quarter, bool isCosine) {
  if (isCosine)
    quarter = plus(quarter, i(1));
  Value r2 = mul(r, r);
  Value s = mul(r, series(r2, 1, 2, 9, -1)), k = series(r2, 0, 2, 9, -1);
  Value isOdd = is(arith::CmpIPredicate::ne, both(quarter, i(1)), 0);
  Value y = select(isOdd, k, s);
  Value isTurned = is(arith::CmpIPredicate::ne, both(quarter, i(2)), 0);
  return select(isTurned, arith::NegFOp::create(b, loc, y), y);
}

/// Three-part reduction by pi/2.
Value Wide::wideSinOrCos(Value x, bool isCosine) {
  Value n = math::RoundEvenOp::create(b, loc, mul(x, c(0.636619772367581343)));
  Value r = fma(n, c(-1.57079632679489655800), x);
  r = fma(n, c(-6.12323399573676603587e-17), r);
  r = fma(n, c(1.49738490485916983693e-33), r);
  Value isFinite =
      is(arith::CmpFPredicate::OLT, math::AbsFOp::create(b, loc, n), 0x1p60);
  Value quarter = toWhole(select(isFinite, n, c(0)));
  return select(isFinite, turned(r, quarter, isCosine), c(NAN));
}

/// Of a positive normal number: by the series of the area tangent.
Value Wide::log2(Value x) {
  Value shifted = plus(bits(x), i(0x3ff0000000000000 - 0x3fe6a09e667f3bcd));
  Value e = minus(shr(shifted, i(52)), i(1023));
  Value m = fromBits(
      plus(both(shifted, i(0x000fffffffffffff)), i(0x3fe6a09e667f3bcd)));
  Value s = div(sub(m, c(1)), add(m, c(1))), s2 = mul(s, s);
  Value sum = c(1.0 / 23);
  for (int k = 21; k >= 1; k -= 2)
    sum = fma(sum, s2, c(1.0 / k));
  return fma(mul(s, sum), c(2 * 1.44269504088896340736), toReal(e));
}

/// pow of C, whose logarithm stays below `limit` (f32 arguments that were
/// widened: the exponent has bits to spare).
Value Wide::power(Value x, Value y, double limit) {
  using enum arith::CmpFPredicate;
  // Infinite powers are large even ones.
  y = select(is(OGT, y, 1e30), c(1e30), y);
  y = select(is(OLT, y, -1e30), c(-1e30), y);
  Value size = math::AbsFOp::create(b, loc, x);
  Value isZero = is(OEQ, size, 0), isInfinite = is(OEQ, size, INFINITY);
  Value safe = select(either(isZero, isInfinite), c(1), size);
  Value exponent = mul(y, log2(safe));
  exponent = select(is(OGT, exponent, limit), c(limit), exponent);
  exponent = select(is(OLT, exponent, -limit), c(-limit), exponent);
  Value result = exp2(exponent);
  // Zero and infinity to any power.
  Value isPositive = is(OGT, y, 0);
  Value edge = select(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                            isZero, isPositive),
                      c(0), c(INFINITY));
  result = select(either(isZero, isInfinite), edge, result);
  // Negative numbers to whole powers.
  Value floor = math::FloorOp::create(b, loc, y);
  Value isWhole = arith::CmpFOp::create(b, loc, OEQ, floor, y);
  Value half = mul(y, c(0.5));
  Value isEven = arith::CmpFOp::create(
      b, loc, OEQ, math::FloorOp::create(b, loc, half), half);
  Value isNegative = is(arith::CmpIPredicate::slt, bits(x), 0);
  Value isOdd =
      both(isWhole, arith::XOrIOp::create(b, loc, isEven,
                                          arith::ConstantIntOp::create(
                                              b, loc, b.getI1Type(), 1)));
  Value flipped = arith::NegFOp::create(b, loc, result);
  result = select(both(isNegative, isOdd), flipped, result);
  Value isBroken = both(both(is(OLT, x, 0), is(OGT, x, -INFINITY)),
                        arith::CmpFOp::create(b, loc, ONE, floor, y));
  result = select(isBroken, c(NAN), result);
  // No number stays none, but in 1^y and x^0.
  Value isUnknown = arith::CmpFOp::create(b, loc, UNO, x, y);
  result = select(isUnknown, c(NAN), result);
  return select(either(is(OEQ, x, 1), is(OEQ, y, 0)), c(1), result);
}

/// atan2 of C.
Value Wide::angle(Value y, Value x) {
  using enum arith::CmpFPredicate;
  Value ax = math::AbsFOp::create(b, loc, x),
        ay = math::AbsFOp::create(b, loc, y);
  Value isSteep = arith::CmpFOp::create(b, loc, OGT, ay, ax);
  Value small = select(isSteep, ax, ay), large = select(isSteep, ay, ax);
  Value isSame = arith::CmpFOp::create(b, loc, OEQ, small, large);
  Value isZero = is(OEQ, large, 0);
  Value t = div(small, select(isZero, c(1), large));
  // Equal infinities are at an eighth of a turn.
  t = select(isSame, select(isZero, c(0), c(1)), t);
  // Twice halved: atan t = 2 atan(t / (1 + sqrt(1 + t^2))).
  for (int halving = 0; halving < 2; ++halving)
    t = div(t, add(c(1), math::SqrtOp::create(b, loc, fma(t, t, c(1)))));
  Value t2 = mul(t, t), sum = c(1.0 / 21);
  for (int k = 19; k >= 1; k -= 2)
    sum = fma(sum, arith::NegFOp::create(b, loc, t2), c(1.0 / k));
  Value a = mul(mul(t, sum), c(4));
  a = select(isSteep, sub(c(1.57079632679489661923), a), a);
  Value isLeft = is(arith::CmpIPredicate::slt, bits(x), 0);
  a = select(isLeft, sub(c(3.14159265358979323846), a), a);
  a = math::CopySignOp::create(b, loc, a, y);
  return select(arith::CmpFOp::create(b, loc, UNO, x, y), c(NAN), a);
}

/// For f32 arguments that were widened, of any size. x = m 2^e with a whole m
/// of 24 bits: the bits of 2/pi that matter are picked and multiplied exactly.
Value Wide::sinOrCos(Value x, bool isCosine) {
  // 2/pi in words of 32 bits, with two words of zeros in front: word k counts
  // 2^(-32 (k - 1)).
  static constexpr uint32_t digits[] = {
      0,          0,          0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0,
      0xDB629599, 0x3C439041, 0xFE5163AB, 0xDEBBC561, 0xB7246E3A};
  Value pattern = bits(math::AbsFOp::create(b, loc, x));
  Value exponent = minus(shr(pattern, i(52)), i(1023 + 23));
  // m = pattern's 24 leading bits.
  Value m = plus(shr(both(pattern, i(0x000fffffffffffff)), i(29)), i(1 << 23));
  // e = 32 (first - 1) + shift is between -10 and 104 here.
  Value moved = plus(exponent, i(32));
  Value first = shr(moved, i(5)), shift = both(moved, i(31));
  auto word = [&](int64_t offset) {
    Value chosen = i(0);
    for (auto [k, digit] : llvm::enumerate(digits))
      chosen = select(is(arith::CmpIPredicate::eq, plus(first, i(offset)), k),
                      i(digit), chosen);
    return chosen;
  };
  // 64 bits of 2/pi 2^e from word `offset` on, moved by `shift`.
  auto part = [&](int64_t offset) -> Value {
    Value whole = arith::OrIOp::create(b, loc, shl(word(offset), i(32)),
                                       word(offset + 1));
    return arith::OrIOp::create(b, loc, shl(whole, shift),
                                shr(word(offset + 2), minus(i(32), shift)));
  };
  // Times m: quarter turns (modulo 2^64), and 64 bits behind the point.
  auto product = arith::MulUIExtendedOp::create(b, loc, part(1), m);
  Value below = arith::MulUIExtendedOp::create(b, loc, part(3), m).getHigh();
  Value fraction = plus(product.getLow(), below);
  Value carry = arith::ExtUIOp::create(
      b, loc, b.getI64Type(),
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, fraction,
                            below));
  Value quarter = plus(arith::MulIOp::create(b, loc, part(-1), m),
                       plus(product.getHigh(), carry));
  // To the nearest quarter turn.
  Value isBeyond = is(arith::CmpIPredicate::slt, fraction, 0);
  quarter =
      plus(quarter, arith::ExtUIOp::create(b, loc, b.getI64Type(), isBeyond));
  Value r = mul(toReal(fraction), c(0x1p-64 * 1.57079632679489661923));
  // The sign of x.
  Value isNegative = is(arith::CmpIPredicate::slt, bits(x), 0);
  r = select(isNegative, arith::NegFOp::create(b, loc, r), r);
  quarter = select(isNegative, minus(i(0), quarter), quarter);
  Value y = turned(r, quarter, isCosine);
  Value isFinite =
      is(arith::CmpFPredicate::OLT, math::AbsFOp::create(b, loc, x), INFINITY);
  return select(isFinite, y, c(NAN));
}

LogicalResult loco::expandDeviceMath(gpu::GPUModuleOp module) {
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<math::MathDialect>(op->getDialect()) || isa<arith::RemFOp>(op))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    // Instructions of every GPU.
    if (isa<math::AbsFOp, math::CeilOp, math::CopySignOp, math::FloorOp,
            math::FmaOp, math::RoundEvenOp, math::SqrtOp, math::TruncOp>(op))
      continue;
    OpBuilder b(op);
    Wide wide(b, op->getLoc());
    Type type = op->getResult(0).getType();
    Value result;
    if (isa<math::RsqrtOp>(op)) {
      Value one =
          arith::ConstantOp::create(b, op->getLoc(), b.getFloatAttr(type, 1.0));
      result = arith::DivFOp::create(
          b, op->getLoc(), one,
          math::SqrtOp::create(b, op->getLoc(), op->getOperand(0)));
    } else if (type.isF32()) {
      auto at = [&](unsigned i) { return wide.widened(op->getOperand(i)); };
      result =
          TypeSwitch<Operation *, Value>(op)
              .Case([&](math::SinOp) { return wide.sinOrCos(at(0), false); })
              .Case([&](math::CosOp) { return wide.sinOrCos(at(0), true); })
              .Case([&](math::PowFOp) { return wide.power(at(0), at(1), 300); })
              .Case([&](math::Atan2Op) { return wide.angle(at(0), at(1)); })
              .Default([](Operation *) { return Value(); });
      if (result)
        result = wide.narrowed(result);
    }
    if (type.isF64()) {
      auto at = [&](unsigned i) { return op->getOperand(i); };
      result =
          TypeSwitch<Operation *, Value>(op)
              .Case([&](math::ExpOp) { return wide.exp(at(0)); })
              .Case([&](math::ExpM1Op) { return wide.expm1(at(0)); })
              .Case([&](math::LogOp) { return wide.log(at(0)); })
              .Case([&](math::Log1pOp) { return wide.log1p(at(0)); })
              .Case([&](math::TanhOp) { return wide.tanh(at(0)); })
              .Case(
                  [&](math::SinOp) { return wide.wideSinOrCos(at(0), false); })
              .Case([&](math::CosOp) { return wide.wideSinOrCos(at(0), true); })
              .Case(
                  [&](math::PowFOp) { return wide.power(at(0), at(1), 1100); })
              .Case([&](math::Atan2Op) { return wide.angle(at(0), at(1)); })
              .Default([&](Operation *) { return result; });
    }
    if (!result)
      return op->emitOpError("cannot be compiled for a GPU in ")
             << type << " [unsupported-op]";
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
  }
  return success();
}
