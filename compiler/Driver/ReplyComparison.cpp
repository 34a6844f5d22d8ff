//===- ReplyComparison.cpp - Two executions, tensor by tensor -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/ReplyComparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

using namespace loco;

static constexpr double boundF32 = 1e-5, boundF64 = 1e-10, roundingFactor = 8;

double loco::getLeastBound(ElementType precision) {
  return precision == ElementType::F64 ? boundF64 : boundF32;
}

namespace {
/// Sums of squares that a relative 2-norm is made of.
struct Distance {
  double difference = 0, reference = 0;

  void add(const Tensor &found, const Tensor &expected);
  double get() const;
};

/// The distances of one row: of the code, and of the two ways to round.
struct Distances {
  Distance found, moved, noisy;
};
} // namespace

void Distance::add(const Tensor &found, const Tensor &expected) {
  for (int64_t i = 0; i < expected.size(); ++i) {
    double distance = found.at(i) - expected.at(i);
    difference += distance * distance;
    reference += expected.at(i) * expected.at(i);
  }
}

double Distance::get() const {
  if (difference == 0)
    return 0;
  return std::sqrt(difference) / std::sqrt(reference);
}

/// Finds the element of the largest difference. A NaN is the largest.
static void findLargest(const Tensor &found, const Tensor &expected,
                        Comparison &comparison) {
  double size = 0;
  for (int64_t i = 0; i < expected.size(); ++i)
    size = std::max(size, std::fabs(expected.at(i)));
  int64_t worst = -1;
  for (int64_t i = 0; i < expected.size(); ++i) {
    double distance = std::fabs(found.at(i) - expected.at(i));
    if (distance == 0 ||
        (worst >= 0 && !(distance > comparison.largest * size) &&
         !std::isnan(distance)))
      continue;
    worst = i;
    comparison.largest = distance / size;
    if (std::isnan(distance))
      break;
  }
  if (worst < 0)
    return;
  const Shape &shape = expected.shape();
  std::vector<int64_t> indices(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; worst /= shape[axis])
    indices[axis] = worst % shape[axis];
  comparison.place = fmt::format("[{}]", fmt::join(indices, ", "));
}

std::vector<Comparison> loco::compareReplies(const char *executor,
                                             const Reply &found,
                                             const Expectation &expectation,
                                             ElementType precision) {
  const auto &[exact, moved, noisy] = expectation;
  std::vector<Comparison> comparisons;

  auto add = [&](Distances &distances, const std::string &name,
                 const TensorMap Reply::*tensors) {
    const Tensor &expected = (exact.*tensors).at(name);
    distances.found.add((found.*tensors).at(name), expected);
    distances.moved.add((moved.*tensors).at(name), expected);
    if (noisy)
      distances.noisy.add((noisy.value().*tensors).at(name), expected);
  };
  auto finish = [&](Comparison comparison, const Distances &distances) {
    comparison.error = distances.found.get();
    comparison.bound = std::max(getLeastBound(precision),
                                roundingFactor * distances.moved.get());
    comparison.isRounding =
        std::sqrt(distances.found.difference) <=
        roundingFactor * std::sqrt(distances.noisy.difference);
    comparisons.push_back(std::move(comparison));
  };
  auto compareOne = [&](const std::string &name, const char *kind,
                        const TensorMap Reply::*tensors) {
    Comparison comparison{name, kind, executor};
    findLargest((found.*tensors).at(name), (exact.*tensors).at(name),
                comparison);
    Distances distances;
    add(distances, name, tensors);
    finish(std::move(comparison), distances);
  };

  for (const auto &[name, tensor] : exact.results)
    compareOne(name, "value", &Reply::results);
  Distances scalars;
  std::vector<std::string> scalarNames;
  for (const auto &[name, tensor] : exact.gradients) {
    if (!tensor.shape().empty()) {
      compareOne(name, "gradient", &Reply::gradients);
      continue;
    }
    scalarNames.push_back(name);
    add(scalars, name, &Reply::gradients);
  }
  if (!scalarNames.empty()) {
    Comparison comparison{fmt::format("{}", fmt::join(scalarNames, ", ")),
                          "gradient", executor};
    comparison.largest = scalars.found.get();
    finish(std::move(comparison), scalars);
  }
  return comparisons;
}
