//===- ModelRunValues.cpp - Values of models inside, copied ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model inside is built alone; what is asked of a run through it becomes
// values of the model around.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelInstance.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

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
