//===- LocoOps.h - Operations of the loco dialect ---------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_LOCO_IR_LOCOOPS_H
#define DIALECTS_LOCO_IR_LOCOOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Loco/IR/LocoOpsDialect.h.inc"

#include "dialects/Loco/IR/LocoOpsEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Loco/IR/LocoOpsAttributes.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Loco/IR/LocoOpsTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Loco/IR/LocoOps.h.inc"

namespace loco {

/// The type of one step of a stacked value: `tensor<?x8xf32>` to
/// `tensor<8xf32>`.
mlir::RankedTensorType getStepType(mlir::Type stacked);

/// The type of a value stacked over time: `tensor<8xf32>` to `tensor<?x8xf32>`.
mlir::RankedTensorType getStackedType(mlir::Type step);

/// True if `op` computes every element of its results from the same element of
/// its operands, and from nothing else: arith and math on tensors, sigmoid, ...
bool isElementwise(mlir::Operation *op);

} // namespace loco

#endif // DIALECTS_LOCO_IR_LOCOOPS_H
