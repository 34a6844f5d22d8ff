//===- Services.cpp - What generated code calls ---------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/kernels/Blas.h"
#include "runtime/lib/kernels/Team.h"
#include "runtime/lib/kernels/Tiles.h"

#include "loco-c/kernel.h"
#include "loco-c/random.h"

namespace {

void meet(const LocoBlock *block) {
  if (block->team)
    static_cast<loco::KernelTeam *>(block->team)->meet(block->member);
}

template <typename T, auto Uniform, auto Normal>
void random(const LocoBlock *block, int32_t normal, uint64_t stream,
            int64_t sample, int64_t step, int64_t count, T *out) {
  LocoRandomKey key = {block->seed, stream, block->update};
  uint64_t index = block->sampleIndex ? block->sampleIndex[sample] : 0;
  (normal ? Normal : Uniform)(&key, index, static_cast<uint32_t>(step), count,
                              out);
}

} // namespace

extern "C" const LocoServices *locoKernelServices(void) {
  static const LocoServices services = [] {
    const loco::Blas &blas = loco::Blas::process();
    LocoServices filled = {};
    filled.gemmF32 = blas.gemmF32;
    filled.gemmF64 = blas.gemmF64;
    filled.randomF32 = random<float, locoRandomUniform, locoRandomNormal>;
    filled.randomF64 =
        random<double, locoRandomUniformF64, locoRandomNormalF64>;
    filled.meet = meet;
    const loco::TileProducts &tiles = loco::TileProducts::process();
    filled.gemmTiles = tiles.gemm;
    filled.packTiles = tiles.pack;
    filled.multiplyTiles = tiles.multiply;
    return filled;
  }();
  return &services;
}

extern "C" const char *locoKernelBlasName(void) {
  return loco::Blas::process().name.c_str();
}

extern "C" int locoKernelBlasIsSlow(void) { return loco::Blas::process().slow; }

extern "C" int locoKernelHasTiles(void) {
  return loco::TileProducts::process().gemm != nullptr;
}
