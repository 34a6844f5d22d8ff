//===- Analysis.cpp - What an analyze block saves ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Analysis.h"

#include "compiler/AST/Suggest.h"
#include "compiler/Driver/SampleFeed.h"

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

const sema::Space *loco::getResultSpace(const ModelFacts &model,
                                        llvm::StringRef name) {
  const ValueFacts *value = model.findValue(name);
  return value && value->space ? &*value->space : nullptr;
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
                       const TensorMap &parameters,
                       const std::optional<DataOption> &data,
                       const std::vector<std::string> &results) {
  auto feed = SampleFeed::open(subject, data);
  if (!feed)
    return feed.error();
  Responses responses;
  responses.samples = feed->limit(subject.samples);
  if (feed->source)
    if (const DataField *label = feed->source->field("label"))
      responses.classes = label->classes;
  // Whole numbers in a file are classes where the model says so.
  for (const ArgumentSpec &argument : subject.program->arguments())
    if (argument.role == ArgumentRole::Input && argument.name == "label" &&
        responses.classes == 0)
      responses.classes = argument.classes;

  Request request;
  request.results = results;
  request.seed = subject.seed;
  Batch batch;
  Reply reply;
  constexpr int64_t samplesAtOnce = 64;
  for (int64_t first = 0; first < responses.samples; first += batch.samples) {
    int64_t samples = std::min(samplesAtOnce, responses.samples - first);
    if (Status failed = feed->read(first, samples, batch))
      return failed.error();
    for (const auto &[name, values] : batch.inputs)
      append(responses.fields, name, values, first, responses.samples);
    if (!llvm::is_contained(feed->match.fields, "label"))
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

//===----------------------------------------------------------------------===//
// The analyses by name
//===----------------------------------------------------------------------===//

namespace {
struct AnalysisForm {
  llvm::StringRef name;
  Expected<Json> (*run)(const sema::Setting &, const AnalysisSubject &);
  /// Its values, in the order in which they may stand without their names; the
  /// first `needed` of them must be there.
  std::vector<llvm::StringRef> values;
  unsigned needed;
  std::vector<llvm::StringRef> options;
  const char *example;
};
} // namespace

static llvm::ArrayRef<AnalysisForm> getAnalyses() {
  static const AnalysisForm analyses[] = {
      {"selectivity",
       analyzeSelectivity,
       {"response", "stimuli"},
       1,
       {"threshold", "by"},
       "selectivity(mean(z over time), stimuli = gratings(orientations = 8))"},
      {"phase_velocity",
       analyzePhaseVelocity,
       {"state"},
       1,
       {"skip", "frames"},
       "phase_velocity(z)"},
      {"prediction",
       analyzePrediction,
       {"prediction", "target"},
       2,
       {},
       "prediction(y, next(x, wrap))"},
      {"accuracy",
       analyzeAccuracy,
       {"scores", "label"},
       2,
       {"skip", "ahead"},
       "accuracy(y, label)"},
      {"error",
       analyzeError,
       {"value", "target"},
       2,
       {"skip", "ahead"},
       "error(y, target)"},
      {"valid_prediction_time",
       analyzeValidTime,
       {"prediction", "target"},
       2,
       {"after", "horizon", "threshold", "ahead"},
       "valid_prediction_time(y, x, after = 31, horizon = 60)"},
      {"reached", analyzeReached, {"loss"}, 1, {"every"}, "reached(0.05)"},
      {"lyapunov",
       analyzeLyapunov,
       {"exponents"},
       0,
       {"every", "skip"},
       "lyapunov(3, skip = 500)"},
  };
  return analyses;
}

static const AnalysisForm *findAnalysis(const sema::PlanValue &call) {
  for (const AnalysisForm &form : getAnalyses())
    if (call.isCall(form.name))
      return &form;
  return nullptr;
}

bool loco::checkAnalysis(const sema::Setting &save,
                         DiagnosticEngine &diagnostics) {
  const sema::PlanValue &call = *save.value;
  const AnalysisForm *form = findAnalysis(call);
  if (!form) {
    std::vector<llvm::StringRef> names;
    std::string known;
    for (const AnalysisForm &other : getAnalyses()) {
      known += fmt::format("{}`{}`", known.empty() ? "" : ", ", other.name);
      names.push_back(other.name);
    }
    std::string hint = didYouMean(call.text, names);
    diagnostics
        .error("unknown-name", call.range,
               "there is no analysis `" + call.text + "`")
        .hint(hint.empty() ? "there are " + known : hint);
    return false;
  }
  unsigned before = diagnostics.getNumErrors();
  std::vector<llvm::StringRef> names = form->values;
  llvm::append_range(names, form->options);
  unsigned unnamed = 0;
  for (const sema::PlanArgument &argument : call.arguments) {
    if (argument.name.empty() && ++unnamed == form->values.size() + 1)
      diagnostics.error("too-many-arguments", argument.value.range,
                        "`" + call.text + "` takes " +
                            llvm::Twine(form->values.size()) +
                            " unnamed arguments");
    if (!argument.name.empty() && !llvm::is_contained(names, argument.name))
      diagnostics
          .error("unknown-argument", argument.value.range,
                 "`" + call.text + "` has no argument `" + argument.name + "`")
          .hint(didYouMean(argument.name, names));
  }
  for (auto [i, name] : llvm::enumerate(form->values)) {
    if (i >= form->needed || call.find(name, i))
      continue;
    diagnostics
        .error("missing-argument", call.range,
               "`" + call.text + "` has no `" + name + "`")
        .hint(llvm::StringRef("write `") + form->example + "`");
    break;
  }
  return diagnostics.getNumErrors() == before;
}

Expected<Json> loco::runAnalysis(const sema::Setting &save,
                                 const AnalysisSubject &subject) {
  const AnalysisForm *form = findAnalysis(*save.value);
  if (!form)
    return Error{fmt::format("there is no analysis `{}`", save.value->text)};
  return form->run(save, subject);
}
