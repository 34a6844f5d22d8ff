//===- SplitSums.cpp - Sums that need not wait for other sums -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/Transforms/Passes.h"

using namespace mlir;
using namespace loco;

namespace loco {
#define GEN_PASS_DEF_SPLITSUMS
#include "dialects/Loco/Transforms/Passes.h.inc"
} // namespace loco

/// Sums that one sum may become, at most.
static constexpr size_t mostTerms = 3;

namespace {
/// A field, and what its sum is multiplied with: nothing, or what is the same
/// for all sites that are summed.
struct Term {
  Value field, factor;
  bool negative = false;
};

/// Divides the sums of one block.
class SumSplitter {
public:
  explicit SumSplitter(Block &block) : block(block) {}

  void run();

private:
  void split(ReduceOp sum);
  bool findTerms(Value value, ReduceOp sum, Term outside,
                 SmallVectorImpl<Term> &terms) const;
  void measure(Operation &op);

  Block &block;
  /// How many sums follow each other before a value is known.
  DenseMap<Value, unsigned> depths;
};
} // namespace

static bool isSum(Operation *op) {
  auto reduce = dyn_cast<ReduceOp>(op);
  return reduce && reduce.getKind() == ReductionKind::Sum;
}

void SumSplitter::measure(Operation &op) {
  unsigned depth = 0;
  for (Value operand : op.getOperands())
    depth = std::max(depth, depths.lookup(operand));
  for (Value result : op.getResults())
    depths[result] = depth + isa<ReduceOp>(op);
}

/// What `value` is a sum of, as far as it has to be taken apart to be known
/// before the last sum that it waits for.
bool SumSplitter::findTerms(Value value, ReduceOp sum, Term outside,
                            SmallVectorImpl<Term> &terms) const {
  if (depths.lookup(value) < depths.lookup(sum.getOperand())) {
    outside.field = value;
    terms.push_back(outside);
    return terms.size() <= 2 * mostTerms;
  }
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &block)
    return false;
  Term negated = outside;
  negated.negative = !negated.negative;
  if (isa<arith::AddFOp>(op))
    return findTerms(op->getOperand(0), sum, outside, terms) &&
           findTerms(op->getOperand(1), sum, outside, terms);
  if (isa<arith::SubFOp>(op))
    return findTerms(op->getOperand(0), sum, outside, terms) &&
           findTerms(op->getOperand(1), sum, negated, terms);
  if (isa<arith::NegFOp>(op))
    return findTerms(op->getOperand(0), sum, negated, terms);
  if (!isa<arith::MulFOp>(op) || outside.factor)
    return false;
  for (unsigned i : {0, 1}) {
    auto broadcast = op->getOperand(i).getDefiningOp<BroadcastOp>();
    if (!broadcast || broadcast.getAxes() != sum.getAxes() ||
        depths.lookup(op->getOperand(1 - i)) >= depths.lookup(op->getResult(0)))
      continue;
    outside.factor = broadcast.getOperand();
    return findTerms(op->getOperand(1 - i), sum, outside, terms);
  }
  return false;
}

/// Sums of the terms, added up where the sum was.
void SumSplitter::split(ReduceOp sum) {
  SmallVector<Term> terms;
  if (depths.lookup(sum.getOperand()) == 0 ||
      !findTerms(sum.getOperand(), sum, {}, terms))
    return;
  DenseMap<Value, Value> sums;
  for (const Term &term : terms)
    sums[term.field] = {};
  if (sums.size() > mostTerms)
    return;
  Value total;
  for (const Term &term : terms) {
    Value &part = sums[term.field];
    if (!part) {
      // Where the field is known, so that it is summed where it is made.
      OpBuilder early(sum);
      if (Operation *producer = term.field.getDefiningOp())
        early.setInsertionPointAfter(producer);
      else
        early.setInsertionPointToStart(&block);
      part = ReduceOp::create(early, sum.getLoc(), sum.getType(),
                              ReductionKind::Sum, term.field, sum.getAxes());
      depths[part] = depths.lookup(term.field) + 1;
    }
    OpBuilder builder(sum);
    Location loc = sum.getLoc();
    Value value = part;
    if (term.factor)
      value = arith::MulFOp::create(builder, loc, term.factor, value);
    if (term.negative)
      value = total ? Value(arith::SubFOp::create(builder, loc, total, value))
                    : Value(arith::NegFOp::create(builder, loc, value));
    else if (total)
      value = arith::AddFOp::create(builder, loc, total, value);
    total = value;
    unsigned depth = 0;
    for (Value operand : total.getDefiningOp()->getOperands())
      depth = std::max(depth, depths.lookup(operand));
    depths[total] = std::max(depths.lookup(total), depth);
  }
  sum.getResult().replaceAllUsesWith(total);
  depths.erase(sum.getResult());
  sum.erase();
}

void SumSplitter::run() {
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    measure(op);
    // What only leaves the block is summed beside what it is made of.
    if (isSum(&op) && llvm::any_of(op.getUsers(), [&](Operation *user) {
          return user != block.getTerminator();
        }))
      split(cast<ReduceOp>(op));
  }
}

namespace {
struct SplitSums : loco::impl::SplitSumsBase<SplitSums> {
  void runOnOperation() override {
    getOperation().walk(
        [](ScanOp scan) { SumSplitter(*scan.getBlock()).run(); });
  }
};
} // namespace
