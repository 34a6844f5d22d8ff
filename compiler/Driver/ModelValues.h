//===- ModelValues.h - Numbers to run a model with -----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parameters and inputs of a model from files, or drawn. Errors list all names
// that are missing, unused or misshapen at once.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_MODELVALUES_H
#define COMPILER_DRIVER_MODELVALUES_H

#include "compiler/Driver/Signature.h"
#include "compiler/Sema/Model.h"

#include <optional>

namespace loco {

/// The parameters as the model takes them, from `values` by name. A parameter
/// with a range may be given as it is stored (`dt.raw`) or as it is meant
/// (`dt`, which must be in its range).
Expected<TensorMap>
importParameters(TensorMap values, const sema::Model &model,
                 const std::vector<ArgumentSpec> &arguments);

/// How many samples and steps a caller wants; the inputs say what is left open.
struct BatchSize {
  std::optional<int64_t> samples, steps;
};

/// What a model takes from a batch.
struct InputSignature {
  std::vector<ArgumentSpec> inputs;
  bool hasSteps = false;
  /// Inputs that nothing depends on (labels that only analyses use): zero
  /// where they are not given.
  std::vector<std::string> optional;
};
/// The inputs of a model's function, in the element types of `program`.
InputSignature readInputSignature(mlir::func::FuncOp function,
                                  const Program &program);

/// A batch of `values`: arrays with a leading axis of samples, then, for inputs
/// per step, one of steps. Sample numbers count from 0.
Expected<Batch> fitInputs(const TensorMap &values,
                          const InputSignature &signature, BatchSize size);

/// A batch drawn from `seed`: numbers uniform on [0, 1), classes all equally
/// likely. One sample, and 5 steps, unless `size` says otherwise.
Batch drawInputs(const InputSignature &signature, BatchSize size,
                 uint64_t seed);

/// `batch` with all numbers in the types of `arguments`.
Batch convertInputs(const Batch &batch,
                    const std::vector<ArgumentSpec> &arguments);

/// `parameters` in the types of `arguments`.
TensorMap convertParameters(const TensorMap &parameters,
                            const std::vector<ArgumentSpec> &arguments);

} // namespace loco

#endif // COMPILER_DRIVER_MODELVALUES_H
