//===- RandomElementwise.cpp - Elementwise ops of random programs ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/Unit/ProgramBuilder.h"

#include <cmath>

using namespace mlir;
using namespace loco;
using namespace loco::test;

namespace {
/// Where a function may be evaluated.
enum class Domain {
  /// Everywhere.
  Real,
  /// Within [-2, 2], or its values grow large.
  Small,
  /// Within [-0.7, 0.7].
  Unit,
  /// Above 0.5.
  Positive,
  /// Above 1.5.
  AboveOne
};

enum Kind : unsigned { Smooth = 0, Kink = 1, More = 2, Stop = 4 };

struct Function {
  const char *name;
  Domain domain;
  unsigned kind;
};
} // namespace

static constexpr Function functions[] = {
    {"arith.negf", Domain::Real, Smooth},
    {"loco.sigmoid", Domain::Real, Smooth},
    {"loco.softplus", Domain::Real, Smooth},
    {"math.cos", Domain::Real, Smooth},
    {"math.exp", Domain::Small, Smooth},
    {"math.expm1", Domain::Small, Smooth},
    {"math.log", Domain::Positive, Smooth},
    {"math.log1p", Domain::Positive, Smooth},
    {"math.rsqrt", Domain::Positive, Smooth},
    {"math.sin", Domain::Real, Smooth},
    {"math.sqrt", Domain::Positive, Smooth},
    {"math.tanh", Domain::Real, Smooth},
    {"loco.stop_gradient", Domain::Real, Stop},
    {"math.absf", Domain::Real, Kink},
    {"math.ceil", Domain::Real, Kink},
    {"math.floor", Domain::Real, Kink},
    {"math.acos", Domain::Unit, More},
    {"math.acosh", Domain::AboveOne, More},
    {"math.asin", Domain::Unit, More},
    {"math.asinh", Domain::Real, More},
    {"math.atan", Domain::Real, More},
    {"math.atanh", Domain::Unit, More},
    {"math.cbrt", Domain::Positive, More},
    {"math.cosh", Domain::Small, More},
    {"math.erf", Domain::Real, More},
    {"math.erfc", Domain::Real, More},
    {"math.exp2", Domain::Small, More},
    {"math.log10", Domain::Positive, More},
    {"math.log2", Domain::Positive, More},
    {"math.sinh", Domain::Small, More},
    {"math.tan", Domain::Unit, More},
    {"math.round", Domain::Real, More | Kink},
    {"math.roundeven", Domain::Real, More | Kink},
    {"math.trunc", Domain::Real, More | Kink}};

static constexpr Function operators[] = {
    {"arith.addf", Domain::Real, Smooth},
    {"arith.subf", Domain::Real, Smooth},
    {"arith.mulf", Domain::Real, Smooth},
    {"arith.divf", Domain::Real, Smooth},
    {"math.powf", Domain::Positive, Smooth},
    {"math.atan2", Domain::Positive, Smooth},
    {"arith.maximumf", Domain::Real, Kink},
    {"arith.minimumf", Domain::Real, Kink},
    {"arith.maxnumf", Domain::Real, More | Kink},
    {"arith.minnumf", Domain::Real, More | Kink},
    {"arith.remf", Domain::Positive, More | Kink},
    {"math.copysign", Domain::Real, More | Kink}};

/// True if the options allow the function. Inside of a gradient the interpreter
/// cannot hold a value constant.
static bool isAllowed(const Function &function, const Program &program,
                      bool insideGradient) {
  const Options &options = program.options;
  return program.allows(function.name) &&
         (options.kinks || !(function.kind & Kink)) &&
         (options.moreFunctions || !(function.kind & More)) &&
         ((options.stopGradients && !insideGradient) ||
          !(function.kind & Stop));
}

/// Emits the op of this name on values of one type.
static Value emit(ImplicitLocOpBuilder &builder, StringRef name,
                  ValueRange operands) {
  return builder
      .create(builder.getLoc(), builder.getStringAttr(name), operands,
              operands.front().getType())
      ->getResult(0);
}

/// softplus(x) + 0.5: at least 0.5.
Item ProgramBuilder::makePositive(Item item) {
  item.value = SoftplusOp::create(builder, item.value);
  item.value = arith::AddFOp::create(builder, item.value,
                                     makeSplat(item.getType(), 0.5));
  item.bound += 1.2;
  return item;
}

/// A bound of the function on its domain, where `bound` bounds the operand.
static double getBound(Domain domain, double bound) {
  switch (domain) {
  case Domain::Real:
    return std::max(bound + 1, 2.1);
  case Domain::Small:
    return 7.4;
  case Domain::Unit:
    return 2.4;
  case Domain::Positive:
  case Domain::AboveOne:
    return std::max(bound, 1.5);
  }
  llvm_unreachable("all domains are listed");
}

bool ProgramBuilder::addUnary() {
  Item *item = pickStatic();
  const Function &function = dice.pick(ArrayRef(functions));
  if (!item || !isAllowed(function, program, insideGradient))
    return false;
  Item x = use(item);
  switch (function.domain) {
  case Domain::Real:
    break;
  case Domain::Small:
    x = scale(x, 2);
    break;
  case Domain::Unit:
    x.value = math::SinOp::create(builder, x.value);
    x.bound = 1;
    x = scale(x, 0.7);
    break;
  case Domain::AboveOne:
    x = makePositive(x);
    x.value =
        arith::AddFOp::create(builder, x.value, makeSplat(x.getType(), 1));
    x.bound += 1;
    break;
  case Domain::Positive:
    x = makePositive(x);
    break;
  }
  addLike(emit(builder, function.name, x.value),
          getBound(function.domain, x.bound), {x});
  return true;
}

/// Ops whose derivatives need no constant: there are none of dynamic type.
bool ProgramBuilder::addStackedElementwise() {
  Item *item = pickField([](const Item &item) { return item.isStacked(); });
  static constexpr StringRef names[] = {"arith.addf", "arith.subf",
                                        "arith.mulf", "arith.negf",
                                        "math.sin",   "math.cos"};
  StringRef name = dice.pick(ArrayRef(names));
  if (!item || !program.options.stackedElementwise || !program.allows(name))
    return false;
  Item x = *item;
  if (name == "arith.negf" || name.starts_with("math.")) {
    ++item->uses;
    addLike(emit(builder, name, x.value), name == "arith.negf" ? x.bound : 1,
            {x});
    return true;
  }
  if (name == "arith.mulf" && x.bound > 20)
    return false;
  ++item->uses;
  Item y = makeField(x.getType(), x.lengths);
  double bound = name == "arith.mulf" ? x.bound * y.bound : x.bound + y.bound;
  addLike(emit(builder, name, {x.value, y.value}), bound, {x, y});
  return true;
}

bool ProgramBuilder::addBinary() {
  Item *item = pickStatic();
  const Function &function = dice.pick(ArrayRef(operators));
  if (!item || !isAllowed(function, program, insideGradient))
    return false;
  StringRef name = function.name;
  Item x = use(item), y = makeField(x.getType());
  double bound = x.bound + y.bound;
  if (name == "arith.mulf")
    bound = x.bound * y.bound;
  if (name == "arith.divf") {
    // By 1 + y^2.
    Value square = arith::MulFOp::create(builder, y.value, y.value);
    y.value = arith::AddFOp::create(builder, square, makeSplat(y.getType(), 1));
  }
  if (name == "math.powf") {
    x = makePositive(x);
    y = scale(y, 2);
    bound = std::max(4.0, x.bound * x.bound);
  }
  if (name == "math.atan2" || name == "arith.remf")
    y = makePositive(y);
  addLike(emit(builder, name, {x.value, y.value}), bound, {x, y});
  return true;
}

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

/// A mask for fields of a type. Without kinks it depends on constants only.
Item ProgramBuilder::makeMask(RankedTensorType type) {
  auto maskType = type.clone(builder.getI1Type());
  Item *known = pick([&](const Item &item) {
    return item.isMask() && item.value.getType() == maskType &&
           item.lengths.empty();
  });
  if (known && dice.chance(0.4))
    return use(known);
  static constexpr StringRef names[] = {"arith.andi", "arith.ori",
                                        "arith.xori"};
  if (StringRef name = dice.pick(ArrayRef(names));
      program.allows(name) && dice.chance(0.25)) {
    Item mask = makeMask(type), other = makeMask(type);
    mask.value = emit(builder, name, {mask.value, other.value});
    return mask;
  }
  if (type.getRank() > 0 && !elementwiseOnly && dice.chance(0.25) &&
      program.allows("loco.broadcast")) {
    int64_t axis = dice.number(0, type.getRank() - 1);
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + axis);
    Item mask = makeMask(getType(shape));
    mask.value = BroadcastOp::create(builder, maskType, mask.value, axis);
    return mask;
  }
  bool values = program.options.kinks && dice.chance(0.7);
  Item x = values ? makeField(type) : makeSource(type);
  Item y = values ? makeField(type) : makeSource(type);
  // All predicates but those that are always true or false.
  auto predicate = static_cast<arith::CmpFPredicate>(dice.number(1, 14));
  Value mask = arith::CmpFOp::create(builder, predicate, x.value, y.value);
  addItem({mask, 1, {}, 1, true});
  return items.back();
}

bool ProgramBuilder::addSelect() {
  Item *item = pickStatic();
  if (!item || !program.allows("arith.cmpf"))
    return false;
  Item x = use(item), y = makeField(x.getType());
  Item mask = makeMask(x.getType());
  Value value = arith::SelectOp::create(builder, mask.value, x.value, y.value);
  addLike(value, std::max(x.bound, y.bound), {x, y});
  return true;
}

/// A choice by the number of the step, or of all steps.
bool ProgramBuilder::addScalarSelect() {
  Value number = step ? step : mainSteps;
  Item *item = pickField();
  if (!item || !number)
    return false;
  Item x = use(item), y = makeField(x.getType(), x.lengths);
  Value limit = arith::ConstantIndexOp::create(builder, dice.number(0, 3));
  auto predicate = static_cast<arith::CmpIPredicate>(dice.number(0, 9));
  Value condition = arith::CmpIOp::create(builder, predicate, number, limit);
  Value value = arith::SelectOp::create(builder, condition, x.value, y.value);
  addLike(value, std::max(x.bound, y.bound), {x, y});
  return true;
}
