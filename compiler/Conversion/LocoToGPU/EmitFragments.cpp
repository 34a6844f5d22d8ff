//===- EmitFragments.cpp - Products by tensor cores -----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fragments are in shared memory as lanes hold them: [rows / 16, summed / K,
// lane, numbers] and [columns / 8, summed / K, lane, numbers], each as often as
// numbers have parts; neighbouring lanes read neighbouring 16 and 8 bytes.
// device.multiply says which number is where.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

using namespace mlir;
using namespace loco;

static constexpr int64_t warpSize = 32, rowsOfFragment = 16,
                         columnsOfFragment = 8;

/// The numbers that stand for one where tensor cores multiply.
GPUEmitter::Values GPUEmitter::partsOf(Value value) {
  bool isHalf = numbersInRegister(schedule.options.products) == 2;
  Type half = b.getBF16Type();
  Values parts;
  for (int64_t i = 0; i < loco::partsOf(schedule.options.products); ++i) {
    // What the parts before leave.
    for (Value part : parts)
      value = arith::SubFOp::create(
          b, loc, value,
          isHalf ? Value(arith::ExtFOp::create(b, loc, value.getType(), part))
                 : part);
    parts.push_back(
        isHalf ? Value(arith::TruncFOp::create(b, loc, half, value))
               : device::RoundTF32Op::create(b, loc, value.getType(), value));
  }
  return parts;
}

/// Numbers of one fragment that a lane holds.
int64_t GPUEmitter::numbersOfLane(bool isHeld) const {
  return (isHeld ? 4 : 2) * numbersInRegister(schedule.options.products);
}

/// Stores what stands for a number of a panel where a lane will read it.
void GPUEmitter::storeInFragment(const GPUProduct &product, bool isHeld,
                                 Value line, Value sum, Value value) {
  GPUSchedule::Panels panels = schedule.panelsOf(product);
  int64_t numbers = numbersInRegister(schedule.options.products);
  int64_t linesOfTile = isHeld ? rowsOfFragment : columnsOfFragment;
  int64_t sumsOfPiece = 8 * numbers;
  Value inTile = remainder(line, linesOfTile);
  Value inPiece = remainder(sum, sumsOfPiece);
  Value piece =
      plus(times(divided(line, linesOfTile), panels.summed / sumsOfPiece),
           divided(sum, sumsOfPiece));
  // Lane 4 g + t; of the left side lower rows first, then later sums.
  Value owner = plus(times(remainder(inTile, 8), 4),
                     divided(remainder(inPiece, 4 * numbers), numbers));
  Value half = divided(inPiece, 4 * numbers);
  if (isHeld)
    half = plus(times(half, 2), divided(inTile, 8));
  Value number = plus(times(half, numbers), remainder(sum, numbers));
  number =
      plus(times(plus(times(piece, warpSize), owner), numbersOfLane(isHeld)),
           number);
  int64_t all = (isHeld ? panels.rows : panels.columns) * panels.summed;
  for (auto [i, part] : llvm::enumerate(partsOf(value)))
    LLVM::StoreOp::create(
        b, loc, part,
        panelElement(isHeld ? product.heldOffset : product.movingOffset,
                     part.getType(), plus(number, i * all)));
}

/// A lane's part of a fragment.
Value GPUEmitter::readFragment(const GPUProduct &product, bool isHeld,
                               int64_t part, Value tile, Value piece) {
  GPUSchedule::Panels panels = schedule.panelsOf(product);
  int64_t numbers = numbersInRegister(schedule.options.products);
  Type element = numbers == 2 ? Type(b.getBF16Type()) : Type(b.getF32Type());
  int64_t each = numbersOfLane(isHeld);
  int64_t all = (isHeld ? panels.rows : panels.columns) * panels.summed;
  Value place = plus(times(tile, panels.summed / (8 * numbers)), piece);
  place = plus(times(place, warpSize), lane);
  return LLVM::LoadOp::create(
      b, loc, VectorType::get({each}, element),
      panelElement(isHeld ? product.heldOffset : product.movingOffset, element,
                   plus(times(place, each), part * all)),
      /*alignment=*/isHeld ? 16 : 8);
}

Value GPUEmitter::zeroFragment() {
  auto type = VectorType::get({4}, b.getF32Type());
  return LLVM::ConstantOp::create(b, loc, type,
                                  DenseElementsAttr::get(type, 0.0f));
}

/// Adds the product of numbers that `left` and `right` stand for.
void GPUEmitter::multiplyParts(ArrayRef<Value> left, ArrayRef<Value> right,
                               Value &sum) {
  auto multiply = [&](Value a, Value c, Value to) -> Value {
    return device::MultiplyOp::create(b, loc, to.getType(), a, c, to);
  };
  if (left.size() == 1) {
    sum = multiply(left[0], right[0], sum);
    return;
  }
  // Tensor cores cut sums off: what is to be as good as f32 is added up outside
  // of them, small products first.
  Value more = multiply(left[1], right[0], zeroFragment());
  more = multiply(left[0], right[1], more);
  sum = LLVM::FAddOp::create(b, loc, sum, multiply(left[0], right[0], more));
}

void GPUEmitter::multiplyByFragments(const GPUProduct &product) {
  GPUSchedule::Panels panels = schedule.panelsOf(product);
  int64_t pieces =
      panels.summed / (8 * numbersInRegister(schedule.options.products));
  int64_t tiles = panels.columns / columnsOfFragment;
  int64_t warps = schedule.threadsInBlock() / warpSize;
  GPUReference to = find(product.op->getResult(0));
  loop(divided(threadInBlock, warpSize), constant(panels.rows / rowsOfFragment),
       constant(warps), {}, [&](Value tile, Carried) {
         Values sums(tiles, zeroFragment());
         loop(constant(0), constant(pieces), constant(1), sums,
              [&](Value piece, Carried inner) {
                Values left;
                for (int64_t i = 0; i < panels.parts; ++i)
                  left.push_back(readFragment(product, true, i, tile, piece));
                for (auto [column, sum] : llvm::enumerate(inner)) {
                  Values right;
                  for (int64_t i = 0; i < panels.parts; ++i)
                    right.push_back(readFragment(product, false, i,
                                                 constant(column), piece));
                  multiplyParts(left, right, sum);
                }
              });
         Value row = plus(times(tile, rowsOfFragment), divided(lane, 4));
         for (auto [column, sum] : llvm::enumerate(sums))
           for (int64_t i = 0; i < 4; ++i)
             storeProduct(
                 product, to, plus(row, i / 2 * 8),
                 plus(times(remainder(lane, 4), 2),
                      int64_t(column) * columnsOfFragment + i % 2),
                 LLVM::ExtractElementOp::create(b, loc, sum, constant(i)));
       });
}

void GPUEmitter::addFragments(const GPUProduct &product) {
  GPUSchedule::Panels panels = schedule.panelsOf(product);
  int64_t pieces =
      panels.summed / (8 * numbersInRegister(schedule.options.products));
  int64_t jobs = schedule.jobsOf(product), tiles = panels.rows / rowsOfFragment;
  Values &sums = accumulators[product.op];
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value job = divided(threadInBlock, warpSize);
    job = plus(job, i * schedule.threadsInBlock() / warpSize);
    job = arith::MinUIOp::create(b, loc, job, constant(jobs - 1));
    for (int64_t piece = 0; piece < pieces; ++piece) {
      Values left, right;
      for (int64_t part = 0; part < panels.parts; ++part) {
        left.push_back(readFragment(product, true, part, remainder(job, tiles),
                                    constant(piece)));
        right.push_back(readFragment(product, false, part, divided(job, tiles),
                                     constant(piece)));
      }
      multiplyParts(left, right, sum);
    }
  }
}
