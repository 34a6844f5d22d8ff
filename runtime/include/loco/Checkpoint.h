//===- Checkpoint.h - All state of a training run, on disk ------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// checkpoints/<update>/ holds params.safetensors (Param and Frozen arguments
// by name), state.safetensors (the optimiser's memory and carried state) and
// run.json: schema, versions, counters, and length and CRC-32 of the other
// two, so that damage is noticed. The folder is filled under another name,
// flushed to disk and renamed in one step.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_CHECKPOINT_H
#define LOCO_CHECKPOINT_H

#include "loco/Expected.h"
#include "loco/Files.h"
#include "loco/Tensor.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace loco {

/// Version of the contents of run.json. Every later version of loco reads
/// every older schema.
inline constexpr int checkpointSchema = 1;

/// What run.json says.
struct CheckpointInfo {
  int schema = checkpointSchema;
  std::string locoVersion;
  /// Hash of the program and its modules; anything the caller likes.
  std::string sourceHash;
  uint64_t seed = 0;
  /// Updates done.
  int64_t update = 0;
  /// The samples that were consumed: whole epochs, and samples of the one
  /// that was begun.
  int64_t epoch = 0, position = 0;
  /// The next window of the sequences at the position; 0 at their beginning.
  int64_t window = 0;
  /// "f32" or "f64".
  std::string precision;
  int threads = 0;
  /// Samples per update.
  int64_t batch = 0;
  /// "sgd" or "adam", and its count of updates.
  std::string optimizer;
  int64_t optimizerUpdates = 0;
  /// Time spent training, over all sessions of the run.
  double seconds = 0;
  /// Loss by which the checkpoint is judged: of the validation, or the mean
  /// over the updates since the checkpoint before.
  double loss = std::numeric_limits<double>::infinity();
  /// The losses of the validations so far.
  struct Validation {
    /// The last one; the lowest, after which update, and how many came after.
    double last = 0, best = std::numeric_limits<double>::infinity();
    int64_t bestUpdate = 0, since = 0;
  };
  /// Nothing before the first validation.
  std::optional<Validation> validation;
  /// Of the last batch; no number before the first.
  double lastLoss = std::numeric_limits<double>::quiet_NaN();
  std::map<std::string, double> lastTerms;
};

struct Checkpoint {
  CheckpointInfo info;
  TensorMap parameters;
  /// `optimizer/...`, `carry/...`, and `best/...`: the parameters of the best
  /// validation, where a run may end early with them.
  TensorMap state;
};

/// Writes `folder`/<update>. On error nothing under that name has changed and
/// what was written aside is removed.
Status writeCheckpoint(const std::filesystem::path &folder,
                       const Checkpoint &checkpoint);

/// The same of tensors that stay where they are: nothing is copied.
Status writeCheckpoint(const std::filesystem::path &folder,
                       const CheckpointInfo &info,
                       const TensorViews &parameters, const TensorViews &state);

/// Reads one checkpoint, with all checks.
Expected<Checkpoint> readCheckpoint(const std::filesystem::path &path);

/// Reads run.json of one checkpoint alone.
Expected<CheckpointInfo> readCheckpointInfo(const std::filesystem::path &path);

/// Updates of the checkpoints in `folder`, ascending, by their names alone. An
/// absent folder has none.
std::vector<int64_t> listCheckpoints(const std::filesystem::path &folder);

/// The newest checkpoint that is whole. One that is damaged is reported
/// through `warn` before the one before it is tried; an error if there are
/// some and all are damaged, nothing if there are none.
Expected<std::optional<Checkpoint>>
readNewestCheckpoint(const std::filesystem::path &folder,
                     const std::function<void(const std::string &)> &warn);

/// Removes all but the newest `keep` and the one of lowest loss, and what
/// interrupted writers left behind.
Status pruneCheckpoints(const std::filesystem::path &folder, int64_t keep);

} // namespace loco

#endif // LOCO_CHECKPOINT_H
