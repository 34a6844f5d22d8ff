//===- AnalysisSelectivityTest.cpp - Cohen's d and order of maps ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Effect sizes against NumPy, maps against counts made by hand, shuffled maps
// against their expectation, and every degenerate case.
//
//===----------------------------------------------------------------------===//

// RUN: loco-test-analysis-selectivity

#include "loco/Selectivity.h"

#include "test/Runtime/Check.h"

#include <cmath>
#include <limits>

using namespace loco;

static Tensor wholeNumbers(Shape shape, const std::vector<int32_t> &values) {
  Tensor tensor(ElementType::I32, std::move(shape));
  for (size_t at = 0; at < values.size(); ++at)
    tensor.as<int32_t>()[at] = values[at];
  return tensor;
}

static Tensor numbers(Shape shape, const std::vector<double> &values) {
  Tensor tensor(ElementType::F64, std::move(shape));
  for (size_t at = 0; at < values.size(); ++at)
    tensor.as<double>()[at] = values[at];
  return tensor;
}

static void checkAgainstNumpy() {
  // r = sin(0.7 s + 1.3 i) + 0.5 cos(s i); for each class a = r[lab == c],
  // b = r[lab != c], d = (a.mean(0) - b.mean(0))
  //                      / sqrt((a.var(0, ddof=1) + b.var(0, ddof=1)) / 2)
  const double expected[3][4] = {{0.5108918673907689, 0.08502564542281221,
                                  0.47380365587113693, -0.5493379094669522},
                                 {-0.15299396204957497, -0.1501840955859064,
                                  -0.7256533833493888, 0.04325985787842653},
                                 {-0.2701956948332166, 0.09672820085995018,
                                  0.24323527687842258, 0.5581766503203572}};
  Tensor labels =
      wholeNumbers({15}, {0, 1, 2, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 1, 1});
  Tensor responses(ElementType::F64, {15, 2, 2});
  for (int s = 0; s < 15; ++s)
    for (int i = 0; i < 4; ++i)
      responses.as<double>()[s * 4 + i] =
          std::sin(0.7 * s + 1.3 * i) + 0.5 * std::cos(s * i);

  Selectivity found = require(selectivity(responses, labels, 3, 0.3));
  CHECK(found.effect.shape() == (Shape{3, 2, 2}));
  CHECK(found.map.shape() == (Shape{2, 2}));
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < 4; ++i)
      CHECK_NEAR(found.effect.at(c * 4 + i), expected[c][i], 1e-12);
  const int best[] = {0, 2, 0, 2}, map[] = {0, -1, 0, 2};
  for (int i = 0; i < 4; ++i) {
    CHECK_EQUAL(found.best.as<int32_t>()[i], best[i]);
    CHECK_EQUAL(found.map.as<int32_t>()[i], map[i]);
  }
  CHECK_EQUAL(found.notFinite, 0);
}

/// d is strictly compared with the threshold, and does not change when a large
/// constant is added to all responses.
static void checkThresholdAndOffset() {
  Tensor labels = wholeNumbers({6}, {0, 0, 0, 1, 1, 1});
  // Means 3 and 1, both variances 1: d is exactly 2.
  for (double offset : {0.0, 1e9}) {
    Tensor responses = numbers({6, 1}, {offset + 2, offset + 3, offset + 4,
                                        offset, offset + 1, offset + 2});
    Selectivity at = require(selectivity(responses, labels, 2, 2));
    CHECK_EQUAL(at.effect.at(0), 2);
    CHECK_EQUAL(at.effect.at(1), -2);
    CHECK_EQUAL(at.map.as<int32_t>()[0], -1);
    CHECK_EQUAL(at.best.as<int32_t>()[0], 0);
    Selectivity below = require(selectivity(responses, labels, 2, 1.999));
    CHECK_EQUAL(below.map.as<int32_t>()[0], 0);
  }
}

static void checkDegenerateResponses() {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  // Sites: constant over all; constant within each class; NaN; infinite. 0.1 is
  // no binary fraction, so careless sums would leave a variance.
  std::vector<double> values;
  std::vector<int32_t> classes;
  for (int sample = 0; sample < 9; ++sample) {
    int label = sample % 3;
    classes.push_back(label);
    values.insert(values.end(),
                  {0.1, label == 1 ? 0.3 : 0.1, sample == 4 ? nan : 1.0,
                   sample == 5 ? infinity : 1.0});
  }
  Selectivity found = require(
      selectivity(numbers({9, 4}, values), wholeNumbers({9}, classes), 3));
  CHECK_EQUAL(found.effect.at(0), 0);
  CHECK_EQUAL(found.map.as<int32_t>()[0], -1);
  CHECK_EQUAL(found.effect.at(1 * 4 + 1), infinity);
  CHECK_EQUAL(found.map.as<int32_t>()[1], 1);
  CHECK_EQUAL(found.notFinite, 2);
  for (int site : {2, 3}) {
    CHECK(std::isnan(found.effect.at(site)));
    CHECK_EQUAL(found.best.as<int32_t>()[site], -1);
    CHECK_EQUAL(found.map.as<int32_t>()[site], -1);
  }
}

/// A class with one sample, and one with none, have no d of their own.
static void checkSmallClasses() {
  Selectivity found = require(selectivity(
      numbers({5, 1}, {5, 6, 1, 2, 9}), wholeNumbers({5}, {0, 0, 1, 1, 3}), 4));
  CHECK(std::isfinite(found.effect.at(0)));
  CHECK(std::isfinite(found.effect.at(1)));
  CHECK(std::isnan(found.effect.at(2)));
  CHECK(std::isnan(found.effect.at(3)));
}

static void checkSelectivityErrors() {
  Tensor responses = numbers({3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK_ERROR(selectivity(responses, wholeNumbers({3}, {0, 4, 1}), 4),
              "sample 1 has class 4, expected 0 to 3");
  CHECK_ERROR(selectivity(responses, wholeNumbers({3}, {0, -1, 1}), 4),
              "sample 1 has class -1");
  CHECK_ERROR(selectivity(responses, wholeNumbers({3}, {2, 2, 2}), 4),
              "fewer than two classes occur among 3 samples");
  CHECK_ERROR(selectivity(responses, wholeNumbers({2}, {0, 1}), 4),
              "labels of shape 2 do not fit responses of shape 3 x 2");
  CHECK_ERROR(selectivity(responses, numbers({3}, {0, 1, 0}), 4),
              "expected one whole number");
  CHECK_ERROR(
      selectivity(numbers({3}, {1, 2, 3}), wholeNumbers({3}, {0, 1, 0}), 2),
      "have no sites");
}

static void checkMapByHand() {
  // clang-format off
  Tensor map = wholeNumbers({4, 4}, {0, 0, 1, 1,
                                     0, 0, 1, 0,
                                     2, 2, -1, -1,
                                     2, 3, -1, 0});
  // clang-format on
  // Pairs of selective neighbours. Along rows, the last of each closing the
  // ring: 00 01 11 10, 00 01 10 00, 22, 23 02. Down columns: 00 02 22 20, 00 02
  // 23 30, 11, 10 01. So 4 + 4 + 1 + 2 and 4 + 4 + 1 + 2, of which equal
  // 2 + 2 + 1 + 0 and 2 + 1 + 1 + 0.
  MapStatistics torus = require(mapStatistics(map, SiteGrid::torus({4, 4}), 4));
  CHECK_EQUAL(torus.selectivePairs, 22);
  CHECK_NEAR(torus.equalNeighbours, 9.0 / 22, 1e-15);
  CHECK_NEAR(torus.selectiveShare, 13.0 / 16, 1e-15);
  // One apart, 3 and 0 included: 01 10, 01 10, -, 23; -, 23 30, -, 10 01.
  CHECK_NEAR(torus.adjacentNeighbours, 9.0 / 22, 1e-15);
  // The square of 0 holds the site at the end of its second row, by the wrap.
  CHECK_EQUAL(torus.domains, 5);
  CHECK_EQUAL(torus.largeDomains, 0);
  CHECK(torus.sitesPerClass == (std::vector<int64_t>{6, 3, 3, 1}));

  MapStatistics sheet = require(mapStatistics(map, SiteGrid::open({4, 4}), 4));
  CHECK_EQUAL(sheet.domains, 6);
  // Without the wraps 10, 00, 02 in rows and 20, 30, 01 in columns.
  CHECK_EQUAL(sheet.selectivePairs, 16);
  CHECK_NEAR(sheet.equalNeighbours, 8.0 / 16, 1e-15);

  MapStatistics rings = require(mapStatistics(map, SiteGrid::rings(4, 4), 4));
  CHECK_EQUAL(rings.selectivePairs, 11);
  CHECK_NEAR(rings.equalNeighbours, 5.0 / 11, 1e-15);
  // 00, 11; 00 with the end, 1; 22; 2, 3, 0.
  CHECK_EQUAL(rings.domains, 8);
}

static void checkShuffledExpectation() {
  // Stripes of eight classes, five sites wide: after shuffling n = 1600 sites,
  // 200 of each class, a pair is equal with chance 199 / 1599.
  Tensor map(ElementType::I32, {40, 40});
  for (int at = 0; at < 1600; ++at)
    map.as<int32_t>()[at] = at % 40 / 5;
  SiteGrid grid = SiteGrid::torus({40, 40});
  MapStatistics stripes = require(mapStatistics(map, grid, 8, {200, 3}));
  CHECK_NEAR(stripes.equalNeighbours, 0.9, 1e-15);
  CHECK_NEAR(stripes.adjacentNeighbours, 0.1, 1e-15);
  CHECK_EQUAL(stripes.domains, 8);
  CHECK_EQUAL(stripes.largeDomains, 8);
  // One shuffle of 3200 pairs scatters by 0.006, the mean of 200 by 0.0004.
  CHECK_NEAR(stripes.equalNeighboursShuffled, 199.0 / 1599, 0.002);

  MapStatistics again = require(mapStatistics(map, grid, 8, {200, 3}));
  MapStatistics other = require(mapStatistics(map, grid, 8, {200, 4}));
  CHECK_EQUAL(again.equalNeighboursShuffled, stripes.equalNeighboursShuffled);
  CHECK(other.equalNeighboursShuffled != stripes.equalNeighboursShuffled);
}

static void checkDegenerateMaps() {
  Tensor none = wholeNumbers({5}, {-1, -1, -1, -1, -1});
  MapStatistics empty = require(mapStatistics(none, SiteGrid::torus({5}), 3));
  CHECK_EQUAL(empty.selectiveShare, 0);
  CHECK_EQUAL(empty.domains, 0);
  CHECK(std::isnan(empty.equalNeighbours));
  CHECK(std::isnan(empty.equalNeighboursShuffled));
  std::vector<std::string> text = describe(empty);
  CHECK_EQUAL(text[0], "0.0 % selective, 0 domains (0 of ≥ 10 sites)");
  CHECK_EQUAL(text[1], "equal neighbours –, shuffled –");

  // Rings of two sites have one pair, rings of one site none.
  Tensor two = wholeNumbers({2}, {1, 1});
  CHECK_EQUAL(
      require(mapStatistics(two, SiteGrid::torus({2}), 2)).selectivePairs, 1);
  Tensor one = wholeNumbers({1}, {0});
  MapStatistics lone = require(mapStatistics(one, SiteGrid::torus({1}), 2));
  CHECK_EQUAL(lone.selectivePairs, 0);
  CHECK_EQUAL(lone.domains, 1);

  CHECK_ERROR(mapStatistics(two, SiteGrid::torus({3}), 2),
              "a map of shape 2 does not fit the lattice 3");
  CHECK_ERROR(mapStatistics(two, SiteGrid::torus({2}), 1),
              "a map holds class 1, expected -1 to 0");
  CHECK_ERROR(mapStatistics(two, SiteGrid{{2}, {}}, 2), "0 edges");
}

int main() {
  checkAgainstNumpy();
  checkThresholdAndOffset();
  checkDegenerateResponses();
  checkSmallClasses();
  checkSelectivityErrors();
  checkMapByHand();
  checkShuffledExpectation();
  checkDegenerateMaps();
  return checksFailed();
}
