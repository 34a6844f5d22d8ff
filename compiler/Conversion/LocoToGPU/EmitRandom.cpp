//===- EmitRandom.cpp - The random numbers of loco-c/random.h ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"
#include "compiler/Conversion/LocoToGPU/TileSamples.h"

using namespace mlir;
using namespace loco;

//===----------------------------------------------------------------------===//
// The same sequences of IEEE operations as runtime/lib/Random.cpp and
// runtime/lib/BoxMuller.h, so that every target draws the same bits.
//===----------------------------------------------------------------------===//

/// Ten rounds of Philox4x32; what `c` holds is replaced.
void GPUEmitter::philox(MutableArrayRef<Value> c, Value key0, Value key1) {
  constexpr uint32_t multipliers[2] = {0xD2511F53, 0xCD9E8D57};
  constexpr uint32_t weyl[2] = {0x9E3779B9, 0xBB67AE85};
  auto multiply = [&](Value x, uint32_t y) {
    Value product = arith::MulIOp::create(
        b, loc, arith::ExtUIOp::create(b, loc, b.getI64Type(), x), wide(y));
    return std::pair(
        toNarrow(arith::ShRUIOp::create(b, loc, product, wide(32))),
        toNarrow(product));
  };
  auto differ = [&](Value x, Value y) -> Value {
    return arith::XOrIOp::create(b, loc, x, y);
  };
  for (int round = 0; round < 10; ++round) {
    auto [high0, low0] = multiply(c[0], multipliers[0]);
    auto [high1, low1] = multiply(c[2], multipliers[1]);
    c[0] = differ(differ(high1, c[1]), key0);
    c[2] = differ(differ(high0, c[3]), key1);
    c[1] = low1;
    c[3] = low0;
    key0 = plus(key0, int32_t(weyl[0]));
    key1 = plus(key1, int32_t(weyl[1]));
  }
}

namespace {
/// Arithmetic on f32 numbers, without contraction.
struct Real {
  OpBuilder *b;
  Location loc;
  Value value;

  Real with(Value other) const { return {b, loc, other}; }
  Real with(float other) const {
    return with(arith::ConstantOp::create(*b, loc, b->getF32FloatAttr(other)));
  }
  friend Real operator+(Real x, Real y) {
    return x.with(arith::AddFOp::create(*x.b, x.loc, x.value, y.value));
  }
  friend Real operator-(Real x, Real y) {
    return x.with(arith::SubFOp::create(*x.b, x.loc, x.value, y.value));
  }
  friend Real operator*(Real x, Real y) {
    return x.with(arith::MulFOp::create(*x.b, x.loc, x.value, y.value));
  }
  friend Real operator+(Real x, float y) { return x + x.with(y); }
  friend Real operator-(Real x, float y) { return x - x.with(y); }
  friend Real operator*(Real x, float y) { return x * x.with(y); }
  /// ((k0 x + k1) x + k2) ...
  Real polynomial(ArrayRef<float> coefficients) const {
    Real sum = with(coefficients.front());
    for (float coefficient : coefficients.drop_front())
      sum = sum * *this + coefficient;
    return sum;
  }
};

/// Arithmetic on i32 numbers.
struct Whole {
  OpBuilder *b;
  Location loc;
  Value value;

  Whole with(Value other) const { return {b, loc, other}; }
  Whole with(int32_t other) const {
    return with(arith::ConstantIntOp::create(*b, loc, b->getI32Type(), other));
  }
  friend Whole operator+(Whole x, int32_t y) {
    return x.with(arith::AddIOp::create(*x.b, x.loc, x.value, x.with(y).value));
  }
  friend Whole operator-(Whole x, Whole y) {
    return x.with(arith::SubIOp::create(*x.b, x.loc, x.value, y.value));
  }
  friend Whole operator&(Whole x, int32_t y) {
    return x.with(arith::AndIOp::create(*x.b, x.loc, x.value, x.with(y).value));
  }
  friend Whole operator^(Whole x, Whole y) {
    return x.with(arith::XOrIOp::create(*x.b, x.loc, x.value, y.value));
  }
  friend Whole operator>>(Whole x, int32_t y) {
    return x.with(
        arith::ShRSIOp::create(*x.b, x.loc, x.value, x.with(y).value));
  }
  friend Whole operator<<(Whole x, int32_t y) {
    return x.with(arith::ShLIOp::create(*x.b, x.loc, x.value, x.with(y).value));
  }
  Whole shiftedDown(int32_t y) const {
    return with(arith::ShRUIOp::create(*b, loc, value, with(y).value));
  }
  Value isZero() const {
    return arith::CmpIOp::create(*b, loc, arith::CmpIPredicate::eq, value,
                                 with(0).value);
  }
  Real toReal() const {
    return {b, loc, arith::SIToFPOp::create(*b, loc, b->getF32Type(), value)};
  }
  Real asReal() const {
    return {b, loc, arith::BitcastOp::create(*b, loc, b->getF32Type(), value)};
  }
};
} // namespace

static Whole bitsOf(Real x) {
  return {x.b, x.loc,
          arith::BitcastOp::create(*x.b, x.loc, x.b->getI32Type(), x.value)};
}

/// log(n 2^-24).
static Real logOfCount(Whole n) {
  Whole shifted = bitsOf(n.toReal()) + (0x3f800000 - 0x3f3504f3);
  Real e = ((shifted >> 23) + (-127 - 24)).toReal();
  Real m = ((shifted & 0x007fffff) + 0x3f3504f3).asReal();
  Real f = m - 1.0f, f2 = f * f;
  Real p =
      f.polynomial({7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f,
                    -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                    2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f});
  Real y = f * f2 * p;
  y = y + e * -2.12194440e-4f;
  y = y - f2 * 0.5f;
  return (f + y) + e * 0.693359375f;
}

/// Cosine (of even sites) and sine of 2 pi n 2^-24, one of them.
static Real sinOrCosOfTurn(Whole n, Value isSine) {
  OpBuilder &b = *n.b;
  Location loc = n.loc;
  Whole quarter = (n + (1 << 21)) >> 22;
  Real x = (n - (quarter << 22)).toReal() * 0x1p-22f;
  Real x2 = x * x;
  Real s = x2.polynomial({1.6044118478735982e-4f, -4.6817541353186881e-3f,
                          7.9692626246167046e-2f, -6.4596409750624625e-1f,
                          -4.3711388286737929e-8f});
  s = x * s + x * 1.57079637050628662f;
  Real c = x2.polynomial({-2.5202042373060605e-5f, 9.1926027483942659e-4f,
                          -2.0863480763352961e-2f, 2.5366950790104802e-1f,
                          -1.2337005501361698f, 1.0f});
  Value isEven = (quarter & 1).isZero();
  // Sine takes s in even quarters, cosine in odd ones.
  Value takesSine =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, isEven, isSine);
  Real chosen =
      s.with(arith::SelectOp::create(b, loc, takesSine, s.value, c.value));
  Whole turns = quarter.with(arith::SelectOp::create(
      b, loc, isSine, quarter.value, (quarter + 1).value));
  Whole sign = (turns & 2) << 30;
  return (bitsOf(chosen) ^ sign).asReal();
}

/// The draw of one site.
Value GPUEmitter::random(RandomOp op, const GPUSite &site) {
  auto half = [&](Value number, bool isHigh) -> Value {
    if (isHigh)
      number = arith::ShRUIOp::create(b, loc, number, wide(32));
    return toNarrow(number);
  };
  uint64_t stream = op.getStream();
  Value linear = linearOf(site), drawn = sample;
  if (op->hasAttr(tileAttribute)) {
    int64_t each = schedule.countOf(op.getResult()) / schedule.tile;
    Value last = plus(samplesHere(), -1);
    drawn = plus(drawn, toWide(arith::MinUIOp::create(
                            b, loc, divided(linear, each), last)));
    linear = remainder(linear, each);
  }
  Value number = LLVM::LoadOp::create(
      b, loc, b.getI64Type(),
      LLVM::GEPOp::create(b, loc, sampleIndex.getType(), b.getI64Type(),
                          sampleIndex, ValueRange(drawn)),
      0, false, false, /*isInvariant=*/true);
  Values inner = {constant(int32_t(stream)), constant(int32_t(stream >> 32)),
                  half(update, true), half(number, true)};
  philox(inner, half(seed, false), half(seed, true));
  Values words = {divided(linear, 4), toNarrow(scalar(op.getStep())),
                  half(number, false), half(update, false)};
  philox(words, inner[0], inner[1]);

  Value place = remainder(linear, 4);
  Value isLate = compare(arith::CmpIPredicate::uge, place, constant(2));
  Value isOdd =
      compare(arith::CmpIPredicate::eq, remainder(place, 2), constant(1));
  Value first = select(isLate, words[2], words[0]),
        second = select(isLate, words[3], words[1]);
  Type element = op.getResult().getType().getElementType();
  if (op.getDistribution() == Distribution::Uniform) {
    Whole word = {&b, loc, select(isOdd, second, first)};
    return converted((word.shiftedDown(8).toReal() * 0x1p-24f).value, element);
  }
  Real log = logOfCount(Whole{&b, loc, first}.shiftedDown(8) + 1);
  Real radius =
      log.with(math::SqrtOp::create(b, loc, (log.with(-2.0f) * log).value));
  Real turn = sinOrCosOfTurn(Whole{&b, loc, second}.shiftedDown(8), isOdd);
  return converted((radius * turn).value, element);
}
