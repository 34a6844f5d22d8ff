//===- Sources.cpp - Values from nothing in the interpreter ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/Evaluation.h"
#include "dialects/Loco/IR/LocoOps.h"

#include "loco-c/random.h"

using namespace mlir;
using namespace loco;
using namespace loco::reference;

/// The value of one element of a constant: f64, integers signed, `i1` 0 or 1.
static double toNumber(const APFloat &value) {
  bool losesInfo;
  APFloat wide = value;
  wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return wide.convertToDouble();
}

static double toNumber(const APInt &value) {
  if (value.getBitWidth() == 1)
    return value.getZExtValue();
  return value.getSExtValue();
}

static LogicalResult evaluateDense(Evaluation &evaluation,
                                   DenseElementsAttr dense) {
  Array result = makeArray(dense.getType().getShape());
  auto fill = [&](auto range) {
    llvm::transform(range, result.values.begin(),
                    [](const auto &value) { return toNumber(value); });
  };
  if (dense.isSplat() && isa<FloatType>(dense.getElementType()))
    llvm::fill(result.values, toNumber(dense.getSplatValue<APFloat>()));
  else if (isa<FloatType>(dense.getElementType()))
    fill(dense.getValues<APFloat>());
  else
    fill(dense.getValues<APInt>());
  return evaluation.setResult(0, std::move(result));
}

static LogicalResult evaluateConstant(Evaluation &evaluation) {
  Attribute value = evaluation.getOp<arith::ConstantOp>().getValue();
  if (auto integer = dyn_cast<IntegerAttr>(value))
    return evaluation.setResult(
        0, Cell(static_cast<int64_t>(toNumber(integer.getValue()))));
  if (auto number = dyn_cast<FloatAttr>(value))
    return evaluation.setResult(0, Array{{}, {toNumber(number.getValue())}});
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return evaluateDense(evaluation, dense);
  return evaluation.emitError()
         << "has a value that the reference interpreter cannot read";
}

static LogicalResult evaluateZeros(Evaluation &evaluation) {
  int64_t steps = evaluation.getIndex(0);
  if (steps < 0)
    return evaluation.emitError() << "is asked for " << steps << " steps";
  SmallVector<int64_t> shape(
      evaluation.getOp<ZerosOp>().getResult().getType().getShape());
  shape.front() = steps;
  if (llvm::is_contained(shape, ShapedType::kDynamic))
    return evaluation.emitError() << "makes steps whose extents are unknown";
  return evaluation.setResult(0, makeArray(shape));
}

static LogicalResult evaluateCoordinate(Evaluation &evaluation) {
  auto op = evaluation.getOp<CoordinateOp>();
  Array result = makeArray(op.getResult().getType().getShape());
  int64_t extent = result.shape[op.getAxis()],
          stride = getStrides(result.shape)[op.getAxis()];
  for (int64_t place = 0, size = result.values.size(); place < size; ++place)
    result.values[place] = place / stride % extent;
  return evaluation.setResult(0, std::move(result));
}

static LogicalResult evaluateFromIndex(Evaluation &evaluation) {
  return evaluation.setResult(
      0, Array{{}, {static_cast<double>(evaluation.getIndex(0))}});
}

static LogicalResult evaluateOneHot(Evaluation &evaluation) {
  Array result =
      makeArray(evaluation.getOp<OneHotOp>().getResult().getType().getShape());
  double label = evaluation.getArray(0).values.front();
  if (label >= 0 && label < static_cast<double>(result.values.size()))
    result.values[static_cast<size_t>(label)] = 1;
  return evaluation.setResult(0, std::move(result));
}

static LogicalResult evaluateRandom(Evaluation &evaluation) {
  auto op = evaluation.getOp<RandomOp>();
  RandomKey key = std::get<RandomKey>(evaluation.getOperand(0));
  int64_t step = evaluation.getIndex(1);
  if (step < 0 || step > std::numeric_limits<uint32_t>::max())
    return evaluation.emitError() << "draws at step " << step;
  if (!op.getResult().getType().hasStaticShape())
    return evaluation.emitError() << "draws at sites whose number is unknown";
  Array result = makeArray(op.getResult().getType().getShape());
  LocoRandomKey place = {key.seed, static_cast<uint64_t>(op.getStream()),
                         key.update};
  auto draw = op.getDistribution() == Distribution::Normal
                  ? locoRandomNormalF64
                  : locoRandomUniformF64;
  draw(&place, key.sample, static_cast<uint32_t>(step), result.values.size(),
       result.values.data());
  return evaluation.setResult(0, std::move(result));
}

void reference::addSourceHandlers(HandlerTable &table, MLIRContext *context) {
  addHandler<arith::ConstantOp>(table, context, evaluateConstant);
  addHandler<ZerosOp>(table, context, evaluateZeros);
  addHandler<CoordinateOp>(table, context, evaluateCoordinate);
  addHandler<FromIndexOp>(table, context, evaluateFromIndex);
  addHandler<OneHotOp>(table, context, evaluateOneHot);
  addHandler<RandomOp>(table, context, evaluateRandom);
}
