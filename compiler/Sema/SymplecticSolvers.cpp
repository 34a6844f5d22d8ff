//===- SymplecticSolvers.cpp - Momenta and positions in turn --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Solvers of states in pairs: positions with velocities, or the pairs of a
// Hamiltonian. What is said of momenta here holds for velocities, too.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelBuilder.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

/// Which states are momenta. Not valid if a state is of no pair.
std::vector<bool> ModelBuilder::findMomenta(bool &valid) {
  std::vector<bool> isMomentum, isPaired, isMoved(model->states.size());
  for (const State &state : model->states) {
    isMomentum.push_back(state.position);
    isPaired.push_back(state.position || state.velocity);
  }
  for (const Equation &equation : equations) {
    isMoved[equation.state] = true;
    if (equation.energy) {
      isMomentum[equation.state] = equation.isMomentum;
      isPaired[equation.state] = true;
    }
  }
  for (auto [i, state] : llvm::enumerate(model->states))
    if (!isPaired[i] && isMoved[i]) {
      elaborator
          .error("no-velocity", model->solver.range,
                 "`" + model->solver.method +
                     "` needs a velocity of every state, and `" +
                     StringRef(state.name) + "` has none")
          .note(state.range, "`" + StringRef(state.name) + "` is declared here")
          .hint("write `with velocity v`, or solve with `euler` or `rk4`");
      valid = false;
      break;
    }
  return isMomentum;
}

StateValues ModelBuilder::select(const StateValues &values,
                                 const std::vector<bool> &which, bool wanted) {
  StateValues selected = values;
  for (auto [i, value] : llvm::enumerate(selected))
    if (which[i] != wanted)
      value = nullptr;
  return selected;
}

/// The rates of those states of which `which` is `wanted`.
bool ModelBuilder::makeRates(const StateValues &states,
                             const std::vector<bool> &which, bool wanted,
                             StateValues &rates) {
  rates.assign(states.size(), nullptr);
  for (const Equation &equation : equations)
    if (which[equation.state] == wanted &&
        !(rates[equation.state] = makeRate(equation, states)))
      return false;
  return true;
}

/// All momenta from the old state, then all positions from the new ones.
bool ModelBuilder::integrateSymplecticEuler(const StateValues &old, Node *dt,
                                            StateValues &next) {
  bool valid = true;
  std::vector<bool> isMomentum = findMomenta(valid);
  StateValues rates;
  if (!valid || !makeRates(old, rates))
    return false;
  StateValues &middle = keep(advance(old, dt, select(rates, isMomentum, true)));
  if (!makeRates(middle, isMomentum, false, rates))
    return false;
  next = advance(middle, dt, rates);
  return true;
}

/// Refuses forces that depend on momenta, and positions that do not follow from
/// momenta alone: leapfrog would not be reversible, and of first order.
bool ModelBuilder::checkSeparable(const StateValues &old,
                                  const StateValues &rates,
                                  const std::vector<bool> &isMomentum) {
  for (auto [i, state] : llvm::enumerate(model->states))
    for (auto [j, other] : llvm::enumerate(model->states)) {
      if (!rates[i] || isMomentum[i] != isMomentum[j] ||
          !dependsOn(rates[i], old[j]))
        continue;
      elaborator
          .error("not-separable", model->solver.range,
                 "`" + model->solver.method + "` needs a rate of `" +
                     StringRef(state.name) + "` that does not depend on `" +
                     StringRef(other.name) + "`")
          .note(state.range, "`" + StringRef(state.name) + "` is declared here")
          .hint("solve with `symplectic_euler`, `heun` or `rk4`");
      return false;
    }
  return true;
}

/// Half a kick, a drift, half a kick.
bool ModelBuilder::integrateLeapfrog(const StateValues &old, Node *dt,
                                     StateValues &next) {
  bool valid = true;
  std::vector<bool> isMomentum = findMomenta(valid);
  StateValues rates, drifts, kicks;
  if (!valid || !makeRates(old, rates) ||
      !checkSeparable(old, rates, isMomentum))
    return false;
  Node *half = scale(0.5, dt);
  StateValues &kicked =
      keep(advance(old, half, select(rates, isMomentum, true)));
  if (!makeRates(kicked, isMomentum, false, drifts))
    return false;
  StateValues &drifted = keep(advance(kicked, dt, drifts));
  if (!makeRates(drifted, isMomentum, true, kicks))
    return false;
  next = advance(drifted, half, kicks);
  return true;
}
