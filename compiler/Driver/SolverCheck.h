//===- SolverCheck.h - Solvers that gave up ---------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_SOLVERCHECK_H
#define COMPILER_DRIVER_SOLVERCHECK_H

#include "loco/Program.h"

namespace loco {

/// An adaptive solver that did not get to the end of a step leaves states that
/// are no numbers. The first sample and step where that is so, as an error; the
/// program is run again if the reply does not hold the states.
Status checkSolver(Program &program, const TensorMap &parameters,
                   const Batch &batch, const Request &request,
                   const Reply &reply);

} // namespace loco

#endif // COMPILER_DRIVER_SOLVERCHECK_H
