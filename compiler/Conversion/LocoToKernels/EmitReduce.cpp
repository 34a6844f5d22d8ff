//===- EmitReduce.cpp - Reductions and contractions with own loops --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

using namespace mlir;
using namespace loco;

Value Emitter::combine(Value a, Value c, bool maximum) {
  if (maximum)
    return arith::MaximumFOp::create(b, loc, a, c);
  return arith::AddFOp::create(b, loc, a, c);
}

Value Emitter::neutral(Type element, bool maximum) {
  return number(element,
                maximum ? -std::numeric_limits<double>::infinity() : 0.0);
}

/// One number for all lanes; samples stay to themselves.
Value Emitter::horizontal(Value vector, bool maximum) {
  return abreast ? vector : foldLanes(vector, maximum);
}

/// Combines the lanes of a vector, halves with halves.
Value Emitter::foldLanes(Value vector, bool maximum) {
  auto type = dyn_cast<VectorType>(vector.getType());
  if (!type)
    return vector;
  int64_t width = type.getNumElements();
  while (width > 1) {
    width /= 2;
    Value low = vector::ExtractStridedSliceOp::create(
        b, loc, vector, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{width},
        ArrayRef<int64_t>{1});
    Value high = vector::ExtractStridedSliceOp::create(
        b, loc, vector, ArrayRef<int64_t>{width}, ArrayRef<int64_t>{width},
        ArrayRef<int64_t>{1});
    vector = combine(low, high, maximum);
  }
  return vector::ExtractOp::create(b, loc, vector, ArrayRef<int64_t>{0});
}

/// A reduction over some of the axes.
void Emitter::reduceNest(ReduceOp op) {
  RankedTensorType from = op.getOperand().getType();
  bool maximum = op.getKind() == ReductionKind::Max;
  SmallVector<int64_t> shape = schedule.shapeOf(op.getOperand());
  Type element = from.getElementType();
  Sink sink{schedule.find(op.getResult()), false};
  // Lanes lie along the axis that is innermost in memory, the last one of those
  // that are summed or of those that are kept.
  Reference reference = schedule.find(op.getOperand());
  int64_t laneAxis = from.getRank() - 1;
  if (const Layout &layout = schedule.places[reference.place].layout;
      layout.lane)
    laneAxis = from.getRank() - layout.shape.size() + *layout.lane;
  SmallVector<int64_t> keptAxes, reducedAxes;
  for (int64_t i = 0; i < from.getRank(); ++i)
    if (i != laneAxis)
      (llvm::is_contained(op.getAxes(), i) ? reducedAxes : keptAxes)
          .push_back(i);
  bool alongLanes = llvm::is_contained(op.getAxes(), laneAxis);
  (alongLanes ? reducedAxes : keptAxes).push_back(laneAxis);
  auto extentsOf = [&](ArrayRef<int64_t> axes) {
    return llvm::map_to_vector(axes, [&](int64_t axis) { return shape[axis]; });
  };
  SmallVector<int64_t> kept = extentsOf(keptAxes),
                       reduced = extentsOf(reducedAxes);
  startGroup(element, shape[laneAxis]);
  Site site(from.getRank());
  auto place = [&](ArrayRef<Coordinate> outer, ArrayRef<int64_t> axes) {
    for (auto [coordinate, axis] : llvm::zip(outer, axes))
      site[axis] = coordinate;
  };
  auto resultSite = [&] {
    Site to;
    for (int64_t i = 0; i < from.getRank(); ++i)
      if (!llvm::is_contained(op.getAxes(), i))
        to.push_back(site[i]);
    return to;
  };
  if (alongLanes) {
    nest(kept, {}, [&](ArrayRef<Coordinate> outer, Carried) {
      place(outer, keptAxes);
      Values total = {neutral(element, maximum)};
      nest(ArrayRef(reduced).drop_back(), total,
           [&](ArrayRef<Coordinate> inner, Carried sums) {
             place(inner, reducedAxes);
             columns(reduced.back(), sums, [&](Value first, Carried partial) {
               site[laneAxis] = {first, 0, true};
               Value x = masked(valid, get(op.getOperand(), site),
                                neutral(element, maximum));
               partial[0] = combine(partial[0], x, maximum);
             });
           });
      Value result = horizontal(total[0], maximum);
      int64_t width = lanes;
      lanes = single();
      store(sink, resultSite(), result);
      lanes = width;
    });
    return;
  }
  nest(ArrayRef(kept).drop_back(), {},
       [&](ArrayRef<Coordinate> outer, Carried) {
         columns(kept.back(), {}, [&](Value first, Carried) {
           place(outer, keptAxes);
           site[laneAxis] = {first, 0, true};
           Values total = {neutral(element, maximum)};
           nest(reduced, total, [&](ArrayRef<Coordinate> inner, Carried sums) {
             place(inner, reducedAxes);
             sums[0] = combine(sums[0], get(op.getOperand(), site), maximum);
           });
           store(sink, resultSite(), total[0]);
         });
       });
}

void Emitter::firstMax(FirstMaxOp op) {
  RankedTensorType type = op.getResult().getType();
  Type element = type.getElementType();
  SmallVector<int64_t> shape = schedule.shapeOf(op.getOperand());
  Sink sink{schedule.find(op.getResult()), false};
  SmallVector<int64_t> kept, reduced, keptAxes, reducedAxes;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    bool away = llvm::is_contained(op.getAxes(), i);
    (away ? reduced : kept).push_back(shape[i]);
    (away ? reducedAxes : keptAxes).push_back(i);
  }
  startGroup(element, 1);
  Site site(type.getRank());
  nest(kept, {}, [&](ArrayRef<Coordinate> outer, Carried) {
    for (auto [coordinate, axis] : llvm::zip(outer, keptAxes))
      site[axis] = coordinate;
    Values maximum = {neutral(element, true)};
    auto at = [&](ArrayRef<Coordinate> inner) {
      for (auto [coordinate, axis] : llvm::zip(inner, reducedAxes))
        site[axis] = coordinate;
      return get(op.getOperand(), site);
    };
    nest(reduced, maximum, [&](ArrayRef<Coordinate> inner, Carried best) {
      best[0] = combine(best[0], at(inner), true);
    });
    Values searching = {number(b.getI1Type(), 1)};
    nest(reduced, searching, [&](ArrayRef<Coordinate> inner, Carried open) {
      Value hit = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                        at(inner), maximum[0]);
      hit = both(hit, open[0]);
      store(sink, site,
            arith::UIToFPOp::create(b, loc, vectorOf(element), hit));
      open[0] = arith::XOrIOp::create(b, loc, open[0], hit);
    });
  });
}

/// Draws come from the run-time, a whole field at a time.
void Emitter::random(RandomOp op) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  Type element = type.getElementType();
  startGroup(element, 1);
  Value to = pointerTo(schedule.find(op.getResult()));
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value function = LLVM::LoadOp::create(
      b, loc, pointer,
      address(services, pointer, Value(), element.isF32() ? 2 : 3));
  Value normal =
      number(b.getI32Type(), op.getDistribution() == Distribution::Normal);
  Values arguments = {function,
                      block,
                      normal,
                      constant(op.getStream()),
                      sample,
                      scalars.lookup(op.getStep()),
                      constant(type.getNumElements()),
                      to};
  SmallVector<Type> types;
  for (Value argument : ArrayRef(arguments).drop_front())
    types.push_back(argument.getType());
  LLVM::CallOp::create(b, loc,
                       LLVM::LLVMFunctionType::get(
                           LLVM::LLVMVoidType::get(b.getContext()), types),
                       arguments);
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

namespace {
/// Extents of the letters of an equation, and which tensors they stand in.
struct Letters {
  StringRef lhs, rhs, out;
  std::map<char, int64_t> extents;

  Letters(ContractOp op, const Schedule &schedule) {
    auto [inputs, output] = op.getEquation().split("->");
    std::tie(lhs, rhs) = inputs.split(',');
    out = output;
    for (auto [letters, operand] : {std::pair(lhs, Value(op.getLhs())),
                                    std::pair(rhs, Value(op.getRhs()))})
      for (auto [letter, extent] :
           llvm::zip(letters, schedule.shapeOf(operand)))
        extents[letter] = extent;
  }

  /// True if neighbours along `letter` are neighbours in memory.
  bool isContiguous(char letter) const {
    auto fits = [&](StringRef letters) {
      return !letters.contains(letter) || letters.back() == letter;
    };
    return fits(lhs) && fits(rhs);
  }

  std::string contracted() const {
    std::string letters;
    for (auto [letter, extent] : extents)
      if (!out.contains(letter))
        letters += letter;
    // The last axes run fastest.
    llvm::sort(letters,
               [&](char a, char b) { return lhs.find(a) < lhs.find(b); });
    return letters;
  }
};
} // namespace

/// Rows of the result that share the loads of the other operand.
static constexpr int64_t contractRows = 4;

void Emitter::contract(ContractOp op) {
  Letters letters(op, schedule);
  std::string inner = letters.contracted(), outer = letters.out.str();
  Type element = op.getResult().getType().getElementType();
  Sink sink{schedule.find(op.getResult()), false};

  // Lanes along the result if both operands are contiguous there, else along
  // a contracted axis, else along the result with gathers.
  char along = 0;
  if (!outer.empty() && letters.isContiguous(outer.back()))
    along = outer.back();
  else
    for (char letter : llvm::reverse(inner))
      if (!along && letters.isContiguous(letter))
        along = letter;
  if (!along && !outer.empty())
    along = outer.back();
  bool summed = along && llvm::is_contained(inner, along);
  startGroup(element, along ? letters.extents[along] : 1);
  llvm::erase(inner, along);
  llvm::erase(outer, along);
  char tile = 0;
  if (!outer.empty() && isKnownLength(letters.extents[outer.back()])) {
    tile = outer.back();
    outer.pop_back();
  }

  std::map<char, Coordinate> at;
  auto siteOf = [&](StringRef axes) {
    Site site;
    for (char letter : axes)
      site.push_back(at[letter]);
    return site;
  };
  auto extentsOf = [&](StringRef axes) {
    SmallVector<int64_t> extents;
    for (char letter : axes)
      extents.push_back(letters.extents[letter]);
    return extents;
  };
  auto row = [&](Value first) { return Coordinate{first, 0, true}; };
  // The sums of `rows` neighbours along `tile` at the lanes at hand.
  auto accumulate = [&](int64_t rows, Carried totals) {
    nest(extentsOf(inner), totals,
         [&](ArrayRef<Coordinate> site, Carried sums) {
           for (auto [letter, coordinate] : llvm::zip(inner, site))
             at[letter] = coordinate;
           auto term = [&](Carried partial) {
             Coordinate base = at[tile];
             for (int64_t r = 0; r < rows; ++r) {
               at[tile] = base.shifted(r);
               Value lhs = get(op.getLhs(), siteOf(letters.lhs));
               Value rhs = get(op.getRhs(), siteOf(letters.rhs));
               if (summed)
                 lhs = masked(valid, lhs, number(element, 0));
               if (summed)
                 rhs = masked(valid, rhs, number(element, 0));
               partial[r] = fma(lhs, rhs, partial[r]);
             }
             at[tile] = base;
           };
           if (summed)
             columns(letters.extents[along], sums,
                     [&](Value first, Carried partial) {
                       at[along] = row(first);
                       term(partial);
                     });
           else
             term(sums);
         });
  };
  auto rowsAt = [&](Coordinate base, int64_t rows) {
    at[tile] = base;
    Values totals(rows, number(element, 0));
    accumulate(rows, totals);
    for (int64_t r = 0; r < rows; ++r) {
      at[tile] = base.shifted(r);
      Value total = summed ? horizontal(totals[r], false) : totals[r];
      int64_t width = lanes;
      if (summed)
        lanes = single();
      store(sink, siteOf(letters.out), total);
      lanes = width;
    }
  };
  auto tiles = [&] {
    if (!tile)
      return rowsAt({}, 1);
    int64_t extent = letters.extents[tile],
            whole = extent - extent % contractRows;
    if (whole)
      loop(whole, contractRows, {},
           [&](Value first, Carried) { rowsAt({first}, contractRows); });
    if (extent > whole)
      rowsAt({Value(), whole}, extent - whole);
  };
  nest(extentsOf(outer), {}, [&](ArrayRef<Coordinate> site, Carried) {
    for (auto [letter, coordinate] : llvm::zip(outer, site))
      at[letter] = coordinate;
    if (along && !summed)
      columns(letters.extents[along], {}, [&](Value first, Carried) {
        at[along] = row(first);
        tiles();
      });
    else
      tiles();
  });
}
