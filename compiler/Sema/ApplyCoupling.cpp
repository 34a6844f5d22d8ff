//===- ApplyCoupling.cpp - W @ z ------------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Elaborator.h"

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

/// What a coupling acts on. A class stands for its one-hot vector.
static Node *getOperand(Elaborator &elaborator, const ast::Expr *expr) {
  Meaning meaning = elaborator.elaborate(expr);
  if (!meaning.is(Meaning::Kind::Value) ||
      meaning.value->element != Element::Class)
    return elaborator.requireValue(meaning, expr->getRange());
  const Space *space = meaning.value->space;
  return elaborator.graph.oneHot(meaning.value, space->getNumElements(), space);
}

/// W of `transpose(W)`; null for anything else.
static const ast::Expr *getTransposed(const Elaborator &elaborator,
                                      const ast::Expr *expr) {
  auto *call = llvm::dyn_cast<ast::CallExpr>(expr);
  bool isTranspose = call && call->getCalleeName() == "transpose" &&
                     call->arguments.size() == 1 &&
                     call->arguments[0].kind == ast::Argument::Kind::Positional;
  return isTranspose && !elaborator.scope->find("transpose")
             ? call->arguments[0].value
             : nullptr;
}

/// The transposed coupling applied to a value on the space that it leads to,
/// without its bias. `apply` applies the coupling itself: where no form is
/// written down here, the derivative of z . W x by x is what is wanted.
static Node *applyTransposed(Graph &graph, const Coupling &coupling,
                             Node *field,
                             llvm::function_ref<Node *(Node *)> apply) {
  switch (coupling.kind) {
  case Coupling::Kind::Diagonal:
    return graph.binary(Op::Multiply, coupling.weights, field);
  case Coupling::Kind::Dense:
  case Coupling::Kind::LowRank: {
    Node *result = graph.flatten(field);
    for (Node *weights : {coupling.weights, coupling.right})
      if (weights)
        result = graph.contract("oi,o->i", weights, result, weights->shape[1]);
    return graph.reshape(result, coupling.from);
  }
  default: {
    Node *x = graph.variable(graph.constant(0, coupling.from));
    Node *product =
        graph.reduceAll(Op::Sum, graph.binary(Op::Multiply, field, apply(x)));
    return graph.gradient(product, x);
  }
  }
}

Meaning Elaborator::applyCoupling(const ast::CoupleExpr &expr) {
  const ast::Expr *transposed = getTransposed(*this, expr.coupling);
  Meaning meaning = elaborate(transposed ? transposed : expr.coupling);
  const ast::Expr *turned = getTransposed(*this, expr.operand);
  Node *operand = getOperand(*this, turned ? turned : expr.operand);
  if (!meaning.isValid() || !operand)
    return {};
  if (meaning.is(Meaning::Kind::Value))
    if (std::optional<Meaning> product =
            multiplyMatrix({meaning.value, transposed != nullptr},
                           {operand, turned != nullptr}, expr))
      return *product;
  if (turned) {
    error("misplaced", expr.operand->getRange(),
          "`transpose` stands before `@`, or behind it in a product of two "
          "matrices");
    return {};
  }
  SourceRange range = (transposed ? transposed : expr.coupling)->getRange();
  if (!meaning.is(Meaning::Kind::Coupling)) {
    Diagnostic &diagnostic = error(
        "not-a-coupling", range, "`" + getText(range) + "` is not a coupling");
    noteDeclaration(diagnostic, range);
    diagnostic.hint("declare it with `coupling`, or multiply with `*`");
    return {};
  }
  const Coupling &coupling = *meaning.coupling;
  const Space *from = transposed ? coupling.to : coupling.from;
  if (operand->space != from) {
    // One number for all sites is a field like any other.
    SmallVector<int64_t> axes;
    if (!findBroadcast(operand->space, from, axes)) {
      error("space-mismatch", expr.operand->getRange(),
            "`" + getText(expr.coupling->getRange()) + "` couples " +
                from->quote() + ", but `" + getText(expr.operand->getRange()) +
                "` lives on " + operand->space->quote())
          .label(operand->space->describe())
          .place(expr.coupling->getRange(), from->describe())
          .note(coupling.range, "`" + getText(range) + "` is declared here")
          .hint(hintAtReshape(operand, getText(expr.operand->getRange()),
                              from));
      return {};
    }
    operand = graph.broadcast(operand, from, axes);
  }
  if (transposed)
    return Meaning::ofValue(
        applyTransposed(graph, coupling, operand,
                        [&](Node *x) { return applyTo(coupling, x); }));
  return Meaning::ofValue(applyTo(coupling, operand));
}

/// The coupling applied to a value on its space.
Node *Elaborator::applyTo(const Coupling &coupling, Node *field) {
  switch (coupling.kind) {
  case Coupling::Kind::Diagonal:
    return graph.binary(Op::Multiply, coupling.weights, field);
  case Coupling::Kind::Shift: {
    int64_t axis = field->shape.size() - coupling.distances.size();
    for (int64_t distance : coupling.distances)
      field = graph.roll(field, axis++, distance, coupling.from->wraps());
    return field;
  }
  case Coupling::Kind::Dense:
  case Coupling::Kind::LowRank: {
    Node *result = graph.flatten(field);
    if (coupling.right)
      result = graph.contract("oi,i->o", coupling.right, result,
                              coupling.right->shape[0]);
    result = graph.contract("oi,i->o", coupling.weights, result,
                            coupling.weights->shape[0]);
    if (coupling.bias)
      result = graph.binary(Op::Add, result, coupling.bias->value);
    return graph.reshape(result, coupling.to);
  }
  case Coupling::Kind::Conv:
    return addBias(coupling, convolve(coupling, field));
  case Coupling::Kind::Local:
    return addBias(coupling, applyLocal(coupling, field));
  case Coupling::Kind::Gaussian:
    return addBias(coupling, applyGaussian(coupling, field));
  }
  llvm_unreachable("unknown coupling");
}

/// A bias per site, per channel, or one for all.
Node *Elaborator::addBias(const Coupling &coupling, Node *result) {
  if (!coupling.bias)
    return result;
  Node *bias = coupling.bias->value;
  if (bias->shape != result->shape) {
    SmallVector<int64_t, 2> channels;
    if (!bias->shape.empty() && coupling.to->copies)
      channels.push_back(coupling.to->copies);
    if (!bias->shape.empty() && coupling.to->channels)
      channels.push_back(coupling.to->channels);
    bias = graph.reshapeTo(bias, channels, nullptr);
    SmallVector<int64_t, 4> axes;
    for (size_t i = channels.size(); i < result->shape.size(); ++i)
      axes.push_back(i);
    bias = graph.broadcast(bias, coupling.to, axes);
  }
  return graph.binary(Op::Add, result, bias);
}

/// Cross-correlation along the last axes. A kernel along one ring of several
/// gets a window of 1 across them.
Node *Elaborator::convolve(const Coupling &coupling, Node *field) {
  const Space *from = coupling.from, *to = coupling.to;
  bool channels = coupling.isBetween || from->channels;
  Node *kernel = coupling.weights;
  unsigned lead = channels ? 2 : 0;
  size_t across = from->sites.size() - from->getCouplingRank();
  SmallVector<int64_t, 4> shape(kernel->shape.begin(),
                                kernel->shape.begin() + lead);
  SmallVector<int64_t, 4> low(across, 0), strides(across, 1);
  shape.append(across, 1);
  shape.append(coupling.window.begin(), coupling.window.end());
  low.append(coupling.low.begin(), coupling.low.end());
  strides.append(coupling.strides.begin(), coupling.strides.end());
  kernel = graph.reshapeTo(kernel, shape, kernel->space);

  // Images without channels have one.
  SmallVector<int64_t, 4> fieldShape, resultShape;
  if (channels) {
    fieldShape.push_back(std::max<int64_t>(from->channels, 1));
    resultShape.push_back(kernel->shape[0]);
  }
  fieldShape.append(from->sites.begin(), from->sites.end());
  resultShape.append(to->sites.begin(), to->sites.end());
  if (!ArrayRef(field->shape).equals(fieldShape))
    field = graph.reshapeTo(field, fieldShape, nullptr);
  Node *result = graph.conv(kernel, field, low, strides, coupling.groups,
                            from->wraps(), resultShape);
  return graph.reshape(result, to);
}

/// The weights of all sites at one tap, times the field moved there, summed
/// over taps. Moving rows first leaves them for all taps of a row to share.
Node *Elaborator::applyLocal(const Coupling &coupling, Node *field) {
  const Space *space = coupling.from;
  ArrayRef<int64_t> window = coupling.window;
  size_t lead = space->channels ? 2 : 0, rank = window.size();
  int64_t firstAxis = field->shape.size() - rank;
  SmallVector<int64_t, 6> box(ArrayRef<int64_t>(coupling.weights->shape));
  std::fill_n(box.begin() + lead, rank, 1);
  SmallVector<int64_t, 4> planes(box.begin(), box.begin() + lead);
  if (lead && !coupling.mixesChannels)
    planes.pop_back();
  planes.append(space->sites.begin(), space->sites.end());

  Node *sum = nullptr;
  SmallVector<int64_t, 6> offsets(box.size(), 0);
  auto addTaps = [&](auto &self, size_t axis, Node *moved) -> void {
    if (axis < rank) {
      for (int64_t tap = 0; tap < window[axis]; ++tap) {
        offsets[lead + axis] = tap;
        int64_t distance = coupling.low[axis] - tap;
        self(self, axis + 1,
             distance ? graph.roll(moved, firstAxis + int64_t(axis), distance,
                                   space->wraps())
                      : moved);
      }
      return;
    }
    Node *weights = graph.reshapeTo(graph.slice(coupling.weights, offsets, box),
                                    planes, nullptr);
    Node *term;
    if (coupling.mixesChannels)
      term = graph.contract(space->sites.size() == 1 ? "oix,ix->ox"
                                                     : "oixy,ixy->oxy",
                            weights, moved, field->shape);
    else
      term = graph.binary(Op::Multiply, weights, moved);
    sum = sum ? graph.binary(Op::Add, sum, term) : term;
  };
  addTaps(addTaps, 0, field);
  return graph.reshape(sum, space);
}

/// One pass along each axis, then the amplitude.
Node *Elaborator::applyGaussian(const Coupling &coupling, Node *field) {
  const Space *space = coupling.from;
  size_t first = space->sites.size() - coupling.profiles.size();
  int64_t channels = space->channels;
  for (auto [axis, profile] : llvm::enumerate(coupling.profiles)) {
    SmallVector<int64_t, 4> shape, low(space->sites.size(), 0),
        strides(space->sites.size(), 1);
    if (channels)
      shape = {channels, 1};
    shape.append(space->sites.size(), 1);
    shape[shape.size() - space->sites.size() + first + axis] = profile.size();
    low[first + axis] = profile.size() / 2;
    std::vector<double> numbers;
    for (int64_t c = 0; c < std::max<int64_t>(channels, 1); ++c)
      numbers.insert(numbers.end(), profile.begin(), profile.end());
    Node *kernel = graph.array(numbers, ArrayRef<int64_t>(shape));
    field =
        graph.conv(kernel, field, low, strides, std::max<int64_t>(channels, 1),
                   space->wraps(), field->shape);
  }
  Node *amplitude = coupling.weights;
  if (coupling.mixesChannels) {
    Node *flat =
        graph.reshapeTo(field, {channels, space->getNumSites()}, nullptr);
    Node *mixed = graph.contract("oi,ix->ox", amplitude, flat, flat->shape);
    return graph.reshape(mixed, space);
  }
  SmallVector<int64_t, 4> axes;
  for (size_t i = amplitude->shape.size(); i < field->shape.size(); ++i)
    axes.push_back(i);
  amplitude = graph.broadcast(amplitude, space, axes);
  return graph.reshape(graph.binary(Op::Multiply, amplitude, field), space);
}
