//===- RunReports.cpp - What a run folder is told ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/RunReports.h"

#include "loco-c/kernel.h"
#include "loco/Versions.h"

#include "llvm/Config/llvm-config.h"

#include <fmt/format.h>

using namespace loco;
using Json = nlohmann::ordered_json;

std::string loco::describeVersions() {
  Json versions = {{"loco", LOCO_VERSION}, {"llvm", LLVM_VERSION_STRING}};
  for (const auto &[name, version] : runtimeVersions())
    versions[name] = version;
  versions["blas"] = locoKernelBlasName();
  return versions.dump(2) + "\n";
}

Json loco::describeTraining(const TrainingSummary &summary) {
  Json json = {{"updates", summary.updates}, {"last_loss", summary.lastLoss}};
  if (!summary.lastTerms.empty())
    json["last_terms"] = summary.lastTerms;
  if (summary.validationLoss) {
    json["validation_loss"] = *summary.validationLoss;
    json["best_validation_loss"] = *summary.bestValidationLoss;
    json["best_update"] = summary.bestUpdate;
    json["stopped_early"] = summary.stoppedEarly;
  }
  json["seconds"] = summary.seconds;
  json["seconds_waiting_for_data"] = summary.secondsWaited;
  return json;
}

std::string loco::describeAnalysis(const Json &result) {
  auto find = [&](const char *network) -> const Json * {
    auto found = result.find(network);
    return found != result.end() && found->is_object() ? &*found : nullptr;
  };
  const Json *trained = find("trained"), *untrained = find("untrained");
  const Json *shown = trained ? trained : find("simulated");
  if (!shown)
    shown = untrained;
  if (!shown)
    return "";
  for (const auto &[name, value] : shown->items()) {
    if (!value.is_number())
      continue;
    std::string text = fmt::format("{} {:.4g}", name, value.get<double>());
    if (trained && untrained && untrained->contains(name) &&
        (*untrained)[name].is_number())
      text +=
          fmt::format(" (untrained {:.4g})", (*untrained)[name].get<double>());
    return text;
  }
  return "";
}
