//===- RateSchedule.h - The learning rate over a run ------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A schedule is a pure function of the number of the update, so that a run
// that is resumed needs nothing of it in its checkpoint.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RATESCHEDULE_H
#define LOCO_RATESCHEDULE_H

#include "loco/Expected.h"

#include <cstdint>

namespace loco {

struct RateSchedule {
  enum class Kind : uint8_t {
    /// Always 1.
    Constant,
    /// Multiplied by `dropFactor` every `interval`.
    Step,
    /// Half a cosine from 1 to `finalFactor`, reached with the last update.
    Cosine,
  };
  Kind kind = Kind::Constant;

  /// Step: updates or epochs between drops.
  int64_t interval = 0;
  bool intervalInEpochs = false;
  double dropFactor = 0.1;
  /// Step: a single drop, after the first interval.
  bool dropOnce = false;

  double finalFactor = 0;

  /// Updates over which the rate first rises in a line from 0, any kind. The
  /// cosine begins when they are over; drops are counted from update 0.
  int64_t warmup = 0;

  /// What the base rate is multiplied by for update `update` (the first is 1).
  double factor(int64_t update, int64_t totalUpdates,
                int64_t updatesPerEpoch) const;

  /// An error that names the value that makes no sense.
  Status check() const;
};

} // namespace loco

#endif // LOCO_RATESCHEDULE_H
