//===- OptionReader.h - Checks and reads options ----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_DATA_OPTIONREADER_H
#define LOCO_RUNTIME_DATA_OPTIONREADER_H

#include "loco/DataSource.h"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace loco::data {

/// A number that is fixed, or drawn for every sample.
struct Law {
  double low = 0, high = 0;
  bool drawn = false;

  static Law fixed(double value) { return {value, value, false}; }
  static Law uniform(double low, double high) { return {low, high, true}; }
  /// The value for a uniform number in [0, 1).
  double at(double u) const { return drawn ? low + (high - low) * u : low; }
};

/// Reads the options of one call. The first mistake is kept; readers then
/// return their defaults, so that a source reads all its options and asks
/// `finish` once.
class OptionReader {
public:
  /// `positional` names the arguments that may stand without a name, in order.
  explicit OptionReader(const LocoDataOption &call,
                        std::vector<std::string> positional = {});

  double number(const std::string &name, double otherwise);
  /// A whole number of at least `least` that an int32_t can hold.
  int64_t count(const std::string &name, int64_t otherwise, int64_t least = 1);
  int64_t requiredCount(const std::string &name, int64_t least);
  /// In radians.
  double angle(const std::string &name, double otherwise);
  std::string text(const std::string &name, const std::string &otherwise);
  std::string requiredText(const std::string &name);
  /// A folder that is there.
  std::filesystem::path requiredFolder(const std::string &name);
  /// One of `choices`, the first if there is none.
  std::string choice(const std::string &name,
                     const std::vector<std::string> &choices);
  /// A number or `~ uniform(low, high)`.
  Law numberLaw(const std::string &name, Law otherwise);
  Law angleLaw(const std::string &name, Law otherwise);
  /// `4..28`, or one number for both ends.
  Law range(const std::string &name, Law otherwise);
  /// `image(h, w)`.
  Shape image(const std::string &name);
  /// A source inside the source, opened with `seed`; nullptr after a mistake.
  std::unique_ptr<DataSource> source(const std::string &name, uint64_t seed);

  /// The first mistake: of the readers above, of the source (`mistake`), or an
  /// option nobody asked for.
  Status finish();
  void mistake(const std::string &message);

private:
  const LocoDataOption *find(const std::string &name);
  const LocoDataOption *require(const std::string &name);
  double value(const std::string &name, const LocoDataOption &option,
               bool isAngle);
  Law law(const std::string &name, bool isAngle, Law otherwise);
  void wrong(const std::string &name, const LocoDataOption &option,
             const std::string &expected);

  const LocoDataOption &call;
  std::vector<std::string> positional;
  /// Names asked for, and options that belong to one of them.
  std::vector<std::string> known;
  std::set<const LocoDataOption *> used;
  std::optional<Error> firstMistake;
};

} // namespace loco::data

#endif // LOCO_RUNTIME_DATA_OPTIONREADER_H
