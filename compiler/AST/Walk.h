//===- Walk.h - Going through the AST ---------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AST_WALK_H
#define COMPILER_AST_WALK_H

#include "compiler/AST/AST.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace loco::ast {

/// Calls `visit` on each direct operand of `expr`, in the order of the source;
/// operands that were left out are skipped.
void forEachOperand(const Expr *expr,
                    llvm::function_ref<void(const Expr *)> visit);

/// Calls `visit` on each expression that stands directly in `decl`, in the
/// order of the node's fields, and not on those of the lines in its body.
void forEachExpr(const Decl *decl,
                 llvm::function_ref<void(const Expr *)> visit);

/// The lines in the braces of `decl`, or none.
Body getBody(const Decl *decl);

/// Calls `visit` on `expr` and everything in it, outermost first.
void walk(const Expr *expr, llvm::function_ref<void(const Expr *)> visit);

} // namespace loco::ast

#endif // COMPILER_AST_WALK_H
