//===- InnerLoops.h - Loops of models inside of a model ---------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_IRGEN_INNERLOOPS_H
#define COMPILER_IRGEN_INNERLOOPS_H

#include "compiler/IRGen/TimeLoop.h"
#include <map>

namespace loco::irgen {

/// Emits each loop where something of it is read first, before the time loop.
class InnerLoops {
public:
  InnerLoops(const Context &context, mlir::OpBuilder &builder)
      : context(context), builder(builder) {}

  /// Emits what loops of models inside and the time loop, which is made of
  /// `roots`, would both compute at each step, once for both.
  void share(llvm::ArrayRef<const sema::Node *> roots,
             const LoopSurroundings &around);
  const llvm::DenseMap<const sema::Node *, mlir::Value> &getShared() const {
    return shared;
  }
  /// A state after the last step.
  mlir::Value getFinal(const sema::Node &node, const LoopSurroundings &around);
  /// A value of each step, stacked.
  mlir::Value getOutput(const sema::Node &node, const LoopSurroundings &around);

private:
  TimeLoop &get(const sema::InnerLoop &loop, const LoopSurroundings &around);

  const Context &context;
  mlir::OpBuilder &builder;
  std::map<const sema::InnerLoop *, TimeLoop> emitted;
  llvm::DenseMap<const sema::Node *, mlir::Value> shared;
};

} // namespace loco::irgen

#endif // COMPILER_IRGEN_INNERLOOPS_H
