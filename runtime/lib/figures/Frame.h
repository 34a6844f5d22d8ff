//===- Frame.h - Axes, ticks and colour bars --------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_FIGURES_FRAME_H
#define LOCO_FIGURES_FRAME_H

#include "runtime/lib/figures/Canvas.h"
#include "runtime/lib/figures/Palette.h"

#include <string>
#include <vector>

namespace loco {

/// Sizes that all figures share, in points.
namespace layout {
constexpr double margin = 10;
constexpr double titleSize = 10.5;
constexpr double labelSize = 9;
constexpr double tickSize = 8;
constexpr double noteSize = 8;
constexpr double noteStep = 11.5;
constexpr double tickLength = 3;
constexpr double hairline = 0.7;
constexpr double barWidth = 9;
} // namespace layout

struct Tick {
  double value;
  std::string text;
};

struct Axis {
  std::string label;
  /// Values at the left or top end and at the right or bottom end.
  double first, last;
  std::vector<Tick> ticks;
  bool logarithmic = false;

  /// Where a value lies along an axis of this length.
  double place(double value, double length) const;
};

/// Round values between two ends, at most `most` of them, with the digits that
/// tell them apart.
std::vector<Tick> roundTicks(double low, double high, int most);

/// Powers of ten between two ends, thinned out to at most `most`; with 2 and 5
/// times them if there would be fewer than three.
std::vector<Tick> powerTicks(double low, double high, int most);

/// An axis that counts cells, ticks every ten (or a fifth of a short axis, or a
/// larger round number on a long one) at the middles of cells.
Axis cellAxis(std::string label, int64_t cells, int most);

/// An axis with values at its ends.
Axis valueAxis(std::string label, double first, double last, int most);

/// Room that ticks and label of an axis need outside the plot.
double roomBelow(const Axis &axis);
double roomLeft(const Axis &axis);

/// Ticks and labels below and to the left of the plot, and its outline.
void drawFrame(Canvas &canvas, const Box &plot, const Axis &across,
               const Axis &down);

/// Ticks of the colours' values.
std::vector<Tick> colorTicks(const ValueColors &colors, int most);

/// Room for a colour bar to the right of a plot.
double roomForBar(const ValueColors &colors, const std::string &label,
                  double height);

/// The bar to the right of a plot of this box.
void drawBar(Canvas &canvas, const Box &plot, const ValueColors &colors,
             const std::string &label);

/// "3 values are not numbers (grey)", or nothing.
std::vector<std::string> missingNote(int64_t count);

/// A title above one plot, room for a bar at its right, notes under it.
struct Page {
  std::string title;
  std::vector<std::string> notes;
  Axis across, down;
  double width, height;
  Box plot;
};

Page placePage(std::string title, double plotWidth, double plotHeight,
               Axis across, Axis down, double roomRight,
               std::vector<std::string> notes);

/// Frame, title and notes, but not the plot and not the bar.
void drawPage(Canvas &canvas, const Page &page);

/// A title centred over a place.
void drawTitle(Canvas &canvas, Point place, const std::string &title);

/// Quiet lines of text, centred, downwards from a place.
void drawNotes(Canvas &canvas, Point place,
               const std::vector<std::string> &notes);

/// A matrix in colours, one pixel a value.
Raster rasterOf(const Tensor &values, int64_t offset, int64_t rows,
                int64_t columns, const ValueColors &colors);

} // namespace loco

#endif // LOCO_FIGURES_FRAME_H
