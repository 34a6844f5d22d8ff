//===- Passes.h - Passes from the dialect to itself -------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_LOCO_TRANSFORMS_PASSES_H
#define DIALECTS_LOCO_TRANSFORMS_PASSES_H

#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/Pass/Pass.h"

namespace loco {

#define GEN_PASS_DECL
#include "dialects/Loco/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dialects/Loco/Transforms/Passes.h.inc"

} // namespace loco

#endif // DIALECTS_LOCO_TRANSFORMS_PASSES_H
