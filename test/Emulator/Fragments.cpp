//===- Fragments.cpp - Matrix products of a warp --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/Fragments.h"

#include <bit>
#include <cmath>

using namespace loco;
using namespace loco::emulation;

static constexpr int rows = 16, columns = 8, mostInner = 16;

FragmentPlace emulation::placeOfLeft(bool isHalf, int lane, int number,
                                     int half) {
  // Registers: upper and lower eight rows of the left, then of the right half.
  int group = lane >> 2, inGroup = lane & 3;
  int row = number & 1 ? group + 8 : group;
  if (!isHalf)
    return {row, number < 2 ? inGroup : inGroup + 4};
  int column = 2 * inGroup + half;
  return {row, number < 2 ? column : column + 8};
}

FragmentPlace emulation::placeOfRight(bool isHalf, int lane, int number,
                                      int half) {
  int group = lane >> 2, inGroup = lane & 3;
  if (!isHalf)
    return {number == 0 ? inGroup : inGroup + 4, group};
  return {2 * inGroup + half + (number == 0 ? 0 : 8), group};
}

FragmentPlace emulation::placeOfSum(int lane, int number) {
  int group = lane >> 2, inGroup = lane & 3;
  return {number < 2 ? group : group + 8, 2 * inGroup + (number & 1)};
}

/// What is multiplied of a register: the bits below are not looked at.
static float numberOf(uint32_t bits, bool isHalf, int half) {
  if (!isHalf)
    return std::bit_cast<float>(bits & 0xffffe000u);
  return std::bit_cast<float>((half ? bits >> 16 : bits & 0xffff) << 16);
}

/// Towards zero, as sums of tensor cores are.
static float truncated(double value) {
  float nearest = static_cast<float>(value);
  if (std::isfinite(nearest) && std::abs(nearest) > std::abs(value))
    return std::nextafter(nearest, 0.0f);
  return nearest;
}

void emulation::multiply(const std::array<Fragments *, 32> &lanes) {
  bool isHalf = lanes[0]->isHalf;
  int inner = isHalf ? 16 : 8, halves = isHalf ? 2 : 1;
  float left[rows][mostInner], right[mostInner][columns];
  for (int lane = 0; lane < 32; ++lane)
    for (int half = 0; half < halves; ++half) {
      for (int i = 0; i < 4; ++i) {
        auto [row, column] = placeOfLeft(isHalf, lane, i, half);
        left[row][column] = numberOf(lanes[lane]->left[i], isHalf, half);
      }
      for (int i = 0; i < 2; ++i) {
        auto [row, column] = placeOfRight(isHalf, lane, i, half);
        right[row][column] = numberOf(lanes[lane]->right[i], isHalf, half);
      }
    }
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      auto [row, column] = placeOfSum(lane, i);
      double sum = lanes[lane]->sum[i];
      for (int k = 0; k < inner; ++k)
        sum += double(left[row][k]) * right[k][column];
      lanes[lane]->sum[i] = truncated(sum);
    }
}

uint16_t emulation::roundToBF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value))
    return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

float emulation::roundToTF32(float value) {
  if (!std::isfinite(value))
    return value;
  return std::bit_cast<float>((std::bit_cast<uint32_t>(value) + 0x1000) &
                              0xffffe000u);
}
