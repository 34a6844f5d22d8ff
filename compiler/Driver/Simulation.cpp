//===- Simulation.cpp - Probes of a model that runs ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Simulation.h"

#include "compiler/Driver/ProbeFigures.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace loco;
using Json = nlohmann::ordered_json;

namespace {
/// One `probe` line of the block.
struct Probe {
  const sema::Setting &setting;
  /// The result of the model that it shows.
  std::string result;
  /// Shown after so many steps each.
  int64_t every = 1;
  bool perStep = false;
};
} // namespace

Tensor loco::thinSteps(const Tensor &values, int64_t every) {
  Shape shape = values.shape();
  int64_t samples = shape[0], steps = shape[1];
  shape[1] = steps / every;
  Tensor some(values.type(), shape);
  size_t bytes = values.bytes() / (samples * steps);
  auto *to = static_cast<char *>(some.data());
  auto *from = static_cast<const char *>(values.data());
  for (int64_t sample = 0; sample < samples; ++sample)
    for (int64_t step = every - 1; step < steps; step += every, to += bytes)
      std::memcpy(to, from + (sample * steps + step) * bytes, bytes);
  return some;
}

/// The probes of the block, and the results that a run has to give for them.
static Expected<std::vector<Probe>> findProbes(const sema::RunBlock &block,
                                               const AnalysisSubject &subject) {
  std::vector<Probe> probes;
  for (const sema::Setting &setting : block.settings) {
    if (setting.name != "probe")
      continue;
    Probe probe{setting, setting.value->text};
    auto spec =
        llvm::find_if(subject.program->results(), [&](const ResultSpec &spec) {
          return spec.name == probe.result;
        });
    if (spec == subject.program->results().end())
      return Error{fmt::format("`{}` is an input; probe what the model makes "
                               "of it",
                               setting.label)};
    probe.perStep = spec->perStep || spec->role == ResultRole::State;
    if (setting.every && !probe.perStep)
      return Error{fmt::format("`{}` is one value for all steps; leave out "
                               "`every`",
                               setting.label)};
    if (setting.every)
      probe.every = static_cast<int64_t>(setting.every->number);
    if (probe.every > subject.steps)
      return Error{fmt::format("`{}` is shown every {} steps, but there are {}",
                               setting.label, probe.every, subject.steps)};
    probes.push_back(probe);
  }
  return probes;
}

/// The first step of [samples, steps, ...] after which, in any sample, a number
/// is not finite; 0 for a value without steps. None if all are finite.
static std::optional<int64_t> findNotFinite(const Tensor &values,
                                            bool perStep) {
  int64_t steps = perStep ? values.shape()[1] : 1;
  int64_t perSample = values.size() / values.shape()[0];
  int64_t perFrame = std::max<int64_t>(1, perSample / steps);
  std::optional<int64_t> first;
  for (int64_t i = 0; i < static_cast<int64_t>(values.size()); ++i)
    if (!std::isfinite(values.at(i)))
      first = std::min(first.value_or(steps), i % perSample / perFrame);
  return first;
}

/// A scalar over steps and samples in numbers: the last value, and the mean
/// over all; for several samples the last values' mean and deviation.
static Json summarize(const Tensor &values, bool perStep) {
  int64_t samples = values.shape()[0];
  int64_t steps = perStep ? values.shape()[1] : 1;
  std::vector<double> finals;
  double sum = 0, final = 0, square = 0;
  for (int64_t sample = 0; sample < samples; ++sample) {
    for (int64_t step = 0; step < steps; ++step)
      sum += values.at(sample * steps + step);
    finals.push_back(values.at((sample + 1) * steps - 1));
    final += finals.back() / samples;
  }
  Json json = {{"final", final}};
  if (perStep)
    json["mean"] = sum / (samples * steps);
  if (samples == 1)
    return json;
  for (double value : finals)
    square += (value - final) * (value - final);
  json["deviation"] = std::sqrt(square / (samples - 1));
  json["finals"] = finals;
  return json;
}

Expected<Simulation> loco::simulate(const sema::RunBlock &block,
                                    const AnalysisSubject &subject) {
  auto probes = findProbes(block, subject);
  if (!probes)
    return probes.error();
  std::vector<std::string> names;
  for (const Probe &probe : *probes)
    if (!llvm::is_contained(names, probe.result))
      names.push_back(probe.result);
  Simulation simulation;
  simulation.json = {{"steps", subject.steps}, {"samples", subject.samples}};
  if (names.empty())
    return simulation;
  auto responses = collectResponses(
      subject, *subject.networks.front().parameters, subject.data, names);
  if (!responses)
    return responses.error();
  simulation.json["samples"] = responses->samples;
  for (const Probe &probe : *probes) {
    const std::string &label = probe.setting.label;
    const Tensor &values = responses->results.at(probe.result);
    if (auto step = findNotFinite(values, probe.perStep))
      simulation.warnings.push_back(
          "`" + label + "` is not finite" +
          (probe.perStep ? fmt::format(" from step {} on", *step) : "") +
          "; a smaller step size of the solver may help");
    Tensor shown = probe.perStep ? thinSteps(values, probe.every) : values;
    if (shown.shape().size() == (probe.perStep ? 2 : 1))
      simulation.json["probes"][label] = summarize(shown, probe.perStep);
    ProbeFigure figure{label,
                       label + "_" + block.model,
                       probe.every,
                       probe.perStep,
                       getResultSpace(*subject.model, probe.result),
                       isAngle(*subject.model, probe.result)};
    if (Status failed = drawProbe(shown, figure, subject.folder))
      return failed.error();
    simulation.probes.insert_or_assign(label, std::move(shown));
  }
  return simulation;
}
