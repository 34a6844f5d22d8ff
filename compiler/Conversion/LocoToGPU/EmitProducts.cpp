//===- EmitProducts.cpp - Products whose weights are on chip --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A panel is one side of a product in shared memory, the numbers of one sum
// after the other: [summed, rows], [summed, columns]. A thread has a row of
// four columns; of gradients of weights, which are sums over all steps, four
// rows by four columns in registers. EmitFragments.cpp is the same by tensor
// cores.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

#include "compiler/Conversion/LocoToGPU/TileSamples.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace loco;

static constexpr int64_t warpSize = 32, rowsOfFragment = 16,
                         columnsOfFragment = 8, columnsOfThread = 4;

//===----------------------------------------------------------------------===//
// Panels
//===----------------------------------------------------------------------===//

/// Address of number `number` of a panel that begins at byte `offset`.
Value GPUEmitter::panelElement(int64_t offset, Type element, Value number) {
  Value panels = pointers[schedule.panelPlace];
  Value panel =
      LLVM::GEPOp::create(b, loc, panels.getType(), b.getI8Type(), panels,
                          ArrayRef<LLVM::GEPArg>{int32_t(offset)});
  return LLVM::GEPOp::create(b, loc, panels.getType(), element, panel,
                             ValueRange(number));
}

/// The block's first row of the result, null if it has all.
Value GPUEmitter::firstRow(const GPUProduct &product) {
  if (schedule.blocksPerSample == 1)
    return {};
  return times(divided(thread, schedule.threadsInBlock()),
               schedule.panelsOf(product).rows);
}

/// Brings one side of a product to shared memory: all sums of the block's rows,
/// or of all columns. Neighbouring threads read what is side by side in memory.
void GPUEmitter::fillPanel(const GPUProduct &product, bool isHeld) {
  GPUSchedule::Panels panels = schedule.panelsOf(product);
  const GPUProduct::Axes &lines = isHeld ? product.rows : product.columns;
  Value from = isHeld ? product.held : product.moving, first;
  if (isHeld)
    first = firstRow(product);
  int64_t numLines = isHeld ? panels.rows : panels.columns;
  int64_t summed = panels.summed;
  int64_t offset = isHeld ? product.heldOffset : product.movingOffset;
  StringRef letters = isHeld ? product.heldLetters : product.movingLetters;
  bool isByCores = schedule.multipliesByTensorCores(product);
  auto store = [&](Value line, Value sum, Value value) {
    if (isByCores)
      return storeInFragment(product, isHeld, line, sum, value);
    Type element = value.getType();
    Value number = plus(times(sum, isHeld ? numLines : panels.pitch), line);
    LLVM::StoreOp::create(b, loc, value, panelElement(offset, element, number));
  };
  loop(threadInBlock, constant(numLines * summed),
       constant(schedule.threadsInBlock()), {}, [&](Value index, Carried) {
         Value inBlock = divided(index, summed), sum = remainder(index, summed);
         // Of a sum over samples lines follow each other in memory.
         if (product.isSum) {
           inBlock = remainder(index, numLines);
           sum = divided(index, numLines);
         }
         Value line = plus(first, inBlock), exists;
         if (numLines * (isHeld ? schedule.blocksPerSample : 1) > lines.count)
           exists =
               compare(arith::CmpIPredicate::ult, line, constant(lines.count));
         if (summed > product.summed.count)
           exists = both(exists, compare(arith::CmpIPredicate::ult, sum,
                                         constant(product.summed.count)));
         llvm::SmallDenseMap<char, GPUCoordinate> places;
         placeAlong(lines, line, places);
         placeAlong(product.summed, sum, places);
         if (product.isSum && isHeld)
           exists = both(exists, isOfSample(product.op, places[tileLetter]));
         SmallVector<GPUCoordinate> coordinates;
         for (char letter : letters)
           coordinates.push_back(places.lookup(letter));
         store(inBlock, sum, getWhere(from, exists, coordinates));
       });
}

/// Coordinates along axes that are numbered as one.
void GPUEmitter::placeAlong(const GPUProduct::Axes &axes, Value number,
                            llvm::SmallDenseMap<char, GPUCoordinate> &places) {
  for (size_t i = axes.letters.size(); i-- > 0;) {
    places[axes.letters[i]] = {i ? remainder(number, axes.extents[i]) : number,
                               0};
    number = divided(number, axes.extents[i]);
  }
}

/// Weights that stay on chip during a loop.
void GPUEmitter::loadHeld(ScanOp scan) {
  for (Operation &op : *scan.getBlock())
    if (auto found = schedule.products.find(&op);
        found != schedule.products.end() && !found->second.isSum)
      fillPanel(found->second, true);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void GPUEmitter::emitProducts(const GPUStage &stage) {
  for (const GPUItem &item : stage.items) {
    const GPUProduct &product = schedule.products.find(item.op)->second;
    if (product.isSum)
      fillPanel(product, true);
    fillPanel(product, false);
  }
  // Panels are the block's own.
  gpu::BarrierOp::create(b, loc);
  for (const GPUItem &item : stage.items) {
    const GPUProduct &product = schedule.products.find(item.op)->second;
    bool isByCores = schedule.multipliesByTensorCores(product);
    if (product.isSum)
      isByCores ? addFragments(product) : addProduct(product);
    else
      isByCores ? multiplyByFragments(product) : multiply(product);
  }
}

/// Stores an element of the result; `row` is the block's.
void GPUEmitter::storeProduct(const GPUProduct &product, GPUReference to,
                              Value row, Value column, Value value,
                              Value exists) {
  GPUSchedule::Panels panels = schedule.panelsOf(product);
  if (panels.columns > product.columns.count)
    exists = both(exists, compare(arith::CmpIPredicate::ult, column,
                                  constant(product.columns.count)));
  row = plus(firstRow(product), row);
  if (panels.rows * schedule.blocksPerSample > product.rows.count)
    exists = both(exists, compare(arith::CmpIPredicate::ult, row,
                                  constant(product.rows.count)));
  llvm::SmallDenseMap<char, GPUCoordinate> places;
  placeAlong(product.rows, row, places);
  placeAlong(product.columns, column, places);
  GPUSite site;
  ContractOp op = product.op;
  site.shape = schedule.shapeOf(op.getResult());
  for (char letter : product.output)
    site.coordinates.push_back(places.lookup(letter));
  when(exists, [&] { store(to, linearOf(site), value, false); });
}

void GPUEmitter::multiply(const GPUProduct &product) {
  GPUSchedule::Panels panels = schedule.panelsOf(product);
  Type element = getElementTypeOrSelf(product.held);
  Type four = VectorType::get({columnsOfThread}, element);
  GPUReference to = find(product.op->getResult(0));
  loop(threadInBlock, constant(panels.rows * panels.columns / columnsOfThread),
       constant(schedule.threadsInBlock()), {}, [&](Value job, Carried) {
         Value row = remainder(job, panels.rows);
         Value column = times(divided(job, panels.rows), columnsOfThread);
         Values sums(columnsOfThread, number(element, 0));
         loop(constant(0), constant(panels.summed), constant(1), sums,
              [&](Value k, Carried inner) {
                Value weight = LLVM::LoadOp::create(
                    b, loc, element,
                    panelElement(product.heldOffset, element,
                                 plus(times(k, panels.rows), row)));
                Value states = LLVM::LoadOp::create(
                    b, loc, four,
                    panelElement(product.movingOffset, element,
                                 plus(times(k, panels.pitch), column)),
                    /*alignment=*/16);
                for (auto [i, sum] : llvm::enumerate(inner))
                  sum = math::FmaOp::create(b, loc, weight,
                                            LLVM::ExtractElementOp::create(
                                                b, loc, states, constant(i)),
                                            sum);
              });
         for (auto [i, sum] : llvm::enumerate(sums))
           storeProduct(product, to, row, plus(column, int64_t(i)), sum);
       });
}

//===----------------------------------------------------------------------===//
// Sums over steps
//===----------------------------------------------------------------------===//

/// What a thread has of a sum before the first step.
GPUEmitter::Values GPUEmitter::zerosOf(Operation *op) {
  const GPUProduct &product = schedule.products.find(op)->second;
  int64_t jobs = schedule.jobsOfThread(product);
  if (schedule.multipliesByTensorCores(product))
    return Values(jobs, zeroFragment());
  return Values(jobs * 16, number(getElementTypeOrSelf(product.held), 0));
}

/// Four by four numbers of each of the thread's jobs. Jobs that do not exist do
/// the last one's work once more.
void GPUEmitter::addProduct(const GPUProduct &product) {
  GPUSchedule::Panels panels = schedule.panelsOf(product);
  Type element = getElementTypeOrSelf(product.held);
  Type four = VectorType::get({4}, element);
  int64_t jobs = schedule.jobsOf(product), rows = panels.rows / 4;
  auto read = [&](int64_t offset, Value number) {
    return LLVM::LoadOp::create(b, loc, four,
                                panelElement(offset, element, number),
                                /*alignment=*/16);
  };
  Values &sums = accumulators[product.op];
  loop(constant(0), constant(product.summed.count), constant(1), sums,
       [&](Value k, Carried inner) {
         for (int64_t i = 0; i < schedule.jobsOfThread(product); ++i) {
           Value job = arith::MinUIOp::create(
               b, loc, plus(threadInBlock, i * schedule.threadsInBlock()),
               constant(jobs - 1));
           Value left =
               read(product.heldOffset, plus(times(k, panels.rows),
                                             times(remainder(job, rows), 4)));
           Value right =
               read(product.movingOffset,
                    plus(times(k, panels.pitch), times(divided(job, rows), 4)));
           for (int64_t part = 0; part < 16; ++part) {
             auto at = [&](Value vector, int64_t number) -> Value {
               return LLVM::ExtractElementOp::create(b, loc, vector,
                                                     constant(number));
             };
             Value &sum = inner[i * 16 + part];
             sum = math::FmaOp::create(b, loc, at(left, part / 4),
                                       at(right, part % 4), sum);
           }
         }
       });
}

void GPUEmitter::storeSum(const GPUProduct &product, GPUReference to) {
  GPUSchedule::Panels panels = schedule.panelsOf(product);
  bool isByCores = schedule.multipliesByTensorCores(product);
  int64_t jobs = schedule.jobsOf(product), each = isByCores ? warpSize : 1;
  int64_t together = schedule.threadsInBlock() / each;
  const Values &sums = accumulators[product.op];
  for (int64_t i = 0; i < schedule.jobsOfThread(product); ++i) {
    Value job = plus(divided(threadInBlock, each), i * together), exists;
    if ((i + 1) * together > jobs)
      exists = compare(arith::CmpIPredicate::ult, job, constant(jobs));
    int64_t rows = panels.rows / (isByCores ? rowsOfFragment : 4);
    Value row = remainder(job, rows), column = divided(job, rows);
    if (!isByCores) {
      for (int64_t part = 0; part < 16; ++part)
        storeProduct(product, to, plus(times(row, 4), part / 4),
                     plus(times(column, 4), part % 4), sums[i * 16 + part],
                     exists);
      continue;
    }
    row = plus(times(row, rowsOfFragment), divided(lane, 4));
    column =
        plus(times(column, columnsOfFragment), times(remainder(lane, 4), 2));
    for (int64_t part = 0; part < 4; ++part)
      storeProduct(
          product, to, plus(row, part / 2 * 8), plus(column, part % 2),
          LLVM::ExtractElementOp::create(b, loc, sums[i], constant(part)),
          exists);
  }
}
