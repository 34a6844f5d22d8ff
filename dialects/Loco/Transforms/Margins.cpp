//===- Margins.cpp - Convolutions as libraries know them ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/Transforms/Margins.h"

using namespace mlir;
using namespace loco;

namespace {
/// What the outputs need of one axis beyond its sites: that many in front and
/// behind; negative behind: as many sites are not read at all.
struct Margin {
  unsigned axis;
  int64_t sites, before, after;

  /// Sites of the copy.
  int64_t read() const { return before + sites + after; }
};

/// The copy of a field with its margins, and its transpose.
class Margins {
public:
  Margins(const ConvForm &form, OpBuilder &builder, Location loc);

  Value around(Value field);
  Value foldBack(Value gradient);

private:
  Value aroundZeros(Value field);
  Value foldBackZeros(Value gradient);
  Value slice(Value value, unsigned axis, int64_t from, int64_t sites);
  Value pad(Value value, unsigned axis, int64_t from, int64_t sites);

  OpBuilder &b;
  Location loc;
  bool wraps;
  SmallVector<Margin> margins;
};
} // namespace

static SmallVector<Margin> findMargins(const ConvForm &form) {
  SmallVector<Margin> margins;
  for (auto [i, stride] : llvm::enumerate(form.strides)) {
    unsigned axis = i + 1;
    int64_t sites = form.field.getDimSize(axis),
            read =
                (form.output.getDimSize(axis) - 1) * stride + form.window()[i];
    margins.push_back({axis, sites, form.low[i], read - form.low[i] - sites});
  }
  return margins;
}

Margins::Margins(const ConvForm &form, OpBuilder &builder, Location loc)
    : b(builder), loc(loc), wraps(form.boundary == Boundary::Wrap),
      margins(findMargins(form)) {}

static int64_t extentOf(Value value, unsigned axis) {
  return cast<RankedTensorType>(value.getType()).getDimSize(axis);
}

static RankedTensorType withShape(Value value, ArrayRef<int64_t> shape) {
  return cast<RankedTensorType>(value.getType()).clone(shape);
}

static RankedTensorType withSites(Value value, unsigned axis, int64_t sites) {
  SmallVector<int64_t> shape(
      cast<RankedTensorType>(value.getType()).getShape());
  shape[axis] = sites;
  return withShape(value, shape);
}

static SmallVector<int64_t> offsetsOf(Value value, unsigned axis,
                                      int64_t from) {
  SmallVector<int64_t> offsets(
      cast<RankedTensorType>(value.getType()).getRank(), 0);
  offsets[axis] = from;
  return offsets;
}

Value Margins::slice(Value value, unsigned axis, int64_t from, int64_t sites) {
  return SliceOp::create(b, loc, withSites(value, axis, sites), value,
                         offsetsOf(value, axis, from));
}

Value Margins::pad(Value value, unsigned axis, int64_t from, int64_t sites) {
  return PadOp::create(b, loc, withSites(value, axis, sites), value,
                       offsetsOf(value, axis, from));
}

/// The field with zeros around it, without what no output reads.
Value Margins::aroundZeros(Value field) {
  SmallVector<int64_t> from = {0}, shape = {extentOf(field, 0)};
  for (const Margin &margin : margins) {
    from.push_back(margin.before);
    shape.push_back(margin.before + margin.sites +
                    std::max<int64_t>(margin.after, 0));
  }
  if (shape != cast<RankedTensorType>(field.getType()).getShape())
    field = PadOp::create(b, loc, withShape(field, shape), field, from);
  for (const Margin &margin : margins)
    if (margin.after < 0)
      field = slice(field, margin.axis, 0, margin.read());
  return field;
}

Value Margins::around(Value field) {
  if (!wraps)
    return aroundZeros(field);
  for (const Margin &margin : margins) {
    auto [axis, sites, before, after] = margin;
    SmallVector<Value> parts;
    if (before)
      parts.push_back(slice(field, axis, sites - before, before));
    parts.push_back(after < 0 ? slice(field, axis, 0, sites + after) : field);
    if (after > 0)
      parts.push_back(slice(field, axis, 0, after));
    if (parts.size() > 1)
      field = ConcatOp::create(b, loc, withSites(field, axis, margin.read()),
                               parts, axis);
    else
      field = parts.front();
  }
  return field;
}

Value Margins::foldBackZeros(Value gradient) {
  SmallVector<int64_t> from = {0}, shape = {extentOf(gradient, 0)};
  for (const Margin &margin : margins) {
    if (margin.after < 0)
      gradient = pad(gradient, margin.axis, 0, margin.before + margin.sites);
    from.push_back(margin.before);
    shape.push_back(margin.sites);
  }
  if (shape == cast<RankedTensorType>(gradient.getType()).getShape())
    return gradient;
  return SliceOp::create(b, loc, withShape(gradient, shape), gradient, from);
}

Value Margins::foldBack(Value gradient) {
  if (!wraps)
    return foldBackZeros(gradient);
  for (const Margin &margin : llvm::reverse(margins)) {
    auto [axis, sites, before, after] = margin;
    Value whole = gradient;
    if (int64_t inside = std::min(sites, sites + after);
        inside != margin.read())
      gradient = slice(whole, axis, before, inside);
    if (after < 0)
      gradient = pad(gradient, axis, 0, sites);
    // What lies around the torus is a site once more.
    auto add = [&](int64_t from, int64_t count, int64_t to) {
      if (count > 0)
        gradient = arith::AddFOp::create(
            b, loc, gradient,
            pad(slice(whole, axis, from, count), axis, to, sites));
    };
    add(0, before, sites - before);
    add(before + sites, after, 0);
  }
  return gradient;
}

bool loco::isLibraryConvolution(Operation *op, int64_t elements) {
  if (!isa<ConvOp, ConvTransposeOp, ConvOuterOp>(op))
    return false;
  ConvForm form = ConvForm::of(op);
  if (!form.channels || form.window().size() > 3 ||
      form.kernel.getNumElements() < elements)
    return false;
  // A margin is at most once around.
  return llvm::all_of(findMargins(form), [&](const Margin &margin) {
    return form.boundary == Boundary::Zero ||
           std::max(margin.before, margin.after) <= margin.sites;
  });
}

bool loco::hasPlainMargins(const ConvForm &form) {
  return llvm::all_of(
      llvm::zip(findMargins(form), form.strides), [&](auto pair) {
        auto [margin, stride] = pair;
        bool isZero = form.boundary == Boundary::Zero ||
                      std::max(margin.before, margin.after) <= 0;
        // With `before` zeros on both sides there are as many outputs.
        int64_t left = margin.before - margin.after;
        return isZero && left >= 0 && left < stride;
      });
}

void loco::makeMarginsPlain(Operation *op) {
  ConvForm form = ConvForm::of(op);
  if (hasPlainMargins(form))
    return;
  OpBuilder b(op);
  Location loc = op->getLoc();
  Margins margins(form, b, loc);
  SmallVector<int64_t> none(form.strides.size(), 0);
  auto make = [&](auto old, Type type, Value lhs, Value rhs) -> Value {
    return decltype(old)::create(b, loc, type, lhs, rhs, Boundary::Zero,
                                 form.strides, none, form.groups);
  };
  Value lhs = op->getOperand(0), rhs = op->getOperand(1), made;
  if (auto conv = dyn_cast<ConvOp>(op)) {
    made = make(conv, form.output, lhs, margins.around(rhs));
  } else if (auto outer = dyn_cast<ConvOuterOp>(op)) {
    made = make(outer, form.kernel, lhs, margins.around(rhs));
  } else {
    SmallVector<int64_t> shape(form.field.getShape());
    for (const Margin &margin : findMargins(form))
      shape[margin.axis] = margin.read();
    made = margins.foldBack(
        make(cast<ConvTransposeOp>(op), form.field.clone(shape), lhs, rhs));
  }
  op->getResult(0).replaceAllUsesWith(made);
  op->erase();
}
