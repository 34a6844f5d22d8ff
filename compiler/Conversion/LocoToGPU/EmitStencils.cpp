//===- EmitStencils.cpp - Sums over neighbours ----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A site's stencils over the same places go through them once, side by side: of
// one after the other each would find all places anew, or, what assemblers do,
// keep where they are in registers from the first one to the last, several for
// each neighbour. A field that several read is read once. So a derivative,
// whose offsets are the negated ones, is made beside what it is the derivative
// of.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace loco;

/// The distances to a stencil's places, one behind the other.
static SmallVector<ArrayRef<int64_t>> tapsOf(StencilOp op) {
  ArrayRef<int64_t> offsets = op.getOffsets();
  int64_t rank = cast<RankedTensorType>(op.getResult(0).getType()).getRank();
  SmallVector<ArrayRef<int64_t>> taps;
  for (size_t k = 0; rank && k + rank <= offsets.size(); k += rank)
    taps.push_back(offsets.slice(k, rank));
  return taps;
}

/// True if both sum over the same places in any order, and `later` needs
/// nothing that `stage` makes.
static bool goesBeside(StencilOp first, StencilOp later,
                       const GPUStage &stage) {
  auto typeOf = [](StencilOp op) { return op.getResult(0).getType(); };
  if (cast<ShapedType>(typeOf(first)).getShape() !=
          cast<ShapedType>(typeOf(later)).getShape() ||
      first.getBoundary() != later.getBoundary())
    return false;
  auto sorted = [](StencilOp op) {
    SmallVector<ArrayRef<int64_t>> taps = tapsOf(op);
    llvm::sort(taps, [](ArrayRef<int64_t> a, ArrayRef<int64_t> c) {
      return std::lexicographical_compare(a.begin(), a.end(), c.begin(),
                                          c.end());
    });
    return taps;
  };
  // What a centre is made of in this stage may not be there yet.
  auto isMadeHere = [&](Value centre) {
    Operation *producer = centre.getDefiningOp();
    return producer && (isView(producer) ||
                        llvm::any_of(stage.items, [&](const GPUItem &i) {
                          return i.op == producer;
                        }));
  };
  return sorted(first) == sorted(later) &&
         llvm::none_of(later.getCentres(), isMadeHere);
}

/// The terms of `op` at one place; null where it has no such result.
GPUEmitter::Values
GPUEmitter::termsOf(StencilOp op, ArrayRef<Value> centres,
                    llvm::function_ref<Value(Value)> neighbour,
                    const GPUSite &site) {
  Block &body = op.getBody().front();
  DenseMap<Value, Value> values;
  for (auto [argument, centre] : llvm::zip(body.getArguments(), centres))
    values[argument] = centre;
  for (auto [argument, field] : llvm::zip(
           body.getArguments().drop_front(centres.size()), op.getNeighbours()))
    values[argument] = neighbour(field);
  for (Operation &inner : body.without_terminator()) {
    if (inner.hasTrait<OpTrait::ConstantLike>()) {
      values[inner.getResult(0)] = view(inner.getResult(0), site);
      continue;
    }
    Values operands;
    for (Value operand : inner.getOperands())
      operands.push_back(values.lookup(operand));
    values[inner.getResult(0)] = elementwise(&inner, operands);
  }
  Values terms;
  for (Value term : body.getTerminator()->getOperands())
    terms.push_back(values.lookup(term));
  return terms;
}

/// All results of stencils over the same places at `site`, one op's after the
/// other's.
GPUEmitter::Values GPUEmitter::stencils(ArrayRef<StencilOp> ops,
                                        const GPUSite &site) {
  SmallVector<GPUCoordinate, 4> own = coordinatesOf(site);
  SmallVector<Values> centres;
  Values totals;
  for (StencilOp op : ops) {
    Values &mine = centres.emplace_back();
    for (Value centre : op.getCentres())
      mine.push_back(get(centre, site));
    totals.append(op.getNumResults(), Value());
  }
  StencilOp first = ops.front();
  for (ArrayRef<int64_t> offset : tapsOf(first)) {
    SmallVector<GPUCoordinate, 4> moved(own);
    Value exists;
    for (auto [i, distance] : llvm::enumerate(offset)) {
      moved[i].offset += distance;
      // Terms of neighbours beyond the edge are left out.
      if (first.getBoundary() == Boundary::Zero && distance)
        exists = both(exists, compare(arith::CmpIPredicate::ult, at(moved[i]),
                                      constant(site.shape[i])));
    }
    DenseMap<Value, Value> read;
    auto neighbour = [&](Value field) {
      Value &known = read[resolve(field)];
      if (!known)
        known = getAround(field, moved, first.getBoundary());
      return known;
    };
    Value *total = totals.begin();
    for (auto [op, mine] : llvm::zip(ops, centres))
      for (Value term : termsOf(op, mine, neighbour, site)) {
        term = select(exists, term, number(term.getType(), 0));
        *total = *total ? combine(*total, term, false) : term;
        ++total;
      }
  }
  return totals;
}

/// Emits the results of `op`, one of `stage`, at `site`, and those of later
/// stencils of the stage that go beside it.
void GPUEmitter::stencil(StencilOp op, const GPUSite &site, Values &results) {
  if (auto known = stencilsAhead.find(op); known != stencilsAhead.end()) {
    results = known->second;
    stencilsAhead.erase(known);
    return;
  }
  SmallVector<StencilOp> together = {op};
  bool isBehind = false;
  if (stageAtHand)
    for (const GPUItem &item : stageAtHand->items) {
      auto later = dyn_cast_or_null<StencilOp>(item.op);
      if (isBehind && later && goesBeside(op, later, *stageAtHand))
        together.push_back(later);
      isBehind |= item.op == op;
    }
  Values totals = stencils(together, site);
  size_t next = 0;
  for (StencilOp one : together) {
    Values sums;
    for (Value result : one.getResults()) {
      Value total = totals[next++];
      sums.push_back(total ? here(total)
                           : number(getElementTypeOrSelf(result), 0));
    }
    if (one == op)
      results = std::move(sums);
    else
      stencilsAhead[one] = std::move(sums);
  }
}
