//===- SourceFile.h - Source files and places in them -----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A place in a program is a file and a half-open range of bytes. Lines and
// columns are derived from it only when somebody reads them.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AST_SOURCEFILE_H
#define COMPILER_AST_SOURCEFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace loco {

/// Names one file of a `SourceManager`; the default value names none.
struct FileId {
  uint32_t index = ~0u;

  bool isValid() const { return index != ~0u; }
  bool operator==(FileId other) const { return index == other.index; }
  bool operator!=(FileId other) const { return index != other.index; }
};

/// The bytes [begin, end) of one file.
struct SourceRange {
  FileId file;
  uint32_t begin = 0;
  uint32_t end = 0;

  bool isValid() const { return file.isValid(); }
  bool operator==(const SourceRange &other) const {
    return file == other.file && begin == other.begin && end == other.end;
  }

  /// The smallest range that holds both; both lie in the same file.
  SourceRange merge(SourceRange other) const {
    if (!isValid())
      return other;
    if (!other.isValid())
      return *this;
    return {file, begin < other.begin ? begin : other.begin,
            end > other.end ? end : other.end};
  }
};

/// A place as people read it. Both count from 1; the column counts characters
/// (UTF-8 code points), a tab being one.
struct LineColumn {
  unsigned line = 1;
  unsigned column = 1;
};

/// Owns the text of every file of a compilation. Text never moves, so a
/// `StringRef` into it lives as long as the manager.
class SourceManager {
public:
  /// Takes `text` as the content of a file shown to people as `name`.
  FileId addFile(llvm::StringRef name, llvm::StringRef text);

  /// Reads the file at `path`; the error says what was tried.
  llvm::Expected<FileId> openFile(llvm::StringRef path);

  llvm::StringRef getName(FileId file) const { return files[file.index]->name; }
  llvm::StringRef getText(FileId file) const { return files[file.index]->text; }
  unsigned getNumFiles() const { return files.size(); }

  /// The source text of `range`.
  llvm::StringRef getText(SourceRange range) const;

  /// Line and column of the byte `offset`; offsets past the end are the end.
  LineColumn getLineColumn(FileId file, uint32_t offset) const;

  /// Number of lines; an empty file has one.
  unsigned getNumLines(FileId file) const {
    return files[file.index]->lineStarts.size();
  }

  /// Text of a line, counted from 1, without its line end.
  llvm::StringRef getLine(FileId file, unsigned line) const;

  /// Offset of the first byte of a line, counted from 1.
  uint32_t getLineStart(FileId file, unsigned line) const {
    return files[file.index]->lineStarts[line - 1];
  }

private:
  struct File {
    std::string name;
    std::string text;
    std::vector<uint32_t> lineStarts;
  };

  std::vector<std::unique_ptr<File>> files;
};

} // namespace loco

#endif // COMPILER_AST_SOURCEFILE_H
