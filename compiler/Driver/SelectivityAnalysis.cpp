//===- SelectivityAnalysis.cpp - Maps of what sites prefer ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Analysis.h"
#include "compiler/Driver/RunPlanning.h"

#include "loco/Figures.h"
#include "loco/Selectivity.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace loco;
using Json = nlohmann::ordered_json;

/// The stimuli, with the model's image put in front where the program leaves it
/// out.
static DataOption getStimuli(const sema::PlanValue &call,
                             const AnalysisSubject &subject) {
  DataOption stimuli = toDataOption(call);
  bool hasImage =
      !stimuli.arguments.empty() && stimuli.arguments.front().name.empty();
  if (hasImage)
    return stimuli;
  for (const ArgumentSpec &argument : subject.program->arguments()) {
    if (argument.role != ArgumentRole::Input || argument.shape.size() < 2)
      continue;
    std::vector<DataOption> extents;
    for (int64_t extent : argument.shape)
      extents.push_back(DataOption::ofNumber(static_cast<double>(extent)));
    stimuli.arguments.insert(stimuli.arguments.begin(),
                             DataOption::ofCall("image", std::move(extents)));
    break;
  }
  return stimuli;
}

static Json toJson(const MapStatistics &statistics) {
  return {{"selective_share", statistics.selectiveShare},
          {"domains", statistics.domains},
          {"large_domains", statistics.largeDomains},
          {"equal_neighbours", statistics.equalNeighbours},
          {"equal_neighbours_shuffled", statistics.equalNeighboursShuffled},
          {"adjacent_neighbours", statistics.adjacentNeighbours},
          {"selective_pairs", statistics.selectivePairs},
          {"sites_per_class", statistics.sitesPerClass}};
}

Expected<Json> loco::analyzeSelectivity(const sema::Setting &save,
                                        const AnalysisSubject &subject) {
  const sema::PlanValue &call = *save.value;
  const sema::PlanValue *response = call.find("response", 0);
  const sema::PlanValue *stimuli = call.find("stimuli"), *by = call.find("by");
  std::string name = response->text;
  const sema::Space *space = getResultSpace(*subject.model, name);
  const sema::PlanValue *limit = call.find("threshold");
  double threshold = limit ? limit->number : 0.65;

  AnalysisSubject all = subject;
  std::optional<DataOption> data = subject.data;
  if (stimuli) {
    data = getStimuli(*stimuli, subject);
    all.samples = std::numeric_limits<int32_t>::max();
  }
  if (!data)
    return Error{"`selectivity` by a label needs `data` in the block"};

  Json json = {{"stimuli", data->toText()}, {"threshold", threshold}};
  std::vector<ClassMapPanel> panels;
  int64_t classes = 0;
  for (const Network &network : subject.networks) {
    auto responses = collectResponses(all, *network.parameters, *data, {name});
    if (!responses)
      return responses.error();
    if (responses->classes == 0)
      return Error{fmt::format("the samples of `{}` have no class `label`",
                               data->toText())};
    classes = responses->classes;
    json["samples"] = responses->samples;
    auto found = selectivity(responses->results.at(name),
                             responses->fields.at("label"), classes, threshold);
    if (!found)
      return found.error();
    auto statistics = mapStatistics(found->map, getSiteGrid(*space), classes);
    if (!statistics)
      return statistics.error();
    json[network.name] = toJson(*statistics);
    panels.push_back(
        {network.name, found->map, std::nullopt, describe(*statistics)});
  }

  ClassLegend legend = stimuli
                           ? orientationLegend(classes)
                           : numberedLegend(by ? by->text : "class", classes);
  auto figure = classMapFigure(panels, legend);
  if (!figure)
    return figure.error();
  if (Status failed = figure->write(subject.folder + "/" + save.label + ".png"))
    return failed.error();
  return json;
}
