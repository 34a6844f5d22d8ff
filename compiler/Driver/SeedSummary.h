//===- SeedSummary.h - Results of several seeds as one ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_SEEDSUMMARY_H
#define COMPILER_DRIVER_SEEDSUMMARY_H

#include <nlohmann/json.hpp>

#include <vector>

namespace loco {

/// Results of equal form as one of that form, in which every number has become
/// `{"mean": ..., "deviation": ..., "values": [...]}`: the sample's standard
/// deviation, null for a single run. Whatever else is there is kept where all
/// runs agree. A number that is missing somewhere, or not finite, is null in
/// `values` and makes mean and deviation null.
nlohmann::ordered_json
summarizeSeeds(const std::vector<nlohmann::ordered_json> &runs);

} // namespace loco

#endif // COMPILER_DRIVER_SEEDSUMMARY_H
