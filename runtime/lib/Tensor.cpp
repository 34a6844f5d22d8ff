//===- Tensor.cpp - Arrays of the run-time --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Tensor.h"

#include "runtime/lib/Convert.h"
#include "runtime/lib/Pages.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>

using namespace loco;

/// A cache line, and the widest vector register.
static constexpr size_t alignment = 64;

std::string loco::describe(const Shape &shape) {
  if (shape.empty())
    return "scalar";
  std::string text = std::to_string(shape.front());
  for (size_t axis = 1; axis < shape.size(); ++axis)
    text += " x " + std::to_string(shape[axis]);
  return text;
}

/// Large arrays are pages of their own. Nobody writes zeros there: the system
/// does so where a page is first touched, which is where it is filled, by as many
/// threads as fill it.
static constexpr size_t fromPages = size_t(8) << 20;

/// Bytes of an array's memory: a whole number of cache lines and at least one,
/// so that a vector load of the last elements stays inside; or of pages.
static size_t roundedUp(size_t bytes) {
  if (bytes > std::numeric_limits<size_t>::max() - hugePage)
    throw std::bad_alloc();
  size_t lines = (bytes / alignment + 1) * alignment;
  return lines < fromPages ? lines : (lines + 4095) / 4096 * 4096;
}

/// Zeroed but for the first `filled` bytes: who copies something there need not
/// write them twice.
Tensor::Storage Tensor::allocate(size_t bytes, size_t filled) {
  size_t rounded = roundedUp(bytes);
  if (rounded >= fromPages) {
    if (void *pages = mapPages(static_cast<int64_t>(rounded)))
      return Storage(pages, {rounded});
    throw std::bad_alloc();
  }
  void *memory = nullptr;
  if (posix_memalign(&memory, alignment, rounded))
    throw std::bad_alloc();
  std::memset(static_cast<char *>(memory) + filled, 0, rounded - filled);
  return Storage(memory, {});
}

Tensor::Tensor(ElementType type, Shape shape)
    : elementType(type), extents(std::move(shape)), storage(allocate(bytes())) {
}

Tensor::Tensor(const Tensor &other)
    : elementType(other.elementType), extents(other.extents),
      storage(allocate(other.bytes(), other.bytes())) {
  std::memcpy(data(), other.data(), bytes());
}

Tensor &Tensor::operator=(const Tensor &other) {
  if (this == &other)
    return *this;
  // Memory of the same size is used again: a reply that is filled at every
  // update must not allocate.
  if (!storage || bytes() != other.bytes())
    storage = allocate(other.bytes(), other.bytes());
  elementType = other.elementType;
  extents = other.extents;
  std::memcpy(data(), other.data(), bytes());
  return *this;
}

void Tensor::Free::operator()(void *memory) const {
  mapped ? unmapPages(memory, static_cast<int64_t>(mapped)) : std::free(memory);
}

double Tensor::at(int64_t position) const {
  assert(position >= 0 && position < size() && "position outside the tensor");
  switch (elementType) {
  case ElementType::F32:
    return as<float>()[position];
  case ElementType::F64:
    return as<double>()[position];
  case ElementType::I32:
    return as<int32_t>()[position];
  }
  return 0;
}

void Tensor::set(int64_t position, double value) {
  assert(position >= 0 && position < size() && "position outside the tensor");
  switch (elementType) {
  case ElementType::F32:
    as<float>()[position] = static_cast<float>(value);
    return;
  case ElementType::F64:
    as<double>()[position] = value;
    return;
  case ElementType::I32:
    as<int32_t>()[position] = static_cast<int32_t>(value);
    return;
  }
}

/// Element by element, in one loop per pair of types.
template <typename From, typename To>
static void convert(const From *from, To *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    to[i] = static_cast<To>(from[i]);
}

template <typename From>
static void convertFrom(const From *from, ElementType type, void *to,
                        int64_t count) {
  switch (type) {
  case ElementType::F32:
    return convert(from, static_cast<float *>(to), count);
  case ElementType::F64:
    return convert(from, static_cast<double *>(to), count);
  case ElementType::I32:
    return convert(from, static_cast<int32_t *>(to), count);
  }
}

void loco::convertElements(ElementType fromType, const void *from,
                           ElementType toType, void *to, int64_t count) {
  switch (fromType) {
  case ElementType::F32:
    return convertFrom(static_cast<const float *>(from), toType, to, count);
  case ElementType::F64:
    return convertFrom(static_cast<const double *>(from), toType, to, count);
  case ElementType::I32:
    return convertFrom(static_cast<const int32_t *>(from), toType, to, count);
  }
}

Tensor Tensor::convertedTo(ElementType type) const {
  if (type == elementType)
    return *this;
  Tensor result(type, extents);
  convertElements(elementType, data(), type, result.data(), size());
  return result;
}
