//===- Idx.cpp - IDX files, plain and compressed --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format of the MNIST files: two zero bytes, the type of the elements, the
// number of axes, one big-endian 32-bit length per axis, the elements.
//
//===----------------------------------------------------------------------===//

#include "loco/Files.h"

#include "runtime/lib/files/Bytes.h"

#include <algorithm>
#include <zlib.h>

using namespace loco;
using namespace loco::files;

static const char *nameOfType(int code) {
  switch (code) {
  case 0x08:
    return "unsigned bytes";
  case 0x09:
    return "signed bytes";
  case 0x0B:
    return "16-bit integers";
  case 0x0C:
    return "32-bit integers";
  case 0x0D:
    return "32-bit floats";
  case 0x0E:
    return "64-bit floats";
  default:
    return nullptr;
  }
}

namespace {
/// What the first bytes of an IDX file say.
struct IdxHeader {
  Shape shape;
  size_t headerBytes = 0;
  uint64_t dataBytes = 0;
};
} // namespace

/// Largest header: 255 axes.
static constexpr size_t largestHeader = 4 + 4 * 255;

static Expected<IdxHeader> parseHeader(std::string_view bytes,
                                       const std::string &path) {
  if (bytes.size() < 4 || bytes[0] != 0 || bytes[1] != 0 ||
      !nameOfType(static_cast<unsigned char>(bytes[2])))
    return Error{ticked(path) +
                 " is not an IDX file: its first bytes are not those of one"};
  int type = static_cast<unsigned char>(bytes[2]);
  if (type != 0x08)
    return Error{ticked(path) + " holds " + nameOfType(type) +
                 ", expected unsigned bytes"};
  size_t axes = static_cast<unsigned char>(bytes[3]);
  IdxHeader header;
  header.headerBytes = 4 + 4 * axes;
  if (bytes.size() < header.headerBytes)
    return Error{ticked(path) + " is truncated: it ends inside its header"};
  for (size_t axis = 0; axis < axes; ++axis)
    header.shape.push_back(readUnsigned<uint32_t>(&bytes[4 + 4 * axis], true));
  std::optional<uint64_t> size = bytesOfShape(header.shape, 1);
  if (!size)
    return Error{ticked(path) + " says it holds " + describe(header.shape) +
                 " bytes, which is more than fits"};
  header.dataBytes = *size;
  return header;
}

static Error wrongSize(const std::string &path, const IdxHeader &header,
                       const std::string &found) {
  return Error{
      ticked(path) + " has " + found + " bytes of data, but its header says " +
      std::to_string(header.dataBytes) + " (" + describe(header.shape) + ")"};
}

namespace {
/// Unpacks a gzip file (or several, one after the other, as gzip allows).
class Unpacker {
public:
  Unpacker(std::string_view packed, const std::string &path)
      : packed(packed), path(path) {
    stream.next_in =
        reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
    // 16: gzip's own header and checksum.
    ready = inflateInit2(&stream, 15 + 16) == Z_OK;
  }
  ~Unpacker() {
    if (ready)
      inflateEnd(&stream);
  }
  Unpacker(const Unpacker &) = delete;

  /// Appends until `out` has `size` bytes or the file has ended.
  Status unpack(std::string &out, size_t size) {
    if (!ready)
      return Error{"cannot unpack " + ticked(path)};
    while (out.size() < size && !ended) {
      size_t before = out.size();
      size_t chunk = std::min<size_t>(size - before, size_t(1) << 22);
      out.resize(before + chunk);
      stream.next_out = reinterpret_cast<Bytef *>(out.data() + before);
      stream.avail_out = static_cast<uInt>(chunk);
      feed();
      int code = inflate(&stream, Z_NO_FLUSH);
      out.resize(out.size() - stream.avail_out);
      if (code == Z_STREAM_END) {
        feed();
        ended = stream.avail_in == 0;
        code = ended ? Z_OK : inflateReset(&stream);
      }
      if (code == Z_BUF_ERROR)
        return Error{ticked(path) + " is truncated: the compressed data end "
                                    "too early"};
      if (code != Z_OK)
        return Error{ticked(path) + " is corrupt: " +
                     (stream.msg ? stream.msg : "the data do not unpack")};
    }
    return {};
  }

private:
  /// zlib counts input in 32 bits.
  void feed() {
    if (stream.avail_in != 0)
      return;
    size_t next = std::min<size_t>(packed.size() - fed, size_t(1) << 30);
    stream.avail_in = static_cast<uInt>(next);
    fed += next;
  }

  std::string_view packed;
  const std::string &path;
  z_stream stream{};
  size_t fed = 0;
  bool ready = false, ended = false;
};
} // namespace

/// Header first, then as much as it announces and one byte to see the end:
/// memory grows with what is there.
static Expected<IdxArray> readPacked(std::string_view packed,
                                     const std::string &path) {
  Unpacker unpacker(packed, path);
  std::string bytes;
  if (Status failed = unpacker.unpack(bytes, largestHeader))
    return failed.error();
  Expected<IdxHeader> header = parseHeader(bytes, path);
  if (!header)
    return header.error();
  size_t expected = header->headerBytes + header->dataBytes;
  if (bytes.size() <= expected)
    if (Status failed = unpacker.unpack(bytes, expected + 1))
      return failed.error();
  if (bytes.size() > expected)
    return wrongSize(path, *header, "more");
  if (bytes.size() < expected)
    return wrongSize(path, *header,
                     std::to_string(bytes.size() - header->headerBytes));
  return IdxArray{header->shape,
                  {bytes.begin() + header->headerBytes, bytes.end()}};
}

Expected<IdxArray> loco::readIdx(const std::string &path) {
  Expected<std::string> bytes = readFile(path);
  if (!bytes)
    return bytes.error();
  if (bytes->starts_with("\x1f\x8b"))
    return readPacked(*bytes, path);
  Expected<IdxHeader> header = parseHeader(*bytes, path);
  if (!header)
    return header.error();
  uint64_t found = bytes->size() - header->headerBytes;
  if (found != header->dataBytes)
    return wrongSize(path, *header, std::to_string(found));
  return IdxArray{header->shape,
                  {bytes->begin() + header->headerBytes, bytes->end()}};
}
