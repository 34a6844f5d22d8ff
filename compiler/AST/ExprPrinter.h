//===- ExprPrinter.h - Expressions as text ----------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the printer; everybody else uses Printer.h.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AST_EXPRPRINTER_H
#define COMPILER_AST_EXPRPRINTER_H

#include "compiler/AST/Expr.h"
#include "llvm/Support/raw_ostream.h"

namespace loco::ast {

/// The rules of the expression grammar, loosest first. What is looser than
/// its surroundings ask for gets parentheses.
enum class Level {
  Any,
  By,
  On,
  Value,
  Compare,
  Sum,
  Product,
  Signed,
  Couple,
  Power,
  Postfix,
};

class ExprPrinter {
public:
  ExprPrinter(llvm::raw_ostream &os, bool explicitNesting)
      : os(os), explicitNesting(explicitNesting) {}

  /// Prints `expr` where the grammar asks for `level`.
  void print(const Expr *expr, Level level);
  void printString(llvm::StringRef value);

private:
  void printBare(const Expr *expr);
  void printExponent(const Expr *expr);
  void printTerms(llvm::ArrayRef<Term> terms, llvm::StringRef plain,
                  llvm::StringRef inverse, Level level);
  void printList(llvm::ArrayRef<const Expr *> list, llvm::StringRef separator,
                 Level level);
  void printArgument(const Argument &argument);

  llvm::raw_ostream &os;
  bool explicitNesting;
};

} // namespace loco::ast

#endif // COMPILER_AST_EXPRPRINTER_H
