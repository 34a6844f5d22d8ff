//===- SummedTerms.h - Sums of products as products of their own *- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A weight that a step uses several times, as in the stages of a solver, has a
// gradient that is the sum of as many outer products. Each of them can be one
// matrix product over all steps, but only if the loop sums it by itself.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_LOCO_TRANSFORMS_SUMMEDTERMS_H
#define DIALECTS_LOCO_TRANSFORMS_SUMMEDTERMS_H

#include "dialects/Loco/IR/LocoOps.h"

namespace loco {

/// Sums over the steps of `scan` whose terms are outer products of at least
/// `threshold` multiplications, and other values, become a sum for each such
/// product and one for the others, added up behind the loop. The loop that
/// there is then: `scan` itself if nothing was divided.
ScanOp separateSummedProducts(ScanOp scan, int64_t threshold);

} // namespace loco

#endif // DIALECTS_LOCO_TRANSFORMS_SUMMEDTERMS_H
