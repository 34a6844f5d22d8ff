//===- Selectivity.cpp - Cohen's d of each class against the rest ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Selectivity.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace loco;

namespace {

constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

/// Count, mean and sum of squared deviations of one group of responses.
struct Moments {
  int64_t count = 0;
  double mean = 0;
  double squares = 0;

  double variance() const {
    return count < 2 ? notANumber : squares / double(count - 1);
  }
};

} // namespace

static Status verifyLabels(const Tensor &responses, const Tensor &labels,
                           int64_t classes) {
  if (responses.shape().size() < 2)
    return Error{"responses of shape " + describe(responses.shape()) +
                 " have no sites, expected samples and sites"};
  if (labels.type() != ElementType::I32 ||
      labels.shape() != Shape{responses.shape()[0]})
    return Error{"labels of shape " + describe(labels.shape()) +
                 " do not fit responses of shape " +
                 describe(responses.shape()) +
                 ", expected one whole number for each sample"};
  std::vector<bool> seen(std::max<int64_t>(classes, 0));
  for (int64_t sample = 0; sample < labels.size(); ++sample) {
    int32_t label = labels.as<int32_t>()[sample];
    if (label < 0 || label >= classes)
      return Error{"sample " + std::to_string(sample) + " has class " +
                   std::to_string(label) + ", expected 0 to " +
                   std::to_string(classes - 1)};
    seen[label] = true;
  }
  if (std::count(seen.begin(), seen.end(), true) < 2)
    return Error{"selectivity compares a class with the others, but fewer than "
                 "two classes occur among " +
                 std::to_string(labels.size()) + " samples"};
  return {};
}

/// Moments of each class at one site. Deviations are taken from the first
/// response of the class, so that equal responses have exactly zero variance.
static std::vector<Moments> momentsByClass(const Tensor &responses,
                                           const Tensor &labels,
                                           int64_t classes, int64_t site,
                                           int64_t sites) {
  std::vector<Moments> groups(classes);
  std::vector<double> first(classes), sums(classes);
  auto deviation = [&](int64_t sample, int32_t label) {
    return responses.at(sample * sites + site) - first[label];
  };
  for (int64_t sample = 0; sample < labels.size(); ++sample) {
    int32_t label = labels.as<int32_t>()[sample];
    if (groups[label].count++ == 0)
      first[label] = responses.at(sample * sites + site);
    sums[label] += deviation(sample, label);
  }
  for (int64_t label = 0; label < classes; ++label)
    if (groups[label].count)
      sums[label] /= double(groups[label].count);
  for (int64_t sample = 0; sample < labels.size(); ++sample) {
    int32_t label = labels.as<int32_t>()[sample];
    double centred = deviation(sample, label) - sums[label];
    groups[label].squares += centred * centred;
  }
  for (int64_t label = 0; label < classes; ++label)
    groups[label].mean = first[label] + sums[label];
  return groups;
}

/// All groups but one, pooled. Means are taken relative to the first group's,
/// for the same reason as above.
static Moments poolOthers(const std::vector<Moments> &groups, size_t left) {
  Moments pooled;
  double reference = 0, sum = 0;
  for (size_t group = 0; group < groups.size(); ++group) {
    if (group == left || groups[group].count == 0)
      continue;
    if (pooled.count == 0)
      reference = groups[group].mean;
    pooled.count += groups[group].count;
    sum += double(groups[group].count) * (groups[group].mean - reference);
  }
  if (pooled.count == 0)
    return pooled;
  pooled.mean = reference + sum / double(pooled.count);
  for (size_t group = 0; group < groups.size(); ++group) {
    if (group == left || groups[group].count == 0)
      continue;
    double shift = groups[group].mean - pooled.mean;
    pooled.squares +=
        groups[group].squares + double(groups[group].count) * shift * shift;
  }
  return pooled;
}

static double cohensD(const Moments &group, const Moments &rest) {
  double spread = std::sqrt((group.variance() + rest.variance()) / 2);
  double difference = group.mean - rest.mean;
  if (spread == 0 && difference == 0)
    return 0;
  return difference / spread;
}

static bool allFinite(const Tensor &responses, int64_t site, int64_t sites) {
  for (int64_t at = site; at < responses.size(); at += sites)
    if (!std::isfinite(responses.at(at)))
      return false;
  return true;
}

Expected<Selectivity> loco::selectivity(const Tensor &responses,
                                        const Tensor &labels, int64_t classes,
                                        double threshold) {
  if (Status failed = verifyLabels(responses, labels, classes))
    return failed.error();

  Shape lattice(responses.shape().begin() + 1, responses.shape().end());
  int64_t sites = numElements(lattice);
  Shape effectShape = lattice;
  effectShape.insert(effectShape.begin(), classes);

  Selectivity result{Tensor(ElementType::F64, effectShape),
                     Tensor(ElementType::I32, lattice),
                     Tensor(ElementType::I32, lattice), threshold, 0};
  double *effect = result.effect.as<double>();
  for (int64_t site = 0; site < sites; ++site) {
    bool finite = allFinite(responses, site, sites);
    result.notFinite += !finite;
    std::vector<Moments> groups =
        finite ? momentsByClass(responses, labels, classes, site, sites)
               : std::vector<Moments>(classes);
    int32_t best = -1;
    for (int64_t label = 0; label < classes; ++label) {
      double d = cohensD(groups[label], poolOthers(groups, label));
      effect[label * sites + site] = d;
      if (!std::isnan(d) && (best < 0 || d > effect[best * sites + site]))
        best = int32_t(label);
    }
    result.best.as<int32_t>()[site] = best;
    bool selective = best >= 0 && effect[best * sites + site] > threshold;
    result.map.as<int32_t>()[site] = selective ? best : -1;
  }
  return result;
}
