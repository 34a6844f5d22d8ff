//===- StepFunctions.cpp - Starts, values and single steps of a model -----===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/IRGen/ModelEmitter.h"
#include "dialects/Loco/IR/LocoOps.h"

using namespace mlir;
using namespace loco;
using namespace loco::irgen;
using sema::Moment;
using sema::Node;
using NodeOp = sema::Op;

//===----------------------------------------------------------------------===//
// @M.initial, @M.values
//===----------------------------------------------------------------------===//

void ModelEmitter::emitInitial() {
  SmallVector<Slot> results;
  addParameters(results);
  begin(".initial", makeKey(), results);
  Value key = function.getArgument(0);
  Emitter emitter(context, builder, [&](const Node &node) {
    assert(node.op == NodeOp::Random && "a start depends on nothing");
    return emitRandom(node, key, makeIndexConstant(0));
  });
  SmallVector<Value> values;
  for (const sema::Parameter *parameter : model.parameterOrder)
    values.push_back(emitter.emit(parameter->initial));
  finish(values);
}

void ModelEmitter::emitValues() {
  SmallVector<Slot> arguments, results;
  addParameters(arguments);
  SmallVector<const sema::Parameter *> transformed;
  for (const sema::Parameter *parameter : model.parameterOrder)
    if (parameter->transform != sema::Transform::None) {
      transformed.push_back(parameter);
      results.push_back(makeSlot(*parameter, /*stored=*/false));
    }
  begin(".values", arguments, results);
  Emitter emitter(context, builder, [&](const Node &node) {
    return getParameter(*node.parameter);
  });
  SmallVector<Value> values;
  for (const sema::Parameter *parameter : transformed)
    values.push_back(emitter.emit(parameter->value));
  finish(values);
}

//===----------------------------------------------------------------------===//
// @M.start, @M.step
//===----------------------------------------------------------------------===//

void ModelEmitter::emitStart() {
  for (const sema::State *state : getStates())
    if (state->initial->usesSequence)
      return; // Needs more than the first step.
  if (getStates().empty())
    return;
  SmallVector<Slot> arguments, results;
  addParameters(arguments);
  unsigned firstInput = arguments.size();
  addInputs(arguments, /*stacked=*/false);
  arguments.push_back(makeKey());
  for (const sema::State *state : getStates())
    results.push_back(makeSlot(state->name, "state",
                               context.getType(state->space->getShape()),
                               state->range));
  begin(".start", arguments, results);
  Emitter emitter(context, builder, [&](const Node &node) -> Value {
    if (node.op == NodeOp::Parameter)
      return getParameter(*node.parameter);
    if (node.op == NodeOp::Input)
      return function.getArgument(firstInput + getInputNumber(*node.input));
    if (node.op == NodeOp::LoopFinal) // Of the only step there is.
      return function.getArgument(firstInput +
                                  getInputNumber(*node.loop->standsFor));
    return emitRandom(node, function.getArguments().back(),
                      makeIndexConstant(0));
  });
  SmallVector<Value> values;
  for (const sema::State *state : getStates())
    values.push_back(emitter.emit(state->initial));
  finish(values);
}

void ModelEmitter::emitStep() {
  for (const sema::State *state : getStates())
    if (state->next->usesSequence)
      return; // Needs more than the step at hand.
  if (!model.hasSteps())
    return;
  SmallVector<Slot> arguments, results;
  addParameters(arguments);
  unsigned firstState = arguments.size();
  for (const sema::State *state : getStates())
    arguments.push_back(makeSlot(state->name, "state",
                                 context.getType(state->space->getShape()),
                                 state->range));
  results.append(arguments.begin() + firstState, arguments.end());
  unsigned firstInput = arguments.size();
  addInputs(arguments, /*stacked=*/false);
  arguments.push_back(makeKey());
  arguments.push_back(makeIndex("step"));

  SmallVector<const Node *> roots;
  for (const sema::State *state : getStates())
    roots.push_back(state->next);
  for (const sema::Result &result : model.results)
    if (result.value->perStep && !result.value->usesSequence) {
      roots.push_back(result.value);
      results.push_back(
          makeSlot(result.name,
                   result.role == sema::ResultRole::Output ? "output" : "probe",
                   context.getType(*result.value), result.range));
    }
  begin(".step", arguments, results);
  Value step = function.getArguments().back();
  Value key = function.getArgument(function.getNumArguments() - 2);
  Emitter emitter(context, builder, [&](const Node &node) -> Value {
    switch (node.op) {
    case NodeOp::Parameter:
      return getParameter(*node.parameter);
    case NodeOp::OldState: {
      auto states = getStates();
      return function.getArgument(
          firstState + (llvm::find(states, node.state) - states.begin()));
    }
    case NodeOp::Input:
      return function.getArgument(firstInput + getInputNumber(*node.input));
    case NodeOp::LoopFinal: // Stands in for the step at hand.
      return function.getArgument(firstInput +
                                  getInputNumber(*node.loop->standsFor));
    case NodeOp::StepIndex:
      return FromIndexOp::create(builder, context.getLoc(node.range),
                                 context.getType(node), step);
    default:
      return emitRandom(node, key,
                        node.moment == Moment::Current ? step
                                                       : makeIndexConstant(0));
    }
  });
  SmallVector<Value> values;
  for (const Node *root : roots)
    values.push_back(emitter.emit(root));
  finish(values);
}
