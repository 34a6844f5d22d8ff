//===- BatchLoader.h - Batches, prepared in the background ------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_BATCHLOADER_H
#define LOCO_BATCHLOADER_H

#include "loco/DataSource.h"
#include "loco/Program.h"

#include <memory>
#include <string>
#include <vector>

namespace loco {

/// The samples that were consumed: whole epochs, and samples of the one that
/// was begun. A source that never ends stays in epoch 0.
struct DataCursor {
  int64_t epoch = 0, position = 0;
  bool operator==(const DataCursor &) const = default;
};

struct BatchOptions {
  /// Samples per batch.
  int64_t samples = 0;
  /// A new order in every epoch, a function of seed and epoch alone. A source
  /// that never ends is fresh anyway and is read in its own order.
  bool shuffle = true;
  uint64_t seed = 0;
  /// Leaves out the batch at the end of an epoch that would be too short;
  /// otherwise it is given, short.
  bool dropIncomplete = true;
  /// Type of everything that is not I32.
  ElementType precision = ElementType::F32;
  /// Fields of whole numbers that are wanted in `precision` all the same.
  std::vector<std::string> numbers;
  /// Fields wanted; empty: all.
  std::vector<std::string> fields;
};

/// Fills batch after batch on a thread of its own, two ahead. What a batch
/// holds depends on source, options and cursor only, never on timing.
class BatchLoader {
public:
  /// Starts at `cursor`, which may come from a run with another batch size.
  /// Errors: no samples per batch, more of them than the source has, an
  /// unknown field, a cursor beyond the source. The source must outlive the
  /// loader; others may read from it too.
  static Expected<std::unique_ptr<BatchLoader>>
  start(const DataSource &source, const BatchOptions &options,
        DataCursor cursor = {});

  /// Stops the thread; a batch that is being read is waited for.
  ~BatchLoader();
  BatchLoader(const BatchLoader &) = delete;
  BatchLoader &operator=(const BatchLoader &) = delete;

  /// Gives the next batch and moves the cursor. The batch's memory is traded
  /// for the one given, so a batch that is passed again and again costs no
  /// allocation. What went wrong in the background is reported here, at the
  /// batch it belongs to, and again at every later call. `batch.steps` is 0
  /// if no field is per step.
  Status next(Batch &batch);

  /// The batch that `next` would give, if it is there already; null otherwise.
  /// It stays where it is, its arrays even beyond the next `next`.
  Batch *upcoming();

  /// After the batches given so far: where a resumed run begins.
  DataCursor cursor() const;

  /// Seconds for which `next` has waited for a batch so far, the first one
  /// included: how much the data held up whoever reads them.
  double secondsWaited() const;

  /// Batches of a whole epoch; nothing for a source that never ends.
  std::optional<int64_t> batchesPerEpoch() const;

private:
  struct Thread;
  explicit BatchLoader(std::unique_ptr<Thread> thread);
  std::unique_ptr<Thread> thread;
};

/// Reads the batch at `cursor` at once, and moves the cursor behind it.
Status readBatch(const DataSource &source, const BatchOptions &options,
                 DataCursor &cursor, Batch &batch);

} // namespace loco

#endif // LOCO_BATCHLOADER_H
