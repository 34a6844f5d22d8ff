//===- Safetensors.cpp - Tensors by name in .safetensors files ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format: the header's length (8 bytes, little-endian), a JSON object
// `name -> {dtype, shape, data_offsets}` with an optional `__metadata__` of
// strings, then the data without gaps or overlaps.
//
//===----------------------------------------------------------------------===//

#include "loco/Files.h"

#include "runtime/lib/files/ArrayStream.h"
#include "runtime/lib/files/Bytes.h"
#include "runtime/lib/files/RandomFile.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

using namespace loco;
using namespace loco::files;
using nlohmann::json;

/// The format's own limit for its header.
static constexpr uint64_t largestHeader = 100'000'000;

static std::string nameOf(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return "F32";
  case ElementType::F64:
    return "F64";
  case ElementType::I32:
    return "I32";
  }
  return "";
}

static std::optional<ElementType> typeOf(const std::string &name) {
  for (ElementType type :
       {ElementType::F32, ElementType::F64, ElementType::I32})
    if (name == nameOf(type))
      return type;
  return std::nullopt;
}

namespace {
/// Where a tensor lies in the data.
struct Piece {
  std::string name;
  ElementType type;
  Shape shape;
  uint64_t begin, end;
};
} // namespace

/// Parses the header; a key that stands twice is an error, which the JSON
/// library alone would let pass.
static Expected<json> parseHeader(std::string_view text,
                                  const std::string &path) {
  std::set<std::string> keys;
  std::string repeated;
  auto watch = [&](int depth, json::parse_event_t event, json &parsed) {
    if (event == json::parse_event_t::key && depth == 1 &&
        !keys.insert(parsed.get<std::string>()).second)
      repeated = parsed.get<std::string>();
    return true;
  };
  json header = json::parse(text.begin(), text.end(), watch, false);
  if (header.is_discarded() || !header.is_object())
    return Error{ticked(path) + " has a header that is not a JSON object"};
  if (!repeated.empty())
    return Error{ticked(path) + " holds " + ticked(repeated) + " twice"};
  return header;
}

/// A list of unsigned numbers that fit 63 bits.
static std::optional<Shape> parseNumbers(const json &entry, const char *key) {
  auto found = entry.find(key);
  if (found == entry.end() || !found->is_array())
    return std::nullopt;
  Shape numbers;
  for (const json &item : *found) {
    if (!item.is_number_unsigned() ||
        item.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
      return std::nullopt;
    numbers.push_back(static_cast<int64_t>(item.get<uint64_t>()));
  }
  return numbers;
}

/// One entry of the header, checked against itself and the data's size.
static Expected<Piece> parsePiece(const std::string &name, const json &entry,
                                  uint64_t dataSize, const std::string &place) {
  if (!entry.is_object())
    return Error{place + " has a description that is not a JSON object"};
  auto dtype = entry.find("dtype");
  if (dtype == entry.end() || !dtype->is_string())
    return Error{place + " has no `dtype`"};
  std::optional<ElementType> type = typeOf(dtype->get<std::string>());
  if (!type)
    return Error{place + " has elements of type " +
                 ticked(dtype->get<std::string>()) +
                 ", expected `F32`, `F64` or `I32`"};
  std::optional<Shape> shape = parseNumbers(entry, "shape");
  if (!shape)
    return Error{place + " has no valid `shape`"};
  std::optional<Shape> offsets = parseNumbers(entry, "data_offsets");
  if (!offsets || offsets->size() != 2 || (*offsets)[0] > (*offsets)[1])
    return Error{place + " has no valid `data_offsets`"};
  Piece piece = {name, *type, *shape, static_cast<uint64_t>((*offsets)[0]),
                 static_cast<uint64_t>((*offsets)[1])};
  if (piece.end > dataSize)
    return Error{place + " ends at byte " + std::to_string(piece.end) +
                 " of the data, but the file has only " +
                 std::to_string(dataSize) + "; it may be truncated"};
  std::optional<uint64_t> bytes = bytesOfShape(*shape, sizeOf(*type));
  if (!bytes || *bytes != piece.end - piece.begin)
    return Error{place + " has " + std::to_string(piece.end - piece.begin) +
                 " bytes of data, but its shape says " +
                 (bytes ? std::to_string(*bytes) : "more than fits") + " (" +
                 describe(*shape) + " of " + ticked(nameOf(*type)) + ")"};
  return piece;
}

/// The tensors must cover the data from begin to end, each byte once.
static Status checkCover(std::vector<Piece> pieces, uint64_t dataSize,
                         const std::string &path) {
  std::sort(pieces.begin(), pieces.end(), [](const Piece &a, const Piece &b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t end = 0;
  for (const Piece &piece : pieces) {
    if (piece.begin < end)
      return Error{ticked(piece.name) + " in " + ticked(path) +
                   " overlaps another tensor"};
    if (piece.begin > end)
      return Error{ticked(path) + " has a gap of " +
                   std::to_string(piece.begin - end) + " bytes before " +
                   ticked(piece.name)};
    end = piece.end;
  }
  if (end != dataSize)
    return Error{ticked(path) + " has " + std::to_string(dataSize - end) +
                 " bytes that belong to no tensor"};
  return {};
}

static Status parseMetadata(const json &entry, const std::string &path,
                            std::map<std::string, std::string> &metadata) {
  Error wrong{"`__metadata__` in " + ticked(path) +
              " is not an object of strings"};
  if (!entry.is_object())
    return wrong;
  for (const auto &[key, value] : entry.items()) {
    if (!value.is_string())
      return wrong;
    metadata[key] = value.get<std::string>();
  }
  return {};
}

namespace {
/// What the header says: the tensors, and where the data begin.
struct Layout {
  std::vector<Piece> pieces;
  std::map<std::string, std::string> metadata;
  uint64_t dataBegin;
};
} // namespace

/// The length of the header, which the first 8 bytes give.
static Expected<uint64_t> readHeaderLength(const char *bytes, uint64_t size,
                                           const std::string &path) {
  if (size < 8)
    return Error{ticked(path) + " is not a .safetensors file: it has " +
                 std::to_string(size) + " bytes"};
  uint64_t length = readUnsigned<uint64_t>(bytes, false);
  if (length > largestHeader || length > size - 8)
    return Error{ticked(path) +
                 " is not a .safetensors file, or truncated: "
                 "it announces a header of " +
                 std::to_string(length) + " bytes and has " +
                 std::to_string(size)};
  return length;
}

/// Reads the header of a file of `size` bytes and checks all that it says.
static Expected<Layout> parseLayout(std::string_view text, uint64_t size,
                                    const std::string &path) {
  Layout layout;
  layout.dataBegin = 8 + text.size();
  uint64_t dataSize = size - layout.dataBegin;
  Expected<json> header = parseHeader(text, path);
  if (!header)
    return header.error();
  for (const auto &[name, entry] : header->items()) {
    if (name == "__metadata__") {
      if (Status failed = parseMetadata(entry, path, layout.metadata))
        return failed.error();
      continue;
    }
    Expected<Piece> piece =
        parsePiece(name, entry, dataSize, ticked(name) + " in " + ticked(path));
    if (!piece)
      return piece.error();
    layout.pieces.push_back(std::move(*piece));
  }
  if (Status failed = checkCover(layout.pieces, dataSize, path))
    return failed.error();
  return layout;
}

Expected<Safetensors> loco::readSafetensors(const std::string &path) {
  Expected<std::string> bytes = readFile(path);
  if (!bytes)
    return bytes.error();
  Expected<uint64_t> length =
      readHeaderLength(bytes->data(), bytes->size(), path);
  if (!length)
    return length.error();
  Expected<Layout> layout = parseLayout(
      std::string_view(*bytes).substr(8, *length), bytes->size(), path);
  if (!layout)
    return layout.error();
  Safetensors result;
  result.metadata = std::move(layout->metadata);
  for (const Piece &piece : layout->pieces) {
    Tensor tensor(piece.type, piece.shape);
    std::memcpy(tensor.data(), bytes->data() + layout->dataBegin + piece.begin,
                piece.end - piece.begin);
    result.tensors.emplace(piece.name, std::move(tensor));
  }
  return result;
}

namespace {
/// A tensor of a file that is open.
class PieceStream : public ArrayStream {
public:
  PieceStream(std::shared_ptr<RandomFile> file, const Piece &piece,
              uint64_t begin)
      : ArrayStream(piece.type, piece.shape), file(std::move(file)),
        begin(begin) {}

  Status read(uint64_t first, int64_t count, void *out) override {
    uint64_t row = static_cast<uint64_t>(rowElements()) * sizeOf(type());
    return file->read(begin + first * row, out,
                      static_cast<uint64_t>(count) * row);
  }

private:
  std::shared_ptr<RandomFile> file;
  uint64_t begin;
};
} // namespace

Expected<ArrayStreams> loco::files::openSafetensors(const std::string &path) {
  Expected<std::unique_ptr<RandomFile>> opened = RandomFile::open(path);
  if (!opened)
    return opened.error();
  std::shared_ptr<RandomFile> file = std::move(*opened);
  char first[8] = {};
  if (Status failed = file->read(0, first, std::min<uint64_t>(8, file->size())))
    return failed.error();
  Expected<uint64_t> length = readHeaderLength(first, file->size(), path);
  if (!length)
    return length.error();
  std::string text(*length, '\0');
  if (Status failed = file->read(8, text.data(), *length))
    return failed.error();
  Expected<Layout> layout = parseLayout(text, file->size(), path);
  if (!layout)
    return layout.error();
  ArrayStreams streams;
  for (const Piece &piece : layout->pieces)
    streams.emplace(piece.name,
                    std::make_unique<PieceStream>(
                        file, piece, layout->dataBegin + piece.begin));
  return streams;
}

TensorViews loco::viewAll(const TensorMap &tensors) {
  TensorViews views;
  for (const auto &[name, tensor] : tensors)
    views.emplace(name, &tensor);
  return views;
}

Status
loco::writeSafetensors(const std::string &path, const TensorMap &tensors,
                       const std::map<std::string, std::string> &metadata) {
  return writeSafetensors(path, viewAll(tensors), metadata);
}

Status
loco::writeSafetensors(const std::string &path, const TensorViews &tensors,
                       const std::map<std::string, std::string> &metadata) {
  // Wide elements first, so that all are aligned.
  std::vector<TensorViews::const_iterator> order;
  for (size_t bytes : {8, 4})
    for (auto it = tensors.begin(); it != tensors.end(); ++it)
      if (sizeOf(it->second->type()) == bytes)
        order.push_back(it);
  json header = json::object();
  if (!metadata.empty())
    header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (auto it : order) {
    const auto &[name, tensor] = *it;
    header[name] = {{"dtype", nameOf(tensor->type())},
                    {"shape", tensor->shape()},
                    {"data_offsets", {offset, offset + tensor->bytes()}}};
    offset += tensor->bytes();
  }
  // Replacing bytes that are not UTF-8 keeps this from throwing.
  std::string text =
      header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string length(8, '\0');
  for (int i = 0; i < 8; ++i)
    length[i] = static_cast<char>(text.size() >> (8 * i));
  std::vector<std::string_view> pieces = {length, text};
  for (auto it : order)
    pieces.push_back(bytesOf(*it->second));
  return writeFileAtomically(path, pieces);
}
