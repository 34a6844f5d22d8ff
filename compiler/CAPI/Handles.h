//===- Handles.h - What the handles of the C API hold --------- -*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CAPI_HANDLES_H
#define COMPILER_CAPI_HANDLES_H

#include "compiler/CAPI/Calls.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <utility>

struct LocoMessage {
  std::string text;
};

struct LocoThreadPool {
  std::shared_ptr<loco::ThreadPool> pool;
};

struct LocoModel {
  std::shared_ptr<loco::EmbeddedModel> model;
};

struct LocoSequence {
  std::unique_ptr<loco::EmbeddedSequence> sequence;
};

namespace loco {

/// Leaves the text in the message, if there is one. Does not throw.
LocoStatus answer(LocoMessage *message, LocoStatus status,
                  const std::string &text);

/// Runs `body`, which gives an Outcome. Exceptions can come only from the
/// standard library when it is out of memory; they end here.
template <typename Body>
LocoStatus protect(LocoMessage *message, Body body) {
  try {
    Outcome outcome = body();
    return answer(message, outcome.status(), outcome.text());
  } catch (const std::bad_alloc &) {
    return answer(message, LOCO_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception &error) {
    return answer(message, LOCO_EXECUTION_ERROR, error.what());
  }
}

/// Runs `body` as the one call at work on a model; refused after a call that an
/// exception has cut off, which may have left anything behind.
template <typename Body>
Outcome exclusively(EmbeddedModel &model, Body body) {
  if (model.isBusy.exchange(true))
    return {LOCO_BUSY, "another call on the same model is at work"};
  struct Release {
    std::atomic<bool> &isBusy;
    ~Release() { isBusy = false; }
  } release{model.isBusy};
  if (model.isBroken)
    return {LOCO_EXECUTION_ERROR,
            "an earlier call on the model ran out of memory half-way; destroy "
            "it"};
  model.isBroken = true;
  Outcome outcome = body();
  model.isBroken = false;
  return outcome;
}

/// That none of the pointers, each after its name, is null.
inline Outcome checkPointers(
    std::initializer_list<std::pair<const char *, const void *>> pointers) {
  for (const auto &[name, pointer] : pointers)
    if (!pointer)
      return {LOCO_INVALID_ARGUMENT, "`" + std::string(name) + "` is null"};
  return {};
}

/// Copies a struct of the caller's, which begins with its size, into one of
/// ours. Refused if it is smaller than in the first version, or has something
/// in fields of a later version than ours.
template <typename Struct>
Outcome readStruct(const char *type, const Struct *given, size_t least,
                   Struct &own) {
  bool isKnown = given->size >= least;
  for (size_t i = sizeof(Struct); isKnown && i < given->size; ++i)
    isKnown = reinterpret_cast<const char *>(given)[i] == 0;
  if (!isKnown)
    return {LOCO_INVALID_ARGUMENT,
            "`size` of the " + std::string(type) + " is " +
                std::to_string(given->size) +
                ", which is no version that this library knows"};
  own = Struct();
  std::memcpy(&own, given, std::min(given->size, sizeof(Struct)));
  return {};
}

} // namespace loco

#endif // COMPILER_CAPI_HANDLES_H
