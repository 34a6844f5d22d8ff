//===- SyntaxErrors.h - What the parser says ---------------------*- C++
//-*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to this folder. Takes the place of ANTLR's error strategy: its own
// wording, and recovery at the end of the statement, never inside it. After
// an error the rules between the place and the statement unwind silently,
// because no token matches before END does.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SYNTAX_SYNTAXERRORS_H
#define COMPILER_SYNTAX_SYNTAXERRORS_H

#include "DefaultErrorStrategy.h"
#include "ParserRuleContext.h"
#include "compiler/AST/Diagnostic.h"
#include "compiler/Syntax/TokenFilter.h"
#include "llvm/ADT/DenseSet.h"

namespace loco {

/// The statements in which the parser found an error; there is no point in
/// reading their trees.
using FailedItems = llvm::DenseSet<const antlr4::ParserRuleContext *>;

class ErrorStrategy : public antlr4::DefaultErrorStrategy {
public:
  ErrorStrategy(const FilteredTokens &layout, const SourceManager &sources,
                FileId file, DiagnosticEngine &diagnostics, FailedItems &failed)
      : layout(layout), sources(sources), file(file), diagnostics(diagnostics),
        failed(failed) {}

  void reportError(antlr4::Parser *parser,
                   const antlr4::RecognitionException &error) override;
  void recover(antlr4::Parser *parser, std::exception_ptr error) override;
  antlr4::Token *recoverInline(antlr4::Parser *parser) override;
  void sync(antlr4::Parser *parser) override;

private:
  /// Everything the wording depends on.
  struct Situation {
    antlr4::Parser *parser;
    antlr4::ParserRuleContext *context;
    antlr4::Token *found;
    /// Null at the beginning of the file.
    antlr4::Token *before;
    antlr4::misc::IntervalSet expected;
  };

  void report(const Situation &situation);
  bool reportReservedName(const Situation &situation);
  bool reportUnknownStatement(const Situation &situation);
  bool reportLoneExpression(const Situation &situation);
  bool reportMissingExpression(const Situation &situation);
  void reportExpected(const Situation &situation);
  void report(const Situation &situation, llvm::StringRef name,
              const llvm::Twine &message, llvm::StringRef hint = "");

  bool isBroken(const antlr4::Token *token) const;
  std::string whatIsExpected(const Situation &situation) const;
  std::string hintAtHabit(const Situation &situation) const;
  std::string after(const Situation &situation) const;
  llvm::StringRef spell(const antlr4::Token *token) const;
  antlr4::Token *tokenBefore(antlr4::Parser *parser,
                             const antlr4::Token *token) const;

  const FilteredTokens &layout;
  const SourceManager &sources;
  FileId file;
  DiagnosticEngine &diagnostics;
  FailedItems &failed;
  /// Index of a `{` at the beginning of a line that is reported already.
  size_t strayBrace = ~size_t(0);
};

} // namespace loco

#endif // COMPILER_SYNTAX_SYNTAXERRORS_H
