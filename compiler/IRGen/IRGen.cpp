//===- IRGen.cpp - From checked models to the loco dialect ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/IRGen/IRGen.h"
#include "compiler/IRGen/InnerLoops.h"
#include "compiler/IRGen/TimeLoop.h"
#include "dialects/Loco/IR/LocoOps.h"

using namespace mlir;
using namespace loco;
using namespace loco::irgen;
using sema::Moment;
using sema::Node;
using NodeOp = sema::Op;

namespace {
/// One argument or result of a function.
struct Slot {
  Type type;
  DictionaryAttr attributes;
  Location loc;
};

/// Emits the functions of one model.
class ModelEmitter {
public:
  ModelEmitter(const irgen::Context &context, OpBuilder &builder)
      : context(context), model(context.model), builder(builder) {}

  void emitWhole();
  void emitInitial();
  void emitValues();
  void emitStart();
  void emitStep();

private:
  void begin(StringRef suffix, ArrayRef<Slot> arguments,
             ArrayRef<Slot> results);
  void finish(ArrayRef<Value> results);

  Slot makeSlot(StringRef name, StringRef role, Type type, SourceRange range,
                bool perStep = false, int64_t classes = 0);
  Slot makeSlot(const sema::Parameter &parameter, bool stored);
  Slot makeKey();
  Slot makeIndex(StringRef role);
  void addParameters(SmallVectorImpl<Slot> &slots);
  void addInputAttributes(const sema::Input &input, Slot &slot);
  void addInputs(SmallVectorImpl<Slot> &slots, bool stacked);
  void addSolverAttributes(Slot &slot);
  Value getParameter(const sema::Parameter &parameter);
  unsigned getInputNumber(const sema::Input &input);
  Value emitRandom(const Node &node, Value key, Value step);
  Value makeIndexConstant(int64_t number);
  SmallVector<const Node *> getResultRoots();
  SmallVector<const Node *> getLoopRoots();
  SmallVector<const sema::State *> getStates(bool withHidden = true);

  const irgen::Context &context;
  const sema::Model &model;
  OpBuilder &builder;
  func::FuncOp function;
};
} // namespace

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

Slot ModelEmitter::makeSlot(StringRef name, StringRef role, Type type,
                            SourceRange range, bool perStep, int64_t classes) {
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("loco.name", builder.getStringAttr(name)),
      builder.getNamedAttr("loco.role", builder.getStringAttr(role))};
  if (perStep)
    attributes.push_back(
        builder.getNamedAttr("loco.per_step", builder.getUnitAttr()));
  if (classes)
    attributes.push_back(builder.getNamedAttr(
        "loco.classes", builder.getI64IntegerAttr(classes)));
  return {type, builder.getDictionaryAttr(attributes),
          context.getLoc(name, range)};
}

Slot ModelEmitter::makeSlot(const sema::Parameter &parameter, bool stored) {
  return makeSlot(stored ? parameter.getStoredName() : parameter.name,
                  parameter.isFrozen ? "frozen" : "param",
                  context.getType(parameter.shape), parameter.range);
}

Slot ModelEmitter::makeKey() {
  DictionaryAttr role = builder.getDictionaryAttr(
      builder.getNamedAttr("loco.role", builder.getStringAttr("random_key")));
  return {RandomKeyType::get(builder.getContext()), role,
          context.getLoc(model.range)};
}

Slot ModelEmitter::makeIndex(StringRef role) {
  DictionaryAttr attributes = builder.getDictionaryAttr(
      builder.getNamedAttr("loco.role", builder.getStringAttr(role)));
  return {builder.getIndexType(), attributes, context.getLoc(model.range)};
}

void ModelEmitter::addParameters(SmallVectorImpl<Slot> &slots) {
  for (const sema::Parameter *parameter : model.parameterOrder)
    slots.push_back(makeSlot(*parameter, /*stored=*/true));
}

/// What tells an input that counts steps, or that data do not give.
void ModelEmitter::addInputAttributes(const sema::Input &input, Slot &slot) {
  NamedAttrList attributes(slot.attributes);
  if (input.kind != sema::Input::Kind::Value)
    attributes.set("loco.counts",
                   builder.getStringAttr(input.kind == sema::Input::Kind::Mask
                                             ? "mask"
                                             : "steps"));
  if (input.preset)
    attributes.set("loco.preset", builder.getF64FloatAttr(*input.preset));
  slot.attributes = attributes.getDictionary(builder.getContext());
}

void ModelEmitter::addInputs(SmallVectorImpl<Slot> &slots, bool stacked) {
  for (const sema::Input &input : model.inputs) {
    Type type = context.getType(input);
    bool perStep = stacked && input.perStep;
    if (perStep)
      type = getStackedType(type);
    Slot slot = makeSlot(input.name, "input", type, input.range, perStep,
                         input.getNumClasses());
    addInputAttributes(input, slot);
    slots.push_back(slot);
  }
}

/// What a run says of a state that the solver gave up.
void ModelEmitter::addSolverAttributes(Slot &slot) {
  const sema::Solver &solver = model.solver;
  NamedAttrList attributes(slot.attributes);
  std::string text =
      ("`" + solver.method + "` did not get to the end of a step of `" +
       solver.stepSize + "` in " + Twine(solver.most) + " attempts")
          .str();
  attributes.set("loco.solver", builder.getStringAttr(text));
  if (solver.interval > 0)
    attributes.set("loco.interval", builder.getF64FloatAttr(solver.interval));
  slot.attributes = attributes.getDictionary(builder.getContext());
}

void ModelEmitter::begin(StringRef suffix, ArrayRef<Slot> arguments,
                         ArrayRef<Slot> results) {
  SmallVector<Type> inputs, outputs;
  SmallVector<Attribute> argumentAttributes, resultAttributes;
  SmallVector<Location> locations;
  for (const Slot &slot : arguments) {
    inputs.push_back(slot.type);
    argumentAttributes.push_back(slot.attributes);
    locations.push_back(slot.loc);
  }
  for (const Slot &slot : results) {
    outputs.push_back(slot.type);
    resultAttributes.push_back(slot.attributes);
  }
  function = func::FuncOp::create(builder, context.getLoc(model.range),
                                  model.name + suffix.str(),
                                  builder.getFunctionType(inputs, outputs));
  function.setArgAttrsAttr(builder.getArrayAttr(argumentAttributes));
  function.setResAttrsAttr(builder.getArrayAttr(resultAttributes));
  Block *block = builder.createBlock(&function.getBody());
  block->addArguments(inputs, locations);
}

void ModelEmitter::finish(ArrayRef<Value> results) {
  func::ReturnOp::create(builder, context.getLoc(model.range), results);
  builder.setInsertionPointAfter(function);
}

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

Value ModelEmitter::getParameter(const sema::Parameter &parameter) {
  return function.getArgument(llvm::find(model.parameterOrder, &parameter) -
                              model.parameterOrder.begin());
}

unsigned ModelEmitter::getInputNumber(const sema::Input &input) {
  unsigned number = 0;
  while (&model.inputs[number] != &input)
    ++number;
  return number;
}

/// Those that the program declares, then those that Sema added.
SmallVector<const sema::State *> ModelEmitter::getStates(bool withHidden) {
  SmallVector<const sema::State *> states;
  for (const sema::State &state : model.states)
    states.push_back(&state);
  if (withHidden)
    for (const sema::State &state : model.hiddenStates)
      states.push_back(&state);
  return states;
}

Value ModelEmitter::makeIndexConstant(int64_t number) {
  return arith::ConstantIndexOp::create(builder, context.getLoc(model.range),
                                        number);
}

Value ModelEmitter::emitRandom(const Node &node, Value key, Value step) {
  return RandomOp::create(
      builder, context.getLoc(node.range), context.getType(node),
      node.isNormal ? Distribution::Normal : Distribution::Uniform, key, step,
      node.stream);
}

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
    for (const sema::Result &result : model.results)
      if (result.role == role)
        addResult(result.name, name, context.getType(*result.value),
                  result.value->perStep, result.range);
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
      addSolverAttributes(slot);
  addResults(sema::ResultRole::Probe, "probe");
  addResults(sema::ResultRole::Carry, "carry");
  begin("", arguments, results);

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
    return LoopSurroundings{
        *outside, steps, key, getInput, [&](const Node &node) {
          return innerLoops.getOutput(node, getSurroundings());
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
    Value count =
        FromIndexOp::create(builder, loc, context.getType(*model.loss),
                            model.lossSkipsLastStep ? getLastStep() : steps);
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
