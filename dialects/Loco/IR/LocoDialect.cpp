//===- LocoDialect.cpp - The loco dialect --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/Bytecode/BytecodeImplementation.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace loco;

#include "dialects/Loco/IR/LocoOpsDialect.cpp.inc"

#include "dialects/Loco/IR/LocoOpsEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Loco/IR/LocoOpsAttributes.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Loco/IR/LocoOpsTypes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Loco/IR/LocoOps.cpp.inc"

namespace {
/// All ops are pure and no region of theirs captures a value, so every call may
/// be replaced by its callee's body.
struct LocoInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Operation *, bool) const final {
    return true;
  }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final {
    return true;
  }
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
};
} // namespace

void LocoDialect::initialize() {
  addInterfaces<LocoInlinerInterface>();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Loco/IR/LocoOpsAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Loco/IR/LocoOpsTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Loco/IR/LocoOps.cpp.inc"
      >();
}

Operation *LocoDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                            Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

RankedTensorType loco::getStepType(Type stacked) {
  auto type = cast<RankedTensorType>(stacked);
  return RankedTensorType::get(type.getShape().drop_front(),
                               type.getElementType());
}

RankedTensorType loco::getStackedType(Type step) {
  auto type = cast<RankedTensorType>(step);
  SmallVector<int64_t> shape = {ShapedType::kDynamic};
  llvm::append_range(shape, type.getShape());
  return RankedTensorType::get(shape, type.getElementType());
}

bool loco::isElementwise(Operation *op) {
  return op->hasTrait<OpTrait::Elementwise>() || isa<StopGradientOp>(op);
}
