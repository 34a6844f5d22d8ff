//===- Figures.h - Pictures of runs and networks ----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each function here lays out one kind of figure; `Figure::write` then draws it
// as PNG or SVG with the same code. Maps and fields have row 0 at the top, as
// arrays are printed. Values that are not finite are grey, and their number is
// written under the figure.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_FIGURES_H
#define LOCO_FIGURES_H

#include "loco/Expected.h"
#include "loco/Tensor.h"
#include "loco/Waves.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace loco {

class Canvas;

/// A drawing of known size, not yet on paper.
class Figure {
public:
  using Drawing = std::function<void(Canvas &)>;

  /// Sizes in points of 1/72 inch.
  Figure(double width, double height, Drawing drawing)
      : pointsWide(width), pointsHigh(height), drawing(std::move(drawing)) {}

  double width() const { return pointsWide; }
  double height() const { return pointsHigh; }
  void draw(Canvas &canvas) const { drawing(canvas); }

  /// Writes the figure to a file whose name ends in `.png` or `.svg`, aside and
  /// renamed. The resolution concerns PNG alone. Fails on another ending and
  /// when the file cannot be written.
  Status write(const std::string &path, double dotsPerInch = 200) const;

private:
  double pointsWide, pointsHigh;
  Drawing drawing;
};

/// Figures in a row, from left to right, tops aligned.
Figure beside(std::vector<Figure> figures);

/// Figures in a column, from top to bottom, centred.
Figure above(std::vector<Figure> figures);

//===----------------------------------------------------------------------===//
// Maps of classes
//===----------------------------------------------------------------------===//

/// What the classes of a map are called. If every class has an angle, the
/// legend shows bars at these angles and the colours are the cyclic ones of
/// orientation maps; otherwise squares in colours that are easy to tell apart.
struct ClassLegend {
  struct Entry {
    std::string label;
    /// Degrees, counter-clockwise from the horizontal.
    std::optional<double> angle;
  };
  std::string heading;
  std::vector<Entry> entries;
};

/// Orientations in the order 90, 90 - 180/count, ... degrees. Eight of them
/// have the colours of the published maps.
ClassLegend orientationLegend(int64_t count = 8);

/// Classes called 0, 1, 2, ...
ClassLegend numberedLegend(std::string heading, int64_t classes);

struct ClassMapPanel {
  std::string title;
  /// I32 [rows, columns], or [sites] for a ring; -1 marks a site without class.
  Tensor map;
  /// The same with the best class of every site: a site that is -1 in `map` is
  /// then drawn in its best colour under its cross, and else on white.
  std::optional<Tensor> best;
  /// Lines of text under the panel.
  std::vector<std::string> notes;
};

/// Maps beside each other with one legend: sites in the colours of their
/// classes, a cross on unselective ones. Fails on no panel, a map without
/// sites, of another rank or element type, and a class without a name.
Expected<Figure> classMapFigure(const std::vector<ClassMapPanel> &panels,
                                const ClassLegend &legend);

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

enum class ColorScale : uint8_t {
  /// From dark to bright, for quantities without a natural middle.
  Sequential,
  /// Blue below zero, white at zero, red above; symmetric unless given a range.
  Diverging,
  /// Black to white.
  Gray,
  /// Cyclic over -pi to pi, the colours of the published phase maps.
  Phase,
};

/// The values at the outer edges of the first and the last cell of an axis.
using AxisSpan = std::pair<double, double>;

struct FieldOptions {
  std::string title;
  ColorScale colors = ColorScale::Diverging;
  /// Values at the ends of the colours; from the data if not given.
  std::optional<std::pair<double, double>> range;
  /// Beside the colour bar.
  std::string valueLabel;
  std::string rowLabel, columnLabel;
  /// Ticks count cells if not given.
  std::optional<AxisSpan> rowSpan, columnSpan;
};

/// A field [rows, columns] with a colour bar; square cells unless the axes have
/// spans of their own.
Expected<Figure> fieldFigure(const Tensor &field, const FieldOptions &options);

/// Some steps of a field [steps, rows, columns] with common colours. `shown`
/// empty: eight evenly spaced ones, or all if there are fewer.
Expected<Figure> filmStripFigure(const Tensor &field,
                                 const FieldOptions &options,
                                 std::vector<int64_t> shown = {});

/// A field [steps, sites] of a ring: time to the right, sites upwards. Fills
/// the labels that are empty.
Expected<Figure> spaceTimeFigure(const Tensor &field, FieldOptions options);

/// Logarithm of the power by wave number and frequency, six decades.
Expected<Figure> spectrumFigure(const WaveSpectrum &spectrum,
                                const std::string &title);

struct QuiverOptions {
  std::string title;
  /// Sites from arrow to arrow; 0 for about twenty arrows along the longer
  /// axis.
  int64_t stride = 0;
  /// Unit of the vectors, for the key.
  std::string unit;
  /// Drawn under the arrows.
  std::optional<Tensor> background;
  FieldOptions backgroundOptions;
};

/// Vectors [2, rows, columns], first down the rows and then along the columns,
/// as arrows, every `stride` sites. NaN is left out and counted.
Expected<Figure> quiverFigure(const Tensor &vectors,
                              const QuiverOptions &options);

//===----------------------------------------------------------------------===//
// Lines and images
//===----------------------------------------------------------------------===//

struct Series {
  std::string label;
  std::vector<double> x, y;
};

struct LinePlotOptions {
  std::string title, xLabel, yLabel;
  bool logX = false, logY = false;
};

/// Lines through points. A point that is not finite, or not positive on a
/// logarithmic axis, interrupts its line and is counted. Fails when no point is
/// left.
Expected<Figure> linePlotFigure(const std::vector<Series> &series,
                                const LinePlotOptions &options);

struct ImageRow {
  std::string label;
  /// [images, height, width], grey, or [images, height, width, 3], colour.
  Tensor images;
};

struct ImageGridOptions {
  std::string title;
  /// Over the columns; may be empty.
  std::vector<std::string> columnLabels;
  /// Values shown as black and white.
  double black = 0, white = 1;
};

/// Rows of images under each other: inputs above reconstructions.
Expected<Figure> imageGridFigure(const std::vector<ImageRow> &rows,
                                 const ImageGridOptions &options);

} // namespace loco

#endif // LOCO_FIGURES_H
