//===- ReferenceProgram.h - A model run by the reference interpreter -----===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_REFERENCEPROGRAM_H
#define COMPILER_DRIVER_REFERENCEPROGRAM_H

#include "compiler/Driver/Signature.h"
#include "compiler/Reference/Interpreter.h"
#include "loco/ThreadPool.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>

namespace loco {

/// Runs the model `name` of `module` (docs/ModelIR.md) in f64, sample by
/// sample, the samples of a batch shared out to the pool's threads. Slow, and
/// the oracle of what is fast. Diagnostics of the interpreter become the call's
/// error. With `noise`, all runs are as if every number had been rounded.
std::unique_ptr<Program>
makeReferenceProgram(mlir::OwningOpRef<mlir::ModuleOp> module,
                     llvm::StringRef name, ThreadPool &pool,
                     RoundingNoise noise = {});

} // namespace loco

#endif // COMPILER_DRIVER_REFERENCEPROGRAM_H
