//===- IdxSource.cpp - Digits from IDX files ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Files.h"
#include "runtime/lib/data/BuiltinSource.h"

#include <algorithm>
#include <filesystem>

using namespace loco;
using namespace loco::data;

namespace {

/// MNIST's files: images in [0, 1] and their labels.
class IdxSource : public BuiltinSource {
public:
  IdxSource(IdxArray images, IdxArray labels)
      : images(std::move(images)), labels(std::move(labels)) {
    const Shape &shape = this->images.shape;
    int64_t classes = 0;
    for (uint8_t label : this->labels.values)
      classes = std::max<int64_t>(classes, label + 1);
    declare(
        {{"x", ElementType::F32, {shape[1], shape[2]}},
         {"label", ElementType::I32, {}, DataField::Steps::PerSample, classes}},
        0, shape[0]);
    for (int value = 0; value < 256; ++value)
      grey[value] = static_cast<float>(value / 255.0);
  }

  Status readSample(uint64_t index, void *const *buffers) override {
    if (float *x = static_cast<float *>(buffers[0])) {
      size_t pixels = static_cast<size_t>(images.shape[1] * images.shape[2]);
      const uint8_t *image = images.values.data() + index * pixels;
      for (size_t i = 0; i < pixels; ++i)
        x[i] = grey[image[i]];
    }
    if (int32_t *label = static_cast<int32_t *>(buffers[1]))
      *label = labels.values[index];
    return {};
  }

  int64_t heldBytes() const override {
    return static_cast<int64_t>(images.values.size() + labels.values.size());
  }

private:
  IdxArray images, labels;
  float grey[256];
};

} // namespace

/// Reads `name`, plain or compressed, whichever is there.
static Expected<IdxArray> readEither(const std::filesystem::path &folder,
                                     const std::string &name, size_t axes) {
  std::filesystem::path path = folder / name;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    path += ".gz";
  if (!std::filesystem::exists(path, ignored))
    return Error{"the folder `" + folder.string() + "` has neither `" + name +
                 "` nor `" + name + ".gz`"};
  Expected<IdxArray> array = readIdx(path.string());
  if (array && array->shape.size() != axes)
    return Error{"`" + path.string() + "` has the shape " +
                 describe(array->shape) + ", expected " + std::to_string(axes) +
                 " axes"};
  return array;
}

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeIdx(const LocoDataOption &call, uint64_t) {
  OptionReader options(call, {"folder"});
  std::filesystem::path folder = options.requiredFolder("folder");
  std::string split = options.choice("split", {"train", "test"});
  if (Status failed = options.finish())
    return failed.error();
  // The names of the original files: "t10k" is their test set.
  std::string prefix = split == "train" ? "train" : "t10k";
  Expected<IdxArray> images =
      readEither(folder, prefix + "-images-idx3-ubyte", 3);
  if (!images)
    return images.error();
  Expected<IdxArray> labels =
      readEither(folder, prefix + "-labels-idx1-ubyte", 1);
  if (!labels)
    return labels.error();
  if (images->shape[0] != labels->shape[0])
    return Error{"`" + folder.string() + "` has " +
                 std::to_string(images->shape[0]) + " images, but " +
                 std::to_string(labels->shape[0]) + " labels for `" + split +
                 "`"};
  return std::unique_ptr<BuiltinSource>(
      std::make_unique<IdxSource>(std::move(*images), std::move(*labels)));
}
