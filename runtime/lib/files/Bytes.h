//===- Bytes.h - Helpers of the file formats --------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_FILES_BYTES_H
#define LOCO_RUNTIME_FILES_BYTES_H

#include "loco/Expected.h"
#include "loco/Tensor.h"

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace loco::files {

/// The system's text for an errno, in the case of our messages.
std::string describeErrno(int number);

/// `path` in backticks.
inline std::string ticked(const std::string &text) { return "`" + text + "`"; }

/// An unsigned number from its bytes.
template <typename T>
T readUnsigned(const void *bytes, bool bigEndian) {
  const unsigned char *p = static_cast<const unsigned char *>(bytes);
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    T byte = p[bigEndian ? i : sizeof(T) - 1 - i];
    value = static_cast<T>(value << 8 | byte);
  }
  return value;
}

/// Elements times bytes per element, unless that overflows or an extent is
/// negative.
inline std::optional<uint64_t> bytesOfShape(const Shape &shape,
                                            uint64_t elementBytes) {
  uint64_t bytes = elementBytes;
  // An extent of 0 must not hide others that overflow later computations.
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent < 0)
      return std::nullopt;
    if (extent == 0)
      empty = true;
    else if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(extent),
                                    &bytes))
      return std::nullopt;
  }
  if (bytes > static_cast<uint64_t>(INT64_MAX))
    return std::nullopt;
  return empty ? 0 : bytes;
}

/// What the header of an .npy file says.
struct NpyLayout {
  ElementType type;
  Shape shape;
  /// How elements are stored: kind and size of NumPy's type, byte order, and
  /// the order of the axes.
  char kind;
  size_t elementBytes;
  bool isBigEndian, isColumnsFirst;
  /// Where the elements begin.
  uint64_t begin;

  /// True if the file holds just what a tensor does.
  bool isPlain() const;
};

/// The layout of an .npy file of `size` bytes that begins with `bytes`: all of
/// it, or at least the header. `place` names it in messages.
Expected<NpyLayout> parseNpyLayout(std::string_view bytes, uint64_t size,
                                   const std::string &place);

/// Converts `count` elements in the order of the file; false if one is an
/// integer that I32 cannot hold.
bool convertNpy(const NpyLayout &layout, const char *bytes, int64_t count,
                void *out);

/// The array in the bytes of an .npy file; `place` names it in messages.
Expected<Tensor> parseNpy(std::string_view bytes, const std::string &place);

/// The header that makes the bytes of a tensor an .npy file.
std::string npyHeader(const Tensor &tensor);

} // namespace loco::files

#endif // LOCO_RUNTIME_FILES_BYTES_H
