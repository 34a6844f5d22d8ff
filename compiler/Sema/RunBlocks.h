//===- RunBlocks.h - Run blocks to plans ------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_RUNBLOCKS_H
#define COMPILER_SEMA_RUNBLOCKS_H

#include "compiler/Sema/ModelBuilder.h"

namespace loco::sema {

/// Evaluates a run block of the model that `builder` built; expressions of the
/// model become results of it.
RunBlock evaluateRunBlock(const ast::RunDecl &decl, ModelBuilder &builder);

} // namespace loco::sema

#endif // COMPILER_SEMA_RUNBLOCKS_H
