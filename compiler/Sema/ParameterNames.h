//===- ParameterNames.h - Parameters that a run block names -----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_PARAMETERNAMES_H
#define COMPILER_SEMA_PARAMETERNAMES_H

#include "compiler/Sema/ModelBuilder.h"

namespace loco::sema {

/// Checks that `pattern` names learned parameters: one of them, all below a
/// name (`u` for `u.linear.weight`), or by `*` and `?`. Reports what names
/// none.
bool checkParameters(llvm::StringRef pattern, SourceRange range,
                     ModelBuilder &builder);

} // namespace loco::sema

#endif // COMPILER_SEMA_PARAMETERNAMES_H
