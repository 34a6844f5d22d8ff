//===- Sequence.cpp - Which steps count, and what a step reads ------------===//
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
// Steps that count
//===----------------------------------------------------------------------===//

/// `condition`, a truth value, at all sites.
Node *Sequence::select(Node *condition, Node *value, Node *otherwise) {
  return graph.select(graph.broadcastLike(condition, value), value, otherwise);
}

/// True if a number that stands for a truth value is 1.
Node *Sequence::isSet(Node *number) {
  return graph.compare(Comparison::Greater, number, graph.constant(0.5));
}

Node *Sequence::getStepNumber() {
  Node *step = graph.stepIndex();
  return offset ? graph.binary(Op::Add, step, offset) : step;
}

Node *Sequence::countsByMask(Moment moment) {
  Node *mask = graph.readInput(*counting, moment);
  // Zero beyond the end, which is what it means there.
  mask->usesLaterStep = false;
  if (moment == Moment::Current && keepSteps)
    mask = select(graph.compare(Comparison::Less, graph.stepIndex(), keepSteps),
                  mask, graph.constant(0));
  return isSet(mask);
}

/// True where the step at hand, the next or the first one counts. Beyond the
/// last step nothing does.
Node *Sequence::counts(Moment moment) {
  Node *&condition = conditions[moment];
  if (condition)
    return condition;
  if (counting && counting->kind == Input::Kind::Mask)
    return condition = countsByMask(moment);
  bool isNext = moment == Moment::Next;
  Node *bound = keepSteps && isNext ? graph.stepCount() : keepSteps;
  if (counting) {
    Node *length = graph.readInput(*counting, Moment::Sample);
    if (offset)
      length = graph.binary(Op::Subtract, length, offset);
    bound = bound ? graph.binary(Op::Minimum, bound, length) : length;
  }
  Node *step = moment == Moment::First ? graph.constant(0) : graph.stepIndex();
  if (isNext)
    step = graph.binary(Op::Add, step, graph.constant(1));
  return condition = graph.compare(Comparison::Less, step, bound);
}

Node *Sequence::read(const Input &input, Moment moment, bool isData) {
  bool isPlain = moment == Moment::Sample || !isPartial() ||
                 &input == counting ||
                 (!counting && (moment == Moment::First || input.isClass()));
  if (moment == Moment::Current && &input == fed && !isData)
    return isPlain ? readFed(input)
                   : select(counts(moment), readFed(input),
                            graph.constant(0, input.space));
  if (isPlain)
    return graph.readInput(input, moment);
  if (moment == Moment::Last) {
    Node *&held = heldInputs[&input];
    if (!held && !input.isClass())
      held = hold(graph.readInput(input, Moment::Current), input.name);
    return held;
  }
  Node *value = graph.readInput(input, moment);
  // The number of a class is valid wherever it stands, but for the one that
  // follows on the last.
  if (input.isClass())
    return moment == Moment::NextWrap ? nullptr : value;
  if (moment == Moment::NextWrap)
    return select(counts(Moment::Next), value, read(input, Moment::First));
  return select(counts(moment), value, graph.constantLike(0, value));
}

Node *Sequence::draw(bool isNormal, uint64_t stream, Moment moment,
                     const Space *space) {
  if (moment != Moment::Last || !isPartial())
    return graph.random(isNormal, stream, moment, space);
  Node *&held = heldDraws[stream];
  if (!held)
    held = hold(graph.random(isNormal, stream, Moment::Current, space),
                "draw" + std::to_string(heldDraws.size()));
  return held;
}

/// The value of `current` at the last step that counts; zero if none does.
Node *Sequence::hold(Node *current, std::string name) {
  State &state = remember("last." + name, current->space, current->range);
  state.next = keep(current, graph.oldState(state));
  return graph.stateAfter(state, Moment::Last);
}

State &Sequence::remember(std::string name, const Space *space,
                          SourceRange range) {
  State &state = model.hiddenStates.emplace_back();
  state.name = std::move(name);
  state.space = space;
  state.range = range;
  state.initial = graph.constant(0, space);
  state.hasInitial = true;
  return state;
}

Node *Sequence::keep(Node *after, Node *before) {
  return isPartial() ? select(counts(Moment::Current), after, before) : after;
}

Node *Sequence::sum(Node *perStep) {
  if (isPartial())
    perStep = keep(perStep, graph.constantLike(0, perStep));
  return graph.timeSum(perStep);
}

Node *Sequence::countFor(Node *sum) {
  Node *count = graph.stepCount();
  if (isPartial()) {
    Node *one = graph.constant(1), *zero = graph.constant(0);
    Node *steps = graph.timeSum(select(counts(Moment::Current), one, zero));
    // In the same loop as the sum that it divides.
    steps->afterLoop = sum->afterLoop;
    count = graph.binary(Op::Maximum, steps, one);
  }
  return graph.broadcastLike(count, sum);
}

Node *Sequence::average(Node *loss) {
  if (!isPartial() || !loss->perStep)
    return loss;
  Node *one = graph.constant(1), *zero = graph.constant(0);
  auto masked = [&](Node *value) {
    if (loss->usesLaterStep)
      value = select(counts(Moment::Next), value, zero);
    return select(counts(Moment::Current), value, zero);
  };
  Node *total = graph.timeSum(masked(loss));
  Node *number = graph.timeSum(masked(one));
  total->afterLoop = number->afterLoop = true;
  return graph.binary(Op::Divide, total,
                      graph.binary(Op::Maximum, number, one));
}

//===----------------------------------------------------------------------===//
// Results in place of an input
//===----------------------------------------------------------------------===//

Node *Sequence::addNumber(std::string name, double preset) {
  Input &input = model.inputs.emplace_back();
  input.name = std::move(name);
  input.space = model.spaces.getScalar();
  input.preset = preset;
  return graph.readInput(input, Moment::Sample);
}

void Sequence::feed(const Input &input, double after, SourceRange range) {
  fed = &input;
  fedState = &remember(input.name + ".fed", input.space, range);
  fedState->next = graph.oldState(*fedState);
  feedAfter = addNumber("rollout.after", after);
}

/// The data's value below step `after`, then the result of the step before.
Node *Sequence::readFed(const Input &input) {
  Node *isGiven =
      graph.compare(Comparison::Less, getStepNumber(), feedAfter);
  return select(isGiven, graph.readInput(input, Moment::Current),
                graph.oldState(*fedState));
}

void Sequence::finishFeeding(Node *value) {
  fedState->next = keep(value, graph.oldState(*fedState));
}

//===----------------------------------------------------------------------===//
// Sequences in pieces
//===----------------------------------------------------------------------===//

void Sequence::makeWindow() {
  offset = addNumber("window.offset", 0);
  // More steps than any sequence has.
  keepSteps = addNumber("window.keep", 1e9);
}

/// Where the sequence begins the state has its initial value, elsewhere the one
/// that the run gives.
void Sequence::carry(State &state, Node *isFirst) {
  Input &input = model.inputs.emplace_back();
  input.name = "carry/" + state.name;
  input.space = state.space;
  input.range = state.range;
  input.preset = 0;
  llvm::SaveAndRestore range(graph.range, state.range);
  state.initial = select(isFirst, state.initial,
                         graph.readInput(input, Moment::Sample));
  model.results.push_back({input.name, ResultRole::Carry,
                           graph.stateAfter(state, Moment::Last),
                           state.range});
}

void Sequence::carryStates() {
  // Tells the run that a window needs the step after it.
  if (model.lossLooksAhead)
    addNumber("window.ahead", 0);
  Node *isFirst = isSet(addNumber("window.first", 1));
  bool keepsAny = llvm::any_of(model.states, [](const State &state) {
    return state.isCarried;
  });
  Node *isFresh = keepsAny ? isSet(addNumber("window.fresh", 1)) : nullptr;
  for (State &state : model.states)
    carry(state, state.isCarried ? isFresh : isFirst);
  for (State &state : model.hiddenStates)
    carry(state, isFirst);
}
