//===- TokenFilter.cpp - Tokens to statements -----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Syntax/TokenFilter.h"
#include "CommonToken.h"
#include "LocoLexer.h"
#include "compiler/Syntax/Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

using namespace loco;
using antlr4::CommonToken;
using antlr4::Token;
using llvm::StringRef;

SourceRange loco::getRange(const Token *token, FileId file) {
  return {file, static_cast<uint32_t>(token->getStartIndex()),
          static_cast<uint32_t>(token->getStopIndex() + 1)};
}

/// After these a line end means nothing.
static bool continuesLine(size_t type) {
  switch (type) {
  case LocoLexer::COMMA:
  case LocoLexer::COLON:
  case LocoLexer::RANGE:
  case LocoLexer::ASSIGN:
  case LocoLexer::UPDATE:
  case LocoLexer::TILDE:
  case LocoLexer::ARROW:
  case LocoLexer::PIPE:
  case LocoLexer::PLUS:
  case LocoLexer::MINUS:
  case LocoLexer::STAR:
  case LocoLexer::SLASH:
  case LocoLexer::CARET:
  case LocoLexer::AT:
  case LocoLexer::LT:
  case LocoLexer::LE:
  case LocoLexer::GT:
  case LocoLexer::GE:
  case LocoLexer::EQ:
  case LocoLexer::NE:
    return true;
  default:
    return false;
  }
}

static bool beginsBlockOfFile(size_t type) {
  return type == LocoLexer::MODEL || type == LocoLexer::SYSTEM ||
         type == LocoLexer::LAYER || type == LocoLexer::TRAIN ||
         type == LocoLexer::ANALYZE || type == LocoLexer::SIMULATE;
}

/// Words that cannot go on an expression.
static bool isStatementWord(size_t type) {
  return type >= LocoLexer::USE && type <= LocoLexer::RETURN;
}

/// The same without those that are often the names of arguments.
static bool beginsStatement(size_t type) {
  return isStatementWord(type) && type != LocoLexer::LOSS &&
         type != LocoLexer::INIT && type != LocoLexer::STEP;
}

namespace {

class Filter {
public:
  Filter(TokenList input, const SourceManager &sources, FileId file,
         DiagnosticEngine &diagnostics)
      : input(std::move(input)), sources(sources), file(file),
        diagnostics(diagnostics) {}

  FilteredTokens run();

private:
  struct Bracket {
    size_t type;
    SourceRange range;
    /// `in (0, 1]`: closed by either kind.
    bool interval;
  };

  bool firstLine();
  bool filter(std::unique_ptr<Token> token);
  void lineEnd(std::unique_ptr<Token> token);
  bool open(std::unique_ptr<Token> token);
  void close(std::unique_ptr<Token> token);
  void invalid(std::unique_ptr<Token> token);
  void openString(std::unique_ptr<Token> token);
  void endOfFile();

  void unclosed(SourceRange found, StringRef what);
  void closeForUser(uint32_t at);
  void endStatement(uint32_t at);
  void emit(std::unique_ptr<Token> token);
  void emitMade(size_t type, uint32_t at);
  void markBroken(uint32_t begin);
  void mergeBroken();

  bool insideRound() const {
    return !brackets.empty() && brackets.back().type != LocoLexer::LBRACE;
  }
  StringRef spell(SourceRange range) const { return sources.getText(range); }
  SourceRange rangeOf(const Token *token) const {
    return getRange(token, file);
  }
  unsigned column(SourceRange range) const {
    return sources.getLineColumn(file, range.begin).column;
  }
  /// Column of the first character of the line.
  unsigned indentation(SourceRange range) const {
    unsigned line = sources.getLineColumn(file, range.begin).line;
    return sources.getLine(file, line).find_first_not_of(" \t") + 1;
  }
  /// Type of the token after the current one, line ends left out.
  size_t nextType(size_t ahead = 0) const;

  TokenList input;
  size_t next = 0;
  const SourceManager &sources;
  FileId file;
  DiagnosticEngine &diagnostics;

  FilteredTokens result;
  std::vector<Bracket> brackets;
  /// The first `{` whose `}` stands further to the left than its own line.
  SourceRange misaligned, misalignedEnd;
  size_t lastType = LocoLexer::END;
  SourceRange lastRange;
  /// The operator whose line goes on, until the next token comes.
  SourceRange continuation;
};

} // namespace

size_t Filter::nextType(size_t ahead) const {
  for (size_t i = next; i < input.size(); ++i)
    if (input[i]->getType() != LocoLexer::END && ahead-- == 0)
      return input[i]->getType();
  return Token::EOF;
}

void Filter::emit(std::unique_ptr<Token> token) {
  lastType = token->getType();
  lastRange = rangeOf(token.get());
  if (continuation.isValid())
    result.continuations.try_emplace(lastRange.begin, continuation);
  continuation = {};
  result.tokens.push_back(std::move(token));
}

/// Adds a token that has no text.
void Filter::emitMade(size_t type, uint32_t at) {
  auto token = std::make_unique<CommonToken>(type);
  token->setStartIndex(at);
  token->setStopIndex(static_cast<size_t>(at) - 1);
  result.tokens.push_back(std::move(token));
  lastType = type;
}

void Filter::endStatement(uint32_t at) {
  if (lastType != LocoLexer::END && lastType != LocoLexer::LBRACE)
    emitMade(LocoLexer::END, at);
}

/// From `begin` to the end of the present line.
void Filter::markBroken(uint32_t begin) {
  unsigned line = sources
                      .getLineColumn(file, lastRange.isValid()
                                               ? std::max(lastRange.end, begin)
                                               : begin)
                      .line;
  uint32_t end = line < sources.getNumLines(file)
                     ? sources.getLineStart(file, line + 1)
                     : sources.getText(file).size() + 1;
  result.broken.push_back({file, begin, end});
}

/// Reads `loco 1`. Returns false if the rest should not be read.
bool Filter::firstLine() {
  while (next < input.size() && input[next]->getType() == LocoLexer::END)
    ++next;
  SourceRange place = {file, 0, 0};
  if (next < input.size())
    place = rangeOf(input[next].get());
  bool hasWord = next < input.size() && spell(place) == "loco";
  bool hasVersion = hasWord && next + 1 < input.size() &&
                    input[next + 1]->getType() == LocoLexer::NUMBER;
  if (!hasVersion) {
    bool empty = next >= input.size();
    diagnostics
        .error("missing-version", place,
               empty     ? "the file is empty"
               : hasWord ? "expected the version of the language after `loco`"
                         : "a program begins with the version of the language")
        .hint("write `loco 1` in the first line");
    if (hasWord) // the rest of that line says nothing else
      while (next < input.size() && input[next]->getType() != LocoLexer::END)
        ++next;
    return !empty;
  }
  SourceRange version = rangeOf(input[next + 1].get());
  if (spell(version) != "1") {
    diagnostics
        .error("unsupported-version", version,
               "version " + spell(version) +
                   " of the language is not known to this compiler")
        .hint("it reads version 1");
    return false;
  }
  next += 2;
  if (next < input.size() && input[next]->getType() != LocoLexer::END) {
    SourceRange extra = rangeOf(input[next].get());
    diagnostics.error("unexpected-token", extra,
                      "expected the end of the line after `loco 1`, found `" +
                          spell(extra) + "`");
    markBroken(extra.begin);
  }
  return true;
}

void Filter::lineEnd(std::unique_ptr<Token> token) {
  SourceRange range = rangeOf(token.get());
  if (spell(range) == ";") {
    if (lastType != LocoLexer::END && lastType != LocoLexer::LBRACE)
      emit(std::move(token));
    return;
  }
  if (insideRound()) {
    // A bracket that was forgotten would swallow the rest of the file; a line
    // that begins like a statement and not like an argument ends it.
    size_t after = nextType(1);
    bool statement = beginsStatement(nextType()) &&
                     after != LocoLexer::ASSIGN && after != LocoLexer::COMMA &&
                     after != LocoLexer::RPAREN && after != LocoLexer::COLON &&
                     after != LocoLexer::TILDE && after != LocoLexer::RBRACKET;
    if (!statement)
      return;
    unclosed({}, "");
    while (insideRound())
      closeForUser(range.begin);
  } else if (continuesLine(lastType) && !isStatementWord(nextType())) {
    continuation = lastRange;
    return;
  }
  if (lastType != LocoLexer::END && lastType != LocoLexer::LBRACE)
    emit(std::move(token));
}

/// Reports the innermost open bracket, or an earlier one that the indentation
/// gives away.
void Filter::unclosed(SourceRange found, StringRef what) {
  const Bracket &bracket = brackets.back();
  if (bracket.type == LocoLexer::LBRACE && misaligned.isValid()) {
    diagnostics.error("unbalanced-bracket", misaligned, "`{` is never closed")
        .place(misalignedEnd, "this seems to close an outer block");
    return;
  }
  Diagnostic &error =
      diagnostics.error("unbalanced-bracket", bracket.range,
                        "`" + spell(bracket.range) + "` is never closed");
  if (found.isValid())
    error.place(found, what);
  markBroken(bracket.range.begin);
}

/// Closes the innermost bracket, so that the parser can go on.
void Filter::closeForUser(uint32_t at) {
  size_t type = brackets.back().type;
  if (type == LocoLexer::LBRACE)
    endStatement(at);
  emitMade(type == LocoLexer::LPAREN     ? LocoLexer::RPAREN
           : type == LocoLexer::LBRACKET ? LocoLexer::RBRACKET
                                         : LocoLexer::RBRACE,
           at);
  brackets.pop_back();
}

bool Filter::open(std::unique_ptr<Token> token) {
  SourceRange range = rangeOf(token.get());
  if (token->getType() == LocoLexer::LBRACE && insideRound()) {
    unclosed(range, "before this");
    while (insideRound())
      closeForUser(range.begin);
  }
  if (brackets.size() == maxBracketDepth) {
    diagnostics
        .error("nesting-too-deep", range,
               "brackets are nested more than " + llvm::Twine(maxBracketDepth) +
                   " deep")
        .note(brackets.front().range, "the outermost one is opened here");
    return false;
  }
  brackets.push_back({token->getType(), range, lastType == LocoLexer::IN});
  emit(std::move(token));
  return true;
}

/// Whether `closer` may close what `opener` opened.
static bool closes(size_t opener, size_t closer, bool interval) {
  bool round = closer == LocoLexer::RPAREN || closer == LocoLexer::RBRACKET;
  if (interval && round && opener != LocoLexer::LBRACE)
    return true;
  return (opener == LocoLexer::LPAREN && closer == LocoLexer::RPAREN) ||
         (opener == LocoLexer::LBRACKET && closer == LocoLexer::RBRACKET) ||
         (opener == LocoLexer::LBRACE && closer == LocoLexer::RBRACE);
}

void Filter::close(std::unique_ptr<Token> token) {
  SourceRange range = rangeOf(token.get());
  size_t type = token->getType();
  if (type == LocoLexer::RBRACE && insideRound()) {
    unclosed(range, "before this");
    while (insideRound())
      closeForUser(range.begin);
  }
  if (brackets.empty() || (type != LocoLexer::RBRACE &&
                           brackets.back().type == LocoLexer::LBRACE)) {
    diagnostics.error("unbalanced-bracket", range,
                      "`" + spell(range) + "` closes nothing");
    markBroken(range.begin);
    return;
  }
  Bracket bracket = brackets.back();
  if (!closes(bracket.type, type, bracket.interval)) {
    diagnostics
        .error("unbalanced-bracket", range,
               "`" + spell(range) + "` does not close `" +
                   spell(bracket.range) + "`")
        .place(bracket.range, "opened here");
    closeForUser(range.begin);
    markBroken(bracket.range.begin);
    return;
  }
  brackets.pop_back();
  if (type == LocoLexer::RBRACE) {
    bool first = column(range) == indentation(range);
    if (first && column(range) < indentation(bracket.range) &&
        !misaligned.isValid()) {
      misaligned = bracket.range;
      misalignedEnd = range;
    }
    endStatement(lastRange.end);
  }
  emit(std::move(token));
}

/// The ASCII text that people mean by a character of their keyboard or word
/// processor.
static StringRef asciiFor(StringRef character) {
  static const std::pair<StringRef, StringRef> known[] = {
      {"×", "*"},     {"·", "*"},     {"⋅", "*"},     {"÷", "/"},
      {"−", "-"},     {"–", "-"},     {"→", "->"},    {"←", "<-"},
      {"≤", "<="},    {"≥", ">="},    {"≠", "!="},    {"∼", "~"},
      {"“", "\""},    {"”", "\""},    {"‘", "'"},     {"’", "'"},
      {"′", "'"},     {"″", "''"},    {"∈", "in"},    {"∞", "inf"},
      {"?", "select(condition, a, b)"},
      {"°", "deg"},   {"α", "alpha"}, {"γ", "gamma"}, {"ω", "omega"},
      {"θ", "theta"}, {"π", "pi"},    {"Σ", "sum"},   {"²", "^2"},
  };
  for (auto [unicode, ascii] : known)
    if (unicode == character)
      return ascii;
  return {};
}

/// Reports a character; a name takes its place, so that the rest parses.
void Filter::invalid(std::unique_ptr<Token> token) {
  SourceRange range = rangeOf(token.get());
  StringRef text = sources.getText(file);
  unsigned char first = text[range.begin];
  // The lexer gives a character of several bytes in pieces.
  range.end = range.begin + std::max(1u, llvm::getNumBytesForUTF8(first));
  while (next < input.size() && rangeOf(input[next].get()).begin < range.end)
    ++next;
  std::string message;
  if (first < 0x20 || first == 0x7f)
    message = first == 0 ? "the text holds a NUL byte"
                         : "the text holds the control character 0x" +
                               llvm::utohexstr(first, /*LowerCase=*/true, 2);
  else
    message = ("`" + spell(range) + "` means nothing here").str();
  StringRef ascii = asciiFor(spell(range));
  diagnostics.error("invalid-character", range, message)
      .hint(ascii.empty() ? "" : ("write `" + ascii + "`").str());
  markBroken(range.begin);
  auto *name = static_cast<CommonToken *>(token.get());
  name->setType(LocoLexer::ID);
  name->setStopIndex(range.end - 1);
  emit(std::move(token));
}

void Filter::openString(std::unique_ptr<Token> token) {
  SourceRange range = rangeOf(token.get());
  diagnostics.error("unterminated-string", range,
                    "expected `\"` before the end of the line");
  markBroken(range.begin);
  static_cast<CommonToken *>(token.get())->setType(LocoLexer::STRING);
  emit(std::move(token));
}

/// Handles one token. Models do not nest, so one that begins no further to the
/// right than the block it is in says that a brace was forgotten. Returns
/// false if nothing after it should be read.
bool Filter::filter(std::unique_ptr<Token> token) {
  switch (token->getType()) {
  case LocoLexer::END:
    lineEnd(std::move(token));
    return true;
  case LocoLexer::LBRACE:
  case LocoLexer::LPAREN:
  case LocoLexer::LBRACKET:
    return open(std::move(token));
  case LocoLexer::RBRACE:
  case LocoLexer::RPAREN:
  case LocoLexer::RBRACKET:
    close(std::move(token));
    return true;
  case LocoLexer::INVALID:
    invalid(std::move(token));
    return true;
  case LocoLexer::OPEN_STRING:
    openString(std::move(token));
    return true;
  default:
    break;
  }
  SourceRange range = rangeOf(token.get());
  if (beginsBlockOfFile(token->getType()) && nextType() == LocoLexer::ID &&
      lastType == LocoLexer::END && !brackets.empty() &&
      column(range) <= indentation(brackets.front().range)) {
    unclosed(range, "before this");
    while (!brackets.empty())
      closeForUser(range.begin);
    endStatement(range.begin);
  }
  emit(std::move(token));
  return true;
}

void Filter::endOfFile() {
  uint32_t end = sources.getText(file).size();
  if (!brackets.empty())
    unclosed({}, "");
  while (!brackets.empty())
    closeForUser(end);
  endStatement(end);
  emitMade(Token::EOF, end);
}

void Filter::mergeBroken() {
  llvm::sort(result.broken, [](SourceRange lhs, SourceRange rhs) {
    return lhs.begin < rhs.begin;
  });
  std::vector<SourceRange> merged;
  for (SourceRange range : result.broken) {
    if (!merged.empty() && range.begin <= merged.back().end)
      merged.back() = merged.back().merge(range);
    else
      merged.push_back(range);
  }
  result.broken = std::move(merged);
}

FilteredTokens Filter::run() {
  if (!firstLine()) {
    result.parseable = false;
    return std::move(result);
  }
  while (next < input.size()) {
    std::unique_ptr<Token> token = std::move(input[next++]);
    if (!filter(std::move(token))) {
      result.parseable = false;
      return std::move(result);
    }
  }
  endOfFile();
  mergeBroken();
  return std::move(result);
}

FilteredTokens loco::filterTokens(TokenList tokens,
                                  const SourceManager &sources, FileId file,
                                  DiagnosticEngine &diagnostics) {
  return Filter(std::move(tokens), sources, file, diagnostics).run();
}
