//===- EmitGradient.cpp - Derivatives of a model's graph to ops -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/IRGen/Emitter.h"
#include "dialects/Loco/IR/LocoOps.h"

using namespace mlir;
using namespace loco;
using namespace loco::irgen;
using sema::Node;

/// The body is emitted from the nodes that depend on the variable; what they
/// use besides is held.
Value Emitter::emitGradient(const Node &node) {
  SmallVector<Value> operands;
  for (const Node *operand : node.operands)
    operands.push_back(values.lookup(operand));
  Location loc = context.getLoc(node.range);
  auto gradient =
      GradientOp::create(builder, loc, ArrayRef(operands).take_front(),
                         ArrayRef(operands).drop_front());

  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(gradient.getBlock());
  Emitter inside(context, builder, [](const Node &) -> Value {
    llvm_unreachable("a gradient's body has no sources");
  });
  // The body stands inside of the same loops as the gradient.
  inside.isInIterate = true;
  inside.bind(node.variable, gradient.getVariableArguments().front());
  for (auto [operand, argument] : llvm::zip(llvm::drop_begin(node.operands),
                                            gradient.getConstantArguments()))
    inside.bind(operand, argument);
  Value scalar = inside.emit(node.body);
  YieldOp::create(builder, loc, ValueRange(), ValueRange(), scalar);
  return gradient.getGradients().front();
}
