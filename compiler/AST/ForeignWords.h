//===- ForeignWords.h - Words of other languages ----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AST_FOREIGNWORDS_H
#define COMPILER_AST_FOREIGNWORDS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace loco {

/// Where a word of another language stands.
enum class ForeignWord {
  Statement, ///< at the beginning of a statement: `for`, `parameter`
  Value,     ///< in an expression, called or not: `np`, `heaviside`, `mse`
  Setting,   ///< at the beginning of a setting of a run block: `batch_size`
};

/// What to write in place of a word that other languages and frameworks have,
/// as a hint; empty for a word that is none of them. Case does not matter. Of
/// `names`, if there are any, has to be what it is called here.
std::string hintAtForeignWord(llvm::StringRef word, ForeignWord place,
                              llvm::ArrayRef<llvm::StringRef> names = {});

} // namespace loco

#endif // COMPILER_AST_FOREIGNWORDS_H
