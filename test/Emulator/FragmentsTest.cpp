//===- FragmentsTest.cpp - Where a lane's numbers stand in a matrix -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The emulator's fragments against MLIR's, which follow the PTX manual, and its
// rounding at numbers half way between two. Says what differs, returns 1.
//
// RUN: loco-test-fragments
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/Fragments.h"

#include "mlir/Dialect/NVGPU/Utils/MMAUtils.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/raw_ostream.h"

#include <bit>

using namespace mlir;
using namespace loco::emulation;
using nvgpu::MatMulOperandRole;

static bool isGood = true;

static void expect(bool holds, const llvm::Twine &what) {
  if (holds)
    return;
  llvm::outs() << what << "\n";
  isGood = false;
}

/// Compares all numbers of a matrix of `type`, `each` of them in a register.
static void checkLayout(MLIRContext &context, VectorType type,
                        MatMulOperandRole role, int each, int registers) {
  OpBuilder b(&context);
  Location loc = b.getUnknownLoc();
  FailureOr<AffineMap> map =
      nvgpu::getLaneIdAndValueIdToOperandCoord(b, loc, {type, role});
  if (failed(map))
    return expect(false, "MLIR knows no such fragment");
  bool isHalf = each == 2;
  for (int lane = 0; lane < 32; ++lane)
    for (int value = 0; value < each * registers; ++value) {
      SmallVector<int64_t> theirs =
          map->compose(ArrayRef<int64_t>{lane, value});
      int number = value / each, half = value % each;
      FragmentPlace ours = role == MatMulOperandRole::A
                               ? placeOfLeft(isHalf, lane, number, half)
                           : role == MatMulOperandRole::B
                               ? placeOfRight(isHalf, lane, number, half)
                               : placeOfSum(lane, value);
      // MLIR counts the right matrix by columns.
      if (role == MatMulOperandRole::B)
        std::swap(ours.row, ours.column);
      expect(theirs[0] == ours.row && theirs[1] == ours.column,
             "lane " + llvm::Twine(lane) + ", number " + llvm::Twine(value) +
                 ": row " + llvm::Twine(ours.row) + ", column " +
                 llvm::Twine(ours.column) + "; expected " +
                 llvm::Twine(theirs[0]) + ", " + llvm::Twine(theirs[1]));
    }
}

int main() {
  MLIRContext context;
  OpBuilder b(&context);
  // MLIR has no bf16 here; the manual has one layout for both of 16 bits.
  Type f32 = b.getF32Type(), half = b.getF16Type();
  checkLayout(context, VectorType::get({16, 8}, f32), MatMulOperandRole::A, 1,
              4);
  checkLayout(context, VectorType::get({8, 8}, f32), MatMulOperandRole::B, 1,
              2);
  checkLayout(context, VectorType::get({16, 16}, half), MatMulOperandRole::A, 2,
              4);
  checkLayout(context, VectorType::get({8, 16}, half), MatMulOperandRole::B, 2,
              2);
  // Sums: two to a column pair, four to a lane.
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      FragmentPlace place = placeOfSum(lane, i);
      expect(place.row == lane / 4 + i / 2 * 8 &&
                 place.column == lane % 4 * 2 + i % 2,
             "sum " + llvm::Twine(i) + " of lane " + llvm::Twine(lane));
    }

  // To even, and away from zero.
  expect(roundToBF16(std::bit_cast<float>(0x3f808000u)) == 0x3f80, "bf16 tie");
  expect(roundToBF16(std::bit_cast<float>(0x3f818000u)) == 0x3f82, "bf16 tie");
  expect(roundToBF16(std::bit_cast<float>(0x3f808001u)) == 0x3f81, "bf16 up");
  auto tf32 = [](uint32_t bits) {
    return std::bit_cast<uint32_t>(roundToTF32(std::bit_cast<float>(bits)));
  };
  expect(tf32(0x3f801000u) == 0x3f802000u, "tf32 tie");
  expect(tf32(0xbf801000u) == 0xbf802000u, "tf32 tie below zero");
  expect(tf32(0x3f800fffu) == 0x3f800000u, "tf32 down");
  expect(tf32(0x7f800000u) == 0x7f800000u, "tf32 of infinity");
  if (isGood)
    llvm::outs() << "fragments agree\n";
  return isGood ? 0 : 1;
}
