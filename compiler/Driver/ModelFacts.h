//===- ModelFacts.h - What a run needs to know of a model -------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of a checked model that is left when its equations have become
// code. It is kept with the code (ProgramImage.h), so a run that compiles
// nothing has no `sema::Model`: what a run, an analysis or a simulation asks
// about a model must stand here.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_MODELFACTS_H
#define COMPILER_DRIVER_MODELFACTS_H

#include "compiler/Sema/Model.h"

namespace loco {

/// A state, a decode or a probe.
struct ValueFacts {
  std::string name;
  /// Nothing for what lives on no space.
  std::optional<sema::Space> space;
  /// A state that holds phases.
  bool isAngle = false;
};

struct ModelFacts {
  std::string name;
  /// Its outputs are data; runs in f64 always.
  bool isSystem = false;
  /// Time that a step lasts, if it is known before the run; else 0.
  double interval = 0;
  /// States, then results.
  std::vector<ValueFacts> values;
  /// Learned parameters that are the relu of their stored tensor: its name.
  std::vector<std::string> reluParameters;

  /// Null if there is none.
  const ValueFacts *findValue(llvm::StringRef name) const;
};

ModelFacts describeModel(const sema::Model &model);

} // namespace loco

#endif // COMPILER_DRIVER_MODELFACTS_H
