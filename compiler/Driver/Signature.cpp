//===- Signature.cpp - What a model's function takes and gives -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Signature.h"

#include "llvm/ADT/StringSwitch.h"

#include <fmt/format.h>

#include <cmath>

using namespace mlir;
using namespace loco;

static std::string getString(DictionaryAttr attributes, StringRef name) {
  auto text = attributes ? attributes.getAs<StringAttr>(name) : StringAttr();
  return text ? text.str() : std::string();
}

/// Element type and shape of one sample and step.
static std::pair<ElementType, Shape> describeType(Type type, bool perStep,
                                                  ElementType precision) {
  auto tensor = cast<RankedTensorType>(type);
  ElementType element =
      tensor.getElementType().isInteger(32) ? ElementType::I32 : precision;
  ArrayRef<int64_t> shape = tensor.getShape().drop_front(perStep);
  return {element, Shape(shape.begin(), shape.end())};
}

Signature loco::readSignature(func::FuncOp function, ElementType precision) {
  Signature signature;
  for (unsigned i = 0, e = function.getArgumentTypes().size(); i < e; ++i) {
    DictionaryAttr attributes = function.getArgAttrDict(i);
    std::string role = getString(attributes, "loco.role");
    if (role == "random_key")
      signature.keyPosition = i;
    if (role == "steps" || role == "step")
      signature.stepsPosition = i;
    signature.takesStepIndex |= role == "step";
    if (!isa<RankedTensorType>(function.getArgumentTypes()[i]))
      continue;

    ArgumentSpec spec;
    spec.name = getString(attributes, "loco.name");
    spec.role = llvm::StringSwitch<ArgumentRole>(role)
                    .Case("param", ArgumentRole::Param)
                    .Case("frozen", ArgumentRole::Frozen)
                    .Default(ArgumentRole::Input);
    spec.perStep = attributes && attributes.contains("loco.per_step");
    std::tie(spec.type, spec.shape) =
        describeType(function.getArgumentTypes()[i], spec.perStep, precision);
    if (attributes)
      if (auto classes = attributes.getAs<IntegerAttr>("loco.classes"))
        spec.classes = classes.getInt();
    using Counting = ArgumentSpec::Counting;
    spec.counting =
        llvm::StringSwitch<Counting>(getString(attributes, "loco.counts"))
            .Case("steps", Counting::Steps)
            .Case("mask", Counting::Mask)
            .Default(Counting::None);
    if (attributes)
      if (auto preset = attributes.getAs<FloatAttr>("loco.preset"))
        spec.preset = preset.getValueAsDouble();
    signature.arguments.push_back(std::move(spec));
    signature.argumentPositions.push_back(i);
  }

  for (unsigned i = 0, e = function.getNumResults(); i < e; ++i) {
    DictionaryAttr attributes = function.getResultAttrDict(i);
    ResultSpec spec;
    spec.name = getString(attributes, "loco.name");
    spec.role =
        llvm::StringSwitch<ResultRole>(getString(attributes, "loco.role"))
            .Case("loss", ResultRole::Loss)
            .Case("state", ResultRole::State)
            .Case("probe", ResultRole::Probe)
            .Case("carry", ResultRole::Carry)
            .Default(ResultRole::Output);
    spec.perStep = attributes && attributes.contains("loco.per_step");
    spec.solver = getString(attributes, "loco.solver");
    if (attributes)
      if (auto interval = attributes.getAs<FloatAttr>("loco.interval"))
        spec.interval = interval.getValueAsDouble();
    std::tie(spec.type, spec.shape) =
        describeType(function.getResultTypes()[i], spec.perStep, precision);
    signature.results.push_back(std::move(spec));
    signature.resultPositions.push_back(i);
  }
  return signature;
}

const ArgumentSpec *Signature::findArgument(StringRef name) const {
  for (const ArgumentSpec &argument : arguments)
    if (argument.name == name)
      return &argument;
  return nullptr;
}

const ResultSpec *Signature::findResult(StringRef name) const {
  for (const ResultSpec &result : results)
    if (result.name == name)
      return &result;
  return nullptr;
}

std::string Signature::getLossName() const {
  for (const ResultSpec &result : results)
    if (result.role == ResultRole::Loss)
      return result.name;
  return "";
}

Shape loco::getBatchShape(const Shape &shape, bool perStep,
                          const Batch &batch) {
  Shape whole = {batch.samples};
  if (perStep)
    whole.push_back(batch.steps);
  whole.insert(whole.end(), shape.begin(), shape.end());
  return whole;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static const char *describeType(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return "f32";
  case ElementType::F64:
    return "f64";
  case ElementType::I32:
    return "i32";
  }
  return "";
}

/// Checks one tensor of a call.
static Status checkTensor(const TensorMap &values, const ArgumentSpec &argument,
                          const Shape &shape, const char *what) {
  auto found = values.find(argument.name);
  if (found == values.end())
    return Error{fmt::format("{} `{}` is missing", what, argument.name)};
  const Tensor &value = found->second;
  if (value.shape() != shape)
    return Error{fmt::format("{} `{}` has shape {}, expected {}", what,
                             argument.name, describe(value.shape()),
                             describe(shape))};
  if (value.type() != argument.type)
    return Error{fmt::format("{} `{}` holds {} numbers, expected {}", what,
                             argument.name, describeType(value.type()),
                             describeType(argument.type))};
  return {};
}

/// Checks that all labels name a class.
static Status checkLabels(const Tensor &labels, const ArgumentSpec &argument) {
  for (int64_t i = 0; i < labels.size(); ++i)
    if (int32_t label = labels.as<int32_t>()[i];
        label < 0 || label >= argument.classes)
      return Error{fmt::format("input `{}` holds class {}, expected 0 to {}",
                               argument.name, label, argument.classes - 1)};
  return {};
}

/// Checks that steps are counted by whole numbers, masks made of 0 and 1.
static Status checkCounts(const Tensor &values, const ArgumentSpec &argument,
                          const Batch &batch, bool isWhole) {
  bool isMask = argument.counting == ArgumentSpec::Counting::Mask;
  for (int64_t i = 0; i < values.size(); ++i) {
    double value = values.at(i);
    bool fits = isMask ? value == 0 || value == 1
                       : value >= 0 && value == std::floor(value) &&
                             (!isWhole || value <= batch.steps);
    if (fits)
      continue;
    int64_t sample = isMask ? i / std::max<int64_t>(batch.steps, 1) : i;
    return Error{fmt::format(
        "input `{}` holds {} for sample {} of the batch, expected {}",
        argument.name, value, sample,
        isMask ? std::string("0 or 1")
               : fmt::format("a whole number from 0 to {}", batch.steps))};
  }
  return {};
}

Status loco::checkCall(const Signature &signature, const TensorMap &parameters,
                       const Batch &batch, const Request &request) {
  if (batch.samples < 1)
    return Error{
        fmt::format("a batch of {} samples cannot be run", batch.samples)};
  if (signature.stepsPosition &&
      batch.steps < (signature.takesStepIndex ? 0 : 1))
    return Error{batch.steps == 0
                     ? std::string("the data have no steps, and a sequence of 0 "
                                   "steps cannot be run")
                     : fmt::format("a sequence of {} steps cannot be run",
                                   batch.steps)};
  if (signature.keyPosition &&
      static_cast<int64_t>(batch.sampleIndex.size()) != batch.samples)
    return Error{fmt::format("the batch of {} samples has {} sample numbers",
                             batch.samples, batch.sampleIndex.size())};
  // A step, or a window, is a part of the sequence whose steps are counted.
  bool isWhole =
      !signature.takesStepIndex && !batch.inputs.count("window.offset");
  for (const ArgumentSpec &argument : signature.arguments) {
    bool isInput = argument.role == ArgumentRole::Input;
    Shape shape = isInput
                      ? getBatchShape(argument.shape, argument.perStep, batch)
                      : argument.shape;
    const TensorMap &values = isInput ? batch.inputs : parameters;
    if (argument.preset && !values.count(argument.name))
      continue;
    if (Status failed = checkTensor(values, argument, shape,
                                    isInput ? "input" : "parameter"))
      return failed;
    if (argument.classes > 0)
      if (Status failed = checkLabels(values.at(argument.name), argument))
        return failed;
    if (argument.counting != ArgumentSpec::Counting::None)
      if (Status failed =
              checkCounts(values.at(argument.name), argument, batch, isWhole))
        return failed;
  }
  for (const std::string &name : request.results)
    if (!signature.findResult(name))
      return Error{fmt::format("the model has no result `{}`", name)};
  for (const std::string &name : request.gradients)
    if (const ArgumentSpec *argument = signature.findArgument(name);
        !argument || argument->type == ElementType::I32)
      return Error{
          fmt::format("the model has no differentiable argument `{}`", name)};
  if (!request.gradients.empty() && signature.getLossName().empty())
    return Error{"the model has no loss to differentiate"};
  return {};
}

TensorMap loco::makePresets(const Signature &signature, const Batch &batch) {
  TensorMap presets;
  for (const ArgumentSpec &argument : signature.arguments) {
    if (!argument.preset || batch.inputs.count(argument.name))
      continue;
    Tensor values(argument.type,
                  getBatchShape(argument.shape, argument.perStep, batch));
    for (int64_t i = 0; i < values.size(); ++i)
      values.set(i, *argument.preset);
    presets.emplace(argument.name, std::move(values));
  }
  return presets;
}

//===----------------------------------------------------------------------===//
// Specialisation
//===----------------------------------------------------------------------===//

func::FuncOp loco::specialize(func::FuncOp function,
                              ArrayRef<std::string> results, StringRef name) {
  OpBuilder builder(function->getContext());
  builder.setInsertionPointAfter(function);
  auto copy = cast<func::FuncOp>(builder.clone(*function));
  copy.setSymName(name);
  Operation *ret = copy.getBody().front().getTerminator();

  SmallVector<Value> values;
  SmallVector<DictionaryAttr> attributes;
  for (const std::string &wanted : results)
    for (unsigned i = 0, e = function.getNumResults(); i < e; ++i)
      if (getString(function.getResultAttrDict(i), "loco.name") == wanted) {
        values.push_back(ret->getOperand(i));
        attributes.push_back(function.getResultAttrDict(i));
      }
  ret->setOperands(values);
  copy.setType(FunctionType::get(
      copy->getContext(), function.getArgumentTypes(), ret->getOperandTypes()));
  copy.setAllResultAttrs(attributes);
  return copy;
}
