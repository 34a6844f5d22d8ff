//===- Validation.cpp - Losses on data that nothing learns from -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/BatchLoader.h"
#include "loco/Matching.h"
#include "loco/Training.h"
#include "runtime/lib/training/LossTerms.h"

#include <algorithm>

using namespace loco;

static const std::string termPrefix = "loss.";

static bool isTerm(const ResultSpec &result) {
  return result.role == ResultRole::Probe && !result.perStep &&
         result.name.rfind(termPrefix, 0) == 0;
}

std::vector<std::string> loco::lossResults(const Program &program) {
  std::vector<std::string> names, loss;
  for (const ResultSpec &result : program.results()) {
    if (isTerm(result))
      names.push_back(result.name);
    else if (result.role == ResultRole::Loss)
      loss.push_back(result.name);
  }
  if (!names.empty())
    names.insert(names.begin(), loss.begin(), loss.end());
  return names;
}

std::map<std::string, double>
loco::meanTerms(const Program &program, const Reply &reply, int64_t samples) {
  std::map<std::string, double> terms;
  for (const ResultSpec &result : program.results()) {
    auto values = reply.results.find(result.name);
    if (!isTerm(result) || values == reply.results.end())
      continue;
    double &mean = terms[result.name.substr(termPrefix.size())];
    for (int64_t i = 0; i < samples; ++i)
      mean += values->second.at(i) / samples;
  }
  return terms;
}

Expected<LossParts> loco::measureLoss(Program &program, const DataSource &data,
                                      const TensorMap &parameters,
                                      const ValidationOptions &options) {
  auto match = matchFields(program.arguments(), data);
  if (!match)
    return match.error();
  int64_t samples = options.samples;
  if (std::optional<int64_t> length = data.length())
    samples = std::min(samples, *length);
  BatchOptions reading;
  reading.shuffle = false;
  reading.dropIncomplete = false;
  reading.precision = options.precision;
  reading.fields = match->fields;
  reading.numbers = match->numbers;
  Request request;
  request.results = lossResults(program);
  request.seed = options.seed;
  LossParts parts;
  DataCursor cursor;
  Batch batch;
  Reply reply;
  for (int64_t first = 0; first < samples; first += batch.samples) {
    reading.samples = std::min(options.batch, samples - first);
    if (Status failed = readBatch(data, reading, cursor, batch))
      return failed.error();
    batch.steps = match->steps;
    if (Status failed = program.run(parameters, batch, request, reply))
      return failed.error();
    double share = double(batch.samples) / samples;
    parts.loss += reply.loss * share;
    for (const auto &[name, value] : meanTerms(program, reply, batch.samples))
      parts.terms[name] += value * share;
  }
  return parts;
}
