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

/// The number of the sample in the data set whose part of an input is not
/// finite.
static uint64_t findSample(const Tensor &input, const Batch &batch) {
  int64_t perSample = input.size() / std::max<int64_t>(batch.samples, 1);
  for (int64_t i = 0; i < input.size(); ++i)
    if (!std::isfinite(input.at(i)) &&
        i / perSample < int64_t(batch.sampleIndex.size()))
      return batch.sampleIndex[i / perSample];
  return 0;
}

std::string loco::explainNotFinite(const TensorMap &parameters,
                                   const Batch &batch, const Reply &reply) {
  if (auto name = findNotFinite(batch.inputs))
    return "the data's `" + *name + "` is not finite in sample " +
           std::to_string(findSample(batch.inputs.at(*name), batch));
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
