//===- Windows.cpp - Sequences run in pieces ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Windows.h"

#include <algorithm>
#include <cstring>

using namespace loco;

static const std::string carryPrefix = "carry/";

Status Windows::prepare(const Program &program, int64_t wanted, int64_t steps) {
  for (const ArgumentSpec &argument : program.arguments()) {
    if (argument.role != ArgumentRole::Input)
      continue;
    inputs.push_back(argument);
    if (argument.name.rfind(carryPrefix, 0) == 0)
      carries.push_back(argument.name);
    looksAhead |= argument.name == "window.ahead";
  }
  if (!isUsed())
    return wanted == 0 ? Status()
                       : Error{"the model has no states that a window could "
                               "hand to the next one"};
  sequence = steps;
  length = wanted > 0 ? std::min(wanted, steps) : steps;
  // The last step has no loss of its own where the loss looks ahead.
  int64_t counted = std::max<int64_t>(1, sequence - looksAhead);
  count = (counted + length - 1) / length;
  return {};
}

/// Steps that `window` goes on by. The last one goes to the end.
int64_t Windows::stepsOf(int64_t window) const {
  return window == count - 1 ? sequence - window * length : length;
}

/// The tensor `name` of the batch in that type and shape; its memory is kept
/// where it is right already.
static Tensor &prepareInput(Batch &batch, const std::string &name,
                            ElementType type, const Shape &shape) {
  Tensor &tensor = batch.inputs[name];
  if (tensor.type() != type || tensor.shape() != shape)
    tensor = Tensor(type, shape);
  return tensor;
}

void Windows::cutInput(const Tensor &whole, const ArgumentSpec &input,
                       int64_t first, int64_t steps, Batch &window) const {
  Shape shape = whole.shape();
  if (input.perStep)
    shape[1] = steps;
  Tensor &part = prepareInput(window, input.name, whole.type(), shape);
  if (!input.perStep) {
    std::memcpy(part.data(), whole.data(), whole.bytes());
    return;
  }
  size_t stepBytes = whole.bytes() / (shape[0] * sequence);
  for (int64_t sample = 0; sample < shape[0]; ++sample)
    std::memcpy(static_cast<char *>(part.data()) + sample * steps * stepBytes,
                static_cast<const char *>(whole.data()) +
                    (sample * sequence + first) * stepBytes,
                steps * stepBytes);
}

void Windows::cut(const Batch &whole, Batch &window) const {
  int64_t first = next * length, keep = stepsOf(next);
  bool isLast = next == count - 1;
  window.samples = whole.samples;
  window.sampleIndex = whole.sampleIndex;
  window.steps = keep + (looksAhead && !isLast);
  auto set = [&](const ArgumentSpec &input, double value) {
    Tensor &tensor =
        prepareInput(window, input.name, input.type, {whole.samples});
    for (int64_t i = 0; i < whole.samples; ++i)
      tensor.set(i, value);
  };
  for (const ArgumentSpec &input : inputs) {
    if (auto found = whole.inputs.find(input.name); found != whole.inputs.end())
      cutInput(found->second, input, first, window.steps, window);
    else if (input.name == "window.offset")
      set(input, static_cast<double>(first));
    else if (input.name == "window.keep")
      set(input, static_cast<double>(keep));
    else if (input.name == "window.first")
      set(input, next == 0);
    else if (input.name == "window.fresh")
      set(input, carried.empty());
  }
  for (const auto &[name, tensor] : carried)
    window.inputs.insert_or_assign(name, tensor);
}

void Windows::advance(Reply &reply) {
  for (const std::string &name : carries)
    std::swap(carried[name], reply.results.at(name));
  next = (next + 1) % count;
}

TensorMap Windows::state() const {
  TensorMap result;
  for (const auto &[name, tensor] : carried)
    result.emplace(name.substr(carryPrefix.size()), tensor);
  return result;
}

bool Windows::restore(TensorMap state, int64_t position, int64_t samples) {
  // The beginning of a run, or a checkpoint of one without windows.
  if (state.empty())
    return position == 0;
  TensorMap found;
  for (const ArgumentSpec &input : inputs) {
    if (input.name.rfind(carryPrefix, 0) != 0)
      continue;
    Shape shape = input.shape;
    shape.insert(shape.begin(), samples);
    auto entry = state.find(input.name.substr(carryPrefix.size()));
    if (entry == state.end() || entry->second.shape() != shape ||
        entry->second.type() != input.type)
      return false;
    found.emplace(input.name, std::move(entry->second));
  }
  if (position < 0 || position >= count)
    return false;
  carried = std::move(found);
  next = position;
  return true;
}
