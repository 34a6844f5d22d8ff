//===- Fragments.h - Matrix products of a warp ------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What tensor cores do with the registers of a warp's lanes: mma.m16n8k8 of
// tf32 and mma.m16n8k16 of bf16, sums in f32. Where a lane's numbers stand in
// the matrices is written down once more here, not taken from the compiler.
//
//===----------------------------------------------------------------------===//

#ifndef TEST_EMULATOR_FRAGMENTS_H
#define TEST_EMULATOR_FRAGMENTS_H

#include <array>
#include <cstdint>

namespace loco::emulation {

/// Registers of one lane.
struct Fragments {
  std::array<uint32_t, 4> left;
  std::array<uint32_t, 2> right;
  /// After the product: the result.
  std::array<float, 4> sum;
  /// Two bf16 numbers to a register, not one of tf32.
  bool isHalf;
};

/// Row and column of a number of a lane: the `half` one (0 or 1) of register
/// `number`. A register of tf32 has one number.
struct FragmentPlace {
  int row, column;
};
FragmentPlace placeOfLeft(bool isHalf, int lane, int number, int half);
FragmentPlace placeOfRight(bool isHalf, int lane, int number, int half);
FragmentPlace placeOfSum(int lane, int number);

/// Multiplies what the 32 lanes hold.
void multiply(const std::array<Fragments *, 32> &lanes);

/// The upper half of the bits of the bf16 number nearest to `value`; of two the
/// even one.
uint16_t roundToBF16(float value);
/// The number of 11 significant bits nearest to `value`; of two the one further
/// from zero.
float roundToTF32(float value);

} // namespace loco::emulation

#endif // TEST_EMULATOR_FRAGMENTS_H
