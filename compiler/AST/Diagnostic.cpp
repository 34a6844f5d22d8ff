//===- Diagnostic.cpp - Messages about a program --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Diagnostic.h"
#include <algorithm>

using namespace loco;
using llvm::StringRef;

Diagnostic &DiagnosticEngine::report(Severity severity, StringRef name,
                                     SourceRange range,
                                     const llvm::Twine &message) {
  bool isNew =
      !range.isValid() ||
      reported.emplace(range.file.index, range.begin, range.end, name.str())
          .second;
  if (!isNew) {
    duplicate = Diagnostic(severity, name, range, message);
    return *duplicate;
  }
  if (severity == Severity::Error)
    ++numErrors;
  return diagnostics.emplace_back(severity, name, range, message);
}

std::vector<const Diagnostic *> DiagnosticEngine::inSourceOrder() const {
  // An invalid file has the largest index; adding one makes it the first.
  std::vector<std::tuple<uint32_t, uint32_t, size_t>> order;
  for (const Diagnostic &diagnostic : diagnostics)
    order.emplace_back(diagnostic.range.file.index + 1u, diagnostic.range.begin,
                       order.size());
  std::sort(order.begin(), order.end());
  std::vector<const Diagnostic *> sorted;
  for (const auto &entry : order)
    sorted.push_back(&diagnostics[std::get<2>(entry)]);
  return sorted;
}

void DiagnosticEngine::clear() {
  diagnostics.clear();
  reported.clear();
  numErrors = 0;
}
