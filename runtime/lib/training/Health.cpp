//===- Health.cpp - Signs that a training run went wrong ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/training/Health.h"

#include "runtime/lib/training/Text.h"

#include <algorithm>
#include <cmath>

using namespace loco;

/// Calls `test` with every element; false as soon as it says so.
template <typename Test>
static bool all(const Tensor &tensor, Test test) {
  auto allOf = [&](auto *values) {
    return std::all_of(values, values + tensor.size(), test);
  };
  switch (tensor.type()) {
  case ElementType::F32:
    return allOf(tensor.as<float>());
  case ElementType::F64:
    return allOf(tensor.as<double>());
  case ElementType::I32:
    return allOf(tensor.as<int32_t>());
  }
  return true;
}

static bool isFinite(const Tensor &tensor) {
  return all(tensor, [](double value) { return std::isfinite(value); });
}

std::optional<std::string> loco::findNotFinite(const TensorMap &tensors) {
  for (const auto &[name, tensor] : tensors)
    if (!isFinite(tensor))
      return name;
  return std::nullopt;
}

/// True if a step of a sample counts; what stands at others may be anything.
static bool counts(const Batch &batch, const ArgumentSpec *counting,
                   int64_t sample, int64_t step) {
  auto found =
      counting ? batch.inputs.find(counting->name) : batch.inputs.end();
  if (found == batch.inputs.end())
    return true;
  if (counting->counting == ArgumentSpec::Counting::Mask)
    return found->second.at(sample * batch.steps + step) != 0;
  auto offset = batch.inputs.find("window.offset");
  double before = offset == batch.inputs.end() ? 0 : offset->second.at(sample);
  return before + step < found->second.at(sample);
}

/// The number in the batch of the first sample that has a number that is not
/// finite at a step that counts.
static std::optional<int64_t> findSample(const Batch &batch,
                                         const ArgumentSpec &input,
                                         const ArgumentSpec *counting) {
  auto found = batch.inputs.find(input.name);
  // What data do not give is not their fault.
  if (found == batch.inputs.end() || input.preset || isFinite(found->second))
    return std::nullopt;
  const Tensor &values = found->second;
  int64_t perSample = values.size() / std::max<int64_t>(batch.samples, 1);
  int64_t perStep = input.perStep ? numElements(input.shape) : perSample;
  for (int64_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values.at(i)) &&
        (!input.perStep ||
         counts(batch, counting, i / perSample, i % perSample / perStep)))
      return i / perSample;
  return std::nullopt;
}

std::string loco::explainNotFinite(const std::vector<ArgumentSpec> &arguments,
                                   const TensorMap &parameters,
                                   const Batch &batch, const Reply &reply) {
  const ArgumentSpec *counting = nullptr;
  for (const ArgumentSpec &input : arguments)
    if (input.counting != ArgumentSpec::Counting::None)
      counting = &input;
  for (const ArgumentSpec &input : arguments)
    if (std::optional<int64_t> sample = findSample(batch, input, counting))
      return "the data's `" + input.name + "` is not finite in sample " +
             std::to_string(batch.sampleIndex.at(*sample));
  if (auto name = findNotFinite(parameters))
    return "parameter `" + *name + "` is not finite; a lower rate may help";
  std::string text;
  if (!std::isfinite(reply.loss))
    text = "the loss is " + describeNumber(reply.loss);
  if (auto name = findNotFinite(reply.gradients))
    text += (text.empty() ? "" : " and ") +
            ("the gradient of `" + *name + "` is not finite");
  return text + "; a lower rate or `clip` may help";
}

std::vector<std::string> DeadParameters::find(const TensorMap &parameters,
                                              const TensorMap &gradients) {
  std::vector<std::string> found;
  std::erase_if(alive, [&](const std::string &name) {
    auto value = parameters.find(name), gradient = gradients.find(name);
    if (value == parameters.end() || gradient == gradients.end())
      return false;
    bool dead = all(value->second, [](double x) { return x <= 0; }) &&
                all(gradient->second, [](double x) { return x == 0; });
    if (dead)
      found.push_back(name);
    return dead;
  });
  return found;
}
