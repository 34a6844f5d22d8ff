//===- Builtins.h - Functions that are part of the language -----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What cannot be written in loco itself. Everything else is in `stdlib`.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_BUILTINS_H
#define COMPILER_SEMA_BUILTINS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace loco::sema {

enum class Builtin {
  // Elementwise functions of one value.
  Tanh,
  Sigmoid,
  Softplus,
  Relu,
  Exp,
  Log,
  Sin,
  Cos,
  Sqrt,
  Abs,
  Floor,
  StopGradient,
  // Of several.
  Atan2,
  Clamp,
  Select,
  // Elementwise with two values, a reduction with one.
  Min,
  Max,
  // Reductions.
  Sum,
  Mean,
  // Shapes.
  Reshape,
  Concat,
  Upsample,
  AveragePool,
  Outer,
  // Time.
  First,
  Last,
  Next,
  // Distributions and losses.
  Gaussian,
  Sample,
  Kl,
  Bernoulli,
  CrossEntropy,
  OneHot,
  // Numbers of a space.
  Sites,
  Channels,
  // Numbers of its sites.
  Rows,
  Columns,
  Positions,
  // Models over sequences.
  Outputs,
  Final,
  Reverse,
  // Derivatives.
  Grad,
};

struct BuiltinForm {
  llvm::StringRef name;
  Builtin builtin;
  unsigned least, most;
};

llvm::ArrayRef<BuiltinForm> getBuiltins();
const BuiltinForm *findBuiltin(llvm::StringRef name);
inline bool isBuiltin(llvm::StringRef name) { return findBuiltin(name); }

} // namespace loco::sema

#endif // COMPILER_SEMA_BUILTINS_H
