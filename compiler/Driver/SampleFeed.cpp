//===- SampleFeed.cpp - Samples for analyses and simulations
//---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/SampleFeed.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

using namespace loco;

Status SampleFeed::read(int64_t first, int64_t samples, Batch &batch) {
  if (source) {
    options.samples = samples;
    if (Status failed = readBatch(*source, options, cursor, batch))
      return failed;
  } else {
    batch.samples = samples;
    batch.sampleIndex.resize(samples);
    std::iota(batch.sampleIndex.begin(), batch.sampleIndex.end(), first);
  }
  batch.steps = getSteps();
  return {};
}

Expected<SampleFeed> SampleFeed::open(const AnalysisSubject &subject,
                                      const std::optional<DataOption> &data) {
  SampleFeed feed;
  feed.steps = subject.steps;
  if (!data) {
    for (const ArgumentSpec &argument : subject.program->arguments())
      if (argument.role == ArgumentRole::Input && !argument.preset)
        return Error{
            fmt::format("input `{}` needs `data` in the block", argument.name)};
    return feed;
  }
  auto source = DataSource::open(*data, subject.seed);
  if (!source)
    return source.error();
  feed.source = std::move(*source);
  auto match = matchFields(subject.program->arguments(), *feed.source);
  if (!match)
    return match.error();
  feed.match = *match;
  if (!match->isTimed)
    feed.match.steps = 0;
  else if (subject.steps && match->steps != subject.steps)
    return Error{fmt::format("the data have {} steps, but `steps` is {}",
                             match->steps, subject.steps)};
  if (!feed.steps)
    feed.steps = feed.source->steps();
  feed.options.shuffle = false;
  feed.options.dropIncomplete = false;
  feed.options.precision = subject.precision;
  feed.options.fields = match->fields;
  feed.options.numbers = match->numbers;
  if (feed.source->field("label") &&
      !llvm::is_contained(feed.options.fields, "label"))
    feed.options.fields.push_back("label");
  return feed;
}

int64_t SampleFeed::limit(int64_t samples) const {
  auto length = source ? source->length() : std::nullopt;
  return length ? std::min(samples, *length) : samples;
}
