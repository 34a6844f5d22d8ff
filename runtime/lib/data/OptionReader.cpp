//===- OptionReader.cpp - Checks and reads options ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/OptionReader.h"

#include "runtime/lib/data/OptionTree.h"

#include <algorithm>
#include <cmath>

using namespace loco;
using namespace loco::data;

OptionReader::OptionReader(const LocoDataOption &call,
                           std::vector<std::string> positional)
    : call(call), positional(std::move(positional)) {}

void OptionReader::mistake(const std::string &message) {
  if (!firstMistake)
    firstMistake = Error{message};
}

void OptionReader::wrong(const std::string &name, const LocoDataOption &option,
                         const std::string &expected) {
  mistake("`" + name + "` of `" + call.text + "` is `" + textOf(option) +
          "`, expected " + expected);
}

/// By name, or by its place among the arguments without a name.
const LocoDataOption *OptionReader::find(const std::string &name) {
  known.push_back(name);
  auto place = std::find(positional.begin(), positional.end(), name);
  int64_t wanted = place == positional.end() ? -1 : place - positional.begin();
  const LocoDataOption *found = nullptr;
  int64_t position = 0;
  for (int64_t i = 0; i < call.numArguments; ++i) {
    const LocoDataOption &option = call.arguments[i];
    bool matches = *option.name ? name == option.name : position++ == wanted;
    if (!matches)
      continue;
    if (found)
      mistake("`" + name + "` of `" + call.text + "` is given twice");
    used.insert(&option);
    found = &option;
  }
  return found;
}

const LocoDataOption *OptionReader::require(const std::string &name) {
  const LocoDataOption *option = find(name);
  if (!option)
    mistake("`" + std::string(call.text) + "` needs `" + name + "`");
  return option;
}

double OptionReader::value(const std::string &name,
                           const LocoDataOption &option, bool isAngle) {
  bool fits =
      option.kind == (isAngle ? LOCO_DATA_ANGLE : LOCO_DATA_NUMBER) ||
      // Zero is the same angle in every unit.
      (isAngle && option.kind == LOCO_DATA_NUMBER && option.number == 0);
  if (fits && std::isfinite(option.number))
    return option.number;
  wrong(name, option,
        isAngle ? "an angle, as in `20 deg`" : "a number without a unit");
  return 0;
}

double OptionReader::number(const std::string &name, double otherwise) {
  const LocoDataOption *option = find(name);
  return option ? value(name, *option, false) : otherwise;
}

double OptionReader::angle(const std::string &name, double otherwise) {
  const LocoDataOption *option = find(name);
  return option ? value(name, *option, true) : otherwise;
}

/// Nothing is counted beyond this, so that products of two counts fit.
static constexpr int64_t largestCount = INT32_MAX;

static bool isCount(const LocoDataOption &option, int64_t least) {
  return option.kind == LOCO_DATA_NUMBER &&
         option.number == std::floor(option.number) &&
         option.number >= static_cast<double>(least) &&
         option.number <= static_cast<double>(largestCount);
}

int64_t OptionReader::count(const std::string &name, int64_t otherwise,
                            int64_t least) {
  const LocoDataOption *option = find(name);
  if (!option)
    return otherwise;
  if (isCount(*option, least))
    return static_cast<int64_t>(option->number);
  wrong(name, *option,
        "a whole number from " + std::to_string(least) + " to " +
            std::to_string(largestCount));
  return otherwise;
}

int64_t OptionReader::requiredCount(const std::string &name, int64_t least) {
  int64_t result = count(name, -1, least);
  if (result < 0)
    mistake("`" + std::string(call.text) + "` needs `" + name + "`");
  return std::max(result, least);
}

std::string OptionReader::text(const std::string &name,
                               const std::string &otherwise) {
  const LocoDataOption *option = find(name);
  if (!option)
    return otherwise;
  if (option->kind == LOCO_DATA_TEXT)
    return option->text;
  wrong(name, *option, "a text in quotes");
  return otherwise;
}

std::string OptionReader::requiredText(const std::string &name) {
  const LocoDataOption *option = require(name);
  if (!option)
    return "";
  if (option->kind == LOCO_DATA_TEXT)
    return option->text;
  wrong(name, *option, "a text in quotes");
  return "";
}

std::filesystem::path OptionReader::requiredFolder(const std::string &name) {
  std::filesystem::path folder = requiredText(name);
  std::error_code ignored;
  if (!folder.empty() && !std::filesystem::is_directory(folder, ignored))
    mistake("there is no folder `" + folder.string() + "`");
  return folder;
}

std::string OptionReader::choice(const std::string &name,
                                 const std::vector<std::string> &choices) {
  const LocoDataOption *option = find(name);
  if (!option)
    return choices.front();
  if (option->kind == LOCO_DATA_TEXT)
    for (const std::string &choice : choices)
      if (choice == option->text)
        return choice;
  std::string expected;
  for (const std::string &choice : choices)
    expected += (expected.empty() ? "`\"" : " or `\"") + choice + "\"`";
  wrong(name, *option, expected);
  return choices.front();
}

Law OptionReader::law(const std::string &name, bool isAngle, Law otherwise) {
  const LocoDataOption *option = find(name);
  if (!option)
    return otherwise;
  if (!option->drawn)
    return Law::fixed(value(name, *option, isAngle));
  if (option->kind != LOCO_DATA_CALL ||
      std::string_view(option->text) != "uniform" ||
      option->numArguments != 2) {
    wrong(name, *option, "`uniform(low, high)`");
    return otherwise;
  }
  Law result = Law::uniform(value(name, option->arguments[0], isAngle),
                            value(name, option->arguments[1], isAngle));
  if (result.low > result.high)
    wrong(name, *option, "the lower end first");
  return result;
}

Law OptionReader::numberLaw(const std::string &name, Law otherwise) {
  return law(name, false, otherwise);
}

Law OptionReader::angleLaw(const std::string &name, Law otherwise) {
  return law(name, true, otherwise);
}

Law OptionReader::range(const std::string &name, Law otherwise) {
  const LocoDataOption *option = find(name);
  if (!option)
    return otherwise;
  if (option->kind == LOCO_DATA_RANGE)
    return {option->number, option->last, false};
  if (option->kind == LOCO_DATA_NUMBER)
    return Law::fixed(option->number);
  wrong(name, *option, "a range, as in `4..28`");
  return otherwise;
}

Shape OptionReader::image(const std::string &name) {
  const LocoDataOption *option = require(name);
  if (!option)
    return {1, 1};
  // Products of all extents and the frames fit, whatever they are.
  constexpr double largest = 1 << 14;
  bool fits = option->kind == LOCO_DATA_CALL &&
              std::string_view(option->text) == "image" &&
              option->numArguments == 2;
  for (int64_t i = 0; fits && i < 2; ++i)
    fits = isCount(option->arguments[i], 1) &&
           option->arguments[i].number <= largest;
  if (!fits) {
    wrong(name, *option, "`image(height, width)`");
    return {1, 1};
  }
  return {static_cast<int64_t>(option->arguments[0].number),
          static_cast<int64_t>(option->arguments[1].number)};
}

std::unique_ptr<DataSource> OptionReader::source(const std::string &name,
                                                 uint64_t seed) {
  const LocoDataOption *option = require(name);
  if (!option)
    return nullptr;
  if (option->kind != LOCO_DATA_CALL) {
    wrong(name, *option, "a data source, as in `idx(\"folder\")`");
    return nullptr;
  }
  Expected<std::unique_ptr<DataSource>> opened =
      DataSource::open(*option, seed);
  if (opened)
    return std::move(*opened);
  mistake(opened.message());
  return nullptr;
}

Status OptionReader::finish() {
  for (int64_t i = 0; i < call.numArguments && !firstMistake; ++i) {
    const LocoDataOption &option = call.arguments[i];
    if (used.count(&option))
      continue;
    std::string names;
    for (const std::string &name : known)
      names += (names.empty() ? "`" : ", `") + name + "`";
    if (*option.name)
      mistake("`" + std::string(call.text) + "` has no option `" + option.name +
              "`; it has " + names);
    else
      mistake("`" + std::string(call.text) + "` has no use for `" +
              textOf(option) + "`; write options as `name = value`: " + names);
  }
  if (firstMistake)
    return *firstMistake;
  return {};
}
