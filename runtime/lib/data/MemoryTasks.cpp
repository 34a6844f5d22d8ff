//===- MemoryTasks.cpp - Copying and adding -------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The two memory tasks as the published code generates them.
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/BuiltinSource.h"

#include <algorithm>

using namespace loco;
using namespace loco::data;

namespace {

/// Ten symbols to be repeated at the end. Of the 10 classes, 0 is blank, 1 to
/// 8 are data, 9 at position `length` - 1 says that the repetition begins. At
/// length 10 it overwrites the last symbol, and is then the last target too,
/// as published.
class CopyTask : public BuiltinSource {
public:
  CopyTask(const LocoRandomKey &key, int64_t length)
      : key(key), delimiter(length - 1), steps(length + symbols) {
    auto classPerStep = [](const char *name) {
      return DataField{
          name, ElementType::I32, {}, DataField::Steps::PerStep, 10};
    };
    declare({classPerStep("x"), classPerStep("target")}, steps,
            LOCO_DATA_INFINITE);
  }

  Status readSample(uint64_t index, void *const *buffers) override {
    uint32_t words[symbols];
    locoRandomWords(&key, index, 0, symbols, words);
    int32_t shown[symbols];
    for (int i = 0; i < symbols; ++i)
      // The three highest bits: eight equally likely symbols.
      shown[i] = 1 + static_cast<int32_t>(words[i] >> 29);
    if (delimiter < symbols)
      shown[delimiter] = 9;
    if (int32_t *x = static_cast<int32_t *>(buffers[0])) {
      std::fill_n(x, steps, 0);
      std::copy_n(shown, symbols, x);
      x[delimiter] = 9;
    }
    if (int32_t *target = static_cast<int32_t *>(buffers[1])) {
      std::fill_n(target, steps, 0);
      std::copy_n(shown, symbols, target + steps - symbols);
    }
    return {};
  }

private:
  static constexpr int symbols = 10;
  LocoRandomKey key;
  int64_t delimiter, steps;
};

/// A uniform number per step, and beside it a mark that is 1 at one step of
/// each half; the target is the sum of the two marked numbers.
class AddingTask : public BuiltinSource {
public:
  AddingTask(const LocoRandomKey &key, int64_t length)
      : key(key), length(length), numbers(static_cast<size_t>(length)) {
    declare({{"x", ElementType::F32, {2}, DataField::Steps::PerStep},
             {"target", ElementType::F32, {}}},
            length, LOCO_DATA_INFINITE);
  }

  Status readSample(uint64_t index, void *const *buffers) override {
    locoRandomUniform(&key, index, 0, length, numbers.data());
    uint32_t words[2];
    locoRandomWords(&key, index, 1, 2, words);
    int64_t half = length / 2;
    int64_t first = below(words[0], half);
    int64_t second = half + below(words[1], length - half);
    if (float *x = static_cast<float *>(buffers[0])) {
      for (int64_t t = 0; t < length; ++t) {
        x[2 * t] = numbers[t];
        x[2 * t + 1] = t == first || t == second ? 1.0f : 0.0f;
      }
    }
    if (float *target = static_cast<float *>(buffers[1]))
      *target = numbers[first] + numbers[second];
    return {};
  }

private:
  /// A number in 0..n-1 from 32 random bits.
  static int64_t below(uint32_t word, int64_t n) {
    return static_cast<int64_t>(
        static_cast<uint64_t>(word) * static_cast<uint64_t>(n) >> 32);
  }

  LocoRandomKey key;
  int64_t length;
  std::vector<float> numbers;
};

/// Both tasks have one option, their length.
template <typename Task>
Expected<std::unique_ptr<BuiltinSource>>
makeTask(const LocoDataOption &call, uint64_t seed, int64_t shortest) {
  OptionReader options(call, {"length"});
  int64_t length = options.requiredCount("length", shortest);
  LocoRandomKey key = keyOfGenerator(call, options, seed);
  if (Status failed = options.finish())
    return failed.error();
  return std::unique_ptr<BuiltinSource>(std::make_unique<Task>(key, length));
}

} // namespace

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeCopy(const LocoDataOption &call, uint64_t seed) {
  return makeTask<CopyTask>(call, seed, 10);
}

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeAdding(const LocoDataOption &call, uint64_t seed) {
  return makeTask<AddingTask>(call, seed, 2);
}
