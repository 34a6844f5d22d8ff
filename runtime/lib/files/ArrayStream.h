//===- ArrayStream.h - Arrays that are read piece by piece --------*- C++
//-*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An array of which only the rows in use are in memory, so it may be larger
// than that. What a file says of itself is checked when it is opened, its
// numbers when they are read.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_FILES_ARRAYSTREAM_H
#define LOCO_RUNTIME_FILES_ARRAYSTREAM_H

#include "loco/Expected.h"
#include "loco/Tensor.h"

#include <map>
#include <memory>
#include <string>

namespace loco::files {

class ArrayStream {
public:
  ArrayStream(ElementType type, Shape shape)
      : elementType(type), extents(std::move(shape)) {}
  virtual ~ArrayStream() = default;

  ElementType type() const { return elementType; }
  const Shape &shape() const { return extents; }
  /// Elements of one row: an index of the first axis.
  int64_t rowElements() const {
    return numElements(Shape(extents.begin() + 1, extents.end()));
  }
  /// Writes `count` rows from `first` on, which lie within the shape.
  virtual Status read(uint64_t first, int64_t count, void *out) = 0;
  /// Bytes of rows that are in memory.
  virtual int64_t heldBytes() const { return 0; }

private:
  ElementType elementType;
  Shape extents;
};

using ArrayStreams = std::map<std::string, std::unique_ptr<ArrayStream>>;

/// An array in memory as a stream.
std::unique_ptr<ArrayStream> streamOf(Tensor tensor);

/// The arrays of a .npz or .safetensors file by name, or that of a .npy file as
/// `x`; told apart by the ending. Entries of a .npz that are compressed or
/// below 256 MiB, and arrays stored columns first, are read into memory at
/// once.
Expected<ArrayStreams> openArrays(const std::string &path);

// The same for one kind of file each.
Expected<ArrayStreams> openNpy(const std::string &path);
Expected<ArrayStreams> openNpz(const std::string &path);
Expected<ArrayStreams> openSafetensors(const std::string &path);

} // namespace loco::files

#endif // LOCO_RUNTIME_FILES_ARRAYSTREAM_H
