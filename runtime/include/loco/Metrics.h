//===- Metrics.h - What a run measured, as JSON lines -----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// metrics.jsonl has one object per line and update:
//
//   {"update":7,"epoch":0.05,"loss":0.31,"rate":1e-3,"gradient_norm":2.1,
//    "seconds":0.42,"scalars":{"dt.raw":-1.95}}
//
// The file only grows; a resumed run first cuts off what lies behind its
// checkpoint.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_METRICS_H
#define LOCO_METRICS_H

#include "loco/Expected.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace loco {

struct MetricsLine {
  /// Updates done, this one included.
  int64_t update = 0;
  /// Epochs done, with the part of the one under way; none for data that never
  /// end.
  std::optional<double> epoch;
  /// Of the batch, before the update.
  double loss = 0;
  double rate = 0;
  /// Before clipping.
  double gradientNorm = 0;
  /// Spent training so far, over all sessions of the run.
  double seconds = 0;
  /// The parts of `loss`, where it has several: without their weights.
  std::map<std::string, double> terms;
  /// Where the update was followed by a validation.
  std::optional<double> validationLoss;
  /// Parameters of rank 0, and whatever the program reports, by name.
  std::map<std::string, double> scalars;
};

/// One line of text without its end. Numbers that are not finite become null.
std::string toJson(const MetricsLine &line);

/// The file of one run, open for appending.
class MetricsWriter {
public:
  /// Opens the file and keeps the lines up to and including `lastUpdate`; the
  /// others, and a line that was cut short, are removed.
  static Expected<MetricsWriter> open(const std::filesystem::path &path,
                                      int64_t lastUpdate);
  MetricsWriter(MetricsWriter &&other) noexcept;
  ~MetricsWriter();

  /// Hands the line to the system; a killed process loses none.
  Status write(const MetricsLine &line);
  /// Returns when all lines are on the disk.
  Status flush();

private:
  MetricsWriter(std::filesystem::path path, int descriptor)
      : path(std::move(path)), descriptor(descriptor) {}

  std::filesystem::path path;
  int descriptor;
};

} // namespace loco

#endif // LOCO_METRICS_H
