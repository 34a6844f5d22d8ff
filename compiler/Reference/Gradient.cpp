//===- Gradient.cpp - Derivatives inside of programs, interpreted ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finite differences, so that this oracle knows none of the rules that it is
// held against. Central differences of large steps are extrapolated to a step
// of zero (Ridders 1982; Press et al., Numerical Recipes, section 5.7): smooth
// functions come out to about 11 digits, also where they are derivatives
// themselves. At a kink the result is the mean of both sides.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/Evaluation.h"
#include "dialects/Loco/IR/LocoOps.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace loco;
using namespace loco::reference;

/// Rows of the extrapolation, and the factor from a step to the next one.
static constexpr int numRows = 12;
static constexpr double shrink = 1.6;

/// The derivative at 0 of `function`, whose scale is that of `size`.
static double differentiate(function_ref<double(double)> function,
                            double size) {
  double step = 0.2 * std::max(std::fabs(size), 0.5);
  auto difference = [&] {
    return (function(step) - function(-step)) / (2 * step);
  };
  double table[numRows][numRows];
  table[0][0] = difference();
  // Outside of the function's domain: nearer.
  for (int attempt = 0; attempt < 20 && !std::isfinite(table[0][0]);
       ++attempt) {
    step /= 4;
    table[0][0] = difference();
  }
  double best = table[0][0], error = std::numeric_limits<double>::infinity();
  for (int row = 1; row < numRows; ++row) {
    step /= shrink;
    table[row][0] = difference();
    double factor = shrink * shrink;
    for (int column = 1; column <= row; ++column) {
      table[row][column] =
          (table[row][column - 1] * factor - table[row - 1][column - 1]) /
          (factor - 1);
      factor *= shrink * shrink;
      double change =
          std::max(std::fabs(table[row][column] - table[row][column - 1]),
                   std::fabs(table[row][column] - table[row - 1][column - 1]));
      if (change < error) {
        error = change;
        best = table[row][column];
      }
    }
    // Rounding errors have taken over.
    if (std::fabs(table[row][row] - table[row - 1][row - 1]) >= 2 * error)
      break;
  }
  return best;
}

static LogicalResult evaluateGradient(Evaluation &evaluation) {
  auto op = evaluation.getOp<GradientOp>();
  WalkResult held = op->walk([&](StopGradientOp stop) {
    stop.emitOpError("inside of a derivative is unknown to the reference "
                     "interpreter, which takes finite differences");
    return WalkResult::interrupt();
  });
  if (held.wasInterrupted())
    return failure();
  const Code &code = evaluation.machine.getCode(*op.getBlock());
  Frame &frame = evaluation.frame;
  for (unsigned i = 0; i < evaluation.getNumOperands(); ++i)
    frame[code.arguments[i]] = evaluation.getOperand(i);

  bool failedInside = false;
  for (unsigned i = 0; i < op.getVariables().size(); ++i) {
    const Array variable = evaluation.getArray(i);
    Array gradient = makeArray(variable.shape);
    for (size_t site = 0; site < variable.values.size(); ++site) {
      auto scalar = [&](double distance) {
        Array moved = variable;
        moved.values[site] += distance;
        frame[code.arguments[i]] =
            std::make_shared<const Array>(std::move(moved));
        failedInside |= failed(evaluation.machine.run(code, frame));
        if (failedInside)
          return 0.0;
        return std::get<ArrayPointer>(frame[code.yields[0]])->values.front();
      };
      gradient.values[site] = differentiate(scalar, variable.values[site]);
      if (failedInside)
        return failure();
    }
    frame[code.arguments[i]] = evaluation.getOperand(i);
    if (failed(evaluation.setResult(i, std::move(gradient))))
      return failure();
  }
  return success();
}

void reference::addGradientHandler(HandlerTable &table, MLIRContext *context) {
  addHandler<GradientOp>(table, context, evaluateGradient);
}
