//===- RandomSites.h - Draws of a part of a field ---------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef RUNTIME_LIB_RANDOMSITES_H
#define RUNTIME_LIB_RANDOMSITES_H

#include "loco-c/random.h"

namespace loco::random {

/// Draws for sites `first` to first + count - 1, as locoRandomNormalF64 or
/// locoRandomUniformF64 give them. `first` is a multiple of 4.
void drawSites(const LocoRandomKey &key, bool isNormal, uint64_t sample,
               uint32_t step, int64_t first, int64_t count, double *out);

} // namespace loco::random

#endif // RUNTIME_LIB_RANDOMSITES_H
