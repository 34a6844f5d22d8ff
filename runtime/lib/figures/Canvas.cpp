//===- Canvas.cpp - A page to draw on -------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/figures/Canvas.h"

#include <algorithm>
#include <cairo.h>
#include <cmath>
#include <memory>
#include <numbers>

using namespace loco;

uint32_t Color::packed() const {
  auto byte = [](double part) {
    return uint32_t(std::lround(std::clamp(part, 0.0, 1.0) * 255));
  };
  return byte(red) << 16 | byte(green) << 8 | byte(blue);
}

static void setColor(cairo_t *context, const Color &color) {
  cairo_set_source_rgba(context, color.red, color.green, color.blue,
                        color.opacity);
}

/// DejaVu Sans has the Greek letters and signs of our labels and is installed
/// wherever cairo's fonts are. Without hinting text has the same width at every
/// resolution and in SVG.
static void setFont(cairo_t *context, double size, bool bold) {
  cairo_select_font_face(context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                         bold ? CAIRO_FONT_WEIGHT_BOLD
                              : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(context, size);
  cairo_font_options_t *options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_set_font_options(context, options);
  cairo_font_options_destroy(options);
}

static double advanceOf(cairo_t *context, const std::string &text) {
  cairo_text_extents_t extents;
  cairo_text_extents(context, text.c_str(), &extents);
  return extents.x_advance;
}

void Canvas::text(Point place, const std::string &text,
                  const TextStyle &style) {
  cairo_save(context);
  setFont(context, style.size, style.bold);
  setColor(context, style.color);
  cairo_translate(context, place.x, place.y);
  if (style.vertical)
    cairo_rotate(context, -std::numbers::pi / 2);
  double width = advanceOf(context, text);
  double x = style.across == Across::Left     ? 0
             : style.across == Across::Center ? -width / 2
                                              : -width;
  // Figures and capitals of the font are 0.73 of its size high.
  double capitals = 0.73 * style.size;
  double y = style.upright == Upright::Top      ? capitals
             : style.upright == Upright::Middle ? capitals / 2
                                                : 0;
  cairo_move_to(context, x, y);
  cairo_show_text(context, text.c_str());
  cairo_restore(context);
}

static void trace(cairo_t *context, const std::vector<Point> &points) {
  cairo_new_path(context);
  for (const Point &point : points)
    cairo_line_to(context, point.x, point.y);
}

void Canvas::line(const std::vector<Point> &points, const Color &color,
                  double width, bool roundEnds) {
  trace(context, points);
  setColor(context, color);
  cairo_set_line_width(context, width);
  cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap(context,
                     roundEnds ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT);
  cairo_stroke(context);
}

void Canvas::fill(const Box &box, const Color &color) {
  cairo_new_path(context);
  cairo_rectangle(context, box.x, box.y, box.width, box.height);
  setColor(context, color);
  cairo_fill(context);
}

void Canvas::fill(const std::vector<Point> &outline, const Color &color) {
  trace(context, outline);
  cairo_close_path(context);
  setColor(context, color);
  cairo_fill(context);
}

void Canvas::outline(const Box &box, const Color &color, double width) {
  cairo_new_path(context);
  cairo_rectangle(context, box.x, box.y, box.width, box.height);
  setColor(context, color);
  cairo_set_line_width(context, width);
  cairo_set_line_join(context, CAIRO_LINE_JOIN_MITER);
  cairo_stroke(context);
}

/// Viewers of SVG blur enlarged images, so small rasters are enlarged here: the
/// blur then stays within a fraction of a cell.
static cairo_surface_t *enlarged(const Raster &raster) {
  int64_t factor =
      std::max<int64_t>(1, 640 / std::max(raster.width, raster.height));
  int64_t width = raster.width * factor, height = raster.height * factor;
  cairo_surface_t *surface =
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, int(width), int(height));
  if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS)
    return surface;
  cairo_surface_flush(surface);
  int stride = cairo_image_surface_get_stride(surface);
  for (int64_t y = 0; y < height; ++y) {
    auto *row = reinterpret_cast<uint32_t *>(
        cairo_image_surface_get_data(surface) + y * stride);
    for (int64_t x = 0; x < width; ++x)
      row[x] = raster.pixels[y / factor * raster.width + x / factor];
  }
  cairo_surface_mark_dirty(surface);
  return surface;
}

void Canvas::image(const Raster &raster, const Box &box) {
  cairo_surface_t *surface = enlarged(raster);
  double width = std::max(1, cairo_image_surface_get_width(surface));
  double height = std::max(1, cairo_image_surface_get_height(surface));
  cairo_save(context);
  cairo_rectangle(context, box.x, box.y, box.width, box.height);
  cairo_clip(context);
  cairo_translate(context, box.x, box.y);
  cairo_scale(context, box.width / width, box.height / height);
  cairo_set_source_surface(context, surface, 0, 0);
  // A pixel of a page at 200 dots per inch is 0.36 points.
  bool tiny = double(raster.width) * 0.36 > box.width ||
              double(raster.height) * 0.36 > box.height;
  cairo_pattern_set_filter(cairo_get_source(context),
                           tiny ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
  cairo_pattern_set_extend(cairo_get_source(context), CAIRO_EXTEND_PAD);
  cairo_paint(context);
  cairo_restore(context);
  cairo_surface_destroy(surface);
}

void Canvas::place(const Figure &figure, Point corner) {
  cairo_save(context);
  cairo_translate(context, corner.x, corner.y);
  figure.draw(*this);
  cairo_restore(context);
}

void Canvas::clip(const Box &box) {
  cairo_save(context);
  cairo_rectangle(context, box.x, box.y, box.width, box.height);
  cairo_clip(context);
}

void Canvas::unclip() { cairo_restore(context); }

double loco::textWidth(const std::string &text, double size, bool bold) {
  std::unique_ptr<cairo_surface_t, void (*)(cairo_surface_t *)> surface(
      cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1), cairo_surface_destroy);
  std::unique_ptr<cairo_t, void (*)(cairo_t *)> context(
      cairo_create(surface.get()), cairo_destroy);
  setFont(context.get(), size, bold);
  return advanceOf(context.get(), text);
}

double loco::widestText(const std::vector<std::string> &lines, double size) {
  double widest = 0;
  for (const std::string &line : lines)
    widest = std::max(widest, textWidth(line, size));
  return widest;
}
