//===- BatchLoader.cpp - Batches, prepared in the background --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/BatchLoader.h"

#include "runtime/lib/Convert.h"
#include "runtime/lib/data/Permutation.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <new>
#include <thread>

using namespace loco;

namespace {

/// The order of the samples in an epoch.
class EpochOrder {
public:
  const std::vector<int64_t> &of(int64_t epoch, int64_t samples,
                                 uint64_t seed) {
    if (epoch == current && static_cast<int64_t>(order.size()) == samples)
      return order;
    current = epoch;
    order = data::makePermutation(
        {seed, locoRandomStream("data/order"), static_cast<uint64_t>(epoch)},
        samples);
    return order;
  }

private:
  int64_t current = -1;
  std::vector<int64_t> order;
};

/// Fills one batch after the other.
class BatchFiller {
public:
  BatchFiller(const DataSource &source, const BatchOptions &options)
      : source(source), options(options) {}

  /// Checks options and cursor, and moves a cursor at the end of an epoch to
  /// the beginning of the next.
  Status check(DataCursor &cursor) const;

  /// Fills `batch` from `cursor` on, which moves behind it.
  Status fill(DataCursor &cursor, Batch &batch);

private:
  void chooseSamples(DataCursor &cursor, std::vector<uint64_t> &indices);
  void moveOn(DataCursor &cursor) const;
  bool isWanted(const DataField &field) const {
    return options.fields.empty() ||
           std::find(options.fields.begin(), options.fields.end(),
                     field.name) != options.fields.end();
  }
  Tensor &target(const DataField &field, int64_t count, Batch &batch);
  Status readRuns(const uint64_t *indices, int64_t count,
                  const std::vector<char *> &targets);
  Status readConverted(const std::vector<uint64_t> &indices,
                       const std::vector<Tensor *> &targets);
  int64_t samplesAtOnce(const std::vector<Tensor *> &targets) const;
  size_t sampleBytes(const DataField &field) const {
    return static_cast<size_t>(numElements(source.sampleShape(field))) *
           sizeOf(field.type);
  }

  const DataSource &source;
  BatchOptions options;
  EpochOrder order;
  /// By number of a field that is converted: some samples as the source gives
  /// them.
  std::vector<std::vector<char>> unconverted;
};

} // namespace

Status BatchFiller::check(DataCursor &cursor) const {
  if (options.samples <= 0)
    return Error{"a batch has " + std::to_string(options.samples) +
                 " samples, expected at least 1"};
  for (const std::string &name : options.fields)
    if (!source.field(name))
      return Error{"the data have no field `" + name + "`"};
  std::optional<int64_t> length = source.length();
  if (length && *length == 0)
    return Error{"the data have no samples"};
  if (length && options.dropIncomplete && options.samples > *length)
    return Error{"a batch has " + std::to_string(options.samples) +
                 " samples, but the data have only " + std::to_string(*length)};
  bool fits = cursor.epoch >= 0 && cursor.position >= 0 &&
              (length ? cursor.position <= *length : cursor.epoch == 0);
  if (!fits)
    return Error{"the data cannot go on from sample " +
                 std::to_string(cursor.position) + " of epoch " +
                 std::to_string(cursor.epoch) + ": they have " +
                 (length ? std::to_string(*length) + " samples"
                         : "a single epoch without end")};
  moveOn(cursor);
  return {};
}

/// To the next epoch, if too little of this one is left.
void BatchFiller::moveOn(DataCursor &cursor) const {
  std::optional<int64_t> length = source.length();
  int64_t needed = options.dropIncomplete ? options.samples : 1;
  if (length && *length - cursor.position < needed)
    cursor = {cursor.epoch + 1, 0};
}

/// Indices of the next samples, in the order of the epoch.
void BatchFiller::chooseSamples(DataCursor &cursor,
                                std::vector<uint64_t> &indices) {
  std::optional<int64_t> length = source.length();
  int64_t count = options.samples;
  if (length)
    count = std::min(count, *length - cursor.position);
  indices.resize(static_cast<size_t>(count));
  if (length && options.shuffle) {
    const std::vector<int64_t> &shuffled =
        order.of(cursor.epoch, *length, options.seed);
    std::copy_n(shuffled.begin() + cursor.position, count, indices.begin());
  } else {
    std::iota(indices.begin(), indices.end(),
              static_cast<uint64_t>(cursor.position));
  }
  cursor.position += count;
  moveOn(cursor);
}

/// The tensor of a field in the batch, its memory kept if it fits.
Tensor &BatchFiller::target(const DataField &field, int64_t count,
                            Batch &batch) {
  Shape shape = source.sampleShape(field);
  shape.insert(shape.begin(), count);
  bool isNumber = std::find(options.numbers.begin(), options.numbers.end(),
                            field.name) != options.numbers.end();
  ElementType type = field.type == ElementType::I32 && !isNumber
                         ? ElementType::I32
                         : options.precision;
  Tensor &result = batch.inputs[field.name];
  if (result.type() != type || result.shape() != shape)
    result = Tensor(type, shape);
  return result;
}

/// Reads `count` samples to `targets`, in the types of the source; neighbours
/// in the source are read together.
Status BatchFiller::readRuns(const uint64_t *indices, int64_t count,
                             const std::vector<char *> &targets) {
  std::vector<void *> buffers(targets.size());
  for (int64_t begin = 0, end; begin < count; begin = end) {
    end = begin + 1;
    while (end < count && indices[end] == indices[end - 1] + 1)
      ++end;
    for (size_t field = 0; field < targets.size(); ++field)
      buffers[field] =
          targets[field]
              ? targets[field] + sampleBytes(source.fields()[field]) * begin
              : nullptr;
    if (Status failed = source.read(indices[begin], end - begin, buffers))
      return failed;
  }
  return {};
}

/// Bytes of a field that wait for being converted, beside the batch.
static constexpr size_t mostUnconverted = size_t(2) << 20;

int64_t BatchFiller::samplesAtOnce(const std::vector<Tensor *> &targets) const {
  int64_t samples = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < targets.size(); ++i)
    if (const DataField &field = source.fields()[i];
        targets[i] && targets[i]->type() != field.type)
      samples = std::min(samples, static_cast<int64_t>(
                                      mostUnconverted /
                                      std::max<size_t>(1, sampleBytes(field))));
  return std::max<int64_t>(1, samples);
}

/// Reads the samples, some at a time where fields are converted.
Status BatchFiller::readConverted(const std::vector<uint64_t> &indices,
                                  const std::vector<Tensor *> &targets) {
  int64_t all = static_cast<int64_t>(indices.size());
  int64_t atOnce = std::min(all, samplesAtOnce(targets));
  unconverted.resize(targets.size());
  std::vector<char *> places(targets.size());
  for (int64_t first = 0; first < all; first += atOnce) {
    int64_t count = std::min(atOnce, all - first);
    auto placeIn = [&](Tensor &batch) {
      return static_cast<char *>(batch.data()) +
             batch.bytes() / indices.size() * first;
    };
    for (size_t i = 0; i < targets.size(); ++i) {
      const DataField &field = source.fields()[i];
      if (!targets[i] || targets[i]->type() == field.type) {
        places[i] = targets[i] ? placeIn(*targets[i]) : nullptr;
        continue;
      }
      unconverted[i].resize(sampleBytes(field) * atOnce);
      places[i] = unconverted[i].data();
    }
    if (Status failed = readRuns(indices.data() + first, count, places))
      return failed;
    for (size_t i = 0; i < targets.size(); ++i)
      if (const DataField &field = source.fields()[i];
          targets[i] && targets[i]->type() != field.type)
        convertElements(field.type, places[i], targets[i]->type(),
                        placeIn(*targets[i]),
                        count * numElements(source.sampleShape(field)));
  }
  return {};
}

Status BatchFiller::fill(DataCursor &cursor, Batch &batch) {
  chooseSamples(cursor, batch.sampleIndex);
  batch.samples = static_cast<int64_t>(batch.sampleIndex.size());
  batch.steps = source.steps();
  std::vector<Tensor *> targets;
  for (const DataField &field : source.fields())
    targets.push_back(isWanted(field) ? &target(field, batch.samples, batch)
                                      : nullptr);
  // What a batch of another source may have left in the memory.
  std::erase_if(batch.inputs, [&](const auto &entry) {
    const DataField *field = source.field(entry.first);
    return !field || !isWanted(*field);
  });
  return readConverted(batch.sampleIndex, targets);
}

Status loco::readBatch(const DataSource &source, const BatchOptions &options,
                       DataCursor &cursor, Batch &batch) {
  BatchFiller filler(source, options);
  if (Status failed = filler.check(cursor))
    return failed;
  return filler.fill(cursor, batch);
}

/// The thread, and what it shares with the caller under the mutex.
struct BatchLoader::Thread {
  struct Filled {
    Batch batch;
    DataCursor after;
  };
  static constexpr size_t ahead = 2;

  Thread(const DataSource &source, const BatchOptions &options)
      : filler(source, options) {
    if (source.length()) {
      int64_t length = *source.length();
      batchesPerEpoch = options.dropIncomplete
                            ? length / options.samples
                            : (length + options.samples - 1) / options.samples;
    }
  }

  ~Thread() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    if (thread.joinable())
      thread.join();
  }

  void start(DataCursor cursor) {
    consumed = cursor;
    thread = std::thread([this, cursor] { work(cursor); });
  }

  /// What may throw for want of memory becomes an error like any other.
  Status fill(DataCursor &cursor, Batch &batch) {
    try {
      return filler.fill(cursor, batch);
    } catch (const std::bad_alloc &) {
      return Error{"out of memory while reading data"};
    }
  }

  void work(DataCursor cursor) {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stopping || ready.size() < ahead; });
      if (stopping)
        return;
      Filled next;
      if (!spare.empty()) {
        next.batch = std::move(spare.back());
        spare.pop_back();
      }
      lock.unlock();
      Status failed = fill(cursor, next.batch);
      lock.lock();
      if (failed)
        failure = failed;
      else {
        next.after = cursor;
        ready.push_back(std::move(next));
      }
      changed.notify_all();
      if (failed)
        return;
    }
  }

  Status take(Batch &batch) {
    std::unique_lock<std::mutex> lock(mutex);
    auto begin = std::chrono::steady_clock::now();
    changed.wait(lock, [&] { return !ready.empty() || failure; });
    waited += std::chrono::steady_clock::now() - begin;
    if (ready.empty())
      return failure;
    std::swap(batch, ready.front().batch);
    consumed = ready.front().after;
    spare.push_back(std::move(ready.front().batch));
    ready.pop_front();
    changed.notify_all();
    return {};
  }

  BatchFiller filler;
  std::optional<int64_t> batchesPerEpoch;
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Filled> ready;
  std::vector<Batch> spare;
  DataCursor consumed;
  std::chrono::duration<double> waited{0};
  Status failure;
  bool stopping = false;
};

BatchLoader::BatchLoader(std::unique_ptr<Thread> thread)
    : thread(std::move(thread)) {}

BatchLoader::~BatchLoader() = default;

Expected<std::unique_ptr<BatchLoader>>
BatchLoader::start(const DataSource &source, const BatchOptions &options,
                   DataCursor cursor) {
  if (Status failed = BatchFiller(source, options).check(cursor))
    return failed.error();
  auto thread = std::make_unique<Thread>(source, options);
  thread->start(cursor);
  return std::unique_ptr<BatchLoader>(new BatchLoader(std::move(thread)));
}

Status BatchLoader::next(Batch &batch) { return thread->take(batch); }

Batch *BatchLoader::upcoming() {
  std::lock_guard<std::mutex> lock(thread->mutex);
  return thread->ready.empty() ? nullptr : &thread->ready.front().batch;
}

double BatchLoader::secondsWaited() const {
  std::lock_guard<std::mutex> lock(thread->mutex);
  return thread->waited.count();
}

DataCursor BatchLoader::cursor() const {
  std::lock_guard<std::mutex> lock(thread->mutex);
  return thread->consumed;
}

std::optional<int64_t> BatchLoader::batchesPerEpoch() const {
  return thread->batchesPerEpoch;
}
