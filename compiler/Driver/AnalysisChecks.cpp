//===- AnalysisChecks.cpp - What an analysis will need, before the run ----===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An analysis runs after training, and must not fail then over what the program
// said all along: values that do not fit each other, or that live on no
// lattice.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Analysis.h"
#include "compiler/Driver/Measures.h"

#include "llvm/ADT/STLExtras.h"

using namespace loco;
using sema::PlanValue;

namespace {
/// A value of the model as an analysis names it.
struct Measured {
  const PlanValue *written = nullptr;
  const sema::Space *space = nullptr;
  bool perStep = false;
  /// The number of a class.
  bool isClass = false;

  std::string quote() const { return "`" + written->written + "`"; }
  int64_t getNumElements() const {
    return space && !isClass ? space->getNumElements() : 1;
  }
  bool isInput() const { return written->kind == PlanValue::Kind::Input; }
};

class AnalysisChecker {
public:
  AnalysisChecker(const sema::Model &model, DiagnosticEngine &diagnostics)
      : model(model), diagnostics(diagnostics) {}

  void check(const PlanValue &call);

private:
  std::optional<Measured> find(const PlanValue &value) const;
  void checkPair(const PlanValue &call, const Measured &first,
                 const Measured &second);
  void checkLattice(const PlanValue &call, const Measured &value);
  Diagnostic &error(const char *code, const Measured &at,
                    const llvm::Twine &message) {
    return diagnostics.error(code, at.written->range, message);
  }

  const sema::Model &model;
  DiagnosticEngine &diagnostics;
};
} // namespace

std::optional<Measured> AnalysisChecker::find(const PlanValue &value) const {
  if (value.kind == PlanValue::Kind::Input) {
    for (const sema::Input &input : model.inputs)
      if (input.name == value.text)
        return Measured{&value, input.space, input.perStep, input.isClass()};
    return std::nullopt;
  }
  if (value.kind != PlanValue::Kind::Result)
    return std::nullopt;
  for (const sema::State &state : model.states)
    if (state.name == value.text)
      return Measured{&value, state.space, /*perStep=*/true};
  for (const sema::Result &result : model.results)
    if (result.name == value.text)
      return Measured{&value, result.value->space, result.value->perStep,
                      result.value->element == sema::Element::Class};
  return std::nullopt;
}

void AnalysisChecker::checkPair(const PlanValue &call, const Measured &first,
                                const Measured &second) {
  if (call.isCall("accuracy") && !second.isClass) {
    if (first.isClass)
      error("misplaced", first,
            first.quote() + " is a class; the scores come first")
          .hint("write `accuracy(" + second.written->written + ", " +
                first.written->written + ")`");
    else
      error("not-a-class", second,
            "`accuracy` compares scores with a class, but " + second.quote() +
                " is none")
          .hint("for other values there is `error`");
    return;
  }
  if (first.perStep != second.perStep) {
    const Measured &steps = first.perStep ? first : second;
    const Measured &once = first.perStep ? second : first;
    error("no-steps", once,
          once.quote() + " is there once per sample, but " + steps.quote() +
              " at each step")
        .hint("compare `last(" + steps.written->written +
              ")`, or another reduction over time");
    return;
  }
  bool needsSteps =
      call.isCall("prediction") || call.isCall("valid_prediction_time");
  if (needsSteps && !first.perStep) {
    error("no-steps", first,
          "`" + call.text + "` compares values per step, but " + first.quote() +
              " is there once per sample");
    return;
  }
  const PlanValue *ahead = call.find("ahead");
  if (ahead && ahead->number != 0 && !first.perStep) {
    diagnostics.error("no-steps", ahead->range,
                      "`ahead` counts steps, but " + first.quote() +
                          " is there once per sample");
    return;
  }
  bool isAccuracy = call.isCall("accuracy");
  int64_t wanted =
      isAccuracy ? second.space->getNumElements() : second.getNumElements();
  if (first.getNumElements() != wanted)
    error("space-mismatch", isAccuracy ? first : second,
          first.quote() + " has " + llvm::Twine(first.getNumElements()) +
              " number" + (first.getNumElements() == 1 ? "" : "s") + ", but " +
              second.quote() + " has " + llvm::Twine(wanted) +
              (isAccuracy ? " classes" : ""))
        .hint(isAccuracy ? "a score for each class: `linear(... -> class(" +
                               std::to_string(wanted) + "))`"
                         : std::string());
}

void AnalysisChecker::checkLattice(const PlanValue &call,
                                   const Measured &value) {
  if (value.isInput()) {
    error("misplaced", value,
          "`" + call.text + "` looks at what the model gives, but " +
              value.quote() + " is its input")
        .hint("name a state, or another value made of it");
    return;
  }
  bool needsNeighbours = call.isCall("phase_velocity");
  if (needsNeighbours && !value.perStep)
    error("no-steps", value, value.quote() + " does not change over time");
  else if (needsNeighbours && !(value.space && value.space->hasNeighbours()))
    error("not-a-field", value,
          value.quote() + " does not live on a lattice with neighbours");
  else if (!value.space || value.space->getShape().empty())
    error("not-a-field", value, value.quote() + " does not live on a lattice");
}

void AnalysisChecker::check(const PlanValue &call) {
  auto isCallOf = [&](llvm::ArrayRef<const char *> names) {
    return llvm::any_of(names,
                        [&](const char *name) { return call.isCall(name); });
  };
  if (isCallOf({"selectivity", "phase_velocity"})) {
    const char *name = call.isCall("selectivity") ? "response" : "state";
    if (const PlanValue *value = call.find(name, 0))
      if (std::optional<Measured> found = find(*value))
        checkLattice(call, *found);
    if (call.isCall("selectivity") && !call.find("stimuli") && !call.find("by"))
      diagnostics
          .error("missing-argument", call.range,
                 "`selectivity` has neither `stimuli` nor `by`")
          .hint("classes come with the stimuli, or are those of `by = label`");
    if (const PlanValue *by = call.find("by"); by && by->text != "label")
      diagnostics
          .error("wrong-value", by->range,
                 "`by` is the field of the data that holds the classes, which "
                 "is called `label`")
          .hint("write `by = label`");
    return;
  }
  if (!isCallOf({"accuracy", "error", "prediction", "valid_prediction_time"}))
    return;
  auto [first, second] = getPairNames(call);
  const PlanValue *result = call.find(first, 0), *target = call.find(second, 1);
  if (!result || !target)
    return;
  for (const PlanValue *value : {result, target})
    if (value->kind != PlanValue::Kind::Result &&
        value->kind != PlanValue::Kind::Input) {
      diagnostics.error("not-a-value", value->range,
                        "`" + call.text + "` compares two values of the model");
      return;
    }
  std::optional<Measured> one = find(*result), other = find(*target);
  if (one && other)
    checkPair(call, *one, *other);
}

void loco::checkMeasuredValues(const sema::Module &module,
                               DiagnosticEngine &diagnostics) {
  for (const sema::RunBlock &block : module.runs) {
    const sema::Model *model = module.findModel(block.getProgramName());
    if (!model)
      continue;
    AnalysisChecker checker(*model, diagnostics);
    for (const sema::Setting &setting : block.settings)
      if (setting.name == "save" && setting.value)
        checker.check(*setting.value);
  }
}
