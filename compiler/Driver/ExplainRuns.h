//===- ExplainRuns.h - Run blocks in words -------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_EXPLAINRUNS_H
#define COMPILER_DRIVER_EXPLAINRUNS_H

#include "compiler/Sema/RunPlan.h"

#include <string>

namespace loco {

/// A value of a run block as it would be written in a program.
std::string spell(const sema::PlanValue &value);

/// The settings of a block and the defaults of those that are not there.
std::string explainRun(const sema::RunBlock &block);

} // namespace loco

#endif // COMPILER_DRIVER_EXPLAINRUNS_H
