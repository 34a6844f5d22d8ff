//===- ValidTimeAnalysis.cpp - How long predictions are valid ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A prediction of a frame is valid as long as its squared error, relative to
// the energy of the true frame, has not exceeded a threshold. The time is
// counted in frames, in two windows: from the end of the conditioning frames
// and from the training horizon on.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Measures.h"

#include "loco/Figures.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

using namespace loco;
using Json = nlohmann::ordered_json;

namespace {
/// Relative squared errors of the frames of some trajectories. Frames before
/// `ahead` have no prediction.
struct FrameErrors {
  int64_t samples = 0, frames = 0, ahead = 0;
  std::vector<double> values;

  double at(int64_t sample, int64_t frame) const {
    return values[sample * frames + frame];
  }
};
} // namespace

/// The result of step t predicts frame t + ahead.
static FrameErrors measureFrames(const Pairs &pairs, int64_t ahead) {
  FrameErrors errors{pairs.samples, pairs.steps, ahead, {}};
  errors.values.resize(pairs.samples * pairs.steps);
  for (int64_t sample = 0; sample < pairs.samples; ++sample)
    for (int64_t frame = ahead; frame < pairs.steps; ++frame) {
      double squared = 0, energy = 0;
      for (int64_t i = 0; i < pairs.targetSize; ++i) {
        double wanted = pairs.getTarget(sample, frame, i);
        double difference = pairs.getResult(sample, frame - ahead, i) - wanted;
        squared += difference * difference;
        energy += wanted * wanted;
      }
      errors.values[sample * pairs.steps + frame] = squared / energy;
    }
  return errors;
}

/// Frames from `first` on until the error exceeds the threshold; all of them if
/// it never does. What is no number exceeds it.
static int64_t getValidTime(const FrameErrors &errors, int64_t sample,
                            int64_t first, double threshold) {
  for (int64_t frame = first; frame < errors.frames; ++frame)
    if (!(errors.at(sample, frame) <= threshold))
      return frame - first;
  return errors.frames - first;
}

/// Trajectories in groups of five, as they follow one another: the mean of the
/// medians; and the mean over all trajectories.
static Json summarize(const FrameErrors &errors, int64_t first,
                      double threshold) {
  constexpr int64_t groupSize = 5;
  std::vector<int64_t> times;
  double mean = 0, meanOfMedians = 0;
  for (int64_t sample = 0; sample < errors.samples; ++sample) {
    times.push_back(getValidTime(errors, sample, first, threshold));
    mean += double(times.back()) / errors.samples;
  }
  int64_t groups = std::max<int64_t>(errors.samples / groupSize, 1);
  for (int64_t group = 0; group < groups; ++group) {
    auto begin = times.begin() + group * groupSize;
    auto end = std::min(begin + groupSize, times.end());
    std::sort(begin, end);
    int64_t count = end - begin;
    double median = (begin[(count - 1) / 2] + begin[count / 2]) / 2.0;
    meanOfMedians += median / groups;
  }
  double window = double(errors.frames - first);
  return {{"window", errors.frames - first},
          {"median_of_five", meanOfMedians},
          {"mean", mean},
          {"share", meanOfMedians / window}};
}

/// The mean error of each frame.
static Series getCurve(const FrameErrors &errors, const std::string &label) {
  Series curve{label, {}, {}};
  for (int64_t frame = errors.ahead; frame < errors.frames; ++frame) {
    double mean = 0;
    for (int64_t sample = 0; sample < errors.samples; ++sample)
      mean += errors.at(sample, frame) / errors.samples;
    curve.x.push_back(double(frame));
    curve.y.push_back(mean);
  }
  return curve;
}

static Status drawCurves(const std::vector<Series> &curves,
                         const std::string &path) {
  LinePlotOptions options;
  options.xLabel = "frame";
  options.yLabel = "squared error / energy";
  options.logY = true;
  auto figure = linePlotFigure(curves, options);
  // A prediction without any error has no logarithm to draw.
  return figure ? figure->write(path) : Status();
}

Expected<Json> loco::analyzeValidTime(const sema::Setting &save,
                                      const AnalysisSubject &subject) {
  const sema::PlanValue &call = *save.value;
  auto getNumber = [&](const char *name, double otherwise) {
    const sema::PlanValue *value = call.find(name);
    return value ? value->number : otherwise;
  };
  int64_t ahead = static_cast<int64_t>(getNumber("ahead", 1));
  int64_t after = static_cast<int64_t>(getNumber("after", double(ahead)));
  int64_t horizon = static_cast<int64_t>(getNumber("horizon", double(after)));
  double threshold = getNumber("threshold", 0.025);
  Json json;
  std::vector<Series> curves;
  for (const Network &network : subject.networks) {
    auto pairs = collectPairs(save, subject, network, 0);
    if (!pairs)
      return pairs.error();
    if (ahead < 0 || after < ahead || horizon < after ||
        horizon >= pairs->steps)
      return Error{fmt::format(
          "`after` lies between `ahead` and `horizon`, and that below the {} "
          "steps of the data; they are {}, {} and {}",
          pairs->steps, after, ahead, horizon)};
    FrameErrors errors = measureFrames(*pairs, ahead);
    if (!json.contains("samples"))
      json = {{"data", subject.data->toText()},
              {"samples", pairs->samples},
              {"threshold", threshold}};
    json[network.name] = {
        {"after_conditioning", summarize(errors, after, threshold)},
        {"after_horizon", summarize(errors, horizon, threshold)}};
    curves.push_back(getCurve(errors, network.name));
  }
  if (Status failed =
          drawCurves(curves, subject.folder + "/" + save.label + ".png"))
    return failed.error();
  return json;
}
