//===- RotatingSource.cpp - Images that turn ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Frame t is the image turned by t steps, counter-clockwise as it is seen
// (rows downwards), about the point (h/2, w/2) in pixel coordinates, where
// pixel centres are whole numbers: for 28 x 28 the point (14, 14), half a pixel
// off the middle, as in the reference. Bilinear, zeros outside.
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/BuiltinSource.h"

#include <algorithm>
#include <cmath>

using namespace loco;
using namespace loco::data;

namespace {

/// A pixel of the turned image: its four neighbours in the original, by their
/// place in an image with a border of zeros, and their weights.
struct Sample {
  int32_t corner;
  float weight[4];
};

class RotatingSource : public BuiltinSource {
public:
  RotatingSource(std::unique_ptr<DataSource> inner, size_t imageField,
                 double step, int64_t frames)
      : inner(std::move(inner)), imageField(imageField) {
    const Shape &shape = this->inner->fields()[imageField].shape;
    height = shape[0];
    width = shape[1];
    for (int64_t t = 0; t < frames; ++t)
      addTurn(static_cast<double>(t) * step);
    image.resize(static_cast<size_t>(height * width));
    // Two rows and columns of zeros on each side: a corner may lie one pixel
    // outside, and its neighbour is one further.
    bordered.resize(static_cast<size_t>((height + 4) * (width + 4)));
    std::vector<DataField> fields = this->inner->fields();
    fields[imageField].perStep = DataField::Steps::PerStep;
    declare(std::move(fields), frames,
            this->inner->length().value_or(LOCO_DATA_INFINITE));
  }

  Status readSample(uint64_t index, void *const *buffers) override {
    std::vector<void *> innerBuffers(buffers, buffers + inner->fields().size());
    float *x = static_cast<float *>(buffers[imageField]);
    innerBuffers[imageField] = x ? image.data() : nullptr;
    if (Status failed = inner->read(index, 1, innerBuffers))
      return failed;
    if (x)
      turnAll(x);
    return {};
  }

  int64_t heldBytes() const override { return inner->heldBytes(); }

private:
  void addTurn(double angle) {
    double sine = std::sin(angle), cosine = std::cos(angle);
    double centreRow = height / 2.0, centreColumn = width / 2.0;
    for (int64_t row = 0; row < height; ++row)
      for (int64_t column = 0; column < width; ++column) {
        double dy = row - centreRow, dx = column - centreColumn;
        addSample(sine * dx + cosine * dy + centreRow,
                  cosine * dx - sine * dy + centreColumn);
      }
  }

  void addSample(double row, double column) {
    double top = std::floor(row), left = std::floor(column);
    float down = static_cast<float>(row - top);
    float right = static_cast<float>(column - left);
    // Far outside every neighbour is zero, as it is in the border.
    int64_t r = static_cast<int64_t>(std::clamp(top, -2.0, height + 0.0));
    int64_t c = static_cast<int64_t>(std::clamp(left, -2.0, width + 0.0));
    samples.push_back({static_cast<int32_t>((r + 2) * (width + 4) + c + 2),
                       {(1 - down) * (1 - right), (1 - down) * right,
                        down * (1 - right), down * right}});
  }

  void turnAll(float *x) {
    for (int64_t row = 0; row < height; ++row)
      std::copy_n(image.data() + row * width, width,
                  bordered.data() + (row + 2) * (width + 4) + 2);
    for (const Sample &sample : samples) {
      const float *above = bordered.data() + sample.corner;
      const float *below = above + width + 4;
      *x++ = sample.weight[0] * above[0] + sample.weight[1] * above[1] +
             sample.weight[2] * below[0] + sample.weight[3] * below[1];
    }
  }

  std::unique_ptr<DataSource> inner;
  size_t imageField;
  int64_t height = 0, width = 0;
  std::vector<Sample> samples;
  std::vector<float> image, bordered;
};

} // namespace

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeRotating(const LocoDataOption &call, uint64_t seed) {
  OptionReader options(call, {"source"});
  std::unique_ptr<DataSource> inner = options.source("source", seed);
  double step = options.angle("step", 20 * (M_PI / 180));
  int64_t frames = options.count("frames", 18);
  if (Status failed = options.finish())
    return failed.error();
  const DataField *x = inner->field("x");
  if (!x || x->perStep == DataField::Steps::PerStep || x->shape.size() != 2 ||
      x->type != ElementType::F32 || numElements(x->shape) > INT32_MAX / 2)
    return Error{"`rotating` needs a source whose `x` is one image per "
                 "sample, as that of `idx` is"};
  size_t place = static_cast<size_t>(x - inner->fields().data());
  return std::unique_ptr<BuiltinSource>(
      std::make_unique<RotatingSource>(std::move(inner), place, step, frames));
}
