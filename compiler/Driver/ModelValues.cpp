//===- ModelValues.cpp - Numbers to run a model with ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/ModelValues.h"

#include "loco-c/random.h"
#include "loco/Matching.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <numeric>
#include <set>

using namespace mlir;
using namespace loco;

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// The stored number that stands for `value`; nothing if there is none.
static std::optional<double> invert(const sema::Parameter &parameter,
                                    double value) {
  double distance = parameter.isBoundedBelow ? value - parameter.lower
                                             : parameter.upper - value;
  switch (parameter.transform) {
  case sema::Transform::None:
    return value;
  case sema::Transform::Sigmoid: {
    double rest = parameter.upper - value;
    if (!(distance > 0 && rest > 0))
      return std::nullopt;
    return std::log(distance / rest);
  }
  case sema::Transform::Softplus:
    if (!(distance > 0))
      return std::nullopt;
    return distance + std::log(-std::expm1(-distance));
  case sema::Transform::Relu:
    if (!(distance >= 0))
      return std::nullopt;
    return distance;
  case sema::Transform::Exp:
    if (!(distance > 0))
      return std::nullopt;
    return std::log(distance);
  }
  return std::nullopt;
}

/// The stored tensor for a tensor of meant values.
static Expected<Tensor> invert(const sema::Parameter &parameter,
                               const Tensor &values) {
  Tensor raw(ElementType::F64, values.shape());
  for (int64_t i = 0; i < values.size(); ++i) {
    std::optional<double> stored = invert(parameter, values.at(i));
    if (!stored)
      return Error{fmt::format("`{}` is {}, which is not in its range {}",
                               parameter.name, values.at(i),
                               parameter.interval)};
    raw.set(i, *stored);
  }
  return raw;
}

Expected<TensorMap>
loco::importParameters(TensorMap values, const sema::Model &model,
                       const std::vector<ArgumentSpec> &arguments) {
  for (const sema::Parameter &parameter : model.parameters) {
    auto meant = values.find(parameter.name);
    if (parameter.transform == sema::Transform::None || meant == values.end() ||
        values.count(parameter.getStoredName()))
      continue;
    Expected<Tensor> raw = invert(parameter, meant->second);
    if (!raw)
      return raw.error();
    values.erase(meant);
    values.insert_or_assign(parameter.getStoredName(), std::move(*raw));
  }
  return fitParameters(values, arguments);
}

TensorMap loco::convertParameters(const TensorMap &parameters,
                                  const std::vector<ArgumentSpec> &arguments) {
  TensorMap converted;
  for (const ArgumentSpec &argument : arguments)
    if (auto found = parameters.find(argument.name);
        argument.role != ArgumentRole::Input && found != parameters.end())
      converted.emplace(argument.name,
                        found->second.convertedTo(argument.type));
  return converted;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

InputSignature loco::readInputSignature(func::FuncOp function,
                                        const Program &program) {
  InputSignature inputs;
  for (const ArgumentSpec &argument : program.arguments())
    if (argument.role == ArgumentRole::Input)
      inputs.inputs.push_back(argument);
  Signature signature = readSignature(function, ElementType::F64);
  inputs.hasSteps = signature.stepsPosition.has_value();
  for (auto [argument, position] :
       llvm::zip_equal(signature.arguments, signature.argumentPositions))
    if (argument.role == ArgumentRole::Input &&
        function.getArgument(position).use_empty())
      inputs.optional.push_back(argument.name);
  return inputs;
}

/// `samples x steps x 28 x 28`.
static std::string describeExpected(const ArgumentSpec &input) {
  std::string text = input.perStep ? "samples x steps" : "samples";
  for (int64_t extent : input.shape)
    text += fmt::format(" x {}", extent);
  return text;
}

namespace {
/// Fits arrays to inputs and collects everything that is wrong.
class InputFitter {
public:
  InputFitter(const TensorMap &values, const InputSignature &signature,
              BatchSize size)
      : values(values), signature(signature), size(size) {
    batch.samples = size.samples.value_or(0);
    batch.steps = size.steps.value_or(0);
  }

  Expected<Batch> run();

private:
  void take(const ArgumentSpec &input, const Tensor &value);
  void agree(int64_t &length, int64_t found, const std::string &name,
             const char *what, std::string &owner);
  Error describeFaults() const;

  const TensorMap &values;
  const InputSignature &signature;
  BatchSize size;
  Batch batch;
  std::vector<std::string> missing, misshapen, unequal, numbers, unused;
  /// Names of the inputs that said how many samples and steps there are.
  std::string samplesOwner = "--samples", stepsOwner = "--steps";
};
} // namespace

/// `length` is `found`, or is found to be.
void InputFitter::agree(int64_t &length, int64_t found, const std::string &name,
                        const char *what, std::string &owner) {
  if (length == 0) {
    length = found;
    owner = name;
  } else if (length != found) {
    unequal.push_back(fmt::format("`{}` has {} {}, but {} {} {}", name, found,
                                  what, fmt::format("`{}`", owner),
                                  owner.starts_with("--") ? "asks for" : "has",
                                  length));
  }
}

void InputFitter::take(const ArgumentSpec &input, const Tensor &value) {
  unsigned axes = input.perStep ? 2 : 1;
  const Shape &shape = value.shape();
  if (shape.size() != axes + input.shape.size() || value.size() == 0 ||
      !std::equal(input.shape.begin(), input.shape.end(),
                  shape.begin() + axes)) {
    misshapen.push_back(fmt::format("`{}` ({}, expected {})", input.name,
                                    describe(shape), describeExpected(input)));
    return;
  }
  if (input.classes > 0 && value.type() != ElementType::I32) {
    numbers.push_back("`" + input.name + "`");
    return;
  }
  agree(batch.samples, shape[0], input.name, "samples", samplesOwner);
  if (input.perStep)
    agree(batch.steps, shape[1], input.name, "steps", stepsOwner);
  batch.inputs.emplace(input.name, value.convertedTo(input.type));
}

Error InputFitter::describeFaults() const {
  std::vector<std::string> faults;
  auto add = [&](const char *kind, const std::vector<std::string> &list) {
    if (!list.empty())
      faults.push_back(kind + fmt::format("{}", fmt::join(list, ", ")));
  };
  add("missing: ", missing);
  add("misshapen: ", misshapen);
  add("holding numbers where classes are expected: ", numbers);
  add("", unequal);
  add("unused: ", unused);
  return Error{fmt::format("the inputs do not fit the model: {}",
                           fmt::join(faults, "; "))};
}

Expected<Batch> InputFitter::run() {
  std::set<std::string> known;
  for (const ArgumentSpec &input : signature.inputs) {
    known.insert(input.name);
    if (auto found = values.find(input.name); found != values.end())
      take(input, found->second);
    else if (!input.preset &&
             !llvm::is_contained(signature.optional, input.name))
      missing.push_back("`" + input.name + "`");
  }
  for (const auto &[name, value] : values)
    if (!known.count(name))
      unused.push_back("`" + name + "`");
  if (!missing.empty() || !misshapen.empty() || !unequal.empty() ||
      !numbers.empty() || !unused.empty())
    return describeFaults();

  if (batch.samples == 0)
    batch.samples = 1;
  if (batch.steps == 0 && signature.hasSteps)
    return Error{"no input says how many steps there are; give `--steps`"};
  if (size.steps && !signature.hasSteps)
    return Error{"the model has no steps, but `--steps` was given"};
  for (const ArgumentSpec &input : signature.inputs)
    if (!input.preset && !batch.inputs.count(input.name))
      batch.inputs.emplace(
          input.name,
          Tensor(input.type, getBatchShape(input.shape, input.perStep, batch)));
  batch.sampleIndex.resize(batch.samples);
  std::iota(batch.sampleIndex.begin(), batch.sampleIndex.end(), 0);
  return std::move(batch);
}

Expected<Batch> loco::fitInputs(const TensorMap &values,
                                const InputSignature &signature,
                                BatchSize size) {
  return InputFitter(values, signature, size).run();
}

/// An input made of a number in [0, 1). Half of the steps count at least.
static double makeInput(const ArgumentSpec &input, double uniform,
                        int64_t steps) {
  switch (input.counting) {
  case ArgumentSpec::Counting::Steps:
    return steps - std::floor(uniform * (steps + 1) / 2);
  case ArgumentSpec::Counting::Mask:
    return uniform < 0.75;
  case ArgumentSpec::Counting::None:
    break;
  }
  return input.classes > 0 ? std::floor(uniform * input.classes) : uniform;
}

Batch loco::drawInputs(const InputSignature &signature, BatchSize size,
                       uint64_t seed) {
  Batch batch;
  batch.samples = size.samples.value_or(1);
  batch.steps = signature.hasSteps ? size.steps.value_or(5) : 0;
  for (const ArgumentSpec &input : signature.inputs) {
    if (input.preset)
      continue;
    Tensor values(input.type, getBatchShape(input.shape, input.perStep, batch));
    std::vector<double> uniform(values.size());
    LocoRandomKey key{seed, locoRandomStream(("input." + input.name).c_str()),
                      0};
    locoRandomUniformF64(&key, 0, 0, values.size(), uniform.data());
    for (int64_t i = 0; i < values.size(); ++i)
      values.set(i, makeInput(input, uniform[i], batch.steps));
    batch.inputs.emplace(input.name, std::move(values));
  }
  batch.sampleIndex.resize(batch.samples);
  std::iota(batch.sampleIndex.begin(), batch.sampleIndex.end(), 0);
  return batch;
}

Batch loco::convertInputs(const Batch &batch,
                          const std::vector<ArgumentSpec> &arguments) {
  Batch converted = batch;
  for (const ArgumentSpec &argument : arguments)
    if (auto found = converted.inputs.find(argument.name);
        found != converted.inputs.end())
      found->second = found->second.convertedTo(argument.type);
  return converted;
}
