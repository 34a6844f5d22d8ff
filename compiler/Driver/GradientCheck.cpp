//===- GradientCheck.cpp - Derivatives against finite differences --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/GradientCheck.h"

#include "compiler/Autodiff/Autodiff.h"
#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/ScopeExit.h"

#include <array>
#include <cmath>
#include <random>

using namespace mlir;
using namespace loco;

using Values = SmallVector<RuntimeValue>;

/// A finite difference of this relative uncertainty needs no better one.
static constexpr double surely = 1e-5;

double GradientCheck::getForwardError() const {
  double beyond = std::fabs(forward - finiteDifference) - 4 * uncertainty;
  return std::max(beyond, 0.0) / (scale + 1e-300);
}

double GradientCheck::getReverseError() const {
  return std::fabs(forward - reverse) / (scale + 1e-300);
}

namespace {
/// One function and its derivatives by one argument, at one place.
class Checker {
public:
  Checker(func::FuncOp function, unsigned argument,
          ArrayRef<RuntimeValue> place, uint64_t seed)
      : module(function->getParentOfType<ModuleOp>()), function(function),
        argument(argument), place(place), random(seed) {}

  FailureOr<GradientCheck> run();

private:
  Array drawLike(const Array &array);
  FailureOr<Values> call(StringRef name, const Values &arguments);
  FailureOr<double> combine(double step);
  LogicalResult addDifference(GradientCheck &check, double step);
  static double dot(const Array &a, const Array &b, double *scale = nullptr);

  ModuleOp module;
  func::FuncOp function;
  unsigned argument;
  ArrayRef<RuntimeValue> place;
  std::mt19937_64 random;
  Array direction;
  /// One for each differentiable result.
  std::vector<Array> weights;
  /// What is constant in the derivatives, as it is at the place.
  HeldValues held;
};
} // namespace

Array Checker::drawLike(const Array &array) {
  std::normal_distribution<double> normal;
  Array drawn = array;
  for (double &value : drawn.values)
    value = normal(random);
  return drawn;
}

double Checker::dot(const Array &a, const Array &b, double *scale) {
  double sum = 0;
  for (auto [x, y] : llvm::zip_equal(a.values, b.values)) {
    sum += x * y;
    if (scale)
      *scale += std::fabs(x * y);
  }
  return sum;
}

FailureOr<Values> Checker::call(StringRef name, const Values &arguments) {
  return Interpreter(module).call(name, arguments);
}

/// The weighted sum of the results at `step` along the direction.
FailureOr<double> Checker::combine(double step) {
  Values moved(place);
  auto &array = std::get<Array>(moved[argument]);
  for (auto [value, change] : llvm::zip_equal(array.values, direction.values))
    value += step * change;
  FailureOr<Values> results =
      Interpreter(module).call(function.getSymName(), moved, held);
  if (failed(results))
    return failure();
  double sum = 0;
  auto weight = weights.begin();
  for (auto [result, type] : llvm::zip(*results, function.getResultTypes()))
    if (isDifferentiable(type))
      sum += dot(*weight++, std::get<Array>(result));
  return sum;
}

/// Central differences of fourth order, in place of a less certain one.
LogicalResult Checker::addDifference(GradientCheck &check, double step) {
  FailureOr<double> middle = combine(0);
  if (failed(middle))
    return failure();
  double estimates[2], bends[2], largest = 0;
  for (auto [index, step] : llvm::enumerate(std::array{2 * step, step})) {
    FailureOr<double> ahead = combine(step), behind = combine(-step);
    FailureOr<double> ahead2 = combine(2 * step), behind2 = combine(-2 * step);
    if (failed(ahead) || failed(behind) || failed(ahead2) || failed(behind2))
      return failure();
    largest = std::max(std::fabs(*ahead2), std::fabs(*behind2));
    estimates[index] =
        (8 * (*ahead - *behind) - (*ahead2 - *behind2)) / (12 * step);
    bends[index] = (*ahead - 2 * *middle + *behind) / step;
  }
  // Truncation shows in the change; rounding of the values may not. Neither
  // does a kink in the middle, on both sides of which slopes differ at every
  // step alike.
  double uncertainty = std::fabs(estimates[1] - estimates[0]) +
                       std::fabs(2 * bends[1] - bends[0]) +
                       1e-15 * largest / step;
  if (!(uncertainty >= check.uncertainty)) {
    check.finiteDifference = estimates[1];
    check.uncertainty = uncertainty;
  }
  return success();
}

FailureOr<GradientCheck> Checker::run() {
  GradientCheck check;
  check.argument = argument;
  direction = drawLike(std::get<Array>(place[argument]));

  std::string base = function.getSymName().str();
  FailureOr<func::FuncOp> jvp =
      createJVP(function, argument, base + ".check.jvp");
  if (failed(jvp))
    return failure();
  llvm::scope_exit eraseJVP([&] { jvp->erase(); });
  FailureOr<func::FuncOp> vjp =
      createVJP(function, argument, base + ".check.vjp");
  if (failed(vjp))
    return failure();
  llvm::scope_exit eraseVJP([&] { vjp->erase(); });

  Values forwardArguments(place);
  forwardArguments.push_back(direction);
  FailureOr<Values> forward = call(jvp->getSymName(), forwardArguments);
  if (failed(forward))
    return failure();
  unsigned tangent = function.getNumResults();
  for (auto [index, type] : llvm::enumerate(function.getResultTypes())) {
    if (!isDifferentiable(type))
      continue;
    weights.push_back(drawLike(std::get<Array>((*forward)[index])));
    check.forward += dot(weights.back(), std::get<Array>((*forward)[tangent++]),
                         &check.scale);
  }

  Values reverseArguments(place);
  llvm::append_range(reverseArguments, weights);
  FailureOr<Values> reverse = call(vjp->getSymName(), reverseArguments);
  if (failed(reverse))
    return failure();
  check.reverse =
      dot(std::get<Array>(reverse->back()), direction, &check.scale);

  // The shorter the step, the rarer a kink within it, and the larger the
  // rounding: short ones serve where the first says too little.
  for (double step : {1e-4, 1e-5, 1e-6}) {
    if (check.uncertainty <= surely * check.scale)
      break;
    if (failed(addDifference(check, step)))
      return failure();
  }
  return check;
}

FailureOr<std::vector<GradientCheck>>
loco::checkGradients(func::FuncOp function, ArrayRef<unsigned> wrt,
                     ArrayRef<RuntimeValue> arguments, uint64_t seed) {
  std::vector<GradientCheck> checks;
  for (unsigned argument : wrt) {
    FailureOr<GradientCheck> check =
        Checker(function, argument, arguments, seed + argument).run();
    if (failed(check))
      return failure();
    checks.push_back(*check);
  }
  return checks;
}
