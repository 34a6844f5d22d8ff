//===- SampleFeed.h - Samples for analyses and simulations
//-----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_SAMPLEFEED_H
#define COMPILER_DRIVER_SAMPLEFEED_H

#include "compiler/Driver/Analysis.h"
#include "loco/BatchLoader.h"
#include "loco/Matching.h"

namespace loco {

/// Where batches come from: a source, or, for a model without inputs, nothing
/// but numbers of samples and steps.
struct SampleFeed {
  std::unique_ptr<DataSource> source;
  FieldMatch match;
  BatchOptions options;
  DataCursor cursor;
  int64_t steps = 0;

  /// Opens the data and matches them with the model's inputs.
  static Expected<SampleFeed> open(const AnalysisSubject &subject,
                                   const std::optional<DataOption> &data);
  /// The next samples, of which the first has the number `first`.
  Status read(int64_t first, int64_t samples, Batch &batch);
  /// So many of the samples wanted as there are.
  int64_t limit(int64_t samples) const;
  int64_t getSteps() const { return match.steps ? match.steps : steps; }
};

} // namespace loco

#endif // COMPILER_DRIVER_SAMPLEFEED_H
