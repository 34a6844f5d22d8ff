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

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static bool isSource(const Node *node) {
  switch (node->op) {
  case Op::Parameter:
  case Op::Input:
  case Op::OldState:
  case Op::StateAfter:
  case Op::LoopFinal:
  case Op::LoopOutput:
  case Op::Random:
  case Op::TimeSum:
  case Op::StepCount:
  case Op::StepIndex:
    return true;
  default:
    return false;
  }
}

Node *ModelRun::import(const Node *inner) {
  auto isKnown = [&](const Node *node) { return known.contains(node); };
  auto stop = [&](const Node *node) { return isKnown(node) || isSource(node); };
  for (const Node *node : collectNodes(*inner->graph, {inner}, stop)) {
    if (isKnown(node))
      continue;
    if (!around.program.countImported(range))
      return nullptr;
    llvm::SaveAndRestore at(around.graph.range,
                            instance.file->isLibrary ? range : node->range);
    Node *made = nullptr;
    if (isSource(node)) {
      made = importSource(*node);
    } else {
      llvm::SmallVector<Node *, 2> operands;
      for (const Node *operand : node->operands)
        operands.push_back(known.lookup(operand));
      made = around.graph.copy(*node, operands);
    }
    if (made && node->op == Op::IterateArgument) {
      made->readsState = false;
      made->perStep = kind != Kind::AtFirst;
    }
    if (!made)
      return nullptr;
    known[node] = made;
  }
  return known.lookup(inner);
}

Node *ModelRun::importSource(const Node &node) {
  switch (node.op) {
  case Op::Parameter:
    return around.graph.readParameter(
        *around.importParameter(instance, *node.parameter));
  case Op::Input:
    return importInput(node);
  case Op::OldState:
  case Op::StateAfter:
    return importState(node);
  case Op::LoopFinal:
  case Op::LoopOutput:
    return importLoop(node);
  case Op::Random:
    return importRandom(node);
  case Op::TimeSum:
    return importTimeSum(node);
  case Op::StepCount:
    return isPartial ? refuse("the number of steps") : around.graph.stepCount();
  case Op::StepIndex:
    return importStepIndex();
  default:
    llvm_unreachable("is no source");
  }
}

/// The first step of a part is step 0 of the model inside.
Node *ModelRun::importStepIndex() {
  Node *step = around.graph.stepIndex();
  if (!loop || !loop->first)
    return step;
  return around.graph.binary(Op::Subtract, step,
                             around.graph.constant(loop->first));
}

const Feed *ModelRun::findFeed(const Input &input) const {
  for (const Feed &feed : feeds)
    if (instance.findInput(feed) == &input)
      return &feed;
  return nullptr;
}

Node *ModelRun::importInput(const Node &node) {
  const Feed *feed = findFeed(*node.input);
  if (!feed) {
    around
        .error("missing-argument", range,
               "`" + StringRef(instance.name) + "` needs its input `" +
                   node.input->name + "`")
        .note(node.input->range, "it is declared here")
        .hint("write `" + node.input->name + " = ...` in the call");
    return nullptr;
  }
  Moment moment = node.moment;
  if (kind == Kind::AtFirst && moment == Moment::Current)
    moment = Moment::First;
  if (node.isStandIn && (!canSearch() || moment != Moment::First))
    return around.graph.constant(1, node.space);
  bool isOther = moment != Moment::Current && moment != Moment::Sample;
  if (isOther && isPartial)
    return refuse("another step of `" + node.input->name + "`");
  if (feed->isReverse && moment == Moment::First && !node.isStandIn)
    moment = Moment::Last;
  else if (feed->isReverse && moment == Moment::Last)
    moment = Moment::First;
  else if (feed->isReverse && isOther)
    return refuse("the next step of `" + node.input->name + "`");
  llvm::SaveAndRestore inScope(around.scope, scope);
  llvm::SaveAndRestore atPlace(around.place, place);
  llvm::SaveAndRestore then(around.context, when);
  return around.evaluateFeed(instance, *feed, *node.input, moment);
}

/// True if the first step that counts can be looked for before the time loop.
bool ModelRun::canSearch() {
  if (isPartial || around.sequence.isWindow())
    return false;
  llvm::SaveAndRestore inScope(around.scope, scope);
  llvm::SaveAndRestore atPlace(around.place, place);
  llvm::SaveAndRestore then(around.context, when);
  return llvm::none_of(feeds, [&](const Feed &feed) {
    const Input &input = *instance.findInput(feed);
    Node *fed =
        around.evaluateFeed(instance, feed, input,
                            input.perStep ? Moment::Current : Moment::Sample);
    return !fed || fed->usesState;
  });
}

Node *ModelRun::importRandom(const Node &node) {
  Moment moment = node.moment;
  if (kind == Kind::AtFirst && moment == Moment::Current)
    moment = Moment::First;
  bool isEnd = moment == Moment::First || moment == Moment::Last;
  if (isEnd && isPartial)
    return refuse("a draw of another step");
  if (isEnd && feeds.front().isReverse)
    moment = moment == Moment::First ? Moment::Last : Moment::First;
  // Sequences through one instance share its weights, not their draws.
  uint64_t stream = node.stream;
  if (name != instance.place.name)
    stream = around.getStream(name + "#" + std::to_string(stream));
  if (moment == Moment::Last && node.space)
    return around.sequence.draw(node.isNormal, stream, moment, node.space);
  Node *made = around.graph.random(node.isNormal, stream, moment, node.shape);
  made->space = node.space;
  made->inIterate = node.inIterate;
  if (moment == Moment::Sample || moment == Moment::First)
    return around.sequence.drawOnce(made, stream);
  return made;
}

Node *ModelRun::importState(const Node &node) {
  unsigned number = getNumber(*node.state);
  if (kind == Kind::AtFirst) {
    if (node.op == Op::OldState)
      return import(node.state->initial);
    return refuse("states after the last step");
  }
  if (node.op == Op::OldState)
    return readOld(number);
  if (!loop) {
    Node *made = around.graph.stateAfter(*states[number], node.moment);
    made->readsState = false;
    return made;
  }
  if (node.moment == Moment::Last)
    return around.graph.loopFinal(*loop, number);
  return refuse("states after the first step");
}

/// A sum over all steps is the same in either direction.
Node *ModelRun::importTimeSum(const Node &node) {
  if (isPartial || (kind != Kind::Joined && node.operands[0]->usesState))
    return refuse("a sum over time");
  Node *operand = import(node.operands[0]);
  return operand ? around.graph.timeSum(operand) : nullptr;
}

/// A model inside of the model inside.
Node *ModelRun::importLoop(const Node &node) {
  const InnerLoop &inner = *node.loop;
  if (node.isStandIn && !canSearch())
    return around.graph.constant(1, node.space);
  bool isReversed = feeds.front().isReverse;
  if (isPartial || (isReversed && (inner.first || inner.last)))
    return refuse("a model of its own");
  std::unique_ptr<ModelRun> &run = whole->nested[&inner];
  if (!run) {
    run.reset(new ModelRun(*this, whole->name + "." + inner.name));
    run->loop = &around.model.innerLoops.emplace_back();
    run->loop->name = run->name;
    run->loop->isReverse = inner.isReverse != isReversed;
    run->loop->first = inner.first;
    run->loop->last = inner.last;
    run->loop->range = range;
    if (!run->startStates(inner.states))
      return nullptr;
  }
  if (node.op == Op::LoopFinal)
    return run->getFinal(node.member);
  return run->keepOutput(inner.outputs[node.member], node.moment);
}

Node *ModelRun::refuse(const llvm::Twine &what) {
  around
      .error("not-yet", range,
             "`" + StringRef(instance.name) + "` needs " + what +
                 ", which is not supported yet for a model that is run so")
      .hint("run it over the whole sequence, forwards");
  return nullptr;
}
