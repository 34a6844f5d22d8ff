//===- Figure.cpp - Figures as files --------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Figures.h"
#include "loco/Files.h"
#include "runtime/lib/figures/Canvas.h"

#include <algorithm>
#include <cairo-svg.h>
#include <cairo.h>
#include <cmath>
#include <memory>

using namespace loco;

using SurfacePointer =
    std::unique_ptr<cairo_surface_t, void (*)(cairo_surface_t *)>;
using ContextPointer = std::unique_ptr<cairo_t, void (*)(cairo_t *)>;

static cairo_status_t append(void *bytes, const unsigned char *data,
                             unsigned length) {
  static_cast<std::string *>(bytes)->append(
      reinterpret_cast<const char *>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

static bool endsWith(const std::string &text, const std::string &ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

/// Draws on white, and reports what cairo says afterwards.
static cairo_status_t drawOn(cairo_surface_t *surface, const Figure &figure,
                             double scale) {
  ContextPointer context(cairo_create(surface), cairo_destroy);
  cairo_scale(context.get(), scale, scale);
  Canvas canvas(context.get());
  // A little beyond the edge, for a last pixel that is covered in part.
  canvas.fill(Box{0, 0, figure.width() + 1, figure.height() + 1}, ink::white);
  figure.draw(canvas);
  return cairo_status(context.get());
}

static cairo_status_t drawPng(const Figure &figure, double dotsPerInch,
                              std::string &bytes) {
  double scale = dotsPerInch / 72;
  SurfacePointer surface(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                 int(std::ceil(figure.width() * scale)),
                                 int(std::ceil(figure.height() * scale))),
      cairo_surface_destroy);
  if (cairo_status_t status = drawOn(surface.get(), figure, scale))
    return status;
  return cairo_surface_write_to_png_stream(surface.get(), append, &bytes);
}

static cairo_status_t drawSvg(const Figure &figure, std::string &bytes) {
  SurfacePointer surface(cairo_svg_surface_create_for_stream(
                             append, &bytes, figure.width(), figure.height()),
                         cairo_surface_destroy);
  if (cairo_status_t status = drawOn(surface.get(), figure, 1))
    return status;
  cairo_surface_finish(surface.get());
  return cairo_surface_status(surface.get());
}

Status Figure::write(const std::string &path, double dotsPerInch) const {
  bool png = endsWith(path, ".png");
  if (!png && !endsWith(path, ".svg"))
    return Error{"cannot write the figure `" + path +
                 "`: its name must end in `.png` or `.svg`"};
  std::string bytes;
  cairo_status_t status =
      png ? drawPng(*this, dotsPerInch, bytes) : drawSvg(*this, bytes);
  if (status != CAIRO_STATUS_SUCCESS)
    return Error{"cannot draw the figure `" + path +
                 "`: " + cairo_status_to_string(status)};
  return writeFileAtomically(path, {bytes});
}

Figure loco::beside(std::vector<Figure> figures) {
  double width = 0, height = 0;
  for (const Figure &figure : figures) {
    width += figure.width();
    height = std::max(height, figure.height());
  }
  return Figure(width, height, [figures](Canvas &canvas) {
    double x = 0;
    for (const Figure &figure : figures) {
      canvas.place(figure, {x, 0});
      x += figure.width();
    }
  });
}

Figure loco::above(std::vector<Figure> figures) {
  double width = 0, height = 0;
  for (const Figure &figure : figures) {
    width = std::max(width, figure.width());
    height += figure.height();
  }
  return Figure(width, height, [figures, width](Canvas &canvas) {
    double y = 0;
    for (const Figure &figure : figures) {
      canvas.place(figure, {(width - figure.width()) / 2, y});
      y += figure.height();
    }
  });
}
