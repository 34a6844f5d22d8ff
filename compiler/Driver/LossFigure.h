//===- LossFigure.h - The losses of a run, drawn ----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_LOSSFIGURE_H
#define COMPILER_DRIVER_LOSSFIGURE_H

#include "loco/Expected.h"

#include <string>

namespace loco {

/// Draws the losses in the file `metrics` over the updates, and those of
/// validations where there are any, to `figure`. Without a loss there is no
/// figure.
Status drawLosses(const std::string &metrics, const std::string &figure);

} // namespace loco

#endif // COMPILER_DRIVER_LOSSFIGURE_H
