//===- Shuffle.h - Seeded exchanges of sites --------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random permutations for the null distributions of the analyses. The standard
// fixes the numbers of std::mt19937_64 but not how std::shuffle uses them, so
// the exchange is written out: one seed, one result, everywhere.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_ANALYSIS_SHUFFLE_H
#define LOCO_ANALYSIS_SHUFFLE_H

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace loco {

/// A number from 0 to bound - 1, all equally likely.
inline uint64_t drawBelow(uint64_t bound, std::mt19937_64 &random) {
  // Numbers under 2^64 mod bound would favour small results.
  uint64_t reject = -bound % bound;
  uint64_t number;
  do
    number = random();
  while (number < reject);
  return number % bound;
}

/// Fisher and Yates' shuffle.
template <typename T>
void shuffle(std::vector<T> &values, std::mt19937_64 &random) {
  for (size_t left = values.size(); left > 1; --left)
    std::swap(values[left - 1], values[drawBelow(left, random)]);
}

} // namespace loco

#endif // LOCO_ANALYSIS_SHUFFLE_H
