//===- ClassMap.cpp - Maps of what sites prefer ---------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/figures/Frame.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

using namespace loco;
using namespace loco::layout;

namespace {

/// A panel with its place worked out.
struct PlacedPanel {
  ClassMapPanel content;
  int64_t rows, columns;
  Axis across, down;
  /// Of the whole panel, and of the map in it.
  double width = 0, height = 0;
  Box plot{};
};

struct PlacedLegend {
  ClassLegend content;
  std::vector<Color> colors;
  bool hasCross = false;
  double width = 0, height = 0;
};

} // namespace

static constexpr double longSide = 240;
static constexpr double panelGap = 16;
static constexpr double legendStep = 15;
static constexpr double legendSwatch = 15;

ClassLegend loco::orientationLegend(int64_t count) {
  ClassLegend legend{"orientation", {}};
  for (int64_t index = 0; index < count; ++index) {
    double angle = 90 - 180 * double(index) / double(count);
    char text[32];
    std::snprintf(text, sizeof text, "%.4g°", std::abs(angle));
    legend.entries.push_back(
        {(angle < 0 ? "−" : "") + std::string(text), angle});
  }
  return legend;
}

ClassLegend loco::numberedLegend(std::string heading, int64_t classes) {
  ClassLegend legend{std::move(heading), {}};
  for (int64_t index = 0; index < classes; ++index)
    legend.entries.push_back({std::to_string(index), {}});
  return legend;
}

static Status verifyMap(const Tensor &map, size_t classes,
                        const std::string &title) {
  if (map.type() != ElementType::I32 || map.shape().empty() ||
      map.shape().size() > 2)
    return Error{"the map `" + title + "` of shape " + describe(map.shape()) +
                 " cannot be drawn, expected whole numbers over one or two "
                 "axes"};
  if (map.size() == 0)
    return Error{"the map `" + title + "` has no sites"};
  for (int64_t at = 0; at < map.size(); ++at)
    if (int32_t label = map.as<int32_t>()[at];
        label < -1 || label >= int32_t(classes))
      return Error{"the map `" + title + "` holds class " +
                   std::to_string(label) + ", but the legend names " +
                   std::to_string(classes) + " classes"};
  return {};
}

static Status verifyPanels(const std::vector<ClassMapPanel> &panels,
                           const ClassLegend &legend) {
  if (panels.empty())
    return Error{"a figure of maps needs at least one map"};
  for (const ClassMapPanel &panel : panels) {
    size_t classes = legend.entries.size();
    if (Status failed = verifyMap(panel.map, classes, panel.title))
      return failed;
    if (!panel.best)
      continue;
    if (Status failed = verifyMap(*panel.best, classes, panel.title))
      return failed;
    if (panel.best->shape() != panel.map.shape())
      return Error{"the map `" + panel.title + "` of shape " +
                   describe(panel.map.shape()) + " has best classes of shape " +
                   describe(panel.best->shape())};
  }
  return {};
}

static PlacedPanel placePanel(const ClassMapPanel &content) {
  const Shape &shape = content.map.shape();
  int64_t rows = shape.size() == 2 ? shape[0] : 1, columns = shape.back();
  PlacedPanel panel{content, rows, columns, cellAxis("", columns, 10),
                    cellAxis("", rows, 10)};
  double cell = longSide / double(std::max(rows, columns));
  // A single ring is drawn as a band one can see.
  Box plot{0, 0, std::max(cell * double(columns), 24.0),
           std::max(cell * double(rows), 24.0)};
  if (rows == 1)
    panel.down.ticks.clear();
  plot.x = roomLeft(panel.down) + 2;
  plot.y = content.title.empty() ? 2 : titleSize + 7;
  panel.width = plot.right() + 2;
  // Long notes make room on both sides, so that they stay centred.
  double notes = widestText(content.notes, noteSize);
  double overhang =
      std::max(0.0, (notes - plot.width) / 2 - std::min(plot.x, 2.0));
  plot.x += std::max(0.0, overhang - (plot.x - 2));
  panel.width = std::max(plot.right() + 2, plot.right() + overhang);
  panel.height = plot.bottom() + roomBelow(panel.across) +
                 (content.notes.empty() ? 0 : 8) +
                 noteStep * double(content.notes.size());
  panel.plot = plot;
  return panel;
}

static PlacedLegend placeLegend(const ClassLegend &content, bool hasCross) {
  PlacedLegend legend{content, {}, hasCross};
  bool oriented = true;
  std::vector<std::string> lines = {content.heading};
  for (const ClassLegend::Entry &entry : content.entries) {
    oriented = oriented && entry.angle.has_value();
    lines.push_back(entry.label);
  }
  int64_t count = int64_t(content.entries.size());
  legend.colors = oriented ? orientationColors(count) : classColors(count);
  if (hasCross)
    lines.push_back("unselective");
  double names = 0;
  for (size_t line = 1; line < lines.size(); ++line)
    names = std::max(names, textWidth(lines[line], tickSize));
  legend.width =
      std::max(textWidth(content.heading, labelSize), legendSwatch + 6 + names);
  legend.height = labelSize + 8 + legendStep * double(lines.size() - 1);
  return legend;
}

/// A cross over a box, in strokes whose width goes with its size.
static void drawCross(Canvas &canvas, const Box &box, const Color &color) {
  double size = std::min(box.width, box.height), reach = 0.24 * size;
  Point center = box.center();
  double width = std::clamp(0.13 * size, 0.3, 1.1);
  for (double slope : {1.0, -1.0})
    canvas.line({{center.x - reach, center.y - slope * reach},
                 {center.x + reach, center.y + slope * reach}},
                color, width);
}

/// Black, or white where black would not be seen.
static Color crossOn(const Color &ground) {
  double light =
      0.299 * ground.red + 0.587 * ground.green + 0.114 * ground.blue;
  return light < 0.4 ? ink::white : ink::black;
}

static void drawPanel(Canvas &canvas, const PlacedPanel &panel,
                      const std::vector<Color> &colors) {
  const ClassMapPanel &content = panel.content;
  const int32_t *map = content.map.as<int32_t>();
  const int32_t *shown = content.best ? content.best->as<int32_t>() : map;
  auto ground = [&](int64_t site) {
    return shown[site] < 0 ? ink::white : colors[shown[site]];
  };
  Raster raster{panel.columns, panel.rows, {}};
  for (int64_t site = 0; site < content.map.size(); ++site)
    raster.pixels.push_back(ground(site).packed());
  canvas.image(raster, panel.plot);

  double width = panel.plot.width / double(panel.columns);
  double height = panel.plot.height / double(panel.rows);
  for (int64_t site = 0; site < content.map.size(); ++site)
    if (map[site] < 0)
      drawCross(canvas,
                {panel.plot.x + width * double(site % panel.columns),
                 panel.plot.y + height * double(site / panel.columns), width,
                 height},
                crossOn(ground(site)));

  drawFrame(canvas, panel.plot, panel.across, panel.down);
  double middle = panel.plot.center().x;
  drawTitle(canvas, {middle, panel.plot.y - 6}, content.title);
  drawNotes(canvas, {middle, panel.plot.bottom() + roomBelow(panel.across) + 5},
            content.notes);
}

/// A bar through the middle of a box at an angle.
static void drawOrientation(Canvas &canvas, const Box &box, double degrees,
                            const Color &color) {
  double angle = degrees * std::numbers::pi / 180;
  double reach = box.height / 2 - 1.6;
  double x = reach * std::cos(angle), y = -reach * std::sin(angle);
  Point center = box.center();
  canvas.line({{center.x - x, center.y - y}, {center.x + x, center.y + y}},
              color, 3.2);
}

static void drawLegend(Canvas &canvas, const PlacedLegend &legend,
                       Point corner) {
  canvas.text(corner, legend.content.heading,
              {labelSize, Across::Left, Upright::Top});
  double y = corner.y + labelSize + 8;
  auto name = [&](const std::string &text) {
    canvas.text({corner.x + legendSwatch + 6, y + legendStep / 2}, text,
                {tickSize, Across::Left, Upright::Middle});
    y += legendStep;
  };
  for (size_t index = 0; index < legend.colors.size(); ++index) {
    const ClassLegend::Entry &entry = legend.content.entries[index];
    Box swatch{corner.x, y + (legendStep - legendSwatch) / 2, legendSwatch,
               legendSwatch};
    if (entry.angle)
      drawOrientation(canvas, swatch, *entry.angle, legend.colors[index]);
    else
      canvas.fill(
          Box{swatch.x + 2, swatch.y + 2, legendSwatch - 4, legendSwatch - 4},
          legend.colors[index]);
    name(entry.label);
  }
  if (legend.hasCross) {
    drawCross(canvas, {corner.x, y, legendSwatch, legendStep}, ink::black);
    name("unselective");
  }
}

Expected<Figure> loco::classMapFigure(const std::vector<ClassMapPanel> &panels,
                                      const ClassLegend &legend) {
  if (Status failed = verifyPanels(panels, legend))
    return failed.error();

  std::vector<PlacedPanel> placed;
  bool hasCross = false;
  double width = margin, height = 0, mapTop = 0;
  for (const ClassMapPanel &panel : panels) {
    placed.push_back(placePanel(panel));
    width += placed.back().width + panelGap;
    height = std::max(height, placed.back().height);
    mapTop = std::max(mapTop, placed.back().plot.y);
    const int32_t *map = panel.map.as<int32_t>();
    hasCross |= std::count(map, map + panel.map.size(), -1) > 0;
  }
  PlacedLegend names = placeLegend(legend, hasCross);
  double legendLeft = width;
  width += names.width + margin;
  height = std::max(height, mapTop + names.height) + 2 * margin;
  return Figure(width, height, [=](Canvas &canvas) {
    double x = margin;
    for (PlacedPanel panel : placed) {
      panel.plot.x += x;
      panel.plot.y = margin + mapTop;
      drawPanel(canvas, panel, names.colors);
      x += panel.width + panelGap;
    }
    drawLegend(canvas, names, {legendLeft, margin + mapTop});
  });
}
