//===- Analysis.cpp - What an analyze block saves ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Analysis.h"

#include "loco/BatchLoader.h"
#include "loco/Matching.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstring>

using namespace loco;
using Json = nlohmann::ordered_json;

SiteGrid loco::getSiteGrid(const sema::Space &space) {
  SiteGrid grid;
  for (int64_t extent : space.getShape())
    grid.extents.push_back(extent);
  size_t rank = grid.extents.size();
  size_t connected = space.hasNeighbours() ? space.getCouplingRank() : 0;
  for (size_t axis = 0; axis < rank; ++axis)
    grid.edges.push_back(axis + connected < rank ? Edge::Apart
                         : space.wraps()         ? Edge::Periodic
                                                 : Edge::Open);
  return grid;
}

const sema::Space *loco::getResultSpace(const sema::Model &model,
                                        llvm::StringRef name) {
  for (const sema::State &state : model.states)
    if (state.name == name)
      return state.space;
  const sema::Result *result = model.findResult(name);
  return result ? result->value->space : nullptr;
}

/// Copies `count` samples of `from` behind those already in `to`.
static void append(TensorMap &to, const std::string &name, const Tensor &from,
                   int64_t first, int64_t total) {
  auto found = to.find(name);
  if (found == to.end()) {
    Shape shape = from.shape();
    shape.front() = total;
    found = to.emplace(name, Tensor(from.type(), shape)).first;
  }
  size_t perSample = from.bytes() / from.shape().front();
  std::memcpy(static_cast<char *>(found->second.data()) + first * perSample,
              from.data(), from.bytes());
}

Expected<Responses>
loco::collectResponses(const AnalysisSubject &subject,
                       const TensorMap &parameters, const DataOption &data,
                       const std::vector<std::string> &results) {
  auto source = DataSource::open(data, subject.seed);
  if (!source)
    return source.error();
  auto match = matchFields(subject.program->arguments(), **source);
  if (!match)
    return match.error();

  Responses responses;
  responses.samples = subject.samples;
  if (auto length = (*source)->length())
    responses.samples = std::min(responses.samples, *length);
  BatchOptions options;
  options.shuffle = false;
  options.dropIncomplete = false;
  options.precision = subject.precision;
  options.fields = match->fields;
  if (const DataField *label = (*source)->field("label")) {
    responses.classes = label->classes;
    if (!llvm::is_contained(options.fields, "label"))
      options.fields.push_back("label");
  }

  Request request;
  request.results = results;
  request.seed = subject.seed;
  DataCursor cursor;
  Batch batch;
  Reply reply;
  constexpr int64_t samplesAtOnce = 64;
  for (int64_t first = 0; first < responses.samples; first += batch.samples) {
    options.samples = std::min(samplesAtOnce, responses.samples - first);
    if (Status failed = readBatch(**source, options, cursor, batch))
      return failed.error();
    for (const auto &[name, values] : batch.inputs)
      append(responses.fields, name, values, first, responses.samples);
    if (!llvm::is_contained(match->fields, "label"))
      batch.inputs.erase("label");
    if (Status failed = subject.program->run(parameters, batch, request, reply))
      return failed.error();
    responses.loss += reply.loss * batch.samples / responses.samples;
    for (const std::string &name : results)
      append(responses.results, name, reply.results.at(name), first,
             responses.samples);
  }
  return responses;
}

Expected<Json> loco::runAnalysis(const sema::Setting &save,
                                 const AnalysisSubject &subject) {
  using Analysis =
      Expected<Json> (*)(const sema::Setting &, const AnalysisSubject &);
  static const std::pair<const char *, Analysis> analyses[] = {
      {"selectivity", analyzeSelectivity},
      {"phase_velocity", analyzePhaseVelocity},
      {"prediction", analyzePrediction},
  };
  std::string known;
  for (auto [name, analysis] : analyses) {
    if (save.value && save.value->isCall(name))
      return analysis(save, subject);
    known += fmt::format("{}`{}`", known.empty() ? "" : ", ", name);
  }
  return Error{fmt::format("there is no analysis `{}`; there are {}",
                           save.value ? save.value->text : "", known)};
}
