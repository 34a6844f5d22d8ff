//===- ImageGrid.cpp - Rows of images -------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/figures/Frame.h"

#include <algorithm>
#include <cmath>

using namespace loco;
using namespace loco::layout;

static bool isColored(const Tensor &images) {
  return images.shape().size() == 4;
}

static Status verifyRows(const std::vector<ImageRow> &rows,
                         const ImageGridOptions &options) {
  if (rows.empty())
    return Error{"the figure `" + options.title + "` has no images"};
  if (!(options.black != options.white))
    return Error{"the figure `" + options.title +
                 "` shows the same value as black and as white"};
  for (const ImageRow &row : rows) {
    const Shape &shape = row.images.shape();
    bool fits = shape.size() == 3 || (shape.size() == 4 && shape[3] == 3);
    if (!fits || row.images.size() == 0)
      return Error{"images `" + row.label + "` of shape " + describe(shape) +
                   " cannot be drawn, expected images, height and width, and "
                   "3 for colours"};
  }
  return {};
}

/// One image in greys or colours.
static Raster rasterOfImage(const Tensor &images, int64_t index,
                            const ImageGridOptions &options) {
  int64_t height = images.shape()[1], width = images.shape()[2];
  int64_t parts = isColored(images) ? 3 : 1;
  auto shade = [&](int64_t pixel, int64_t part) {
    double value = images.at(((index * height * width) + pixel) * parts + part);
    return (value - options.black) / (options.white - options.black);
  };
  Raster raster{width, height, {}};
  for (int64_t pixel = 0; pixel < width * height; ++pixel) {
    Color color{shade(pixel, 0), shade(pixel, parts / 2),
                shade(pixel, parts - 1)};
    bool finite = std::isfinite(color.red + color.green + color.blue);
    raster.pixels.push_back((finite ? color : ink::missing).packed());
  }
  return raster;
}

Expected<Figure> loco::imageGridFigure(const std::vector<ImageRow> &rows,
                                       const ImageGridOptions &options) {
  if (Status failed = verifyRows(rows, options))
    return failed.error();
  int64_t columns = int64_t(options.columnLabels.size());
  int64_t missing = 0;
  std::vector<std::string> labels;
  std::vector<std::vector<Raster>> rasters;
  for (const ImageRow &row : rows) {
    int64_t count = row.images.shape()[0];
    columns = std::max(columns, count);
    missing += countNotFinite(row.images);
    labels.push_back(row.label);
    rasters.emplace_back();
    for (int64_t index = 0; index < count; ++index)
      rasters.back().push_back(rasterOfImage(row.images, index, options));
  }

  const double gap = 3;
  double side = std::clamp(440.0 / double(columns) - gap, 24.0, 72.0);
  double labelRoom = widestText(labels, labelSize);
  labelRoom += labelRoom > 0 ? 7 : 0;
  double captions = options.columnLabels.empty() ? 0 : tickSize + 4;
  std::vector<double> heights;
  double gridHeight = captions - gap;
  for (const std::vector<Raster> &row : rasters) {
    heights.push_back(side * double(row[0].height) / double(row[0].width));
    gridHeight += heights.back() + gap;
  }
  double gridWidth = double(columns) * (side + gap) - gap;
  Page page = placePage(options.title, labelRoom + gridWidth, gridHeight,
                        Axis{}, Axis{}, 0, missingNote(missing));
  return Figure(page.width, page.height, [=](Canvas &canvas) {
    const Box &plot = page.plot;
    double left = plot.x + labelRoom, y = plot.y + captions;
    drawTitle(canvas, {plot.center().x, plot.y - 6}, page.title);
    for (size_t index = 0; index < options.columnLabels.size(); ++index)
      canvas.text({left + double(index) * (side + gap) + side / 2, y - 4},
                  options.columnLabels[index],
                  {tickSize, Across::Center, Upright::Baseline});
    for (size_t row = 0; row < rasters.size(); ++row) {
      canvas.text({left - 7, y + heights[row] / 2}, labels[row],
                  {labelSize, Across::Right, Upright::Middle});
      for (size_t index = 0; index < rasters[row].size(); ++index) {
        Box box{left + double(index) * (side + gap), y, side, heights[row]};
        canvas.image(rasters[row][index], box);
        canvas.outline(box, ink::frame, 0.4);
      }
      y += heights[row] + gap;
    }
    drawNotes(canvas, {plot.center().x, plot.bottom() + 4}, page.notes);
  });
}
