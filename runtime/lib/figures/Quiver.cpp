//===- Quiver.cpp - Vectors as arrows -------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/figures/Frame.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace loco;
using namespace loco::layout;

namespace {

/// An arrow in units of sites.
struct Arrow {
  Point middle, direction;
};

struct Arrows {
  std::vector<Arrow> list;
  /// Longer ones are drawn at this length.
  double full = 0;
  bool anyLonger = false;
  int64_t notFinite = 0;
};

} // namespace

static Status verifyVectors(const Tensor &vectors,
                            const QuiverOptions &options) {
  const Shape &shape = vectors.shape();
  if (shape.size() != 3 || shape[0] != 2 || vectors.size() == 0)
    return Error{"vectors `" + options.title + "` of shape " + describe(shape) +
                 " cannot be drawn, expected 2 x rows x columns"};
  if (options.background &&
      options.background->shape() != Shape{shape[1], shape[2]})
    return Error{"vectors `" + options.title + "` of shape " + describe(shape) +
                 " have a background of shape " +
                 describe(options.background->shape())};
  if (options.stride < 0)
    return Error{"a stride of " + std::to_string(options.stride) +
                 " between arrows, expected at least 1"};
  return {};
}

/// A few very long arrows, as singular points of a phase map have them, must
/// not make all others invisible: the full length is that which one arrow in
/// twenty exceeds, unless the longest is hardly longer.
static void limitLengths(Arrows &arrows, std::vector<double> lengths) {
  if (lengths.empty())
    return;
  std::sort(lengths.begin(), lengths.end());
  double usual = lengths[(lengths.size() - 1) * 95 / 100];
  arrows.anyLonger = usual > 0 && lengths.back() > 1.3 * usual;
  arrows.full = arrows.anyLonger ? usual : lengths.back();
  for (Arrow &arrow : arrows.list) {
    double length = std::hypot(arrow.direction.x, arrow.direction.y);
    double shrink = length > arrows.full ? arrows.full / length : 1;
    arrow.direction.x *= shrink;
    arrow.direction.y *= shrink;
  }
}

/// The vectors at every `stride`-th site, centred on the lattice.
static Arrows collectArrows(const Tensor &vectors, int64_t stride) {
  int64_t rows = vectors.shape()[1], columns = vectors.shape()[2];
  Arrows arrows;
  std::vector<double> lengths;
  for (int64_t row = (rows - 1) % stride / 2; row < rows; row += stride)
    for (int64_t column = (columns - 1) % stride / 2; column < columns;
         column += stride) {
      double down = vectors.at(row * columns + column);
      double right = vectors.at((rows + row) * columns + column);
      double length = std::hypot(down, right);
      if (!std::isfinite(length)) {
        ++arrows.notFinite;
        continue;
      }
      lengths.push_back(length);
      arrows.list.push_back(
          {{double(column) + 0.5, double(row) + 0.5}, {right, down}});
    }
  limitLengths(arrows, std::move(lengths));
  return arrows;
}

/// A shaft and a filled head; the head shrinks with a short arrow.
static void drawArrow(Canvas &canvas, Point middle, Point vector,
                      const Color &color) {
  double length = std::hypot(vector.x, vector.y);
  if (length < 0.4)
    return canvas.fill(Box{middle.x - 0.4, middle.y - 0.4, 0.8, 0.8}, color);
  Point unit{vector.x / length, vector.y / length};
  double head = std::min(3.6 + 0.06 * length, 0.45 * length),
         half = 0.42 * head;
  Point tail{middle.x - vector.x / 2, middle.y - vector.y / 2};
  Point tip{middle.x + vector.x / 2, middle.y + vector.y / 2};
  Point neck{tip.x - head * unit.x, tip.y - head * unit.y};
  canvas.line({tail, neck}, color, 0.9);
  canvas.fill(
      std::vector<Point>{tip,
                         {neck.x - half * unit.y, neck.y + half * unit.x},
                         {neck.x + half * unit.y, neck.y - half * unit.x}},
      color);
}

static std::string keyText(double length, const std::string &unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.2g", length);
  return text + (unit.empty() ? "" : " " + unit);
}

Expected<Figure> loco::quiverFigure(const Tensor &vectors,
                                    const QuiverOptions &options) {
  if (Status failed = verifyVectors(vectors, options))
    return failed.error();
  int64_t rows = vectors.shape()[1], columns = vectors.shape()[2];
  int64_t longer = std::max(rows, columns);
  int64_t stride = options.stride ? options.stride
                                  : std::max<int64_t>(1, (longer + 10) / 20);
  Arrows arrows = collectArrows(vectors, stride);
  double site = 250 / double(longer);
  // A full arrow just fits between its neighbours.
  double scale =
      arrows.full > 0 ? 0.95 * site * double(stride) / arrows.full : 0;

  std::vector<std::string> notes;
  if (arrows.notFinite)
    notes.push_back(std::to_string(arrows.notFinite) +
                    (arrows.notFinite == 1 ? " vector is" : " vectors are") +
                    " not finite (left out)");
  double roomRight = 0;
  ValueColors colors{};
  Raster raster;
  if (options.background) {
    colors = valueColors(options.backgroundOptions, *options.background);
    raster = rasterOf(*options.background, 0, rows, columns, colors);
    roomRight = roomForBar(colors, options.backgroundOptions.valueLabel,
                           site * double(rows));
    for (const std::string &note :
         missingNote(countNotFinite(*options.background)))
      notes.push_back(note);
  }
  Page page = placePage(options.title, site * double(columns),
                        site * double(rows), cellAxis("", columns, 8),
                        cellAxis("", rows, 10), roomRight, notes);
  const double key = 16;
  page.height += key;
  return Figure(page.width, page.height, [=](Canvas &canvas) {
    const Box &plot = page.plot;
    if (options.background) {
      canvas.image(raster, plot);
      drawBar(canvas, plot, colors, options.backgroundOptions.valueLabel);
    }
    Color color = options.background ? ink::black : Color::hex(0x2D5A8A);
    canvas.clip(plot);
    for (const Arrow &arrow : arrows.list)
      drawArrow(
          canvas,
          {plot.x + site * arrow.middle.x, plot.y + site * arrow.middle.y},
          {scale * arrow.direction.x, scale * arrow.direction.y}, color);
    canvas.unclip();
    drawPage(canvas, page);
    double y = page.height - margin - key / 2 + 4;
    double length = scale * arrows.full;
    std::string text =
        (arrows.anyLonger ? "≥ " : "") + keyText(arrows.full, options.unit);
    double left =
        plot.center().x - (length + 6 + textWidth(text, noteSize)) / 2;
    drawArrow(canvas, {left + length / 2, y}, {length, 0}, color);
    canvas.text({left + length + 6, y}, text,
                {noteSize, Across::Left, Upright::Middle, ink::quiet});
  });
}
