//===- AST.h - The syntax tree of a source file -----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the parser makes and Sema reads. Expressions are in Expr.h,
// declarations in Decl.h, ownership is explained in Node.h.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AST_AST_H
#define COMPILER_AST_AST_H

#include "compiler/AST/Decl.h"
#include "compiler/AST/Expr.h"
#include "compiler/AST/Node.h"

namespace loco::ast {

/// One source file. Its nodes live as long as it does; their names point into
/// the text of the `SourceManager`, which must live at least as long.
struct File {
  FileId id;
  /// The N of the first line, `loco N`.
  unsigned languageVersion = 1;
  /// Uses, models, layers, run blocks, and constants (`ParamDecl`) and `let`s
  /// shared by all of them, in the order in which they stand.
  Body body;
  Arena arena;
};

} // namespace loco::ast

#endif // COMPILER_AST_AST_H
