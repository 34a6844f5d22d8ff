//===- NestTimes.cpp - How long each loop nest of a kernel takes ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/JIT/NestTimes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/Path.h"

#include <chrono>
#include <memory>
#include <mutex>

using namespace mlir;
using namespace loco;

//===----------------------------------------------------------------------===//
// Marks
//===----------------------------------------------------------------------===//

namespace {
/// Walks through loops over samples and time, down to what they repeat.
class Marker {
public:
  explicit Marker(func::FuncOp mark) : mark(mark) {}

  void markBlock(Block &block, unsigned loop);
  void addMark(OpBuilder &builder, Location loc, int64_t number);

  std::vector<TimedNest> nests;

private:
  func::FuncOp mark;
  unsigned numLoops = 0;
};
} // namespace

static std::string describePlace(Location location) {
  auto place = location->findInstanceOf<FileLineColLoc>();
  if (!place)
    return "";
  return (llvm::sys::path::filename(place.getFilename()) + ":" +
          Twine(place.getLine()))
      .str();
}

/// Over sites: how many there are of them is known when the code is made, or it
/// says so.
static bool isOverSites(scf::ForOp loop) {
  APInt end;
  return loop->hasAttr("loco.sites") ||
         matchPattern(loop.getUpperBound(), m_ConstantInt(&end));
}

void Marker::addMark(OpBuilder &builder, Location loc, int64_t number) {
  Value value =
      arith::ConstantIntOp::create(builder, loc, builder.getI64Type(), number);
  func::CallOp::create(builder, loc, mark, ValueRange(value));
}

void Marker::markBlock(Block &block, unsigned loop) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto forOp = dyn_cast<scf::ForOp>(op);
    bool isCall = isa<LLVM::CallOp>(op) && !op.hasAttr("loco.meet");
    if (!isCall && !(forOp && isOverSites(forOp))) {
      // Loops over time hand something on, loops over samples do not.
      bool isTime = op.getNumRegions() > 0 && op.getNumResults() > 0;
      unsigned inside = isTime ? ++numLoops : loop;
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          markBlock(inner, inside);
      continue;
    }
    OpBuilder builder(block.getParentOp()->getContext());
    builder.setInsertionPointAfter(&op);
    addMark(builder, op.getLoc(), static_cast<int64_t>(nests.size()));
    nests.push_back({describePlace(op.getLoc()), isCall, loop});
  }
}

std::vector<TimedNest> loco::markNests(ModuleOp loops) {
  SmallVector<func::FuncOp> kernels;
  for (auto function : loops.getOps<func::FuncOp>())
    if (!function.isDeclaration())
      kernels.push_back(function);
  OpBuilder builder(loops.getBody(), loops.getBody()->begin());
  auto mark =
      func::FuncOp::create(builder, loops.getLoc(), "locoNestDone",
                           builder.getFunctionType({builder.getI64Type()}, {}));
  mark.setPrivate();
  Marker marker(mark);
  for (func::FuncOp kernel : kernels) {
    Block &body = kernel.getBody().front();
    marker.markBlock(body, 0);
    builder.setInsertionPointToStart(&body);
    marker.addMark(builder, kernel.getLoc(), -1);
  }
  return std::move(marker.nests);
}

//===----------------------------------------------------------------------===//
// Ticks
//===----------------------------------------------------------------------===//

static uint64_t readClock() {
#if defined(__clang__)
  return __builtin_readcyclecounter();
#else
  return std::chrono::steady_clock::now().time_since_epoch().count();
#endif
}

namespace {
struct ThreadTicks {
  uint64_t last = 0;
  std::vector<uint64_t> ofNest;
};

/// Those of all threads that ever called a marked kernel.
struct AllTicks {
  std::mutex turn;
  std::vector<std::shared_ptr<ThreadTicks>> threads;
};
} // namespace

static AllTicks &getAllTicks() {
  static AllTicks all;
  return all;
}

static ThreadTicks &getTicks() {
  thread_local std::shared_ptr<ThreadTicks> mine = [] {
    auto made = std::make_shared<ThreadTicks>();
    AllTicks &all = getAllTicks();
    std::lock_guard<std::mutex> lock(all.turn);
    all.threads.push_back(made);
    return made;
  }();
  return *mine;
}

void loco::nestDone(int64_t number) {
  ThreadTicks &ticks = getTicks();
  uint64_t now = readClock();
  if (number >= 0) {
    if (static_cast<size_t>(number) >= ticks.ofNest.size())
      ticks.ofNest.resize(number + 1);
    ticks.ofNest[number] += now - ticks.last;
  }
  ticks.last = readClock();
}

std::vector<double> loco::takeNestTicks(size_t count) {
  std::vector<double> sums(count);
  AllTicks &all = getAllTicks();
  std::lock_guard<std::mutex> lock(all.turn);
  for (const std::shared_ptr<ThreadTicks> &thread : all.threads) {
    for (size_t i = 0; i < std::min(count, thread->ofNest.size()); ++i)
      sums[i] += static_cast<double>(thread->ofNest[i]);
    thread->ofNest.clear();
  }
  return sums;
}
