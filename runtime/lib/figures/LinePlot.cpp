//===- LinePlot.cpp - Lines through points --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/figures/Frame.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

using namespace loco;
using namespace loco::layout;

static constexpr double plotWidth = 330;
static constexpr double plotHeight = 200;

namespace {

/// The ends of the data along one axis.
struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

/// A series as pieces of line in units of the plot, y down.
struct PlacedSeries {
  std::string label;
  Color color;
  std::vector<std::vector<Point>> pieces;
};

} // namespace

static bool drawable(double value, bool logarithmic) {
  return std::isfinite(value) && (!logarithmic || value > 0);
}

/// An axis with a little room around the data.
static Axis axisAround(Extent extent, bool logarithmic, std::string label,
                       int most, double room) {
  if (logarithmic) {
    double low = std::log10(extent.low), high = std::log10(extent.high);
    double space = std::max(room * (high - low), high > low ? 0.02 : 0.2);
    low = std::pow(10, std::max(low - space, -307.0));
    high = std::pow(10, std::min(high + space, 308.0));
    return {std::move(label), low, high, powerTicks(low, high, most), true};
  }
  double space = room * (extent.high - extent.low);
  if (extent.high == extent.low)
    space = extent.low == 0 ? 1 : std::abs(extent.low) / 10;
  return valueAxis(std::move(label), extent.low - space, extent.high + space,
                   most);
}

static PlacedSeries placeSeries(const Series &series, const Color &color,
                                const Axis &across, const Axis &up) {
  PlacedSeries placed{series.label, color, {{}}};
  for (size_t at = 0; at < series.x.size(); ++at) {
    bool good = drawable(series.x[at], across.logarithmic) &&
                drawable(series.y[at], up.logarithmic);
    if (good)
      placed.pieces.back().push_back({across.place(series.x[at], plotWidth),
                                      up.place(series.y[at], plotHeight)});
    else if (!placed.pieces.back().empty())
      placed.pieces.push_back({});
  }
  return placed;
}

/// The corner box that hides the fewest points.
static Box emptiestCorner(const std::vector<PlacedSeries> &series, double width,
                          double height) {
  const double inset = 6;
  std::array<Box, 4> corners = {
      Box{plotWidth - width - inset, inset, width, height},
      Box{inset, inset, width, height},
      Box{plotWidth - width - inset, plotHeight - height - inset, width,
          height},
      Box{inset, plotHeight - height - inset, width, height}};
  auto hidden = [&](const Box &box) {
    int64_t count = 0;
    for (const PlacedSeries &one : series)
      for (const std::vector<Point> &piece : one.pieces)
        for (const Point &point : piece)
          count += point.x > box.x && point.x < box.right() &&
                   point.y > box.y && point.y < box.bottom();
    return count;
  };
  return *std::min_element(
      corners.begin(), corners.end(),
      [&](const Box &a, const Box &b) { return hidden(a) < hidden(b); });
}

static void drawLines(Canvas &canvas, const Box &plot,
                      const std::vector<PlacedSeries> &series) {
  canvas.clip(plot);
  for (const PlacedSeries &one : series)
    for (const std::vector<Point> &piece : one.pieces) {
      std::vector<Point> points;
      for (const Point &point : piece)
        points.push_back({plot.x + point.x, plot.y + point.y});
      // A point between two gaps is a dot.
      if (points.size() == 1)
        points.push_back(points.front());
      if (!points.empty())
        canvas.line(points, one.color, points.size() > 500 ? 0.9 : 1.3, true);
    }
  canvas.unclip();
}

static void drawSeriesLegend(Canvas &canvas, const Box &plot,
                             const std::vector<PlacedSeries> &series) {
  const double step = 13, stroke = 16;
  std::vector<std::string> names;
  for (const PlacedSeries &one : series)
    names.push_back(one.label);
  Box box = emptiestCorner(series, stroke + 16 + widestText(names, tickSize),
                           step * double(names.size()) + 6);
  box.x += plot.x;
  box.y += plot.y;
  canvas.fill(box, {1, 1, 1, 0.85});
  canvas.outline(box, ink::grid, hairline);
  double y = box.y + 3 + step / 2;
  for (const PlacedSeries &one : series) {
    canvas.line({{box.x + 5, y}, {box.x + 5 + stroke, y}}, one.color, 1.6);
    canvas.text({box.x + 10 + stroke, y}, one.label,
                {tickSize, Across::Left, Upright::Middle});
    y += step;
  }
}

static void drawGrid(Canvas &canvas, const Page &page) {
  const Box &plot = page.plot;
  for (const Tick &tick : page.across.ticks) {
    double x = plot.x + page.across.place(tick.value, plot.width);
    canvas.line({{x, plot.y}, {x, plot.bottom()}}, ink::grid, 0.6);
  }
  for (const Tick &tick : page.down.ticks) {
    double y = plot.y + page.down.place(tick.value, plot.height);
    canvas.line({{plot.x, y}, {plot.right(), y}}, ink::grid, 0.6);
  }
}

Expected<Figure> loco::linePlotFigure(const std::vector<Series> &series,
                                      const LinePlotOptions &options) {
  Extent acrossExtent, upExtent;
  int64_t left = 0, out = 0;
  for (const Series &one : series) {
    if (one.x.size() != one.y.size())
      return Error{"the series `" + one.label + "` has " +
                   std::to_string(one.x.size()) + " places but " +
                   std::to_string(one.y.size()) + " values"};
    for (size_t at = 0; at < one.x.size(); ++at) {
      bool good = drawable(one.x[at], options.logX) &&
                  drawable(one.y[at], options.logY);
      ++(good ? left : out);
      if (good) {
        acrossExtent.include(one.x[at]);
        upExtent.include(one.y[at]);
      }
    }
  }
  if (left == 0)
    return Error{"the plot `" + options.title +
                 "` has no point to draw among " + std::to_string(out)};

  Axis across = axisAround(acrossExtent, options.logX, options.xLabel, 8, 0.02);
  Axis up = axisAround(upExtent, options.logY, options.yLabel, 7, 0.05);
  // Values grow upwards, places downwards.
  std::swap(up.first, up.last);
  std::vector<std::string> notes;
  if (out)
    notes.push_back(
        std::to_string(out) + (out == 1 ? " point is" : " points are") +
        (options.logX || options.logY ? " not finite or not positive (left out)"
                                      : " not finite (left out)"));
  std::vector<PlacedSeries> placed;
  std::vector<Color> colors =
      classColors(std::max<int64_t>(int64_t(series.size()), 1));
  bool named = false;
  for (size_t index = 0; index < series.size(); ++index) {
    placed.push_back(placeSeries(series[index], colors[index], across, up));
    named |= !series[index].label.empty();
  }
  Page page =
      placePage(options.title, plotWidth, plotHeight, across, up, 4, notes);
  return Figure(page.width, page.height, [=](Canvas &canvas) {
    drawGrid(canvas, page);
    drawLines(canvas, page.plot, placed);
    drawPage(canvas, page);
    if (named)
      drawSeriesLegend(canvas, page.plot, placed);
  });
}
