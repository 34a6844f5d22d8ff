//===- MapStatistics.cpp - How well ordered a map of classes is -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Selectivity.h"
#include "runtime/lib/analysis/Shuffle.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

using namespace loco;

namespace {

using Pairs = std::vector<std::pair<int64_t, int64_t>>;

/// What the pairs of selective neighbours have in common.
struct PairCounts {
  int64_t selective = 0, equal = 0, adjacent = 0;

  double share(int64_t count) const {
    return selective ? double(count) / double(selective)
                     : std::numeric_limits<double>::quiet_NaN();
  }
};

/// Sites joined into domains, each known by one of its sites.
class Domains {
public:
  explicit Domains(int64_t sites) : parent(sites) {
    for (int64_t site = 0; site < sites; ++site)
      parent[site] = site;
  }
  int64_t find(int64_t site) {
    while (parent[site] != site)
      site = parent[site] = parent[parent[site]];
    return site;
  }
  void join(int64_t a, int64_t b) { parent[find(a)] = find(b); }

private:
  std::vector<int64_t> parent;
};

} // namespace

static PairCounts countPairs(const std::vector<int32_t> &map,
                             const Pairs &pairs, int64_t classes) {
  PairCounts counts;
  for (auto [a, b] : pairs) {
    if (map[a] < 0 || map[b] < 0)
      continue;
    int64_t distance = std::abs(map[a] - map[b]);
    ++counts.selective;
    counts.equal += distance == 0;
    counts.adjacent +=
        distance == 1 || (distance == classes - 1 && classes > 2);
  }
  return counts;
}

static void countDomains(const std::vector<int32_t> &map, const Pairs &pairs,
                         MapStatistics &statistics) {
  Domains domains(int64_t(map.size()));
  for (auto [a, b] : pairs)
    if (map[a] >= 0 && map[a] == map[b])
      domains.join(a, b);
  std::vector<int64_t> sizes(map.size());
  for (size_t site = 0; site < map.size(); ++site)
    if (map[site] >= 0)
      ++sizes[domains.find(int64_t(site))];
  for (int64_t size : sizes) {
    statistics.domains += size > 0;
    statistics.largeDomains += size >= 10;
  }
}

static double equalAfterShuffling(std::vector<int32_t> map, const Pairs &pairs,
                                  int64_t classes,
                                  const ShuffleOptions &options) {
  std::mt19937_64 random(options.seed);
  double sum = 0;
  int64_t defined = 0;
  for (int64_t round = 0; round < options.shuffles; ++round) {
    shuffle(map, random);
    PairCounts counts = countPairs(map, pairs, classes);
    if (counts.selective == 0)
      continue;
    sum += counts.share(counts.equal);
    ++defined;
  }
  return defined ? sum / double(defined)
                 : std::numeric_limits<double>::quiet_NaN();
}

Expected<MapStatistics> loco::mapStatistics(const Tensor &map,
                                            const SiteGrid &grid,
                                            int64_t classes,
                                            const ShuffleOptions &options) {
  if (Status failed = grid.verify())
    return failed.error();
  if (map.type() != ElementType::I32 || map.shape() != grid.extents)
    return Error{"a map of shape " + describe(map.shape()) +
                 " does not fit the lattice " + describe(grid.extents) +
                 ", expected one whole number for each site"};

  std::vector<int32_t> sites(map.as<int32_t>(), map.as<int32_t>() + map.size());
  MapStatistics statistics;
  statistics.sitesPerClass.resize(std::max<int64_t>(classes, 0));
  int64_t selective = 0;
  for (int32_t label : sites) {
    if (label < -1 || label >= classes)
      return Error{"a map holds class " + std::to_string(label) +
                   ", expected -1 to " + std::to_string(classes - 1)};
    if (label < 0)
      continue;
    ++statistics.sitesPerClass[label];
    ++selective;
  }

  Pairs pairs = grid.neighbourPairs();
  PairCounts counts = countPairs(sites, pairs, classes);
  statistics.selectiveShare = double(selective) / double(sites.size());
  statistics.selectivePairs = counts.selective;
  statistics.equalNeighbours = counts.share(counts.equal);
  statistics.adjacentNeighbours = counts.share(counts.adjacent);
  countDomains(sites, pairs, statistics);
  statistics.equalNeighboursShuffled =
      equalAfterShuffling(std::move(sites), pairs, classes, options);
  return statistics;
}

/// Two decimals, or a dash where there is nothing to count.
static std::string shareText(double share) {
  if (std::isnan(share))
    return "–";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", share);
  return text;
}

std::vector<std::string> loco::describe(const MapStatistics &statistics) {
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.1f %% selective",
                100 * statistics.selectiveShare);
  return {std::string(percent) + ", " + std::to_string(statistics.domains) +
              " domains (" + std::to_string(statistics.largeDomains) +
              " of ≥ 10 sites)",
          "equal neighbours " + shareText(statistics.equalNeighbours) +
              ", shuffled " + shareText(statistics.equalNeighboursShuffled)};
}
