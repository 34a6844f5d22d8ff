//===- DeviceDialect.cpp - The device dialect -----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Device/IR/DeviceOps.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace loco::device;

#include "dialects/Device/IR/DeviceOpsDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Device/IR/DeviceOps.cpp.inc"

void DeviceDialect::initialize() {
  // Addresses are of its types.
  getContext()->loadDialect<LLVM::LLVMDialect>();
  addOperations<
#define GET_OP_LIST
#include "dialects/Device/IR/DeviceOps.cpp.inc"
      >();
}

LogicalResult MultiplyOp::verify() {
  auto left = cast<VectorType>(getLeft().getType());
  auto right = cast<VectorType>(getRight().getType());
  if (left.getElementType() != right.getElementType())
    return emitOpError("multiplies ")
           << left.getElementType() << " by " << right.getElementType();
  return success();
}
