//===- Elementwise.cpp - Elementwise mathematics in the interpreter -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/Evaluation.h"
#include "dialects/Loco/IR/LocoOps.h"

#include <cmath>

using namespace mlir;
using namespace loco;
using namespace loco::reference;

/// Applies `function` to each element.
template <typename OpTy, typename Function>
static void addUnary(HandlerTable &table, MLIRContext *context,
                     Function function) {
  addHandler<OpTy>(table, context, [function](Evaluation &evaluation) {
    const Array &x = evaluation.getArray(0);
    Array result = makeArray(x.shape);
    for (size_t i = 0; i < x.values.size(); ++i)
      result.values[i] = function(x.values[i]);
    return evaluation.setResult(0, std::move(result));
  });
}

/// Checks that all operands, which the types may leave open, have one shape.
static LogicalResult checkShapes(Evaluation &evaluation) {
  const Array &first = evaluation.getArray(0);
  for (unsigned i = 1; i < evaluation.getNumOperands(); ++i)
    if (evaluation.getArray(i).shape != first.shape)
      return evaluation.emitError()
             << "combines shapes [" << ArrayRef(first.shape) << "] and ["
             << ArrayRef(evaluation.getArray(i).shape) << "]";
  return success();
}

/// Applies `function` to each pair of elements.
template <typename OpTy, typename Function>
static void addBinary(HandlerTable &table, MLIRContext *context,
                      Function function) {
  addHandler<OpTy>(
      table, context, [function](Evaluation &evaluation) -> LogicalResult {
        if (failed(checkShapes(evaluation)))
          return failure();
        const Array &x = evaluation.getArray(0), &y = evaluation.getArray(1);
        Array result = makeArray(x.shape);
        for (size_t i = 0; i < x.values.size(); ++i)
          result.values[i] = function(x.values[i], y.values[i]);
        return evaluation.setResult(0, std::move(result));
      });
}

/// Applies `function` to each triple of elements.
template <typename OpTy, typename Function>
static void addTernary(HandlerTable &table, MLIRContext *context,
                       Function function) {
  addHandler<OpTy>(
      table, context, [function](Evaluation &evaluation) -> LogicalResult {
        if (failed(checkShapes(evaluation)))
          return failure();
        const Array &x = evaluation.getArray(0), &y = evaluation.getArray(1),
                    &z = evaluation.getArray(2);
        Array result = makeArray(x.shape);
        for (size_t i = 0; i < x.values.size(); ++i)
          result.values[i] = function(x.values[i], y.values[i], z.values[i]);
        return evaluation.setResult(0, std::move(result));
      });
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static double sigmoid(double x) {
  double tail = std::exp(-std::fabs(x));
  return x >= 0 ? 1 / (1 + tail) : tail / (1 + tail);
}

static double softplus(double x) {
  return std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

/// IEEE 754-2019 maximum: a NaN wins.
static double maximum(double x, double y) {
  if (std::isnan(x) || std::isnan(y))
    return x + y;
  return x == y ? (std::signbit(x) ? y : x) : std::max(x, y);
}

static double minimum(double x, double y) { return -maximum(-x, -y); }

static bool compare(arith::CmpFPredicate predicate, double x, double y) {
  using enum arith::CmpFPredicate;
  bool unordered = std::isnan(x) || std::isnan(y);
  switch (predicate) {
  case AlwaysFalse:
    return false;
  case OEQ:
    return x == y;
  case OGT:
    return x > y;
  case OGE:
    return x >= y;
  case OLT:
    return x < y;
  case OLE:
    return x <= y;
  case ONE:
    return !unordered && x != y;
  case ORD:
    return !unordered;
  case UEQ:
    return unordered || x == y;
  case UGT:
    return unordered || x > y;
  case UGE:
    return unordered || x >= y;
  case ULT:
    return unordered || x < y;
  case ULE:
    return unordered || x <= y;
  case UNE:
    return x != y;
  case UNO:
    return unordered;
  case AlwaysTrue:
    return true;
  }
  llvm_unreachable("all predicates are listed");
}

static LogicalResult evaluateCmpF(Evaluation &evaluation) {
  if (failed(checkShapes(evaluation)))
    return failure();
  auto predicate = evaluation.getOp<arith::CmpFOp>().getPredicate();
  const Array &x = evaluation.getArray(0), &y = evaluation.getArray(1);
  Array result = makeArray(x.shape);
  for (size_t i = 0; i < x.values.size(); ++i)
    result.values[i] = compare(predicate, x.values[i], y.values[i]);
  return evaluation.setResult(0, std::move(result));
}

/// The condition may be one `i1` for values of any kind, or a tensor of them.
static LogicalResult evaluateSelect(Evaluation &evaluation) {
  if (auto *condition = std::get_if<int64_t>(&evaluation.getOperand(0)))
    return evaluation.setResult(0, evaluation.getOperand(*condition ? 1 : 2));
  if (failed(checkShapes(evaluation)))
    return failure();
  const Array &condition = evaluation.getArray(0), &x = evaluation.getArray(1),
              &y = evaluation.getArray(2);
  Array result = makeArray(x.shape);
  for (size_t i = 0; i < x.values.size(); ++i)
    result.values[i] = condition.values[i] != 0 ? x.values[i] : y.values[i];
  return evaluation.setResult(0, std::move(result));
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

static void addArithmetic(HandlerTable &table, MLIRContext *context) {
  addUnary<arith::NegFOp>(table, context, [](double x) { return -x; });
  addBinary<arith::AddFOp>(table, context,
                           [](double x, double y) { return x + y; });
  addBinary<arith::SubFOp>(table, context,
                           [](double x, double y) { return x - y; });
  addBinary<arith::MulFOp>(table, context,
                           [](double x, double y) { return x * y; });
  addBinary<arith::DivFOp>(table, context,
                           [](double x, double y) { return x / y; });
  addBinary<arith::RemFOp>(table, context,
                           [](double x, double y) { return std::fmod(x, y); });
  addBinary<arith::MaximumFOp>(table, context, maximum);
  addBinary<arith::MinimumFOp>(table, context, minimum);
  addBinary<arith::MaxNumFOp>(
      table, context, [](double x, double y) { return std::fmax(x, y); });
  addBinary<arith::MinNumFOp>(
      table, context, [](double x, double y) { return std::fmin(x, y); });
  // All arithmetic is f64: a change of precision changes nothing.
  addUnary<arith::ExtFOp>(table, context, [](double x) { return x; });
  addUnary<arith::TruncFOp>(table, context, [](double x) { return x; });
  addHandler<arith::CmpFOp>(table, context, evaluateCmpF);
  addHandler<arith::SelectOp>(table, context, evaluateSelect);
}

static void addFunctions(HandlerTable &table, MLIRContext *context) {
  addUnary<SigmoidOp>(table, context, sigmoid);
  addUnary<SoftplusOp>(table, context, softplus);
  addUnary<StopGradientOp>(table, context, [](double x) { return x; });

  addUnary<math::AbsFOp>(table, context, [](double x) { return std::fabs(x); });
  addUnary<math::AcosOp>(table, context, [](double x) { return std::acos(x); });
  addUnary<math::AcoshOp>(table, context,
                          [](double x) { return std::acosh(x); });
  addUnary<math::AsinOp>(table, context, [](double x) { return std::asin(x); });
  addUnary<math::AsinhOp>(table, context,
                          [](double x) { return std::asinh(x); });
  addUnary<math::AtanOp>(table, context, [](double x) { return std::atan(x); });
  addUnary<math::AtanhOp>(table, context,
                          [](double x) { return std::atanh(x); });
  addUnary<math::CbrtOp>(table, context, [](double x) { return std::cbrt(x); });
  addUnary<math::CeilOp>(table, context, [](double x) { return std::ceil(x); });
  addUnary<math::CosOp>(table, context, [](double x) { return std::cos(x); });
  addUnary<math::CoshOp>(table, context, [](double x) { return std::cosh(x); });
  addUnary<math::ErfOp>(table, context, [](double x) { return std::erf(x); });
  addUnary<math::ErfcOp>(table, context, [](double x) { return std::erfc(x); });
  addUnary<math::ExpOp>(table, context, [](double x) { return std::exp(x); });
  addUnary<math::Exp2Op>(table, context, [](double x) { return std::exp2(x); });
  addUnary<math::ExpM1Op>(table, context,
                          [](double x) { return std::expm1(x); });
  addUnary<math::FloorOp>(table, context,
                          [](double x) { return std::floor(x); });
  addUnary<math::LogOp>(table, context, [](double x) { return std::log(x); });
  addUnary<math::Log10Op>(table, context,
                          [](double x) { return std::log10(x); });
  addUnary<math::Log1pOp>(table, context,
                          [](double x) { return std::log1p(x); });
  addUnary<math::Log2Op>(table, context, [](double x) { return std::log2(x); });
  addUnary<math::RoundOp>(table, context,
                          [](double x) { return std::round(x); });
  addUnary<math::RoundEvenOp>(table, context,
                              [](double x) { return std::nearbyint(x); });
  addUnary<math::RsqrtOp>(table, context,
                          [](double x) { return 1 / std::sqrt(x); });
  addUnary<math::SinOp>(table, context, [](double x) { return std::sin(x); });
  addUnary<math::SinhOp>(table, context, [](double x) { return std::sinh(x); });
  addUnary<math::SqrtOp>(table, context, [](double x) { return std::sqrt(x); });
  addUnary<math::TanOp>(table, context, [](double x) { return std::tan(x); });
  addUnary<math::TanhOp>(table, context, [](double x) { return std::tanh(x); });
  addUnary<math::TruncOp>(table, context,
                          [](double x) { return std::trunc(x); });
  addUnary<math::IsFiniteOp>(table, context,
                             [](double x) { return double(std::isfinite(x)); });
  addUnary<math::IsInfOp>(table, context,
                          [](double x) { return double(std::isinf(x)); });
  addUnary<math::IsNaNOp>(table, context,
                          [](double x) { return double(std::isnan(x)); });

  addBinary<math::Atan2Op>(table, context,
                           [](double y, double x) { return std::atan2(y, x); });
  addBinary<math::CopySignOp>(
      table, context, [](double x, double y) { return std::copysign(x, y); });
  addBinary<math::PowFOp>(table, context,
                          [](double x, double y) { return std::pow(x, y); });
  addBinary<math::FPowIOp>(table, context,
                           [](double x, double n) { return std::pow(x, n); });
  addTernary<math::FmaOp>(table, context, [](double x, double y, double z) {
    return std::fma(x, y, z);
  });
  addTernary<math::ClampFOp>(table, context,
                             [](double x, double low, double high) {
                               return minimum(maximum(x, low), high);
                             });
}

void reference::addElementwiseHandlers(HandlerTable &table,
                                       MLIRContext *context) {
  addArithmetic(table, context);
  addFunctions(table, context);
}
