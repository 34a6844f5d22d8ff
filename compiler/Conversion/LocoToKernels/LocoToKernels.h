//===- LocoToKernels.h - From functions of a sample to CPU kernels -*- C++
//-*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOKERNELS_LOCOTOKERNELS_H
#define COMPILER_CONVERSION_LOCOTOKERNELS_LOCOTOKERNELS_H

#include "compiler/Conversion/LocoToKernels/Schedule.h"

namespace loco {

/// Emits the kernel of `schedule` into `module` as `name`: a function of a
/// pointer to LocoBlock (runtime/include/loco-c/kernel.h), in the arith, math,
/// vector, scf, func and llvm dialects.
mlir::FailureOr<mlir::func::FuncOp> emitKernel(mlir::ModuleOp module,
                                               const Schedule &schedule,
                                               llvm::StringRef name);

/// The element type in which a result is summed over samples.
mlir::Type sumType(mlir::RankedTensorType type);

/// What the schedule decided, as text for people: groups, their shapes and ops,
/// what is in memory and how many bytes.
std::string describeSchedule(const Schedule &schedule);

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOKERNELS_LOCOTOKERNELS_H
