//===- WaveAnalysis.cpp - Travelling waves of a state over time ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Analysis.h"
#include "compiler/Driver/RunPlanning.h"

#include "loco/Figures.h"
#include "loco/Waves.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstring>
#include <numeric>

using namespace loco;
using Json = nlohmann::ordered_json;

/// One sample of a tensor with a leading axis of samples.
static Tensor getSample(const Tensor &tensor, int64_t sample) {
  Shape shape(tensor.shape().begin() + 1, tensor.shape().end());
  Tensor one(tensor.type(), shape);
  std::memcpy(one.data(),
              static_cast<const char *>(tensor.data()) + sample * one.bytes(),
              one.bytes());
  return one;
}

/// Shares of (site, step) in waves, averaged over the samples.
static Expected<Json> measureWaves(const Tensor &fields, const SiteGrid &grid,
                                   const WaveShareOptions &options) {
  auto share = waveShare(fields, grid, options);
  if (!share)
    return share.error();
  return Json{{"directed_share", share->directedShare},
              {"directionality", share->directionality},
              {"wave_share", share->share},
              {"cut_off", share->cutOff},
              {"undefined", share->undefined}};
}

/// Steps that follow one another from the middle of a record on, for a wave to
/// be seen on its way.
static std::vector<int64_t> pickConsecutive(int64_t steps) {
  constexpr int64_t mostPanels = 8;
  int64_t count = std::min(mostPanels, steps);
  std::vector<int64_t> shown(count);
  std::iota(shown.begin(), shown.end(), std::min(steps / 2, steps - count));
  return shown;
}

/// The state of the first sample over time, and, of a lattice of two
/// dimensions, the phases of some steps in a row and the mean wave vector.
static Status drawWaves(const Tensor &field, const SiteGrid &grid,
                        const SignalOptions &signal, const std::string &title,
                        const std::string &path) {
  bool isSheet = field.shape().size() == 3;
  FieldOptions options;
  options.title = title;
  auto states = isSheet ? filmStripFigure(field, options)
                        : spaceTimeFigure(field, options);
  if (!states)
    return states.error();
  if (Status failed = states->write(path + ".png"))
    return failed;
  if (!isSheet || grid.connectedAxes().size() != 2)
    return {};
  auto analytic = analyticSignal(field, signal);
  if (!analytic)
    return analytic.error();
  FieldOptions ofPhases;
  ofPhases.title = title + ": phase, step by step";
  ofPhases.colors = ColorScale::Phase;
  auto phases = filmStripFigure(phaseOf(*analytic), ofPhases,
                                pickConsecutive(field.shape()[0]));
  if (!phases)
    return phases.error();
  if (Status failed = phases->write(path + "_phases.png"))
    return failed;
  auto waves = waveField(*analytic, grid);
  if (!waves)
    return waves.error();
  QuiverOptions quiver;
  quiver.title = title + ": wave vector, mean over time";
  quiver.unit = "rad/site";
  auto arrows = quiverFigure(meanOverSteps(waves->wavenumber), quiver);
  if (!arrows)
    return arrows.error();
  return arrows->write(path + "_vectors.png");
}

Expected<Json> loco::analyzePhaseVelocity(const sema::Setting &save,
                                          const AnalysisSubject &subject) {
  const sema::PlanValue &call = *save.value;
  const sema::PlanValue *state = call.find("state", 0);
  const sema::Space *space = getResultSpace(*subject.model, state->text);
  std::optional<DataOption> data = subject.data;
  if (!data && !subject.steps)
    return Error{"`phase_velocity` needs `data` in the block"};
  if (const sema::PlanValue *frames = call.find("frames"); frames && data)
    data = withArgument(*data, toDataOption(*frames).as("frames"));

  WaveShareOptions options;
  if (const sema::PlanValue *first = call.find("skip"))
    options.firstStep = static_cast<int64_t>(first->number);
  options.seed = subject.seed;
  AnalysisSubject some = subject;
  some.samples = std::min<int64_t>(subject.samples, 32);
  SiteGrid grid = getSiteGrid(*space);
  Json json = {{"data", data ? data->toText() : "none"},
               {"samples", some.samples}};
  for (const Network &network : subject.networks) {
    auto responses =
        collectResponses(some, *network.parameters, data, {state->text});
    if (!responses)
      return responses.error();
    const Tensor &fields = responses->results.at(state->text);
    auto measured = measureWaves(fields, grid, options);
    if (!measured)
      return measured.error();
    json[network.name] = *measured;
    std::string path =
        fmt::format("{}/{}_{}", subject.folder, save.label, network.name);
    std::string title = fmt::format("{}, {}", state->written, network.name);
    if (Status failed =
            drawWaves(getSample(fields, 0), grid, options.signal, title, path))
      return failed.error();
  }
  return json;
}
