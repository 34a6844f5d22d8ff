//===- DeviceOps.h - What kernels of a GPU do beyond gpu --------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_DEVICE_IR_DEVICEOPS_H
#define DIALECTS_DEVICE_IR_DEVICEOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Device/IR/DeviceOpsDialect.h.inc"

#define GET_OP_CLASSES
#include "dialects/Device/IR/DeviceOps.h.inc"

#endif // DIALECTS_DEVICE_IR_DEVICEOPS_H
