//===- BatchLoaderTest.cpp - Batches, prepared in the background ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// RUN: loco-test-batch-loader

#include "loco/BatchLoader.h"
#include "loco/Files.h"

#include "test/Runtime/Check.h"

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

using namespace loco;

/// A source that takes a different time for every read and fails at a sample
/// of choice; its samples are their own index.
namespace slow {

static std::atomic<int> numReads{0}, numInside{0};

struct Source {
  int64_t length;
  uint64_t failsAt;
  LocoDataField field;
};

static int open(void *, const LocoDataOption *call, uint64_t, void **source,
                char *, size_t) {
  *source =
      new Source{static_cast<int64_t>(call->arguments[0].number),
                 static_cast<uint64_t>(call->arguments[1].number),
                 {"x", LOCO_DATA_F32, LOCO_DATA_PER_SAMPLE, nullptr, 0, 0}};
  return 0;
}
static void describe(void *source, LocoDataDescription *description) {
  *description = {&static_cast<Source *>(source)->field, 1, 0};
}
static int64_t length(void *source) {
  return static_cast<Source *>(source)->length;
}
static int read(void *handle, uint64_t first, int64_t count,
                void *const *buffers, char *message, size_t messageBytes) {
  const Source &source = *static_cast<Source *>(handle);
  if (numInside++)
    fail(__FILE__, __LINE__, "two threads read one source");
  std::this_thread::sleep_for(std::chrono::microseconds(numReads++ * 37 % 200));
  int result = 0;
  for (int64_t i = 0; i < count && result == 0; ++i) {
    uint64_t index = first + static_cast<uint64_t>(i);
    static_cast<float *>(buffers[0])[i] = static_cast<float>(index);
    if (index == source.failsAt) {
      std::snprintf(message, messageBytes, "sample %d is broken", int(index));
      result = 1;
    }
  }
  --numInside;
  return result;
}
static void close(void *source) { delete static_cast<Source *>(source); }

static std::unique_ptr<DataSource> make(double length, double failsAt = 1e18) {
  return require(DataSource::open(
      DataOption::ofCall("slow", {DataOption::ofNumber(length),
                                  DataOption::ofNumber(failsAt)}),
      1));
}

} // namespace slow

/// A source of two fields in types that batches do not have: numbers in f64, so
/// many that few samples are converted at a time, and a whole number.
namespace wide {

static constexpr int64_t numbers = 40000;
static const LocoDataField fields[] = {
    {"x", LOCO_DATA_F64, LOCO_DATA_PER_SAMPLE, &numbers, 1, 0},
    {"n", LOCO_DATA_I32, LOCO_DATA_PER_SAMPLE, nullptr, 0, 0}};

static int open(void *, const LocoDataOption *, uint64_t, void **source, char *,
                size_t) {
  *source = nullptr;
  return 0;
}
static void describe(void *, LocoDataDescription *description) {
  *description = {fields, 2, 0};
}
static int64_t length(void *) { return 13; }
static double numberAt(uint64_t sample, int64_t place) {
  return static_cast<double>(sample) + static_cast<double>(place) / numbers;
}
static int read(void *, uint64_t first, int64_t count, void *const *buffers,
                char *, size_t) {
  for (int64_t i = 0; i < count; ++i) {
    uint64_t sample = first + static_cast<uint64_t>(i);
    for (int64_t k = 0; k < numbers; ++k)
      static_cast<double *>(buffers[0])[i * numbers + k] = numberAt(sample, k);
    static_cast<int32_t *>(buffers[1])[i] = static_cast<int32_t>(sample);
  }
  return 0;
}
static void close(void *) {}

} // namespace wide

/// All samples of a batch are converted, wherever the pieces begin in which
/// that is done, and in the memory that the batch has.
static void checkConversion(bool shuffle) {
  auto source = require(DataSource::open(DataOption::ofCall("wide", {}), 1));
  BatchOptions options;
  options.samples = 13;
  options.shuffle = shuffle;
  options.numbers = {"n"};
  DataCursor cursor;
  Batch batch;
  const void *memory = nullptr;
  for (int round = 0; round < 2; ++round) {
    CHECK_SUCCESS(readBatch(*source, options, cursor, batch));
    CHECK_EQUAL(batch.samples, 13);
    const Tensor &x = batch.inputs["x"];
    CHECK(round == 0 || x.data() == memory);
    memory = x.data();
    for (int64_t i = 0; i < batch.samples; ++i) {
      uint64_t sample = batch.sampleIndex[i];
      CHECK_EQUAL(batch.inputs["n"].as<float>()[i], float(sample));
      for (int64_t k = 0; k < wide::numbers; k += 1111)
        CHECK_EQUAL(x.as<float>()[i * wide::numbers + k],
                    float(wide::numberAt(sample, k)));
    }
  }
}

/// Samples of the next batches and the cursor after each, as text.
static std::string record(BatchLoader &loader, int batches) {
  std::ostringstream text;
  Batch batch;
  for (int i = 0; i < batches; ++i) {
    CHECK_SUCCESS(loader.next(batch));
    for (int64_t sample = 0; sample < batch.samples; ++sample) {
      text << batch.sampleIndex[sample] << " ";
      CHECK_EQUAL(batch.inputs["x"].at(sample),
                  double(batch.sampleIndex[sample]));
    }
    text << "| " << loader.cursor().epoch << " " << loader.cursor().position
         << "\n";
  }
  return text.str();
}

static std::string lines(const std::string &text, int first, int last) {
  std::istringstream input(text);
  std::string line, result;
  for (int i = 0; i < last && std::getline(input, line); ++i)
    if (i >= first)
      result += line + "\n";
  return result;
}

/// A batch depends on the cursor only: neither on timing nor on where the
/// loader began.
static void checkResume(bool shuffle, bool dropIncomplete) {
  auto source = slow::make(23);
  BatchOptions options;
  options.samples = 5;
  options.shuffle = shuffle;
  options.dropIncomplete = dropIncomplete;
  options.seed = 9;
  std::string whole;
  std::vector<DataCursor> cursors = {{}};
  {
    auto loader = require(BatchLoader::start(*source, options));
    for (int i = 0; i < 20; ++i) {
      whole += record(*loader, 1);
      cursors.push_back(loader->cursor());
    }
  }
  for (int begin : {0, 1, 3, 4, 5, 8, 10, 17}) {
    auto loader = require(BatchLoader::start(*source, options, cursors[begin]));
    CHECK(loader->cursor() == cursors[begin]);
    if (begin == 3)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK_EQUAL(record(*loader, 20 - begin), lines(whole, begin, 20));
  }
  DataCursor cursor = cursors[7];
  Batch batch;
  CHECK_SUCCESS(readBatch(*source, options, cursor, batch));
  CHECK(cursor == cursors[8]);
}

/// Every sample once per epoch, in an order of its own, from seed and epoch.
static void checkEpochs() {
  auto source = slow::make(1000);
  BatchOptions options;
  options.samples = 100;
  auto loader = require(BatchLoader::start(*source, options));
  CHECK_EQUAL(*loader->batchesPerEpoch(), 10);
  std::vector<std::vector<uint64_t>> epochs(3);
  Batch batch;
  for (auto &epoch : epochs)
    for (int i = 0; i < 10; ++i) {
      CHECK_SUCCESS(loader->next(batch));
      epoch.insert(epoch.end(), batch.sampleIndex.begin(),
                   batch.sampleIndex.end());
    }
  int64_t fixedPoints = 0;
  for (const auto &epoch : epochs) {
    CHECK_EQUAL(std::set<uint64_t>(epoch.begin(), epoch.end()).size(), 1000u);
    for (uint64_t i = 0; i < 1000; ++i)
      fixedPoints += epoch[i] == i;
  }
  // One expected in each epoch.
  CHECK(fixedPoints < 15);
  CHECK(epochs[0] != epochs[1] && epochs[1] != epochs[2]);
  loader.reset();
  options.seed = 1;
  DataCursor cursor;
  CHECK_SUCCESS(readBatch(*source, options, cursor, batch));
  CHECK(!std::equal(batch.sampleIndex.begin(), batch.sampleIndex.end(),
                    epochs[0].begin()));
}

/// The rest of an epoch is left out, or given short; cursors normalise.
static void checkRest() {
  auto source = slow::make(7);
  BatchOptions options;
  options.samples = 3;
  options.shuffle = false;
  auto loader = require(BatchLoader::start(*source, options));
  CHECK_EQUAL(record(*loader, 3), "0 1 2 | 0 3\n3 4 5 | 1 0\n0 1 2 | 1 3\n");
  CHECK_EQUAL(*loader->batchesPerEpoch(), 2);
  options.dropIncomplete = false;
  loader.reset();
  loader = require(BatchLoader::start(*source, options));
  CHECK_EQUAL(record(*loader, 4),
              "0 1 2 | 0 3\n3 4 5 | 0 6\n6 | 1 0\n0 1 2 | 1 3\n");
  CHECK_EQUAL(*loader->batchesPerEpoch(), 3);
  // A cursor of a run with other batches.
  options.dropIncomplete = true;
  loader.reset();
  loader = require(BatchLoader::start(*source, options, {2, 5}));
  CHECK_EQUAL(record(*loader, 1), "0 1 2 | 3 3\n");
}

static void checkEndless() {
  auto source = require(DataSource::open(
      DataOption::ofCall("adding", {DataOption::ofNumber(6)}), 3));
  BatchOptions options;
  options.samples = 4;
  options.precision = ElementType::F64;
  options.fields = {"x"};
  auto loader = require(BatchLoader::start(*source, options, {0, 8}));
  CHECK(!loader->batchesPerEpoch());
  Batch batch;
  batch.inputs["left over"] = Tensor();
  for (int64_t i = 2; i < 6; ++i) {
    CHECK_SUCCESS(loader->next(batch));
    CHECK_EQUAL(batch.sampleIndex[0], uint64_t(4 * i));
    CHECK_EQUAL(batch.steps, 6);
    if (i < 4)
      continue;
    CHECK_EQUAL(batch.inputs.size(), 1u);
    CHECK(batch.inputs["x"].type() == ElementType::F64);
    CHECK_EQUAL(describe(batch.inputs["x"].shape()), "4 x 6 x 2");
    TensorMap direct = require(source->read(4 * uint64_t(i), 4));
    for (int64_t k = 0; k < 48; ++k)
      CHECK_EQUAL(batch.inputs["x"].at(k), direct["x"].at(k));
  }
  CHECK_EQUAL(loader->cursor().position, 24);
}

/// The batches before the broken one arrive, then the message, every time.
static void checkErrors() {
  auto source = slow::make(100, 42);
  BatchOptions options;
  options.samples = 10;
  options.shuffle = false;
  auto loader = require(BatchLoader::start(*source, options));
  record(*loader, 4);
  Batch batch;
  CHECK_FAILURE(loader->next(batch), "sample 42 is broken");
  CHECK_FAILURE(loader->next(batch), "sample 42 is broken");
  CHECK_EQUAL(loader->cursor().position, 40);
  loader.reset();

  options.samples = 0;
  CHECK_ERROR(BatchLoader::start(*source, options), "a batch has 0 samples");
  options.samples = 101;
  CHECK_ERROR(BatchLoader::start(*source, options),
              "a batch has 101 samples, but the data have only 100");
  options.samples = 10;
  CHECK_ERROR(BatchLoader::start(*source, options, {0, 101}),
              "cannot go on from sample 101 of epoch 0: they have 100 samples");
  CHECK_ERROR(BatchLoader::start(*source, options, {-1, 0}), "epoch -1");
  options.fields = {"label"};
  CHECK_ERROR(BatchLoader::start(*source, options), "no field `label`");
  options.fields = {};
  auto empty = slow::make(0);
  CHECK_ERROR(BatchLoader::start(*empty, options), "the data have no samples");
}

/// A loader can be dropped at any moment.
static void checkStopping() {
  auto source = slow::make(50);
  BatchOptions options;
  options.samples = 7;
  for (int i = 0; i < 100; ++i) {
    auto loader = require(BatchLoader::start(*source, options));
    std::this_thread::sleep_for(std::chrono::microseconds(i * 13));
    if (i % 3)
      record(*loader, i % 3);
  }
}

int main() {
  LocoDataInterface functions = {
      LOCO_DATA_VERSION, "slow",       nullptr,    slow::open,
      slow::describe,    slow::length, slow::read, slow::close};
  char message[100];
  CHECK_EQUAL(locoDataRegister(&functions, message, sizeof message), 0);
  LocoDataInterface wideFunctions = {
      LOCO_DATA_VERSION, "wide",       nullptr,    wide::open,
      wide::describe,    wide::length, wide::read, wide::close};
  CHECK_EQUAL(locoDataRegister(&wideFunctions, message, sizeof message), 0);
  for (bool shuffle : {true, false})
    checkConversion(shuffle);
  for (bool shuffle : {true, false})
    for (bool dropIncomplete : {true, false})
      checkResume(shuffle, dropIncomplete);
  checkEpochs();
  checkRest();
  checkEndless();
  checkErrors();
  checkStopping();
  return checksFailed();
}
