//===- Regions.cpp - Scans, stencils and calls in the interpreter ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/Evaluation.h"
#include "dialects/Loco/IR/LocoOps.h"

using namespace mlir;
using namespace loco;
using namespace loco::reference;

//===----------------------------------------------------------------------===//
// Stacked values
//===----------------------------------------------------------------------===//

/// One step of a stacked value.
static Array getStep(const Array &stacked, int64_t step) {
  Array result;
  result.shape.assign(stacked.shape.begin() + 1, stacked.shape.end());
  auto begin = stacked.values.begin() + step * getSize(result.shape);
  result.values.assign(begin, begin + getSize(result.shape));
  return result;
}

/// Zeros for `steps` steps of a value of shape `step`.
static Array makeStack(int64_t steps, ArrayRef<int64_t> step) {
  SmallVector<int64_t> shape = {steps};
  llvm::append_range(shape, step);
  return makeArray(shape);
}

static void setStep(Array &stacked, int64_t step, const Array &value) {
  llvm::copy(value.values, stacked.values.begin() + step * value.values.size());
}

static LogicalResult evaluateAt(Evaluation &evaluation) {
  const Array &stacked = evaluation.getArray(0);
  int64_t step = evaluation.getIndex(1);
  if (step < 0 || step >= stacked.shape.front())
    return evaluation.emitError() << "takes step " << step << " of "
                                  << stacked.shape.front() << " steps";
  return evaluation.setResult(0, getStep(stacked, step));
}

static LogicalResult evaluatePlace(Evaluation &evaluation) {
  const Array &value = evaluation.getArray(0);
  int64_t step = evaluation.getIndex(1), steps = evaluation.getIndex(2);
  if (step < 0 || step >= steps)
    return evaluation.emitError()
           << "takes step " << step << " of " << steps << " steps";
  Array result = makeStack(steps, value.shape);
  setStep(result, step, value);
  return evaluation.setResult(0, std::move(result));
}

/// `steps` steps of zeros, and those of `stacked` moved by `distance`.
static Array moveSteps(const Array &stacked, int64_t distance, int64_t steps) {
  Array result = makeStack(steps, ArrayRef(stacked.shape).drop_front());
  for (int64_t step = 0; step < stacked.shape.front(); ++step)
    if (step + distance >= 0 && step + distance < steps)
      setStep(result, step + distance, getStep(stacked, step));
  return result;
}

static LogicalResult evaluateWindow(Evaluation &evaluation) {
  return evaluation.setResult(0, moveSteps(evaluation.getArray(0),
                                           -evaluation.getIndex(1),
                                           evaluation.getIndex(2)));
}

static LogicalResult evaluatePlaceWindow(Evaluation &evaluation) {
  return evaluation.setResult(0, moveSteps(evaluation.getArray(0),
                                           evaluation.getIndex(1),
                                           evaluation.getIndex(2)));
}

/// Some length that leaves a shorter segment at the end of most loops.
static LogicalResult evaluateSegment(Evaluation &evaluation) {
  int64_t steps = evaluation.getIndex(0);
  int64_t length = std::clamp<int64_t>(3, 1, std::max<int64_t>(steps, 1));
  if (failed(evaluation.setResult(0, Cell(length))))
    return failure();
  return evaluation.setResult(1, Cell((steps + length - 1) / length));
}

static LogicalResult evaluateLength(Evaluation &evaluation) {
  return evaluation.setResult(0, Cell(evaluation.getArray(0).shape.front()));
}

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

namespace {
/// The state of a scan while it runs.
class Scan {
public:
  explicit Scan(Evaluation &evaluation)
      : evaluation(evaluation), frame(evaluation.frame),
        op(evaluation.getOp<ScanOp>()),
        code(evaluation.machine.getCode(*op.getBlock())),
        steps(evaluation.getIndex(0)), numCarries(op.getInits().size()),
        numElements(op.getElements().size()), numStacks(op.getNumStacks()),
        numSums(op.getSums().size()) {
    taken = steps;
    if (op.getTaken())
      taken = evaluation.getIndex(evaluation.getNumOperands() - 1);
  }

  LogicalResult run();

private:
  LogicalResult checkElements();
  void startStep(int64_t step);
  LogicalResult finishStep(int64_t step);
  LogicalResult setResults();

  /// Slots of what the body yields: carries, then stacks, then sums.
  ArrayPointer getYield(unsigned i) const {
    return std::get<ArrayPointer>(frame[code.yields[i]]);
  }

  Evaluation &evaluation;
  Frame &frame;
  ScanOp op;
  const Code &code;
  /// Extent of elements and stacks; steps that are run, known before or after.
  int64_t steps, taken;
  unsigned numCarries, numElements, numStacks, numSums;
  SmallVector<ArrayPointer> elements;
  /// Made at the first step, which knows the shapes.
  SmallVector<Array> stacks, sums;
};
} // namespace

LogicalResult Scan::checkElements() {
  if (steps < 0)
    return evaluation.emitError() << "runs for " << steps << " steps";
  if (taken < 0 || taken > steps)
    return evaluation.emitError()
           << "takes " << taken << " of " << steps << " steps";
  for (unsigned i = 0; i < numElements; ++i) {
    elements.push_back(
        std::get<ArrayPointer>(evaluation.getOperand(1 + numCarries + i)));
    if (elements.back()->shape.front() != steps)
      return evaluation.emitError()
             << "takes each of " << steps << " steps from a value of "
             << elements.back()->shape.front() << " steps";
  }
  return success();
}

/// Fills the arguments that differ from step to step; carries are there
/// already.
void Scan::startStep(int64_t step) {
  frame[code.arguments[0]] = step;
  for (unsigned i = 0; i < numElements; ++i)
    frame[code.arguments[1 + numCarries + i]] =
        std::make_shared<const Array>(getStep(*elements[i], step));
}

LogicalResult Scan::finishStep(int64_t step) {
  if (stacks.size() + sums.size() < numStacks + numSums) {
    for (unsigned i = 0; i < numStacks; ++i)
      stacks.push_back(makeStack(steps, getYield(numCarries + i)->shape));
    for (unsigned i = 0; i < numSums; ++i)
      sums.push_back(makeArray(getYield(numCarries + numStacks + i)->shape));
  }
  for (unsigned i = 0; i < numStacks; ++i) {
    ArrayPointer value = getYield(numCarries + i);
    if (ArrayRef(value->shape) != ArrayRef(stacks[i].shape).drop_front())
      return evaluation.emitError() << "stacks values of different shapes";
    setStep(stacks[i], step, *value);
  }
  for (unsigned i = 0; i < numSums; ++i) {
    ArrayPointer value = getYield(numCarries + numStacks + i);
    if (value->shape != sums[i].shape)
      return evaluation.emitError() << "sums values of different shapes";
    for (size_t site = 0; site < value->values.size(); ++site)
      sums[i].values[site] += value->values[site];
  }
  // Read all before writing any: a yielded carry may be another's argument.
  SmallVector<Cell> carries;
  for (unsigned i = 0; i < numCarries; ++i)
    carries.push_back(frame[code.yields[i]]);
  for (auto [i, carry] : llvm::enumerate(carries))
    frame[code.arguments[1 + i]] = carry;
  return success();
}

LogicalResult Scan::setResults() {
  // Without a step, shapes are those of the types.
  if (taken == 0)
    for (unsigned i = 0; i < numStacks + numSums; ++i) {
      bool stacked = i < numStacks;
      auto type =
          cast<RankedTensorType>(op.getResult(numCarries + i).getType());
      ArrayRef<int64_t> shape = type.getShape().drop_front(stacked);
      if (llvm::is_contained(shape, ShapedType::kDynamic))
        return evaluation.emitError()
               << "has no step that tells the extents of result "
               << numCarries + i;
      (stacked ? stacks : sums)
          .push_back(stacked ? makeStack(steps, shape) : makeArray(shape));
    }
  unsigned next = 0;
  for (unsigned i = 0; i < numCarries; ++i)
    if (failed(evaluation.setResult(next++, frame[code.arguments[1 + i]])))
      return failure();
  for (SmallVector<Array> *arrays : {&stacks, &sums})
    for (Array &array : *arrays)
      if (failed(evaluation.setResult(next++, std::move(array))))
        return failure();
  if (op.isCounted())
    return evaluation.setResult(next, Cell(taken));
  return success();
}

LogicalResult Scan::run() {
  if (failed(checkElements()))
    return failure();
  for (unsigned i = 0; i < numCarries; ++i)
    frame[code.arguments[1 + i]] = evaluation.getOperand(1 + i);
  unsigned numConstants = op.getConstants().size(),
           first = 1 + numCarries + numElements;
  for (unsigned i = 0; i < numConstants; ++i)
    frame[code.arguments[first + i]] = evaluation.getOperand(first + i);
  for (int64_t i = 0; i < taken; ++i) {
    int64_t step = op.getReverse() ? taken - 1 - i : i;
    startStep(step);
    if (failed(evaluation.machine.run(code, frame)))
      return failure();
    // What the condition is made of may be a carry that the next step replaces.
    bool goesOn =
        !op.isCounted() || code.yields.empty() ||
        std::get<ArrayPointer>(frame[code.yields.back()])->values.front();
    if (failed(finishStep(step)))
      return failure();
    if (!goesOn)
      taken = i + 1;
  }
  return setResults();
}

static LogicalResult evaluateScan(Evaluation &evaluation) {
  return Scan(evaluation).run();
}

//===----------------------------------------------------------------------===//
// Stencil
//===----------------------------------------------------------------------===//

/// For each site the place of its neighbour at `offset`, or -1 beyond the edge.
static std::vector<int64_t> getNeighbours(ArrayRef<int64_t> shape,
                                          ArrayRef<int64_t> offset,
                                          Boundary boundary) {
  std::vector<int64_t> places(getSize(shape));
  SmallVector<int64_t> strides = getStrides(shape);
  for (int64_t site = 0, size = places.size(); site < size; ++site) {
    int64_t place = 0;
    for (auto [extent, stride, distance] : llvm::zip(shape, strides, offset)) {
      int64_t index = site / stride % extent + distance;
      if (boundary == Boundary::Wrap)
        index = ((index % extent) + extent) % extent;
      if (index < 0 || index >= extent) {
        place = -1;
        break;
      }
      place += index * stride;
    }
    places[site] = place;
  }
  return places;
}

/// The field as seen from each site's neighbour; zero beyond the edge.
static Array gather(const Array &field, ArrayRef<int64_t> places) {
  Array result = makeArray(field.shape);
  for (auto [value, place] : llvm::zip(result.values, places))
    if (place >= 0)
      value = field.values[place];
  return result;
}

static LogicalResult evaluateStencil(Evaluation &evaluation) {
  auto op = evaluation.getOp<StencilOp>();
  const Code &code = evaluation.machine.getCode(op.getBody().front());
  Frame &frame = evaluation.frame;
  unsigned numCentres = op.getCentres().size(), numFields = op.getNumResults();
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  SmallVector<Array> results(numFields, makeArray(type.getShape()));

  for (unsigned i = 0; i < numCentres; ++i)
    frame[code.arguments[i]] = evaluation.getOperand(i);
  ArrayRef<int64_t> offsets = op.getOffsets();
  for (; !offsets.empty(); offsets = offsets.drop_front(type.getRank())) {
    std::vector<int64_t> places = getNeighbours(
        type.getShape(), offsets.take_front(type.getRank()), op.getBoundary());
    for (unsigned i = numCentres; i < evaluation.getNumOperands(); ++i)
      frame[code.arguments[i]] =
          std::make_shared<const Array>(gather(evaluation.getArray(i), places));
    if (failed(evaluation.machine.run(code, frame)))
      return failure();
    for (unsigned i = 0; i < numFields; ++i) {
      const Array &term = *std::get<ArrayPointer>(frame[code.yields[i]]);
      for (size_t site = 0; site < places.size(); ++site)
        if (places[site] >= 0)
          results[i].values[site] += term.values[site];
    }
  }
  for (unsigned i = 0; i < numFields; ++i)
    if (failed(evaluation.setResult(i, std::move(results[i]))))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

static LogicalResult evaluateCall(Evaluation &evaluation) {
  auto op = evaluation.getOp<func::CallOp>();
  SmallVector<Cell> arguments;
  for (unsigned i = 0; i < evaluation.getNumOperands(); ++i)
    arguments.push_back(evaluation.getOperand(i));
  FailureOr<SmallVector<Cell>> results =
      evaluation.machine.call(op, op.getCallee(), arguments);
  if (failed(results))
    return failure();
  for (auto [i, cell] : llvm::enumerate(*results))
    if (failed(evaluation.setResult(i, cell)))
      return failure();
  return success();
}

void reference::addRegionHandlers(HandlerTable &table, MLIRContext *context) {
  addHandler<ScanOp>(table, context, evaluateScan);
  addHandler<StencilOp>(table, context, evaluateStencil);
  addHandler<AtOp>(table, context, evaluateAt);
  addHandler<PlaceOp>(table, context, evaluatePlace);
  addHandler<WindowOp>(table, context, evaluateWindow);
  addHandler<PlaceWindowOp>(table, context, evaluatePlaceWindow);
  addHandler<SegmentOp>(table, context, evaluateSegment);
  addHandler<LengthOp>(table, context, evaluateLength);
  addHandler<func::CallOp>(table, context, evaluateCall);
}
