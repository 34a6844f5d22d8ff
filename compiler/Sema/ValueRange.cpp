//===- ValueRange.cpp - What numbers a value can have ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ValueRange.h"

#include "compiler/Sema/Model.h"
#include "llvm/ADT/DenseMap.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace loco::sema;

static constexpr double infinity = std::numeric_limits<double>::infinity();

namespace {

/// Values are shared, so each is looked at once.
class RangeFinder {
public:
  ValueRange get(const Node *node);

private:
  ValueRange compute(const Node &node);
  ValueRange unite(llvm::ArrayRef<Node *> operands);

  llvm::DenseMap<const Node *, ValueRange> known;
};

} // namespace

static ValueRange anything() { return {-infinity, infinity, false}; }

static ValueRange negate(ValueRange a) {
  return {-a.high, -a.low, a.excludesZero};
}

static ValueRange add(ValueRange a, ValueRange b) {
  ValueRange sum = ValueRange::between(a.low + b.low, a.high + b.high);
  bool isPositive = a.low >= 0 && b.low >= 0;
  bool isNegative = a.high <= 0 && b.high <= 0;
  if (isPositive || isNegative)
    sum.excludesZero |= a.excludesZero || b.excludesZero;
  return sum;
}

static ValueRange multiply(ValueRange a, ValueRange b) {
  double low = infinity, high = -infinity;
  for (double x : {a.low, a.high})
    for (double y : {b.low, b.high}) {
      double product = x == 0 || y == 0 ? 0 : x * y;
      low = std::min(low, product);
      high = std::max(high, product);
    }
  return {low, high, a.excludesZero && b.excludesZero};
}

static ValueRange invert(ValueRange a) {
  if (a.low >= 0)
    return {1 / a.high, a.low == 0 ? infinity : 1 / a.low, true};
  if (a.high <= 0)
    return negate(invert(negate(a)));
  return {-infinity, infinity, true};
}

static ValueRange absolute(ValueRange a) {
  if (a.low >= 0)
    return a;
  if (a.high <= 0)
    return negate(a);
  return {0, std::max(-a.low, a.high), a.excludesZero};
}

ValueRange RangeFinder::unite(llvm::ArrayRef<Node *> operands) {
  ValueRange all = get(operands.front());
  for (const Node *operand : operands.drop_front()) {
    ValueRange range = get(operand);
    all = {std::min(all.low, range.low), std::max(all.high, range.high),
           all.excludesZero && range.excludesZero};
  }
  return all;
}

ValueRange RangeFinder::compute(const Node &node) {
  auto operand = [&](unsigned i) { return get(node.operands[i]); };
  /// Of a function that grows.
  auto map = [&](auto function, bool excludesZero) {
    ValueRange a = operand(0);
    return ValueRange{function(a.low), function(a.high), excludesZero};
  };
  switch (node.op) {
  case Op::Constant:
    return ValueRange::between(node.number, node.number);
  case Op::Array: {
    if (node.numbers.empty())
      return anything();
    auto [low, high] =
        std::minmax_element(node.numbers.begin(), node.numbers.end());
    return {*low, *high,
            std::find(node.numbers.begin(), node.numbers.end(), 0) ==
                node.numbers.end()};
  }
  case Op::Parameter:
    return node.parameter->isFrozen && node.parameter->initial
               ? get(node.parameter->initial)
               : anything();
  case Op::Random:
    return node.isNormal ? anything() : ValueRange{0, 1, false};
  case Op::Negate:
    return negate(operand(0));
  case Op::Tanh:
    return map([](double x) { return std::tanh(x); }, operand(0).excludesZero);
  case Op::Sigmoid:
    return map([](double x) { return 1 / (1 + std::exp(-x)); }, true);
  case Op::Softplus:
    return map([](double x) { return x > 700 ? x : std::log1p(std::exp(x)); },
               true);
  case Op::Exp:
    return map([](double x) { return std::exp(x); }, true);
  case Op::Sqrt:
    return map([](double x) { return std::sqrt(std::max(x, 0.0)); },
               operand(0).excludesZero);
  case Op::Sin:
  case Op::Cos:
    return {-1, 1, false};
  case Op::Abs:
    return absolute(operand(0));
  case Op::Add:
    return add(operand(0), operand(1));
  case Op::Subtract:
    return add(operand(0), negate(operand(1)));
  case Op::Multiply:
    if (node.operands[0] == node.operands[1]) {
      ValueRange a = absolute(operand(0));
      return multiply(a, a);
    }
    return multiply(operand(0), operand(1));
  case Op::Divide:
    return multiply(operand(0), invert(operand(1)));
  case Op::Maximum: {
    ValueRange a = operand(0), b = operand(1);
    bool excludes = (a.low >= 0 && a.excludesZero) ||
                    (b.low >= 0 && b.excludesZero) ||
                    (a.high < 0 && b.high < 0);
    return {std::max(a.low, b.low), std::max(a.high, b.high), excludes};
  }
  case Op::Minimum: {
    ValueRange a = operand(0), b = operand(1);
    bool excludes = (a.high <= 0 && a.excludesZero) ||
                    (b.high <= 0 && b.excludesZero) || (a.low > 0 && b.low > 0);
    return {std::min(a.low, b.low), std::min(a.high, b.high), excludes};
  }
  case Op::Power: // of numbers above 0
    return {0, infinity, true};
  case Op::Select:
    return unite(llvm::ArrayRef(node.operands).drop_front());
  case Op::Concat:
    return unite(node.operands);
  case Op::StopGradient:
  case Op::Broadcast:
  case Op::Reshape:
  case Op::Slice:
  case Op::Max:
  case Op::Variable:
    return operand(0);
  case Op::Sum: {
    ValueRange a = operand(0);
    return {a.low >= 0 ? a.low : -infinity, a.high <= 0 ? a.high : infinity,
            a.excludesZero && (a.low >= 0 || a.high <= 0)};
  }
  default:
    return anything();
  }
}

ValueRange RangeFinder::get(const Node *node) {
  auto found = known.find(node);
  if (found != known.end())
    return found->second;
  ValueRange range = compute(*node);
  if (std::isnan(range.low) || std::isnan(range.high))
    range = anything();
  known.try_emplace(node, range);
  return range;
}

ValueRange loco::sema::getValueRange(const Node *node) {
  return RangeFinder().get(node);
}
