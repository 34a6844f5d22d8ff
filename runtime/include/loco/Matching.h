//===- Matching.h - Data and values for a model, by name --------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_MATCHING_H
#define LOCO_MATCHING_H

#include "loco/DataSource.h"
#include "loco/Expected.h"
#include "loco/Program.h"

#include <string>
#include <vector>

namespace loco {

/// Which fields of a source feed a model.
struct FieldMatch {
  /// Fields that bear the name of an input; the others are not read.
  std::vector<std::string> fields;
  /// Those of them that the model takes as numbers, whatever the data hold.
  std::vector<std::string> numbers;
  /// Steps of every sample: those of the inputs per step, or, of a model that
  /// has none, those of the data; 0 if nothing has steps.
  int64_t steps = 0;
  /// True if an input has a value at each step.
  bool isTimed = false;
};

/// Finds a field for every input. The first error of: an input without a field
/// (names both sides), shapes that differ, numbers for classes or the reverse,
/// more classes than the input has, lengths in time that differ.
Expected<FieldMatch> matchFields(const std::vector<ArgumentSpec> &arguments,
                                 const DataSource &data);

/// The values as the model takes them: every Param and Frozen argument, in its
/// type; values that are moved here are not copied. One error lists all names
/// that are missing, unused or misshapen.
Expected<TensorMap> fitParameters(TensorMap values,
                                  const std::vector<ArgumentSpec> &arguments);

} // namespace loco

#endif // LOCO_MATCHING_H
