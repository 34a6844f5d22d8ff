//===- PlanProducts.cpp - Products whose weights stay on chip -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where a tile of samples advances together, a dense recurrence multiplies a
// matrix that changes from step to step by one that does not. The latter is
// brought to shared memory before the loop, in the order in which it is
// multiplied; several blocks have some of its rows each. The former is brought
// there in every step by each block.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUPlanner.h"
#include "compiler/Conversion/LocoToGPU/TileSamples.h"

using namespace mlir;
using namespace loco;

/// Samples of a tile: the columns of a fragment.
static constexpr int64_t samplesOfTile = 8;

/// Rows and sums that are worth the name of a product.
static constexpr int64_t leastRows = 8, leastSummed = 8;

/// Numbers that a thread adds up in registers during a loop.
static constexpr int64_t mostSumsOfThread = 64;

/// Of a block, of all sums that each sample of a tile has: a quarter of its
/// registers.
static constexpr int64_t mostSumsOfBlock = 16 * 1024;

/// Sums of panels whose rows are padded.
static constexpr int64_t mostPadded = 256;

/// Shared memory that is left to fields, sums and numbers of sections.
static constexpr int64_t otherBytes = 16 * 1024;

static constexpr int64_t mostBlocks = 64;

//===----------------------------------------------------------------------===//
// Which products
//===----------------------------------------------------------------------===//

/// True if `value` is the same in all steps of `scan`: of what is outside, and
/// no part of it that a step chooses.
static bool isHeld(Value value, ScanOp scan) {
  value = resolve(value);
  if (!scan->isAncestor(value.getParentBlock()->getParentOp()))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || !isView(op))
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return isa<RankedTensorType>(operand.getType()) && isHeld(operand, scan);
  });
}

static GPUProduct::Axes axesOf(ContractOp op,
                               llvm::function_ref<bool(char)> wanted) {
  auto [inputs, output] = op.getEquation().split("->");
  auto [left, right] = inputs.split(',');
  GPUProduct::Axes axes;
  for (auto [letters, value] :
       {std::pair(left, op.getLhs()), std::pair(right, op.getRhs())}) {
    auto type = cast<RankedTensorType>(value.getType());
    for (auto [letter, extent] : llvm::zip(letters, type.getShape()))
      if (wanted(letter) && axes.letters.find(letter) == std::string::npos) {
        axes.letters.push_back(letter);
        axes.extents.push_back(extent);
        axes.count *= extent;
      }
  }
  return axes;
}

/// True for what is summed over samples and steps, and nothing else.
static bool isSumOfProducts(ContractOp op) {
  if (!op->hasAttr(tileAttribute) || !op->hasOneUse())
    return false;
  auto yield = dyn_cast<YieldOp>(*op->user_begin());
  return yield && llvm::is_contained(yield.getSums(), op.getResult());
}

std::optional<GPUProduct> loco::asProduct(ContractOp op) {
  auto scan = dyn_cast<ScanOp>(op->getParentOp());
  if (!scan || !op.getLhs().getType().hasStaticShape() ||
      !op.getRhs().getType().hasStaticShape())
    return std::nullopt;
  bool isLeft = isHeld(op.getLhs(), scan), isRight = isHeld(op.getRhs(), scan);
  bool isSum = !isLeft && !isRight && isSumOfProducts(op);
  if (isLeft == isRight && !isSum)
    return std::nullopt;
  auto [inputs, output] = op.getEquation().split("->");
  auto [held, moving] = inputs.split(',');
  GPUProduct product;
  product.op = op;
  product.isSum = isSum;
  product.held = op.getLhs();
  product.moving = op.getRhs();
  if (isRight) {
    std::swap(held, moving);
    std::swap(product.held, product.moving);
  }
  product.heldLetters = held.str();
  product.movingLetters = moving.str();
  product.output = output.str();
  for (char letter : held)
    if (moving.contains(letter) && output.contains(letter))
      return std::nullopt;
  auto has = [](StringRef letters) {
    return [letters](char letter) { return letters.contains(letter); };
  };
  StringRef heldLetters = held, movingLetters = moving, out = output;
  product.rows = axesOf(op, [&](char letter) {
    return has(heldLetters)(letter) && has(out)(letter);
  });
  product.summed = axesOf(op, [&](char letter) { return !has(out)(letter); });
  product.columns = axesOf(op, [&](char letter) {
    return has(movingLetters)(letter) && has(out)(letter);
  });
  if (product.rows.count < leastRows ||
      (isSum ? product.columns : product.summed).count < leastSummed)
    return std::nullopt;
  return product;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static constexpr int64_t rowsOfFragment = 16, columnsOfFragment = 8;

bool GPUSchedule::multipliesByTensorCores(const GPUProduct &product) const {
  return isByTensorCores(options.products) &&
         getElementTypeOrSelf(product.held).isF32();
}

GPUSchedule::Panels GPUSchedule::panelsOf(const GPUProduct &product) const {
  Panels panels;
  int64_t bytes =
      getElementTypeOrSelf(product.held).getIntOrFloatBitWidth() / 8;
  panels.rows = llvm::divideCeil(product.rows.count, blocksPerSample);
  panels.columns = product.columns.count;
  panels.summed = product.summed.count;
  if (!multipliesByTensorCores(product)) {
    // Four columns are read at a time. Sums eight columns apart would be
    // written to the same banks; a long panel is not made longer for that.
    panels.columns = llvm::alignTo(panels.columns, 4);
    bool isPadded = panels.columns % 8 == 0 && panels.summed <= mostPadded;
    panels.pitch = panels.columns + (isPadded ? 4 : 0);
    if (product.isSum)
      panels.rows = llvm::alignTo(panels.rows, 4);
    panels.heldBytes = panels.summed * panels.rows * bytes;
    panels.movingBytes = panels.summed * panels.pitch * bytes;
  } else {
    int64_t numbers = numbersInRegister(options.products);
    panels.rows = llvm::alignTo(panels.rows, rowsOfFragment);
    panels.columns = llvm::alignTo(panels.columns, columnsOfFragment);
    panels.summed = llvm::alignTo(panels.summed, 8 * numbers);
    int64_t each = 4 / numbers;
    panels.parts = partsOf(options.products);
    panels.heldBytes = panels.rows * panels.summed * each * panels.parts;
    panels.movingBytes = panels.columns * panels.summed * each * panels.parts;
  }
  panels.heldBytes = llvm::alignTo(panels.heldBytes, 16);
  panels.movingBytes = llvm::alignTo(panels.movingBytes, 16);
  return panels;
}

int64_t GPUSchedule::jobsOf(const GPUProduct &product) const {
  Panels panels = panelsOf(product);
  return multipliesByTensorCores(product)
             ? panels.rows / rowsOfFragment *
                   (panels.columns / columnsOfFragment)
             : panels.rows / 4 * (panels.columns / 4);
}

int64_t GPUSchedule::jobsOfThread(const GPUProduct &product) const {
  int64_t together = multipliesByTensorCores(product) ? threadsInBlock() / 32
                                                      : threadsInBlock();
  return llvm::divideCeil(jobsOf(product), together);
}

/// Bytes of all panels of a loop and the loops in it; sets their places, from
/// `begin` on.
static int64_t placePanels(GPUSchedule &schedule, Operation *around,
                           int64_t begin) {
  int64_t end = begin, most = begin;
  for (Region &region : around->getRegions())
    for (Block &block : region) {
      for (Operation &op : block)
        if (auto found = schedule.products.find(&op);
            found != schedule.products.end()) {
          GPUSchedule::Panels panels = schedule.panelsOf(found->second);
          found->second.heldOffset = end;
          found->second.movingOffset = end + panels.heldBytes;
          end += panels.heldBytes + panels.movingBytes;
        }
      most = std::max(most, end);
      for (Operation &op : block)
        if (isa<ScanOp>(op))
          most = std::max(most, placePanels(schedule, &op, end));
    }
  return most;
}

/// The number of blocks for which all panels fit, 0 if there is none.
static int64_t blocksFor(GPUSchedule &schedule) {
  const GPUOptions &options = schedule.options;
  int64_t blocks = std::max<int64_t>(1, options.blocksPerSample);
  for (; blocks <= mostBlocks; blocks *= 2) {
    schedule.blocksPerSample = blocks;
    if (placePanels(schedule, schedule.function, 0) + otherBytes <=
        options.sharedBytes)
      return blocks;
    if (options.blocksPerSample)
      break;
  }
  schedule.blocksPerSample = 1;
  return 0;
}

static void collectProducts(GPUSchedule &schedule) {
  schedule.products.clear();
  schedule.function.walk([&](ContractOp op) {
    if (auto product = asProduct(op))
      schedule.products[op] = *product;
  });
}

/// Numbers that a sample adds up in registers in the loop that has most of
/// them, but for those of matrices, which are added up over samples first.
static int64_t sumsOfSample(func::FuncOp function) {
  int64_t most = 0;
  function.walk([&](ScanOp scan) {
    int64_t count = 0;
    for (Value value : scan.getYield().getSums())
      if (!value.getDefiningOp<ContractOp>() &&
          cast<RankedTensorType>(value.getType()).hasStaticShape())
        count += cast<RankedTensorType>(value.getType()).getNumElements();
    most = std::max(most, count);
  });
  return most;
}

int64_t loco::chooseTile(func::FuncOp function, const GPUOptions &options,
                         std::string &why) {
  GPUSchedule schedule;
  schedule.function = function;
  schedule.options = options;
  collectProducts(schedule);
  why.clear();
  if (schedule.products.empty() && options.tile <= 1)
    return 1;
  int64_t tile = options.tile ? options.tile : samplesOfTile;
  // The state's side grows with the tile.
  for (auto &[op, product] : schedule.products)
    product.columns.count *= tile;
  if (tile == 1)
    why = "one sample to a team was asked for";
  else if (options.samplesPerBlock > 1)
    why = "several teams to a block were asked for";
  else if (why = whyNotTiled(function); !why.empty())
    return 1;
  else if (!blocksFor(schedule))
    why = "the weights do not fit into the shared memory of " +
          std::to_string(options.blocksPerSample ? options.blocksPerSample
                                                 : mostBlocks) +
          " blocks";
  else if (sumsOfSample(function) * tile >
           mostSumsOfBlock * schedule.blocksPerSample)
    why = "registers do not hold what so many samples add up over steps";
  return why.empty() ? tile : 1;
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

/// Threads for the state's fields of `most` sites, and for the products.
void GPUPlanner::chooseTileThreads(int64_t most) {
  const GPUOptions &options = schedule.options;
  int64_t blocks = schedule.blocksPerSample;
  schedule.isCluster =
      blocks > 1 && options.hasClusters && blocks <= mostInCluster;
  constexpr int64_t warp = 32, sitesOfThread = 4, least = 64;
  int64_t wanted = llvm::divideCeil(most, blocks * sitesOfThread), products = 0;
  // Those of one loop are multiplied side by side.
  DenseMap<Operation *, int64_t> ofLoop;
  for (const auto &[op, product] : schedule.products) {
    GPUSchedule::Panels panels = schedule.panelsOf(product);
    if (product.isSum) {
      wanted = std::max<int64_t>(wanted, panels.rows * panels.columns /
                                             mostSumsOfThread);
      continue;
    }
    int64_t jobs = schedule.multipliesByTensorCores(product)
                       ? panels.rows / rowsOfFragment * warp
                       : panels.rows * panels.columns / 4;
    products = std::max(products, ofLoop[op->getParentOp()] += jobs);
  }
  wanted = std::max(wanted, products);
  // A thread has the more registers, the fewer there are.
  int64_t limit = options.threads / 2;
  while (most > blocks * limit * options.mostSlots &&
         limit < options.mostThreads)
    limit *= 2;
  int64_t threads =
      std::clamp(llvm::alignTo(wanted, warp), uint64_t(least), uint64_t(limit));
  if (blocks > 1)
    threads = std::min<int64_t>(llvm::PowerOf2Ceil(threads), limit);
  schedule.threads = threads * blocks;
  // Sums that have no room in registers, or that need no more than their sites
  // have, are added up as others are.
  SmallVector<Operation *> others;
  for (const auto &[op, product] : schedule.products) {
    int64_t sums = schedule.multipliesByTensorCores(product) ? 4 : 16;
    if (product.isSum &&
        (schedule.slotsOf(schedule.countOf(op->getResult(0))) ||
         schedule.jobsOfThread(product) * sums > mostSumsOfThread))
      others.push_back(op);
  }
  for (Operation *op : others)
    schedule.products.erase(op);
}

/// Finds the products whose weights stay on chip, and how many blocks that
/// takes.
void GPUPlanner::planProducts() {
  if (schedule.tile == 1)
    return;
  collectProducts(schedule);
  if (!blocksFor(schedule))
    schedule.products.clear();
}

void GPUPlanner::planPanels() {
  if (schedule.products.empty())
    return;
  GPUPlace place;
  place.element = IntegerType::get(schedule.function.getContext(), 8);
  place.shape = {placePanels(schedule, schedule.function, 0)};
  place.depth = ~0u;
  schedule.panelPlace = addPlace(std::move(place));
}
