//===- Expected.h - Errors of the run-time ----------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The run-time reports what goes wrong in the world (a file, a driver, a bad
// value at run time) as a message; it throws nothing across its interfaces.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_EXPECTED_H
#define LOCO_EXPECTED_H

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace loco {

/// What went wrong: lower case, no full stop, names the file or the value at
/// fault and ends with the hint, as all messages of loco do.
struct Error {
  std::string message;
};

/// Success, or an error. Tests true when something went wrong:
///
///   if (Status failed = writeFile(...))
///     return failed.error();
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Error error) : failure(std::move(error)) {}

  explicit operator bool() const { return failure.has_value(); }
  const Error &error() const { return *failure; }
  const std::string &message() const { return failure->message; }

private:
  std::optional<Error> failure;
};

/// A value, or the error that kept it from being made. Tests true when there
/// is a value, like a pointer.
template <typename T>
class [[nodiscard]] Expected {
public:
  Expected(T value) : storage(std::in_place_index<0>, std::move(value)) {}
  Expected(Error error) : storage(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return storage.index() == 0; }
  T &operator*() {
    assert(*this && "no value");
    return std::get<0>(storage);
  }
  const T &operator*() const {
    assert(*this && "no value");
    return std::get<0>(storage);
  }
  T *operator->() { return &**this; }
  const T *operator->() const { return &**this; }
  const Error &error() const { return std::get<1>(storage); }
  const std::string &message() const { return error().message; }

private:
  std::variant<T, Error> storage;
};

} // namespace loco

#endif // LOCO_EXPECTED_H
