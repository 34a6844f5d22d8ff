//===- SourceFile.cpp - Source files and places in them -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/SourceFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>

using namespace loco;
using llvm::StringRef;

FileId SourceManager::addFile(StringRef name, StringRef text) {
  auto file = std::make_unique<File>();
  file->name = name.str();
  file->text = text.str();
  file->lineStarts.push_back(0);
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n')
      file->lineStarts.push_back(i + 1);
  files.push_back(std::move(file));
  return {static_cast<uint32_t>(files.size() - 1)};
}

llvm::Expected<FileId> SourceManager::openFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return llvm::createStringError(buffer.getError(), "cannot read `%s`: %s",
                                   path.str().c_str(),
                                   buffer.getError().message().c_str());
  // Ranges are 32 bits wide; a program of that size is a mistake anyway.
  if ((*buffer)->getBufferSize() > (1u << 30))
    return llvm::createStringError(std::errc::file_too_large,
                                   "cannot read `%s`: more than 1 GiB",
                                   path.str().c_str());
  return addFile(path, (*buffer)->getBuffer());
}

StringRef SourceManager::getText(SourceRange range) const {
  return getText(range.file).slice(range.begin, range.end);
}

LineColumn SourceManager::getLineColumn(FileId id, uint32_t offset) const {
  const File &file = *files[id.index];
  offset = std::min<uint32_t>(offset, file.text.size());
  auto after =
      std::upper_bound(file.lineStarts.begin(), file.lineStarts.end(), offset);
  unsigned line = after - file.lineStarts.begin();
  unsigned column = 1;
  for (uint32_t i = file.lineStarts[line - 1]; i < offset; ++i)
    if ((file.text[i] & 0xC0) != 0x80) // not a continuation byte of UTF-8
      ++column;
  return {line, column};
}

StringRef SourceManager::getLine(FileId id, unsigned line) const {
  const File &file = *files[id.index];
  uint32_t begin = file.lineStarts[line - 1];
  uint32_t end =
      line < file.lineStarts.size() ? file.lineStarts[line] : file.text.size();
  return StringRef(file.text).slice(begin, end).rtrim("\r\n");
}
