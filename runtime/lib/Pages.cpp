//===- Pages.cpp - Large pieces of memory from the system -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/Pages.h"

#include <sys/mman.h>

void *loco::mapPages(int64_t size) {
  // The system gives huge pages only where one begins.
  int64_t spare = size < hugePage ? 0 : hugePage - 4096;
  void *mapped = mmap(nullptr, size + spare, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED)
    return nullptr;
  char *from = static_cast<char *>(mapped), *begin = from;
  if (spare) {
    begin += -reinterpret_cast<uintptr_t>(from) % hugePage;
    if (begin > from)
      munmap(from, begin - from);
    if (from + spare > begin)
      munmap(begin + size, from + spare - begin);
    // What does not fill a page takes small ones, so nothing is taken in vain.
    madvise(begin, size / hugePage * hugePage, MADV_HUGEPAGE);
  }
  return begin;
}

void loco::unmapPages(void *memory, int64_t size) {
  if (memory)
    munmap(memory, size);
}
