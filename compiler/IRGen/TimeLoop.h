//===- TimeLoop.h - Steps of a model as a scan ------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_IRGEN_TIMELOOP_H
#define COMPILER_IRGEN_TIMELOOP_H

#include "compiler/IRGen/Emitter.h"

namespace loco::irgen {

/// What the time loops of a function take from around them.
struct LoopSurroundings {
  Emitter &outside;
  mlir::Value steps;
  mlir::Value key;
  /// An input over all steps, as an argument of the function.
  std::function<mlir::Value(const sema::Input &)> getInput;
  /// The values over all steps of an output of another loop.
  std::function<mlir::Value(const sema::Node &)> getOutput;
  /// Values of each step that are made before, over all steps.
  const llvm::DenseMap<const sema::Node *, mlir::Value> &stacked;
};

/// A loop to build: what it carries, what it hands out.
struct TimeLoop {
  /// States with their values before the loop.
  llvm::SmallVector<const sema::State *> carries;
  llvm::SmallVector<mlir::Value> initials;
  /// Values of each step to keep.
  llvm::SmallVector<const sema::Node *> stacks;
  /// Values of each step to add up.
  llvm::SmallVector<const sema::Node *> sums;
  /// The sum that leaves out the last step, if any.
  const sema::Node *skipsLast = nullptr;
  bool isReverse = false;
  /// How many steps are run; null for all of them.
  mlir::Value taken;

  // Made by `emit`, in the order of the lists above.
  llvm::SmallVector<mlir::Value> finals, stacked, totals;

  void emit(const Context &context, mlir::OpBuilder &builder,
            const LoopSurroundings &around);
};

} // namespace loco::irgen

#endif // COMPILER_IRGEN_TIMELOOP_H
