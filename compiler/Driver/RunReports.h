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

} // namespace loco

#endif // COMPILER_DRIVER_RUNREPORTS_H
