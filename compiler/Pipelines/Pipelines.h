//===- Pipelines.h - Every ordering of passes -------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_PIPELINES_PIPELINES_H
#define COMPILER_PIPELINES_PIPELINES_H

#include "mlir/IR/DialectRegistry.h"

namespace loco {

/// Adds the dialects that loco uses from model to machine code, with the
/// extensions that our passes rely on. They are loaded on first use.
void registerLocoDialects(mlir::DialectRegistry &registry);

/// Makes our passes and pipelines known by name, and those of upstream that go
/// with them (canonicalize, cse, inline, conversions).
void registerLocoPasses();

} // namespace loco

#endif // COMPILER_PIPELINES_PIPELINES_H
