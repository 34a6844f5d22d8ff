//===- ModelEmitter.h - The functions of a model ----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_IRGEN_MODELEMITTER_H
#define COMPILER_IRGEN_MODELEMITTER_H

#include "compiler/IRGen/Emitter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace loco::irgen {

/// One argument or result of a function.
struct Slot {
  mlir::Type type;
  mlir::DictionaryAttr attributes;
  mlir::Location loc;
};

/// Emits the functions of one model.
class ModelEmitter {
public:
  ModelEmitter(const Context &context, mlir::OpBuilder &builder)
      : context(context), model(context.model), builder(builder) {}

  // IRGen.cpp
  void emitWhole();
  // StepFunctions.cpp
  void emitInitial();
  void emitValues();
  void emitStart();
  void emitStep();

private:
  // Signatures.cpp
  void begin(llvm::StringRef suffix, llvm::ArrayRef<Slot> arguments,
             llvm::ArrayRef<Slot> results);
  void finish(llvm::ArrayRef<mlir::Value> results);

  Slot makeSlot(llvm::StringRef name, llvm::StringRef role, mlir::Type type,
                SourceRange range, bool perStep = false, int64_t classes = 0);
  Slot makeSlot(const sema::Parameter &parameter, bool stored);
  Slot makeKey();
  Slot makeIndex(llvm::StringRef role);
  void addParameters(llvm::SmallVectorImpl<Slot> &slots);
  void addInputAttributes(const sema::Input &input, Slot &slot);
  void addInputs(llvm::SmallVectorImpl<Slot> &slots, bool stacked);
  void addSolverAttributes(const sema::Solver &solver, Slot &slot);
  mlir::Value getParameter(const sema::Parameter &parameter);
  unsigned getInputNumber(const sema::Input &input);
  mlir::Value emitRandom(const sema::Node &node, mlir::Value key,
                         mlir::Value step);
  mlir::Value makeIndexConstant(int64_t number);
  llvm::SmallVector<const sema::State *> getStates(bool withHidden = true);
  // IRGen.cpp
  mlir::ArrayAttr getStateNames();
  llvm::SmallVector<const sema::Node *> getResultRoots();
  llvm::SmallVector<const sema::Node *> getLoopRoots();

  const Context &context;
  const sema::Model &model;
  mlir::OpBuilder &builder;
  mlir::func::FuncOp function;
};

} // namespace loco::irgen

#endif // COMPILER_IRGEN_MODELEMITTER_H
