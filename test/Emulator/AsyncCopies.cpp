//===- AsyncCopies.cpp - Copies that arrive when they are waited for ------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On a device an asynchronous copy arrives at any time between its start and
// the wait for it. Here it arrives at the wait: whoever reads before finds what
// was there earlier, and is told so.
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/Fibers.h"

#include <cstring>

using namespace loco::emulation;

void Machine::copy(uint64_t to, uint64_t from, int32_t bytes) {
  if (to % bytes || from % bytes) {
    fail("copies " + std::to_string(bytes) +
         " bytes from or to an address that is no multiple of that");
    return wait();
  }
  access(from, bytes, false, 1);
  access(to, bytes, true, 3);
  if (!error.empty())
    return;
  AsyncCopies &own = copies[current];
  own.pending.push_back({to, from, bytes, own.groups});
  if (Region *region = find(to, bytes); region->isWatched)
    for (int32_t i = 0; i < bytes; ++i)
      region->states[to - reinterpret_cast<uint64_t>(region->begin) + i]
          .isPending = true;
}

void Machine::waitForCopies(int64_t pending) {
  AsyncCopies &own = copies[current];
  std::vector<AsyncCopies::Copy> later;
  for (const AsyncCopies::Copy &copy : own.pending) {
    if (copy.group >= own.groups - pending) {
      later.push_back(copy);
      continue;
    }
    std::memcpy(reinterpret_cast<void *>(copy.to),
                reinterpret_cast<const void *>(copy.from),
                static_cast<size_t>(copy.bytes));
    Region *region = find(copy.to, copy.bytes);
    if (!region->isWatched)
      continue;
    for (int32_t i = 0; i < copy.bytes; ++i) {
      ByteState &state =
          region
              ->states[copy.to - reinterpret_cast<uint64_t>(region->begin) + i];
      state.isPending = false;
      state.writeTime = time;
      state.writer = static_cast<int32_t>(current);
    }
  }
  own.pending = std::move(later);
}
