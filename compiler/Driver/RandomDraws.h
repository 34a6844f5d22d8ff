//===- RandomDraws.h - Random numbers of a model as values ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model that draws can be checked from outside only if its draws are known.
// So the draws of a model's function can be made results of it, or inputs.
//
// They are named `random.0`, `random.1` ... in the order of the program's text,
// one name for each random stream: each `sample` that is written. A stream that
// the time loop draws from at every step is a value per step; one that is drawn
// from outside of the loop only is a value per sample. Where the initial state
// uses the same stream as the loop, at its first step say, it sees the same
// numbers: there is one array for both.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_RANDOMDRAWS_H
#define COMPILER_DRIVER_RANDOMDRAWS_H

#include "loco/Expected.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>
#include <vector>

namespace loco {

/// The draws from one stream.
struct RandomDraw {
  std::string name;
  bool isNormal = false;
  bool perStep = false;
  /// Of one step.
  mlir::RankedTensorType type;
  /// Where the program draws.
  mlir::Location location;
};

/// Where the random numbers of a model come from.
enum class DrawMode {
  /// From the generator.
  Generated,
  /// From the generator; they are results of role `probe`, too.
  Recorded,
  /// From inputs; the random key is not used.
  Given,
};

/// The draws of `function`. An error for those inside of a loop in the time
/// loop, which have no name.
Expected<std::vector<RandomDraw>> listDraws(mlir::func::FuncOp function);

/// Changes `function` to the mode.
Status applyDrawMode(mlir::func::FuncOp function, DrawMode mode);

} // namespace loco

#endif // COMPILER_DRIVER_RANDOMDRAWS_H
