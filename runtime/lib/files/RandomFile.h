//===- RandomFile.h - Parts of files that stay on the disk --------*- C++
//-*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_FILES_RANDOMFILE_H
#define LOCO_RUNTIME_FILES_RANDOMFILE_H

#include "loco/Expected.h"

#include <cstdint>
#include <memory>
#include <string>

namespace loco::files {

/// An open file of which any part can be read. Not mapped into memory: a file
/// that becomes shorter must be an error, not a signal.
class RandomFile {
public:
  static Expected<std::unique_ptr<RandomFile>> open(const std::string &path);
  ~RandomFile();
  RandomFile(const RandomFile &) = delete;
  RandomFile &operator=(const RandomFile &) = delete;

  const std::string &path() const { return name; }
  /// Bytes when it was opened.
  uint64_t size() const { return length; }
  /// Reads exactly `bytes` bytes from `offset` on.
  Status read(uint64_t offset, void *out, uint64_t bytes) const;

private:
  RandomFile(std::string name, int descriptor, uint64_t length)
      : name(std::move(name)), descriptor(descriptor), length(length) {}
  std::string name;
  int descriptor;
  uint64_t length;
};

} // namespace loco::files

#endif // LOCO_RUNTIME_FILES_RANDOMFILE_H
