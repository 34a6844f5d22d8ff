//===- Windows.cpp - Sequences in pieces ----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Sequence.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace loco;
using namespace loco::sema;

//===----------------------------------------------------------------------===//
// Sequences in pieces
//===----------------------------------------------------------------------===//

void Sequence::makeWindow() {
  offset = addNumber("window.offset", 0);
  // More steps than any sequence has.
  keepSteps = addNumber("window.keep", 1e9);
  isFirstWindow = isSet(addNumber("window.first", 1));
}

/// An input that runs set to what the window before gave by that name.
Input &Sequence::addCarry(std::string name, const Space *space,
                          SourceRange range) {
  Input &input = model.inputs.emplace_back();
  input.name = "carry/" + std::move(name);
  input.space = space;
  input.range = range;
  input.preset = 0;
  return input;
}

void Sequence::addCarryResult(std::string name, Node *value,
                              SourceRange range) {
  model.results.push_back(
      {"carry/" + std::move(name), ResultRole::Carry, value, range});
}

/// `start` in the first window, what was left behind in the others.
Node *Sequence::startInWindow(Node *start, std::string name) {
  if (!keepSteps)
    return start;
  Input &input = addCarry(std::move(name), start->space, start->range);
  return select(isFirstWindow, start, graph.readInput(input, Moment::Sample));
}

/// What is known where the sequence begins, and is the same in all windows.
Node *Sequence::keepFromFirst(Node *value, std::string name) {
  if (!keepSteps)
    return value;
  int64_t size = 1;
  for (int64_t extent : value->shape)
    size *= extent;
  // Values between have no space, but inputs do.
  const Space *space =
      value->space ? value->space : model.spaces.getVector(size);
  Input &input = addCarry(name, space, value->range);
  Node *left = graph.readInput(input, Moment::Sample);
  if (!value->space)
    left = graph.reshapeTo(left, value->shape, nullptr);
  Node *kept = select(isFirstWindow, value, left);
  keptFromFirst.insert(kept);
  addCarryResult(std::move(name),
                 value->space ? kept : graph.reshape(kept, space),
                 value->range);
  return kept;
}

/// Where the sequence begins the state has its initial value, elsewhere the one
/// that the run gives.
void Sequence::carry(State &state, Node *isFirst) {
  Input &input = addCarry(state.name, state.space, state.range);
  llvm::SaveAndRestore range(graph.range, state.range);
  state.initial =
      select(isFirst, state.initial, graph.readInput(input, Moment::Sample));
  addCarryResult(state.name, graph.stateAfter(state, Moment::Last),
                 state.range);
}

void Sequence::carryStates() {
  // Tells the run that a window needs the step after it.
  if (model.lossLooksAhead)
    addNumber("window.ahead", 0);
  auto isCarried = [](const State &state) { return state.isCarried; };
  bool keepsAny = llvm::any_of(model.states, isCarried) ||
                  llvm::any_of(model.hiddenStates, isCarried);
  Node *isFresh = keepsAny ? isSet(addNumber("window.fresh", 1)) : nullptr;
  for (auto *states : {&model.states, &model.hiddenStates})
    for (State &state : *states)
      carry(state, state.isCarried ? isFresh : isFirstWindow);
}
