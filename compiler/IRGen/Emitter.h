//===- Emitter.h - Nodes of a model's graph to ops --------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emits each node that is asked for once, at the builder's place. What sources
// mean (a parameter, an input at some step, a state) differs between functions
// and time loops, so it is asked of `source`.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_IRGEN_EMITTER_H
#define COMPILER_IRGEN_EMITTER_H

#include "compiler/IRGen/IRGen.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace loco::irgen {

/// What all functions of a model share.
struct Context {
  const sema::Model &model;
  const IRGenOptions &options;
  mlir::FloatType element;

  mlir::RankedTensorType getType(llvm::ArrayRef<int64_t> shape) const;
  mlir::RankedTensorType getType(const sema::Node &node) const;
  /// The type of an input's value at one step, or of the sample.
  mlir::RankedTensorType getType(const sema::Input &input) const;
  mlir::Location getLoc(SourceRange range) const;
  /// The same under the name of a parameter, input or state.
  mlir::Location getLoc(llvm::StringRef name, SourceRange range) const;
};

class Emitter {
public:
  using Source = std::function<mlir::Value(const sema::Node &)>;

  Emitter(const Context &context, mlir::OpBuilder &builder, Source source)
      : context(context), builder(builder), source(std::move(source)) {}

  /// Emits what `nodes` need.
  void emit(llvm::ArrayRef<const sema::Node *> nodes);
  mlir::Value emit(const sema::Node *node) {
    emit(llvm::ArrayRef(node));
    return values.lookup(node);
  }
  /// Takes `value` as that of `node`.
  void bind(const sema::Node *node, mlir::Value value) { values[node] = value; }

private:
  mlir::Value emitNode(const sema::Node &node);
  mlir::Value emitConstant(const sema::Node &node);
  mlir::Value emitUnary(const sema::Node &node, mlir::Value operand);
  mlir::Value emitBinary(const sema::Node &node, mlir::Value lhs,
                         mlir::Value rhs);
  mlir::Value emitCompare(const sema::Node &node, mlir::Value lhs,
                          mlir::Value rhs);
  mlir::Value emitShape(const sema::Node &node);
  mlir::Value emitConv(const sema::Node &node);
  mlir::Value emitStencil(const sema::Node &node);
  mlir::Value emitIterate(const sema::Node &node);
  mlir::Value emitGradient(const sema::Node &node);

  const Context &context;
  mlir::OpBuilder &builder;
  Source source;
  /// Emits the body of a loop inside of a step.
  bool isInIterate = false;
  llvm::DenseMap<const sema::Node *, mlir::Value> values;
};

/// True if a node is as well emitted where it is used: it costs nothing.
bool isLocal(const sema::Node *node);

} // namespace loco::irgen

#endif // COMPILER_IRGEN_EMITTER_H
