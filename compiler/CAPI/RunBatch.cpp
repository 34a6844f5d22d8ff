//===- RunBatch.cpp - Batches behind the C API ----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/CAPI/Calls.h"

#include "compiler/Driver/ModelValues.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>

#include <limits>
#include <numeric>

using namespace loco;

static constexpr int64_t maxCount = std::numeric_limits<int32_t>::max();

/// Number of samples and steps, and the numbers of the samples.
static Outcome readSize(EmbeddedModel &model, const LocoBatch &given,
                        Batch &batch) {
  if (given.samples < 1 || given.samples > maxCount)
    return {LOCO_OUT_OF_RANGE,
            fmt::format("a batch of {} samples cannot be run", given.samples)};
  batch.samples = given.samples;
  if (model.hasSteps()) {
    if (given.steps < 1 || given.steps > maxCount)
      return {LOCO_OUT_OF_RANGE,
              fmt::format("a sequence of {} steps cannot be run", given.steps)};
    batch.steps = given.steps;
  }
  if (Outcome failed = checkRoom({{batch.samples}}))
    return failed;
  batch.sampleIndex.resize(batch.samples);
  if (given.sampleIndex)
    std::copy_n(given.sampleIndex, batch.samples, batch.sampleIndex.begin());
  else
    std::iota(batch.sampleIndex.begin(), batch.sampleIndex.end(), 0);
  return {};
}

/// Checks the inputs and copies them into the batch.
static Outcome readInputs(EmbeddedModel &model, const NamedArrays &arrays,
                          Batch &batch) {
  const InputSignature &signature = *model.getWhole().inputs;
  for (const auto &[name, array] : arrays) {
    const TensorEntry *tensor = nullptr;
    if (Outcome failed = model.findTensor(name, "input", tensor))
      return failed;
    if (tensor->role != LOCO_INPUT)
      return {LOCO_UNKNOWN_NAME, fmt::format("`{}` is no input", name)};
  }
  std::vector<Shape> shapes;
  for (const ArgumentSpec &input : signature.inputs) {
    shapes.push_back(getBatchShape(input.shape, input.perStep, batch));
    auto found = arrays.find(input.name);
    if (found == arrays.end() &&
        !llvm::is_contained(signature.optional, input.name))
      return {LOCO_MISSING_INPUT,
              fmt::format("input `{}` is missing", input.name)};
    if (found == arrays.end())
      continue;
    ArrayTarget target{"input `" + input.name + "`", input.type, shapes.back()};
    if (Outcome failed = checkArrayToRead(*found->second, target))
      return failed;
  }
  if (Outcome failed = checkRoom(shapes))
    return failed;
  for (auto [input, shape] : llvm::zip_equal(signature.inputs, shapes)) {
    Tensor &tensor = batch.inputs.emplace(input.name, Tensor(input.type, shape))
                         .first->second;
    auto found = arrays.find(input.name);
    if (found == arrays.end())
      continue;
    readArray(*found->second, tensor);
    if (input.classes > 0)
      if (Outcome failed =
              checkClasses(tensor, input.classes, "input `" + input.name + "`"))
        return failed;
  }
  return {};
}

/// Checks the arrays that results are wanted in.
static Outcome checkResults(EmbeddedModel &model, const NamedArrays &arrays,
                            const Batch &batch, std::vector<Shape> &shapes) {
  for (const auto &[name, array] : arrays) {
    const TensorEntry *tensor = nullptr;
    if (Outcome failed = model.findTensor(name, "result", tensor))
      return failed;
    if (tensor->role < LOCO_STATE)
      return {LOCO_UNKNOWN_NAME, fmt::format("`{}` is no result", name)};
    shapes.push_back(getBatchShape(tensor->shape, tensor->perStep, batch));
    ArrayTarget target{"result `" + name + "`", tensor->type, shapes.back()};
    if (Outcome failed = checkArrayToWrite(*array, target))
      return failed;
  }
  return {};
}

/// Checks the arrays that gradients are wanted in.
static Outcome checkGradients(EmbeddedModel &model, const NamedArrays &arrays,
                              const Batch &batch, std::vector<Shape> &shapes) {
  for (const auto &[name, array] : arrays) {
    const TensorEntry *tensor = nullptr;
    if (Outcome failed = model.findTensor(name, "parameter or input", tensor))
      return failed;
    if (tensor->role > LOCO_INPUT)
      return {LOCO_UNKNOWN_NAME,
              fmt::format("`{}` is neither a parameter nor an input", name)};
    if (tensor->name != name)
      return {LOCO_UNKNOWN_NAME,
              fmt::format("the gradient is taken by `{}`, as it is stored, "
                          "not by its value `{}`",
                          tensor->name, name)};
    if (tensor->type == ElementType::I32)
      return {LOCO_TYPE_MISMATCH,
              fmt::format("input `{}` holds classes, which have no derivative",
                          name)};
    shapes.push_back(tensor->role == LOCO_INPUT
                         ? getBatchShape(tensor->shape, tensor->perStep, batch)
                         : tensor->shape);
    ArrayTarget target{"gradient `" + name + "`", tensor->type, shapes.back()};
    if (Outcome failed = checkArrayToWrite(*array, target))
      return failed;
  }
  return {};
}

Outcome loco::runBatch(EmbeddedModel &model, const LocoBatch &given,
                       const Wanted &wanted) {
  NamedArrays inputs, results, gradients;
  if (Outcome failed =
          collectArrays(given.inputs, given.numInputs, "input", inputs))
    return failed;
  if (Outcome failed =
          collectArrays(wanted.results, wanted.numResults, "result", results))
    return failed;
  if (Outcome failed = collectArrays(wanted.gradients, wanted.numGradients,
                                     "gradient", gradients))
    return failed;
  if ((wanted.loss || !gradients.empty()) && !model.hasLoss())
    return {LOCO_UNSUPPORTED, "the model has no loss"};

  Batch batch;
  std::vector<Shape> shapes;
  if (Outcome failed = readSize(model, given, batch))
    return failed;
  if (Outcome failed = readInputs(model, inputs, batch))
    return failed;
  if (Outcome failed = checkResults(model, results, batch, shapes))
    return failed;
  if (Outcome failed = checkGradients(model, gradients, batch, shapes))
    return failed;
  if (Outcome failed = checkRoom(shapes))
    return failed;

  Request request;
  request.seed = given.seed;
  request.update = given.update;
  for (const auto &[name, array] : results)
    request.results.push_back(name);
  for (const auto &[name, array] : gradients)
    request.gradients.push_back(name);
  if (request.results.empty() && !model.hasLoss())
    return {};
  Reply reply;
  if (Status failed = model.getWhole().program->run(model.getParameters(),
                                                    batch, request, reply))
    return {LOCO_EXECUTION_ERROR, failed.message()};
  for (const auto &[name, array] : results)
    writeArray(reply.results.at(name), *array);
  for (const auto &[name, array] : gradients)
    writeArray(reply.gradients.at(name), *array);
  if (wanted.loss)
    *wanted.loss = reply.loss;
  return {};
}
