//===- TileSamples.cpp - Several samples in one function ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/TileSamples.h"

#include "compiler/Conversion/LocoToGPU/TileFacts.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace loco;

static bool isStack(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getRank() && tensor.isDynamicDim(0);
}

/// Where the axis of samples is.
static int64_t axisIn(Type type) { return isStack(type) ? 1 : 0; }

//===----------------------------------------------------------------------===//
// What can be tiled
//===----------------------------------------------------------------------===//

static std::string whyNotTiled(Operation *op) {
  if (auto scan = dyn_cast<ScanOp>(op)) {
    if (scan.isPartial())
      return "a loop may end early";
    return {};
  }
  if (isa<SegmentOp>(op))
    return "loops run in segments";
  if (isa<ConvOp, ConvTransposeOp, ConvOuterOp, StencilOp>(op))
    return "there are neighbourhoods";
  if (auto transpose = dyn_cast<TransposeOp>(op);
      transpose && isStack(transpose.getOperand().getType()))
    return "time is no longer the first axis";
  if (isElementwise(op) || op->hasTrait<OpTrait::ConstantLike>() ||
      isa<func::FuncOp, func::ReturnOp, YieldOp, BroadcastOp, ReduceOp,
          FirstMaxOp, ReshapeOp, TransposeOp, SliceOp, PadOp, ConcatOp, RollOp,
          ZerosOp, CoordinateOp, FromIndexOp, OneHotOp, RandomOp, ContractOp,
          AtOp, PlaceOp, WindowOp, PlaceWindowOp, LengthOp>(op) ||
      llvm::none_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>))
    return {};
  return ("`" + op->getName().getStringRef() + "` is not known").str();
}

std::string loco::whyNotTiled(func::FuncOp function) {
  std::string why;
  function.walk([&](Operation *op) {
    why = ::whyNotTiled(op);
    return why.empty() ? WalkResult::advance() : WalkResult::interrupt();
  });
  return why;
}

//===----------------------------------------------------------------------===//
// Tiling
//===----------------------------------------------------------------------===//

namespace {
class Tiler {
public:
  Tiler(func::FuncOp function, int64_t tile)
      : function(function), tile(tile), facts(function, tile),
        b(function.getContext()) {}
  void run();

private:
  RankedTensorType tiled(Type type);
  Value tiledOf(Value value);
  Value summedOf(Value value);
  void emitBlock(Block &block);
  void emit(Operation *op);
  Value emitTiled(Operation *op);
  Value emitSum(Operation *op);
  void emitScan(ScanOp scan);
  Value contract(ContractOp op, bool isSum);

  func::FuncOp function;
  int64_t tile;
  TileFacts facts;
  OpBuilder b;
  Location loc = UnknownLoc::get(b.getContext());
  /// What stands for a value: tiled if it varies, otherwise the same; sums over
  /// the tile where nothing else is wanted of it.
  DenseMap<Value, Value> mapped, sums;
};
} // namespace

RankedTensorType Tiler::tiled(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape.insert(shape.begin() + axisIn(type), tile);
  return RankedTensorType::get(shape, tensor.getElementType());
}

/// The value with an axis of samples.
Value Tiler::tiledOf(Value value) {
  Value known = mapped.lookup(value);
  assert(known && "a value whose samples are added up is wanted for each");
  if (facts.varies(value))
    return known;
  return BroadcastOp::create(b, loc, tiled(value.getType()), known,
                             ArrayRef<int64_t>{axisIn(value.getType())});
}

/// The value's sum over samples.
Value Tiler::summedOf(Value value) {
  if (Value known = sums.lookup(value))
    return known;
  Type type = value.getType();
  auto sum = ReduceOp::create(b, loc, type, ReductionKind::Sum, tiledOf(value),
                              ArrayRef<int64_t>{axisIn(type)});
  sum->setAttr(tileAttribute, b.getI64IntegerAttr(axisIn(type)));
  return sum;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

Value Tiler::contract(ContractOp op, bool isSum) {
  auto [inputs, output] = op.getEquation().split("->");
  auto [left, right] = inputs.split(',');
  std::string letters[] = {left.str(), right.str(), output.str()};
  Value operands[2] = {op.getLhs(), op.getRhs()};
  for (int i = 0; i < 2; ++i)
    if (facts.varies(operands[i]))
      letters[i].insert(axisIn(operands[i].getType()), 1, tileLetter);
  Type type = op.getResult().getType();
  if (!isSum)
    letters[2].insert(axisIn(type), 1, tileLetter);
  auto made = ContractOp::create(
      b, loc, isSum ? type : Type(tiled(type)),
      b.getStringAttr(letters[0] + "," + letters[1] + "->" + letters[2]),
      mapped.lookup(operands[0]), mapped.lookup(operands[1]));
  if (isSum)
    made->setAttr(tileAttribute, b.getI64IntegerAttr(0));
  return made;
}

/// Axes beside that of samples.
static SmallVector<int64_t> moved(ArrayRef<int64_t> axes, int64_t tileAxis) {
  return llvm::map_to_vector(
      axes, [&](int64_t axis) { return axis + (axis >= tileAxis); });
}

Value Tiler::emitTiled(Operation *op) {
  Type type = op->getResult(0).getType();
  RankedTensorType result = tiled(type);
  int64_t axis = axisIn(type);
  auto operand = [&] { return tiledOf(op->getOperand(0)); };
  /// The op again, with other types.
  auto again = [&](ArrayRef<NamedAttribute> attributes) -> Value {
    OperationState state(loc, op->getName());
    for (Value from : op->getOperands())
      state.addOperands(isa<RankedTensorType>(from.getType())
                            ? tiledOf(from)
                            : mapped.lookup(from));
    state.addTypes(result);
    state.addAttributes(attributes);
    return b.create(state)->getResult(0);
  };
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](ContractOp form) { return contract(form, false); })
      .Case([&](BroadcastOp broadcast) -> Value {
        return BroadcastOp::create(b, loc, result, operand(),
                                   moved(broadcast.getAxes(), axis));
      })
      .Case([&](ReduceOp reduce) -> Value {
        int64_t from = axisIn(reduce.getOperand().getType());
        return ReduceOp::create(b, loc, result, reduce.getKind(), operand(),
                                moved(reduce.getAxes(), from));
      })
      .Case([&](FirstMaxOp first) -> Value {
        return FirstMaxOp::create(b, loc, result, operand(),
                                  moved(first.getAxes(), axis));
      })
      .Case([&](TransposeOp transpose) -> Value {
        SmallVector<int64_t> permutation = {0};
        for (int64_t from : transpose.getPermutation())
          permutation.push_back(from + 1);
        return TransposeOp::create(b, loc, result, operand(), permutation);
      })
      .Case<SliceOp, PadOp>([&](auto box) -> Value {
        SmallVector<int64_t> offsets(box.getOffsets());
        offsets.insert(offsets.begin() + axis, 0);
        return decltype(box)::create(b, loc, result, operand(), offsets);
      })
      .Case([&](ConcatOp concat) -> Value {
        SmallVector<Value> parts;
        for (Value part : concat.getOperands())
          parts.push_back(tiledOf(part));
        int64_t along = concat.getAxis();
        return ConcatOp::create(b, loc, result, parts, along + (along >= axis));
      })
      .Case([&](RollOp roll) -> Value {
        int64_t along = roll.getAxis();
        return RollOp::create(b, loc, result, operand(),
                              along + (along >= axis), roll.getDistance(),
                              roll.getBoundary());
      })
      .Case([&](OneHotOp oneHot) -> Value {
        // Classes are few: as numbers they are exact.
        Type element = result.getElementType();
        Value label = operand();
        auto shape = cast<RankedTensorType>(label.getType()).getShape();
        label = arith::SIToFPOp::create(
            b, loc, RankedTensorType::get(shape, element), label);
        label =
            BroadcastOp::create(b, loc, result, label, ArrayRef<int64_t>{1});
        Value number = CoordinateOp::create(b, loc, result, 1);
        Value isHit = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                            label, number);
        return arith::UIToFPOp::create(b, loc, result, isHit);
      })
      .Case([&](RandomOp draw) -> Value {
        SmallVector<NamedAttribute> attributes(op->getAttrs());
        attributes.push_back(
            b.getNamedAttr(tileAttribute, b.getI64IntegerAttr(axis)));
        return again(attributes);
      })
      .Default([&](Operation *) { return again(op->getAttrs()); });
}

Value Tiler::emitSum(Operation *op) {
  bool isProduct = isa<ContractOp, arith::MulFOp>(op);
  if (auto form = dyn_cast<ContractOp>(op);
      form && facts.varies(form.getLhs()) && facts.varies(form.getRhs()))
    return contract(form, true);
  // Linear, a product in the operand that varies.
  IRMapping operands;
  for (Value operand : op->getOperands())
    operands.map(operand, isProduct && !facts.varies(operand)
                              ? mapped.lookup(operand)
                              : summedOf(operand));
  return b.clone(*op, operands)->getResult(0);
}

void Tiler::emitScan(ScanOp scan) {
  YieldOp yield = scan.getYield();
  auto has = [&](Value value) { return facts.varies(value); };
  SmallVector<Value> inits, elements, constants;
  for (auto [init, argument] :
       llvm::zip(scan.getInits(), scan.getCarryArguments()))
    inits.push_back(has(argument) ? tiledOf(init) : mapped.lookup(init));
  for (Value element : scan.getElements())
    elements.push_back(mapped.lookup(element));
  for (Value constant : scan.getConstants())
    constants.push_back(mapped.lookup(constant));
  auto typesOf = [&](ResultRange results) {
    return llvm::map_to_vector(results, [&](Value result) -> Type {
      return has(result) && !facts.isSummed(result) ? tiled(result.getType())
                                                    : result.getType();
    });
  };
  auto made = ScanOp::create(b, loc, mapped.lookup(scan.getSteps()), inits,
                             elements, constants, typesOf(scan.getStacks()),
                             typesOf(scan.getSums()), scan.getReverse());
  Block *body = made.getBlock();
  for (auto [old, argument] :
       llvm::zip(scan.getBlock()->getArguments(), body->getArguments()))
    mapped[old] = argument;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(body);
    emitBlock(*scan.getBlock());
    SmallVector<Value> carries, stacks, parts;
    for (auto [value, argument] :
         llvm::zip(yield.getCarries(), scan.getCarryArguments()))
      carries.push_back(has(argument) ? tiledOf(value) : mapped.lookup(value));
    for (Value value : yield.getStacks())
      stacks.push_back(mapped.lookup(value));
    for (auto [value, sum] : llvm::zip(yield.getSums(), scan.getSums()))
      parts.push_back(facts.isSummed(sum) ? summedOf(value)
                                          : mapped.lookup(value));
    YieldOp::create(b, yield.getLoc(), carries, stacks, parts);
  }
  for (auto [old, result] : llvm::zip(scan.getResults(), made.getResults()))
    (facts.isSummed(old) ? sums : mapped)[old] = result;
}

void Tiler::emit(Operation *op) {
  loc = op->getLoc();
  bool isVarying =
      llvm::any_of(op->getResults(), [&](Value v) { return facts.varies(v); });
  if (auto scan = dyn_cast<ScanOp>(op); scan && isVarying)
    return emitScan(scan);
  if (!isVarying) {
    IRMapping operands;
    for (Value operand : op->getOperands())
      operands.map(operand, mapped.lookup(operand));
    Operation *copy = b.clone(*op, operands);
    for (auto [old, result] : llvm::zip(op->getResults(), copy->getResults()))
      mapped[old] = result;
    return;
  }
  Value result = op->getResult(0);
  if (facts.isSummed(result))
    sums[result] = emitSum(op);
  else
    mapped[result] = emitTiled(op);
}

void Tiler::emitBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    emit(&op);
}

void Tiler::run() {
  Block &old = function.getBody().front();
  SmallVector<Type> inputs, outputs;
  for (BlockArgument argument : old.getArguments())
    if (facts.varies(argument))
      function.setArgAttr(argument.getArgNumber(), tileAttribute,
                          b.getUnitAttr());

  auto *block = new Block();
  function.getBody().push_back(block);
  for (BlockArgument argument : old.getArguments()) {
    Type type = facts.varies(argument) ? Type(tiled(argument.getType()))
                                       : argument.getType();
    inputs.push_back(type);
    mapped[argument] = block->addArgument(type, argument.getLoc());
  }
  b.setInsertionPointToEnd(block);
  emitBlock(old);
  auto end = cast<func::ReturnOp>(old.getTerminator());
  SmallVector<Value> results;
  for (auto [i, value] : llvm::enumerate(end.getOperands())) {
    if (function.getResultAttr(i, "loco.sum_samples")) {
      results.push_back(summedOf(value));
    } else {
      function.setResultAttr(i, tileAttribute, b.getUnitAttr());
      results.push_back(tiledOf(value));
    }
    outputs.push_back(results.back().getType());
  }
  func::ReturnOp::create(b, end.getLoc(), results);
  old.dropAllReferences();
  old.erase();
  function.setType(FunctionType::get(function.getContext(), inputs, outputs));
}

void loco::tileSamples(func::FuncOp function, int64_t tile) {
  Tiler(function, tile).run();
}
