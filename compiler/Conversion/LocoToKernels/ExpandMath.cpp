//===- ExpandMath.cpp - Elementary functions as polynomials ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In f32 every function is a fixed sequence of operations on vectors. Bounds,
// over all f32 arguments, in units of the last place
// (test/Conversion/math-ulp.test): exp 2, log 2, log1p 3, expm1 3, tanh 6,
// sigmoid 3, softplus 3, sin and cos 2. Special values are those of IEEE 754
// and C; denormals are kept. In f64 the functions are libm's, an element at a
// time.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace loco;

namespace {

/// Writes arithmetic on values of one type, a float or a vector of floats.
class Writer {
public:
  Writer(OpBuilder &b, Location loc, Type type) : b(b), loc(loc), type(type) {}

  Value exp(Value x);
  Value expm1(Value x);
  Value log(Value x);
  Value log1p(Value x);
  Value tanh(Value x);
  Value sigmoid(Value x);
  Value softplus(Value x);
  Value sinOrCos(Value x, bool cosine);

private:
  struct Reduced {
    /// x = n log 2 + r, n a whole number.
    Value n, r;
  };
  Reduced reduce(Value x);
  Value scale(Value x, Value n);
  Value expTail(Value r);
  Value expOfNegative(Value x);
  Value log1pOfFraction(Value x);
  Value logTail(Value f, Value f2);
  /// True for vectors that AVX-512 has instructions of its own for.
  bool isWidest() {
    auto vector = dyn_cast<VectorType>(type);
    return !isWide() && vector && vector.getNumElements() == 16;
  }

  bool isWide() { return getElementTypeOrSelf(type).isF64(); }
  Type withElement(Type element) {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(vector.clone(element)) : element;
  }
  Value splat(TypedAttr value) {
    Type to = withElement(value.getType());
    if (auto vector = dyn_cast<VectorType>(to))
      value = DenseElementsAttr::get(vector, Attribute(value));
    return arith::ConstantOp::create(b, loc, to, value);
  }
  Value c(double value) {
    return splat(b.getFloatAttr(getElementTypeOrSelf(type), value));
  }
  Value i(int32_t value) { return splat(b.getI32IntegerAttr(value)); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value quotient(Value x, Value y);
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(b, loc, x, y, z);
  }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value neg(Value x) { return arith::NegFOp::create(b, loc, x); }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value compare(arith::CmpFPredicate how, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, how, x, y);
  }
  /// No number stays what it is: comparisons with it are false.
  Value atMost(Value x, double bound) {
    return select(compare(arith::CmpFPredicate::OGT, x, c(bound)), c(bound), x);
  }
  Value atLeast(Value x, double bound) {
    return select(compare(arith::CmpFPredicate::OLT, x, c(bound)), c(bound), x);
  }
  /// ((k0 x + k1) x + k2) ...
  Value polynomial(Value x, ArrayRef<double> coefficients) {
    Value sum = c(coefficients.front());
    for (double coefficient : coefficients.drop_front())
      sum = fma(sum, x, c(coefficient));
    return sum;
  }
  Value toInt(Value x) {
    return arith::FPToSIOp::create(b, loc, withElement(b.getI32Type()), x);
  }
  Value bits(Value x) {
    return arith::BitcastOp::create(b, loc, withElement(b.getI32Type()), x);
  }
  Value fromBits(Value x) { return arith::BitcastOp::create(b, loc, type, x); }
  Value addi(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value subi(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }
  Value andi(Value x, Value y) { return arith::AndIOp::create(b, loc, x, y); }
  Value shl(Value x, int32_t n) {
    return arith::ShLIOp::create(b, loc, x, i(n));
  }
  Value shr(Value x, int32_t n) {
    return arith::ShRSIOp::create(b, loc, x, i(n));
  }
  Value xori(Value x, Value y) { return arith::XOrIOp::create(b, loc, x, y); }

  OpBuilder &b;
  Location loc;
  Type type;
};

/// x / y for y far from the ends of the range. With AVX-512 from the estimate
/// of 14 bits and one step of Newton's, a third of a division's time.
Value Writer::quotient(Value x, Value y) {
  if (!isWidest())
    return div(x, y);
  Value zero = c(0);
  Value all = arith::ConstantOp::create(b, loc, b.getI16IntegerAttr(-1));
  Value estimate =
      LLVM::CallIntrinsicOp::create(
          b, loc, type, b.getStringAttr("llvm.x86.avx512.rcp14.ps.512"),
          ValueRange{y, zero, all})
          .getResult(0);
  Value rest = fma(neg(y), estimate, c(1));
  return mul(x, fma(estimate, rest, estimate));
}

Writer::Reduced Writer::reduce(Value x) {
  Value n = math::RoundEvenOp::create(b, loc, mul(x, c(1.44269504088896341)));
  // log 2 in two parts: n times the first is exact.
  Value r = fma(n, c(-0.693359375), x);
  r = fma(n, c(2.12194440e-4), r);
  return {n, r};
}

/// x 2^n, one instruction of AVX-512; in two steps elsewhere: 2^n itself may
/// not be a number when the product is.
Value Writer::scale(Value x, Value whole) {
  if (isWidest()) {
    Value all = arith::ConstantOp::create(b, loc, b.getI16IntegerAttr(-1));
    Value asUsual = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(4));
    return LLVM::CallIntrinsicOp::create(
               b, loc, type,
               b.getStringAttr("llvm.x86.avx512.mask.scalef.ps.512"),
               ValueRange{x, whole, x, all, asUsual})
        .getResult(0);
  }
  Value n = toInt(whole);
  Value half = shr(n, 1), rest = subi(n, half);
  auto power = [&](Value k) { return fromBits(shl(addi(k, i(127)), 23)); };
  return mul(mul(x, power(half)), power(rest));
}

/// exp(r) - 1 for |r| <= log(2) / 2; coefficients of Cephes' expf.
Value Writer::expTail(Value r) {
  Value p = polynomial(r, {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
                           4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1});
  return fma(mul(r, r), p, r);
}

Value Writer::exp(Value x) {
  if (isWide())
    return math::ExpOp::create(b, loc, x);
  auto [n, r] = reduce(atLeast(atMost(x, 89.0), -104.0));
  return scale(add(expTail(r), c(1)), n);
}

/// exp(x) for x <= 0.
Value Writer::expOfNegative(Value x) {
  if (isWide())
    return math::ExpOp::create(b, loc, x);
  auto [n, r] = reduce(atLeast(x, -104.0));
  return scale(add(expTail(r), c(1)), n);
}

Value Writer::expm1(Value x) {
  auto [n, r] = reduce(atLeast(atMost(x, 20.0), -20.0));
  Value power = fromBits(shl(addi(toInt(n), i(127)), 23));
  Value small = fma(power, expTail(r), sub(power, c(1)));
  // Keeps the sign of zero.
  small = select(compare(arith::CmpFPredicate::OEQ, x, c(0)), x, small);
  return select(compare(arith::CmpFPredicate::OGT, x, c(20)), exp(x), small);
}

/// log(1 + f) - f + f^2 / 2 for 1 + f in [sqrt(1/2), sqrt(2)); f2 is f^2.
Value Writer::logTail(Value f, Value f2) {
  Value p = polynomial(f, {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1,
                           -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
                           2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1});
  return mul(mul(f, f2), p);
}

/// As x = m 2^e with m in [sqrt(1/2), sqrt(2)); polynomial of Cephes' logf.
Value Writer::log(Value x) {
  Value tiny = compare(arith::CmpFPredicate::OLT, x, c(0x1p-126));
  Value scaled = select(tiny, mul(x, c(0x1p23)), x);
  Value shifted = addi(bits(scaled), i(0x3f800000 - 0x3f3504f3));
  Value exponent = subi(shr(shifted, 23), i(127));
  Value e = arith::SIToFPOp::create(b, loc, type, exponent);
  e = sub(e, select(tiny, c(23), c(0)));
  Value m = fromBits(addi(andi(shifted, i(0x007fffff)), i(0x3f3504f3)));
  Value f = sub(m, c(1)), f2 = mul(f, f);
  Value y = logTail(f, f2);
  y = fma(e, c(-2.12194440e-4), y);
  y = fma(f2, c(-0.5), y);
  y = fma(e, c(0.693359375), add(f, y));
  double infinity = std::numeric_limits<double>::infinity();
  y = select(compare(arith::CmpFPredicate::OEQ, x, c(0)), c(-infinity), y);
  y = select(compare(arith::CmpFPredicate::OEQ, x, c(infinity)), x, y);
  // Negative, or no number.
  return select(compare(arith::CmpFPredicate::OGE, x, c(0)), y,
                c(std::numeric_limits<double>::quiet_NaN()));
}

/// log(1 + x), with what 1 + x has lost put back to first order.
Value Writer::log1p(Value x) {
  if (isWide())
    return math::Log1pOp::create(b, loc, x);
  Value u = add(x, c(1));
  Value lost = div(sub(x, sub(u, c(1))), u);
  Value y = log(u);
  Value corrected = add(y, lost);
  double infinity = std::numeric_limits<double>::infinity();
  Value end =
      arith::OrIOp::create(b, loc, compare(arith::CmpFPredicate::OEQ, u, c(0)),
                           compare(arith::CmpFPredicate::OEQ, u, c(infinity)));
  y = select(end, y, corrected);
  return select(compare(arith::CmpFPredicate::OEQ, x, c(0)), x, y);
}

/// log(1 + x) for x in [0, 1], of which 1 + x, or its half, is 1 + f. Nothing
/// is lost, nothing divided.
Value Writer::log1pOfFraction(Value x) {
  if (isWide())
    return math::Log1pOp::create(b, loc, x);
  Value high = compare(arith::CmpFPredicate::OGT, x, c(0.414213562373095));
  Value f = select(high, fma(x, c(0.5), c(-0.5)), x), f2 = mul(f, f);
  Value y = fma(f2, c(-0.5), logTail(f, f2));
  y = add(y, select(high, c(-2.12194440e-4), c(0)));
  return add(add(f, y), select(high, c(0.693359375), c(0)));
}

/// An odd rational function of degree 13/6 up to where tanh is 1 in f32.
Value Writer::tanh(Value x) {
  constexpr double end = 7.90531110763549805;
  Value z = atLeast(atMost(x, end), -end);
  Value y = mul(z, z);
  // Scaled by the constant term of q, so that p keeps what is denormal.
  constexpr double w = 1 / 4.89352518554385e-03;
  Value p = polynomial(y, {-2.76076847742355e-16 * w, 2.00018790482477e-13 * w,
                           -8.60467152213735e-11 * w, 5.12229709037114e-08 * w,
                           1.48572235717979e-05 * w, 6.37261928875436e-04 * w,
                           4.89352455891786e-03 * w});
  Value q = polynomial(y, {1.19825839466702e-06 * w, 1.18534705686654e-04 * w,
                           2.26843463243900e-03 * w, 1});
  return quotient(mul(z, p), q);
}

/// Accurate in both tails: exp of a negative number only.
Value Writer::sigmoid(Value x) {
  Value e = expOfNegative(neg(abs(x)));
  Value over = select(compare(arith::CmpFPredicate::OGE, x, c(0)), c(1), e);
  return quotient(over, add(c(1), e));
}

Value Writer::softplus(Value x) {
  Value positive = select(compare(arith::CmpFPredicate::OLT, x, c(0)), c(0), x);
  return add(positive, log1pOfFraction(expOfNegative(neg(abs(x)))));
}

/// Three-part reduction by pi/2, polynomials of Cephes. Beyond its range, which
/// no phase of a model should reach, lanes go to libm one by one.
Value Writer::sinOrCos(Value x, bool cosine) {
  Value n = math::RoundEvenOp::create(b, loc, mul(x, c(0.636619772367581343)));
  Value r = fma(n, c(-1.5707962512969970703125), x);
  r = fma(n, c(-7.5497894158615963533521e-8), r);
  r = fma(n, c(-5.3903029534742383927e-15), r);
  Value quarter = toInt(n);
  if (cosine)
    quarter = addi(quarter, i(1));
  Value r2 = mul(r, r);
  Value s =
      polynomial(r2, {-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1});
  s = fma(mul(s, r2), r, r);
  Value k = polynomial(
      r2, {2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2});
  k = fma(mul(k, r2), r2, fma(r2, c(-0.5), c(1)));
  Value odd = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne,
                                    andi(quarter, i(1)), i(0));
  Value y = select(odd, k, s);
  y = fromBits(xori(bits(y), shl(andi(quarter, i(2)), 30)));
  if (!cosine)
    y = select(compare(arith::CmpFPredicate::OEQ, x, c(0)), x, y);

  // Infinities and what is no number go there as well.
  Value large = compare(arith::CmpFPredicate::UGT, abs(x), c(20000.0));
  Value any = large;
  if (auto vector = dyn_cast<VectorType>(type))
    any = vector::ReductionOp::create(b, loc, vector::CombiningKind::OR, large);
  auto branch = scf::IfOp::create(b, loc, TypeRange(type), any, true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, loc, y);
  b.setInsertionPointToStart(branch.thenBlock());
  auto precise = [&](Value one) -> Value {
    if (cosine)
      return math::CosOp::create(b, loc, one);
    return math::SinOp::create(b, loc, one);
  };
  if (auto vector = dyn_cast<VectorType>(type)) {
    Value all = y;
    for (int64_t lane = 0; lane < vector.getNumElements(); ++lane) {
      Value one = vector::ExtractOp::create(b, loc, x, ArrayRef<int64_t>{lane});
      all = vector::InsertOp::create(b, loc, precise(one), all,
                                     ArrayRef<int64_t>{lane});
    }
    y = select(large, all, y);
  } else {
    y = precise(x);
  }
  scf::YieldOp::create(b, loc, y);
  return branch.getResult(0);
}

} // namespace

Value loco::expandMath(OpBuilder &b, Operation *op, ArrayRef<Value> operands) {
  if (operands.empty())
    return {};
  Value x = operands.front();
  Location loc = op->getLoc();
  Writer writer(b, loc, x.getType());
  if (!getElementTypeOrSelf(x.getType()).isF32()) {
    // The two that libm does not have.
    if (isa<SigmoidOp>(op))
      return writer.sigmoid(x);
    return isa<SoftplusOp>(op) ? writer.softplus(x) : Value();
  }
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](math::ExpOp) { return writer.exp(x); })
      .Case([&](math::ExpM1Op) { return writer.expm1(x); })
      .Case([&](math::LogOp) { return writer.log(x); })
      .Case([&](math::Log1pOp) { return writer.log1p(x); })
      .Case([&](math::TanhOp) { return writer.tanh(x); })
      .Case([&](SigmoidOp) { return writer.sigmoid(x); })
      .Case([&](SoftplusOp) { return writer.softplus(x); })
      .Case([&](math::SinOp) { return writer.sinOrCos(x, false); })
      .Case([&](math::CosOp) { return writer.sinOrCos(x, true); })
      .Default([](Operation *) { return Value(); });
}
