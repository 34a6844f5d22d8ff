//===- Signatures.cpp - What the functions of a model take and give -------===//
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
using sema::Node;

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
void ModelEmitter::addSolverAttributes(const sema::Solver &solver,
                                       Slot &slot) {
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
