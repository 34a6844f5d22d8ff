//===- MeasureAnalysis.cpp - Accuracy, and error against a target --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Measures.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

using namespace loco;
using Json = nlohmann::ordered_json;

//===----------------------------------------------------------------------===//
// Pairs
//===----------------------------------------------------------------------===//

const Tensor &loco::findValues(const Responses &responses,
                               const sema::PlanValue &value) {
  const TensorMap &all = value.kind == sema::PlanValue::Kind::Input
                             ? responses.fields
                             : responses.results;
  return all.at(value.text);
}

std::pair<const char *, const char *>
loco::getPairNames(const sema::PlanValue &call) {
  if (call.isCall("accuracy"))
    return {"scores", "label"};
  return {call.isCall("error") ? "value" : "prediction", "target"};
}

static bool isPerStep(const AnalysisSubject &subject,
                      const sema::PlanValue &value) {
  if (value.kind == sema::PlanValue::Kind::Input) {
    for (const ArgumentSpec &argument : subject.program->arguments())
      if (argument.name == value.text)
        return argument.perStep;
    return false;
  }
  for (const ResultSpec &result : subject.program->results())
    if (result.name == value.text)
      return result.perStep;
  return false;
}

/// Marks the steps before `skip`, and those that the model's own input leaves
/// out, as not counted.
static void markSteps(const AnalysisSubject &subject, int64_t skip,
                      Pairs &pairs) {
  pairs.counts.assign(pairs.samples * pairs.steps, 1);
  if (!pairs.isPerStep)
    return;
  for (int64_t sample = 0; sample < pairs.samples; ++sample)
    std::fill_n(pairs.counts.begin() + sample * pairs.steps,
                std::min(skip, pairs.steps), 0);
  for (const ArgumentSpec &argument : subject.program->arguments()) {
    auto field = pairs.responses.fields.find(argument.name);
    if (argument.counting == ArgumentSpec::Counting::None ||
        field == pairs.responses.fields.end())
      continue;
    bool isMask = argument.counting == ArgumentSpec::Counting::Mask;
    for (int64_t i = 0; i < pairs.samples * pairs.steps; ++i)
      pairs.counts[i] &=
          isMask ? field->second.at(i) > 0.5
                 : double(i % pairs.steps) < field->second.at(i / pairs.steps);
  }
}

Expected<Pairs> loco::collectPairs(const sema::Setting &save,
                                   const AnalysisSubject &subject,
                                   const Network &network, int64_t skip) {
  const sema::PlanValue &call = *save.value;
  auto [first, second] = getPairNames(call);
  const sema::PlanValue &result = *call.find(first, 0),
                        &target = *call.find(second, 1);
  if (!subject.data)
    return Error{fmt::format("`{}` needs `data` in the block", call.text)};
  std::vector<std::string> wanted;
  for (const sema::PlanValue *value : {&result, &target})
    if (value->kind == sema::PlanValue::Kind::Result)
      wanted.push_back(value->text);
  auto responses =
      collectResponses(subject, *network.parameters, *subject.data, wanted);
  if (!responses)
    return responses.error();
  Pairs pairs;
  pairs.responses = std::move(*responses);
  pairs.result = &findValues(pairs.responses, result);
  pairs.target = &findValues(pairs.responses, target);
  pairs.isPerStep = isPerStep(subject, result);
  pairs.samples = pairs.responses.samples;
  if (pairs.isPerStep)
    pairs.steps = pairs.result->shape()[1];
  pairs.resultSize = pairs.result->size() / (pairs.samples * pairs.steps);
  pairs.targetSize = pairs.target->size() / (pairs.samples * pairs.steps);
  markSteps(subject, skip, pairs);
  if (std::find(pairs.counts.begin(), pairs.counts.end(), 1) ==
      pairs.counts.end())
    return Error{fmt::format("`{}` has no step to count", call.text)};
  return pairs;
}

/// Calls `visit(sample, step)` for everything that counts.
template <typename Visit>
static int64_t forEachCounted(const Pairs &pairs, Visit visit) {
  int64_t number = 0;
  for (int64_t sample = 0; sample < pairs.samples; ++sample)
    for (int64_t step = 0; step < pairs.steps; ++step)
      if (pairs.isCounted(sample, step)) {
        visit(sample, step);
        ++number;
      }
  return number;
}

static int64_t readCount(const sema::Setting &save, const char *name) {
  const sema::PlanValue *value = save.value->find(name);
  return value ? std::max<int64_t>(0, static_cast<int64_t>(value->number)) : 0;
}

/// What an analysis compares: with `ahead = k` the result of step t - k with
/// the target of step t.
static Expected<Pairs> collectMeasured(const sema::Setting &save,
                                       const AnalysisSubject &subject,
                                       const Network &network) {
  int64_t ahead = readCount(save, "ahead");
  auto pairs = collectPairs(save, subject, network,
                            std::max(readCount(save, "skip"), ahead));
  if (pairs)
    pairs->ahead = ahead;
  return pairs;
}

//===----------------------------------------------------------------------===//
// accuracy(scores, label)
//===----------------------------------------------------------------------===//

/// The class of the largest score, the first of equal ones.
static int64_t getBestClass(const Pairs &pairs, int64_t sample, int64_t step) {
  int64_t best = 0;
  for (int64_t i = 1; i < pairs.resultSize; ++i)
    if (pairs.getResult(sample, step, i) > pairs.getResult(sample, step, best))
      best = i;
  return best;
}

Expected<Json> loco::analyzeAccuracy(const sema::Setting &save,
                                     const AnalysisSubject &subject) {
  Json json;
  for (const Network &network : subject.networks) {
    auto pairs = collectMeasured(save, subject, network);
    if (!pairs)
      return pairs.error();
    std::vector<int64_t> occurrences(pairs->resultSize);
    std::vector<char> isRight(pairs->samples, 1);
    int64_t right = 0;
    int64_t number = forEachCounted(*pairs, [&](int64_t sample, int64_t step) {
      auto label = static_cast<int64_t>(pairs->getTarget(sample, step, 0));
      bool found = getBestClass(*pairs, sample, step) == label;
      right += found;
      isRight[sample] &= found;
      if (label >= 0 && label < pairs->resultSize)
        ++occurrences[label];
    });
    auto most = *std::max_element(occurrences.begin(), occurrences.end());
    if (!json.contains("samples")) {
      json = {{"data", subject.data->toText()}, {"samples", pairs->samples}};
      json["most_frequent"] = double(most) / number;
    }
    Json ofNetwork = {{"accuracy", double(right) / number},
                      {"loss", pairs->responses.loss}};
    if (pairs->isPerStep)
      ofNetwork["whole_sequences"] =
          double(std::count(isRight.begin(), isRight.end(), 1)) /
          pairs->samples;
    json[network.name] = ofNetwork;
  }
  return json;
}

//===----------------------------------------------------------------------===//
// error(value, target)
//===----------------------------------------------------------------------===//

Expected<Json> loco::analyzeError(const sema::Setting &save,
                                  const AnalysisSubject &subject) {
  Json json;
  for (const Network &network : subject.networks) {
    auto pairs = collectMeasured(save, subject, network);
    if (!pairs)
      return pairs.error();
    double squared = 0, sum = 0, sumOfSquares = 0;
    int64_t number = forEachCounted(*pairs, [&](int64_t sample, int64_t step) {
      for (int64_t i = 0; i < pairs->targetSize; ++i) {
        double wanted = pairs->getTarget(sample, step, i);
        double difference = pairs->getResult(sample, step, i) - wanted;
        squared += difference * difference;
        sum += wanted;
        sumOfSquares += wanted * wanted;
      }
    });
    double count = double(number * pairs->targetSize), mean = sum / count;
    if (!json.contains("samples"))
      json = {{"data", subject.data->toText()},
              {"samples", pairs->samples},
              {"variance_of_target", sumOfSquares / count - mean * mean}};
    json[network.name] = {{"squared_error", squared / count},
                          {"root", std::sqrt(squared / count)},
                          {"loss", pairs->responses.loss}};
  }
  return json;
}
