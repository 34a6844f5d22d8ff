//===- Parser.cpp - Source text to AST ------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Syntax/Parser.h"
#include "CommonTokenStream.h"
#include "ListTokenSource.h"
#include "LocoLexer.h"
#include "LocoParser.h"
#include "atn/ParserATNSimulator.h"
#include "compiler/Syntax/ASTBuilder.h"
#include "compiler/Syntax/ByteStream.h"
#include "compiler/Syntax/SyntaxErrors.h"
#include "compiler/Syntax/TokenFilter.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

using namespace loco;
using llvm::StringRef;

/// Reports the first byte that is no UTF-8.
static bool checkEncoding(const SourceManager &sources, FileId file,
                          DiagnosticEngine &diagnostics) {
  StringRef text = sources.getText(file);
  const auto *begin = reinterpret_cast<const llvm::UTF8 *>(text.data());
  const llvm::UTF8 *at = begin;
  if (llvm::isLegalUTF8String(&at, begin + text.size()))
    return true;
  uint32_t offset = at - begin;
  diagnostics
      .error("invalid-utf8", {file, offset, offset + 1},
             "the byte 0x" + llvm::utohexstr(*at, /*LowerCase=*/true, 2) +
                 " is not UTF-8")
      .hint("save the file as UTF-8");
  return false;
}

static TokenList lex(StringRef text) {
  ByteStream stream(text);
  LocoLexer lexer(&stream);
  lexer.removeErrorListeners(); // INVALID takes what nothing else takes
  return lexer.getAllTokens();
}

/// Parses with rules that need two tokens of lookahead: the simple prediction
/// mode of ANTLR is exact and the fast one.
static void parseInto(ast::File &file, FilteredTokens filtered,
                      const SourceManager &sources,
                      DiagnosticEngine &diagnostics) {
  antlr4::ListTokenSource source(std::move(filtered.tokens));
  antlr4::CommonTokenStream stream(&source);
  stream.fill();
  LocoParser parser(&stream);
  parser.removeErrorListeners();
  parser.getInterpreter<antlr4::atn::ParserATNSimulator>()->setPredictionMode(
      antlr4::atn::PredictionMode::SLL);
  FailedItems failed;
  parser.setErrorHandler(std::make_shared<ErrorStrategy>(
      filtered, sources, file.id, diagnostics, failed));
  LocoParser::FileContext *tree = parser.file();
  ASTBuilder(file, sources, diagnostics, failed).build(tree);
}

std::unique_ptr<ast::File> loco::parseFile(SourceManager &sources, FileId file,
                                           DiagnosticEngine &diagnostics) {
  unsigned errorsBefore = diagnostics.getNumErrors();
  if (!checkEncoding(sources, file, diagnostics))
    return nullptr;
  FilteredTokens filtered =
      filterTokens(lex(sources.getText(file)), sources, file, diagnostics);
  if (!filtered.parseable)
    return nullptr;
  auto result = std::make_unique<ast::File>();
  result->id = file;
  result->languageVersion = filtered.languageVersion;
  parseInto(*result, std::move(filtered), sources, diagnostics);
  if (diagnostics.getNumErrors() != errorsBefore)
    return nullptr;
  return result;
}
