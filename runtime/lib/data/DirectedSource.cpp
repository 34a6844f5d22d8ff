//===- DirectedSource.cpp - Sequences forwards and backwards --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/BuiltinSource.h"
#include "runtime/lib/data/SampleBuffers.h"

#include <cstring>

using namespace loco;
using namespace loco::data;

namespace {
/// Some sequences of another source from their end to their beginning: which
/// ones is drawn by their number. A further field says so, 1 or -1.
class DirectedSource : public BuiltinSource {
public:
  DirectedSource(std::unique_ptr<DataSource> inner, double backwards,
                 const LocoRandomKey &key)
      : inner(std::move(inner)), sequences(*this->inner), buffers(*this->inner),
        backwards(backwards), key(key) {
    std::vector<DataField> fields = sequences.fields;
    fields.push_back(
        {"direction", ElementType::F32, {}, DataField::Steps::PerSample});
    declare(fields, sequences.steps,
            this->inner->length().value_or(LOCO_DATA_INFINITE));
  }

  Status readSample(uint64_t index, void *const *wanted) override {
    if (Status failed = inner->read(index, 1, buffers.getPointers()))
      return failed;
    float drawn;
    locoRandomUniform(&key, index, 0, 1, &drawn);
    bool isReversed = drawn < backwards;
    size_t number = sequences.fields.size();
    for (size_t field = 0; field < number; ++field) {
      if (!wanted[field])
        continue;
      auto *to = static_cast<char *>(wanted[field]);
      const auto *from = static_cast<const char *>(buffers[field].data());
      bool isSequence =
          sequences.fields[field].perStep == DataField::Steps::PerStep;
      size_t steps =
          isSequence && isReversed ? static_cast<size_t>(sequences.steps) : 1;
      size_t bytes = buffers[field].bytes() / steps;
      for (size_t step = 0; step < steps; ++step)
        std::memcpy(to + step * bytes, from + (steps - 1 - step) * bytes,
                    bytes);
    }
    if (wanted[number])
      *static_cast<float *>(wanted[number]) = isReversed ? -1 : 1;
    return {};
  }

  int64_t heldBytes() const override { return inner->heldBytes(); }

private:
  std::unique_ptr<DataSource> inner;
  SequenceFields sequences;
  SampleBuffers buffers;
  double backwards;
  LocoRandomKey key;
};
} // namespace

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeDirected(const LocoDataOption &call, uint64_t seed) {
  OptionReader options(call, {"source"});
  std::unique_ptr<DataSource> inner = options.source("source", seed);
  double backwards = options.number("backwards", 0.5);
  if (Status failed = options.finish())
    return failed.error();
  if (!(backwards >= 0 && backwards <= 1))
    return Error{"`backwards` of `directed` is a share, from 0 to 1"};
  if (SequenceFields(*inner).steps < 1)
    return Error{"`directed` turns sequences round, but its source has none "
                 "called `x`"};
  if (inner->field("direction"))
    return Error{"`directed` gives a field `direction`, but its source has one "
                 "already"};
  LocoRandomKey key{seed, locoRandomStream("data/directed"), 0};
  return std::unique_ptr<BuiltinSource>(
      std::make_unique<DirectedSource>(std::move(inner), backwards, key));
}
