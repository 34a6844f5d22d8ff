//===- ProbeFigures.cpp - Pictures of probed values ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/ProbeFigures.h"

#include "loco/Figures.h"

#include "llvm/ADT/StringExtras.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace loco;

/// More lines than this in one plot cannot be told apart.
static constexpr int64_t maxLines = 8;

bool loco::isAngle(const ModelFacts &model, llvm::StringRef result) {
  const ValueFacts *value = model.findValue(result);
  return value && value->isAngle;
}

/// The name as a file's name: `order_parameter_theta` for
/// `order_parameter(theta)`.
static std::string getFileName(llvm::StringRef wanted) {
  std::string name;
  for (char character : wanted)
    if (llvm::isAlnum(character) || character == '.' || character == '-')
      name += character;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  return llvm::StringRef(name).rtrim('_').str();
}

/// The first sample and, of a field with channels, the first channel, in f64;
/// [steps, sites...] or [sites...]. Phases are brought to -pi..pi.
static Tensor getShown(const Tensor &values, const ProbeFigure &figure) {
  Shape shape(values.shape().begin() + 1, values.shape().end());
  int64_t steps = figure.perStep ? shape[0] : 1;
  int64_t perStep = numElements(shape) / steps, kept = perStep;
  if (figure.space && figure.space->channels) {
    kept /= figure.space->channels;
    shape.erase(shape.begin() + (figure.perStep ? 1 : 0));
  }
  Tensor shown(ElementType::F64, shape);
  for (int64_t step = 0; step < steps; ++step)
    for (int64_t i = 0; i < kept; ++i) {
      double value = values.at(step * perStep + i);
      if (figure.isAngle)
        value = std::remainder(value, 2 * std::numbers::pi);
      shown.set(step * kept + i, value);
    }
  return shown;
}

/// Lines over steps: one for each sample of a scalar, or one for each element
/// of the first sample's vector.
static Expected<Figure> makeLines(const Tensor &values,
                                  const ProbeFigure &figure) {
  int64_t samples = values.shape()[0], steps = values.shape()[1];
  bool isVector = values.shape().size() == 3;
  int64_t stride = isVector ? values.shape()[2] : 1;
  int64_t lines = std::min(isVector ? stride : samples, maxLines);
  std::vector<Series> series;
  for (int64_t line = 0; line < lines; ++line) {
    Series &one = series.emplace_back();
    if (lines > 1)
      one.label = fmt::format("{} {}", isVector ? "element" : "sample", line);
    int64_t first = isVector ? line : line * steps;
    for (int64_t step = 0; step < steps; ++step) {
      one.x.push_back(static_cast<double>((step + 1) * figure.every));
      one.y.push_back(values.at(first + step * stride));
    }
  }
  LinePlotOptions options;
  options.xLabel = "step";
  options.yLabel = figure.label;
  return linePlotFigure(series, options);
}

/// Colour images [frames, height, width, 3] of the first sample, eight at most,
/// evenly spaced; fields are channels first.
static Expected<Figure> makeImages(const Tensor &values,
                                   const ProbeFigure &figure) {
  const auto &sites = figure.space->sites;
  int64_t height = sites[0], width = sites[1], pixels = height * width;
  int64_t steps = figure.perStep ? values.shape()[1] : 1;
  int64_t frames = std::min(steps, maxLines);
  Tensor images(ElementType::F64, {frames, height, width, 3});
  ImageGridOptions options;
  for (int64_t frame = 0; frame < frames; ++frame) {
    int64_t step = frames > 1 ? frame * (steps - 1) / (frames - 1) : 0;
    for (int64_t channel = 0; channel < 3; ++channel)
      for (int64_t pixel = 0; pixel < pixels; ++pixel)
        images.set((frame * pixels + pixel) * 3 + channel,
                   values.at((step * 3 + channel) * pixels + pixel));
    options.columnLabels.push_back(
        fmt::format("{}", (step + 1) * figure.every));
  }
  return imageGridFigure({{figure.label, std::move(images)}}, options);
}

/// A field of the first sample.
static Expected<Figure> makeField(const Tensor &values,
                                  const ProbeFigure &figure) {
  FieldOptions options;
  options.title = figure.label;
  if (figure.space && figure.space->channels)
    options.title += ", channel 0";
  if (figure.isAngle)
    options.colors = ColorScale::Phase;
  Tensor shown = getShown(values, figure);
  size_t rank = shown.shape().size() - (figure.perStep ? 1 : 0);
  if (rank == 1 && figure.perStep) {
    double last = static_cast<double>(shown.shape()[0] * figure.every);
    options.columnSpan = {0, last};
    options.columnLabel = "step";
    return spaceTimeFigure(shown, options);
  }
  if (rank == 1) {
    Shape row = {1, shown.size()};
    Tensor line(ElementType::F64, row);
    std::copy_n(shown.as<double>(), shown.size(), line.as<double>());
    return fieldFigure(line, options);
  }
  if (figure.perStep && figure.every > 1)
    options.title += fmt::format(", every {} steps", figure.every);
  return figure.perStep ? filmStripFigure(shown, options)
                        : fieldFigure(shown, options);
}

Status loco::drawProbe(const Tensor &values, const ProbeFigure &figure,
                       const std::string &folder) {
  size_t rank = values.shape().size() - (figure.perStep ? 2 : 1);
  bool isField = figure.space && figure.space->isLattice();
  bool isImage = figure.space && figure.space->kind == sema::SpaceKind::Image;
  bool isShort = rank == 1 && values.shape().back() <= maxLines && !isField;
  if (rank == 0 && !figure.perStep)
    return {};
  auto drawn =
      figure.perStep && (rank == 0 || isShort) ? makeLines(values, figure)
      : isImage && figure.space->channels == 3 ? makeImages(values, figure)
                                               : makeField(values, figure);
  if (!drawn)
    return drawn.error();
  return drawn->write(folder + "/" + getFileName(figure.name) + ".png");
}
