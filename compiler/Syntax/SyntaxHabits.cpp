//===- SyntaxHabits.cpp - What other languages write ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LocoParser.h"
#include "compiler/Syntax/SyntaxErrors.h"

using namespace loco;
using llvm::StringRef;

/// For forms that other languages have and this one writes otherwise.
std::string ErrorStrategy::hintAtHabit(const Situation &s) const {
  StringRef before = spell(s.before), found = spell(s.found);
  if (before == "if" || found == "if" || found == "then")
    return "write `select(condition, a, b)`";
  if (before == "and" || before == "or" || found == "and" || found == "or")
    return "conditions are not joined: take one `select(condition, a, b)` "
           "inside of another";
  if (found == "'" && before != "'")
    return "text stands between `\"` and `\"`";
  if (before == "lambda")
    return "write `let f(x) = ...`";
  if (s.context->getRuleIndex() == LocoParser::RuleInput &&
      s.expected.contains(static_cast<size_t>(LocoParser::COLON)))
    return found == "on" ? "an input on a lattice is a field: `input x : field "
                           "on sheet per step`"
                         : "an input has a space: `input x : scalar per step`";
  bool block = s.expected.contains(static_cast<size_t>(LocoParser::LBRACE));
  if (block && s.found->getType() == LocoParser::COLON)
    return "what belongs to it stands between `{` and `}`";
  if (s.found->getType() == LocoParser::COLON &&
      s.expected.contains(static_cast<size_t>(LocoParser::RBRACKET)))
    return "a range is written `a..b`, both included";
  if (found == "by" && spell(s.parser->getTokenStream()->get(
                           s.found->getTokenIndex() + 1)) == "channels")
    return "channels belong to a lattice: `lattice deep = sheet by "
           "channels(2)`, and then `on deep`";
  return "";
}
