//===- LoopPairs.h - A time loop and the one that goes back over it -*- C++ -*-//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AUTODIFF_LOOPPAIRS_H
#define COMPILER_AUTODIFF_LOOPPAIRS_H

#include "dialects/Loco/IR/LocoOps.h"

#include "llvm/ADT/MapVector.h"

namespace loco {

/// A forward loop and the reverse loop that goes back over its steps.
struct LoopPair {
  ScanOp forward, backward;
};

/// The pairs in `op` that reverse mode left and marked, by the number of their
/// marks; those inside of others first.
llvm::MapVector<int64_t, LoopPair> findLoopPairs(mlir::Operation *op);

} // namespace loco

#endif // COMPILER_AUTODIFF_LOOPPAIRS_H
