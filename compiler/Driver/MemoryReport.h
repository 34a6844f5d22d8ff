//===- MemoryReport.h - What training will take, before it does -*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_MEMORYREPORT_H
#define COMPILER_DRIVER_MEMORYREPORT_H

#include "compiler/Driver/Execution.h"
#include "compiler/Sema/RunPlan.h"

namespace loco {

/// How the `train` block of a model will be run: the plan that the budget
/// allows, samples of a block, and the bytes that loco will hold at most
/// (scratch memory, batches, parameters with gradients and optimiser). One line
/// that says why where the data do not say how many steps there are, or where
/// nothing fits the budget.
std::vector<PlanFact> describeTraining(mlir::ModuleOp module,
                                       const sema::Module &program,
                                       const sema::RunBlock &block,
                                       const ExecutionOptions &options,
                                       int threads);

} // namespace loco

#endif // COMPILER_DRIVER_MEMORYREPORT_H
