//===- DataSourceTest.cpp - Samples by index ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mistakes in options and files, independence of the order of reading, chance
// levels of the memory tasks, arrays in memory.
//
//===----------------------------------------------------------------------===//

// RUN: rm -rf %t && mkdir %t && loco-test-data-source %t

#include "loco/DataSource.h"
#include "loco/Files.h"

#include "test/Runtime/Check.h"

#include <cmath>
#include <filesystem>
#include <map>

using namespace loco;
using Option = DataOption;

static Option number(double value) { return Option::ofNumber(value); }
static Option text(const char *value) { return Option::ofText(value); }
static Option call(const char *name, std::vector<Option> arguments = {}) {
  return Option::ofCall(name, std::move(arguments));
}
static Option image(double height, double width) {
  return call("image", {number(height), number(width)});
}
static Expected<std::unique_ptr<DataSource>> open(const Option &option,
                                                  uint64_t seed = 1) {
  return DataSource::open(option, seed);
}

static void writeIdx(const std::string &path, std::vector<uint8_t> shape,
                     size_t values) {
  std::string bytes = {0, 0, 8, static_cast<char>(shape.size())};
  for (uint8_t extent : shape)
    bytes += {0, 0, 0, static_cast<char>(extent)};
  for (size_t i = 0; i < values; ++i)
    bytes += static_cast<char>(i * 7 % 10);
  CHECK_SUCCESS(writeFileAtomically(path, {bytes}));
}

static void checkOptionText() {
  Option option =
      call("plane_waves",
           {image(28, 28), number(24.5).as("wavelength"),
            call("uniform", {Option::ofDegrees(-180), Option::ofDegrees(360)})
                .drawnAs("angle"),
            text("test").as("split"), Option::ofRange(4, 28).as("r")});
  CHECK_EQUAL(option.toText(),
              "plane_waves(image(28, 28), wavelength = 24.5, angle ~ "
              "uniform(-180 deg, 360 deg), split = \"test\", r = 4..28)");
}

static void checkMistakes(const std::string &folder) {
  CHECK_ERROR(open(call("digits")), "there is no data source `digits`",
              "`gratings`", "`idx`", "`plane_waves`");
  CHECK_ERROR(open(number(3)), "written as a call");
  CHECK_ERROR(open(call("noise")), "`noise` needs `image`");
  CHECK_ERROR(open(call("noise", {number(28)})),
              "`image` of `noise` is `28`, expected `image(height, width)`");
  for (const Option &bad :
       {image(0, 28), image(28, 2.5), image(28, 1e6), call("image", {}),
        call("picture", {number(2), number(2)})})
    CHECK_ERROR(open(call("noise", {bad})), "expected `image(height, width)`");
  CHECK_ERROR(open(call("noise", {image(2, 2), number(3).as("frame")})),
              "`noise` has no option `frame`", "`image`, `frames`, `split`");
  CHECK_ERROR(open(call("noise", {image(2, 2), number(3)})),
              "`noise` has no use for `3`");
  CHECK_ERROR(open(call("noise", {image(2, 2), image(2, 2).as("image")})),
              "`image` of `noise` is given twice");
  for (double frames : {0.0, -1.0, 1.5, 1e10, double(NAN)})
    CHECK_ERROR(open(call("noise", {image(2, 2), number(frames).as("frames")})),
                "`frames` of `noise` is",
                "expected a whole number from 1 to 2147483647");
  auto waves = [](Option option) {
    return open(call("plane_waves", {image(4, 4), std::move(option)}));
  };
  CHECK_ERROR(waves(number(20).as("step")),
              "`step` of `plane_waves` is `step = 20`, expected an angle, as "
              "in `20 deg`");
  CHECK(bool(waves(number(0).as("step"))));
  CHECK_ERROR(waves(Option::ofDegrees(24).as("wavelength")),
              "expected a number without a unit");
  CHECK_ERROR(waves(number(0).as("wavelength")), "wavelengths are 0");
  CHECK_ERROR(waves(text("north").as("angle")), "expected an angle");
  CHECK_ERROR(waves(call("normal", {number(0), number(1)}).drawnAs("angle")),
              "`angle ~ normal(0, 1)`", "expected `uniform(low, high)`");
  CHECK_ERROR(
      waves(call("uniform", {number(9), number(5)}).drawnAs("wavelength")),
      "expected the lower end first");
  CHECK_ERROR(waves(text("training").as("split")),
              "expected `\"train\"` or `\"validation\"` or `\"test\"`");
  CHECK_ERROR(open(call("gratings", {image(4, 4),
                                     Option::ofRange(9, 4).as("wavelengths")})),
              "the smaller first");
  CHECK_ERROR(open(call("copy")), "`copy` needs `length`");
  CHECK_ERROR(open(call("copy", {number(9)})),
              "`length` of `copy` is `9`, expected a whole number from 10");
  CHECK_ERROR(open(call("adding", {number(1)})), "from 2");
  CHECK_ERROR(open(call("rotating", {image(2, 2)})),
              "there is no data source `image`");
  CHECK_ERROR(open(call("rotating", {text("x")})), "expected a data source");
  CHECK_ERROR(open(call("rotating", {call("noise", {image(2, 2)})})),
              "`rotating` needs a source whose `x` is one image per sample");
  CHECK_ERROR(open(call("rotating", {call("idx")})), "`idx` needs `folder`");
  CHECK_ERROR(open(call("idx", {text((folder + "/absent").c_str())})),
              "there is no folder", "absent");
  CHECK_ERROR(open(call("arrays", {text("absent.npz")})), "cannot open");
  CHECK_ERROR(open(call("arrays", {number(1)})), "expected a text in quotes");
}

static void checkIdxFiles(const std::string &folder) {
  Option digits = call("idx", {text(folder.c_str())});
  std::string images = folder + "/train-images-idx3-ubyte";
  std::string labels = folder + "/train-labels-idx1-ubyte";
  CHECK_ERROR(open(digits), "has neither `train-images-idx3-ubyte` nor "
                            "`train-images-idx3-ubyte.gz`");
  writeIdx(images, {12, 3, 3}, 108);
  CHECK_ERROR(open(digits), "neither `train-labels-idx1-ubyte`");
  writeIdx(labels, {11}, 11);
  CHECK_ERROR(open(digits), "12 images, but 11 labels for `train`");
  writeIdx(labels, {12, 1}, 12);
  CHECK_ERROR(open(digits), "has the shape 12 x 1, expected 1 axes");
  writeIdx(labels, {12}, 11);
  CHECK_ERROR(open(digits), labels.c_str(),
              "has 11 bytes of data, but its header says 12");
  writeIdx(labels, {12}, 12);
  auto source = require(open(digits));
  CHECK_EQUAL(*source->length(), 12);
  CHECK_EQUAL(source->steps(), 0);
  CHECK_EQUAL(source->field("label")->classes, 10);
  CHECK(source->field("nothing") == nullptr);
  CHECK_ERROR(source->read(10, 3),
              "samples 10 to 13 of `idx` were asked for, it has 12");
  CHECK_ERROR(source->read(UINT64_MAX, 1), "were asked for");
}

/// One read of many samples, and many reads in another order, are the same; so
/// is a field whose neighbours are not wanted.
static void checkOrder(const Option &option) {
  auto together = require(open(option, 77)), apart = require(open(option, 77));
  TensorMap all = require(together->read(5, 6));
  for (uint64_t sample : {9, 5, 10, 6, 8, 7, 5}) {
    for (size_t only = 0; only < apart->fields().size(); ++only) {
      const DataField &field = apart->fields()[only];
      const Tensor &expected = all[field.name];
      size_t bytes = expected.bytes() / 6;
      std::string found(bytes, '\0');
      std::vector<void *> buffers(apart->fields().size(), nullptr);
      buffers[only] = found.data();
      CHECK_SUCCESS(apart->read(sample, 1, buffers));
      if (std::memcmp(found.data(),
                      static_cast<const char *>(expected.data()) +
                          (sample - 5) * bytes,
                      bytes) != 0)
        fail(__FILE__, __LINE__,
             option.toText() + ": sample " + std::to_string(sample) +
                 ", field " + field.name);
    }
  }
}

/// Generated samples differ between seeds, splits and indices.
static void checkFreshness(const Option &option) {
  Option test = option;
  test.arguments.push_back(text("test").as("split"));
  auto first = [](const Option &option, uint64_t seed, uint64_t index) {
    auto source = require(open(option, seed));
    TensorMap sample = require(source->read(index, 1));
    return std::string(bytesOf(sample["x"]));
  };
  std::string sample = first(option, 1, 3);
  CHECK(sample == first(option, 1, 3));
  CHECK(sample != first(option, 2, 3));
  CHECK(sample != first(option, 1, 4));
  CHECK(sample != first(test, 1, 3));
  CHECK(sample != first(option, 1, 3 + (uint64_t(1) << 32)));
}

/// The best that can be done without memory (reference: adding 1/6, copy
/// 10 ln 8 / (length + 10) nats per position), within 1 %.
static void checkChance() {
  const int64_t samples = 20000;
  auto adding = require(open(call("adding", {number(10)})));
  TensorMap batch = require(adding->read(0, samples));
  double error = 0;
  for (int64_t i = 0; i < samples; ++i)
    error += std::pow(batch["target"].at(i) - 1, 2) / samples;
  CHECK_NEAR(error, 1.0 / 6, 0.01 / 6);

  const int64_t length = 30, steps = length + 10;
  auto copy = require(open(call("copy", {number(length)})));
  batch = require(copy->read(0, samples));
  // The cross entropy of the best constant guess at each position.
  double nats = 0;
  for (int64_t t = 0; t < steps; ++t) {
    std::map<int, double> share;
    for (int64_t i = 0; i < samples; ++i)
      share[int(batch["target"].at(i * steps + t))] += 1.0 / samples;
    for (auto [symbol, p] : share)
      nats -= p * std::log(p) / steps;
  }
  double chance = 10 * std::log(8) / steps;
  CHECK_NEAR(nats, chance, 0.01 * chance);
  CHECK_EQUAL(copy->field("x")->classes, 10);
  CHECK_EQUAL(copy->steps(), steps);
  CHECK(!copy->length());
}

static void checkArrays(const std::string &folder) {
  Tensor x(ElementType::F64, {3, 4}), label(ElementType::I32, {3});
  for (int i = 0; i < 12; ++i)
    x.set(i, i);
  auto source = require(DataSource::fromArrays({{"x", x}, {"label", label}}));
  CHECK_EQUAL(*source->length(), 3);
  CHECK(source->field("x")->perStep == DataField::Steps::Either);
  CHECK(source->field("label")->perStep == DataField::Steps::PerSample);
  CHECK_EQUAL(require(source->read(2, 1))["x"].at(1), 9.0);
  CHECK_ERROR(DataSource::fromArrays({}), "hold no arrays");
  CHECK_ERROR(DataSource::fromArrays({{"x", Tensor()}}), "`x`", "is a scalar");
  std::string path = folder + "/own.safetensors";
  CHECK_SUCCESS(writeSafetensors(
      path, {{"x", x}, {"y", Tensor(ElementType::F32, {4, 1})}}));
  CHECK_ERROR(open(call("arrays", {text(path.c_str())})), "`y` in",
              "own.safetensors` has 4 samples, but `x` has 3");
  CHECK_ERROR(open(call("npz", {text(path.c_str())})), "not an .npz archive");
}

int main(int, char **arguments) {
  std::string folder = arguments[1];
  checkOptionText();
  checkMistakes(folder);
  checkIdxFiles(folder);
  Option digits = call("idx", {text(folder.c_str())});
  Option waves = call("plane_waves", {image(6, 5)});
  Option noise = call("noise", {image(3, 3)});
  Option gratings = call("gratings", {image(4, 4)});
  for (const Option &option :
       {digits, call("rotating", {digits}), waves, noise, gratings,
        call("copy", {number(12)}), call("adding", {number(9)})})
    checkOrder(option);
  for (const Option &option :
       {waves, noise, call("copy", {number(12)}), call("adding", {number(9)})})
    checkFreshness(option);
  checkChance();
  checkArrays(folder);
  return checksFailed();
}
