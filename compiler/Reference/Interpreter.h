//===- Interpreter.h - Reference interpreter of the dialect -----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The oracle of the compiler: runs functions of the loco dialect op by op, in
// f64 whatever the element type of the IR, with libm for every function. It is
// slow and obvious where it can be, and takes no decision that an op's
// description leaves open.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_REFERENCE_INTERPRETER_H
#define COMPILER_REFERENCE_INTERPRETER_H

#include "mlir/IR/BuiltinOps.h"

#include <memory>
#include <variant>
#include <vector>

namespace loco {

/// A tensor in row-major order. Elements of integer tensors are numbers too; an
/// `i1` is 0 or 1.
struct Array {
  llvm::SmallVector<int64_t> shape;
  std::vector<double> values;
};

/// The value of a `!loco.random_key`.
struct RandomKey {
  uint64_t seed = 0, update = 0, sample = 0;
};

/// The value of a tensor, of an `index` (or `i1`), or of a random key.
using RuntimeValue = std::variant<Array, int64_t, RandomKey>;

/// What the interpreter may be made to do beside f64: to move every number that
/// arithmetic rounds (and none that is only handed on) by `relative` of itself,
/// up or down at random, the same in every call. Two runs with and without show
/// what a machine of that rounding can know of a result.
struct RoundingNoise {
  double relative = 0;
};

/// What each `stop_gradient` of a call gave, in the order of execution.
struct HeldValues {
  std::vector<Array> values;
};

/// Runs the functions of a module, which must not change while the interpreter
/// lives. Not thread-safe: give each thread its own.
class Interpreter {
public:
  explicit Interpreter(mlir::ModuleOp module, RoundingNoise noise = {});
  ~Interpreter();

  /// Calls `function`. Arguments and results are in the order of the function's
  /// type; shapes agree with it, dynamic extents are free. What goes wrong (an
  /// unknown function or op, shapes that differ at run time, a step out of
  /// range) is reported as a diagnostic at the op.
  mlir::FailureOr<llvm::SmallVector<RuntimeValue>>
  call(llvm::StringRef function, llvm::ArrayRef<RuntimeValue> arguments);

  /// The same, for finite differences of what has `stop_gradient`: the call
  /// fills `held` if it is empty, otherwise it gives what stands there, so that
  /// what is constant in a derivative is so in the calls that are compared.
  mlir::FailureOr<llvm::SmallVector<RuntimeValue>>
  call(llvm::StringRef function, llvm::ArrayRef<RuntimeValue> arguments,
       HeldValues &held);

private:
  class Implementation;
  std::unique_ptr<Implementation> implementation;
};

} // namespace loco

#endif // COMPILER_REFERENCE_INTERPRETER_H
