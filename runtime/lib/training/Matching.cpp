//===- Matching.cpp - Data and values for a model, by name ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Matching.h"

#include "runtime/lib/training/Text.h"

#include <algorithm>

using namespace loco;

static std::string quoted(const std::string &name) { return "`" + name + "`"; }

static std::string describeFields(const DataSource &data) {
  std::vector<std::string> names;
  for (const DataField &field : data.fields())
    names.push_back(field.name);
  return names.empty() ? "none" : describeNames(names);
}

/// Both sides hold classes or both numbers, and the classes fit.
static Status checkKind(const ArgumentSpec &input, const DataField &field) {
  bool takesClasses = input.type == ElementType::I32;
  bool givesClasses = field.type == ElementType::I32;
  // Numbers of steps and masks are whole numbers in most files.
  if (input.counting != ArgumentSpec::Counting::None)
    return {};
  if (takesClasses && !givesClasses)
    return Error{"input " + quoted(input.name) +
                 " takes classes, but the data's " + quoted(field.name) +
                 " holds numbers"};
  // Whole numbers of a file are classes or numbers, as the input wants.
  if (!takesClasses && givesClasses && field.classes > 0)
    return Error{"input " + quoted(input.name) +
                 " takes numbers, but the data's " + quoted(field.name) +
                 " holds classes"};
  if (input.classes > 0 && field.classes > input.classes)
    return Error{"the data's " + quoted(field.name) + " has " +
                 std::to_string(field.classes) + " classes, but input " +
                 quoted(input.name) + " takes " +
                 std::to_string(input.classes)};
  return {};
}

static std::string describeShape(const Shape &shape, bool perStep) {
  return describe(shape) + (perStep ? " per step" : " per sample");
}

/// Steps of a field that feeds an input, 0 for one value per sample.
static Expected<int64_t> matchShape(const ArgumentSpec &input,
                                    const DataField &field, int64_t steps) {
  bool perStep = field.perStep == DataField::Steps::PerStep;
  Shape shape = field.shape;
  // Arrays do not say whether their first axis is time; the model does.
  if (field.perStep == DataField::Steps::Either && input.perStep &&
      !shape.empty()) {
    perStep = true;
    steps = shape.front();
    shape.erase(shape.begin());
  }
  if (shape != input.shape || perStep != input.perStep)
    return Error{"input " + quoted(input.name) + " is " +
                 describeShape(input.shape, input.perStep) +
                 ", but the data's " + quoted(field.name) + " is " +
                 describeShape(shape, perStep)};
  return input.perStep ? steps : 0;
}

Expected<FieldMatch>
loco::matchFields(const std::vector<ArgumentSpec> &arguments,
                  const DataSource &data) {
  FieldMatch match;
  const ArgumentSpec *timed = nullptr;
  for (const ArgumentSpec &input : arguments) {
    if (input.role != ArgumentRole::Input || input.preset)
      continue;
    const DataField *field = data.field(input.name);
    if (!field)
      return Error{"the data has no " + quoted(input.name) +
                   " for the input of that name; it has " +
                   describeFields(data)};
    if (Status failed = checkKind(input, *field))
      return failed.error();
    Expected<int64_t> steps = matchShape(input, *field, data.steps());
    if (!steps)
      return steps.error();
    if (input.perStep && timed && *steps != match.steps)
      return Error{"the data's " + quoted(timed->name) + " has " +
                   std::to_string(match.steps) + " steps, but " +
                   quoted(input.name) + " has " + std::to_string(*steps)};
    if (input.perStep) {
      timed = &input;
      match.steps = *steps;
    }
    match.fields.push_back(field->name);
    bool isWhole =
        input.type != ElementType::I32 && field->type == ElementType::I32;
    if (input.counting != ArgumentSpec::Counting::None || isWhole)
      match.numbers.push_back(field->name);
  }
  match.isTimed = timed != nullptr;
  if (!timed)
    match.steps = data.steps();
  return match;
}

Expected<TensorMap>
loco::fitParameters(TensorMap values,
                    const std::vector<ArgumentSpec> &arguments) {
  std::vector<std::string> missing, misshapen, unused;
  TensorMap result;
  for (const ArgumentSpec &argument : arguments) {
    if (argument.role == ArgumentRole::Input)
      continue;
    auto found = values.find(argument.name);
    if (found == values.end())
      missing.push_back(argument.name);
    else if (found->second.shape() != argument.shape)
      misshapen.push_back(argument.name + "` (" +
                          describe(found->second.shape()) + ", expected " +
                          describe(argument.shape) + ")");
    else if (found->second.type() == argument.type)
      result.emplace(argument.name, std::move(found->second));
    else
      result.emplace(argument.name, found->second.convertedTo(argument.type));
  }
  for (const auto &[name, value] : values)
    if (std::none_of(arguments.begin(), arguments.end(),
                     [&](const ArgumentSpec &argument) {
                       return argument.role != ArgumentRole::Input &&
                              argument.name == name;
                     }))
      unused.push_back(name);
  std::string faults;
  auto add = [&](const char *kind, const std::string &names) {
    if (!names.empty())
      faults += (faults.empty() ? "" : "; ") + (kind + names);
  };
  add("missing: ", describeNames(missing));
  std::string shapes;
  for (const std::string &text : misshapen)
    shapes += (shapes.empty() ? "`" : ", `") + text;
  add("misshapen: ", shapes);
  add("unused: ", describeNames(unused));
  if (!faults.empty())
    return Error{"the parameters do not fit the model: " + faults};
  return result;
}
