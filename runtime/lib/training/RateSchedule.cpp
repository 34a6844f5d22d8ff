//===- RateSchedule.cpp - The learning rate over a run --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/RateSchedule.h"

#include "runtime/lib/training/Text.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace loco;

/// The factor of a schedule of steps when `done` updates are behind.
static double stepFactor(const RateSchedule &schedule, int64_t done,
                         int64_t updatesPerEpoch) {
  int64_t interval = schedule.interval;
  if (schedule.intervalInEpochs)
    interval *= updatesPerEpoch;
  int64_t drops = done / std::max<int64_t>(interval, 1);
  if (schedule.dropOnce)
    drops = std::min<int64_t>(drops, 1);
  return std::pow(schedule.dropFactor, double(drops));
}

double RateSchedule::factor(int64_t update, int64_t totalUpdates,
                            int64_t updatesPerEpoch) const {
  int64_t done = update - 1;
  double rise = done < warmup ? double(update) / warmup : 1;
  switch (kind) {
  case Kind::Constant:
    return rise;
  case Kind::Step:
    return rise * stepFactor(*this, done, updatesPerEpoch);
  case Kind::Cosine: {
    // The last update gets the final factor itself.
    double span = std::max<int64_t>(totalUpdates - 1 - warmup, 1);
    double part = std::clamp(double(done - warmup) / span, 0.0, 1.0);
    return rise *
           (finalFactor +
            (1 - finalFactor) * (1 + std::cos(std::numbers::pi * part)) / 2);
  }
  }
  return 1;
}

Status RateSchedule::check() const {
  if (kind == Kind::Step && interval <= 0)
    return Error{"the interval of a stepwise learning rate is " +
                 std::to_string(interval) + ", expected a positive number"};
  if (kind == Kind::Step && !(dropFactor > 0 && dropFactor <= 1))
    return Error{"the learning rate is multiplied by " +
                 describeNumber(dropFactor) +
                 " at each step, expected a number in (0, 1]"};
  if (kind == Kind::Cosine && !(finalFactor >= 0 && finalFactor <= 1))
    return Error{"the final learning rate is " + describeNumber(finalFactor) +
                 " of the first, expected a number in [0, 1]"};
  if (warmup < 0)
    return Error{"the warm-up of the learning rate takes " +
                 std::to_string(warmup) +
                 " updates, expected a number that is not negative"};
  return {};
}
