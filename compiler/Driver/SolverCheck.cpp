//===- SolverCheck.cpp - Solvers that gave up -----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/SolverCheck.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

using namespace loco;

static bool isFinite(const TensorMap &tensors) {
  return llvm::all_of(tensors, [](auto &entry) {
    const Tensor &tensor = entry.second;
    for (int64_t i = 0; i < tensor.size(); ++i)
      if (!std::isfinite(tensor.at(i)))
        return false;
    return true;
  });
}

/// True if nothing of `state` is a number after step `step` of a sample.
static bool isLost(const Tensor &state, const Batch &batch, int64_t sample,
                   int64_t step) {
  int64_t sites = state.size() / (batch.samples * batch.steps);
  int64_t first = (sample * batch.steps + step) * sites;
  for (int64_t i = first; i < first + sites; ++i)
    if (!std::isnan(state.at(i)))
      return false;
  return true;
}

using States = std::vector<const ResultSpec *>;

/// The states that each solver moves: those of the model together; of a model
/// inside there is but one.
static std::vector<States> groupStates(const States &states) {
  std::vector<States> groups;
  for (const ResultSpec *state : states) {
    bool isOwn = state->role == ResultRole::State;
    if (isOwn && !groups.empty() &&
        groups.back().front()->role == ResultRole::State)
      groups.back().push_back(state);
    else
      groups.push_back({state});
  }
  return groups;
}

/// The message for the first step of a sample after which no state is a number.
static Status findLost(const States &states, const Batch &batch,
                       const Reply &reply) {
  for (int64_t sample = 0; sample < batch.samples; ++sample)
    for (int64_t step = 0; step < batch.steps; ++step) {
      if (!llvm::all_of(states, [&](const ResultSpec *state) {
            return isLost(reply.results.at(state->name), batch, sample, step);
          }))
        continue;
      const ResultSpec &state = *states.front();
      uint64_t number = batch.sampleIndex.empty()
                            ? static_cast<uint64_t>(sample)
                            : batch.sampleIndex[sample];
      std::string time = state.interval > 0 ? fmt::format(", from t = {:g}",
                                                          step * state.interval)
                                            : "";
      return Error{fmt::format("{}: sample {}, step {}{}; raise `max` or the "
                               "tolerances, or look for a solution that grows "
                               "without bound "
                               "[solver-gave-up]",
                               state.solver, number, step, time)};
    }
  return {};
}

Status loco::checkSolver(Program &program, const TensorMap &parameters,
                         const Batch &batch, const Request &request,
                         const Reply &reply) {
  States states;
  for (const ResultSpec &result : program.results())
    if (!result.solver.empty())
      states.push_back(&result);
  if (states.empty() || (std::isfinite(reply.loss) && isFinite(reply.results)))
    return {};
  // Numbers that came in like this are reported by whoever gave them.
  if (!isFinite(batch.inputs) || !isFinite(parameters))
    return {};
  if (llvm::all_of(states, [&](const ResultSpec *state) {
        return llvm::is_contained(request.results, state->name);
      })) {
    for (const States &group : groupStates(states))
      if (Status failed = findLost(group, batch, reply))
        return failed;
    return {};
  }
  Request again;
  again.seed = request.seed;
  again.update = request.update;
  for (const ResultSpec *state : states)
    again.results.push_back(state->name);
  Reply whole;
  return program.run(parameters, batch, again, whole);
}
