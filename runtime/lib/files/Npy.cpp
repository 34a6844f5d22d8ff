//===- Npy.cpp - NumPy's arrays in files ----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format is that of numpy/lib/format.py: a magic string, a version, the
// length of the header, and a Python dictionary with the keys `descr`,
// `fortran_order` and `shape`, all there and no other.
//
//===----------------------------------------------------------------------===//

#include "loco/Files.h"

#include "runtime/lib/files/Bytes.h"

#include <bit>
#include <cmath>
#include <limits>

using namespace loco;
using namespace loco::files;

static_assert(std::endian::native == std::endian::little,
              "tensors are written as little-endian");

static constexpr std::string_view magic("\x93NUMPY", 6);

namespace {

struct NpyHeader {
  std::string descr;
  bool fortranOrder = false;
  Shape shape;
};

/// Reads the dictionary; every function returns false at the first character
/// that does not fit.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : text(text) {}

  bool parse(NpyHeader &header) {
    bool hasDescr = false, hasOrder = false, hasShape = false;
    if (!take('{'))
      return false;
    while (!take('}')) {
      std::string key;
      if (!string(key) || !take(':'))
        return false;
      bool fits = key == "descr" &&!hasDescr ? hasDescr = string(header.descr)
                  : key == "fortran_order" &&!hasOrder
                      ? hasOrder = boolean(header.fortranOrder)
                  : key == "shape" &&!hasShape ? hasShape = tuple(header.shape)
                                               : false;
      if (!fits)
        return false;
      if (!take(',') && peek() != '}')
        return false;
    }
    return hasDescr && hasOrder && hasShape && peek() == 0;
  }

private:
  char peek() {
    while (!text.empty() && (text[0] == ' ' || text[0] == '\n'))
      text.remove_prefix(1);
    return text.empty() ? 0 : text[0];
  }
  bool take(char expected) {
    if (peek() != expected)
      return false;
    text.remove_prefix(1);
    return true;
  }
  bool string(std::string &value) {
    char quote = peek();
    if (quote != '\'' && quote != '"')
      return false;
    size_t end = text.find(quote, 1);
    if (end == std::string_view::npos)
      return false;
    value = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    return true;
  }
  bool boolean(bool &value) {
    peek();
    value = text.starts_with("True");
    if (!value && !text.starts_with("False"))
      return false;
    text.remove_prefix(value ? 4 : 5);
    return true;
  }
  bool tuple(Shape &shape) {
    if (!take('('))
      return false;
    while (!take(')')) {
      uint64_t extent = 0;
      if (peek() < '0' || peek() > '9')
        return false;
      while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
        if (extent > std::numeric_limits<int64_t>::max() / 10 - 1)
          return false;
        extent = extent * 10 + static_cast<uint64_t>(text[0] - '0');
        text.remove_prefix(1);
      }
      shape.push_back(static_cast<int64_t>(extent));
      // NumPy's own limit is 32 axes, later 64.
      if (shape.size() > 64)
        return false;
      if (!take(',') && peek() != ')')
        return false;
    }
    return true;
  }

  std::string_view text;
};

} // namespace

/// Sets the storage that a `descr` such as "<f4" means, if it is one we read.
static bool parseStorage(const std::string &descr, NpyLayout &layout) {
  if (descr.size() != 3 || !std::strchr("<>|=", descr[0]))
    return false;
  layout.kind = descr[1];
  layout.elementBytes = static_cast<size_t>(descr[2] - '0');
  layout.isBigEndian = descr[0] == '>';
  layout.type = layout.kind != 'f'         ? ElementType::I32
                : layout.elementBytes == 8 ? ElementType::F64
                                           : ElementType::F32;
  switch (layout.kind) {
  case 'f':
    return layout.elementBytes == 2 || layout.elementBytes == 4 ||
           layout.elementBytes == 8;
  case 'i':
  case 'u':
    return layout.elementBytes == 1 || layout.elementBytes == 2 ||
           layout.elementBytes == 4 || layout.elementBytes == 8;
  case 'b':
    return layout.elementBytes == 1;
  default:
    return false;
  }
}

bool NpyLayout::isPlain() const {
  bool isAsInTensor =
      kind == 'f' ? elementBytes >= 4 : kind == 'i' && elementBytes == 4;
  return isAsInTensor && !isBigEndian && !isColumnsFirst;
}

/// The unsigned number in an element's bytes.
static uint64_t loadBits(const char *bytes, const NpyLayout &layout) {
  switch (layout.elementBytes) {
  case 1:
    return static_cast<unsigned char>(*bytes);
  case 2:
    return readUnsigned<uint16_t>(bytes, layout.isBigEndian);
  case 4:
    return readUnsigned<uint32_t>(bytes, layout.isBigEndian);
  default:
    return readUnsigned<uint64_t>(bytes, layout.isBigEndian);
  }
}

/// The number in the bits of a float16 of IEEE 754, which every f32 can hold.
static float widenHalf(uint16_t half) {
  int exponent = half >> 10 & 31;
  float fraction = static_cast<float>(half & 1023);
  float size = exponent == 31  ? (fraction == 0 ? HUGE_VALF : NAN)
               : exponent == 0 ? std::ldexp(fraction, -24)
                               : std::ldexp(1024 + fraction, exponent - 25);
  return half >> 15 ? -size : size;
}

/// Stores one element; false if it is an integer that I32 cannot hold.
static bool convertElement(const char *bytes, const NpyLayout &layout,
                           void *out, int64_t position) {
  uint64_t bits = loadBits(bytes, layout);
  if (layout.kind == 'f') {
    if (layout.elementBytes == 2)
      static_cast<float *>(out)[position] =
          widenHalf(static_cast<uint16_t>(bits));
    else if (layout.elementBytes == 4)
      static_cast<float *>(out)[position] =
          std::bit_cast<float>(static_cast<uint32_t>(bits));
    else
      static_cast<double *>(out)[position] = std::bit_cast<double>(bits);
    return true;
  }
  if (layout.kind == 'i') {
    unsigned unused = 64 - 8 * static_cast<unsigned>(layout.elementBytes);
    bits =
        static_cast<uint64_t>(static_cast<int64_t>(bits << unused) >> unused);
  }
  int64_t value = static_cast<int64_t>(bits);
  if (value > INT32_MAX || value < INT32_MIN ||
      (layout.kind != 'i' && value < 0))
    return false;
  static_cast<int32_t *>(out)[position] = static_cast<int32_t>(value);
  return true;
}

bool loco::files::convertNpy(const NpyLayout &layout, const char *bytes,
                             int64_t count, void *out) {
  for (int64_t i = 0; i < count; ++i)
    if (!convertElement(bytes + i * static_cast<int64_t>(layout.elementBytes),
                        layout, out, i))
      return false;
  return true;
}

/// Fills the tensor from elements stored columns first, by walking a row-major
/// position along with them.
static bool convertColumns(const char *bytes, const NpyLayout &layout,
                           Tensor &tensor) {
  const Shape &shape = tensor.shape();
  int64_t count = tensor.size();
  Shape index(shape.size(), 0), stride(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;)
    stride[axis - 1] = stride[axis] * shape[axis];
  int64_t position = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (!convertElement(bytes + i * static_cast<int64_t>(layout.elementBytes),
                        layout, tensor.data(), position))
      return false;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      position += stride[axis];
      if (++index[axis] < shape[axis])
        break;
      position -= shape[axis] * stride[axis];
      index[axis] = 0;
    }
  }
  return true;
}

/// Finds the text of an .npy file's header.
static Status findHeader(std::string_view bytes, const std::string &place,
                         std::string_view &header) {
  if (bytes.substr(0, magic.size()) != magic)
    return Error{place + " is not an .npy array: it does not begin with "
                         "NumPy's magic string"};
  Error truncated{place + " is truncated: it ends inside its header"};
  if (bytes.size() < 10)
    return truncated;
  int version = static_cast<unsigned char>(bytes[6]);
  if (version < 1 || version > 3)
    return Error{place + " has version " + std::to_string(version) +
                 " of the .npy format, expected 1, 2 or 3"};
  size_t prefix = version == 1 ? 10 : 12;
  if (bytes.size() < prefix)
    return truncated;
  size_t length = version == 1 ? readUnsigned<uint16_t>(&bytes[8], false)
                               : readUnsigned<uint32_t>(&bytes[8], false);
  if (bytes.size() - prefix < length)
    return truncated;
  header = bytes.substr(prefix, length);
  return {};
}

Expected<NpyLayout>
loco::files::parseNpyLayout(std::string_view bytes, uint64_t size,
                            const std::string &place) {
  std::string_view text;
  if (Status failed = findHeader(bytes, place, text))
    return failed.error();
  NpyHeader header;
  if (!HeaderParser(text).parse(header))
    return Error{place + " has a header that cannot be read: " +
                 ticked(std::string(text.substr(0, 100)))};
  NpyLayout layout;
  if (!parseStorage(header.descr, layout))
    return Error{place + " has elements of type " + ticked(header.descr) +
                 ", expected f2, f4, f8, an integer or bool"};
  layout.shape = header.shape;
  layout.isColumnsFirst = header.fortranOrder;
  layout.begin =
      static_cast<uint64_t>(text.data() - bytes.data()) + text.size();
  uint64_t rest = size - layout.begin;
  std::optional<uint64_t> expected =
      bytesOfShape(header.shape, layout.elementBytes);
  if (!expected || *expected != rest)
    return Error{place + " has " + std::to_string(rest) +
                 " bytes of data, but its header says " +
                 (expected ? std::to_string(*expected) : "more than fits") +
                 " (" + describe(header.shape) + " of " + ticked(header.descr) +
                 ")"};
  return layout;
}

Expected<Tensor> loco::files::parseNpy(std::string_view bytes,
                                       const std::string &place) {
  Expected<NpyLayout> layout = parseNpyLayout(bytes, bytes.size(), place);
  if (!layout)
    return layout.error();
  Tensor tensor(layout->type, layout->shape);
  const char *data = bytes.data() + layout->begin;
  bool isRight = true;
  if (layout->isPlain())
    std::memcpy(tensor.data(), data, tensor.bytes());
  else if (layout->isColumnsFirst)
    isRight = convertColumns(data, *layout, tensor);
  else
    isRight = convertNpy(*layout, data, tensor.size(), tensor.data());
  if (!isRight)
    return Error{place + " holds an integer beyond 32 bits"};
  return tensor;
}

std::string loco::files::npyHeader(const Tensor &tensor) {
  const char *descr = tensor.type() == ElementType::F32   ? "<f4"
                      : tensor.type() == ElementType::F64 ? "<f8"
                                                          : "<i4";
  std::string text = std::string("{'descr': '") + descr +
                     "', 'fortran_order': False, 'shape': (";
  for (int64_t extent : tensor.shape())
    text += std::to_string(extent) + ", ";
  // NumPy writes (3,) and (3, 4).
  if (!tensor.shape().empty())
    text.resize(text.size() - (tensor.shape().size() > 1 ? 2 : 1));
  text += "), }";
  // The data begin at a multiple of 64.
  text.append(63 - (10 + text.size()) % 64, ' ');
  text += '\n';
  std::string header(magic);
  header += {1, 0, static_cast<char>(text.size() & 0xff),
             static_cast<char>(text.size() >> 8)};
  return header + text;
}

Expected<Tensor> loco::readNpy(const std::string &path) {
  Expected<std::string> bytes = readFile(path);
  if (!bytes)
    return bytes.error();
  return parseNpy(*bytes, ticked(path));
}

Status loco::writeNpy(const std::string &path, const Tensor &tensor) {
  return writeFileAtomically(path, {npyHeader(tensor), bytesOf(tensor)});
}
