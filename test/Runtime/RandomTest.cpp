//===- RandomTest.cpp - Random numbers ------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Philox against Random123's known answers; the functions under the normals
// against libm in double precision, for every input there is; the laws of the
// draws; the packing that random.h documents.
//
//===----------------------------------------------------------------------===//

// RUN: loco-test-random

#include "loco-c/random.h"

#include "runtime/lib/BoxMuller.h"
#include "runtime/lib/RandomSites.h"
#include "test/Runtime/Check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <vector>

/// tests/kat_vectors of Random123: counter, key, words.
static void checkKnownAnswers() {
  const uint32_t answers[][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
       0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0,
       0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
  for (const auto &row : answers) {
    uint32_t words[4];
    locoRandomPhilox(row, row + 4, words);
    for (int i = 0; i < 4; ++i)
      CHECK_EQUAL(words[i], row[6 + i]);
  }
}

/// Words are packed as random.h says, whole and broken groups of blocks alike.
static void checkPacking() {
  LocoRandomKey key = {0x0123456789abcdef, 0xfedcba9876543210,
                       0x1111111122222222};
  uint64_t sample = 0x3333333344444444;
  uint32_t step = 77;
  std::vector<uint32_t> words(1003);
  locoRandomWords(&key, sample, step, words.size(), words.data());
  uint32_t innerCounter[4] = {0x76543210, 0xfedcba98, 0x11111111, 0x33333333};
  uint32_t innerKey[2] = {0x89abcdef, 0x01234567}, inner[4];
  locoRandomPhilox(innerCounter, innerKey, inner);
  for (uint32_t site = 0; site < words.size(); ++site) {
    uint32_t counter[4] = {site / 4, 77, 0x44444444, 0x22222222}, block[4];
    locoRandomPhilox(counter, inner, block);
    CHECK_EQUAL(words[site], block[site % 4]);
  }
}

/// A shorter draw is a prefix of a longer one, uniforms and normals are made
/// from the words, and the wide variants hold the same values.
static void checkPrefixesAndTypes() {
  LocoRandomKey key = {1, 2, 3};
  std::vector<uint32_t> words(1000);
  std::vector<float> uniform(1000), normal(1000), part(1000);
  std::vector<double> wide(1000);
  locoRandomWords(&key, 5, 6, 1000, words.data());
  locoRandomUniform(&key, 5, 6, 1000, uniform.data());
  locoRandomNormal(&key, 5, 6, 1000, normal.data());
  for (int i = 0; i < 1000; ++i)
    CHECK_EQUAL(uniform[i], float(words[i] >> 8) / 16777216.0f);
  for (int i = 0; i < 1000; i += 2) {
    double r = std::sqrt(-2 * std::log(((words[i] >> 8) + 1) * 0x1p-24));
    double angle = 2 * M_PI * (words[i + 1] >> 8) * 0x1p-24;
    CHECK_NEAR(normal[i], r * std::cos(angle), 1e-6);
    CHECK_NEAR(normal[i + 1], r * std::sin(angle), 1e-6);
  }
  for (int count = 0; count < 300; ++count) {
    std::fill(part.begin(), part.end(), -99.0f);
    locoRandomNormal(&key, 5, 6, count, part.data());
    CHECK(std::equal(part.begin(), part.begin() + count, normal.begin()));
    CHECK_EQUAL(part[count], -99.0f);
  }
  locoRandomNormalF64(&key, 5, 6, 1000, wide.data());
  CHECK(std::equal(wide.begin(), wide.end(), normal.begin()));
  locoRandomUniformF64(&key, 5, 6, 1000, wide.data());
  CHECK(std::equal(wide.begin(), wide.end(), uniform.begin()));
}

/// Parts of a field are what the whole field holds there.
static void checkParts() {
  LocoRandomKey key = {4, 5, 6};
  std::vector<double> whole(1000), part(1000);
  for (bool isNormal : {false, true}) {
    (isNormal ? locoRandomNormalF64 : locoRandomUniformF64)(
        &key, 7, 8, whole.size(), whole.data());
    for (int64_t first : {0, 4, 128, 132, 512, 996})
      for (int64_t count : {1, 3, 4, 127, 128, 300}) {
        count = std::min<int64_t>(count, 1000 - first);
        loco::random::drawSites(key, isNormal, 7, 8, first, count, part.data());
        CHECK(std::equal(part.begin(), part.begin() + count,
                         whole.begin() + first));
      }
  }
}

/// Every part of the address changes the draws, high words too.
static void checkIndependence() {
  std::set<uint64_t> seen;
  auto add = [&](LocoRandomKey key, uint64_t sample, uint32_t step) {
    uint32_t words[2];
    locoRandomWords(&key, sample, step, 2, words);
    CHECK(seen.insert(uint64_t(words[0]) << 32 | words[1]).second);
  };
  add({0, 0, 0}, 0, 0);
  for (int bit = 0; bit < 64; ++bit) {
    uint64_t one = uint64_t(1) << bit;
    add({one, 0, 0}, 0, 0);
    add({0, one, 0}, 0, 0);
    add({0, 0, one}, 0, 0);
    add({0, 0, 0}, one, 0);
    if (bit < 32)
      add({0, 0, 0}, 0, uint32_t(one));
  }
}

/// Logarithm, sine and cosine for all 2^24 inputs.
static void checkFunctions() {
  double logError = 0, turnError = 0;
  for (int32_t n = 1; n <= 1 << 24; ++n) {
    double exact = std::log(n * 0x1p-24);
    double found = loco::random::logOfCount(n);
    logError = std::max(logError, std::abs(found - exact) /
                                      std::max(std::abs(exact), 0x1p-24));
    loco::random::SinCos turn = loco::random::sinCosOfTurn(n - 1);
    double angle = 2 * M_PI * (n - 1) * 0x1p-24;
    turnError = std::max(turnError, std::abs(turn.sin - std::sin(angle)));
    turnError = std::max(turnError, std::abs(turn.cos - std::cos(angle)));
  }
  // Found: 8.1e-8 and 7.4e-8.
  CHECK_NEAR(logError, 0, 1e-7);
  CHECK_NEAR(turnError, 0, 1e-7);
  std::cout << "log: relative error " << logError << ", sin and cos: error "
            << turnError << "\n";
}

/// The largest distance of the sorted draws from a law (Kolmogorov-Smirnov).
template <typename Law>
static double distanceFromLaw(std::vector<float> draws, Law law) {
  std::sort(draws.begin(), draws.end());
  double distance = 0, n = draws.size();
  for (size_t i = 0; i < draws.size(); ++i) {
    double expected = law(draws[i]);
    distance = std::max({distance, std::abs(i / n - expected),
                         std::abs((i + 1) / n - expected)});
  }
  return distance;
}

static void checkLaws() {
  LocoRandomKey key = {42, locoRandomStream("laws"), 0};
  const int64_t n = 1000000;
  std::vector<float> draws(n);
  locoRandomNormal(&key, 0, 0, n, draws.data());
  double moment[5] = {};
  for (float value : draws)
    for (int power = 1; power <= 4; ++power)
      moment[power] += std::pow(double(value), power) / n;
  // Five standard errors of each moment: sqrt(var(x^k) / n).
  CHECK_NEAR(moment[1], 0, 5 * std::sqrt(1.0 / n));
  CHECK_NEAR(moment[2], 1, 5 * std::sqrt(2.0 / n));
  CHECK_NEAR(moment[3], 0, 5 * std::sqrt(15.0 / n));
  CHECK_NEAR(moment[4], 3, 5 * std::sqrt(96.0 / n));
  // The distance exceeds 1.95 / sqrt(n) once in a thousand seeds.
  auto normalLaw = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2)); };
  CHECK_NEAR(distanceFromLaw(draws, normalLaw), 0, 1.95 / std::sqrt(n));
  double product = 0;
  for (int64_t i = 0; i + 1 < n; ++i)
    product += double(draws[i]) * draws[i + 1] / n;
  CHECK_NEAR(product, 0, 5 / std::sqrt(n));

  locoRandomUniform(&key, 1, 0, n, draws.data());
  CHECK(*std::min_element(draws.begin(), draws.end()) >= 0.0f);
  CHECK(*std::max_element(draws.begin(), draws.end()) < 1.0f);
  CHECK_NEAR(distanceFromLaw(draws, [](double x) { return x; }), 0,
             1.95 / std::sqrt(n));
}

/// The bits themselves: this hash may not change between targets, builds or
/// versions. Made once by NumPy, operation by operation in float32, from the
/// text of random.h and BoxMuller.h.
static void checkBits() {
  LocoRandomKey key = {7, locoRandomStream("bits"), 9};
  std::vector<float> draws(100000);
  locoRandomNormal(&key, 11, 13, draws.size(), draws.data());
  uint64_t hash = 0xcbf29ce484222325;
  for (float value : draws) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    hash = (hash ^ bits) * 0x100000001b3;
  }
  CHECK_EQUAL(hash, 0x6fd034c7b3563adu);
}

int main() {
  checkKnownAnswers();
  checkPacking();
  checkPrefixesAndTypes();
  checkParts();
  checkIndependence();
  checkFunctions();
  checkLaws();
  checkBits();
  CHECK_EQUAL(locoRandomStream(""), 0xcbf29ce484222325u);
  // FNV's published value for "foobar".
  CHECK_EQUAL(locoRandomStream("foobar"), 0x85944171f73967e8u);
  return checksFailed();
}
