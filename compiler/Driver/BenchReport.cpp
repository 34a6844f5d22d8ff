//===- BenchReport.cpp - What lococ bench says ---------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/BenchReport.h"

#include "compiler/Driver/CommandSupport.h"

#include <fmt/format.h>

using namespace loco;
using Json = nlohmann::ordered_json;

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

BenchBound loco::computeBound(const BenchMeasurement &measurement,
                              const BenchResult &result,
                              const MachinePeaks &peaks) {
  const WorkCount &work = measurement.work;
  BenchBound bound;
  // A lane of a vector instruction is half of a fused multiply-add's count.
  double scale = result.isF64 ? 2 : 1;
  bound.operations =
      scale * (work.products + 2 * work.slots) / peaks.operations;
  const MemoryPeak &caller =
      peaks.findLevel((work.bytesRead + work.bytesWritten) / peaks.threads);
  const MemoryPeak &kept = peaks.findLevel(measurement.keptOfBlock);
  bound.callerLevel = caller.name;
  bound.keptLevel = kept.name;
  bound.bytes = work.bytesRead / caller.read +
                work.bytesWritten / caller.write + work.bytesKept / kept.read +
                work.bytesKept / kept.write;
  double seconds = measurement.getLeast();
  bound.operationShare =
      scale * work.getOperations() / seconds / peaks.operations;
  bound.bandwidthShare = bound.bytes / seconds;
  bound.boundShare = std::max(bound.operations, bound.bytes) / seconds;
  return bound;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string spellSeconds(double seconds) {
  for (auto [unit, scale] :
       {std::pair("s", 1.0), std::pair("ms", 1e-3), std::pair("us", 1e-6)})
    if (seconds >= scale)
      return fmt::format("{:.4g} {}", seconds / scale, unit);
  return fmt::format("{:.3g} ns", seconds * 1e9);
}

/// `12.3 G`.
static std::string spellLarge(double number) {
  for (auto [unit, scale] :
       {std::pair("G", 1e9), std::pair("M", 1e6), std::pair("k", 1e3)})
    if (number >= scale)
      return fmt::format("{:.4g} {}", number / scale, unit);
  return fmt::format("{:.4g}", number);
}

static std::string spellShare(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

/// True if some work was counted as often as it may be done at most.
static bool isAtMost(const BenchResult &result) {
  return llvm::any_of(result.measurements, [](const BenchMeasurement &m) {
    return m.work.isAtMost;
  });
}

std::string loco::describePeaks(const MachinePeaks &peaks) {
  std::string text = fmt::format(
      "machine: {} thread{}, vectors of {} bytes, {:.0f} G f32 operations/s\n",
      peaks.threads, peaks.threads == 1 ? "" : "s", peaks.vectorBytes,
      peaks.operations * 1e-9);
  for (const MemoryPeak &level : peaks.levels)
    text += fmt::format("  {:<7} read {:>4.0f} GB/s, write {:>4.0f} GB/s\n",
                        level.name, level.read * 1e-9, level.write * 1e-9);
  return text;
}

namespace {
/// A row for each quantity, a column for each measurement.
class BenchTable {
public:
  BenchTable(const BenchResult &result, const MachinePeaks &peaks)
      : result(result), isBounded(peaks.isMeasured()), table({1, 2}) {
    for (const BenchMeasurement &measurement : result.measurements)
      bounds.push_back(isBounded ? computeBound(measurement, result, peaks)
                                 : BenchBound());
  }

  std::string write();

private:
  template <typename Get>
  void add(const char *name, Get get) {
    std::vector<std::string> cells = {name};
    for (auto [measurement, bound] :
         llvm::zip_equal(result.measurements, bounds))
      cells.push_back(get(measurement, bound));
    table.add(cells);
  }
  void addTimes();
  void addWork();

  const BenchResult &result;
  std::vector<BenchBound> bounds;
  bool isBounded;
  TextTable table;
};
} // namespace

using Measurement = BenchMeasurement;
using Bound = BenchBound;

void BenchTable::addTimes() {
  double perStep = std::max<int64_t>(1, result.steps);
  add("time, least", [](const Measurement &m, const Bound &) {
    return spellSeconds(m.getLeast());
  });
  add("time, median", [](const Measurement &m, const Bound &) {
    return spellSeconds(m.getMedian());
  });
  auto byKernels = [&](double perUnit) {
    return [perUnit](const Measurement &m, const Bound &) {
      return spellSeconds(m.kernelSeconds / perUnit);
    };
  };
  if (result.measurements.front().kernelSeconds > 0) {
    add("of it kernels", byKernels(1));
    add("kernels, per time step", byKernels(perStep));
  }
  add("per time step", [&](const Measurement &m, const Bound &) {
    return spellSeconds(m.getLeast() / perStep);
  });
  if (result.sites > 0)
    add("per site and step", [&](const Measurement &m, const Bound &) {
      return spellSeconds(m.getLeast() / perStep / result.samples /
                          result.sites);
    });
  add("to the first result", [](const Measurement &m, const Bound &) {
    return spellSeconds(m.secondsToFirst);
  });
}

void BenchTable::addWork() {
  bool isAtMost = ::isAtMost(result);
  auto addCount = [&](const char *name, double WorkCount::*number) {
    if (llvm::any_of(result.measurements,
                     [&](const Measurement &m) { return m.work.*number > 0; }))
      add(name, [&](const Measurement &m, const Bound &) {
        return spellLarge(m.work.*number);
      });
  };
  addCount("operations in products", &WorkCount::products);
  addCount("operations on elements", &WorkCount::elementwise);
  addCount("elementary functions", &WorkCount::functions);
  addCount("random draws", &WorkCount::draws);
  addCount("bytes read", &WorkCount::bytesRead);
  addCount("bytes written", &WorkCount::bytesWritten);
  addCount("bytes kept for the way back", &WorkCount::bytesKept);
  if (isAtMost)
    return;
  add("operations/s", [](const Measurement &m, const Bound &) {
    return spellLarge(m.work.getOperations() / m.getLeast());
  });
  if (!isBounded)
    return;
  add("of the operations' peak", [](const Measurement &, const Bound &b) {
    return spellShare(b.operationShare);
  });
  add("of the bandwidth", [](const Measurement &, const Bound &b) {
    return spellShare(b.bandwidthShare);
  });
  add("bound by operations", [](const Measurement &, const Bound &b) {
    return spellSeconds(b.operations);
  });
  add("bound by bytes", [](const Measurement &, const Bound &b) {
    return spellSeconds(b.bytes);
  });
  add("of the larger bound", [](const Measurement &, const Bound &b) {
    return spellShare(b.boundShare);
  });
}

std::string BenchTable::write() {
  std::vector<std::string> head = {""};
  for (const BenchMeasurement &measurement : result.measurements)
    head.push_back(measurement.name);
  table.add(head);
  addTimes();
  addWork();
  return table.render();
}

/// Why there is no bound.
static std::string describeLimit(const BenchResult &result) {
  return isAtMost(result)
             ? "  counts are of the most attempts that the adaptive solver may "
               "make, so there is no bound\n"
             : "";
}

/// Where the time of the last measurement went.
static std::string describeNests(const BenchMeasurement &measurement) {
  if (measurement.nests.empty())
    return "";
  TextTable table({0});
  for (const NestShare &share : measurement.nests)
    table.add(
        {spellShare(share.share),
         share.nest.isCall ? "product or draws" : "loop nest", share.nest.place,
         share.nest.loop ? fmt::format("in loop {} over time", share.nest.loop)
                         : std::string("in no loop over time")});
  return fmt::format("  where the time of {} goes:\n", measurement.name) +
         table.render();
}

std::string loco::describeBench(const BenchResult &result,
                                const MachinePeaks &peaks) {
  std::string text =
      fmt::format("{}: {} sample{}", result.model, formatCount(result.samples),
                  result.samples == 1 ? "" : "s");
  if (result.steps)
    text += fmt::format(", {} step{}", formatCount(result.steps),
                        result.steps == 1 ? "" : "s");
  if (result.sites)
    text += fmt::format(", {} sites", formatCount(result.sites));
  text += fmt::format(", {}; data: {}\n", result.isF64 ? "f64" : "f32",
                      result.data);
  return text + BenchTable(result, peaks).write() + describeLimit(result) +
         describeNests(result.measurements.back());
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

Json loco::toJson(const MachinePeaks &peaks) {
  Json json = {{"threads", peaks.threads},
               {"vector_bytes", peaks.vectorBytes},
               {"operations_per_second", peaks.operations},
               {"memory", Json::array()}};
  for (const MemoryPeak &level : peaks.levels)
    json["memory"].push_back({{"name", level.name},
                              {"read_bytes_per_second", level.read},
                              {"write_bytes_per_second", level.write}});
  return json;
}

static Json toJson(const std::vector<NestShare> &nests) {
  Json json = Json::array();
  for (const NestShare &share : nests)
    json.push_back({{"share", share.share},
                    {"place", share.nest.place},
                    {"is_call", share.nest.isCall},
                    {"loop", share.nest.loop}});
  return json;
}

/// `bound`: nothing where the peaks were not measured.
static Json toJson(const BenchMeasurement &measurement,
                   const std::optional<BenchBound> &bound) {
  const WorkCount &work = measurement.work;
  Json json = {{"direction", measurement.name},
               {"seconds_least", measurement.getLeast()},
               {"seconds_median", measurement.getMedian()},
               {"repetitions", measurement.seconds.size()},
               {"seconds_to_first", measurement.secondsToFirst},
               {"seconds_of_kernels", measurement.kernelSeconds},
               {"operations",
                {{"products", work.products},
                 {"elementwise", work.elementwise},
                 {"functions", work.functions},
                 {"draws", work.draws}}},
               {"bytes",
                {{"read", work.bytesRead},
                 {"written", work.bytesWritten},
                 {"kept", work.bytesKept}}}};
  if (bound) {
    json["bound_seconds"] = {{"operations", bound->operations},
                             {"bytes", bound->bytes}};
    json["levels"] = {{"caller", bound->callerLevel},
                      {"kept", bound->keptLevel}};
    json["shares"] = {{"operations", bound->operationShare},
                      {"bandwidth", bound->bandwidthShare},
                      {"bound", bound->boundShare}};
  }
  json["nests"] = toJson(measurement.nests);
  return json;
}

Json loco::toJson(const BenchResult &result, const MachinePeaks &peaks) {
  Json json = {{"model", result.model},
               {"data", result.data},
               {"samples", result.samples},
               {"steps", result.steps},
               {"sites", result.sites},
               {"precision", result.isF64 ? "f64" : "f32"},
               {"measurements", Json::array()}};
  for (const BenchMeasurement &measurement : result.measurements)
    json["measurements"].push_back(
        ::toJson(measurement,
                 peaks.isMeasured()
                     ? std::optional(computeBound(measurement, result, peaks))
                     : std::nullopt));
  return json;
}
