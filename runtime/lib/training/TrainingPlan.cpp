//===- TrainingPlan.cpp - What is wanted of a training run ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Training.h"

#include "runtime/lib/training/Text.h"

#include <nlohmann/json.hpp>

using namespace loco;
using Json = nlohmann::ordered_json;

static Status checkCount(const char *name, int64_t value) {
  if (value >= 0)
    return {};
  return Error{"`" + std::string(name) + "` is " + std::to_string(value) +
               ", expected a number that is not negative"};
}

Status TrainingPlan::check() const {
  if (batch <= 0)
    return Error{"`batch` is " + std::to_string(batch) +
                 ", expected at least 1 sample"};
  const std::pair<const char *, int64_t> counts[] = {
      {"updates", updates},
      {"epochs", epochs},
      {"window", window},
      {"checkpoint updates", checkpointUpdates},
      {"validate updates", validateUpdates},
      {"validation samples", validationSamples},
      {"stop after", stopAfter}};
  for (auto [name, value] : counts)
    if (Status failed = checkCount(name, value))
      return failed;
  if (updates == 0 && epochs == 0)
    return Error{"nothing says how long to train; give `updates` or `epochs`"};
  if (updates > 0 && epochs > 0)
    return Error{"both `updates` and `epochs` are given; give one of them"};
  if (!(checkpointSeconds >= 0))
    return Error{"`checkpoint seconds` is " +
                 describeNumber(checkpointSeconds) +
                 ", expected a number that is not negative"};
  if (keepCheckpoints < 1)
    return Error{"`keep checkpoints` is " + std::to_string(keepCheckpoints) +
                 ", expected at least 1"};
  if (stopAfter > 0 && validateUpdates == 0)
    return Error{"`stop after` counts validations, but there are none; write "
                 "`validate every 100`"};
  if (Status failed = schedule.check())
    return failed;
  return optimizer.check();
}

static Json toJson(const RateSchedule &schedule) {
  Json json;
  switch (schedule.kind) {
  case RateSchedule::Kind::Constant:
    json["kind"] = "constant";
    break;
  case RateSchedule::Kind::Step:
    json = {{"kind", "step"},
            {schedule.intervalInEpochs ? "interval_epochs" : "interval_updates",
             schedule.interval},
            {"drop_factor", schedule.dropFactor},
            {"drop_once", schedule.dropOnce}};
    break;
  case RateSchedule::Kind::Cosine:
    json = {{"kind", "cosine"}, {"final_factor", schedule.finalFactor}};
    break;
  }
  json["warmup_updates"] = schedule.warmup;
  return json;
}

static Json toJson(const OptimizerOptions &options) {
  Json json = {{"method", describe(options.method)}, {"rate", options.rate}};
  if (options.method == OptimizerOptions::Method::Sgd)
    json.update(
        Json{{"momentum", options.momentum}, {"nesterov", options.nesterov}});
  else
    json.update(Json{{"beta1", options.beta1},
                     {"beta2", options.beta2},
                     {"epsilon", options.epsilon}});
  json.update(Json{{"coupled_decay", options.coupledDecay},
                   {"decoupled_decay", options.decoupledDecay},
                   {"clip_norm", options.clipNorm},
                   {"clip_value", options.clipValue}});
  for (const ParameterRule &rule : options.rules) {
    Json entry = {{"pattern", rule.pattern}, {"frozen", rule.frozen}};
    if (rule.rate)
      entry["rate"] = *rule.rate;
    if (rule.decay)
      entry["decay"] = *rule.decay;
    json["rules"].push_back(entry);
  }
  return json;
}

std::string TrainingPlan::toJson() const {
  Json json = {{"optimizer", ::toJson(optimizer)},
               {"schedule", ::toJson(schedule)},
               {"batch", batch}};
  json[updates > 0 ? "updates" : "epochs"] = updates > 0 ? updates : epochs;
  if (window > 0)
    json["window"] = window;
  json.update(Json{{"seed", seed},
                   {"shuffle", shuffle},
                   {"checkpoint_updates", checkpointUpdates},
                   {"checkpoint_seconds", checkpointSeconds},
                   {"keep_checkpoints", keepCheckpoints},
                   {"validate_updates", validateUpdates},
                   {"validation_samples", validationSamples},
                   {"stop_after", stopAfter}});
  return json.dump(2);
}
