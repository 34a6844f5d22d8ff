//===- Pages.h - Large pieces of memory from the system ---------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef RUNTIME_LIB_PAGES_H
#define RUNTIME_LIB_PAGES_H

#include <cstdint>

namespace loco {

/// Bytes of a page that saves five hundred faults where memory is first
/// touched.
inline constexpr int64_t hugePage = int64_t(2) << 20;

/// `size` bytes, a whole number of pages of 4096: all zero, taken page by page
/// when they are first touched, by whoever does; from one huge page's size on
/// in huge pages, where the system has them. Null if there is no room.
void *mapPages(int64_t size);

/// Gives them back; null is nothing.
void unmapPages(void *memory, int64_t size);

} // namespace loco

#endif // RUNTIME_LIB_PAGES_H
