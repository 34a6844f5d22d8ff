//===- CifarSource.cpp - Colour images of CIFAR-10's binary files ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each file is a row of records of 3073 bytes: the label, then 32 x 32 pixels
// red, as many green, as many blue. The files stay on the disk.
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/BuiltinSource.h"
#include "runtime/lib/files/Bytes.h"
#include "runtime/lib/files/RandomFile.h"

#include <filesystem>

using namespace loco;
using namespace loco::data;
using files::RandomFile;
using files::ticked;

static constexpr int64_t side = 32, pixels = 3 * side * side, classes = 10;
static constexpr int64_t recordBytes = 1 + pixels;

namespace {

/// Images in [0, 1], channels first, and their labels.
class CifarSource : public BuiltinSource {
public:
  explicit CifarSource(std::vector<std::unique_ptr<RandomFile>> given)
      : files(std::move(given)) {
    int64_t samples = 0;
    for (const auto &file : files) {
      samples += static_cast<int64_t>(file->size()) / recordBytes;
      ends.push_back(samples);
    }
    declare(
        {{"x", ElementType::F32, {3, side, side}},
         {"label", ElementType::I32, {}, DataField::Steps::PerSample, classes}},
        0, samples);
    for (int value = 0; value < 256; ++value)
      brightness[value] = static_cast<float>(value / 255.0);
  }

  Status readSample(uint64_t index, void *const *buffers) override {
    size_t number = 0;
    while (static_cast<int64_t>(index) >= ends[number])
      ++number;
    uint64_t before = number ? static_cast<uint64_t>(ends[number - 1]) : 0;
    const RandomFile &file = *files[number];
    if (Status failed =
            file.read((index - before) * recordBytes, record, recordBytes))
      return failed;
    if (record[0] >= classes)
      return Error{"image " + std::to_string(index - before) + " in " +
                   ticked(file.path()) + " is of class " +
                   std::to_string(record[0]) + ", expected 0 to 9"};
    if (float *x = static_cast<float *>(buffers[0]))
      for (int64_t i = 0; i < pixels; ++i)
        x[i] = brightness[record[1 + i]];
    if (int32_t *label = static_cast<int32_t *>(buffers[1]))
      *label = record[0];
    return {};
  }

private:
  std::vector<std::unique_ptr<RandomFile>> files;
  /// Samples up to the end of each file.
  std::vector<int64_t> ends;
  float brightness[256];
  uint8_t record[recordBytes];
};

} // namespace

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeCifar10(const LocoDataOption &call, uint64_t) {
  OptionReader options(call, {"folder"});
  std::filesystem::path folder = options.requiredFolder("folder");
  std::string split = options.choice("split", {"train", "test"});
  if (Status failed = options.finish())
    return failed.error();
  std::vector<std::string> names = {"test_batch.bin"};
  if (split == "train")
    names = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
             "data_batch_4.bin", "data_batch_5.bin"};
  std::vector<std::unique_ptr<RandomFile>> files;
  for (const std::string &name : names) {
    Expected<std::unique_ptr<RandomFile>> file =
        RandomFile::open((folder / name).string());
    if (!file)
      return file.error();
    if ((*file)->size() == 0 || (*file)->size() % recordBytes != 0)
      return Error{
          ticked((*file)->path()) + " has " + std::to_string((*file)->size()) +
          " bytes, expected a multiple of " + std::to_string(recordBytes) +
          ", one record per image; it may be truncated"};
    files.push_back(std::move(*file));
  }
  return std::unique_ptr<BuiltinSource>(
      std::make_unique<CifarSource>(std::move(files)));
}
