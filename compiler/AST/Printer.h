//===- Printer.h - The AST as text ------------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints a tree as a loco program in one fixed layout. Parsing the result
// gives the same tree (comments and places apart).
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AST_PRINTER_H
#define COMPILER_AST_PRINTER_H

#include "compiler/AST/AST.h"
#include <string>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace loco::ast {

struct PrintOptions {
  /// Parentheses around every operation, so that the nesting can be seen.
  bool explicitNesting = false;
};

/// Prints a whole file, with its first line.
void print(const File &file, llvm::raw_ostream &os,
           const PrintOptions &options = {});

/// Prints one declaration with a line end, indented by `indent` columns.
void print(const Decl *decl, llvm::raw_ostream &os, unsigned indent = 0,
           const PrintOptions &options = {});

/// Prints an expression on one line.
void print(const Expr *expr, llvm::raw_ostream &os,
           const PrintOptions &options = {});

/// An expression as it appears in messages.
std::string toString(const Expr *expr);

} // namespace loco::ast

#endif // COMPILER_AST_PRINTER_H
