//===- NpyStream.h - NumPy's arrays, piece by piece ---------------*- C++
//-*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_FILES_NPYSTREAM_H
#define LOCO_RUNTIME_FILES_NPYSTREAM_H

#include "runtime/lib/files/ArrayStream.h"
#include "runtime/lib/files/Bytes.h"
#include "runtime/lib/files/RandomFile.h"

namespace loco::files {

/// Bytes of which any part can be read: a file, or an entry of an archive.
class ByteStream {
public:
  virtual ~ByteStream() = default;
  virtual Status read(uint64_t offset, void *out, uint64_t bytes) = 0;
};

/// The array of the .npy file that `bytes`, `size` of them, are; `place` names
/// it in messages.
Expected<std::unique_ptr<ArrayStream>>
streamNpy(std::unique_ptr<ByteStream> bytes, uint64_t size,
          const std::string &place);

} // namespace loco::files

#endif // LOCO_RUNTIME_FILES_NPYSTREAM_H
