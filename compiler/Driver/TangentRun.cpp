//===- TangentRun.cpp - Differences between states, followed --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/TangentRun.h"

#include "loco-c/random.h"
#include "loco/Windows.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

using namespace loco;

static const std::string tangentPrefix = "tangent/";

int64_t loco::countTangents(const AnalysisSubject &subject) {
  int64_t size = 0;
  for (const ArgumentSpec &argument : subject.tangents->arguments())
    if (argument.name.rfind(tangentPrefix, 0) == 0)
      size += numElements(argument.shape);
  return size;
}

//===----------------------------------------------------------------------===//
// Directions
//===----------------------------------------------------------------------===//

namespace {
/// The differences of one sample, each a row of all numbers of all states.
struct Directions {
  int64_t count = 0, size = 0;
  std::vector<double> values;

  llvm::MutableArrayRef<double> operator[](int64_t i) {
    return llvm::MutableArrayRef(values).slice(i * size, size);
  }
  void draw(uint64_t seed, uint64_t sample, int64_t number, uint32_t step);
  std::vector<double> orthonormalize();
};
} // namespace

/// A random direction in place of the one called `number`.
void Directions::draw(uint64_t seed, uint64_t sample, int64_t number,
                      uint32_t step) {
  LocoRandomKey key = {seed, locoRandomStream("lyapunov"), uint64_t(number)};
  locoRandomNormalF64(&key, sample, step, size, (*this)[number].data());
}

static double dot(llvm::ArrayRef<double> a, llvm::ArrayRef<double> b) {
  double sum = 0;
  for (auto [x, y] : llvm::zip_equal(a, b))
    sum += x * y;
  return sum;
}

/// Makes each one orthogonal to those before it, of length 1; the lengths that
/// they had then. Projected twice, or rounding would leave a part of those
/// before. One without any length is left as it is.
std::vector<double> Directions::orthonormalize() {
  std::vector<double> lengths;
  for (int64_t i = 0; i < count; ++i) {
    llvm::MutableArrayRef<double> row = (*this)[i];
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t j = 0; j < i; ++j) {
        double share = dot(row, (*this)[j]);
        for (auto [x, y] : llvm::zip_equal(row, (*this)[j]))
          x -= share * y;
      }
    lengths.push_back(std::sqrt(dot(row, row)));
    if (lengths.back() > 0)
      for (double &x : row)
        x /= lengths.back();
  }
  return lengths;
}

/// Numbers of the tensors `tangent/...` to rows, or back.
static void copyRow(TensorMap &tensors, int64_t row,
                    llvm::MutableArrayRef<double> values, bool toTensors) {
  int64_t position = 0;
  for (auto &[name, tensor] : tensors) {
    if (name.rfind(tangentPrefix, 0) != 0)
      continue;
    int64_t size = tensor.size() / tensor.shape().front();
    for (int64_t i = 0; i < size; ++i, ++position)
      if (toTensors)
        tensor.set(row * size + i, values[position]);
      else
        values[position] = tensor.at(row * size + i);
  }
}

//===----------------------------------------------------------------------===//
// The run
//===----------------------------------------------------------------------===//

namespace {
/// Follows the differences of a few samples.
class Follower {
public:
  Follower(const AnalysisSubject &subject, const TangentQuestion &question,
           const TensorMap &parameters, TangentGrowth &growth)
      : subject(subject), program(*subject.tangents), question(question),
        parameters(parameters), growth(growth) {}

  Status follow(const Batch &samples);

private:
  void repeatSamples(const Batch &samples);
  void makeTangents();
  Status renew(int64_t done, bool isCounted, int64_t steps);

  const AnalysisSubject &subject;
  Program &program;
  const TangentQuestion &question;
  const TensorMap &parameters;
  TangentGrowth &growth;
  int64_t number = 0;
  /// Every sample once for each of its directions.
  Batch whole;
  TensorMap tangents;
  std::vector<Directions> directions;
  /// Of each sample and direction.
  std::vector<std::vector<double>> sums;
};
} // namespace

void Follower::repeatSamples(const Batch &samples) {
  number = samples.samples;
  whole.samples = number * question.exponents;
  whole.steps = question.steps;
  for (int64_t row = 0; row < whole.samples; ++row)
    whole.sampleIndex.push_back(samples.sampleIndex[row / question.exponents]);
  for (const auto &[name, values] : samples.inputs) {
    Shape shape = values.shape();
    shape.front() = whole.samples;
    Tensor repeated(values.type(), shape);
    size_t bytes = values.bytes() / number;
    for (int64_t row = 0; row < whole.samples; ++row)
      std::memcpy(static_cast<char *>(repeated.data()) + row * bytes,
                  static_cast<const char *>(values.data()) +
                      row / question.exponents * bytes,
                  bytes);
    whole.inputs.emplace(name, std::move(repeated));
  }
}

/// Zeros, and room for as many numbers as the states have.
void Follower::makeTangents() {
  int64_t size = 0;
  for (const ArgumentSpec &argument : program.arguments())
    if (argument.name.rfind(tangentPrefix, 0) == 0) {
      Shape shape = argument.shape;
      shape.insert(shape.begin(), whole.samples);
      tangents.emplace(argument.name, Tensor(argument.type, shape));
      size += numElements(argument.shape);
    }
  Directions some;
  some.count = question.exponents;
  some.size = size;
  some.values.resize(some.count * size);
  directions.assign(number, some);
  sums.assign(number, std::vector<double>(question.exponents));
}

/// Makes the directions orthogonal again and adds up what they have grown by in
/// the last window, after `done` steps. Differences enter the run behind its
/// first window, which has none; there they are drawn.
Status Follower::renew(int64_t done, bool isCounted, int64_t steps) {
  bool isFirst = done == steps;
  double finest = subject.precision == ElementType::F64 ? 1e-12 : 1e-5;
  for (int64_t sample = 0; sample < number; ++sample) {
    Directions &some = directions[sample];
    for (int64_t i = 0; i < some.count; ++i)
      if (isFirst)
        some.draw(subject.seed, whole.sampleIndex[sample * some.count], i, 0);
      else
        copyRow(tangents, sample * some.count + i, some[i],
                /*toTensors=*/false);
    if (!llvm::all_of(some.values, [](double x) { return std::isfinite(x); }))
      return Error{fmt::format(
          "after step {} differences between states are not finite numbers; "
          "look at the states with a `probe`, or choose a smaller `every`",
          done)};
    std::vector<double> lengths = some.orthonormalize();
    double longest = *std::max_element(lengths.begin(), lengths.end());
    for (int64_t i = 0; i < some.count; ++i) {
      if (lengths[i] == 0) {
        some.draw(subject.seed, whole.sampleIndex[sample * some.count], i,
                  static_cast<uint32_t>(done));
        sums[sample][i] = -std::numeric_limits<double>::infinity();
      } else if (!isFirst && lengths[i] < finest * longest &&
                 question.every > 1) {
        return Error{fmt::format(
            "within `every` = {} steps some differences grow {:.2g} times as "
            "much as others, which rounding does not allow to tell apart; "
            "choose a smaller `every`",
            question.every, longest / lengths[i])};
      }
      if (isCounted)
        sums[sample][i] += std::log(lengths[i]);
    }
    // What was drawn anew is made orthogonal, too.
    some.orthonormalize();
    for (int64_t i = 0; i < some.count; ++i)
      copyRow(tangents, sample * some.count + i, some[i], /*toTensors=*/true);
  }
  return {};
}

Status Follower::follow(const Batch &samples) {
  repeatSamples(samples);
  makeTangents();
  Windows windows;
  if (Status failed = windows.prepare(program, question.every, question.steps))
    return failed;
  Request request;
  request.seed = subject.seed;
  request.results = windows.results();
  for (const auto &[name, tensor] : tangents)
    request.results.push_back(name);
  Batch window;
  Reply reply;
  int64_t done = 0;
  for (size_t counted = 0; done < question.steps;) {
    windows.cut(whole, window);
    for (const auto &[name, tensor] : tangents)
      window.inputs.insert_or_assign(name, tensor);
    if (Status failed = program.run(parameters, window, request, reply))
      return failed;
    for (auto &[name, tensor] : tangents)
      std::swap(tensor, reply.results.at(name));
    windows.advance(reply);
    bool isCounted = done >= question.skip;
    done += window.steps;
    if (Status failed = renew(done, isCounted, window.steps))
      return failed;
    if (!isCounted)
      continue;
    if (growth.atSteps.size() <= counted) {
      growth.atSteps.push_back(double(done));
      growth.sums.emplace_back(question.exponents);
    }
    for (const std::vector<double> &ofSample : sums)
      for (int64_t i = 0; i < question.exponents; ++i)
        growth.sums[counted][i] += ofSample[i];
    ++counted;
  }
  for (std::vector<double> &ofSample : sums) {
    for (double &sum : ofSample)
      sum /= double(question.steps - question.skip);
    // Over a finite time equal ones come in any order.
    std::sort(ofSample.begin(), ofSample.end(), std::greater<>());
    growth.ofSamples.push_back(ofSample);
  }
  return {};
}

Status loco::followTangents(const AnalysisSubject &subject,
                            const TangentQuestion &question,
                            const TensorMap &parameters, const Batch &samples,
                            TangentGrowth &growth) {
  return Follower(subject, question, parameters, growth).follow(samples);
}
