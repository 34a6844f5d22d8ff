//===- DataOption.cpp - Options of data sources ---------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/DataSource.h"

#include "runtime/lib/data/OptionTree.h"

#include <cmath>
#include <cstdio>

using namespace loco;
using namespace loco::data;

DataOption DataOption::ofNumber(double value) {
  DataOption option;
  option.kind = Kind::Number;
  option.number = value;
  return option;
}

DataOption DataOption::ofDegrees(double degrees) {
  DataOption option;
  option.kind = Kind::Angle;
  option.number = degrees * (M_PI / 180);
  return option;
}

DataOption DataOption::ofText(std::string text) {
  DataOption option;
  option.kind = Kind::Text;
  option.text = std::move(text);
  return option;
}

DataOption DataOption::ofRange(double first, double last) {
  DataOption option;
  option.kind = Kind::Range;
  option.number = first;
  option.last = last;
  return option;
}

DataOption DataOption::ofCall(std::string callee,
                              std::vector<DataOption> arguments) {
  DataOption option;
  option.kind = Kind::Call;
  option.text = std::move(callee);
  option.arguments = std::move(arguments);
  return option;
}

DataOption DataOption::as(std::string newName) const {
  DataOption option = *this;
  option.name = std::move(newName);
  return option;
}

DataOption DataOption::drawnAs(std::string newName) const {
  DataOption option = as(std::move(newName));
  option.drawn = true;
  return option;
}

/// As short as it can be and still be read by people.
static std::string textOf(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.12g", value);
  return text;
}

static std::string textOfValue(const DataOption &option) {
  switch (option.kind) {
  case DataOption::Kind::Number:
    return textOf(option.number);
  case DataOption::Kind::Angle:
    return textOf(option.number * (180 / M_PI)) + " deg";
  case DataOption::Kind::Text:
    return "\"" + option.text + "\"";
  case DataOption::Kind::Range:
    return textOf(option.number) + ".." + textOf(option.last);
  case DataOption::Kind::Call:
    break;
  }
  // The source may be a call itself, of a system with other constants:
  // `Pendulum(m = 1)`.
  bool isCall = !option.text.empty() && option.text.back() == ')';
  std::string text = option.text + (isCall ? "" : "(");
  if (isCall)
    text.pop_back();
  for (size_t i = 0; i < option.arguments.size(); ++i)
    text += (i || isCall ? ", " : "") + option.arguments[i].toText();
  return text + ")";
}

std::string DataOption::toText() const {
  std::string prefix;
  if (!name.empty())
    prefix = name + (drawn ? " ~ " : " = ");
  return prefix + textOfValue(*this);
}

LocoDataOption OptionTree::convert(const DataOption &option) {
  LocoDataOption result{};
  result.name = option.name.c_str();
  result.kind = static_cast<int32_t>(option.kind);
  result.drawn = option.drawn;
  result.number = option.number;
  result.last = option.last;
  result.text = option.text.c_str();
  std::vector<LocoDataOption> arguments;
  for (const DataOption &argument : option.arguments)
    arguments.push_back(convert(argument));
  lists.push_back(std::move(arguments));
  result.arguments = lists.back().data();
  result.numArguments = static_cast<int64_t>(lists.back().size());
  return result;
}

static DataOption fromC(const LocoDataOption &option) {
  DataOption result;
  result.name = option.name ? option.name : "";
  result.kind = static_cast<DataOption::Kind>(option.kind);
  result.drawn = option.drawn != 0;
  result.number = option.number;
  result.last = option.last;
  result.text = option.text ? option.text : "";
  for (int64_t i = 0; i < option.numArguments; ++i)
    result.arguments.push_back(fromC(option.arguments[i]));
  return result;
}

std::string loco::data::textOf(const LocoDataOption &option) {
  return fromC(option).toText();
}
