//===- SummedTerms.cpp - Sums of products as products of their own -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/Transforms/SummedTerms.h"

#include "dialects/Loco/Transforms/MatrixProduct.h"
#include "dialects/Loco/Transforms/ScanBuilder.h"

using namespace mlir;
using namespace loco;

namespace {
/// What one sum of a loop is made of.
struct Terms {
  SmallVector<Value> products, others;
  /// The additions that are not needed any more.
  SmallVector<Operation *> additions;

  bool isDivided() const {
    return !products.empty() && products.size() + others.size() > 1;
  }
};
} // namespace

static bool isLargeProduct(Value value, int64_t threshold) {
  auto contract = value.getDefiningOp<ContractOp>();
  if (!contract || !value.hasOneUse())
    return false;
  auto outer = asOuter(contract);
  return outer && outer->size() >= threshold;
}

static void collectTerms(Value value, Block *block, int64_t threshold,
                         Terms &terms) {
  Operation *op = value.getDefiningOp();
  if (op && op->getBlock() == block && isa<arith::AddFOp>(op) &&
      value.hasOneUse()) {
    terms.additions.push_back(op);
    for (Value operand : op->getOperands())
      collectTerms(operand, block, threshold, terms);
    return;
  }
  (isLargeProduct(value, threshold) ? terms.products : terms.others)
      .push_back(value);
}

static Value addUp(OpBuilder &builder, Location loc, ArrayRef<Value> values) {
  Value total = values.front();
  for (Value value : values.drop_front())
    total = arith::AddFOp::create(builder, loc, total, value);
  return total;
}

ScanOp loco::separateSummedProducts(ScanOp scan, int64_t threshold) {
  Block *block = scan.getBlock();
  ScanParts parts = partsOf(scan);
  SmallVector<Terms> sums;
  for (Value sum : parts.sums)
    collectTerms(sum, block, threshold, sums.emplace_back());
  if (llvm::none_of(sums, [](const Terms &terms) { return terms.isDivided(); }))
    return scan;

  DenseSet<Operation *> dead;
  SmallVector<Value> whole = std::move(parts.sums);
  parts.sums.clear();
  OpBuilder inside(scan.getYield());
  for (auto [sum, terms] : llvm::zip_equal(whole, sums)) {
    if (!terms.isDivided()) {
      parts.sums.push_back(sum);
      continue;
    }
    dead.insert(terms.additions.begin(), terms.additions.end());
    llvm::append_range(parts.sums, terms.products);
    if (!terms.others.empty())
      parts.sums.push_back(addUp(inside, sum.getLoc(), terms.others));
  }
  SmallVector<Operation *> ops;
  for (Operation &op : block->without_terminator())
    if (!dead.contains(&op))
      ops.push_back(&op);

  OpBuilder builder(scan);
  ScanOp made = buildScan(builder, scan.getLoc(), parts, ops);
  for (auto [from, to] : llvm::zip_equal(scan.getFinals(), made.getFinals()))
    from.replaceAllUsesWith(to);
  for (auto [from, to] : llvm::zip_equal(scan.getStacks(), made.getStacks()))
    from.replaceAllUsesWith(to);
  SmallVector<Value> left(made.getSums());
  ArrayRef<Value> rest = left;
  for (auto [from, terms] : llvm::zip_equal(scan.getSums(), sums)) {
    size_t count =
        terms.isDivided() ? terms.products.size() + !terms.others.empty() : 1;
    from.replaceAllUsesWith(
        addUp(builder, scan.getLoc(), rest.take_front(count)));
    rest = rest.drop_front(count);
  }
  scan.erase();
  return made;
}
