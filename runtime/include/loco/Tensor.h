//===- Tensor.h - Arrays of the run-time ------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_TENSOR_H
#define LOCO_TENSOR_H

#include <cassert>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace loco {

enum class ElementType : uint8_t { F32, F64, I32 };

inline size_t sizeOf(ElementType type) {
  return type == ElementType::F64 ? 8 : 4;
}

template <typename T>
constexpr ElementType elementTypeOf();
template <>
constexpr ElementType elementTypeOf<float>() {
  return ElementType::F32;
}
template <>
constexpr ElementType elementTypeOf<double>() {
  return ElementType::F64;
}
template <>
constexpr ElementType elementTypeOf<int32_t>() {
  return ElementType::I32;
}

/// Lengths of the axes, outermost first; a scalar has none.
using Shape = std::vector<int64_t>;

inline int64_t numElements(const Shape &shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1),
                         std::multiplies<int64_t>());
}

/// "36 x 36", or "scalar".
std::string describe(const Shape &shape);

/// A dense array in row-major order that owns its memory (zero at birth,
/// aligned to 64 bytes). Copies are deep.
class Tensor {
public:
  Tensor() : Tensor(ElementType::F32, {}) {}
  Tensor(ElementType type, Shape shape);
  Tensor(const Tensor &other);
  Tensor(Tensor &&other) noexcept = default;
  Tensor &operator=(const Tensor &other);
  Tensor &operator=(Tensor &&other) noexcept = default;

  ElementType type() const { return elementType; }
  const Shape &shape() const { return extents; }
  int64_t size() const { return numElements(extents); }
  size_t bytes() const { return size() * sizeOf(elementType); }

  void *data() { return storage.get(); }
  const void *data() const { return storage.get(); }

  template <typename T>
  T *as() {
    assert(elementTypeOf<T>() == elementType && "wrong element type");
    return static_cast<T *>(data());
  }
  template <typename T>
  const T *as() const {
    assert(elementTypeOf<T>() == elementType && "wrong element type");
    return static_cast<const T *>(data());
  }

  /// The element at a row-major position, widened to double.
  double at(int64_t position) const;
  void set(int64_t position, double value);

  /// The same numbers in another element type.
  Tensor convertedTo(ElementType type) const;

private:
  struct Free {
    /// Of memory that came from the system page by page; else 0.
    size_t mapped = 0;
    void operator()(void *memory) const;
  };
  using Storage = std::unique_ptr<void, Free>;
  static Storage allocate(size_t bytes, size_t filled = 0);

  ElementType elementType;
  Shape extents;
  Storage storage;
};

/// Tensors by name, in name order: parameters, inputs, results.
using TensorMap = std::map<std::string, Tensor>;

} // namespace loco

#endif // LOCO_TENSOR_H
