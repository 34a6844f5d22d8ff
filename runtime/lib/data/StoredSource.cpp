//===- StoredSource.cpp - A finite set, and pieces of sequences -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What makes training sets of sources that never end: `stored` keeps the first
// samples of another source in memory, `window` cuts pieces out of its
// sequences.
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/BuiltinSource.h"
#include "runtime/lib/data/SampleBuffers.h"

#include <cstring>

using namespace loco;
using namespace loco::data;

namespace {

/// Each sample is read when it is first asked for, and kept.
class StoredSource : public BuiltinSource {
public:
  StoredSource(std::unique_ptr<DataSource> inner, int64_t count)
      : inner(std::move(inner)), buffers(*this->inner), known(count) {
    for (const DataField &field : this->inner->fields()) {
      Shape shape = this->inner->sampleShape(field);
      shape.insert(shape.begin(), count);
      kept.emplace_back(field.type, shape);
    }
    declare(this->inner->fields(), this->inner->steps(), count);
  }

  Status readSample(uint64_t index, void *const *wanted) override {
    if (!known[index]) {
      if (Status failed = inner->read(index, 1, buffers.getPointers()))
        return failed;
      for (size_t field = 0; field < kept.size(); ++field)
        std::memcpy(placeOf(field, index), buffers[field].data(),
                    buffers[field].bytes());
      known[index] = true;
    }
    for (size_t field = 0; field < kept.size(); ++field)
      if (wanted[field])
        std::memcpy(wanted[field], placeOf(field, index),
                    buffers[field].bytes());
    return {};
  }

  int64_t heldBytes() const override {
    int64_t bytes = inner->heldBytes();
    for (const Tensor &tensor : kept)
      bytes += static_cast<int64_t>(tensor.bytes());
    return bytes;
  }

private:
  char *placeOf(size_t field, uint64_t index) {
    return static_cast<char *>(kept[field].data()) +
           index * buffers[field].bytes();
  }

  std::unique_ptr<DataSource> inner;
  SampleBuffers buffers;
  std::vector<bool> known;
  /// By field: [count, sample...].
  std::vector<Tensor> kept;
};

/// Piece i begins at a step drawn by i. It is of sample i of a source that
/// never ends, or of sample i modulo its length of one that does: pieces never
/// end.
class WindowSource : public BuiltinSource {
public:
  WindowSource(std::unique_ptr<DataSource> inner, int64_t frames,
               const LocoRandomKey &key)
      : inner(std::move(inner)), sequences(*this->inner), buffers(*this->inner),
        frames(frames), key(key) {
    declare(sequences.fields, frames, LOCO_DATA_INFINITE);
  }

  Status readSample(uint64_t index, void *const *wanted) override {
    uint64_t sample = index;
    if (auto length = inner->length())
      sample %= static_cast<uint64_t>(*length);
    if (Status failed = inner->read(sample, 1, buffers.getPointers()))
      return failed;
    uint32_t word;
    locoRandomWords(&key, index, 0, 1, &word);
    uint64_t starts = static_cast<uint64_t>(sequences.steps - frames + 1);
    size_t begin = static_cast<size_t>(word * starts >> 32);
    for (size_t field = 0; field < sequences.fields.size(); ++field) {
      if (!wanted[field])
        continue;
      bool perStep =
          sequences.fields[field].perStep == DataField::Steps::PerStep;
      size_t bytes = buffers[field].bytes();
      size_t ofStep =
          perStep ? bytes / static_cast<size_t>(sequences.steps) : 0;
      std::memcpy(wanted[field],
                  static_cast<const char *>(buffers[field].data()) +
                      begin * ofStep,
                  perStep ? ofStep * static_cast<size_t>(frames) : bytes);
    }
    return {};
  }

  int64_t heldBytes() const override { return inner->heldBytes(); }

private:
  std::unique_ptr<DataSource> inner;
  SequenceFields sequences;
  SampleBuffers buffers;
  int64_t frames;
  LocoRandomKey key;
};

} // namespace

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeStored(const LocoDataOption &call, uint64_t seed) {
  OptionReader options(call, {"source"});
  std::unique_ptr<DataSource> inner = options.source("source", seed);
  int64_t count = options.count("count", 500);
  if (Status failed = options.finish())
    return failed.error();
  if (auto length = inner->length(); length && *length < count)
    return Error{"`stored` is to keep " + std::to_string(count) +
                 " samples, but its source has " + std::to_string(*length)};
  double bytes = 0;
  for (const DataField &field : inner->fields())
    bytes += static_cast<double>(numElements(inner->sampleShape(field))) *
             static_cast<double>(sizeOf(field.type)) *
             static_cast<double>(count);
  if (bytes > 1e12)
    return Error{"`stored` would keep " + std::to_string(bytes / 1e9) +
                 " GB in memory"};
  return std::unique_ptr<BuiltinSource>(
      std::make_unique<StoredSource>(std::move(inner), count));
}

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeWindow(const LocoDataOption &call, uint64_t seed) {
  OptionReader options(call, {"source"});
  std::unique_ptr<DataSource> inner = options.source("source", seed);
  int64_t frames = options.count("frames", 60);
  if (Status failed = options.finish())
    return failed.error();
  if (int64_t steps = SequenceFields(*inner).steps; frames > steps)
    return Error{"`window` cuts pieces of " + std::to_string(frames) +
                 " frames, but its source has " + std::to_string(steps)};
  LocoRandomKey key{seed, locoRandomStream("data/window"), 0};
  return std::unique_ptr<BuiltinSource>(
      std::make_unique<WindowSource>(std::move(inner), frames, key));
}
