//===- SequenceSources.cpp - Images as sequences --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sources that make a sequence of what another one gives once per sample: an
// image pixel by pixel or row by row, and noise behind the end of a sequence.
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/BuiltinSource.h"
#include "runtime/lib/data/Permutation.h"

#include <algorithm>
#include <numeric>

using namespace loco;
using namespace loco::data;

namespace {

/// Passes all fields on and changes one, whose values come in another order or
/// number.
class ChangedSource : public BuiltinSource {
public:
  ChangedSource(std::unique_ptr<DataSource> inner, const DataField *changed)
      : inner(std::move(inner)),
        place(static_cast<size_t>(changed - this->inner->fields().data())),
        values(static_cast<size_t>(
            numElements(this->inner->sampleShape(*changed)))) {}

  Status readSample(uint64_t index, void *const *buffers) override {
    std::vector<void *> innerBuffers(buffers, buffers + inner->fields().size());
    float *x = static_cast<float *>(buffers[place]);
    innerBuffers[place] = x ? values.data() : nullptr;
    if (Status failed = inner->read(index, 1, innerBuffers))
      return failed;
    if (x)
      change(x);
    return {};
  }

  int64_t heldBytes() const override { return inner->heldBytes(); }

protected:
  /// Declares the fields of the inner source, the changed one per step and of
  /// `shape`.
  void declareChanged(const Shape &shape, int64_t steps) {
    std::vector<DataField> fields = inner->fields();
    fields[place].shape = shape;
    fields[place].perStep = DataField::Steps::PerStep;
    declare(std::move(fields), steps,
            inner->length().value_or(LOCO_DATA_INFINITE));
  }

  /// Writes the changed field of one sample, made of `values`.
  virtual void change(float *x) = 0;

  std::unique_ptr<DataSource> inner;
  size_t place;
  std::vector<float> values;
};

/// Each element of the result is a value of the image.
class ReorderedImage : public ChangedSource {
public:
  ReorderedImage(std::unique_ptr<DataSource> inner, const DataField *image,
                 const Shape &shape, std::vector<int64_t> order)
      : ChangedSource(std::move(inner), image), order(std::move(order)) {
    declareChanged(shape, static_cast<int64_t>(this->order.size()) /
                              numElements(shape));
  }

private:
  void change(float *x) override {
    for (int64_t position : order)
      *x++ = values[static_cast<size_t>(position)];
  }

  std::vector<int64_t> order;
};

/// A sequence with noise behind its end, drawn once: the same for all samples.
class PaddedSequence : public ChangedSource {
public:
  PaddedSequence(std::unique_ptr<DataSource> inner, const DataField *sequence,
                 int64_t steps, double deviation, uint64_t seed)
      : ChangedSource(std::move(inner), sequence) {
    const Shape shape = sequence->shape;
    int64_t missing =
        steps * numElements(shape) - static_cast<int64_t>(values.size());
    tail.resize(static_cast<size_t>(missing));
    LocoRandomKey key = {seed, locoRandomStream("data/padded"), 0};
    locoRandomNormal(&key, 0, 0, missing, tail.data());
    for (float &value : tail)
      value = static_cast<float>(value * deviation);
    declareChanged(shape, steps);
  }

private:
  void change(float *x) override {
    x = std::copy(values.begin(), values.end(), x);
    std::copy(tail.begin(), tail.end(), x);
  }

  std::vector<float> tail;
};

/// An image as it lies in memory: channels, rows, columns.
struct ImageShape {
  int64_t channels, height, width;
  bool hasChannels;
};

} // namespace

/// The field `x` of a source whose samples are one image each; null if they
/// are something else.
static const DataField *findImage(const DataSource &source, ImageShape &shape) {
  const DataField *x = source.field("x");
  if (!x || x->perStep == DataField::Steps::PerStep || source.steps() != 0 ||
      x->type != ElementType::F32 || x->shape.size() < 2 ||
      x->shape.size() > 3 || numElements(x->shape) < 1 ||
      numElements(x->shape) > INT32_MAX / 4)
    return nullptr;
  bool hasChannels = x->shape.size() == 3;
  shape = {hasChannels ? x->shape[0] : 1, *(x->shape.end() - 2),
           x->shape.back(), hasChannels};
  return x;
}

static Error needsImage(const LocoDataOption &call) {
  return Error{"`" + std::string(call.text) +
               "` needs a source whose `x` is one image per sample, as that of "
               "`idx` is"};
}

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makePixels(const LocoDataOption &call, uint64_t seed) {
  OptionReader options(call, {"source"});
  std::unique_ptr<DataSource> inner = options.source("source", seed);
  int64_t permuted = options.count("permuted", -1, -1);
  if (Status failed = options.finish())
    return failed.error();
  ImageShape image;
  const DataField *x = findImage(*inner, image);
  if (!x)
    return needsImage(call);
  int64_t pixels = image.height * image.width;
  std::vector<int64_t> places(static_cast<size_t>(pixels));
  std::iota(places.begin(), places.end(), int64_t(0));
  if (permuted >= 0)
    places = makePermutation(
        {static_cast<uint64_t>(permuted), locoRandomStream("data/pixels"), 0},
        pixels);
  std::vector<int64_t> order;
  for (int64_t pixel : places)
    for (int64_t channel = 0; channel < image.channels; ++channel)
      order.push_back(channel * pixels + pixel);
  Shape shape = image.hasChannels ? Shape{image.channels} : Shape{};
  return std::unique_ptr<BuiltinSource>(std::make_unique<ReorderedImage>(
      std::move(inner), x, shape, std::move(order)));
}

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeRows(const LocoDataOption &call, uint64_t seed) {
  OptionReader options(call, {"source"});
  std::unique_ptr<DataSource> inner = options.source("source", seed);
  if (Status failed = options.finish())
    return failed.error();
  ImageShape image;
  const DataField *x = findImage(*inner, image);
  if (!x)
    return needsImage(call);
  std::vector<int64_t> order;
  for (int64_t row = 0; row < image.height; ++row)
    for (int64_t channel = 0; channel < image.channels; ++channel)
      for (int64_t column = 0; column < image.width; ++column)
        order.push_back((channel * image.height + row) * image.width + column);
  return std::unique_ptr<BuiltinSource>(std::make_unique<ReorderedImage>(
      std::move(inner), x, Shape{image.channels * image.width},
      std::move(order)));
}

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makePadded(const LocoDataOption &call, uint64_t seed) {
  OptionReader options(call, {"source", "steps"});
  std::unique_ptr<DataSource> inner = options.source("source", seed);
  int64_t steps = options.requiredCount("steps", 1);
  double deviation = options.number("noise", 1);
  uint64_t noiseSeed =
      static_cast<uint64_t>(options.count("seed", 0, /*least=*/0));
  if (Status failed = options.finish())
    return failed.error();
  const DataField *x = inner->field("x");
  if (!x || x->perStep != DataField::Steps::PerStep ||
      x->type != ElementType::F32)
    return Error{"`padded` needs a source whose `x` is a sequence of numbers, "
                 "as that of `rows` is"};
  for (const DataField &field : inner->fields())
    if (&field != x && field.perStep == DataField::Steps::PerStep)
      return Error{"`padded` does not know what `" + field.name +
                   "` is behind the end"};
  if (steps < inner->steps())
    return Error{"`padded` makes sequences of " + std::to_string(steps) +
                 " steps, but those of its source have " +
                 std::to_string(inner->steps())};
  if (numElements(x->shape) > INT32_MAX / 4 / steps)
    return Error{"`padded` makes sequences that are too long"};
  return std::unique_ptr<BuiltinSource>(std::make_unique<PaddedSequence>(
      std::move(inner), x, steps, deviation, noiseSeed));
}
