//===- Tiles.h - Matrix products on AMX -------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// AMX multiplies tiles of 16 rows by 32 numbers of bf16, of eight significant
// bits, and adds up in f32. A number of f32 is the sum of three such numbers,
// its *pieces*; the product of two numbers is the sum of six products of
// pieces, those left out being smaller than f32's rounding. So six tile
// products do what an f32 unit would, with the error of an f32 sum, and faster.
// Two pieces (three products) keep 16 bits of each number, one piece eight.
//
// Rows and matrix are brought into tiles first (TilePacking.h): either is read
// many times afterwards.
//
//===----------------------------------------------------------------------===//

#ifndef RUNTIME_LIB_KERNELS_TILES_H
#define RUNTIME_LIB_KERNELS_TILES_H

#include "loco-c/kernel.h"

namespace loco {

/// What LocoServices says of the functions of these names. Null where the
/// processor has no AMX, or the system does not let this process use it.
struct TileProducts {
  decltype(LocoServices::gemmTiles) gemm = nullptr;
  decltype(LocoServices::packTiles) pack = nullptr;
  decltype(LocoServices::multiplyTiles) multiply = nullptr;

  /// Asks the system at the first call.
  static const TileProducts &process();
};

} // namespace loco

#endif // RUNTIME_LIB_KERNELS_TILES_H
