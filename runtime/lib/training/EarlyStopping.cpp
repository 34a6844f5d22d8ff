//===- EarlyStopping.cpp - Validations, and what they decide --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Files.h"
#include "runtime/lib/training/Trainer.h"

using namespace loco;

Status Trainer::validateIfDue() {
  newValidationLoss.reset();
  if (!session.validate)
    return {};
  int64_t interval =
      plan.validateUpdates > 0 ? plan.validateUpdates : updatesPerEpoch;
  bool due = update == totalUpdates || (interval > 0 && update % interval == 0);
  if (!due)
    return {};
  if (Status failed = bringBack())
    return failed;
  Expected<LossParts> parts = session.validate(parameters);
  if (!parts)
    return parts.error();
  newValidationLoss = parts->loss;
  keepBest(parts->loss);
  return {};
}

/// A loss that is no number is never better.
void Trainer::keepBest(double loss) {
  if (!validation)
    validation.emplace();
  validation->last = loss;
  if (!(loss < validation->best)) {
    ++validation->since;
    return;
  }
  validation->best = loss;
  validation->bestUpdate = update;
  validation->since = 0;
  // One by one, so that their memory is used again.
  if (plan.stopAfter > 0)
    for (const auto &[name, tensor] : parameters)
      best[name] = tensor;
}

/// The parameters that a run which may end early leaves, for everybody to read.
Status Trainer::finishBest() {
  if (best.empty() || !session.folder || stopRequested())
    return {};
  return writeSafetensors(
      (session.folder->path() / "best.safetensors").string(), best);
}
