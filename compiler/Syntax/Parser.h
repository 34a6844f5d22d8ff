//===- Parser.h - Source text to AST ----------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The only public header of this folder; no other part of the compiler sees
// ANTLR, and no exception leaves it.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SYNTAX_PARSER_H
#define COMPILER_SYNTAX_PARSER_H

#include "compiler/AST/AST.h"
#include "compiler/AST/Diagnostic.h"
#include <memory>

namespace loco {

/// Brackets may be nested this deep; deeper text is refused before parsing.
constexpr unsigned maxBracketDepth = 256;

/// Parses one file of `sources`. Every error is reported, as many independent
/// ones as the text has; after any of them the result is null.
std::unique_ptr<ast::File> parseFile(SourceManager &sources, FileId file,
                                     DiagnosticEngine &diagnostics);

/// Whether a declaration may not bear this name, because it is a word of the
/// language or reserved for its future.
bool isReservedName(llvm::StringRef name);

} // namespace loco

#endif // COMPILER_SYNTAX_PARSER_H
