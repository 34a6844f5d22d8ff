//===- InitialRecipes.cpp - Starts that need no code ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/InitialRecipes.h"

#include "compiler/Driver/Signature.h"
#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace loco;
using Kind = RecipeStep::Kind;

namespace {
/// Lists the operations that one result is made of.
class RecipeReader {
public:
  explicit RecipeReader(TensorRecipe &recipe) : recipe(recipe) {}
  /// False if `value` is made in another way than recipes know.
  bool read(Value value);

private:
  bool readConstant(arith::ConstantOp op);
  bool readDraw(RandomOp op);
  bool readArithmetic(Operation *op, Kind kind);

  TensorRecipe &recipe;
  DenseMap<Value, uint32_t> known;
};
} // namespace

bool RecipeReader::readConstant(arith::ConstantOp op) {
  auto elements = dyn_cast<DenseFPElementsAttr>(op.getValue());
  if (!elements)
    return false;
  RecipeStep &step = recipe.steps.emplace_back();
  auto add = [&](const APFloat &number) {
    step.numbers.push_back(number.convertToDouble());
  };
  if (elements.isSplat())
    add(elements.getSplatValue<APFloat>());
  else
    llvm::for_each(elements.getValues<APFloat>(), add);
  return true;
}

bool RecipeReader::readDraw(RandomOp op) {
  APInt drawStep;
  if (!matchPattern(op.getStep(), m_ConstantInt(&drawStep)))
    return false;
  RecipeStep &step = recipe.steps.emplace_back();
  step.kind = op.getDistribution() == Distribution::Normal ? Kind::Normal
                                                           : Kind::Uniform;
  step.stream = op.getStream();
  step.drawStep = static_cast<uint32_t>(drawStep.getZExtValue());
  return true;
}

bool RecipeReader::readArithmetic(Operation *op, Kind kind) {
  SmallVector<uint32_t> operands;
  for (Value operand : op->getOperands()) {
    // All sites alike: nothing is spread or brought to another shape.
    if (operand.getType() != op->getResult(0).getType() || !read(operand))
      return false;
    operands.push_back(known.lookup(operand));
  }
  RecipeStep &step = recipe.steps.emplace_back();
  step.kind = kind;
  step.left = operands.front();
  step.right = operands.back();
  return true;
}

bool RecipeReader::read(Value value) {
  if (known.contains(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  auto isRead =
      TypeSwitch<Operation *, bool>(op)
          .Case([&](arith::ConstantOp op) { return readConstant(op); })
          .Case([&](RandomOp op) { return readDraw(op); })
          .Case([&](arith::AddFOp op) { return readArithmetic(op, Kind::Add); })
          .Case([&](arith::SubFOp op) {
            return readArithmetic(op, Kind::Subtract);
          })
          .Case([&](arith::MulFOp op) {
            return readArithmetic(op, Kind::Multiply);
          })
          .Case([&](arith::DivFOp op) {
            return readArithmetic(op, Kind::Divide);
          })
          .Case([&](arith::NegFOp op) {
            return readArithmetic(op, Kind::Negate);
          })
          .Case([&](math::ExpOp op) { return readArithmetic(op, Kind::Exp); })
          .Case([&](math::LogOp op) { return readArithmetic(op, Kind::Log); })
          .Case([&](math::SqrtOp op) { return readArithmetic(op, Kind::Sqrt); })
          .Default([](Operation *) { return false; });
  if (isRead)
    known[value] = static_cast<uint32_t>(recipe.steps.size() - 1);
  return isRead;
}

std::optional<std::vector<TensorRecipe>>
loco::readRecipes(func::FuncOp initial) {
  std::vector<TensorRecipe> recipes;
  Operation *giving = initial.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(giving->getOperands())) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    auto name = initial.getResultAttrOfType<StringAttr>(i, "loco.name");
    if (!type || !type.hasStaticShape() || !name ||
        !(type.getElementType().isF32() || type.getElementType().isF64()))
      return std::nullopt;
    TensorRecipe &recipe = recipes.emplace_back();
    recipe.name = name.str();
    recipe.type =
        type.getElementType().isF64() ? ElementType::F64 : ElementType::F32;
    recipe.shape.assign(type.getShape().begin(), type.getShape().end());
    if (!RecipeReader(recipe).read(value))
      return std::nullopt;
  }
  return recipes;
}
