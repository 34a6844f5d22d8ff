//===- FiguresTest.cpp - Pictures, read back ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Draws each kind of figure, reads the PNG with cairo, and looks for the right
// colours in the right places. Bytes are not compared: they may change with the
// library, what is seen may not.
//
//===----------------------------------------------------------------------===//

// RUN: rm -rf %t && mkdir -p %t && loco-test-figures %t

#include "loco/Figures.h"
#include "loco/Files.h"

#include "runtime/lib/figures/Frame.h"
#include "test/Runtime/Check.h"

#include <cairo.h>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numbers>

using namespace loco;

static constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

/// Read by the leak sanitizer: fontconfig keeps patterns that nobody frees.
extern "C" const char *__lsan_default_suppressions() {
  return "leak:libfontconfig\n";
}

/// Where a test writes; given by the command line.
static std::string folder;

namespace {

/// Pixels of one colour within a part of a picture.
struct Spot {
  int64_t count = 0;
  double x = 0, y = 0;
};

class Picture {
public:
  explicit Picture(const std::string &path)
      : surface(cairo_image_surface_create_from_png(path.c_str())) {
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
      std::cerr << "no picture: " << path << "\n";
      std::exit(1);
    }
  }
  Picture(const Picture &) = delete;
  ~Picture() { cairo_surface_destroy(surface); }

  int width() const { return cairo_image_surface_get_width(surface); }
  int height() const { return cairo_image_surface_get_height(surface); }
  uint32_t pixel(int x, int y) const {
    const unsigned char *row = cairo_image_surface_get_data(surface) +
                               y * cairo_image_surface_get_stride(surface);
    return reinterpret_cast<const uint32_t *>(row)[x] & 0xFFFFFF;
  }

  /// Number and middle of the pixels of exactly this colour, left of a share of
  /// the width (legends and colour bars are at the right) and above a share of
  /// the height.
  Spot find(uint32_t color, double right = 1, double bottom = 1) const {
    Spot spot;
    for (int y = 0; y < int(bottom * height()); ++y)
      for (int x = 0; x < int(right * width()); ++x)
        if (pixel(x, y) == color) {
          ++spot.count;
          spot.x += x;
          spot.y += y;
        }
    if (spot.count) {
      spot.x /= double(spot.count);
      spot.y /= double(spot.count);
    }
    return spot;
  }

private:
  cairo_surface_t *surface;
};

} // namespace

static Tensor numbers(Shape shape, const std::vector<double> &values) {
  Tensor tensor(ElementType::F64, std::move(shape));
  for (size_t at = 0; at < values.size(); ++at)
    tensor.as<double>()[at] = values[at];
  return tensor;
}

static Tensor classes(Shape shape, const std::vector<int32_t> &values) {
  Tensor tensor(ElementType::I32, std::move(shape));
  for (size_t at = 0; at < values.size(); ++at)
    tensor.as<int32_t>()[at] = values[at];
  return tensor;
}

/// Writes as PNG and reads back; the size must be that of the figure.
static Picture draw(const Figure &figure, const std::string &name,
                    double dotsPerInch = 200) {
  std::string path = folder + "/" + name + ".png";
  CHECK_SUCCESS(figure.write(path, dotsPerInch));
  Picture picture(path);
  CHECK_EQUAL(picture.width(),
              int(std::ceil(figure.width() * dotsPerInch / 72)));
  CHECK_EQUAL(picture.height(),
              int(std::ceil(figure.height() * dotsPerInch / 72)));
  // White all around.
  for (int x : {0, picture.width() - 1})
    for (int y : {0, picture.height() - 1})
      CHECK_EQUAL(picture.pixel(x, y), 0xFFFFFFu);
  return Picture(path);
}

static constexpr uint32_t white = 0xFFFFFF, gray = 0xB3B3B3;

/// The colours of the published orientation maps, 90 to -67.5 degrees.
static constexpr uint32_t published[] = {0x3C848D, 0x86B33D, 0xB4C443,
                                         0xFBE451, 0xF09C3B, 0xC32A2D,
                                         0x7E4886, 0x253B73};

static void checkOrientationMap() {
  // Eight classes and an unselective site, in three rows.
  Tensor map = classes({3, 3}, {0, 1, 2, 3, 4, 5, 6, 7, -1});
  Picture picture =
      draw(require(classMapFigure({{"trained", map, {}, {"a note"}}},
                                  orientationLegend())),
           "map");
  // A site is 80 points wide; frame and antialiasing take a pixel or two.
  double site = 80.0 * 200 / 72;
  Spot first = picture.find(published[0], 0.75);
  for (int index = 0; index < 8; ++index) {
    Spot spot = picture.find(published[index], 0.75);
    CHECK_NEAR(double(spot.count), site * site, 0.03 * site * site);
    CHECK_NEAR(spot.x - first.x, site * (index % 3), 3);
    CHECK_NEAR(spot.y - first.y, site * (index / 3), 3);
    // The legend has it, too.
    CHECK(picture.find(published[index]).count > spot.count + 50);
  }
  // The last site is a cross on white.
  int x = int(first.x + 2 * site), y = int(first.y + 2 * site);
  CHECK_EQUAL(picture.pixel(x, y), 0u);
  int reach = int(0.15 * site), aside = int(0.4 * site);
  CHECK_EQUAL(picture.pixel(x + reach, y - reach), 0u);
  CHECK_EQUAL(picture.pixel(x - reach, y - reach), 0u);
  CHECK_EQUAL(picture.pixel(x, y - reach), white);
  CHECK_EQUAL(picture.pixel(x + aside, y + aside), white);

  // Under its cross a site may keep the colour of its best class; on navy the
  // cross is white.
  Tensor best = classes({3, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 7});
  Picture under = draw(require(classMapFigure({{"trained", map, best, {}},
                                               {"untrained", map, {}, {}}},
                                              orientationLegend())),
                       "map-best");
  CHECK_EQUAL(under.pixel(x + aside, y + aside), published[7]);
  CHECK_EQUAL(under.pixel(x, y), white);
  // Two maps: a second one of each colour.
  CHECK(under.find(published[0]).count > 1.9 * site * site);
}

static void checkOtherMaps() {
  std::vector<int32_t> ten(10);
  for (int index = 0; index < 10; ++index)
    ten[index] = index;
  Picture digits =
      draw(require(classMapFigure({{"", classes({2, 5}, ten), {}, {}}},
                                  numberedLegend("digit", 10))),
           "digits");
  std::vector<Color> colors = classColors(10);
  for (int a = 0; a < 10; ++a) {
    CHECK(digits.find(colors[a].packed(), 0.8).count > 1000);
    for (int b = 0; b < a; ++b)
      CHECK(colors[a].packed() != colors[b].packed());
  }
  // A ring, and more classes than there are hand-picked colours.
  Tensor ring = classes({40}, std::vector<int32_t>(40, 13));
  Figure band = require(
      classMapFigure({{"", ring, {}, {}}}, numberedLegend("class", 14)));
  CHECK(draw(band, "ring").find(classColors(14)[13].packed(), 0.7).count >
        1000);

  ClassLegend legend = orientationLegend(8);
  CHECK_EQUAL(legend.entries[1].label, "67.5°");
  CHECK_EQUAL(legend.entries[7].label, "−67.5°");
  CHECK_EQUAL(*legend.entries[7].angle, -67.5);
  CHECK_ERROR(classMapFigure({}, legend), "at least one map");
  CHECK_ERROR(classMapFigure({{"m", classes({2}, {0, 8}), {}, {}}}, legend),
              "`m` holds class 8, but the legend names 8 classes");
  CHECK_ERROR(classMapFigure({{"m", numbers({2}, {0, 1}), {}, {}}}, legend),
              "expected whole numbers");
  CHECK_ERROR(classMapFigure({{"m", classes({0, 3}, {}), {}, {}}}, legend),
              "`m` has no sites");
  CHECK_ERROR(classMapFigure({{"m", ring, classes({2}, {0, 0}), {}}},
                             numberedLegend("class", 14)),
              "best classes of shape 2");
}

static void checkField() {
  Tensor field = numbers({2, 2}, {-1, 0, 1, undefined});
  FieldOptions options;
  options.title = "field";
  Figure figure = require(fieldFigure(field, options));
  Picture picture = draw(figure, "field");
  // The ends and the middle of ColorBrewer's RdBu, and grey.
  Spot low = picture.find(0x053061, 0.85),
       middle = picture.find(0xF7F7F7, 0.85);
  Spot high = picture.find(0x67001F, 0.85), missing = picture.find(gray, 0.85);
  double cell = 125.0 * 200 / 72;
  for (const Spot &spot : {low, middle, high, missing})
    CHECK_NEAR(double(spot.count), cell * cell, 0.03 * cell * cell);
  CHECK_NEAR(middle.x - low.x, cell, 3);
  CHECK_NEAR(high.y - low.y, cell, 3);
  CHECK_NEAR(missing.x - low.x, cell, 3);
  CHECK_NEAR(missing.y - low.y, cell, 3);
  // The colour bar runs from blue at the bottom to red at the top.
  // The missing value is reported in a line under the figure.
  field.set(3, 0.5);
  CHECK(require(fieldFigure(field, options)).height() < figure.height() - 5);

  // A range given by the user clips; a constant field has one colour.
  options.range = {0, 0.5};
  options.colors = ColorScale::Gray;
  Picture clipped = draw(require(fieldFigure(field, options)), "clipped");
  CHECK_NEAR(double(clipped.find(0x000000, 0.85).count), 2 * cell * cell,
             0.05 * cell * cell);
  options.range = std::nullopt;
  options.colors = ColorScale::Sequential;
  Tensor constant = numbers({2, 2}, {3, 3, 3, 3});
  Picture flat = draw(require(fieldFigure(constant, options)), "flat");
  CHECK_EQUAL(flat.pixel(flat.width() / 4, flat.height() / 3),
              flat.pixel(flat.width() / 2, flat.height() / 2));
  // Nothing finite at all still makes a picture.
  Tensor nothing = numbers({1, 2}, {undefined, undefined});
  CHECK(draw(require(fieldFigure(nothing, options)), "nothing")
            .find(gray, 0.85)
            .count > 1000);

  CHECK_ERROR(fieldFigure(numbers({0, 2}, {}), options), "`field`", "is empty");
  CHECK_ERROR(fieldFigure(numbers({4}, {1, 2, 3, 4}), options),
              "of shape 4 cannot be drawn, expected rows and columns");
  options.range = {1, 1};
  CHECK_ERROR(fieldFigure(field, options), "range of the field `field`");
}

static void checkPhaseColors() {
  // R = cos(phi), G = cos(phi + 2.0944), B = cos(phi - 2.0944), scaled to 0..1.
  double third = 2 * std::numbers::pi / 3;
  FieldOptions options;
  options.colors = ColorScale::Phase;
  Picture picture =
      draw(require(fieldFigure(numbers({1, 3}, {0, third, -third}), options)),
           "phase");
  Spot red = picture.find(0xFF4040, 0.8), blue = picture.find(0x4040FF, 0.8);
  Spot green = picture.find(0x40FF40, 0.8);
  CHECK(red.count > 1000 && blue.count > 1000 && green.count > 1000);
  CHECK(red.x < blue.x && blue.x < green.x);
}

static void checkFilmStrip() {
  // Three steps of one colour each; the second is not shown.
  Tensor field = numbers({3, 1, 2}, {-1, -1, 0.2, 0.2, 1, 1});
  FieldOptions options;
  options.title = "strip";
  Picture picture =
      draw(require(filmStripFigure(field, options, {0, 2})), "strip");
  Spot first = picture.find(0x053061, 0.85),
       last = picture.find(0x67001F, 0.85);
  CHECK(first.count > 1000);
  CHECK_NEAR(double(first.count), double(last.count), 50);
  CHECK(first.x < last.x);
  CHECK_NEAR(first.y, last.y, 1);
  Picture all = draw(require(filmStripFigure(field, options)), "strip-all");
  CHECK(all.width() > picture.width() + 100);

  CHECK_ERROR(filmStripFigure(field, options, {0, 3}), "has no step 3");
  CHECK_ERROR(filmStripFigure(numbers({0, 2, 2}, {}), options), "is empty");
}

static void checkSpaceTime() {
  // Site 0 at step 0 is at the bottom left.
  Tensor field(ElementType::F32, {20, 10});
  for (int at = 0; at < 200; ++at)
    field.set(at, -1);
  field.set(0, 1);
  Picture picture = draw(require(spaceTimeFigure(field, {})), "space-time");
  Spot one = picture.find(0x67001F, 0.85), rest = picture.find(0x053061, 0.85);
  // The frame hides part of the site in the corner.
  CHECK_NEAR(double(rest.count) / double(one.count), 199, 20);
  CHECK(one.x < rest.x - 100);
  CHECK(one.y > rest.y + 80);

  Tensor wave(ElementType::F64, {40, 32});
  for (int at = 0; at < wave.size(); ++at)
    wave.set(at, std::cos(2 * std::numbers::pi *
                          (4.0 * (at % 32) / 32 - 10.0 * (at / 32) / 40)));
  WaveSpectrum spectrum = require(waveSpectrum(wave, SiteGrid::torus({32})));
  Picture power = draw(require(spectrumFigure(spectrum, "power")), "spectrum");
  // One bright spot, at half the largest frequency, right of the middle.
  Spot peak = power.find(0xFDE725, 0.8);
  CHECK(peak.count > 50);
  CHECK(peak.x > 0.5 * power.width());
  CHECK_NEAR(peak.y, 0.45 * power.height(), 0.1 * power.height());
}

static void checkQuiver() {
  // One vector down the rows, then up: the head is where it points.
  Tensor vectors(ElementType::F64, {2, 3, 3});
  QuiverOptions options;
  options.title = "arrows";
  options.stride = 1;
  auto middle = [&](int place, double value) {
    Tensor one = vectors;
    one.set(place, value);
    Picture picture = draw(require(quiverFigure(one, options)), "quiver");
    return picture.find(0x2D5A8A, 1, 0.85);
  };
  CHECK(middle(4, 1).y > middle(4, -1).y + 2);
  CHECK(middle(9 + 4, 1).x > middle(9 + 4, -1).x + 2);

  double height = require(quiverFigure(vectors, options)).height();
  vectors.set(2, undefined);
  CHECK(require(quiverFigure(vectors, options)).height() > height + 5);
  options.background = numbers({3, 3}, std::vector<double>(9, 0));
  CHECK(draw(require(quiverFigure(vectors, options)), "quiver-on")
            .find(0xF7F7F7, 0.85)
            .count > 10000);

  options.background = numbers({2, 2}, {1, 2, 3, 4});
  CHECK_ERROR(quiverFigure(vectors, options), "background of shape 2 x 2");
  CHECK_ERROR(quiverFigure(numbers({3, 1, 1}, {1, 2, 3}), options),
              "expected 2 x rows x columns");
}

static void checkLinePlot() {
  Series falling{"loss", {}, {}};
  for (int update = 1; update <= 100; ++update) {
    falling.x.push_back(update);
    falling.y.push_back(std::exp(-0.05 * update));
  }
  LinePlotOptions options{"loss", "update", "error", false, true};
  Figure figure = require(linePlotFigure({falling}, options));
  Picture picture = draw(figure, "lines");
  // On the logarithmic axis the curve is straight: its middle lies half way.
  uint32_t color = classColors(1)[0].packed();
  Spot left = picture.find(color, 0.45), all = picture.find(color, 0.75);
  CHECK(left.count > 200);
  CHECK(all.x > left.x + 50);
  CHECK(all.y > left.y + 30);

  // What cannot be drawn is left out and said in a line below.
  falling.y[10] = 0;
  falling.y[50] = undefined;
  CHECK(require(linePlotFigure({falling}, options)).height() >
        figure.height() + 5);
  CHECK_ERROR(linePlotFigure({}, options), "no point to draw among 0");
  CHECK_ERROR(linePlotFigure({{"a", {1, 2}, {undefined, -1}}}, options),
              "`loss` has no point to draw among 2");
  CHECK_ERROR(linePlotFigure({{"a", {1, 2}, {1}}}, options),
              "`a` has 2 places but 1 values");
  // One point, and a level line, have room around them.
  options.logY = false;
  draw(require(linePlotFigure({{"", {5}, {0}}}, options)), "point");
  draw(require(linePlotFigure({{"", {1, 2}, {3, 3}}}, options)), "level");
}

static void checkImageGrid() {
  ImageRow bright{"input", numbers({2, 1, 1}, {0.8, 0.8})};
  ImageRow dark{"output", numbers({1, 1, 1}, {0.2})};
  ImageGridOptions options;
  options.title = "images";
  Picture picture =
      draw(require(imageGridFigure({bright, dark}, options)), "images");
  Spot above = picture.find(0xCCCCCC), below = picture.find(0x333333);
  CHECK_NEAR(double(above.count), 2.0 * double(below.count),
             0.05 * double(above.count));
  CHECK(above.y < below.y - 50);

  ImageRow colored{"", numbers({1, 1, 2, 3}, {1, 0.2, 0, 0, undefined, 0})};
  Picture colors = draw(require(imageGridFigure({colored}, options)), "colors");
  CHECK(colors.find(0xFF3300).count > 500);
  CHECK(colors.find(gray).count > 500);
  CHECK(colors.find(0xFF3300).x < colors.find(gray).x);

  CHECK_ERROR(imageGridFigure({}, options), "`images` has no images");
  CHECK_ERROR(imageGridFigure({{"r", numbers({2, 2}, {1, 2, 3, 4})}}, options),
              "images `r` of shape 2 x 2");
  options.white = 0;
  CHECK_ERROR(imageGridFigure({bright}, options), "as black and as white");
}

static void checkFiles() {
  Figure figure = require(fieldFigure(numbers({1, 2}, {1, 2}), {}));
  // Another resolution, and the same drawing as SVG.
  draw(figure, "small", 72);
  CHECK_SUCCESS(figure.write(folder + "/figure.svg"));
  std::string svg = require(readFile(folder + "/figure.svg"));
  CHECK(svg.starts_with("<?xml"));
  CHECK(svg.find("</svg>") != std::string::npos);

  CHECK_FAILURE(figure.write(folder + "/figure.gif"), "/figure.gif`",
                "must end in `.png` or `.svg`");
  CHECK_FAILURE(figure.write(folder + "/absent/figure.png"),
                "absent/figure.png");
  // A name that cannot be replaced keeps what it is, and nothing else is left.
  std::filesystem::create_directory(folder + "/taken.png");
  CHECK_FAILURE(figure.write(folder + "/taken.png"), "taken.png");
  CHECK(std::filesystem::is_directory(folder + "/taken.png"));
  for (const auto &entry : std::filesystem::directory_iterator(folder)) {
    std::string ending = entry.path().extension().string();
    CHECK(ending == ".png" || ending == ".svg");
  }

  Figure row = beside({figure, figure}), column = above({figure, row});
  CHECK_NEAR(row.width(), 2 * figure.width(), 1e-9);
  CHECK_NEAR(row.height(), figure.height(), 1e-9);
  CHECK_NEAR(column.width(), row.width(), 1e-9);
  CHECK_NEAR(column.height(), 2 * figure.height(), 1e-9);
  uint32_t red = 0x67001F;
  int64_t once = draw(figure, "one").find(red).count;
  CHECK_NEAR(double(draw(column, "three").find(red).count), 3.0 * double(once),
             0.02 * double(once));
}

/// The largest and the closest numbers there are neither hang nor fail.
static void checkExtremes() {
  const double huge = std::numeric_limits<double>::max();
  const double next = std::nextafter(1.0, 2.0);
  for (const std::vector<double> &values :
       {std::vector<double>{-huge, huge}, {1, next}, {5e-324, 0}}) {
    Tensor field = numbers({1, 2}, values);
    for (ColorScale scale : {ColorScale::Diverging, ColorScale::Sequential}) {
      FieldOptions options;
      options.colors = scale;
      draw(require(fieldFigure(field, options)), "extreme");
    }
  }
  draw(require(linePlotFigure({{"", {1, 2}, {1, next}}}, {})), "close");
  draw(require(linePlotFigure({{"", {1, 2}, {1e-300, huge}}},
                              {"", "", "", false, true})),
       "decades");
}

static std::string tickTexts(const std::vector<Tick> &ticks) {
  std::string texts;
  for (const Tick &tick : ticks)
    texts += (texts.empty() ? "" : " ") + tick.text;
  return texts;
}

static void checkTicks() {
  CHECK_EQUAL(tickTexts(roundTicks(0, 1, 5)), "0.0 0.2 0.4 0.6 0.8 1.0");
  CHECK_EQUAL(tickTexts(roundTicks(-1.3, 1.3, 3)), "−1 0 1");
  CHECK_EQUAL(tickTexts(roundTicks(99.5, 1020, 5)), "200 400 600 800 1000");
  CHECK_EQUAL(tickTexts(roundTicks(1e-7, 3e-7, 3)), "1e-07 2e-07 3e-07");
  CHECK_EQUAL(tickTexts(roundTicks(2, 2, 3)), "2");
  CHECK_EQUAL(tickTexts(powerTicks(1e-4, 20, 8)), "10⁻⁴ 10⁻³ 0.01 0.1 1 10");
  CHECK_EQUAL(tickTexts(powerTicks(0.03, 0.6, 8)), "0.05 0.1 0.2 0.5");
  // Maps have a tick every ten sites.
  CHECK_EQUAL(tickTexts(cellAxis("", 36, 10).ticks), "0 10 20 30");
  CHECK_EQUAL(tickTexts(cellAxis("", 72, 10).ticks), "0 10 20 30 40 50 60 70");
  CHECK_EQUAL(tickTexts(cellAxis("", 5, 10).ticks), "0 1 2 3 4");
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: loco-test-figures <folder>\n";
    return 1;
  }
  folder = argv[1];
  checkOrientationMap();
  checkOtherMaps();
  checkField();
  checkPhaseColors();
  checkFilmStrip();
  checkSpaceTime();
  checkQuiver();
  checkLinePlot();
  checkImageGrid();
  checkFiles();
  checkExtremes();
  checkTicks();
  return checksFailed();
}
