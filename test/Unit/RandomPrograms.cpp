//===- RandomPrograms.cpp - Random programs of the whole op set -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/Unit/RandomPrograms.h"

#include "test/Unit/ProgramBuilder.h"

#include "mlir/IR/Verifier.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace loco;
using namespace loco::test;

/// Extents of axes: one, primes around the widths of vectors, two even ones for
/// strides.
static constexpr int64_t extents[] = {1, 3, 4, 5, 6, 7, 17, 33};

ProgramBuilder::ProgramBuilder(Program &program, Block *block, Location loc,
                               unsigned depth, bool elementwiseOnly)
    : builder(loc, loc->getContext()), program(program), dice(program.dice),
      depth(depth), elementwiseOnly(elementwiseOnly) {
  builder.setInsertionPointToEnd(block);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

RankedTensorType ProgramBuilder::getType(ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, program.element);
}

RankedTensorType ProgramBuilder::makeType(int64_t maxRank) {
  SmallVector<int64_t> shape;
  int64_t size = 1;
  for (int64_t rank = dice.number(0, maxRank); rank > 0; --rank) {
    int64_t extent = dice.pick(ArrayRef(extents));
    // Higher ranks take small extents only.
    while (size * extent > (rank > 1 ? 60 : maxElements))
      extent = dice.pick(ArrayRef(extents).take_front(4));
    shape.push_back(extent);
    size *= extent;
  }
  return getType(shape);
}

/// One that fits, of several the one with the fewest uses; null if none does.
Item *ProgramBuilder::pick(function_ref<bool(const Item &)> fits) {
  SmallVector<Item *> fitting;
  for (Item &item : items)
    if (fits(item))
      fitting.push_back(&item);
  Item *best = nullptr;
  for (int attempt = 0; attempt < 3 && !fitting.empty(); ++attempt) {
    Item *item = dice.pick(fitting);
    if (!best || item->uses < best->uses)
      best = item;
  }
  return best;
}

Item *ProgramBuilder::pickField(function_ref<bool(const Item &)> fits) {
  return pick([&](const Item &item) {
    return item.isField() && (!fits || fits(item));
  });
}

Item *ProgramBuilder::pickStatic(int64_t minRank) {
  return pickField([&](const Item &item) {
    return !item.isStacked() && item.getType().getRank() >= minRank;
  });
}

Item ProgramBuilder::use(Item *item) {
  ++item->uses;
  return *item;
}

Item *ProgramBuilder::getUnused() {
  return pickField([](const Item &item) { return item.uses == 0; });
}

/// Puts a result among the values; a large one is scaled down first.
void ProgramBuilder::addResult(Value value, double bound,
                               ArrayRef<int64_t> lengths, bool constant) {
  Item item{value, bound, SmallVector<int64_t, 2>(lengths), 0, constant};
  if (item.isField() && !item.isStacked())
    item = scale(item, maxBound);
  addItem(item);
}

void ProgramBuilder::addLike(Value value, double bound,
                             std::initializer_list<Item> operands) {
  bool constant = llvm::all_of(
      operands, [](const Item &operand) { return operand.constant; });
  addResult(value, bound, operands.begin()->lengths, constant);
}

/// A static field scaled to the bound, or squashed by a tanh.
Item ProgramBuilder::scale(Item item, double bound) {
  if (item.bound <= bound)
    return item;
  bool squash = bound >= 1 && program.allows("math.tanh") && dice.chance(0.5);
  double factor =
      squash ? 1 / std::sqrt(item.bound) : bound / (item.bound * 1.0001);
  item.value = arith::MulFOp::create(builder, item.value,
                                     makeSplat(item.getType(), factor));
  if (squash)
    item.value = math::TanhOp::create(builder, item.value);
  item.bound = squash ? 1 : bound;
  return item;
}

Value ProgramBuilder::makeSplat(RankedTensorType type, double value) {
  auto element = builder.getFloatAttr(type.getElementType(), value);
  return arith::ConstantOp::create(
      builder, DenseElementsAttr::get(type, Attribute(element)));
}

/// A constant in [-2, 2], the same everywhere or not.
Item ProgramBuilder::makeConstant(RankedTensorType type) {
  if (elementwiseOnly || type.getNumElements() > 40 || dice.chance(0.4))
    return {makeSplat(type, dice.real(-2, 2)), 2, {}, 0, true};
  SmallVector<Attribute> values;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    values.push_back(
        builder.getFloatAttr(type.getElementType(), dice.real(-2, 2)));
  Value value =
      arith::ConstantOp::create(builder, DenseElementsAttr::get(type, values));
  return {value, 2, {}, 0, true};
}

/// A field that depends on no field: a constant, coordinates, draws, the step.
Item ProgramBuilder::makeSource(RankedTensorType type) {
  if (elementwiseOnly)
    return makeConstant(type);
  if (type.getRank() == 0 && step && program.allows("loco.from_index") &&
      dice.chance(0.5)) {
    Value number = FromIndexOp::create(builder, type, step);
    return scale({number, maxSteps, {}, 0, true}, 1);
  }
  if (key && program.options.randomDraws && program.allows("loco.random") &&
      dice.chance(0.3)) {
    bool normal = dice.chance(0.5);
    Value draw = RandomOp::create(
        builder, type, normal ? Distribution::Normal : Distribution::Uniform,
        key, getSomeStep(step ? stepLength : 1),
        static_cast<uint64_t>(dice.number(0, 1000)));
    return {draw, normal ? 5.8 : 1, {}, 0, true};
  }
  if (type.getRank() > 0 && program.allows("loco.coordinate") &&
      dice.chance(0.4)) {
    int64_t axis = dice.number(0, type.getRank() - 1);
    Value coordinate = CoordinateOp::create(builder, type, axis);
    double bound = type.getDimSize(axis);
    return scale({coordinate, bound, {}, 0, true}, 2);
  }
  return makeConstant(type);
}

Item ProgramBuilder::makeField(RankedTensorType type,
                               ArrayRef<int64_t> lengths) {
  auto fits = [&](const Item &item) { return item.hasType(type, lengths); };
  if (Item *item = pickField(fits); item && dice.chance(0.85))
    return use(item);
  if (!lengths.empty()) {
    Item value = makeField(getStepType(type), lengths.drop_front());
    Value placed = PlaceOp::create(builder, type, value.value,
                                   getSomeStep(lengths.front()),
                                   getLength(lengths.front()));
    return {placed, value.bound, SmallVector<int64_t, 2>(lengths)};
  }
  Item *scalar =
      pickField([](const Item &item) { return item.getType().getRank() == 0; });
  if (scalar && type.getRank() > 0 && !elementwiseOnly && dice.chance(0.5) &&
      program.allows("loco.broadcast")) {
    Item from = use(scalar);
    SmallVector<int64_t> axes(type.getRank());
    std::iota(axes.begin(), axes.end(), 0);
    from.value = BroadcastOp::create(builder, type, from.value, axes);
    return from;
  }
  return makeSource(type);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

Value ProgramBuilder::getLength(int64_t length) {
  if (length == mainLength)
    return mainSteps;
  return arith::ConstantIndexOp::create(builder, length);
}

/// A step of a loop of this length: the current or its mirror image inside of
/// such a loop, else the first, last, or (of a constant length) any.
Value ProgramBuilder::getSomeStep(int64_t length) {
  auto constant = [&](int64_t value) {
    return arith::ConstantIndexOp::create(builder, value);
  };
  bool inside = step && stepLength == length;
  if (inside && dice.chance(0.5))
    return step;
  if (length != mainLength && !inside)
    return constant(dice.number(0, length - 1));
  if (dice.chance(0.5))
    return constant(0);
  Value last = arith::SubIOp::create(builder, getLength(length), constant(1));
  if (!inside)
    return last;
  if (dice.chance(0.5))
    return arith::SubIOp::create(builder, last, step);
  Value minus = arith::MulIOp::create(builder, step, constant(-1));
  return arith::AddIOp::create(builder, minus, last);
}

//===----------------------------------------------------------------------===//
// Ends of regions
//===----------------------------------------------------------------------===//

/// The sum over all sites, of a stacked value the sum of squares over the
/// steps.
Item ProgramBuilder::reduceToScalar(Item item) {
  RankedTensorType type = item.getType();
  SmallVector<int64_t> axes;
  for (int64_t axis = item.lengths.size(); axis < type.getRank(); ++axis)
    axes.push_back(axis);
  if (!axes.empty()) {
    auto lengths = type.getShape().take_front(item.lengths.size());
    for (int64_t axis : axes)
      item.bound *= type.getDimSize(axis);
    item.value = ReduceOp::create(builder, getType(lengths), ReductionKind::Sum,
                                  item.value, axes);
  }
  if (item.isStacked()) {
    StringRef letters = StringRef("tu").take_front(item.lengths.size());
    item.value = ContractOp::create(builder, getType({}),
                                    (letters + "," + letters + "->").str(),
                                    item.value, item.value);
    item.bound *= item.bound * maxSteps * maxSteps;
    item.lengths.clear();
  }
  return scale(item, maxBound);
}

Value ProgramBuilder::sumUnused() {
  Value sum;
  while (Item *item = getUnused()) {
    Value term = reduceToScalar(use(item)).value;
    sum = sum ? arith::AddFOp::create(builder, sum, term) : term;
  }
  return sum ? sum : makeSplat(getType({}), 0);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

void ProgramBuilder::addOp() {
  using Add = bool (ProgramBuilder::*)();
  struct Choice {
    StringRef name;
    unsigned weight;
    Add add;
  };
  static const Choice elementwise[] = {
      {"", 4, &ProgramBuilder::addUnary},
      {"", 5, &ProgramBuilder::addBinary},
      {"arith.select", 2, &ProgramBuilder::addSelect}};
  static const Choice all[] = {
      {"", 9, &ProgramBuilder::addUnary},
      {"", 7, &ProgramBuilder::addBinary},
      {"arith.select", 2, &ProgramBuilder::addSelect},
      {"arith.cmpi", 1, &ProgramBuilder::addScalarSelect},
      {"", 2, &ProgramBuilder::addStackedElementwise},
      {"loco.broadcast", 2, &ProgramBuilder::addBroadcast},
      {"loco.reduce", 3, &ProgramBuilder::addReduce},
      {"loco.first_max", 1, &ProgramBuilder::addFirstMax},
      {"loco.reshape", 2, &ProgramBuilder::addReshape},
      {"loco.transpose", 2, &ProgramBuilder::addTranspose},
      {"loco.slice", 2, &ProgramBuilder::addSlice},
      {"loco.pad", 2, &ProgramBuilder::addPad},
      {"loco.concat", 2, &ProgramBuilder::addConcat},
      {"loco.roll", 3, &ProgramBuilder::addRoll},
      {"", 3, &ProgramBuilder::addSource},
      {"loco.one_hot", 2, &ProgramBuilder::addOneHot},
      {"loco.contract", 5, &ProgramBuilder::addContract},
      {"", 6, &ProgramBuilder::addConv},
      {"loco.stencil", 4, &ProgramBuilder::addStencil},
      {"loco.gradient", 2, &ProgramBuilder::addGradient},
      {"loco.scan", 6, &ProgramBuilder::addScan},
      {"loco.at", 3, &ProgramBuilder::addAt},
      {"loco.place", 2, &ProgramBuilder::addPlace},
      {"loco.window", 2, &ProgramBuilder::addWindow},
      {"loco.place_window", 2, &ProgramBuilder::addPlaceWindow},
      {"loco.zeros", 1, &ProgramBuilder::addZeros},
      {"func.call", 2, &ProgramBuilder::addCall}};
  ArrayRef<Choice> choices =
      elementwiseOnly ? ArrayRef<Choice>(elementwise) : ArrayRef<Choice>(all);
  unsigned total = 0;
  for (const Choice &choice : choices)
    total += choice.weight;
  while (true) {
    int64_t place = dice.number(0, total - 1);
    const Choice *choice = choices.begin();
    while (place >= choice->weight)
      place -= (choice++)->weight;
    if (program.allows(choice->name) && (this->*choice->add)())
      return;
  }
}

void ProgramBuilder::addOps(unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    addOp();
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

/// A function of two fields that programs call.
static func::FuncOp makeHelper(ModuleOp module, FloatType element) {
  auto type = RankedTensorType::get({5}, element);
  auto builder =
      ImplicitLocOpBuilder::atBlockEnd(module.getLoc(), module.getBody());
  auto helper = func::FuncOp::create(
      builder, "helper", builder.getFunctionType({type, type}, {type}));
  helper.setPrivate();
  builder.setInsertionPointToEnd(helper.addEntryBlock());
  Value sine = math::SinOp::create(builder, helper.getArgument(0));
  Value product = arith::MulFOp::create(builder, sine, helper.getArgument(1));
  func::ReturnOp::create(builder, product);
  return helper;
}

/// The types of the arguments, and what the builder knows of each.
static SmallVector<Item> makeArguments(ProgramBuilder &builder, Dice &dice,
                                       SmallVectorImpl<Type> &types) {
  SmallVector<Item> items;
  for (int64_t i = dice.number(2, 4); i > 0; --i) {
    types.push_back(builder.makeType());
    items.push_back({{}, 1.5, {}});
  }
  for (int64_t i = dice.number(1, 2); i > 0; --i) {
    types.push_back(getStackedType(builder.makeType(2)));
    items.push_back({{}, 1.5, {mainLength}});
  }
  Type label = RankedTensorType::get({}, builder.builder.getI32Type());
  types.push_back(label);
  items.push_back({{}, 3, {}, 0, true});
  types.push_back(getStackedType(label));
  items.push_back({{}, 3, {mainLength}, 0, true});
  return items;
}

OwningOpRef<ModuleOp> loco::test::makeRandomProgram(MLIRContext &context,
                                                    uint64_t seed,
                                                    const Options &options) {
  context.loadDialect<LocoDialect>();
  Builder types(&context);
  Program program{options,
                  Dice(seed),
                  options.f32 ? FloatType(types.getF32Type())
                              : FloatType(types.getF64Type()),
                  {}};
  Location loc = types.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  if (options.calls)
    program.helper = makeHelper(*module, program.element);

  auto function =
      func::FuncOp::create(loc, programName, types.getFunctionType({}, {}));
  module->push_back(function);
  Block *block = function.addEntryBlock();
  ProgramBuilder builder(program, block, loc, options.depth,
                         /*elementwiseOnly=*/false);
  SmallVector<Type> argumentTypes;
  SmallVector<Item> items = makeArguments(builder, program.dice, argumentTypes);
  for (auto [item, type] : llvm::zip(items, argumentTypes)) {
    item.value = block->addArgument(type, loc);
    builder.addItem(item);
  }
  builder.key = block->addArgument(RandomKeyType::get(&context), loc);
  builder.mainSteps = block->addArgument(types.getIndexType(), loc);
  builder.addOps(options.numOps);

  SmallVector<Value> results;
  for (int64_t i = program.dice.number(0, 2); i > 0; --i)
    if (Item *item = builder.getUnused()) {
      ++item->uses;
      results.push_back(item->value);
    }
  results.insert(results.begin(), builder.sumUnused());
  func::ReturnOp::create(builder.builder, results);
  function.setType(types.getFunctionType(block->getArgumentTypes(),
                                         ValueRange(results).getTypes()));
  [[maybe_unused]] LogicalResult valid = verify(*module);
  assert(succeeded(valid) && "random programs are well-typed");
  return module;
}

SmallVector<RuntimeValue> loco::test::makeRandomArguments(func::FuncOp function,
                                                          uint64_t seed,
                                                          int64_t steps) {
  Dice dice(seed);
  SmallVector<RuntimeValue> arguments;
  for (Type type : function.getArgumentTypes()) {
    if (isa<RandomKeyType>(type)) {
      arguments.push_back(RandomKey{seed, 3, 5});
      continue;
    }
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor) {
      arguments.push_back(steps);
      continue;
    }
    Array array;
    int64_t size = 1;
    for (int64_t extent : tensor.getShape()) {
      array.shape.push_back(ShapedType::isDynamic(extent) ? steps : extent);
      size *= array.shape.back();
    }
    bool isField = isa<FloatType>(tensor.getElementType());
    for (int64_t i = 0; i < size; ++i)
      array.values.push_back(isField ? dice.real(-1.5, 1.5)
                                     : double(dice.number(0, 2)));
    arguments.push_back(std::move(array));
  }
  return arguments;
}
