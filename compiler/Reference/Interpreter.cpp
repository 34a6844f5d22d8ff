//===- Interpreter.cpp - Reference interpreter of the dialect -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/Interpreter.h"

#include "compiler/Reference/Evaluation.h"
#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <random>

using namespace mlir;
using namespace loco;
using namespace loco::reference;

/// Calls deeper than this are taken for a recursion, which the dialect does not
/// have.
static constexpr unsigned maxDepth = 64;

class Interpreter::Implementation final : public Machine {
public:
  Implementation(ModuleOp module, RoundingNoise noise)
      : module(module), symbols(module), noise(noise) {
    MLIRContext *context = module.getContext();
    addElementwiseHandlers(handlers, context);
    addIntegerHandlers(handlers, context);
    addShapeHandlers(handlers, context);
    addBilinearHandlers(handlers, context);
    addSourceHandlers(handlers, context);
    addRegionHandlers(handlers, context);
    addGradientHandler(handlers, context);
  }

  LogicalResult run(const Code &code, Frame &frame) override;
  const Code &getCode(Block &block) override { return codes.at(&block); }
  FailureOr<SmallVector<Cell>> call(Operation *op, StringRef function,
                                    ArrayRef<Cell> arguments) override;

  /// Calls a function from outside: noise is drawn from its beginning.
  FailureOr<SmallVector<RuntimeValue>>
  callOnValues(StringRef function, ArrayRef<RuntimeValue> arguments);

  /// From here on `stop_gradient` writes to `values`, or reads them; neither if
  /// there are none.
  void restartHolding(HeldValues *values) {
    held = values;
    isReplay = values && !values->values.empty();
    numHeld = 0;
  }

  ModuleOp module;

private:
  void addNoise(Cell &cell);
  void hold(Cell &cell);
  LogicalResult prepare(func::FuncOp function);
  LogicalResult prepare(Block &block, DenseMap<Value, unsigned> &slots);

  SymbolTable symbols;
  HandlerTable handlers;
  /// Code of the blocks of all functions called so far.
  std::map<Block *, Code> codes;
  /// Number of values of the functions called so far.
  DenseMap<Operation *, unsigned> frameSizes;
  unsigned depth = 0;
  RoundingNoise noise;
  std::mt19937_64 random;
  HeldValues *held = nullptr;
  bool isReplay = false;
  /// How often the call has executed a `stop_gradient`.
  size_t numHeld = 0;
};

//===----------------------------------------------------------------------===//
// Preparation
//===----------------------------------------------------------------------===//

/// Numbers the values of a block and of its ops' regions, and finds handlers.
LogicalResult
Interpreter::Implementation::prepare(Block &block,
                                     DenseMap<Value, unsigned> &slots) {
  Code &code = codes[&block];
  auto define = [&](Value value) {
    unsigned slot = slots.size();
    slots[value] = slot;
    return slot;
  };
  for (Value argument : block.getArguments())
    code.arguments.push_back(define(argument));
  for (Operation &op : block) {
    SmallVector<unsigned, 4> operands;
    for (Value operand : op.getOperands())
      operands.push_back(slots.at(operand));
    if (op.hasTrait<OpTrait::IsTerminator>()) {
      code.yields.assign(operands.begin(), operands.end());
      continue;
    }
    auto handler = handlers.find(op.getName());
    if (handler == handlers.end())
      return op.emitOpError("is unknown to the reference interpreter");
    SmallVector<unsigned, 4> results;
    for (Value result : op.getResults())
      results.push_back(define(result));
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        if (failed(prepare(inner, slots)))
          return failure();
    code.instructions.push_back({&op, &handler->second, operands, results});
  }
  return success();
}

LogicalResult Interpreter::Implementation::prepare(func::FuncOp function) {
  if (frameSizes.contains(function))
    return success();
  if (!function.getBody().hasOneBlock())
    return function.emitOpError("has no body of one block to interpret");
  DenseMap<Value, unsigned> slots;
  if (failed(prepare(function.getBody().front(), slots)))
    return failure();
  frameSizes[function] = slots.size();
  return success();
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

/// True if a machine rounds what the op computes. Gradients and loops are made
/// of such ops.
static bool rounds(Operation *op) {
  if (isa<ContractOp, ConvOp, ConvTransposeOp, ConvOuterOp, ReduceOp,
          arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>(op))
    return true;
  return isa<math::MathDialect>(op->getDialect()) &&
         !isa<math::AbsFOp, math::CeilOp, math::CopySignOp, math::FloorOp,
              math::RoundOp, math::RoundEvenOp, math::TruncOp, math::ClampFOp,
              math::IsFiniteOp, math::IsInfOp, math::IsNaNOp>(op);
}

void Interpreter::Implementation::addNoise(Cell &cell) {
  auto *array = std::get_if<ArrayPointer>(&cell);
  if (!array)
    return;
  Array moved = **array;
  for (double &value : moved.values)
    value *= random() & 1 ? 1 + noise.relative : 1 - noise.relative;
  cell = std::make_shared<const Array>(std::move(moved));
}

void Interpreter::Implementation::hold(Cell &cell) {
  const Array &value = *std::get<ArrayPointer>(cell);
  size_t place = numHeld++;
  if (!isReplay)
    held->values.push_back(value);
  else if (place < held->values.size() &&
           held->values[place].shape == value.shape)
    // A loop may take another number of turns at another place.
    cell = std::make_shared<const Array>(held->values[place]);
}

LogicalResult Interpreter::Implementation::run(const Code &code, Frame &frame) {
  for (const Instruction &instruction : code.instructions) {
    Evaluation evaluation(instruction, frame, *this);
    if (failed((*instruction.handler)(evaluation)))
      return failure();
    if (noise.relative != 0 && rounds(instruction.op))
      for (unsigned slot : instruction.results)
        addNoise(frame[slot]);
    if (held && isa<StopGradientOp>(instruction.op))
      hold(frame[instruction.results.front()]);
  }
  return success();
}

/// Checks that the cell is one for the type.
static LogicalResult checkArgument(Operation *op, unsigned i, const Cell &cell,
                                   Type type) {
  bool fits = isa<RandomKeyType>(type) ? std::holds_alternative<RandomKey>(cell)
              : type.isIntOrIndex()
                  ? std::holds_alternative<int64_t>(cell)
                  : std::holds_alternative<ArrayPointer>(cell);
  if (!fits)
    return op->emitOpError("gets another kind of value than ")
           << type << " as argument " << i;
  if (auto *array = std::get_if<ArrayPointer>(&cell)) {
    const Array &value = **array;
    if (!matches(type, value.shape) ||
        getSize(value.shape) != static_cast<int64_t>(value.values.size()))
      return op->emitOpError("gets ")
             << value.values.size() << " elements of shape ["
             << ArrayRef(value.shape) << "] as argument " << i << " of type "
             << type;
  }
  return success();
}

FailureOr<SmallVector<Cell>>
Interpreter::Implementation::call(Operation *op, StringRef name,
                                  ArrayRef<Cell> arguments) {
  auto function = symbols.lookup<func::FuncOp>(name);
  if (!function)
    return op->emitOpError("calls unknown function `") << name << "`";
  if (depth == maxDepth)
    return op->emitOpError("calls `") << name << "` recursively";
  if (arguments.size() != function.getNumArguments())
    return function.emitOpError("is called with ")
           << arguments.size() << " arguments, expected "
           << function.getNumArguments();
  for (auto [i, cell] : llvm::enumerate(arguments))
    if (failed(
            checkArgument(function, i, cell, function.getArgumentTypes()[i])))
      return failure();
  if (failed(prepare(function)))
    return failure();

  Frame frame(frameSizes[function]);
  const Code &code = getCode(function.getBody().front());
  for (auto [slot, cell] : llvm::zip(code.arguments, arguments))
    frame[slot] = cell;
  ++depth;
  LogicalResult result = run(code, frame);
  --depth;
  if (failed(result))
    return failure();
  SmallVector<Cell> results;
  for (unsigned slot : code.yields)
    results.push_back(frame[slot]);
  return results;
}

FailureOr<SmallVector<RuntimeValue>>
Interpreter::Implementation::callOnValues(StringRef function,
                                          ArrayRef<RuntimeValue> arguments) {
  SmallVector<Cell> cells;
  for (const RuntimeValue &argument : arguments) {
    if (auto *array = std::get_if<Array>(&argument))
      cells.push_back(std::make_shared<const Array>(*array));
    else if (auto *number = std::get_if<int64_t>(&argument))
      cells.push_back(*number);
    else
      cells.push_back(std::get<RandomKey>(argument));
  }
  random.seed();
  FailureOr<SmallVector<Cell>> results = call(module, function, cells);
  if (failed(results))
    return failure();
  SmallVector<RuntimeValue> values;
  for (Cell &cell : *results) {
    if (auto *array = std::get_if<ArrayPointer>(&cell))
      values.push_back(**array);
    else if (auto *number = std::get_if<int64_t>(&cell))
      values.push_back(*number);
    else
      values.push_back(std::get<RandomKey>(cell));
  }
  return values;
}

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

Interpreter::Interpreter(ModuleOp module, RoundingNoise noise)
    : implementation(std::make_unique<Implementation>(module, noise)) {}

Interpreter::~Interpreter() = default;

FailureOr<SmallVector<RuntimeValue>>
Interpreter::call(StringRef function, ArrayRef<RuntimeValue> arguments) {
  implementation->restartHolding(nullptr);
  return implementation->callOnValues(function, arguments);
}

FailureOr<SmallVector<RuntimeValue>>
Interpreter::call(StringRef function, ArrayRef<RuntimeValue> arguments,
                  HeldValues &held) {
  implementation->restartHolding(&held);
  return implementation->callOnValues(function, arguments);
}
