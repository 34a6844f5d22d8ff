//===- Health.h - Signs that a training run went wrong ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_TRAINING_HEALTH_H
#define LOCO_RUNTIME_TRAINING_HEALTH_H

#include "loco/Program.h"

#include <optional>
#include <string>
#include <vector>

namespace loco {

/// The first of the tensors that holds an infinity or what is not a number.
std::optional<std::string> findNotFinite(const TensorMap &tensors);

/// Where a loss or gradient that is not finite came from, as far upstream as
/// can be told: the data, a parameter, or a gradient.
std::string explainNotFinite(const std::vector<ArgumentSpec> &arguments,
                             const TensorMap &parameters, const Batch &batch,
                             const Reply &reply);

/// Tells of parameters with a relu range that cannot change any more.
class DeadParameters {
public:
  explicit DeadParameters(std::vector<std::string> names)
      : alive(std::move(names)) {}

  /// Names that were found dead now: no value is positive and the gradient is
  /// zero. Each is given once.
  std::vector<std::string> find(const TensorMap &parameters,
                                const TensorMap &gradients);

private:
  std::vector<std::string> alive;
};

} // namespace loco

#endif // LOCO_RUNTIME_TRAINING_HEALTH_H
