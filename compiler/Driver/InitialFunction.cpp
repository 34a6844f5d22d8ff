//===- InitialFunction.cpp - Starts as a function of their numbers --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/InitialFunction.h"

#include "dialects/Loco/IR/LocoOps.h"

using namespace mlir;
using namespace loco;

/// The type with numbers of f64 in place of f32.
static Type widen(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getElementType().isF32())
    return type;
  return tensor.clone(Float64Type::get(type.getContext()));
}

static Attribute widen(Attribute attribute) {
  auto elements = dyn_cast<DenseElementsAttr>(attribute);
  if (!elements || !elements.getElementType().isF32())
    return attribute;
  auto toDouble = [](const APFloat &value) {
    APFloat wide = value;
    bool isInexact;
    wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                 &isInexact);
    return wide.bitcastToAPInt();
  };
  return cast<DenseFPElementsAttr>(elements).mapValues(
      Float64Type::get(attribute.getContext()), toDouble);
}

/// Lets `function` compute in f64 what it says in f32, as the interpreter does.
/// What it gives is rounded to what it was, once: millions of numbers are not
/// kept twice.
static void widenFunction(func::FuncOp function) {
  function.walk([](Operation *op) {
    for (Value result : op->getResults())
      result.setType(widen(result.getType()));
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          argument.setType(widen(argument.getType()));
    SmallVector<NamedAttribute> attributes(op->getAttrs());
    for (NamedAttribute &attribute : attributes)
      attribute.setValue(widen(attribute.getValue()));
    op->setAttrs(attributes);
  });
  Operation *giving = function.getBody().front().getTerminator();
  OpBuilder builder(giving);
  for (auto [operand, type] :
       llvm::zip_equal(giving->getOpOperands(), function.getResultTypes()))
    if (operand.get().getType() != type)
      operand.set(arith::TruncFOp::create(builder, giving->getLoc(), type,
                                          operand.get()));
}

/// Makes arguments of the constants of `function`, and returns their values.
/// One that is the same number everywhere becomes that number. They are no
/// parameters: what those are spread over is made before any sample and kept,
/// here a tensor as large as each of the model's, which is one sample's anyway.
static std::vector<std::vector<double>> liftNumbers(func::FuncOp function) {
  std::vector<std::vector<double>> numbers;
  for (auto constant : llvm::make_early_inc_range(
           function.getBody().front().getOps<arith::ConstantOp>())) {
    auto elements = dyn_cast<DenseFPElementsAttr>(constant.getValue());
    if (!elements)
      continue;
    auto type = cast<RankedTensorType>(constant.getType());
    bool isOne = elements.isSplat();
    auto argumentType =
        isOne ? RankedTensorType::get({}, type.getElementType()) : type;
    unsigned position = function.getNumArguments();
    // Cannot fail: nothing calls the function.
    LogicalResult inserted = function.insertArgument(
        position, argumentType, /*argAttrs=*/{}, constant.getLoc());
    assert(succeeded(inserted));
    (void)inserted;
    Value value = function.getArgument(position);
    if (isOne && type.getRank() > 0) {
      OpBuilder builder(constant);
      auto axes = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
      value =
          BroadcastOp::create(builder, constant.getLoc(), type, value, axes);
    }
    std::vector<double> &ofThis = numbers.emplace_back();
    if (isOne)
      ofThis.push_back(elements.getSplatValue<APFloat>().convertToDouble());
    else
      for (const APFloat &number : elements.getValues<APFloat>())
        ofThis.push_back(number.convertToDouble());
    constant.replaceAllUsesWith(value);
    constant.erase();
  }
  return numbers;
}

InitialFunction loco::makeInitialFunction(func::FuncOp initial) {
  InitialFunction made;
  made.module = ModuleOp::create(initial.getLoc());
  made.function = cast<func::FuncOp>(initial->clone());
  made.module->push_back(made.function);
  widenFunction(made.function);
  made.numbers = liftNumbers(made.function);
  return made;
}
