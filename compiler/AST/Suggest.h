//===- Suggest.h - Suggestions for misspelt names ---------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AST_SUGGEST_H
#define COMPILER_AST_SUGGEST_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace loco {

/// The candidate nearest to `name` by edit distance (a swap of neighbours
/// counts once, case counts less than a letter), or empty if none is near
/// enough to be a likely slip: a third of the length, at least one. Of equally
/// near candidates the first one wins.
llvm::StringRef closestName(llvm::StringRef name,
                            llvm::ArrayRef<llvm::StringRef> candidates);

/// "did you mean `x`?" for the nearest candidate, or an empty string.
std::string didYouMean(llvm::StringRef name,
                       llvm::ArrayRef<llvm::StringRef> candidates);

/// The same, or "there are `a`, `b` and `c`" where none is near enough and
/// there are no more than a dozen.
std::string didYouMeanOneOf(llvm::StringRef name,
                            llvm::ArrayRef<llvm::StringRef> candidates);

} // namespace loco

#endif // COMPILER_AST_SUGGEST_H
