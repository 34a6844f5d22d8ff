//===- TrainingData.h - What is learned from, and what is not ---*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_TRAININGDATA_H
#define COMPILER_DRIVER_TRAININGDATA_H

#include "loco/DataSource.h"
#include "loco/Training.h"

#include <memory>

namespace loco {

/// The data of one `train` block.
struct TrainingData {
  /// As the program names it; the two below may read from it.
  std::unique_ptr<DataSource> whole;
  /// Null if all of `whole` is learned from.
  std::unique_ptr<DataSource> rest;
  /// Null if the plan has no validation.
  std::unique_ptr<DataSource> validation;

  DataSource &learned() const { return rest ? *rest : *whole; }
};

/// Samples that are kept for validation where the block does not say how many.
int64_t getValidationSamples(const TrainingPlan &plan);

/// Opens the data. For validation, a source with an end gives up its last
/// samples, a generator makes others (`split = "validation"`).
Expected<TrainingData> openTrainingData(const DataOption &call,
                                        const TrainingPlan &plan);

/// Lets `session` measure the loss on the data kept for it, if there are any.
void addValidation(const TrainingData &data, Program &program,
                   const TrainingPlan &plan, TrainingSession &session);

} // namespace loco

#endif // COMPILER_DRIVER_TRAININGDATA_H
