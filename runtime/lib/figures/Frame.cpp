//===- Frame.cpp - Axes, ticks and colour bars ----------------------------===//
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

double Axis::place(double value, double length) const {
  if (logarithmic)
    return length * (std::log(value) - std::log(first)) /
           (std::log(last) - std::log(first));
  return length * (value - first) / (last - first);
}

/// With the typographic minus sign, and zero without one.
static std::string numberText(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  std::string number = text;
  if (number[0] != '-')
    return number;
  number.erase(0, 1);
  bool zero = number.find_first_not_of("0.") == std::string::npos;
  return zero ? number : "−" + number;
}

/// Exponent form, for numbers that would have many digits.
static std::string scientificText(double value) {
  if (value == 0)
    return "0";
  char text[64];
  std::snprintf(text, sizeof text, "%.3g", value);
  std::string number = text;
  if (number[0] == '-')
    number.replace(0, 1, "−");
  return number;
}

/// 1, 2 or 5 times a power of ten, not below a number.
static double roundStep(double least) {
  double power = std::pow(10, std::floor(std::log10(least)));
  for (double digit : {1.0, 2.0, 5.0})
    if (digit * power >= least * (1 - 1e-9))
      return digit * power;
  return 10 * power;
}

std::vector<Tick> loco::roundTicks(double low, double high, int most) {
  if (low > high)
    std::swap(low, high);
  double largest = std::max(std::abs(low), std::abs(high));
  // Steps that doubles cannot tell apart would never end.
  if (!(high - low > std::max(1e-12 * largest, 1e-300)) ||
      !std::isfinite(high - low))
    return {{low, scientificText(low)}};
  double step = roundStep((high - low) / std::max(most, 1));
  double start = std::ceil(low / step - 1e-9);
  double end = std::floor(high / step + 1e-9);
  int decimals = std::max(0, int(-std::floor(std::log10(step) + 1e-9)));
  std::vector<Tick> ticks;
  for (double index = start; index <= end; ++index)
    ticks.push_back({index * step, decimals > 4 || largest >= 1e6
                                       ? scientificText(index * step)
                                       : numberText(index * step, decimals)});
  return ticks;
}

static std::string powerText(int exponent) {
  if (exponent >= -2 && exponent <= 3)
    return numberText(std::pow(10, exponent), std::max(0, -exponent));
  static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴",
                                       "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = exponent < 0 ? "10⁻" : "10";
  for (char digit : std::to_string(std::abs(exponent)))
    text += digits[digit - '0'];
  return text;
}

std::vector<Tick> loco::powerTicks(double low, double high, int most) {
  int first = int(std::ceil(std::log10(low) - 1e-9));
  int last = int(std::floor(std::log10(high) + 1e-9));
  std::vector<Tick> ticks;
  if (last - first >= 2) {
    int step = std::max(1, (last - first + most) / std::max(most, 1));
    for (int exponent = first; exponent <= last; exponent += step)
      ticks.push_back({std::pow(10, exponent), powerText(exponent)});
    return ticks;
  }
  for (int exponent = first - 1; exponent <= last; ++exponent)
    for (double digit : {1.0, 2.0, 5.0}) {
      double value = digit * std::pow(10, exponent);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9))
        ticks.push_back({value, scientificText(value)});
    }
  return ticks.size() >= 2 ? ticks : roundTicks(low, high, most);
}

Axis loco::cellAxis(std::string label, int64_t cells, int most) {
  double step = cells <= 12 ? std::max(1.0, roundStep(double(cells) / 6))
                            : std::max(10.0, roundStep(double(cells) / most));
  Axis axis{std::move(label), -0.5, double(cells) - 0.5, {}};
  for (double value = 0; value < double(cells); value += step)
    axis.ticks.push_back({value, numberText(value, 0)});
  return axis;
}

Axis loco::valueAxis(std::string label, double first, double last, int most) {
  return {std::move(label), first, last, roundTicks(first, last, most)};
}

double loco::roomBelow(const Axis &axis) {
  double room = axis.ticks.empty() ? 0 : tickLength + 3 + tickSize;
  return room + (axis.label.empty() ? 0 : 4 + labelSize);
}

static double widestTick(const std::vector<Tick> &ticks) {
  double widest = 0;
  for (const Tick &tick : ticks)
    widest = std::max(widest, textWidth(tick.text, tickSize));
  return widest;
}

double loco::roomLeft(const Axis &axis) {
  double room =
      axis.ticks.empty() ? 0 : tickLength + 2 + widestTick(axis.ticks);
  return room + (axis.label.empty() ? 0 : 5 + labelSize);
}

void loco::drawFrame(Canvas &canvas, const Box &plot, const Axis &across,
                     const Axis &down) {
  canvas.outline(plot, ink::frame, hairline);
  for (const Tick &tick : across.ticks) {
    double x = plot.x + across.place(tick.value, plot.width);
    canvas.line({{x, plot.bottom()}, {x, plot.bottom() + tickLength}},
                ink::frame, hairline);
    canvas.text({x, plot.bottom() + tickLength + 2.5}, tick.text,
                {tickSize, Across::Center, Upright::Top});
  }
  for (const Tick &tick : down.ticks) {
    double y = plot.y + down.place(tick.value, plot.height);
    canvas.line({{plot.x - tickLength, y}, {plot.x, y}}, ink::frame, hairline);
    canvas.text({plot.x - tickLength - 2, y}, tick.text,
                {tickSize, Across::Right, Upright::Middle});
  }
  if (!across.label.empty())
    canvas.text({plot.center().x, plot.bottom() + roomBelow(across)},
                across.label, {labelSize, Across::Center, Upright::Baseline});
  if (!down.label.empty()) {
    TextStyle style{labelSize, Across::Center, Upright::Top};
    style.vertical = true;
    canvas.text({plot.x - roomLeft(down), plot.center().y}, down.label, style);
  }
}

std::vector<Tick> loco::colorTicks(const ValueColors &colors, int most) {
  if (colors.scale == ColorScale::Phase)
    return {{-std::numbers::pi, "−π"}, {0, "0"}, {std::numbers::pi, "π"}};
  return roundTicks(colors.low, colors.high, most);
}

/// As many ticks as a bar of this height carries without crowding.
static int ticksOnBar(double height) {
  return std::clamp(int(height / 28), 2, 8);
}

/// A label of a letter or two stands over the bar, a longer one beside it.
static bool standsOver(const std::string &label) {
  return textWidth(label, labelSize) <= 2 * barWidth;
}

double loco::roomForBar(const ValueColors &colors, const std::string &label,
                        double height) {
  return 8 + barWidth + tickLength + 3 +
         widestTick(colorTicks(colors, ticksOnBar(height))) +
         (label.empty() || standsOver(label) ? 0 : 5 + labelSize);
}

void loco::drawBar(Canvas &canvas, const Box &plot, const ValueColors &colors,
                   const std::string &label) {
  Box bar{plot.right() + 8, plot.y, barWidth, plot.height};
  Raster shades{1, 256, {}};
  for (int step = 0; step < 256; ++step) {
    double down = (step + 0.5) / 256;
    shades.pixels.push_back(
        colors(colors.high * (1 - down) + colors.low * down).packed());
  }
  canvas.image(shades, bar);
  canvas.outline(bar, ink::frame, hairline);
  for (const Tick &tick : colorTicks(colors, ticksOnBar(plot.height))) {
    double y = bar.bottom() - bar.height * (tick.value - colors.low) /
                                  (colors.high - colors.low);
    canvas.line({{bar.right(), y}, {bar.right() + tickLength, y}}, ink::frame,
                hairline);
    canvas.text({bar.right() + tickLength + 2, y}, tick.text,
                {tickSize, Across::Left, Upright::Middle});
  }
  if (label.empty())
    return;
  if (standsOver(label))
    return canvas.text({bar.center().x, bar.y - 4}, label,
                       {labelSize, Across::Center, Upright::Baseline});
  TextStyle style{labelSize, Across::Center, Upright::Baseline};
  style.vertical = true;
  canvas.text(
      {plot.right() + roomForBar(colors, label, plot.height), bar.center().y},
      label, style);
}

std::vector<std::string> loco::missingNote(int64_t count) {
  if (count == 0)
    return {};
  if (count == 1)
    return {"1 value is not finite (grey)"};
  return {std::to_string(count) + " values are not finite (grey)"};
}

Page loco::placePage(std::string title, double plotWidth, double plotHeight,
                     Axis across, Axis down, double roomRight,
                     std::vector<std::string> notes) {
  Page page{std::move(title),
            std::move(notes),
            std::move(across),
            std::move(down),
            0,
            0,
            {}};
  double top = margin + (page.title.empty() ? 0 : titleSize + 6);
  double left = margin + roomLeft(page.down);
  // A wide title or note pushes the margins out evenly.
  double wide = std::max(textWidth(page.title, titleSize, true),
                         widestText(page.notes, noteSize));
  double overhang = std::max(0.0, (wide - plotWidth) / 2) + margin;
  // The last tick label reaches half its width beyond the plot.
  double lastTick =
      page.across.ticks.empty()
          ? 0
          : textWidth(page.across.ticks.back().text, tickSize) / 2;
  left = std::max(left, overhang);
  double right = std::max({roomRight, lastTick}) + margin;
  page.plot = {left, top, plotWidth, plotHeight};
  page.width = page.plot.right() + std::max(right, overhang);
  page.height = page.plot.bottom() + roomBelow(page.across) + margin +
                (page.notes.empty() ? 0 : 4) +
                noteStep * double(page.notes.size());
  return page;
}

void loco::drawTitle(Canvas &canvas, Point place, const std::string &title) {
  TextStyle style{titleSize, Across::Center, Upright::Baseline};
  style.bold = true;
  canvas.text(place, title, style);
}

void loco::drawNotes(Canvas &canvas, Point place,
                     const std::vector<std::string> &notes) {
  for (const std::string &note : notes) {
    place.y += noteStep;
    canvas.text(place, note,
                {noteSize, Across::Center, Upright::Baseline, ink::quiet});
  }
}

void loco::drawPage(Canvas &canvas, const Page &page) {
  drawFrame(canvas, page.plot, page.across, page.down);
  double middle = page.plot.center().x;
  drawTitle(canvas, {middle, page.plot.y - 6}, page.title);
  drawNotes(canvas, {middle, page.plot.bottom() + roomBelow(page.across) + 4},
            page.notes);
}

Raster loco::rasterOf(const Tensor &values, int64_t offset, int64_t rows,
                      int64_t columns, const ValueColors &colors) {
  Raster raster{columns, rows, {}};
  raster.pixels.reserve(rows * columns);
  for (int64_t at = 0; at < rows * columns; ++at)
    raster.pixels.push_back(colors(values.at(offset + at)).packed());
  return raster;
}
