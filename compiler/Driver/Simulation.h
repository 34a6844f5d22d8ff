//===- Simulation.h - What a simulate block does -------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_SIMULATION_H
#define COMPILER_DRIVER_SIMULATION_H

#include "compiler/Driver/Analysis.h"

#include <nlohmann/json.hpp>

namespace loco {

/// What a `simulate` block left behind.
struct Simulation {
  /// Of every probe, by its label: [samples, steps shown, ...], or
  /// [samples, ...] for a value without steps.
  TensorMap probes;
  /// For results.json.
  nlohmann::ordered_json json;
  /// What to tell of numbers that are none: a line for each such probe.
  std::vector<std::string> warnings;
};

/// Of [samples, steps, ...] what was after each `every` steps; nothing of
/// shorter sequences.
Tensor thinSteps(const Tensor &values, int64_t every);

/// Runs the model of `block` for the steps that it asks for, with the only
/// network of `subject`, and draws one figure for each probe. `subject.steps`
/// and `subject.samples` are those of the block.
Expected<Simulation> simulate(const sema::RunBlock &block,
                              const AnalysisSubject &subject);

} // namespace loco

#endif // COMPILER_DRIVER_SIMULATION_H
