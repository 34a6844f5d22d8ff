//===- RandomForms.cpp - Couplings of random programs ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/Unit/ProgramBuilder.h"

using namespace mlir;
using namespace loco;
using namespace loco::test;

//===----------------------------------------------------------------------===//
// Contraction
//===----------------------------------------------------------------------===//

namespace {
/// One axis of a contraction.
struct Letter {
  char name;
  int64_t extent;
  /// Length of the time axis, or -1.
  int64_t length = -1;
};
} // namespace

/// The letters in another order, time first.
static SmallVector<Letter> shuffle(SmallVector<Letter> letters, Dice &dice) {
  for (size_t i = 0; i + 1 < letters.size(); ++i)
    std::swap(letters[i], letters[dice.number(i, letters.size() - 1)]);
  auto isTime = [](const Letter &letter) { return letter.length >= 0; };
  if (auto time = llvm::find_if(letters, isTime); time != letters.end())
    std::iter_swap(letters.begin(), time);
  return letters;
}

static std::string getNames(ArrayRef<Letter> letters) {
  std::string names;
  for (const Letter &letter : letters)
    names.push_back(letter.name);
  return names;
}

static SmallVector<int64_t> getShape(ArrayRef<Letter> letters) {
  return llvm::to_vector(llvm::map_range(
      letters, [](const Letter &letter) { return letter.extent; }));
}

static SmallVector<int64_t, 2> getLengths(ArrayRef<Letter> letters) {
  SmallVector<int64_t, 2> lengths;
  for (const Letter &letter : letters)
    if (letter.length >= 0)
      lengths.push_back(letter.length);
  return lengths;
}

bool ProgramBuilder::addContract() {
  Item *item = pickField([](const Item &item) {
    return item.lengths.size() <= 1 && item.bound <= 20 &&
           item.getType().getRank() <= 6;
  });
  if (!item)
    return false;
  SmallVector<Letter> lhs, rhs, result;
  double terms = 1;
  for (auto [axis, extent] : llvm::enumerate(item->getType().getShape()))
    lhs.push_back({"tijklm"[axis], extent,
                   axis < item->lengths.size() ? item->lengths[axis] : -1});
  // Letters of the first operand: its own, shared and kept, or summed over.
  for (const Letter &letter : lhs) {
    bool shared = dice.chance(0.6), kept = !shared || dice.chance(0.4);
    if (shared)
      rhs.push_back(letter);
    if (kept)
      result.push_back(letter);
    else
      terms *= letter.length >= 0 ? maxSteps : letter.extent;
  }
  for (char name : {'a', 'b'})
    if (dice.chance(0.5)) {
      rhs.push_back({name, dice.pick(ArrayRef<int64_t>({1, 3, 5}))});
      result.push_back(rhs.back());
    }
  rhs = shuffle(rhs, dice);
  result = shuffle(result, dice);
  int64_t size = 1;
  for (const Letter &letter : result)
    size *= letter.length >= 0 ? 1 : letter.extent;
  if (rhs.size() > 4 || result.size() > 4 || size > maxElements)
    return false;

  Item x = use(item);
  Item y = makeField(getType(getShape(rhs)), getLengths(rhs));
  std::string xNames = getNames(lhs), yNames = getNames(rhs);
  double bound = x.bound * y.bound * terms;
  if (dice.chance(0.5)) {
    std::swap(x, y);
    std::swap(xNames, yNames);
  }
  Value value = ContractOp::create(
      builder, getType(getShape(result)),
      xNames + "," + yNames + "->" + getNames(result), x.value, y.value);
  addResult(value, bound, getLengths(result), x.constant && y.constant);
  return true;
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

namespace {
/// Shapes and attributes of a convolution of a given field.
struct Convolution {
  SmallVector<int64_t> kernel, output, strides, low;
  int64_t groups = 1;
  /// Products that add up to an element of output, field and kernel.
  double outputTerms = 1, fieldTerms = 1, kernelTerms = 1;
};
} // namespace

/// One axis of the window, with a number of outputs that fits.
static void addAxis(Convolution &conv, int64_t sites, Boundary boundary,
                    Dice &dice) {
  int64_t window = dice.number(1, 4), low = dice.number(0, window - 1);
  int64_t stride = dice.chance(0.6) ? 1 : dice.number(2, 3), outputs;
  if (boundary == Boundary::Wrap) {
    if (sites % stride)
      stride = 1;
    outputs = sites / stride;
  } else {
    int64_t most = (sites - 1 + low) / stride + 1;
    outputs = dice.chance(0.5) ? most : dice.number(1, most);
  }
  conv.kernel.push_back(window);
  conv.output.push_back(outputs);
  conv.strides.push_back(stride);
  conv.low.push_back(low);
  conv.outputTerms *= window;
  // Around a small field, several places of the window meet at one site.
  conv.fieldTerms *= window * (sites / stride + 2);
  conv.kernelTerms *= outputs;
}

static Convolution makeConvolution(ArrayRef<int64_t> field, bool channels,
                                   Boundary boundary, Dice &dice) {
  Convolution conv;
  if (channels) {
    int64_t in = field.front();
    for (int64_t groups : {2, 3, 5})
      if (in % groups == 0 && dice.chance(0.5))
        conv.groups = groups;
    int64_t out = conv.groups * dice.number(1, 2);
    conv.kernel = {out, in / conv.groups};
    conv.output = {out};
    conv.outputTerms = in;
    conv.fieldTerms = out;
    field = field.drop_front();
  }
  for (int64_t sites : field)
    addAxis(conv, sites, boundary, dice);
  return conv;
}

/// One of the three ops of the family.
bool ProgramBuilder::addConv() {
  int64_t kind = dice.number(0, 2);
  static constexpr StringRef names[] = {"loco.conv", "loco.conv_transpose",
                                        "loco.conv_outer"};
  Item *item = pickStatic(1);
  if (!item || item->getType().getRank() > 3 || !program.allows(names[kind]))
    return false;
  RankedTensorType fieldType = item->getType();
  int64_t rank = fieldType.getRank();
  bool channels = rank == 3 || (rank == 2 && dice.chance(0.5));
  auto boundary = dice.chance(0.5) ? Boundary::Wrap : Boundary::Zero;
  Convolution conv =
      makeConvolution(fieldType.getShape(), channels, boundary, dice);
  RankedTensorType kernelType = getType(conv.kernel),
                   outputType = getType(conv.output);

  auto emit = [&]<typename OpTy>(OpTy, RankedTensorType type, Item lhs,
                                 Item rhs, double terms) {
    Value value = OpTy::create(builder, type, lhs.value, rhs.value, boundary,
                               conv.strides, conv.low, conv.groups);
    addLike(value, lhs.bound * rhs.bound * terms, {lhs, rhs});
  };
  if (kind == 0)
    emit(ConvOp(), outputType, makeField(kernelType), use(item),
         conv.outputTerms);
  else if (kind == 1)
    emit(ConvTransposeOp(), fieldType, makeField(kernelType),
         makeField(outputType), conv.fieldTerms);
  else
    emit(ConvOuterOp(), kernelType, makeField(outputType), use(item),
         conv.kernelTerms);
  return true;
}

//===----------------------------------------------------------------------===//
// Stencil
//===----------------------------------------------------------------------===//

bool ProgramBuilder::addStencil() {
  Item *item = pickStatic(1);
  if (!item || item->getType().getRank() > 2)
    return false;
  RankedTensorType type = item->getType();
  SmallVector<Item> operands = {use(item)};
  for (int64_t i = dice.number(0, 2); i > 0; --i)
    operands.push_back(makeField(type));
  int64_t numCentres = dice.number(0, operands.size());
  SmallVector<int64_t> offsets;
  int64_t numOffsets = dice.number(1, 4);
  for (int64_t i = 0; i < numOffsets * type.getRank(); ++i)
    offsets.push_back(dice.number(-2, 2));

  Block *block = new Block;
  ProgramBuilder body(program, block, builder.getLoc(), 0,
                      /*elementwiseOnly=*/true);
  body.insideGradient = insideGradient;
  SmallVector<Value> values;
  for (const Item &operand : operands) {
    values.push_back(operand.value);
    body.addItem(
        {block->addArgument(type, builder.getLoc()), operand.bound, {}});
  }
  body.addOps(dice.number(2, 4));
  SmallVector<Item> results;
  while (Item *unused = body.getUnused())
    results.push_back(body.use(unused));
  if (results.empty())
    results.push_back(body.makeField(type));
  SmallVector<Value> yields;
  for (const Item &result : results)
    yields.push_back(result.value);
  YieldOp::create(body.builder, ValueRange(), yields, ValueRange());

  auto stencil =
      StencilOp::create(builder, SmallVector<Type>(results.size(), type),
                        ArrayRef(values).take_front(numCentres),
                        ArrayRef(values).drop_front(numCentres), offsets,
                        dice.chance(0.5) ? Boundary::Wrap : Boundary::Zero);
  stencil.getBody().push_back(block);
  for (auto [field, result] : llvm::zip(stencil.getFields(), results))
    addResult(field, result.bound * numOffsets, {});
  return true;
}

//===----------------------------------------------------------------------===//
// Gradient
//===----------------------------------------------------------------------===//

/// The derivative of a scalar made by a few ops. Nothing is known about its
/// size, so its arc tangent is taken, which is steep far out, too. Fields are small: the interpreter moves every site.
bool ProgramBuilder::addGradient() {
  Item *item = pickStatic();
  if (insideGradient || !mainSteps || !program.allows("math.atan2") || !item ||
      item->getType().getNumElements() > 12)
    return false;
  SmallVector<Item> operands = {use(item)};
  int64_t numVariables = dice.number(1, 2);
  for (int64_t i = dice.number(numVariables, 3); i > 1; --i)
    operands.push_back(makeField(dice.chance(0.5) ? item->getType()
                                                  : getType({3})));
  SmallVector<Value> values;
  for (const Item &operand : operands)
    values.push_back(operand.value);
  values.push_back(mainSteps);

  auto gradient = GradientOp::create(
      builder, ArrayRef(values).take_front(numVariables),
      ArrayRef(values).drop_front(numVariables));
  ProgramBuilder body(program, gradient.getBlock(), builder.getLoc(), 0,
                      /*elementwiseOnly=*/false);
  body.insideGradient = true;
  for (auto [operand, argument] :
       llvm::zip(operands, gradient.getBlock()->getArguments()))
    body.addItem({argument, operand.bound, {}, 0, operand.constant});
  body.mainSteps = gradient.getBlock()->getArguments().back();
  body.addOps(dice.number(2, 5));
  YieldOp::create(body.builder, ValueRange(), ValueRange(), body.sumUnused());
  for (Value result : gradient.getGradients())
    addResult(math::Atan2Op::create(
                  builder, result,
                  makeSplat(cast<RankedTensorType>(result.getType()), 1)),
              1.6, {});
  return true;
}
