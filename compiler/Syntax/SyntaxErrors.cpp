//===- SyntaxErrors.cpp - What the parser says ----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Syntax/SyntaxErrors.h"
#include "InputMismatchException.h"
#include "LocoParser.h"
#include "compiler/AST/ForeignWords.h"
#include "compiler/AST/Suggest.h"
#include "compiler/Syntax/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include <algorithm>

using namespace loco;
using antlr4::Parser;
using antlr4::Token;
using llvm::StringRef;

/// A word of the language.
static bool isKeyword(size_t type) {
  return type >= LocoParser::USE && type <= LocoParser::CARRY;
}

/// The text of a keyword or sign, without quotes.
static StringRef spellType(Parser *parser, size_t type) {
  static const std::vector<std::string> spellings = [parser] {
    std::vector<std::string> list;
    for (size_t i = 0; i <= LocoParser::INVALID; ++i) {
      // ANTLR spells it as in the grammar: 'step', '\\''.
      std::string quoted = parser->getVocabulary().getLiteralName(i);
      list.push_back(i == LocoParser::PRIME ? "'"
                     : quoted.size() < 2 ? ""
                                         : quoted.substr(1, quoted.size() - 2));
    }
    return list;
  }();
  return type < spellings.size() ? StringRef(spellings[type]) : StringRef();
}

/// What is named behind the word of a statement.
static StringRef nounOf(size_t rule) {
  switch (rule) {
  case LocoParser::RuleLattice:
    return "lattice";
  case LocoParser::RuleInput:
    return "input";
  case LocoParser::RuleParamItem:
    return "parameter";
  case LocoParser::RuleCoupling:
    return "coupling";
  case LocoParser::RuleStateItem:
    return "state";
  case LocoParser::RuleInitItem:
    return "state";
  case LocoParser::RuleEncode:
    return "encoding";
  case LocoParser::RuleDecode:
    return "decoding";
  case LocoParser::RuleOutput:
    return "output";
  case LocoParser::RuleLet:
  case LocoParser::RuleDraw:
    return "value";
  case LocoParser::RuleModel:
  case LocoParser::RuleModelHead:
    return "model";
  case LocoParser::RuleLayer:
  case LocoParser::RuleLayerHead:
    return "layer";
  case LocoParser::RuleRun:
  case LocoParser::RuleRunHead:
    return "model";
  case LocoParser::RuleParameter:
    return "parameter";
  default:
    return "";
  }
}

bool loco::isReservedName(StringRef name) {
  static const StringRef words[] = {
      // Words of the language; BIAS, MIXING, VELOCITY and WEIGHT are free.
      "use", "model", "system", "layer", "train", "analyze", "simulate",
      "lattice", "input", "param", "frozen", "const", "coupling", "state",
      "init", "encode", "decode", "let", "draw", "require", "dynamics", "step",
      "after", "solve", "loss", "output", "probe", "return", "on", "in", "via",
      "by", "over", "per", "every", "with", "carry",
      // Words of its future.
      "tau", "event", "delay", "noise", "plastic", "refractory", "population"};
  return llvm::is_contained(words, name);
}

StringRef ErrorStrategy::spell(const Token *token) const {
  return sources.getText(getRange(token, file));
}

Token *ErrorStrategy::tokenBefore(Parser *parser, const Token *token) const {
  size_t index = token->getTokenIndex();
  return index == 0 ? nullptr : parser->getTokenStream()->get(index - 1);
}

/// The rule whose name ends at the place: the parser is often back in the rule
/// of the statement, and the name is the last leaf of its tree.
static StringRef nounBefore(antlr4::ParserRuleContext *context,
                            const Token *before) {
  antlr4::ParserRuleContext *outer = nullptr;
  while (context->getRuleIndex() != LocoParser::RuleName) {
    if (context->children.empty())
      return "";
    outer = context;
    context =
        dynamic_cast<antlr4::ParserRuleContext *>(context->children.back());
    if (!context)
      return "";
  }
  if (!outer || context->getStart() != before)
    return "";
  if (outer->getRuleIndex() == LocoParser::RuleTargets)
    outer = static_cast<antlr4::ParserRuleContext *>(outer->parent);
  return nounOf(outer->getRuleIndex());
}

/// " after `x`", or nothing at the beginning of a statement.
std::string ErrorStrategy::after(const Situation &s) const {
  if (!s.before || s.before->getType() == LocoParser::END ||
      spell(s.before).empty())
    return "";
  StringRef noun = nounBefore(s.context, s.before);
  if (!noun.empty())
    return (" after the name of the " + noun).str();
  SourceRange text = getRange(s.before, file);
  for (Token *token = s.before;
       token && token->getType() == LocoParser::PRIME;) {
    token = tokenBefore(s.parser, token); // `z''` is one thing
    text = text.merge(getRange(token, file));
  }
  return (" after `" + sources.getText(text) + "`").str();
}

void ErrorStrategy::report(const Situation &s, StringRef name,
                           const llvm::Twine &message, StringRef hint) {
  SourceRange range = getRange(s.found, file);
  bool atEnd = s.found->getType() == LocoParser::END ||
               s.found->getType() == Token::EOF || spell(s.found).empty();
  std::string text = message.str();
  if (!atEnd)
    text += (", found `" + spell(s.found) + "`").str();
  else if (s.before) // point behind the text, not at the next line
    range = {file, getRange(s.before, file).end, getRange(s.before, file).end};
  Diagnostic &error = diagnostics.error(name, range, text).hint(hint);
  for (const Token *token : {s.before, s.found}) {
    auto continued =
        layout.continuations.find(token ? token->getStartIndex() : 0);
    if (continued != layout.continuations.end())
      error.note(continued->second, "the line before ends in `" +
                                        sources.getText(continued->second) +
                                        "` and so goes on here");
  }
}

/// `param on = 1`: the word cannot be a name, and that is all that is wrong.
bool ErrorStrategy::reportReservedName(const Situation &s) {
  bool wantsName = s.expected.contains(static_cast<size_t>(LocoParser::ID));
  size_t rule = s.context->getRuleIndex();
  bool isLet = s.before && s.before->getType() == LocoParser::LET;
  if (!wantsName || !isKeyword(s.found->getType()) ||
      (rule != LocoParser::RuleName && !isLet))
    return false;
  auto *parent = static_cast<antlr4::ParserRuleContext *>(s.context->parent);
  StringRef noun = nounOf(isLet ? LocoParser::RuleLet : parent->getRuleIndex());
  SourceRange range = getRange(s.found, file);
  diagnostics
      .error("reserved-name", range,
             "`" + spell(s.found) +
                 "` is a word of the language and cannot name a " +
                 (noun.empty() ? "value" : noun))
      .hint("another name will do: `" + spell(s.found).str() + "_`");
  return true;
}

/// `latice sheet = ...`: two words side by side where a line begins.
bool ErrorStrategy::reportUnknownStatement(const Situation &s) {
  if (!s.before || s.before->getType() != LocoParser::ID)
    return false;
  Token *earlier = tokenBefore(s.parser, s.before);
  bool first = !earlier || earlier->getType() == LocoParser::END ||
               earlier->getType() == LocoParser::LBRACE;
  size_t type = s.found->getType();
  bool adjacent = type == LocoParser::ID || type == LocoParser::NUMBER ||
                  type == LocoParser::STRING || type == LocoParser::LBRACE ||
                  isKeyword(type);
  if (!first || !adjacent ||
      !s.expected.contains(static_cast<size_t>(LocoParser::ASSIGN)))
    return false;
  llvm::SmallVector<StringRef> words;
  for (size_t word = LocoParser::USE; word <= LocoParser::RETURN; ++word)
    words.push_back(spellType(s.parser, word));
  StringRef word = spell(s.before);
  std::string hint = hintAtForeignWord(word, ForeignWord::Statement);
  diagnostics
      .error("unknown-statement", getRange(s.before, file),
             "no statement begins with `" + word + "`")
      .hint(hint.empty() ? didYouMean(word, words) : hint);
  return true;
}

bool ErrorStrategy::reportMissingExpression(const Situation &s) {
  auto expects = [&](size_t type) { return s.expected.contains(type); };
  if (!expects(LocoParser::NUMBER) || !expects(LocoParser::ID) ||
      !expects(LocoParser::LPAREN))
    return false;
  bool begins = !s.before || s.before->getType() == LocoParser::END ||
                s.before->getType() == LocoParser::LBRACE ||
                s.before->getType() == LocoParser::RBRACE;
  if (begins) {
    report(s, "expected-statement", "expected a statement");
    return true;
  }
  if (s.before->getType() == LocoParser::DYNAMICS) {
    report(s, "expected-token", "expected `{` after `dynamics`");
    return true;
  }
  std::string hint;
  bool argument = s.context->getRuleIndex() == LocoParser::RuleSuffix ||
                  s.context->getRuleIndex() == LocoParser::RuleArgument;
  // Words may name arguments, and so are read as far as to the next one.
  const Token *word =
      argument && isKeyword(s.before->getType()) ? s.before : s.found;
  if (isKeyword(word->getType()))
    hint =
        ("`" + spell(word) + "` is a word of the language and no value").str();
  if (s.before->getType() == LocoParser::STAR &&
      s.found->getType() == LocoParser::STAR)
    hint = "a power is written `a ^ n`";
  if (s.found->getType() == LocoParser::ASSIGN &&
      s.before->getType() != LocoParser::ASSIGN) // `z += 1`
    hint = "nothing is assigned: `z' = ...` in `dynamics` is a rate, `z <- "
           "...` in `step` an update";
  report(s, "expected-expression",
         llvm::Twine("expected an ") + (argument ? "argument" : "expression") +
             after(s),
         hint);
  return true;
}

/// For a line that begins with an operator: it was meant to go on the one
/// before.
static std::string hintAtOperator(const Token *first, StringRef text) {
  if (first->getType() == LocoParser::SLASH)
    return "a comment begins with `#`; a line goes on behind an operator";
  static constexpr size_t operators[] = {
      LocoParser::PIPE,  LocoParser::PLUS,  LocoParser::MINUS, LocoParser::STAR,
      LocoParser::SLASH, LocoParser::CARET, LocoParser::AT};
  if (!llvm::is_contained(operators, first->getType()))
    return "";
  return ("a line goes on behind an operator: end the line before with `" +
          text + "`")
      .str();
}

/// Whether `rule` is the innermost statement with braces around `context`.
static bool isIn(const antlr4::RuleContext *context, size_t rule) {
  while (context && context->getRuleIndex() != LocoParser::RuleBlock)
    context = static_cast<const antlr4::RuleContext *>(context->parent);
  return context && context->parent &&
         static_cast<const antlr4::RuleContext *>(context->parent)
                 ->getRuleIndex() == rule;
}

/// An expression where a statement should be.
bool ErrorStrategy::reportLoneExpression(const Situation &s) {
  bool alone = s.context->getRuleIndex() == LocoParser::RuleEquation &&
               s.expected.contains(static_cast<size_t>(LocoParser::UPDATE)) &&
               (s.found->getType() == LocoParser::END ||
                !isIn(s.context, LocoParser::RuleDynamics));
  if (!alone || isIn(s.context, LocoParser::RuleStep) ||
      isIn(s.context, LocoParser::RuleLayer))
    return false;
  SourceRange range =
      getRange(s.context->getStart(), file).merge(getRange(s.before, file));
  bool equation = isIn(s.context, LocoParser::RuleDynamics);
  const Token *first = s.context->getStart();
  std::string continued = hintAtOperator(first, spell(first));
  diagnostics
      .error("expected-statement", range,
             equation ? "expected an equation, found an expression"
                      : "expected a statement, found an expression")
      .hint(!continued.empty() ? StringRef(continued)
            : equation         ? "write `... = ...`"
                               : "name it with `let`");
  return true;
}

/// The few things that could stand here, in words.
std::string ErrorStrategy::whatIsExpected(const Situation &s) const {
  auto expects = [&](size_t type) { return s.expected.contains(type); };
  size_t rule = s.context->getRuleIndex();
  if (expects(LocoParser::RPAREN) &&
      (s.before->getType() == LocoParser::LPAREN ||
       s.before->getType() == LocoParser::COMMA))
    return rule == LocoParser::RuleParameters ? "a parameter" : "an argument";
  if (rule == LocoParser::RuleEquation && expects(LocoParser::UPDATE))
    return isIn(s.context, LocoParser::RuleStep) ? "`<-`" : "`=`";
  // Behind a complete expression half the language may follow; what closes
  // the surroundings is what was forgotten.
  if (s.expected.size() > 4) {
    if (expects(LocoParser::RPAREN) && expects(LocoParser::COMMA))
      return "`,` or `)`";
    if (expects(LocoParser::RBRACKET) && expects(LocoParser::COMMA))
      return "`,` or `]`";
    for (size_t type :
         {LocoParser::RPAREN, LocoParser::RBRACKET, LocoParser::COMMA,
          LocoParser::ASSIGN, LocoParser::COLON, LocoParser::LBRACE})
      if (expects(type) && !expects(LocoParser::END))
        return ("`" + spellType(s.parser, type) + "`").str();
  }
  if (expects(LocoParser::END) && !nounBefore(s.context, s.before).empty())
    return "`=`";
  if (expects(LocoParser::END))
    return "the end of the line";
  if (expects(LocoParser::ID))
    return "a name";
  std::vector<std::string> parts;
  std::vector<ssize_t> types = s.expected.toList();
  auto comma = std::find(types.begin(), types.end(), LocoParser::COMMA);
  if (comma != types.end()) // reads better in front
    std::rotate(types.begin(), comma, comma + 1);
  for (ssize_t type : types) {
    StringRef text = spellType(s.parser, type);
    if (!text.empty())
      parts.push_back(("`" + text + "`").str());
    else if (type == static_cast<ssize_t>(LocoParser::STRING))
      parts.push_back("a string");
  }
  std::string list;
  for (size_t i = 0; i < parts.size(); ++i)
    list += (i == 0 ? "" : i + 1 == parts.size() ? " or " : ", ") + parts[i];
  return list.empty() ? "something else" : list;
}

void ErrorStrategy::reportExpected(const Situation &s) {
  std::string what = whatIsExpected(s);
  bool atStart = !s.before;
  if (what == "the end of the line") {
    // The words that go on a statement.
    static const StringRef words[] = {
        "on",   "in",   "via",   "by",   "over",   "per",   "every",
        "with", "init", "carry", "bias", "mixing", "after", "weight"};
    std::string hint = hintAtHabit(s);
    if (hint.empty() && s.found->getType() == LocoParser::ID)
      hint = didYouMean(spell(s.found), words);
    if (hint.empty() && s.found->getType() == LocoParser::ID &&
        s.context->getRuleIndex() != LocoParser::RuleSettingItem &&
        (s.before->getType() == LocoParser::ID ||
         s.before->getType() == LocoParser::RPAREN))
      hint = "between two values stands an operator, as in `W @ z` and `a * b`";
    if (s.context->getRuleIndex() == LocoParser::RuleSettingItem)
      hint = s.found->getType() == LocoParser::ASSIGN
                 ? "a setting is written without `=`, as `batch 128`"
             : hint.empty()
                 ? "settings stand on lines of their own, or behind `;`"
                 : hint;
    report(s, "unexpected-token", "expected " + what + after(s), hint);
    return;
  }
  if (s.found->getType() == LocoParser::END && what.find("`{`") != what.npos &&
      s.parser->getTokenStream()->LA(2) == LocoParser::LBRACE) {
    Token *brace = s.parser->getTokenStream()->LT(2);
    strayBrace = brace->getTokenIndex();
    diagnostics
        .error("expected-token", getRange(brace, file), "`{` begins a line")
        .hint("write it at the end of the line before");
    return;
  }
  std::string hint = atStart ? std::string() : hintAtHabit(s);
  report(s, what == "a name" ? "expected-name" : "expected-token",
         "expected " + what + (atStart ? "" : after(s)), hint);
}

/// Whether the fault at this place is known, as a bracket that is missing.
bool ErrorStrategy::isBroken(const Token *token) const {
  uint32_t begin = token->getStartIndex();
  // The ranges are in order and do not overlap.
  auto after = llvm::partition_point(
      layout.broken, [=](SourceRange range) { return range.begin <= begin; });
  return after != layout.broken.begin() && begin < std::prev(after)->end;
}

void ErrorStrategy::report(const Situation &s) {
  if (isBroken(s.found) || (s.before && isBroken(s.before)))
    return;
  if (reportReservedName(s) || reportUnknownStatement(s) ||
      reportLoneExpression(s) || reportMissingExpression(s))
    return;
  reportExpected(s);
}

/// The innermost statement around `context`.
static const antlr4::ParserRuleContext *
enclosingItem(const antlr4::RuleContext *context) {
  while (context && context->getRuleIndex() != LocoParser::RuleItem &&
         context->getRuleIndex() != LocoParser::RuleSettingItem)
    context = static_cast<const antlr4::RuleContext *>(context->parent);
  return static_cast<const antlr4::ParserRuleContext *>(context);
}

void ErrorStrategy::reportError(Parser *parser,
                                const antlr4::RecognitionException &error) {
  if (inErrorRecoveryMode(parser))
    return;
  beginErrorCondition(parser);
  antlr4::ParserRuleContext *context = parser->getContext();
  if (const auto *item = enclosingItem(context))
    failed.insert(item);
  Token *found = error.getOffendingToken();
  report({parser, context, found, tokenBefore(parser, found),
          error.getExpectedTokens()});
}

/// A rule that fails does not try to mend its text.
Token *ErrorStrategy::recoverInline(Parser *parser) {
  throw antlr4::InputMismatchException(parser);
}

/// Skips tokens up to the END of the present statement or the `}` around it;
/// blocks on the way are skipped whole.
static void skipStatement(Parser *parser, bool stopAtBlock) {
  unsigned depth = 0;
  for (;;) {
    size_t type = parser->getTokenStream()->LA(1);
    if (type == Token::EOF)
      return;
    if (depth == 0 && (type == LocoParser::END || type == LocoParser::RBRACE ||
                       (stopAtBlock && type == LocoParser::LBRACE)))
      return;
    if (type == LocoParser::LBRACE)
      ++depth;
    if (type == LocoParser::RBRACE)
      --depth;
    parser->consume();
  }
}

void ErrorStrategy::recover(Parser *parser, std::exception_ptr) {
  size_t rule = parser->getContext()->getRuleIndex();
  bool head = rule == LocoParser::RuleModelHead ||
              rule == LocoParser::RuleLayerHead ||
              rule == LocoParser::RuleRunHead;
  skipStatement(parser, head);
  if (rule == LocoParser::RuleItem || rule == LocoParser::RuleSettingItem) {
    if (parser->getTokenStream()->LA(1) == LocoParser::END)
      parser->consume();
    endErrorCondition(parser);
  }
}

/// Called before each turn of a loop. In a block, something that begins no
/// statement must not end the loop; everywhere else, the rule that comes next
/// has more to say.
void ErrorStrategy::sync(Parser *parser) {
  size_t rule = parser->getContext()->getRuleIndex();
  if (inErrorRecoveryMode(parser) ||
      (rule != LocoParser::RuleFile && rule != LocoParser::RuleBlock &&
       rule != LocoParser::RuleRunBlock))
    return;
  for (;;) {
    Token *found = parser->getTokenStream()->LT(1);
    antlr4::misc::IntervalSet expected = parser->getExpectedTokens();
    bool stray =
        rule == LocoParser::RuleFile && found->getType() == LocoParser::RBRACE;
    if (found->getType() == Token::EOF || expected.contains(found->getType()))
      return;
    if (found->getTokenIndex() != strayBrace && !isBroken(found))
      report({parser, parser->getContext(), found, tokenBefore(parser, found),
              expected},
             "expected-statement", "expected a statement",
             hintAtOperator(found, spell(found)));
    if (stray)
      parser->consume();
    skipStatement(parser, false);
    if (parser->getTokenStream()->LA(1) == LocoParser::END)
      parser->consume();
  }
}
