//===- SeedSummary.cpp - Results of several seeds as one -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/SeedSummary.h"

#include <cmath>

using namespace loco;
using Json = nlohmann::ordered_json;

/// Mean and sample deviation of one number of all runs.
static Json summarizeNumbers(const std::vector<Json> &values) {
  Json result = {{"mean", nullptr}, {"deviation", nullptr}, {"values", values}};
  double count = double(values.size()), sum = 0, squares = 0;
  for (const Json &value : values) {
    if (!value.is_number())
      return result;
    sum += value.get<double>();
  }
  double mean = sum / count;
  for (const Json &value : values)
    squares += std::pow(value.get<double>() - mean, 2);
  result["mean"] = mean;
  if (values.size() > 1)
    result["deviation"] = std::sqrt(squares / (count - 1));
  return result;
}

/// What every run has under `name`; null where it has nothing.
static std::vector<Json> getMembers(const std::vector<Json> &runs,
                                    const std::string &name) {
  std::vector<Json> members;
  for (const Json &run : runs)
    members.push_back(run.is_object() ? run.value(name, Json()) : Json());
  return members;
}

Json loco::summarizeSeeds(const std::vector<Json> &runs) {
  for (const Json &run : runs)
    if (run.is_number())
      return summarizeNumbers(runs);
  Json result;
  for (const Json &run : runs) {
    if (!run.is_object())
      continue;
    for (const auto &[name, ignored] : run.items())
      if (!result.contains(name))
        result[name] = summarizeSeeds(getMembers(runs, name));
  }
  if (!result.is_null())
    return result;
  for (const Json &run : runs)
    if (run != runs.front())
      return nullptr;
  return runs.front();
}
