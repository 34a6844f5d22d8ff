//===- Sequences.cpp - Sequences of the C API -----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/CAPI/Handles.h"

using namespace loco;

LocoStatus locoCreateSequence(LocoModel *model, LocoSequence **sequence,
                              LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed =
            checkPointers({{"model", model}, {"sequence", sequence}}))
      return failed;
    return exclusively(*model->model, [&]() -> Outcome {
      std::unique_ptr<EmbeddedSequence> made;
      if (Outcome failed = EmbeddedSequence::create(model->model, made))
        return failed;
      *sequence = new LocoSequence{std::move(made)};
      return {};
    });
  });
}

void locoDestroySequence(LocoSequence *sequence) { delete sequence; }

/// Runs `body` on the sequence, none of whose other pointers may be null.
template <typename Body>
static LocoStatus callSequence(
    LocoSequence *sequence, LocoMessage *message,
    std::initializer_list<std::pair<const char *, const void *>> others,
    Body body) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed = checkPointers({{"sequence", sequence}}))
      return failed;
    if (Outcome failed = checkPointers(others))
      return failed;
    EmbeddedSequence &own = *sequence->sequence;
    return exclusively(own.getModel(), [&] { return body(own); });
  });
}

LocoStatus locoSeedSequence(LocoSequence *sequence, uint64_t seed,
                            uint64_t sample, LocoMessage *message) {
  return callSequence(sequence, message, {},
                      [&](EmbeddedSequence &own) -> Outcome {
                        own.setSeed(seed, sample);
                        return {};
                      });
}

LocoStatus locoStartSequence(LocoSequence *sequence,
                             const LocoNamedArray *inputs, size_t numInputs,
                             LocoMessage *message) {
  return callSequence(
      sequence, message, {}, [&](EmbeddedSequence &own) -> Outcome {
        NamedArrays given;
        if (Outcome failed = collectArrays(inputs, numInputs, "input", given))
          return failed;
        return own.start(given);
      });
}

LocoStatus locoStepSequence(LocoSequence *sequence,
                            const LocoNamedArray *inputs, size_t numInputs,
                            const LocoNamedArray *outputs, size_t numOutputs,
                            LocoMessage *message) {
  return callSequence(
      sequence, message, {}, [&](EmbeddedSequence &own) -> Outcome {
        NamedArrays given, wanted;
        if (Outcome failed = collectArrays(inputs, numInputs, "input", given))
          return failed;
        if (Outcome failed =
                collectArrays(outputs, numOutputs, "output", wanted))
          return failed;
        return own.step(given, wanted);
      });
}

LocoStatus locoGetState(LocoSequence *sequence, const char *name,
                        const LocoArray *array, LocoMessage *message) {
  return callSequence(
      sequence, message, {{"name", name}, {"array", array}},
      [&](EmbeddedSequence &own) { return own.getState(name, *array); });
}

LocoStatus locoSetState(LocoSequence *sequence, const char *name,
                        const LocoArray *array, LocoMessage *message) {
  return callSequence(
      sequence, message, {{"name", name}, {"array", array}},
      [&](EmbeddedSequence &own) { return own.setState(name, *array); });
}

LocoStatus locoGetStepNumber(LocoSequence *sequence, int64_t *step,
                             LocoMessage *message) {
  return callSequence(sequence, message, {{"step", step}},
                      [&](EmbeddedSequence &own) -> Outcome {
                        *step = own.getStepNumber();
                        return {};
                      });
}

LocoStatus locoSetStepNumber(LocoSequence *sequence, int64_t step,
                             LocoMessage *message) {
  return callSequence(sequence, message, {}, [&](EmbeddedSequence &own) {
    return own.setStepNumber(step);
  });
}
