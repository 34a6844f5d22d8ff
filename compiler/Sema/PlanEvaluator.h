//===- PlanEvaluator.h - Expressions of run blocks --------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_PLANEVALUATOR_H
#define COMPILER_SEMA_PLANEVALUATOR_H

#include "compiler/Sema/ModelBuilder.h"

namespace loco::sema {

/// `train`, `analyze`, `simulate`.
llvm::StringRef getVerbName(ast::RunDecl::Verb verb);

/// Evaluates the expressions of one run block to plain data. What belongs to
/// the model becomes a result of it.
class PlanEvaluator {
public:
  PlanEvaluator(ast::RunDecl::Verb verb, ModelBuilder &builder)
      : verb(verb), builder(builder), elaborator(builder.getElaborator()) {}

  /// Results that are made from here on are called after `newLabel`.
  void setLabel(std::string newLabel) {
    label = std::move(newLabel);
    numProbes = 0;
  }

  /// `isOutermost` allows a bare name for a call, as in `optimizer adam`;
  /// `isCall` takes a call for what it says also if there is a function of that
  /// name, as in `clip norm(1)`.
  std::optional<PlanValue> evaluateValue(const ast::Expr *expr,
                                         bool isOutermost, bool isCall = false);
  std::optional<PlanValue> evaluateModelValue(const ast::Expr *expr);
  std::optional<PlanValue> evaluateEvery(const ast::Expr *every);
  /// True if a name in the expression belongs to the model.
  bool mentionsModel(const ast::Expr *expr);

private:
  // Systems.cpp
  const ast::Decl *findSystem(llvm::StringRef name);
  std::optional<PlanValue> evaluateSystem(const ast::CallExpr &call);

  std::optional<PlanValue> evaluateCall(const ast::CallExpr &call);
  std::optional<PlanValue> evaluateConstant(const ast::Expr *expr);
  /// True if the number is an angle: it was written in degrees, here or where a
  /// constant is declared.
  bool mentionsDegrees(const ast::Expr *expr);

  ast::RunDecl::Verb verb;
  ModelBuilder &builder;
  Elaborator &elaborator;
  std::string label;
  unsigned numProbes = 0;
};

} // namespace loco::sema

#endif // COMPILER_SEMA_PLANEVALUATOR_H
