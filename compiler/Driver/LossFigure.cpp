//===- LossFigure.cpp - The losses of a run, drawn -----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/LossFigure.h"

#include "loco/Figures.h"
#include "loco/Files.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <nlohmann/json.hpp>

using namespace loco;
using Json = nlohmann::ordered_json;

/// Adds the number called `name` of a line of metrics, if there is one.
static void addPoint(const Json &line, const char *name, Series &series) {
  auto found = line.find(name);
  if (found == line.end() || !found->is_number())
    return;
  series.x.push_back(line.at("update").get<double>());
  series.y.push_back(found->get<double>());
}

static bool isPositive(const Series &series) {
  return llvm::all_of(series.y, [](double y) { return y > 0; });
}

Status loco::drawLosses(const std::string &metrics, const std::string &path) {
  auto text = readFile(metrics);
  if (!text)
    return text.error();
  Series training{"", {}, {}}, validation{"validation", {}, {}};
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(*text).split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef line : lines) {
    Json json = Json::parse(line.begin(), line.end(), nullptr, false);
    if (!json.is_object() || !json.contains("update"))
      continue;
    addPoint(json, "loss", training);
    addPoint(json, "validation_loss", validation);
  }
  if (training.x.empty())
    return {};
  LinePlotOptions plot;
  plot.xLabel = "update";
  plot.yLabel = "loss";
  plot.logY = isPositive(training) && isPositive(validation);
  std::vector<Series> all = {training};
  if (!validation.x.empty()) {
    all.front().label = "training";
    all.push_back(validation);
  }
  auto figure = linePlotFigure(all, plot);
  return figure ? figure->write(path) : Status(figure.error());
}
