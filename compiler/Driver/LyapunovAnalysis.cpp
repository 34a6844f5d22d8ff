//===- LyapunovAnalysis.cpp - How fast neighbouring states part -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/SampleFeed.h"
#include "compiler/Driver/TangentRun.h"

#include "loco/Figures.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

using namespace loco;
using Json = nlohmann::ordered_json;

/// The dimension of Kaplan and Yorke; none if too few exponents are known to
/// tell.
static std::optional<double>
getDimension(const std::vector<double> &exponents) {
  double sum = 0;
  for (auto [i, exponent] : llvm::enumerate(exponents)) {
    if (sum + exponent < 0)
      return double(i) + (i ? sum / std::abs(exponent) : 0);
    sum += exponent;
  }
  return std::nullopt;
}

/// Means over samples, and the deviation of the largest.
static Json summarizeGrowth(const TangentGrowth &growth, double interval) {
  size_t number = growth.ofSamples.size();
  std::vector<double> mean(growth.ofSamples.front().size());
  for (const std::vector<double> &ofSample : growth.ofSamples)
    for (size_t i = 0; i < mean.size(); ++i)
      mean[i] += ofSample[i] / (double(number) * interval);
  double sum = 0, entropy = 0, square = 0;
  for (double exponent : mean) {
    sum += exponent;
    entropy += std::max(exponent, 0.0);
  }
  Json json = {{"largest", mean.front()}};
  if (number > 1) {
    for (const std::vector<double> &ofSample : growth.ofSamples)
      square += std::pow(ofSample.front() / interval - mean.front(), 2);
    json["deviation"] = std::sqrt(square / double(number - 1));
  }
  json["exponents"] = mean;
  json["sum"] = sum;
  json["entropy"] = entropy;
  json["dimension"] = nullptr;
  if (auto dimension = getDimension(mean))
    json["dimension"] = *dimension;
  return json;
}

/// How the first few exponents settle.
static Status drawGrowth(const TangentGrowth &growth,
                         const TangentQuestion &question, double interval,
                         const std::string &path) {
  std::vector<Series> lines;
  for (int64_t i = 0; i < std::min<int64_t>(question.exponents, 6); ++i) {
    Series &line = lines.emplace_back();
    line.label = fmt::format("exponent {}", i + 1);
    for (auto [step, sums] : llvm::zip_equal(growth.atSteps, growth.sums)) {
      line.x.push_back(step);
      line.y.push_back(sums[i] / (double(growth.ofSamples.size()) *
                                  (step - double(question.skip)) * interval));
    }
  }
  LinePlotOptions options;
  options.xLabel = "step";
  options.yLabel = "Lyapunov exponents";
  auto figure = linePlotFigure(lines, options);
  // Nothing can be drawn of differences that vanish at once.
  return figure ? figure->write(path) : Status();
}

/// The numbers in the call, checked against each other and the model.
static Expected<TangentQuestion> readQuestion(const sema::Setting &save,
                                              const AnalysisSubject &subject,
                                              int64_t steps) {
  auto getCount = [&](const char *name, int position,
                      int64_t otherwise) -> Expected<int64_t> {
    const sema::PlanValue *value = save.value->find(name, position);
    if (!value)
      return otherwise;
    if (!value->isNumber() || value->number != std::floor(value->number) ||
        value->number < 0 || value->number > 1e9)
      return Error{fmt::format("`{}` of `lyapunov` is a whole number", name)};
    return static_cast<int64_t>(value->number);
  };
  TangentQuestion question;
  question.steps = steps;
  auto exponents = getCount("exponents", 0, 1),
       every = getCount("every", -1, 1);
  for (auto *count : {&exponents, &every})
    if (!*count)
      return count->error();
  auto skip = getCount("skip", -1, steps / 10);
  if (!skip)
    return skip.error();
  question.exponents = *exponents;
  question.every = *every;
  int64_t size = countTangents(subject);
  if (question.exponents < 1 || question.exponents > size)
    return Error{fmt::format("the states hold {} numbers and have as many "
                             "exponents; `exponents` is {}",
                             size, question.exponents)};
  if (question.every < 1 || question.every >= steps)
    return Error{fmt::format("`every` of `lyapunov` is {}, but there are {} "
                             "steps, of which the first `every` do not count",
                             question.every, steps)};
  // Whole windows, at least the one before differences enter.
  question.skip =
      std::max<int64_t>(*skip + question.every - 1, question.every) /
      question.every * question.every;
  if (question.skip >= steps)
    return Error{fmt::format("`lyapunov` skips {} steps, but there are {}",
                             question.skip, steps)};
  return question;
}

Expected<Json> loco::analyzeLyapunov(const sema::Setting &save,
                                     const AnalysisSubject &subject) {
  // Without it the program would have been refused.
  assert(subject.tangents && "the program has no tangents");
  double interval = subject.model->interval;
  Json json;
  for (const Network &network : subject.networks) {
    auto feed = SampleFeed::open(subject, subject.data);
    if (!feed)
      return feed.error();
    auto question = readQuestion(save, subject, feed->getSteps());
    if (!question)
      return question.error();
    int64_t samples = feed->limit(subject.samples);
    if (json.empty()) {
      json = {{"data", subject.data ? subject.data->toText() : "none"},
              {"samples", samples},
              {"steps", question->steps},
              {"skip", question->skip},
              {"every", question->every},
              {"unit", interval > 0 ? "1 / time" : "1 / step"}};
      if (interval > 0)
        json["time_of_step"] = interval;
    }
    TangentGrowth growth;
    int64_t atOnce = std::max<int64_t>(1, 64 / question->exponents);
    Batch batch;
    for (int64_t first = 0; first < samples; first += batch.samples) {
      if (Status failed =
              feed->read(first, std::min(atOnce, samples - first), batch))
        return failed.error();
      if (Status failed = followTangents(subject, *question,
                                         *network.parameters, batch, growth))
        return failed.error();
    }
    double unit = interval > 0 ? interval : 1;
    json[network.name] = summarizeGrowth(growth, unit);
    if (Status failed = drawGrowth(growth, *question, unit,
                                   fmt::format("{}/{}_{}.png", subject.folder,
                                               save.label, network.name)))
      return failed.error();
  }
  return json;
}
