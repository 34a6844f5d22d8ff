//===- Evaluation.h - What the interpreter's families of ops share *- C++ -*-=//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function's values are numbered once and live in one dense table, the frame;
// values inside of regions have slots of the same frame. Each op kind has one
// handler, which reads the slots of operands and writes those of results.
// Arrays are shared and never changed after they are written, so handing a
// value on costs nothing.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_REFERENCE_EVALUATION_H
#define COMPILER_REFERENCE_EVALUATION_H

#include "compiler/Reference/Interpreter.h"

#include "llvm/ADT/DenseMap.h"

#include <functional>

namespace loco::reference {

using ArrayPointer = std::shared_ptr<const Array>;

/// What a slot of a frame holds.
using Cell = std::variant<int64_t, ArrayPointer, RandomKey>;
using Frame = std::vector<Cell>;

class Evaluation;
using Handler = std::function<mlir::LogicalResult(Evaluation &)>;

/// An op with the slots of its operands and results.
struct Instruction {
  mlir::Operation *op;
  const Handler *handler;
  llvm::SmallVector<unsigned, 4> operands, results;
};

/// A block with the slots of its arguments and of what its terminator hands on.
struct Code {
  llvm::SmallVector<unsigned> arguments;
  std::vector<Instruction> instructions;
  llvm::SmallVector<unsigned> yields;
};

/// Runs what a handler cannot run by itself.
class Machine {
public:
  virtual ~Machine() = default;
  /// Runs the ops of a block whose argument slots are filled.
  virtual mlir::LogicalResult run(const Code &code, Frame &frame) = 0;
  /// The code of a block of the function being run.
  virtual const Code &getCode(mlir::Block &block) = 0;
  /// Calls a function on cells; `op` is where a mistake is reported.
  virtual mlir::FailureOr<llvm::SmallVector<Cell>>
  call(mlir::Operation *op, llvm::StringRef function,
       llvm::ArrayRef<Cell> arguments) = 0;
};

/// One execution of one op.
class Evaluation {
public:
  Evaluation(const Instruction &instruction, Frame &frame, Machine &machine)
      : frame(frame), machine(machine), instruction(instruction) {}

  mlir::Operation *getOp() const { return instruction.op; }
  template <typename OpTy>
  OpTy getOp() const {
    return llvm::cast<OpTy>(instruction.op);
  }
  mlir::InFlightDiagnostic emitError() const {
    return instruction.op->emitOpError();
  }

  unsigned getNumOperands() const { return instruction.operands.size(); }
  const Cell &getOperand(unsigned i) const {
    return frame[instruction.operands[i]];
  }
  const Array &getArray(unsigned i) const {
    return *std::get<ArrayPointer>(getOperand(i));
  }
  int64_t getIndex(unsigned i) const {
    return std::get<int64_t>(getOperand(i));
  }

  /// Writes a result; fails if an array's shape contradicts the result's type.
  mlir::LogicalResult setResult(unsigned i, Cell cell);
  mlir::LogicalResult setResult(unsigned i, Array array) {
    return setResult(i, Cell(std::make_shared<const Array>(std::move(array))));
  }

  Frame &frame;
  Machine &machine;

private:
  const Instruction &instruction;
};

/// The handlers of all ops, by name.
using HandlerTable = llvm::DenseMap<mlir::OperationName, Handler>;

/// Adds the handler of one op.
template <typename OpTy>
void addHandler(HandlerTable &table, mlir::MLIRContext *context,
                Handler handler) {
  table[mlir::OperationName(OpTy::getOperationName(), context)] =
      std::move(handler);
}

void addElementwiseHandlers(HandlerTable &table, mlir::MLIRContext *context);
void addIntegerHandlers(HandlerTable &table, mlir::MLIRContext *context);
void addShapeHandlers(HandlerTable &table, mlir::MLIRContext *context);
void addBilinearHandlers(HandlerTable &table, mlir::MLIRContext *context);
void addSourceHandlers(HandlerTable &table, mlir::MLIRContext *context);
void addRegionHandlers(HandlerTable &table, mlir::MLIRContext *context);
void addGradientHandler(HandlerTable &table, mlir::MLIRContext *context);

/// True if `shape` is one that `type` allows.
bool matches(mlir::Type type, llvm::ArrayRef<int64_t> shape);

/// Number of elements of a shape.
int64_t getSize(llvm::ArrayRef<int64_t> shape);

/// Distance in memory of neighbours along each axis, in row-major order.
llvm::SmallVector<int64_t> getStrides(llvm::ArrayRef<int64_t> shape);

/// An array of zeros.
Array makeArray(llvm::ArrayRef<int64_t> shape);

/// Calls `body` with the place of every element of a box in two arrays, given
/// their strides, in row-major order of the box.
template <typename Body>
void forEachPair(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> first,
                 llvm::ArrayRef<int64_t> second, Body body) {
  llvm::SmallVector<int64_t> index(shape.size(), 0);
  int64_t a = 0, b = 0;
  for (int64_t left = getSize(shape); left > 0; --left) {
    body(a, b);
    for (int64_t axis = static_cast<int64_t>(shape.size()) - 1; axis >= 0;
         --axis) {
      a += first[axis];
      b += second[axis];
      if (++index[axis] < shape[axis])
        break;
      a -= first[axis] * shape[axis];
      b -= second[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

} // namespace loco::reference

#endif // COMPILER_REFERENCE_EVALUATION_H
