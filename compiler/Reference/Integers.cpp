//===- Integers.cpp - Indices, masks and labels in the interpreter --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/Evaluation.h"
#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace loco;
using namespace loco::reference;

/// `value` as an integer of the width of the element type: an `i1` as 0 or 1,
/// others signed.
static int64_t wrapTo(Type type, int64_t value) {
  Type element = getElementTypeOrSelf(type);
  unsigned width = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  if (width == 1)
    return value & 1;
  return width < 64 ? llvm::SignExtend64(value, width) : value;
}

/// Applies `function` to pairs of integers, in an index or in tensors.
static LogicalResult
evaluateBinary(Evaluation &evaluation,
               llvm::function_ref<int64_t(int64_t, int64_t)> function) {
  Type type = evaluation.getOp()->getResult(0).getType();
  auto apply = [&](double x, double y) {
    return static_cast<double>(wrapTo(type, function(x, y)));
  };
  if (std::holds_alternative<int64_t>(evaluation.getOperand(0)))
    return evaluation.setResult(
        0,
        wrapTo(type, function(evaluation.getIndex(0), evaluation.getIndex(1))));
  const Array &x = evaluation.getArray(0), &y = evaluation.getArray(1);
  if (x.shape != y.shape)
    return evaluation.emitError() << "combines shapes [" << ArrayRef(x.shape)
                                  << "] and [" << ArrayRef(y.shape) << "]";
  Array result = makeArray(x.shape);
  for (size_t i = 0; i < x.values.size(); ++i)
    result.values[i] = apply(x.values[i], y.values[i]);
  return evaluation.setResult(0, std::move(result));
}

template <typename OpTy, typename Function>
static void addBinary(HandlerTable &table, MLIRContext *context,
                      Function function) {
  addHandler<OpTy>(table, context, [function](Evaluation &evaluation) {
    return evaluateBinary(evaluation, function);
  });
}

/// Adds an op that is undefined where its right operand is 0.
template <typename OpTy, typename Function>
static void addDivision(HandlerTable &table, MLIRContext *context,
                        Function function) {
  addHandler<OpTy>(table, context,
                   [function](Evaluation &evaluation) -> LogicalResult {
                     bool zero = false;
                     LogicalResult result =
                         evaluateBinary(evaluation, [&](int64_t x, int64_t y) {
                           // -1 overflows for the least x only, and then as a
                           // negation does.
                           zero |= y == 0;
                           return y == 0 ? 0 : function(x, y);
                         });
                     if (zero)
                       return evaluation.emitError() << "divides by zero";
                     return result;
                   });
}

static int64_t compare(arith::CmpIPredicate predicate, int64_t x, int64_t y) {
  using enum arith::CmpIPredicate;
  auto a = static_cast<uint64_t>(x), b = static_cast<uint64_t>(y);
  switch (predicate) {
  case eq:
    return x == y;
  case ne:
    return x != y;
  case slt:
    return x < y;
  case sle:
    return x <= y;
  case sgt:
    return x > y;
  case sge:
    return x >= y;
  case ult:
    return a < b;
  case ule:
    return a <= b;
  case ugt:
    return a > b;
  case uge:
    return a >= b;
  }
  llvm_unreachable("all predicates are listed");
}

/// Turns integers of an index or a tensor into what `function` makes of them.
template <typename OpTy, typename Function>
static void addConversion(HandlerTable &table, MLIRContext *context,
                          Function function) {
  addHandler<OpTy>(
      table, context, [function](Evaluation &evaluation) -> LogicalResult {
        Type from = evaluation.getOp()->getOperand(0).getType();
        Type to = evaluation.getOp()->getResult(0).getType();
        if (std::holds_alternative<int64_t>(evaluation.getOperand(0))) {
          if (isa<FloatType>(to))
            return evaluation.setResult(
                0, Array{{},
                         {double(function(evaluation.getIndex(0), from, to))}});
          return evaluation.setResult(
              0, Cell(int64_t(function(evaluation.getIndex(0), from, to))));
        }
        const Array &x = evaluation.getArray(0);
        Array result = makeArray(x.shape);
        for (size_t i = 0; i < x.values.size(); ++i)
          result.values[i] =
              function(static_cast<int64_t>(x.values[i]), from, to);
        return evaluation.setResult(0, std::move(result));
      });
}

/// An integer as the unsigned number of the same bits; an `i1` is one already.
static uint64_t asUnsigned(int64_t x, Type from) {
  Type element = getElementTypeOrSelf(from);
  unsigned width = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return width < 64 ? x & llvm::maskTrailingOnes<uint64_t>(width) : x;
}

/// An integer as a signed number: an `i1` that is set is -1.
static int64_t asSigned(int64_t x, Type from) {
  return getElementTypeOrSelf(from).isInteger(1) ? -x : x;
}

static void addConversions(HandlerTable &table, MLIRContext *context) {
  auto toUnsigned = [](int64_t x, Type from, Type to) {
    return asUnsigned(x, from);
  };
  auto toSigned = [](int64_t x, Type from, Type to) {
    return asSigned(x, from);
  };
  addConversion<arith::UIToFPOp>(table, context, toUnsigned);
  addConversion<arith::SIToFPOp>(table, context, toSigned);
  addConversion<arith::ExtUIOp>(table, context, toUnsigned);
  addConversion<arith::ExtSIOp>(table, context, toSigned);
  auto toWidth = [](int64_t x, Type from, Type to) {
    return wrapTo(to, asSigned(x, from));
  };
  addConversion<arith::TruncIOp>(table, context, toWidth);
  addConversion<arith::IndexCastOp>(table, context, toWidth);
}

void reference::addIntegerHandlers(HandlerTable &table, MLIRContext *context) {
  // Sums and products wrap around: they are taken unsigned.
  addBinary<arith::AddIOp>(table, context,
                           [](uint64_t x, uint64_t y) { return x + y; });
  addBinary<arith::SubIOp>(table, context,
                           [](uint64_t x, uint64_t y) { return x - y; });
  addBinary<arith::MulIOp>(table, context,
                           [](uint64_t x, uint64_t y) { return x * y; });
  addBinary<arith::AndIOp>(table, context,
                           [](int64_t x, int64_t y) { return x & y; });
  addBinary<arith::OrIOp>(table, context,
                          [](int64_t x, int64_t y) { return x | y; });
  addBinary<arith::XOrIOp>(table, context,
                           [](int64_t x, int64_t y) { return x ^ y; });
  addBinary<arith::MaxSIOp>(
      table, context, [](int64_t x, int64_t y) { return std::max(x, y); });
  addBinary<arith::MinSIOp>(
      table, context, [](int64_t x, int64_t y) { return std::min(x, y); });
  addDivision<arith::DivSIOp>(table, context, [](int64_t x, int64_t y) {
    return y == -1 ? int64_t(-uint64_t(x)) : x / y;
  });
  addDivision<arith::RemSIOp>(
      table, context, [](int64_t x, int64_t y) { return y == -1 ? 0 : x % y; });
  addHandler<arith::CmpIOp>(table, context, [](Evaluation &evaluation) {
    auto predicate = evaluation.getOp<arith::CmpIOp>().getPredicate();
    return evaluateBinary(evaluation, [predicate](int64_t x, int64_t y) {
      return compare(predicate, x, y);
    });
  });
  addConversions(table, context);
}
