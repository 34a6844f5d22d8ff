//===- EmitStencil.cpp - Sums over neighbourhoods -------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where terms depend on the neighbour alone, a term is made once for all rows
// of a tile that have the site in their neighbourhood, and so are sums along a
// row: a square of 24 neighbours takes 12 additions and 10 loads in place of 24
// each.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

using namespace mlir;
using namespace loco;

using Offset = SmallVector<int64_t, 4>;

static SmallVector<Offset> offsetsOf(StencilOp op) {
  int64_t rank =
      cast<RankedTensorType>(op.getFields().front().getType()).getRank();
  SmallVector<Offset> offsets;
  for (size_t k = 0; k + rank <= op.getOffsets().size(); k += rank)
    offsets.emplace_back(op.getOffsets().slice(k, rank));
  return offsets;
}

/// The values of a stencil's body for the centre at `site` and the neighbour at
/// `offset` from it.
DenseMap<Value, Value> Emitter::stencilBody(StencilOp op, const Site &site,
                                            ArrayRef<int64_t> offset) {
  Block &body = op.getBody().front();
  unsigned numCentres = op.getCentres().size();
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(op.getFields().front().getType()).getShape();
  DenseMap<Value, Value> values;
  for (auto [argument, centre] :
       llvm::zip(body.getArguments(), op.getCentres()))
    values[argument] = get(centre, site);
  for (auto [argument, neighbour] : llvm::zip(
           body.getArguments().drop_front(numCentres), op.getNeighbours()))
    values[argument] =
        loadMoved(neighbour, site, offset, shape, op.getBoundary()).value;
  for (Operation &inner : body.without_terminator()) {
    Values operands;
    if (inner.hasTrait<OpTrait::ConstantLike>()) {
      values[inner.getResult(0)] = compute(inner.getResult(0), site);
      continue;
    }
    for (Value operand : inner.getOperands())
      operands.push_back(values.lookup(operand));
    values[inner.getResult(0)] = elementwise(&inner, operands);
  }
  return values;
}

/// Emits all results of a stencil at `site`.
void Emitter::stencil(StencilOp op, const Site &site) {
  Operation *yield = op.getBody().front().getTerminator();
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(op.getFields().front().getType()).getShape();
  Values totals(op.getNumResults());
  for (const Offset &offset : offsetsOf(op)) {
    DenseMap<Value, Value> values = stencilBody(op, site, offset);
    // Terms of neighbours beyond the edge are left out.
    Value exists;
    if (op.getBoundary() == Boundary::Zero)
      for (size_t i = 0; i < site.size(); ++i)
        if (offset[i])
          exists = both(
              exists, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                            perLane(site[i].shifted(offset[i])),
                                            splat32(shape[i])));
    for (auto [total, term] : llvm::zip(totals, yield->getOperands())) {
      Type element = getElementTypeOrSelf(term);
      auto product = term.getDefiningOp<arith::MulFOp>();
      if (product && total && !exists) {
        total = fma(values.lookup(product.getLhs()),
                    values.lookup(product.getRhs()), total);
        continue;
      }
      Value summand = masked(exists, values.lookup(term), number(element, 0));
      total = total ? combine(total, summand, false) : summand;
    }
  }
  for (auto [result, total] : llvm::zip(op.getFields(), totals))
    remember(result, site,
             total ? total : number(getElementTypeOrSelf(result), 0));
}

//===----------------------------------------------------------------------===//
// Several rows
//===----------------------------------------------------------------------===//

bool loco::sharesRows(StencilOp op) {
  auto type = cast<RankedTensorType>(op.getFields().front().getType());
  return type.getRank() > 1 && op.getCentres().empty() &&
         op.getBoundary() == Boundary::Wrap;
}

namespace {
/// The offsets of a stencil by their distance along the tiled axis.
struct Window {
  /// Offsets without that axis, in order.
  using Pattern = std::vector<Offset>;

  Window(StencilOp op, unsigned axis) {
    for (Offset offset : offsetsOf(op)) {
      int64_t row = offset[axis];
      offset[axis] = 0;
      rows[row].push_back(offset);
    }
    for (auto &[row, pattern] : rows)
      llvm::sort(pattern);
  }

  /// The largest pattern of another row that is a part of `pattern`.
  const Pattern *partOf(const Pattern &pattern) const {
    const Pattern *largest = nullptr;
    for (auto &[row, part] : rows)
      if (part.size() < pattern.size() &&
          std::includes(pattern.begin(), pattern.end(), part.begin(),
                        part.end()) &&
          (!largest || largest->size() < part.size()))
        largest = &part;
    return largest;
  }

  std::map<int64_t, Pattern> rows;
};
} // namespace

/// Emits all results of a stencil that shares rows at all `sites`, which follow
/// each other along `axis`, one row of neighbours after the other.
void Emitter::stencilRows(StencilOp op, unsigned axis, ArrayRef<Site> sites) {
  Window window(op, axis);
  Operation *yield = op.getBody().front().getTerminator();
  unsigned numResults = op.getNumResults();
  int64_t count = sites.size();
  std::map<int64_t, Values> totals;
  for (int64_t row = window.rows.begin()->first,
               last = window.rows.rbegin()->first + count - 1;
       row <= last; ++row) {
    // What the row's sites and their sums give, by result.
    std::map<Offset, Values> terms;
    std::map<Window::Pattern, Values> sums;
    auto termAt = [&](int64_t site, const Offset &offset) -> Values & {
      Values &known = terms[offset];
      if (known.empty()) {
        Offset from = offset;
        from[axis] = row - site;
        DenseMap<Value, Value> values = stencilBody(op, sites[site], from);
        for (Value term : yield->getOperands())
          known.push_back(values.lookup(term));
      }
      return known;
    };
    std::function<Values &(int64_t, const Window::Pattern &)> sumAt =
        [&](int64_t site, const Window::Pattern &pattern) -> Values & {
      Values &known = sums[pattern];
      if (!known.empty())
        return known;
      Values total(numResults);
      Window::Pattern rest = pattern;
      if (const Window::Pattern *part = window.partOf(pattern)) {
        total = sumAt(site, *part);
        rest.clear();
        std::set_difference(pattern.begin(), pattern.end(), part->begin(),
                            part->end(), std::back_inserter(rest));
      }
      for (const Offset &offset : rest)
        for (auto [sum, term] : llvm::zip(total, termAt(site, offset)))
          sum = sum ? combine(sum, term, false) : term;
      return known = total;
    };
    for (int64_t site = 0; site < count; ++site) {
      auto pattern = window.rows.find(row - site);
      if (pattern == window.rows.end())
        continue;
      Values &total = totals[site];
      total.resize(numResults);
      for (auto [sum, more] : llvm::zip(total, sumAt(site, pattern->second)))
        sum = sum ? combine(sum, more, false) : more;
    }
  }
  for (int64_t site = 0; site < count; ++site)
    for (auto [result, total] : llvm::zip(op.getFields(), totals[site]))
      remember(result, sites[site], total);
}
