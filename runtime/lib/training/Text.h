//===- Text.h - Words of the training's messages ----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_TRAINING_TEXT_H
#define LOCO_RUNTIME_TRAINING_TEXT_H

#include <charconv>
#include <string>

namespace loco {

/// The number as short as `%g` writes it.
inline std::string describeNumber(double value, int digits = 6) {
  char text[64];
  auto end = std::to_chars(text, text + sizeof(text), value,
                           std::chars_format::general, digits);
  return std::string(text, end.ptr);
}

/// "`a`, `b` and 3 more" of a list of names.
template <typename Names>
std::string describeNames(const Names &names, size_t limit = 8) {
  std::string text;
  size_t count = 0;
  for (const auto &name : names) {
    if (count < limit)
      text += (count ? ", `" : "`") + std::string(name) + "`";
    ++count;
  }
  if (count > limit)
    text += " and " + std::to_string(count - limit) + " more";
  return text;
}

} // namespace loco

#endif // LOCO_RUNTIME_TRAINING_TEXT_H
