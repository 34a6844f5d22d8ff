//===- Signature.h - What a model's function takes and gives -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the attributes that docs/ModelIR.md lists, and checks a call against
// them, for every way of executing a model alike.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_SIGNATURE_H
#define COMPILER_DRIVER_SIGNATURE_H

#include "loco/Program.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>

namespace loco {

struct Signature {
  std::vector<ArgumentSpec> arguments;
  std::vector<ResultSpec> results;
  /// Positions of `arguments` and `results` among those of the function.
  std::vector<unsigned> argumentPositions, resultPositions;
  /// Positions of the random key, and of the number of steps or, in @M.step, of
  /// the step's index, if it takes them.
  std::optional<unsigned> keyPosition, stepsPosition;
  /// True if that is the index of a step, which may be 0.
  bool takesStepIndex = false;

  const ArgumentSpec *findArgument(llvm::StringRef name) const;
  const ResultSpec *findResult(llvm::StringRef name) const;
  /// The name of the result of role Loss; empty if there is none.
  std::string getLossName() const;
};

/// The signature of `function`; `precision` is the type of all that is not I32.
Signature readSignature(mlir::func::FuncOp function, ElementType precision);

/// Checks names, types, shapes, class ranges and lengths of a call; the first
/// thing that does not fit is an error that names it.
Status checkCall(const Signature &signature, const TensorMap &parameters,
                 const Batch &batch, const Request &request);

/// The shape of a batch of values: [samples, steps, ...] or [samples, ...].
Shape getBatchShape(const Shape &shape, bool perStep, const Batch &batch);

/// Inputs that have a preset and that the batch does not give.
TensorMap makePresets(const Signature &signature, const Batch &batch);

/// Adds to the module a copy of `function` that gives only the results of the
/// names listed, in that order, under the name `name`.
mlir::func::FuncOp specialize(mlir::func::FuncOp function,
                              llvm::ArrayRef<std::string> results,
                              llvm::StringRef name);

} // namespace loco

#endif // COMPILER_DRIVER_SIGNATURE_H
