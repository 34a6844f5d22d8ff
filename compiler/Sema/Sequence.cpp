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

//===----------------------------------------------------------------------===//
// What a step reads
//===----------------------------------------------------------------------===//

/// The first step of `input` that counts, in a loop of its own that goes
/// backwards: a mask may begin with steps that do not count. What a window
/// before this one has found stays.
Node *Sequence::findFirstByMask(const Input &input) {
  InnerLoop &loop = model.innerLoops.emplace_back();
  loop.name = "first." + input.name;
  loop.isReverse = true;
  loop.standsFor = &input;
  loop.range = input.range;
  auto add = [&](std::string name, const Space *space, double start) {
    State &state = loop.states.emplace_back();
    state.name = std::move(name);
    state.space = space;
    state.range = input.range;
    state.hasInitial = true;
    state.initial = startInWindow(graph.constant(start, space), state.name);
    return &state;
  };
  State *first = add(loop.name, input.space, 1);
  State *isFound = keepSteps
                       ? add("found." + input.name, model.spaces.getScalar(), 0)
                       : nullptr;
  Node *counted = counts(Moment::Current), *old = graph.oldState(*first);
  first->next = select(counted, graph.readInput(input, Moment::Current), old);
  if (isFound) {
    first->next = select(isSet(isFound->initial), old, first->next);
    isFound->next =
        select(counted, graph.constant(1), graph.oldState(*isFound));
  }
  for (const State &state : loop.states) {
    Node *found = graph.loopFinal(loop, &state == first ? 0 : 1);
    // Where there is but one step at hand, that one's value is as good.
    found->usesSequence = false;
    found->isStandIn = true;
    if (keepSteps)
      addCarryResult(state.name, found, input.range);
    if (&state == first)
      firsts[&input] = found;
  }
  return firsts[&input];
}

/// The value of `input` at the first step that counts; of none: 1.
Node *Sequence::findFirst(const Input &input) {
  Node *&known = firsts[&input];
  if (known)
    return known;
  llvm::SaveAndRestore range(graph.range, input.range);
  if (counting->kind == Input::Kind::Mask)
    return known = findFirstByMask(input);
  Node *first = graph.readInput(input, Moment::First);
  first->isStandIn = true;
  Node *length = graph.readInput(*counting, Moment::Sample);
  Node *isAny = graph.compare(Comparison::Less, graph.constant(0), length);
  return known =
             keepFromFirst(select(isAny, first, graph.constant(1, input.space)),
                           "first." + input.name);
}

/// What a step that does not count reads. What is divided by, or taken the
/// logarithm of, must be a number that the sample really has: the derivative
/// of such a step is multiplied by zero, and zero times infinity is no zero.
Node *Sequence::standIn(const Input &input) {
  Node *&known = standIns[&input];
  if (!known) {
    known = graph.unary(Op::StopGradient, findFirst(input));
    known->isStandIn = true;
  }
  return known;
}

Node *Sequence::readFirst(const Input &input) {
  if (counting && counting->kind == Input::Kind::Mask && !input.isClass())
    return findFirst(input);
  Node *first = graph.readInput(input, Moment::First);
  if (counting && !input.isClass())
    first = select(counts(Moment::First), first, graph.constantLike(0, first));
  return input.isClass() ? first : keepFromFirst(first, "start." + input.name);
}

Node *Sequence::readLast(const Input &input) {
  Node *&held = heldInputs[&input];
  if (!held && !input.isClass())
    held = isWindow()
               ? hold(graph.readInput(input, Moment::Current), input.name)
               : findLast(input);
  return held;
}

/// The same in a loop of its own, so that it is known before the time loop: a
/// model that runs backwards begins there.
Node *Sequence::findLast(const Input &input) {
  InnerLoop &loop = model.innerLoops.emplace_back();
  loop.name = "last." + input.name;
  loop.standsFor = &input;
  loop.range = input.range;
  State &state = loop.states.emplace_back();
  state.name = loop.name;
  state.space = input.space;
  state.range = input.range;
  state.hasInitial = true;
  state.initial = graph.constant(0, input.space);
  state.next =
      select(counts(Moment::Current), graph.readInput(input, Moment::Current),
             graph.oldState(state));
  return graph.loopFinal(loop, 0);
}

Node *Sequence::read(const Input &input, Moment moment, bool isData) {
  if (moment == Moment::Sample || &input == counting)
    return graph.readInput(input, moment);
  if (moment == Moment::First)
    return readFirst(input);
  if (moment == Moment::Last && isPartial() && (counting || !input.isClass()))
    return readLast(input);
  bool isFed = moment == Moment::Current && &input == fed && !isData;
  Node *value = isFed ? readFed(input) : graph.readInput(input, moment);
  if (!counting)
    return value;
  // The number of a class is valid wherever it stands, but for the one that
  // follows on the last.
  if (input.isClass())
    return moment == Moment::NextWrap ? nullptr : value;
  bool wraps = moment == Moment::NextWrap;
  return select(counts(wraps ? Moment::Next : moment), value,
                wraps ? readFirst(input) : standIn(input));
}

Node *Sequence::draw(bool isNormal, uint64_t stream, Moment moment,
                     const Space *space) {
  if (moment == Moment::Sample || moment == Moment::First)
    return drawOnce(graph.random(isNormal, stream, moment, space), stream);
  if (moment != Moment::Last || !isPartial())
    return graph.random(isNormal, stream, moment, space);
  Node *&held = heldDraws[stream];
  if (!held)
    held = hold(graph.random(isNormal, stream, Moment::Current, space),
                "draw" + std::to_string(heldDraws.size()));
  return held;
}

Node *Sequence::drawOnce(Node *drawn, uint64_t stream) {
  Node *&known = onceDrawn[stream];
  if (!known)
    known = keepFromFirst(drawn, "draw." + std::to_string(onceDrawn.size()));
  return known;
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
  Node *isGiven = graph.compare(Comparison::Less, getStepNumber(), feedAfter);
  return select(isGiven, graph.readInput(input, Moment::Current),
                graph.oldState(*fedState));
}

void Sequence::finishFeeding(Node *value) {
  fedState->next = keep(value, graph.oldState(*fedState));
}
