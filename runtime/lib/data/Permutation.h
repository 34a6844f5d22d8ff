//===- Permutation.h - A random order -----------------------------*- C++
//-*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_DATA_PERMUTATION_H
#define LOCO_RUNTIME_DATA_PERMUTATION_H

#include "loco-c/random.h"

#include <cstdint>
#include <numeric>
#include <vector>

namespace loco::data {

/// The numbers 0 to count - 1 in an order that is a function of the key alone:
/// Fisher and Yates' shuffle with 64 bits for each exchange.
inline std::vector<int64_t> makePermutation(const LocoRandomKey &key,
                                            int64_t count) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t(0));
  std::vector<uint32_t> words(2 * order.size());
  locoRandomWords(&key, 0, 0, static_cast<int64_t>(words.size()), words.data());
  for (size_t i = order.size(); i-- > 1;) {
    uint64_t bits =
        static_cast<uint64_t>(words[2 * i]) << 32 | words[2 * i + 1];
    size_t other = static_cast<size_t>(
        static_cast<unsigned __int128>(bits) * (i + 1) >> 64);
    std::swap(order[i], order[other]);
  }
  return order;
}

} // namespace loco::data

#endif // LOCO_RUNTIME_DATA_PERMUTATION_H
