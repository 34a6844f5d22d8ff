//===- ByteStream.h - Source text as ANTLR reads it -------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ANTLR's own stream decodes UTF-8, so that its places count code points, and
// throws on bad input. Ours counts bytes, like everything else in loco.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SYNTAX_BYTESTREAM_H
#define COMPILER_SYNTAX_BYTESTREAM_H

#include "CharStream.h"
#include "llvm/ADT/StringRef.h"

namespace loco {

class ByteStream : public antlr4::CharStream {
public:
  explicit ByteStream(llvm::StringRef text) : text(text) {}

  void consume() override { ++position; }
  size_t LA(ssize_t offset) override {
    if (offset == 0)
      return 0;
    // LA(1) is the next byte, LA(-1) the one before it.
    ssize_t at = static_cast<ssize_t>(position) + offset - (offset > 0);
    if (at < 0 || at >= static_cast<ssize_t>(text.size()))
      return antlr4::IntStream::EOF;
    return static_cast<unsigned char>(text[at]);
  }
  ssize_t mark() override { return -1; }
  void release(ssize_t) override {}
  size_t index() override { return position; }
  void seek(size_t index) override { position = std::min(index, text.size()); }
  size_t size() override { return text.size(); }
  std::string getSourceName() const override { return "loco"; }
  std::string getText(const antlr4::misc::Interval &interval) override {
    return text.slice(interval.a, interval.b + 1).str();
  }
  std::string toString() const override { return text.str(); }

private:
  llvm::StringRef text;
  size_t position = 0;
};

} // namespace loco

#endif // COMPILER_SYNTAX_BYTESTREAM_H
