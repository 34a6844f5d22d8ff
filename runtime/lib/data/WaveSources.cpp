//===- WaveSources.cpp - Plane waves, gratings and noise ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A wave of length l whose crests move along the direction th:
//
//   x_t(i, j) = 1/2 + 1/2 sin(2 pi (i sin th + j cos th) / l + phi - t dphi)
//
// with i the row and j the column. A grating is a wave that stands still.
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/BuiltinSource.h"

#include <cmath>

using namespace loco;
using namespace loco::data;

static constexpr double degree = M_PI / 180;

namespace {

/// One wave, in radians and pixels.
struct Wave {
  double wavelength, angle, phase;
};

/// Draws waves frame by frame. Sines of sums are taken apart, so that a frame
/// costs two products per pixel and sines are taken along the edges alone.
class WavePainter {
public:
  WavePainter(const Shape &image, int64_t frames, double step)
      : height(image[0]), width(image[1]), frames(frames), step(step),
        sine(static_cast<size_t>(height * width)), cosine(sine.size()),
        sineOfColumn(static_cast<size_t>(width)), cosineOfColumn(sineOfColumn) {
  }

  void paint(const Wave &wave, float *x) {
    double k = 2 * M_PI / wave.wavelength;
    double perRow = k * std::sin(wave.angle),
           perColumn = k * std::cos(wave.angle);
    for (int64_t j = 0; j < width; ++j) {
      sineOfColumn[j] = std::sin(perColumn * j);
      cosineOfColumn[j] = std::cos(perColumn * j);
    }
    for (int64_t i = 0; i < height; ++i) {
      double s = std::sin(perRow * i), c = std::cos(perRow * i);
      for (int64_t j = 0; j < width; ++j) {
        sine[i * width + j] = s * cosineOfColumn[j] + c * sineOfColumn[j];
        cosine[i * width + j] = c * cosineOfColumn[j] - s * sineOfColumn[j];
      }
    }
    int64_t pixels = height * width;
    for (int64_t t = 0; t < frames; ++t) {
      double phase = wave.phase - static_cast<double>(t) * step;
      double s = 0.5 * std::sin(phase), c = 0.5 * std::cos(phase);
      for (int64_t pixel = 0; pixel < pixels; ++pixel)
        x[pixel] =
            static_cast<float>(0.5 + (sine[pixel] * c + cosine[pixel] * s));
      x += pixels;
    }
  }

private:
  int64_t height, width, frames;
  double step;
  std::vector<double> sine, cosine, sineOfColumn, cosineOfColumn;
};

DataField imagePerStep(const Shape &image) {
  return {"x", ElementType::F32, image, DataField::Steps::PerStep};
}

/// Simulated retinal waves: every sample a fresh wave.
class PlaneWaves : public BuiltinSource {
public:
  PlaneWaves(const LocoRandomKey &key, const Shape &image, int64_t frames,
             double step, Law wavelength, Law angle, Law phase)
      : key(key), painter(image, frames, step), wavelength(wavelength),
        angle(angle), phase(phase) {
    declare({imagePerStep(image)}, frames, LOCO_DATA_INFINITE);
  }

  Status readSample(uint64_t index, void *const *buffers) override {
    double u[3];
    locoRandomUniformF64(&key, index, 0, 3, u);
    if (buffers[0])
      painter.paint({wavelength.at(u[2]), angle.at(u[0]), phase.at(u[1])},
                    static_cast<float *>(buffers[0]));
    return {};
  }

private:
  LocoRandomKey key;
  WavePainter painter;
  Law wavelength, angle, phase;
};

/// Standing waves of evenly spaced orientations, `count` of each with evenly
/// spaced wavelengths. The first orientation is 90 degrees, the others follow
/// clockwise, as the paper's legend has them.
class Gratings : public BuiltinSource {
public:
  Gratings(const LocoRandomKey &key, const Shape &image, int64_t frames,
           int64_t orientations, Law wavelengths, int64_t count, Law phase)
      : key(key), painter(image, frames, 0), orientations(orientations),
        count(count), wavelengths(wavelengths), phase(phase) {
    declare({imagePerStep(image),
             {"label",
              ElementType::I32,
              {},
              DataField::Steps::PerSample,
              orientations}},
            frames, orientations * count);
  }

  Status readSample(uint64_t index, void *const *buffers) override {
    int64_t orientation = static_cast<int64_t>(index) / count;
    int64_t number = static_cast<int64_t>(index) % count;
    double u;
    locoRandomUniformF64(&key, index, 0, 1, &u);
    double share =
        count > 1 ? static_cast<double>(number) / static_cast<double>(count - 1)
                  : 0;
    Wave wave = {wavelengths.low + (wavelengths.high - wavelengths.low) * share,
                 (90 - 180.0 * static_cast<double>(orientation) /
                           static_cast<double>(orientations)) *
                     degree,
                 phase.at(u)};
    if (buffers[0])
      painter.paint(wave, static_cast<float *>(buffers[0]));
    if (int32_t *label = static_cast<int32_t *>(buffers[1]))
      *label = static_cast<int32_t>(orientation);
    return {};
  }

private:
  LocoRandomKey key;
  WavePainter painter;
  int64_t orientations, count;
  Law wavelengths, phase;
};

/// Independent normal numbers, one per pixel and frame.
class Noise : public BuiltinSource {
public:
  Noise(const LocoRandomKey &key, const Shape &image, int64_t frames)
      : key(key), pixels(image[0] * image[1]), frames(frames) {
    declare({imagePerStep(image)}, frames, LOCO_DATA_INFINITE);
  }

  Status readSample(uint64_t index, void *const *buffers) override {
    float *x = static_cast<float *>(buffers[0]);
    for (int64_t t = 0; x && t < frames; ++t)
      locoRandomNormal(&key, index, static_cast<uint32_t>(t), pixels,
                       x + t * pixels);
    return {};
  }

private:
  LocoRandomKey key;
  int64_t pixels, frames;
};

} // namespace

/// The shortest wave a grid of pixels can show is two pixels long.
static void checkWavelengths(OptionReader &options, const Law &law) {
  if (!(law.low > 0 && law.high >= law.low))
    options.mistake("wavelengths are " + std::to_string(law.low) + " to " +
                    std::to_string(law.high) +
                    " pixels, expected positive ones, the smaller first");
}

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makePlaneWaves(const LocoDataOption &call, uint64_t seed) {
  OptionReader options(call, {"image"});
  Shape image = options.image("image");
  Law wavelength = options.numberLaw("wavelength", Law::fixed(24));
  Law around = Law::uniform(0, 360 * degree);
  Law angle = options.angleLaw("angle", around);
  Law phase = options.angleLaw("phase", around);
  int64_t frames = options.count("frames", 18);
  double step = options.angle("step", 20 * degree);
  LocoRandomKey key = keyOfGenerator(call, options, seed);
  checkWavelengths(options, wavelength);
  if (Status failed = options.finish())
    return failed.error();
  return std::unique_ptr<BuiltinSource>(std::make_unique<PlaneWaves>(
      key, image, frames, step, wavelength, angle, phase));
}

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeGratings(const LocoDataOption &call, uint64_t seed) {
  OptionReader options(call, {"image"});
  Shape image = options.image("image");
  int64_t orientations = options.count("orientations", 8);
  Law wavelengths = options.range("wavelengths", {4, 28, false});
  int64_t count = options.count("count", 16);
  Law phase = options.angleLaw("phase", Law::fixed(0));
  int64_t frames = options.count("frames", 18);
  LocoRandomKey key = keyOfGenerator(call, options, seed);
  checkWavelengths(options, wavelengths);
  if (Status failed = options.finish())
    return failed.error();
  return std::unique_ptr<BuiltinSource>(std::make_unique<Gratings>(
      key, image, frames, orientations, wavelengths, count, phase));
}

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeNoise(const LocoDataOption &call, uint64_t seed) {
  OptionReader options(call, {"image"});
  Shape image = options.image("image");
  int64_t frames = options.count("frames", 18);
  LocoRandomKey key = keyOfGenerator(call, options, seed);
  if (Status failed = options.finish())
    return failed.error();
  return std::unique_ptr<BuiltinSource>(
      std::make_unique<Noise>(key, image, frames));
}
