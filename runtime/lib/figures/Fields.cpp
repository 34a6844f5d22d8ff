//===- Fields.cpp - Fields, film strips, space and time -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/figures/Frame.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace loco;
using namespace loco::layout;

static Status verifyRank(const Tensor &values, size_t rank,
                         const std::string &title, const char *expected) {
  if (values.shape().size() != rank)
    return Error{"the field `" + title + "` of shape " +
                 describe(values.shape()) + " cannot be drawn, expected " +
                 expected};
  if (values.size() == 0)
    return Error{"the field `" + title + "` of shape " +
                 describe(values.shape()) + " is empty"};
  return {};
}

static Status verifyRange(const FieldOptions &options) {
  if (options.range && !(options.range->first < options.range->second))
    return Error{"the range of the field `" + options.title +
                 "` is empty, expected the lower value first"};
  return {};
}

static Axis axisOf(const std::string &label,
                   const std::optional<AxisSpan> &span, int64_t cells,
                   int most) {
  return span ? valueAxis(label, span->first, span->second, most)
              : cellAxis(label, cells, most);
}

/// A field in a plot of a given size.
static Figure fieldIn(double width, double height, const Tensor &field,
                      const FieldOptions &options) {
  int64_t rows = field.shape()[0], columns = field.shape()[1];
  ValueColors colors = valueColors(options, field);
  Page page = placePage(options.title, width, height,
                        axisOf(options.columnLabel, options.columnSpan, columns,
                               std::max(2, int(width / 30))),
                        axisOf(options.rowLabel, options.rowSpan, rows,
                               std::max(2, int(height / 24))),
                        roomForBar(colors, options.valueLabel, height),
                        missingNote(countNotFinite(field)));
  Raster raster = rasterOf(field, 0, rows, columns, colors);
  return Figure(page.width, page.height,
                [page, raster, colors, options](Canvas &canvas) {
                  canvas.image(raster, page.plot);
                  drawPage(canvas, page);
                  drawBar(canvas, page.plot, colors, options.valueLabel);
                });
}

Expected<Figure> loco::fieldFigure(const Tensor &field,
                                   const FieldOptions &options) {
  if (Status failed = verifyRank(field, 2, options.title, "rows and columns"))
    return failed.error();
  if (Status failed = verifyRange(options))
    return failed.error();
  double width = 250, height = 250;
  if (options.rowSpan || options.columnSpan) {
    height = 190;
  } else {
    double cell = 250 / double(std::max(field.shape()[0], field.shape()[1]));
    width = std::max(40.0, cell * double(field.shape()[1]));
    height = std::max(40.0, cell * double(field.shape()[0]));
  }
  return fieldIn(width, height, field, options);
}

Expected<Figure> loco::spaceTimeFigure(const Tensor &field,
                                       FieldOptions options) {
  if (Status failed = verifyRank(field, 2, options.title, "steps and sites"))
    return failed.error();
  if (Status failed = verifyRange(options))
    return failed.error();
  int64_t steps = field.shape()[0], sites = field.shape()[1];
  Tensor upright(ElementType::F64, {sites, steps});
  for (int64_t step = 0; step < steps; ++step)
    for (int64_t site = 0; site < sites; ++site)
      upright.as<double>()[(sites - 1 - site) * steps + step] =
          field.at(step * sites + site);
  if (options.columnLabel.empty())
    options.columnLabel = "time step";
  if (options.rowLabel.empty())
    options.rowLabel = "site";
  if (!options.rowSpan)
    options.rowSpan = {double(sites) - 0.5, -0.5};
  double height = std::clamp(3.0 * double(sites), 90.0, 190.0);
  double width = std::clamp(1.0 * double(steps), 300.0, 420.0);
  return fieldIn(width, height, upright, options);
}

/// Distance between the middles of neighbouring cells, to find the outer edges.
static AxisSpan outerEdges(const std::vector<double> &middles) {
  double half = middles.size() > 1 ? (middles[1] - middles[0]) / 2 : 0.5;
  return {middles.front() - half, middles.back() + half};
}

Expected<Figure> loco::spectrumFigure(const WaveSpectrum &spectrum,
                                      const std::string &title) {
  if (Status failed =
          verifyRank(spectrum.power, 2, title, "frequencies and wave numbers"))
    return failed.error();
  int64_t rows = spectrum.power.shape()[0], columns = spectrum.power.shape()[1];
  Tensor shown(ElementType::F64, {rows, columns});
  double largest = -std::numeric_limits<double>::infinity();
  for (int64_t at = 0; at < shown.size(); ++at)
    largest = std::max(largest, std::log10(spectrum.power.at(at)));
  // No power at all: one colour, at the bottom of the scale.
  if (!std::isfinite(largest))
    largest = 0;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      shown.as<double>()[(rows - 1 - row) * columns + column] = std::max(
          largest - 6, std::log10(spectrum.power.at(row * columns + column)));
  FieldOptions options;
  options.title = title;
  options.colors = ColorScale::Sequential;
  options.range = {largest - 6, largest};
  options.valueLabel = "log₁₀ power";
  options.columnLabel = "wave number (rad/site)";
  options.rowLabel = "frequency (rad/step)";
  options.columnSpan = outerEdges(spectrum.wavenumbers);
  AxisSpan up = outerEdges(spectrum.frequencies);
  options.rowSpan = {up.second, up.first};
  return fieldIn(250, 190, shown, options);
}

/// Evenly spaced steps, the first and the last among them.
static std::vector<int64_t> evenSteps(int64_t steps, int64_t most) {
  std::vector<int64_t> shown;
  int64_t count = std::min(steps, most);
  for (int64_t index = 0; index < count; ++index)
    shown.push_back(
        count == 1 ? 0 : (index * (steps - 1) + (count - 1) / 2) / (count - 1));
  return shown;
}

Expected<Figure> loco::filmStripFigure(const Tensor &field,
                                       const FieldOptions &options,
                                       std::vector<int64_t> shown) {
  if (Status failed =
          verifyRank(field, 3, options.title, "steps, rows and columns"))
    return failed.error();
  if (Status failed = verifyRange(options))
    return failed.error();
  int64_t steps = field.shape()[0];
  int64_t rows = field.shape()[1], columns = field.shape()[2];
  if (shown.empty())
    shown = evenSteps(steps, 8);
  for (int64_t step : shown)
    if (step < 0 || step >= steps)
      return Error{"the field `" + options.title + "` has no step " +
                   std::to_string(step) + ", it has " + std::to_string(steps)};

  const double frame = 84, gap = 5, caption = 13;
  int64_t perRow =
      std::min<int64_t>(int64_t(shown.size()), shown.size() <= 6   ? 6
                                               : shown.size() <= 8 ? 4
                                                                   : 6);
  int64_t lines = (int64_t(shown.size()) + perRow - 1) / perRow;
  double cell = frame / double(std::max(rows, columns));
  double width = std::max(16.0, cell * double(columns));
  double height = std::max(16.0, cell * double(rows));
  double stripWidth = double(perRow) * (width + gap) - gap;
  double stripHeight = double(lines) * (height + caption + gap) - gap;

  ValueColors colors = valueColors(options, field);
  Page page = placePage(options.title, stripWidth, stripHeight, Axis{}, Axis{},
                        roomForBar(colors, options.valueLabel, stripHeight),
                        missingNote(countNotFinite(field)));
  std::vector<Raster> rasters;
  for (int64_t step : shown)
    rasters.push_back(
        rasterOf(field, step * rows * columns, rows, columns, colors));
  return Figure(page.width, page.height, [=](Canvas &canvas) {
    drawTitle(canvas, {page.plot.center().x, page.plot.y - 6}, page.title);
    for (size_t index = 0; index < shown.size(); ++index) {
      Box box{page.plot.x + double(index % perRow) * (width + gap),
              page.plot.y + caption +
                  double(index / perRow) * (height + caption + gap),
              width, height};
      canvas.image(rasters[index], box);
      canvas.outline(box, ink::frame, 0.5);
      canvas.text({box.center().x, box.y - 3},
                  "t = " + std::to_string(shown[index]),
                  {tickSize, Across::Center, Upright::Baseline});
    }
    Box strip{page.plot.x, page.plot.y + caption, stripWidth,
              stripHeight - caption};
    drawBar(canvas, strip, colors, options.valueLabel);
    drawNotes(canvas, {page.plot.center().x, page.plot.bottom() + 4},
              page.notes);
  });
}
