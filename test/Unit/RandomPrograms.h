//===- RandomPrograms.h - Random programs of the whole op set ---*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Well-typed programs of the loco dialect, a pure function of the seed, for
// tests that must hold for every program: derivatives, lowerings, passes.
// Functions stay in safe domains (the logarithm of what is positive) and values
// within moderate bounds, so that every program gives finite numbers.
//
//===----------------------------------------------------------------------===//

#ifndef TEST_UNIT_RANDOMPROGRAMS_H
#define TEST_UNIT_RANDOMPROGRAMS_H

#include "compiler/Reference/Interpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace loco::test {

struct Options {
  /// Ops asked for in the function itself; the body of a loop gets half as
  /// many.
  unsigned numOps = 12;
  /// Depth to which loops are nested.
  unsigned depth = 2;
  /// Element type f32 instead of f64.
  bool f32 = false;
  /// Functions with jumps or kinks: max, select by a value, abs, floor, ...
  bool kinks = true;
  bool stopGradients = true;
  bool randomDraws = true;
  /// Calls of a helper function.
  bool calls = false;
  /// Functions of `math` beyond those that the language has: erf, cosh, ...
  bool moreFunctions = false;
  /// Elementwise ops on stacked values outside of a loop over them.
  bool stackedElementwise = true;
  /// Stacks of stacked values, which inner loops leave to outer ones.
  bool nestedStacks = false;
  /// Loops that end before their last step.
  bool earlyEnds = true;
  /// Loops that take a constant number of their steps.
  bool givenEnds = true;
  /// Names of ops that must not be chosen, as in "math.atan2". (What keeps
  /// values within bounds and domains stays: softplus, sums, products,
  /// contractions.)
  llvm::SmallVector<llvm::StringRef> excluded;

  /// For finite differences: smooth functions only.
  static Options smooth() {
    Options options;
    options.kinks = options.stopGradients = false;
    return options;
  }
};

/// The name of the function that a program consists of. Its arguments: fields,
/// stacked fields, a label, stacked labels, a random key, the number of steps
/// (of all stacked arguments). Its results: a scalar that depends on nearly
/// every op, then fields.
constexpr llvm::StringLiteral programName = "program";

/// The program of `seed`; it passes the verifier.
mlir::OwningOpRef<mlir::ModuleOp>
makeRandomProgram(mlir::MLIRContext &context, uint64_t seed,
                  const Options &options = {});

/// Arguments for `function`, which may also be a derivative of a program:
/// numbers in [-1.5, 1.5] for fields, labels below 3; dynamic extents are
/// `steps`, which programs expect to be 1 to 8.
llvm::SmallVector<RuntimeValue>
makeRandomArguments(mlir::func::FuncOp function, uint64_t seed, int64_t steps);

} // namespace loco::test

#endif // TEST_UNIT_RANDOMPROGRAMS_H
