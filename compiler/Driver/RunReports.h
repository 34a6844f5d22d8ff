//===- RunReports.h - What a run folder is told -----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_RUNREPORTS_H
#define COMPILER_DRIVER_RUNREPORTS_H

#include "loco/Training.h"

#include <nlohmann/json.hpp>

#include <string>

namespace loco {

/// versions.json: loco, the compiler it is built on, the libraries in use.
std::string describeVersions();

/// What a run of training came to, for results.json.
nlohmann::ordered_json describeTraining(const TrainingSummary &summary);

/// The first number that an analysis found: for the trained network, beside that
/// for the untrained one, "accuracy 0.98 (untrained 0.1)", else for the one that
/// there is; empty if it has none.
std::string describeAnalysis(const nlohmann::ordered_json &result);

} // namespace loco

#endif // COMPILER_DRIVER_RUNREPORTS_H
