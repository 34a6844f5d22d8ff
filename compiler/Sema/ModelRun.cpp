//===- ModelRun.cpp - Sequences through models inside ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelInstance.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

ModelRun::ModelRun(Elaborator &around, ModelInstance &instance, Kind kind,
                   std::string name, llvm::ArrayRef<Feed> feeds,
                   SourceRange range)
    : around(around), instance(instance), kind(kind), name(std::move(name)),
      feeds(feeds), range(range),
      when(around.getFeedContext(kind == Kind::Apart)), scope(around.scope),
      place(around.place) {}

/// A loop that stands inside of a model that is inside itself. Its steps are
/// those of that model, so feeds mean what they mean there.
ModelRun::ModelRun(ModelRun &parent, std::string name)
    : around(parent.around), instance(parent.instance), kind(Kind::Apart),
      name(std::move(name)), feeds(parent.feeds), range(parent.range),
      when({Moment::Current, nullptr, true}), scope(parent.scope),
      place(parent.place), whole(parent.whole) {}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

/// The parameters that `roots` need, those of loops included.
static void collectParameters(llvm::ArrayRef<const Node *> roots,
                              std::set<const Parameter *> &parameters) {
  for (const Node *root : roots)
    for (const Node *node : collectNodes(*root->graph, {root},
                                         [](const Node *) { return false; })) {
      if (node->parameter)
        parameters.insert(node->parameter);
      if (!node->loop)
        continue;
      for (const State &state : node->loop->states)
        collectParameters({state.initial, state.next}, parameters);
      for (const Node *output : node->loop->outputs)
        collectParameters({output}, parameters);
    }
}

/// Parameters stand in the order of the model inside, whatever is copied first.
void ModelRun::importParameters() {
  std::set<const Parameter *> needed;
  for (const auto *states :
       {&instance.getModel().states, &instance.getModel().hiddenStates})
    for (const State &state : *states)
      collectParameters({state.initial, state.next}, needed);
  for (const Parameter *parameter : instance.getModel().parameterOrder)
    if (needed.count(parameter))
      around.importParameter(instance, *parameter);
}

bool ModelRun::start(int64_t first, std::optional<int64_t> last) {
  const Model &inner = instance.getModel();
  innerStates = &inner.states;
  if (kind == Kind::AtFirst)
    return hasStarted = true;
  if (kind == Kind::Apart) {
    loop = &around.model.innerLoops.emplace_back();
    loop->name = name;
    loop->isReverse = feeds.front().isReverse;
    loop->first = first;
    loop->last = last;
    loop->range = range;
    isPartial = first || last;
  }
  importParameters();
  return hasStarted = startStates(inner.states);
}

/// A state of the model around that stands for `state`.
static void declare(State &copy, const State &state, StringRef name) {
  copy.name = (name + "." + state.name).str();
  copy.space = state.space;
  copy.isAngle = state.isAngle;
  copy.isCarried = state.isCarried;
  copy.start = state.start;
  copy.range = state.range;
  copy.hasInitial = true;
}

/// Refuses what the loop that the state is of cannot know.
bool ModelRun::checkState(const State &state) {
  StringRef text = around.getText(range);
  if (!around.checkCausal(state.next, range))
    return false;
  if (state.next->usesLaterStep || state.initial->perStep) {
    around.error("misplaced", range,
                 "`" + text +
                     "` needs a value at every step, also at the last one, "
                     "which no step follows");
    return false;
  }
  if (!loop)
    return true;
  if (state.isCarried) {
    around.error("misplaced", range,
                 "`" + text +
                     "` is run in a loop of its own, whose states begin anew "
                     "for every sequence, but `" +
                     StringRef(state.name).rsplit('.').second +
                     "` has `carry`");
    return false;
  }
  for (const Node *node :
       collectNodes(around.graph, {state.next, state.initial},
                    [](const Node *) { return false; })) {
    bool isOwn = llvm::any_of(
        loop->states, [&](const State &own) { return node->state == &own; });
    if (!node->state || isOwn)
      continue;
    around.error("misplaced", range,
                 "`" + text +
                     "` is run before the time loop, but what it is run over "
                     "depends on `" +
                     node->state->name + "`");
    return false;
  }
  return true;
}

/// Declares all states, so that each may read the others, then copies what
/// they are made of. Those that the model inside hides come after its own.
bool ModelRun::startStates(const std::deque<State> &inner) {
  innerStates = &inner;
  std::vector<const State *> all;
  for (const State &state : inner)
    all.push_back(&state);
  if (&inner == &instance.getModel().states)
    for (const State &state : instance.getModel().hiddenStates)
      all.push_back(&state);
  std::deque<State> &made = loop ? loop->states : around.model.hiddenStates;
  for (const State *state : all) {
    states.push_back(&made.emplace_back());
    declare(*states.back(), *state, name);
  }
  for (auto [number, state] : llvm::enumerate(all)) {
    State &copy = *states[number];
    copy.initial = import(state->initial);
    Node *next = copy.initial ? import(state->next) : nullptr;
    if (!next)
      return false;
    Node *old = readOld(number);
    if (loop)
      next = around.selectSteps(loop->first, std::nullopt, next, old);
    copy.next = around.sequence.keep(next, old);
    if (!checkState(copy))
      return false;
  }
  // What is read out of the loop sees states that steps which do not count
  // have left as they were.
  if (loop)
    for (auto [copy, state] : llvm::zip_equal(states, all))
      known[state->next] = copy->next;
  return true;
}

unsigned ModelRun::getNumber(const State &state) const {
  unsigned number = 0;
  for (const State &own : *innerStates) {
    if (&own == &state)
      return number;
    ++number;
  }
  for (const State &hidden : instance.getModel().hiddenStates) {
    if (&hidden == &state)
      return number;
    ++number;
  }
  llvm_unreachable("a state of another model");
}

/// No name of the model around reads it.
Node *ModelRun::readOld(unsigned state) {
  Node *made = around.graph.oldState(*states[state]);
  made->readsState = false;
  return made;
}

Node *ModelRun::getFinal(unsigned state) {
  return loop ? around.graph.loopFinal(*loop, state)
              : around.graph.stateAfter(*states[state], Moment::Last);
}

Node *ModelRun::keepOutput(const Node *inner, Moment moment) {
  Node *value = import(inner);
  if (!value || !value->perStep)
    return value;
  auto [known, isNew] = outputs.emplace(value, loop->outputs.size());
  if (isNew)
    loop->outputs.push_back(value);
  return around.graph.loopOutput(*loop, known->second, moment);
}
