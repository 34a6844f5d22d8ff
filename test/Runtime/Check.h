//===- Check.h - Checks of the run-time's test programs ---------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A test program prints every check that failed, and ends with
// `return checksFailed();`.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_TEST_RUNTIME_CHECK_H
#define LOCO_TEST_RUNTIME_CHECK_H

#include <atomic>
#include <iostream>
#include <sstream>
#include <string>

inline std::atomic<int> numFailed{0};

inline void fail(const char *file, int line, const std::string &what) {
  std::cerr << file << ":" << line << ": " << what << "\n";
  ++numFailed;
}

/// The condition holds.
#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition))                                                          \
      fail(__FILE__, __LINE__, "failed: " #condition);                         \
  } while (false)

/// Two values are equal; both are printed if not.
#define CHECK_EQUAL(found, expected)                                           \
  do {                                                                         \
    auto f = (found);                                                          \
    auto e = (expected);                                                       \
    if (!(f == e)) {                                                           \
      std::ostringstream text;                                                 \
      text << #found << " is " << f << ", expected " << e;                     \
      fail(__FILE__, __LINE__, text.str());                                    \
    }                                                                          \
  } while (false)

/// Two numbers differ by at most the tolerance.
#define CHECK_NEAR(found, expected, tolerance)                                 \
  do {                                                                         \
    double f = (found), e = (expected);                                        \
    if (!(f - e <= (tolerance) && e - f <= (tolerance))) {                     \
      std::ostringstream text;                                                 \
      text.precision(10);                                                      \
      text << #found << " is " << f << ", expected " << e << " within "        \
           << (tolerance);                                                     \
      fail(__FILE__, __LINE__, text.str());                                    \
    }                                                                          \
  } while (false)

/// An error was reported, and its message contains each of the texts.
template <typename Result, typename... Text>
void checkError(const char *file, int line, const Result &result, bool failed,
                Text... texts) {
  if (!failed)
    return fail(file, line, "no error was reported");
  for (const char *text : {texts...})
    if (result.message().find(text) == std::string::npos)
      fail(file, line,
           "message `" + result.message() + "` lacks `" + text + "`");
}

/// For an Expected: no value, and a message that contains the texts.
#define CHECK_ERROR(expected, ...)                                             \
  do {                                                                         \
    auto &&r = (expected);                                                     \
    checkError(__FILE__, __LINE__, r, !r, __VA_ARGS__);                        \
  } while (false)

/// For a Status: failure, and a message that contains the texts.
#define CHECK_FAILURE(status, ...)                                             \
  do {                                                                         \
    auto &&r = (status);                                                       \
    checkError(__FILE__, __LINE__, r, bool(r), __VA_ARGS__);                   \
  } while (false)

/// For a Status: success.
#define CHECK_SUCCESS(status)                                                  \
  do {                                                                         \
    if (auto r = (status))                                                     \
      fail(__FILE__, __LINE__, "error: " + r.message());                       \
  } while (false)

/// For an Expected that the rest of the program cannot do without.
template <typename Result>
auto require(Result result) {
  if (!result) {
    std::cerr << "error: " << result.message() << "\n";
    std::exit(1);
  }
  return std::move(*result);
}

inline int checksFailed() { return numFailed ? 1 : 0; }

#endif // LOCO_TEST_RUNTIME_CHECK_H
