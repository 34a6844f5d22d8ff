//===- NpyStream.cpp - NumPy's arrays, piece by piece ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/files/NpyStream.h"

#include <algorithm>

using namespace loco;
using namespace loco::files;

namespace {
class NpyStream : public ArrayStream {
public:
  NpyStream(std::unique_ptr<ByteStream> bytes, NpyLayout given,
            std::string place)
      : ArrayStream(given.type, given.shape), bytes(std::move(bytes)),
        layout(std::move(given)), place(std::move(place)) {}

  Status read(uint64_t first, int64_t count, void *out) override {
    uint64_t elements = static_cast<uint64_t>(count * rowElements());
    uint64_t size = elements * layout.elementBytes;
    uint64_t offset = layout.begin + first * (size / count);
    if (layout.isPlain())
      return bytes->read(offset, out, size);
    raw.resize(size);
    if (Status failed = bytes->read(offset, raw.data(), size))
      return failed;
    if (!convertNpy(layout, raw.data(), static_cast<int64_t>(elements), out))
      return Error{place + " holds an integer beyond 32 bits"};
    return {};
  }

private:
  std::unique_ptr<ByteStream> bytes;
  NpyLayout layout;
  std::string place, raw;
};
} // namespace

Expected<std::unique_ptr<ArrayStream>>
loco::files::streamNpy(std::unique_ptr<ByteStream> bytes, uint64_t size,
                       const std::string &place) {
  // No header that NumPy writes is longer.
  constexpr uint64_t longestHeader = 1 << 16;
  std::string beginning(std::min(size, longestHeader), '\0');
  if (Status failed = bytes->read(0, beginning.data(), beginning.size()))
    return failed.error();
  Expected<NpyLayout> layout = parseNpyLayout(beginning, size, place);
  if (!layout)
    return layout.error();
  if (layout->isColumnsFirst) {
    std::string whole(size, '\0');
    if (Status failed = bytes->read(0, whole.data(), size))
      return failed.error();
    Expected<Tensor> tensor = parseNpy(whole, place);
    if (!tensor)
      return tensor.error();
    return streamOf(std::move(*tensor));
  }
  return std::unique_ptr<ArrayStream>(
      std::make_unique<NpyStream>(std::move(bytes), std::move(*layout), place));
}

namespace {
class FileBytes : public ByteStream {
public:
  explicit FileBytes(std::unique_ptr<RandomFile> file)
      : file(std::move(file)) {}
  Status read(uint64_t offset, void *out, uint64_t bytes) override {
    return file->read(offset, out, bytes);
  }

private:
  std::unique_ptr<RandomFile> file;
};
} // namespace

Expected<ArrayStreams> loco::files::openNpy(const std::string &path) {
  Expected<std::unique_ptr<RandomFile>> file = RandomFile::open(path);
  if (!file)
    return file.error();
  uint64_t size = (*file)->size();
  auto stream = streamNpy(std::make_unique<FileBytes>(std::move(*file)), size,
                          ticked(path));
  if (!stream)
    return stream.error();
  ArrayStreams streams;
  streams.emplace("x", std::move(*stream));
  return streams;
}
