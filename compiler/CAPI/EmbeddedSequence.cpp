//===- EmbeddedSequence.cpp - Sequences behind the C API ------------------===//
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

using namespace loco;

/// Draws count steps in 32 bits.
static constexpr int64_t maxSteps = std::numeric_limits<int32_t>::max();

//===----------------------------------------------------------------------===//
// Making one
//===----------------------------------------------------------------------===//

Outcome EmbeddedSequence::create(std::shared_ptr<EmbeddedModel> model,
                                 std::unique_ptr<EmbeddedSequence> &sequence) {
  std::unique_ptr<EmbeddedSequence> made(
      new EmbeddedSequence(std::move(model)));
  if (Outcome failed = made->prepare())
    return failed;
  sequence = std::move(made);
  return {};
}

Outcome EmbeddedSequence::prepare() {
  const ModelPart &step = model->getStep();
  if (!step.program)
    return {LOCO_UNSUPPORTED, model->hasSteps()
                                  ? "a step of the model needs more than the "
                                    "inputs of that step, so it cannot be made "
                                    "alone"
                                  : "the model has no steps"};
  for (const TensorEntry &tensor : model->getTensors()) {
    if (tensor.role == LOCO_STATE)
      states.insert(tensor.name);
    if (tensor.role == LOCO_INPUT && !tensor.perStep)
      inputsPerSample.insert(tensor.name);
  }
  unset = states;
  batch.samples = 1;
  batch.sampleIndex = {0};
  std::vector<Shape> shapes;
  for (const ArgumentSpec &input : step.inputs->inputs)
    // As the call takes it, as it gives it, and what is in between.
    shapes.insert(shapes.end(), 3, input.shape);
  if (Outcome failed = checkRoom(shapes))
    return failed;
  for (const ArgumentSpec &input : step.inputs->inputs)
    batch.inputs.emplace(
        input.name,
        Tensor(input.type, getBatchShape(input.shape, false, batch)));
  return {};
}

void EmbeddedSequence::setSeed(uint64_t newSeed, uint64_t sample) {
  seed = newSeed;
  batch.sampleIndex = {sample};
}

Outcome EmbeddedSequence::setStepNumber(int64_t number) {
  if (number < 0 || number > maxSteps)
    return {LOCO_OUT_OF_RANGE, fmt::format("there is no step {}", number)};
  batch.steps = number;
  return {};
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

/// That all arrays given are inputs, with what they have to hold.
Outcome EmbeddedSequence::checkInputs(const NamedArrays &inputs) {
  for (const auto &[name, array] : inputs) {
    const TensorEntry *tensor = nullptr;
    if (Outcome failed = model->findTensor(name, "input", tensor))
      return failed;
    if (tensor->role != LOCO_INPUT)
      return {LOCO_UNKNOWN_NAME, fmt::format("`{}` is no input", name)};
    ArrayTarget target{"input `" + name + "`", tensor->type, tensor->shape};
    if (Outcome failed = checkArrayToRead(*array, target))
      return failed;
    if (tensor->classes == 0)
      continue;
    Tensor labels(tensor->type, tensor->shape);
    readArray(*array, labels);
    if (Outcome failed = checkClasses(labels, tensor->classes, target.what))
      return failed;
  }
  return {};
}

Outcome EmbeddedSequence::checkOutputs(const NamedArrays &outputs) {
  const std::vector<ResultSpec> &results = model->getStep().program->results();
  for (const auto &[name, array] : outputs) {
    const TensorEntry *tensor = nullptr;
    if (Outcome failed = model->findTensor(name, "output", tensor))
      return failed;
    if (tensor->role < LOCO_STATE)
      return {LOCO_UNKNOWN_NAME, fmt::format("`{}` is no output", name)};
    if (llvm::none_of(results, [&](const ResultSpec &result) {
          return result.name == tensor->name;
        }))
      return {LOCO_UNSUPPORTED,
              fmt::format("`{}` is not known after a step alone", name)};
    ArrayTarget target{"output `" + name + "`", tensor->type, tensor->shape};
    if (Outcome failed = checkArrayToWrite(*array, target))
      return failed;
  }
  return {};
}

/// The first input that `signature` depends on and neither `given` nor `held`
/// has.
static Outcome checkMissing(const InputSignature &signature,
                            const std::set<std::string> &states,
                            const NamedArrays &given,
                            const std::set<std::string> &held) {
  for (const ArgumentSpec &input : signature.inputs)
    if (!states.count(input.name) && !given.count(input.name) &&
        !held.count(input.name) &&
        !llvm::is_contained(signature.optional, input.name))
      return {LOCO_MISSING_INPUT,
              fmt::format("input `{}` is missing", input.name)};
  return {};
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

Outcome EmbeddedSequence::start(const NamedArrays &inputs) {
  if (Outcome failed = checkInputs(inputs))
    return failed;
  const ModelPart &part = model->getStart();
  if (part.program) {
    if (Outcome failed = checkMissing(*part.inputs, {}, inputs, {}))
      return failed;
    Batch first;
    first.samples = 1;
    first.sampleIndex = batch.sampleIndex;
    for (const ArgumentSpec &input : part.inputs->inputs) {
      Tensor tensor(input.type, getBatchShape(input.shape, false, first));
      if (auto given = inputs.find(input.name); given != inputs.end())
        readArray(*given->second, tensor);
      first.inputs.emplace(input.name, std::move(tensor));
    }
    Request request;
    request.seed = seed;
    request.results.assign(states.begin(), states.end());
    Reply started;
    if (Status failed =
            part.program->run(model->getParameters(), first, request, started))
      return {LOCO_EXECUTION_ERROR, failed.message()};
    for (const std::string &state : states)
      batch.inputs.at(state) = std::move(started.results.at(state));
  } else if (!states.empty()) {
    return {LOCO_UNSUPPORTED,
            "the start needs more than the inputs of the first step; set the "
            "states instead"};
  }
  held.clear();
  for (const auto &[name, array] : inputs)
    if (inputsPerSample.count(name)) {
      readArray(*array, batch.inputs.at(name));
      held.insert(name);
    }
  unset.clear();
  batch.steps = 0;
  return {};
}

Outcome EmbeddedSequence::step(const NamedArrays &inputs,
                               const NamedArrays &outputs) {
  if (!unset.empty())
    return {LOCO_NOT_STARTED,
            fmt::format("the sequence has not been started; `{}` has no value",
                        *unset.begin())};
  if (batch.steps >= maxSteps)
    return {LOCO_OUT_OF_RANGE,
            fmt::format("the sequence ends after {} steps", maxSteps)};
  const ModelPart &part = model->getStep();
  if (Outcome failed = checkInputs(inputs))
    return failed;
  if (Outcome failed = checkMissing(*part.inputs, states, inputs, held))
    return failed;
  if (Outcome failed = checkOutputs(outputs))
    return failed;
  for (const auto &[name, array] : inputs) {
    readArray(*array, batch.inputs.at(name));
    if (inputsPerSample.count(name))
      held.insert(name);
  }

  Request request;
  request.seed = seed;
  for (const ResultSpec &result : part.program->results())
    if (isState(result.name) || outputs.count(result.name))
      request.results.push_back(result.name);
  if (!request.results.empty())
    if (Status failed =
            part.program->run(model->getParameters(), batch, request, reply))
      return {LOCO_EXECUTION_ERROR, failed.message()};
  ++batch.steps;
  // The old states' memory serves the next step's results.
  for (const std::string &state : states)
    std::swap(batch.inputs.at(state), reply.results.at(state));
  for (const auto &[name, array] : outputs)
    writeArray(isState(name) ? batch.inputs.at(name) : reply.results.at(name),
               *array);
  return {};
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

Outcome EmbeddedSequence::findState(const std::string &name,
                                    const TensorEntry *&tensor) {
  if (Outcome failed = model->findTensor(name, "state", tensor))
    return failed;
  if (tensor->role != LOCO_STATE)
    return {LOCO_UNKNOWN_NAME, fmt::format("`{}` is no state", name)};
  return {};
}

Outcome EmbeddedSequence::getState(const std::string &name,
                                   const LocoArray &array) {
  const TensorEntry *tensor = nullptr;
  if (Outcome failed = findState(name, tensor))
    return failed;
  ArrayTarget target{"state `" + name + "`", tensor->type, tensor->shape};
  if (Outcome failed = checkArrayToWrite(array, target))
    return failed;
  if (unset.count(name))
    return {LOCO_NOT_STARTED,
            fmt::format("the sequence has not been started; `{}` has no value",
                        name)};
  writeArray(batch.inputs.at(name), array);
  return {};
}

Outcome EmbeddedSequence::setState(const std::string &name,
                                   const LocoArray &array) {
  const TensorEntry *tensor = nullptr;
  if (Outcome failed = findState(name, tensor))
    return failed;
  ArrayTarget target{"state `" + name + "`", tensor->type, tensor->shape};
  if (Outcome failed = checkArrayToRead(array, target))
    return failed;
  readArray(array, batch.inputs.at(name));
  unset.erase(name);
  return {};
}
