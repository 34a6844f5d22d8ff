//===- Arrays.cpp - The caller's arrays -----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/CAPI/Arrays.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

using namespace loco;

/// More axes than any space has; a number above it is no number of axes.
static constexpr int32_t maxRank = 16;

LocoElementType loco::toConstant(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return LOCO_F32;
  case ElementType::F64:
    return LOCO_F64;
  case ElementType::I32:
    return LOCO_I32;
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

/// Checks what can be checked of an array alone.
static Outcome checkForm(const LocoArray &array, const std::string &what) {
  if (!array.data)
    return {LOCO_INVALID_ARGUMENT, what + " has no data"};
  if (array.type < LOCO_F32 || array.type > LOCO_I32)
    return {
        LOCO_INVALID_ARGUMENT,
        fmt::format("{} has element type {}, which is none", what, array.type)};
  if (array.rank < 0 || array.rank > maxRank)
    return {LOCO_INVALID_ARGUMENT,
            fmt::format("{} has {} axes", what, array.rank)};
  if (array.rank > 0 && !array.shape)
    return {LOCO_INVALID_ARGUMENT, what + " has no shape"};
  return {};
}

Outcome loco::checkArrayToRead(const LocoArray &array,
                               const ArrayTarget &target) {
  if (Outcome failed = checkForm(array, target.what))
    return failed;
  Shape shape(array.shape, array.shape + array.rank);
  if (shape != target.shape)
    return {LOCO_SHAPE_MISMATCH,
            fmt::format("{} has shape {}, expected {}", target.what,
                        describe(shape), describe(target.shape))};
  if ((array.type == LOCO_I32) != (target.type == ElementType::I32))
    return {LOCO_TYPE_MISMATCH,
            fmt::format("{} holds {}, expected {}", target.what,
                        array.type == LOCO_I32 ? "integers (I32)" : "numbers",
                        target.type == ElementType::I32
                            ? "classes (I32)"
                            : "numbers (F32 or F64)")};
  return {};
}

Outcome loco::checkArrayToWrite(const LocoArray &array,
                                const ArrayTarget &target) {
  if (Outcome failed = checkArrayToRead(array, target))
    return failed;
  for (int32_t axis = 0; array.strides && axis < array.rank; ++axis)
    if (array.strides[axis] == 0 && array.shape[axis] > 1)
      return {LOCO_INVALID_ARGUMENT,
              fmt::format("{} is written, but has stride 0 along axis {}",
                          target.what, axis)};
  return {};
}

Outcome loco::checkClasses(const Tensor &labels, int64_t classes,
                           const std::string &what) {
  for (int64_t i = 0; i < labels.size(); ++i)
    if (int32_t label = labels.as<int32_t>()[i]; label < 0 || label >= classes)
      return {LOCO_OUT_OF_RANGE,
              fmt::format("{} holds class {}, expected 0 to {}", what, label,
                          classes - 1)};
  return {};
}

Outcome loco::collectArrays(const LocoNamedArray *list, size_t count,
                            const char *what, NamedArrays &arrays) {
  if (count > 0 && !list)
    return {LOCO_INVALID_ARGUMENT,
            fmt::format("there are {} {}s, but no list of them", count, what)};
  for (size_t i = 0; i < count; ++i) {
    if (!list[i].name)
      return {LOCO_INVALID_ARGUMENT,
              fmt::format("{} number {} has no name", what, i)};
    if (!arrays.emplace(list[i].name, &list[i].array).second)
      return {LOCO_INVALID_ARGUMENT,
              fmt::format("{} `{}` is given twice", what, list[i].name)};
  }
  return {};
}

/// Bytes of all shapes together in f64; negative if no number holds them.
static int64_t countBytes(const std::vector<Shape> &shapes) {
  int64_t total = 0;
  for (const Shape &shape : shapes) {
    int64_t bytes = 8;
    for (int64_t extent : shape)
      if (__builtin_mul_overflow(bytes, extent, &bytes))
        return -1;
    if (__builtin_add_overflow(total, bytes, &total))
      return -1;
  }
  return total;
}

Outcome loco::checkRoom(const std::vector<Shape> &shapes) {
  constexpr int64_t small = int64_t(1) << 24;
  int64_t bytes = countBytes(shapes);
  if (bytes >= 0 && bytes < small)
    return {};
  // Volatile, so that asking is not optimised away.
  void *volatile memory = bytes < 0 ? nullptr : std::malloc(bytes);
  bool fits = memory != nullptr;
  std::free(memory);
  if (fits)
    return {};
  if (bytes < 0)
    return {LOCO_OUT_OF_MEMORY, "out of memory: more than 2^63 bytes"};
  return {LOCO_OUT_OF_MEMORY,
          fmt::format("out of memory: no room for {} bytes", bytes)};
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

namespace {
/// Goes through the elements of an array row by row.
class Walk {
public:
  explicit Walk(const LocoArray &array) : array(array) {
    int64_t pitch = 1;
    strides.resize(array.rank);
    for (int32_t axis = array.rank - 1; axis >= 0; --axis) {
      strides[axis] = array.strides ? array.strides[axis] : pitch;
      isDense &= strides[axis] == pitch || array.shape[axis] == 1;
      pitch *= array.shape[axis];
    }
    index.resize(array.rank);
  }

  /// Calls visit(position, offset) for `count` elements: the position in row
  /// order, and elements from the array's first.
  template <typename Visit>
  void run(int64_t count, Visit visit) {
    if (isDense) {
      for (int64_t i = 0; i < count; ++i)
        visit(i, i);
      return;
    }
    int64_t offset = 0;
    for (int64_t i = 0; i < count; ++i) {
      visit(i, offset);
      for (int32_t axis = array.rank - 1; axis >= 0; --axis) {
        offset += strides[axis];
        if (++index[axis] < array.shape[axis])
          break;
        offset -= strides[axis] * array.shape[axis];
        index[axis] = 0;
      }
    }
  }

private:
  const LocoArray &array;
  std::vector<int64_t> strides, index;
  bool isDense = true;
};

/// Calls body with a null pointer of the element type's C type.
template <typename Body>
void withType(LocoElementType type, Body body) {
  if (type == LOCO_F32)
    body(static_cast<float *>(nullptr));
  else if (type == LOCO_F64)
    body(static_cast<double *>(nullptr));
  else
    body(static_cast<int32_t *>(nullptr));
}
} // namespace

/// Copies all elements one way or the other; the array's may be at any address.
template <bool toArray, typename TensorType>
static void copyElements(const LocoArray &array, TensorType &tensor) {
  withType(array.type, [&](auto *outer) {
    withType(toConstant(tensor.type()), [&](auto *inner) {
      using Outer = std::remove_pointer_t<decltype(outer)>;
      using Inner = std::remove_pointer_t<decltype(inner)>;
      auto *data = static_cast<char *>(array.data);
      auto *elements = tensor.template as<Inner>();
      Walk(array).run(tensor.size(), [&](int64_t position, int64_t offset) {
        char *place = data + offset * static_cast<int64_t>(sizeof(Outer));
        Outer value;
        if constexpr (toArray) {
          value = static_cast<Outer>(elements[position]);
          std::memcpy(place, &value, sizeof(Outer));
        } else {
          std::memcpy(&value, place, sizeof(Outer));
          elements[position] = static_cast<Inner>(value);
        }
      });
    });
  });
}

void loco::readArray(const LocoArray &array, Tensor &tensor) {
  copyElements</*toArray=*/false>(array, tensor);
}

void loco::writeArray(const Tensor &tensor, const LocoArray &array) {
  copyElements</*toArray=*/true>(array, tensor);
}
