//===- IRGen.cpp - From checked models to the loco dialect ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/IRGen/IRGen.h"
#include "compiler/IRGen/InnerLoops.h"
#include "compiler/IRGen/ModelEmitter.h"
#include "compiler/IRGen/TimeLoop.h"
#include "dialects/Loco/IR/LocoOps.h"

using namespace mlir;
using namespace loco;
using namespace loco::irgen;
using sema::Moment;
using sema::Node;
using NodeOp = sema::Op;

//===----------------------------------------------------------------------===//
// @M
//===----------------------------------------------------------------------===//

/// Everything that @M computes besides the states.
SmallVector<const Node *> ModelEmitter::getResultRoots() {
  SmallVector<const Node *> roots;
  if (model.loss)
    roots.push_back(model.loss);
  for (const sema::Result &result : model.results)
    roots.push_back(result.value);
  return roots;
}

/// What is computed at each step of the time loop.
SmallVector<const Node *> ModelEmitter::getLoopRoots() {
  SmallVector<const Node *> roots;
  for (const sema::State *state : getStates())
    roots.push_back(state->next);
  for (const Node *node :
       sema::collectNodes(model.graph, getResultRoots(),
                          [](const Node *n) { return n->perStep; })) {
    if (node->perStep)
      roots.push_back(node);
    else if (node->op == NodeOp::TimeSum && node->afterLoop)
      roots.push_back(node->operands[0]);
  }
  return roots;
}

/// The names of all states, hidden ones included.
ArrayAttr ModelEmitter::getStateNames() {
  SmallVector<Attribute> names;
  for (const sema::State *state : getStates())
    names.push_back(builder.getStringAttr(state->name));
  return builder.getArrayAttr(names);
}

void ModelEmitter::emitWhole() {
  SmallVector<Slot> arguments, results;
  addParameters(arguments);
  unsigned firstInput = arguments.size();
  addInputs(arguments, /*stacked=*/true);
  arguments.push_back(makeKey());
  if (model.hasSteps())
    arguments.push_back(makeIndex("steps"));

  auto addResult = [&](StringRef name, StringRef role, RankedTensorType type,
                       bool perStep, SourceRange range) {
    Type resultType = perStep ? getStackedType(type) : type;
    results.push_back(makeSlot(name, role, resultType, range, perStep));
  };
  auto addResults = [&](sema::ResultRole role, StringRef name) {
    for (const sema::Result &result : model.results) {
      if (result.role != role)
        continue;
      addResult(result.name, name, context.getType(*result.value),
                result.value->perStep, result.range);
      if (result.solver)
        addSolverAttributes(*result.solver, results.back());
    }
  };
  if (model.loss)
    addResult("loss", "loss", context.getType(*model.loss), false,
              model.loss->range);
  addResults(sema::ResultRole::Output, "output");
  for (const sema::State *state : getStates(/*withHidden=*/false))
    addResult(state->name, "state", context.getType(state->space->getShape()),
              true, state->range);
  if (model.solver.isAdaptive)
    for (Slot &slot : llvm::drop_begin(
             results, results.size() - getStates(/*withHidden=*/false).size()))
      addSolverAttributes(model.solver, slot);
  addResults(sema::ResultRole::Probe, "probe");
  addResults(sema::ResultRole::Carry, "carry");
  begin("", arguments, results);
  if (model.hasTangents)
    function->setAttr("loco.tangents", getStateNames());

  Location loc = context.getLoc(model.range);
  Value steps = model.hasSteps() ? function.getArguments().back() : Value();
  Value key = function.getArgument(function.getNumArguments() -
                                   (model.hasSteps() ? 2 : 1));
  auto getInput = [&](const sema::Input &input) -> Value {
    return function.getArgument(firstInput + getInputNumber(input));
  };
  auto getLastStep = [&]() -> Value {
    return arith::SubIOp::create(builder, loc, steps, makeIndexConstant(1));
  };
  auto at = [&](Value stacked, bool isLast, Location place) -> Value {
    return AtOp::create(builder, place, getStepType(stacked.getType()), stacked,
                        isLast ? getLastStep() : makeIndexConstant(0));
  };

  TimeLoop loop;
  InnerLoops innerLoops(context, builder);
  Emitter *outside = nullptr;
  std::function<LoopSurroundings()> getSurroundings = [&] {
    return LoopSurroundings{*outside,
                            steps,
                            key,
                            getInput,
                            [&](const Node &node) {
                              return innerLoops.getOutput(node,
                                                          getSurroundings());
                            },
                            innerLoops.getShared()};
  };
  Emitter emitter(context, builder, [&](const Node &node) -> Value {
    Location place = context.getLoc(node.range);
    bool isLast = node.moment == Moment::Last;
    switch (node.op) {
    case NodeOp::Parameter:
      return getParameter(*node.parameter);
    case NodeOp::Input:
      return node.moment == Moment::Sample
                 ? getInput(*node.input)
                 : at(getInput(*node.input), isLast, place);
    case NodeOp::Random:
      return emitRandom(node, key,
                        isLast ? getLastStep() : makeIndexConstant(0));
    case NodeOp::LoopFinal:
      return innerLoops.getFinal(node, getSurroundings());
    case NodeOp::LoopOutput:
      return at(innerLoops.getOutput(node, getSurroundings()), isLast, place);
    case NodeOp::StepCount:
      return FromIndexOp::create(builder, place, context.getType(node), steps);
    case NodeOp::StateAfter: {
      unsigned number =
          llvm::find(loop.carries, node.state) - loop.carries.begin();
      return isLast ? loop.finals[number]
                    : at(loop.stacked[number], false, place);
    }
    case NodeOp::TimeSum: {
      auto *found = llvm::find(loop.sums, node.operands[0]);
      if (found != loop.sums.end() && !loop.totals.empty())
        return loop.totals[found - loop.sums.begin()];
      // No state enters: a loop of its own, before the other one.
      TimeLoop own;
      own.sums = {node.operands[0]};
      own.emit(context, builder, getSurroundings());
      return own.totals.front();
    }
    default:
      llvm_unreachable("is not a source of a function");
    }
  });
  outside = &emitter;
  innerLoops.share(getLoopRoots(), getSurroundings());

  // The loop: states, values of each step, sums.
  for (const sema::State *state : getStates()) {
    loop.carries.push_back(state);
    loop.initials.push_back(emitter.emit(state->initial));
    loop.stacks.push_back(state->next);
  }
  for (const sema::Result &result : model.results)
    if (result.value->perStep)
      loop.stacks.push_back(result.value);
  bool lossPerStep = model.loss && model.loss->perStep;
  if (lossPerStep) {
    loop.sums.push_back(model.loss);
    loop.skipsLast = model.lossSkipsLastStep ? model.loss : nullptr;
  }
  auto roots = getResultRoots();
  for (const Node *node : sema::collectNodes(
           model.graph, roots, [](const Node *n) { return n->perStep; }))
    if (node->op == NodeOp::TimeSum && node->afterLoop &&
        !llvm::is_contained(loop.sums, node->operands[0]))
      loop.sums.push_back(node->operands[0]);
  if (!loop.stacks.empty() || !loop.sums.empty())
    loop.emit(context, builder, getSurroundings());

  SmallVector<Value> values;
  if (lossPerStep) {
    // Of a single step none may have a loss; then it is 0.
    Value number = steps;
    if (model.lossSkipsLastStep)
      number = arith::MaxSIOp::create(builder, loc, getLastStep(),
                                      makeIndexConstant(1));
    Value count =
        FromIndexOp::create(builder, loc, context.getType(*model.loss), number);
    values.push_back(
        arith::DivFOp::create(builder, loc, loop.totals.front(), count));
  } else if (model.loss) {
    values.push_back(emitter.emit(model.loss));
  }
  // Stacks: one per state, then one per result of each step, in order.
  auto addValues = [&](sema::ResultRole role) {
    unsigned stack = loop.carries.size();
    for (const sema::Result &result : model.results) {
      Value value = result.value->perStep ? loop.stacked[stack++] : Value();
      if (result.role == role)
        values.push_back(value ? value : emitter.emit(result.value));
    }
  };
  addValues(sema::ResultRole::Output);
  values.append(loop.stacked.begin(),
                loop.stacked.begin() + model.states.size());
  addValues(sema::ResultRole::Probe);
  addValues(sema::ResultRole::Carry);
  finish(values);
}

OwningOpRef<ModuleOp> loco::emitModule(const sema::Model &model,
                                       MLIRContext &context,
                                       const IRGenOptions &options) {
  context.loadDialect<LocoDialect, arith::ArithDialect, func::FuncDialect,
                      math::MathDialect>();
  FloatType element = options.elementType == IRGenOptions::ElementType::F32
                          ? FloatType(Float32Type::get(&context))
                          : FloatType(Float64Type::get(&context));
  irgen::Context shared{model, options, element};
  OwningOpRef<ModuleOp> module = ModuleOp::create(shared.getLoc(model.range));
  OpBuilder builder(&context);
  builder.setInsertionPointToEnd(module->getBody());
  ModelEmitter emitter(shared, builder);
  emitter.emitWhole();
  emitter.emitInitial();
  emitter.emitValues();
  emitter.emitStart();
  emitter.emitStep();
  return module;
}
