//===- PredictionAnalysis.cpp - A prediction against simple ones ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Measures.h"
#include "compiler/Driver/RunPlanning.h"

#include "loco/Figures.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

using namespace loco;
using Json = nlohmann::ordered_json;

namespace {
/// Errors of a prediction, summed over the values of a frame, mean over frames.
struct FrameErrors {
  double squared = 0, bernoulli = 0;

  void add(double predicted, double target, double weight) {
    double p = std::clamp(predicted, 1e-7, 1 - 1e-7);
    squared += weight * (predicted - target) * (predicted - target);
    bernoulli -=
        weight * (target * std::log(p) + (1 - target) * std::log(1 - p));
  }
  Json toJson() const {
    return {{"squared_error", squared}, {"bernoulli", bernoulli}};
  }
};
} // namespace

/// Frames [samples, steps, values...] with the values on one axis.
struct Frames {
  const Tensor &tensor;
  int64_t samples = tensor.shape()[0], steps = tensor.shape()[1];
  int64_t values = tensor.size() / (samples * steps);

  double at(int64_t sample, int64_t step, int64_t value) const {
    return tensor.at((sample * steps + step) * values + value);
  }
};

/// Calls `visit(sample, step, value)` for every value of every frame.
template <typename Visit>
static void forEachValue(const Frames &frames, Visit visit) {
  for (int64_t sample = 0; sample < frames.samples; ++sample)
    for (int64_t step = 0; step < frames.steps; ++step)
      for (int64_t value = 0; value < frames.values; ++value)
        visit(sample, step, value);
}

static Json measureBaselines(const Frames &target) {
  double weight = 1.0 / (target.samples * target.steps);
  std::vector<double> mean(target.values, 0);
  forEachValue(target, [&](int64_t sample, int64_t step, int64_t value) {
    mean[value] += weight * target.at(sample, step, value);
  });
  FrameErrors ofMean, ofLast;
  forEachValue(target, [&](int64_t sample, int64_t step, int64_t value) {
    double wanted = target.at(sample, step, value);
    // What is predicted at a step was the target of the step before; before the
    // first one comes the last, as in a sequence that closes.
    int64_t before = step > 0 ? step - 1 : target.steps - 1;
    ofMean.add(mean[value], wanted, weight);
    ofLast.add(target.at(sample, before, value), wanted, weight);
  });
  return {{"mean_image", ofMean.toJson()}, {"last_frame", ofLast.toJson()}};
}

/// The first steps of one sample, as images [steps, height, width].
static Tensor getImages(const Frames &frames, int64_t sample, int64_t count) {
  const Shape &shape = frames.tensor.shape();
  Tensor images(ElementType::F64, {count, shape[2], shape[3]});
  for (int64_t step = 0; step < count; ++step)
    for (int64_t value = 0; value < frames.values; ++value)
      images.set(step * frames.values + value, frames.at(sample, step, value));
  return images;
}

Expected<Json> loco::analyzePrediction(const sema::Setting &save,
                                       const AnalysisSubject &subject) {
  const sema::PlanValue *predicted = save.value->find("prediction", 0);
  const sema::PlanValue *wanted = save.value->find("target", 1);
  if (!subject.data)
    return Error{"`prediction` needs `data` in the block"};

  Json json = {{"data", subject.data->toText()}};
  // Either may be an input of the model, which the data hold.
  std::vector<std::string> results;
  for (const sema::PlanValue *value : {predicted, wanted})
    if (value->kind == sema::PlanValue::Kind::Result)
      results.push_back(value->text);
  std::vector<ImageRow> rows;
  for (const Network &network : subject.networks) {
    auto responses =
        collectResponses(subject, *network.parameters, *subject.data, results);
    if (!responses)
      return responses.error();
    const Tensor &y = findValues(*responses, *predicted);
    const Tensor &x = findValues(*responses, *wanted);
    Frames output{y}, target{x};
    FrameErrors errors;
    forEachValue(target, [&](int64_t sample, int64_t step, int64_t value) {
      errors.add(output.at(sample, step, value), target.at(sample, step, value),
                 1.0 / (target.samples * target.steps));
    });
    json["samples"] = responses->samples;
    Json ofNetwork = errors.toJson();
    ofNetwork["loss"] = responses->loss;
    json[network.name] = ofNetwork;
    if (!json.contains("mean_image"))
      json.update(measureBaselines(target));
    if (x.shape().size() == 4 && y.shape() == x.shape()) {
      int64_t count = std::min<int64_t>(target.steps, 12);
      if (rows.empty())
        rows.push_back({"next frame", getImages(target, 0, count)});
      rows.push_back({network.name, getImages(output, 0, count)});
    }
  }
  if (rows.empty())
    return json;
  auto figure = imageGridFigure(rows, {});
  if (!figure)
    return figure.error();
  if (Status failed = figure->write(subject.folder + "/" + save.label + ".png"))
    return failed.error();
  return json;
}
