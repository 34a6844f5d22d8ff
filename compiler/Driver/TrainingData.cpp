//===- TrainingData.cpp - What is learned from, and what is not ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/TrainingData.h"

#include "compiler/Driver/RunPlanning.h"

#include <fmt/format.h>

#include <algorithm>

using namespace loco;

int64_t loco::getValidationSamples(const TrainingPlan &plan) {
  return plan.validationSamples > 0 ? plan.validationSamples : 256;
}

Expected<TrainingData> loco::openTrainingData(const DataOption &call,
                                              const TrainingPlan &plan) {
  TrainingData data;
  auto whole = DataSource::open(call, plan.seed);
  if (!whole)
    return whole.error();
  data.whole = std::move(*whole);
  if (plan.validateUpdates == 0)
    return data;
  int64_t kept = getValidationSamples(plan);
  std::optional<int64_t> samples = data.whole->length();
  if (!samples) {
    auto others = DataSource::open(holdOut(call, "validation"), plan.seed);
    if (!others)
      return others.error();
    data.validation = std::move(*others);
    return data;
  }
  // Where the block does not say how many, small sets give a fifth.
  if (plan.validationSamples == 0)
    kept = std::min(kept, *samples / 5);
  if (kept < 1 || kept >= *samples)
    return Error{fmt::format("the data has {} samples, of which {} cannot be "
                             "kept for `validate`",
                             *samples, std::max<int64_t>(kept, 1))};
  data.rest = DataSource::part(*data.whole, 0, *samples - kept);
  data.validation = DataSource::part(*data.whole, *samples - kept, kept);
  return data;
}

void loco::addValidation(const TrainingData &data, Program &program,
                         const TrainingPlan &plan, TrainingSession &session) {
  if (!data.validation)
    return;
  ValidationOptions options;
  options.samples = getValidationSamples(plan);
  options.batch = plan.batch;
  options.seed = plan.seed;
  options.precision =
      session.precision == "f64" ? ElementType::F64 : ElementType::F32;
  session.validate = [&source = *data.validation, &program,
                      options](const TensorMap &parameters) {
    return measureLoss(program, source, parameters, options);
  };
}
