//===- Suggest.cpp - Suggestions for misspelt names -----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "llvm/ADT/StringExtras.h"
#include <algorithm>
#include <vector>

using llvm::ArrayRef;
using llvm::StringRef;

/// Edit distance in halves: 2 for a letter added, removed, exchanged or
/// swapped with its neighbour, 1 for a letter of the other case.
static unsigned editDistance(StringRef from, StringRef to) {
  std::vector<unsigned> beforeLast(to.size() + 1), last(to.size() + 1),
      current(to.size() + 1);
  for (size_t j = 0; j <= to.size(); ++j)
    last[j] = 2 * j;
  for (size_t i = 1; i <= from.size(); ++i) {
    current[0] = 2 * i;
    for (size_t j = 1; j <= to.size(); ++j) {
      char a = from[i - 1], b = to[j - 1];
      unsigned exchange = a == b                                 ? 0
                          : llvm::toLower(a) == llvm::toLower(b) ? 1
                                                                 : 2;
      current[j] =
          std::min({last[j] + 2, current[j - 1] + 2, last[j - 1] + exchange});
      if (i > 1 && j > 1 && a == to[j - 2] && from[i - 2] == b)
        current[j] = std::min(current[j], beforeLast[j - 2] + 2);
    }
    std::swap(beforeLast, last);
    std::swap(last, current);
  }
  return last[to.size()];
}

StringRef loco::closestName(StringRef name, ArrayRef<StringRef> candidates) {
  // Names longer than this are not typed by hand; the bound keeps the search
  // linear in the size of the program.
  if (name.empty() || name.size() > 64)
    return {};
  unsigned best = 2 * std::max<size_t>(1, name.size() / 3) + 1;
  StringRef closest;
  for (StringRef candidate : candidates) {
    if (candidate == name || candidate.size() > 64)
      continue;
    // A name of one letter has nothing in common with another one.
    if (name.size() == 1 && !candidate.equals_insensitive(name))
      continue;
    unsigned distance = editDistance(name, candidate);
    if (distance < best) {
      best = distance;
      closest = candidate;
    }
  }
  return closest;
}

std::string loco::didYouMean(StringRef name, ArrayRef<StringRef> candidates) {
  StringRef closest = closestName(name, candidates);
  return closest.empty() ? std::string()
                         : ("did you mean `" + closest + "`?").str();
}

std::string loco::didYouMeanOneOf(StringRef name,
                                  llvm::ArrayRef<StringRef> candidates) {
  std::string near = didYouMean(name, candidates);
  if (!near.empty() || candidates.empty() || candidates.size() > 12)
    return near;
  std::string list = candidates.size() == 1 ? "there is " : "there are ";
  for (auto [i, candidate] : llvm::enumerate(candidates)) {
    list += i == 0 ? "" : i + 1 == candidates.size() ? " and " : ", ";
    list += ("`" + candidate + "`").str();
  }
  return list;
}
