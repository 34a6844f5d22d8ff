//===- RunPlanning.h - From run blocks to plans of the run-time ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_RUNPLANNING_H
#define COMPILER_DRIVER_RUNPLANNING_H

#include "compiler/AST/Diagnostic.h"
#include "compiler/Sema/Model.h"
#include "compiler/Sema/RunPlan.h"
#include "loco/DataSource.h"
#include "loco/Training.h"

#include <optional>

namespace loco {

/// A data source as the program writes it, for the run-time to open.
DataOption toDataOption(const sema::PlanValue &value);

/// The call with the argument `name` set to `value`, in place of one it has.
DataOption withArgument(DataOption call, const DataOption &value);

/// The samples of a data source that its training split has not: `split` for
/// the innermost source, unless it names a split itself.
DataOption holdOut(DataOption call, const char *split = "test");

/// The plan of a `train` block: optimizer, schedule, lengths, clipping. What
/// does not make sense is reported at its place; nothing is returned then.
std::optional<TrainingPlan> planTraining(const sema::RunBlock &block,
                                         DiagnosticEngine &diagnostics);

/// Reports what is wrong with the run blocks of a program beyond its language:
/// optimisers, schedules, analyses and their arguments.
void checkRuns(llvm::ArrayRef<sema::RunBlock> runs,
               DiagnosticEngine &diagnostics);

/// Reports sources of data that are neither registered nor systems of the
/// program.
void checkDataSources(const sema::Module &module,
                      DiagnosticEngine &diagnostics);

} // namespace loco

#endif // COMPILER_DRIVER_RUNPLANNING_H
