//===- Call.h - Calls, however they are written -----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_CALL_H
#define COMPILER_SEMA_CALL_H

#include "compiler/Sema/Scope.h"

namespace loco::sema {

/// `f(a, n = 2)`, or `a |> f(n = 2)`, which means the same.
struct Call {
  llvm::StringRef name;
  SourceRange calleeRange;
  llvm::ArrayRef<ast::Argument> arguments;
  SourceRange range;
  /// Tells this call from all others; an instance belongs to it.
  const void *site = nullptr;
  /// The first operand if it comes through a pipe, or null.
  const Meaning *piped = nullptr;

  size_t size() const { return arguments.size() + (piped ? 1 : 0); }
  /// An argument by its place; null for the piped one.
  const ast::Expr *getExpr(size_t i) const {
    if (piped)
      return i ? arguments[i - 1].value : nullptr;
    return arguments[i].value;
  }
  SourceRange getRange(size_t i) const {
    const ast::Expr *expr = getExpr(i);
    return expr ? expr->getRange() : range;
  }
};

} // namespace loco::sema

#endif // COMPILER_SEMA_CALL_H
