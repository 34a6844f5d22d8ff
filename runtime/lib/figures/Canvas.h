//===- Canvas.h - A page to draw on -----------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one place that knows the drawing library, cairo. Lengths are points of
// 1/72 inch; x runs to the right and y down.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_FIGURES_CANVAS_H
#define LOCO_FIGURES_CANVAS_H

#include "loco/Expected.h"
#include "loco/Figures.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

typedef struct _cairo cairo_t;

namespace loco {

struct Color {
  double red, green, blue, opacity = 1;

  /// From 0xRRGGBB.
  static constexpr Color hex(uint32_t value) {
    return {double(value >> 16 & 255) / 255, double(value >> 8 & 255) / 255,
            double(value & 255) / 255};
  }
  uint32_t packed() const;
};

namespace ink {
constexpr Color black = Color::hex(0x000000);
constexpr Color white = Color::hex(0xffffff);
constexpr Color text = Color::hex(0x1f1f1f);
constexpr Color quiet = Color::hex(0x5c5c5c);
constexpr Color frame = Color::hex(0x404040);
constexpr Color grid = Color::hex(0xe4e4e4);
constexpr Color missing = Color::hex(0xb3b3b3);
} // namespace ink

struct Point {
  double x, y;
};

struct Box {
  double x, y, width, height;

  double right() const { return x + width; }
  double bottom() const { return y + height; }
  Point center() const { return {x + width / 2, y + height / 2}; }
};

enum class Across : uint8_t { Left, Center, Right };
enum class Upright : uint8_t { Top, Middle, Baseline };

struct TextStyle {
  double size = 8;
  Across across = Across::Left;
  Upright upright = Upright::Baseline;
  Color color = ink::text;
  bool bold = false;
  /// Turned counter-clockwise by 90 degrees about its place.
  bool vertical = false;
};

/// Pixels 0xRRGGBB, row by row from the top.
struct Raster {
  int64_t width = 0, height = 0;
  std::vector<uint32_t> pixels;
};

class Canvas {
public:
  explicit Canvas(cairo_t *context) : context(context) {}

  void text(Point place, const std::string &text, const TextStyle &style = {});
  void line(const std::vector<Point> &points, const Color &color, double width,
            bool roundEnds = false);
  void fill(const Box &box, const Color &color);
  void fill(const std::vector<Point> &outline, const Color &color);
  void outline(const Box &box, const Color &color, double width);

  /// Stretches the raster over the box; its pixels stay sharp unless they
  /// become smaller than those of a printed page.
  void image(const Raster &raster, const Box &box);

  /// Draws a figure with its corner at a place.
  void place(const Figure &figure, Point corner);

  /// Keeps what follows inside a box until `unclip`.
  void clip(const Box &box);
  void unclip();

private:
  cairo_t *context;
};

/// Width of a line of text in points.
double textWidth(const std::string &text, double size, bool bold = false);

/// The widest of some lines of text.
double widestText(const std::vector<std::string> &lines, double size);

} // namespace loco

#endif // LOCO_FIGURES_CANVAS_H
