//===- Calls.h - Batches and sequences behind the C API ------- -*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CAPI_CALLS_H
#define COMPILER_CAPI_CALLS_H

#include "compiler/CAPI/EmbeddedModel.h"

#include <set>

namespace loco {

/// What is wanted of a batch.
struct Wanted {
  const LocoNamedArray *results = nullptr;
  size_t numResults = 0;
  const LocoNamedArray *gradients = nullptr;
  size_t numGradients = 0;
  /// May be null.
  double *loss = nullptr;
};

/// Runs a whole batch; `wanted` is written if all went well.
Outcome runBatch(EmbeddedModel &model, const LocoBatch &batch,
                 const Wanted &wanted);

/// One sample on its way through time.
class EmbeddedSequence {
public:
  static Outcome create(std::shared_ptr<EmbeddedModel> model,
                        std::unique_ptr<EmbeddedSequence> &sequence);

  EmbeddedModel &getModel() { return *model; }
  void setSeed(uint64_t seed, uint64_t sample);
  Outcome start(const NamedArrays &inputs);
  Outcome step(const NamedArrays &inputs, const NamedArrays &outputs);
  Outcome getState(const std::string &name, const LocoArray &array);
  Outcome setState(const std::string &name, const LocoArray &array);
  int64_t getStepNumber() const { return batch.steps; }
  Outcome setStepNumber(int64_t number);

private:
  explicit EmbeddedSequence(std::shared_ptr<EmbeddedModel> model)
      : model(std::move(model)) {}
  Outcome prepare();
  bool isState(const std::string &name) const { return states.count(name); }
  Outcome checkInputs(const NamedArrays &inputs);
  Outcome checkOutputs(const NamedArrays &outputs);
  Outcome findState(const std::string &name, const TensorEntry *&tensor);

  std::shared_ptr<EmbeddedModel> model;
  /// The next step's call: its inputs are the states and the model's inputs,
  /// its number of steps the index of the step.
  Batch batch;
  Reply reply;
  uint64_t seed = 0;
  std::set<std::string> states, inputsPerSample;
  /// States that have no value yet, inputs per sample that have one.
  std::set<std::string> unset, held;
};

} // namespace loco

#endif // COMPILER_CAPI_CALLS_H
