//===- BenchReport.h - What lococ bench says --------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_BENCHREPORT_H
#define COMPILER_DRIVER_BENCHREPORT_H

#include "compiler/Driver/BenchCount.h"
#include "compiler/Driver/BenchNests.h"
#include "compiler/Driver/BenchPeaks.h"

#include <nlohmann/json.hpp>

namespace loco {

/// One direction of one model.
struct BenchMeasurement {
  /// `forward`, `forward+backward`.
  std::string name;
  /// Seconds of each repetition, sorted.
  std::vector<double> seconds;
  /// From IR, or from the object cache, to a kernel that has run once.
  double secondsToFirst = 0;
  /// Of a GPU: the least that the kernels alone took, without the copies.
  double kernelSeconds = 0;
  WorkCount work;
  /// What a block of samples keeps for the way back.
  double keptOfBlock = 0;
  /// The largest first; empty if nobody asked.
  std::vector<NestShare> nests;

  double getLeast() const { return seconds.front(); }
  double getMedian() const { return seconds[seconds.size() / 2]; }
};

/// One model.
struct BenchResult {
  std::string model, data;
  int64_t samples = 0, steps = 0;
  /// Sites of the largest state, or elements of the largest carry.
  int64_t sites = 0;
  bool isF64 = false;
  std::vector<BenchMeasurement> measurements;
};

/// Where the time of a measurement could at best go.
struct BenchBound {
  /// Seconds that operations and bytes take at the measured peaks.
  double operations = 0, bytes = 0;
  /// Of the f32 multiply-add peak, of the bandwidth, and of the larger of both
  /// bounds; between 0 and 1 unless caches hold more than the count assumes.
  double operationShare = 0, bandwidthShare = 0, boundShare = 0;
  /// The levels that the caller's arrays and what is kept are counted at.
  const char *callerLevel = "", *keptLevel = "";
};
BenchBound computeBound(const BenchMeasurement &measurement,
                        const BenchResult &result, const MachinePeaks &peaks);

std::string describePeaks(const MachinePeaks &peaks);
std::string describeBench(const BenchResult &result, const MachinePeaks &peaks);

nlohmann::ordered_json toJson(const MachinePeaks &peaks);
nlohmann::ordered_json toJson(const BenchResult &result,
                              const MachinePeaks &peaks);

} // namespace loco

#endif // COMPILER_DRIVER_BENCHREPORT_H
