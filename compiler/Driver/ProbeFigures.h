//===- ProbeFigures.h - Pictures of probed values ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_PROBEFIGURES_H
#define COMPILER_DRIVER_PROBEFIGURES_H

#include "compiler/Driver/ModelFacts.h"
#include "loco/Expected.h"
#include "loco/Tensor.h"

#include <string>

namespace loco {

/// What is to be drawn.
struct ProbeFigure {
  std::string label;
  /// Of the file, without its ending.
  std::string name;
  /// Steps from one value to the next.
  int64_t every = 1;
  bool perStep = false;
  /// Null for a value that lives on no space.
  const sema::Space *space = nullptr;
  /// Phases, shown in cyclic colours.
  bool isAngle = false;
};

/// True if `result` is a state that holds phases.
bool isAngle(const ModelFacts &model, llvm::StringRef result);

/// Draws `values` ([samples, steps, ...] or [samples, ...]) to
/// `folder/<name>.png`, with `_` for what a file's name should not hold:
/// scalars and short vectors over time as lines, one-dimensional lattices as
/// space against time, sheets and images of the first sample as frames. Nothing
/// is drawn of a scalar that has no steps.
Status drawProbe(const Tensor &values, const ProbeFigure &figure,
                 const std::string &folder);

} // namespace loco

#endif // COMPILER_DRIVER_PROBEFIGURES_H
