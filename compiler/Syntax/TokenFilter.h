//===- TokenFilter.h - Tokens to statements ---------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to this folder. What the grammar should not have to know is done on
// the list of tokens: the first line, where statements end, which brackets
// belong together, how deep they are nested, and text that is no token.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SYNTAX_TOKENFILTER_H
#define COMPILER_SYNTAX_TOKENFILTER_H

#include "Token.h"
#include "compiler/AST/Diagnostic.h"
#include "compiler/AST/SourceFile.h"
#include "llvm/ADT/DenseMap.h"
#include <memory>
#include <vector>

namespace loco {

using TokenList = std::vector<std::unique_ptr<antlr4::Token>>;

/// What the parser gets.
struct FilteredTokens {
  TokenList tokens;
  unsigned languageVersion = 1;
  /// False if the text should not be parsed at all.
  bool parseable = true;
  /// Ranges whose fault is known; errors of the parser inside are silent.
  /// In order, without overlap.
  std::vector<SourceRange> broken;
  /// For a token that begins a line which continues the one before: the place
  /// of the operator or comma that ends that line. Keyed by begin of token.
  llvm::DenseMap<uint32_t, SourceRange> continuations;
};

/// The bytes of a token.
SourceRange getRange(const antlr4::Token *token, FileId file);

/// Filters the tokens of one file, as the lexer made them (with END for each
/// line end, with INVALID and OPEN_STRING, without the token of the end).
FilteredTokens filterTokens(TokenList tokens, const SourceManager &sources,
                            FileId file, DiagnosticEngine &diagnostics);

} // namespace loco

#endif // COMPILER_SYNTAX_TOKENFILTER_H
