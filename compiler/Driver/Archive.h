//===- Archive.h - Plain data as bytes and back -----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes nested plain data to bytes and reads them back in the same build of
// loco: no names, no versions, the host's byte order. A struct takes part by a
// function that lists its members, found beside the struct's namespace:
//
//   template <typename Archive>
//   void listFields(Archive &archive, Setting &setting) {
//     auto &[name, label, value] = setting;
//     archive(name, label, value);
//   }
//
// The structured binding is deliberate: a member that is added to the struct
// and not here does not compile.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_ARCHIVE_H
#define COMPILER_DRIVER_ARCHIVE_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace loco {

/// Appends data to a string.
class ArchiveWriter {
public:
  template <typename... T>
  void operator()(const T &...values) {
    (write(values), ...);
  }
  std::string take() { return std::move(bytes); }

private:
  template <typename T>
  void write(const T &value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>)
      bytes.append(reinterpret_cast<const char *>(&value), sizeof(T));
    else
      // Lists of fields serve readers, too, so they take no constants.
      listFields(*this, const_cast<T &>(value));
  }
  void write(const std::string &text) {
    write(static_cast<uint64_t>(text.size()));
    bytes += text;
  }
  template <typename T>
  void write(const std::optional<T> &value) {
    write(value.has_value());
    if (value)
      write(*value);
  }
  template <typename T>
  void write(const std::vector<T> &values) {
    writeAll(values);
  }
  template <typename T, unsigned N>
  void write(const llvm::SmallVector<T, N> &values) {
    writeAll(values);
  }
  template <typename K, typename V>
  void write(const std::map<K, V> &values) {
    write(static_cast<uint64_t>(values.size()));
    for (const auto &[key, value] : values)
      operator()(key, value);
  }
  template <typename T>
  void writeAll(const T &values) {
    write(static_cast<uint64_t>(values.size()));
    for (const auto &value : values)
      write(value);
  }

  std::string bytes;
};

/// Takes data from bytes. After the first thing that does not fit everything
/// reads as zero and empty, and `isWhole` is false.
class ArchiveReader {
public:
  explicit ArchiveReader(llvm::StringRef bytes) : bytes(bytes) {}

  template <typename... T>
  void operator()(T &...values) {
    (read(values), ...);
  }
  /// True if everything was there, and nothing is left.
  bool isWhole() const { return !failed && bytes.empty(); }

private:
  template <typename T>
  void read(T &value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      value = T();
      if (llvm::StringRef raw = take(sizeof(T)); !failed)
        std::memcpy(&value, raw.data(), sizeof(T));
    } else {
      listFields(*this, value);
    }
  }
  void read(std::string &text) { text = take(readCount()).str(); }
  template <typename T>
  void read(std::optional<T> &value) {
    bool isThere = false;
    read(isThere);
    value.reset();
    if (isThere)
      read(value.emplace());
  }
  template <typename T>
  void read(std::vector<T> &values) {
    readAll(values);
  }
  template <typename T, unsigned N>
  void read(llvm::SmallVector<T, N> &values) {
    readAll(values);
  }
  template <typename K, typename V>
  void read(std::map<K, V> &values) {
    values.clear();
    for (uint64_t left = readCount(); left > 0 && !failed; --left) {
      K key{};
      read(key);
      read(values[key]);
    }
  }
  /// Element by element: a length that is too large costs no memory.
  template <typename T>
  void readAll(T &values) {
    values.clear();
    for (uint64_t left = readCount(); left > 0 && !failed; --left)
      read(values.emplace_back());
  }
  uint64_t readCount() {
    uint64_t count = 0;
    read(count);
    return count;
  }
  llvm::StringRef take(uint64_t count) {
    failed |= count > bytes.size();
    if (failed)
      return {};
    llvm::StringRef front = bytes.take_front(count);
    bytes = bytes.drop_front(count);
    return front;
  }

  llvm::StringRef bytes;
  bool failed = false;
};

} // namespace loco

#endif // COMPILER_DRIVER_ARCHIVE_H
