//===- ElaborateCoupling.cpp - W @ z and neighbourhoods -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Elaborator.h"

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// W @ z
//===----------------------------------------------------------------------===//

/// What a coupling acts on. A class stands for its one-hot vector.
static Node *getOperand(Elaborator &elaborator, const ast::Expr *expr) {
  Meaning meaning = elaborator.elaborate(expr);
  if (!meaning.is(Meaning::Kind::Value) ||
      meaning.value->element != Element::Class)
    return elaborator.requireValue(meaning, expr->getRange());
  const Space *space = meaning.value->space;
  return elaborator.graph.oneHot(meaning.value, space->getNumElements(), space);
}

Meaning Elaborator::applyCoupling(const ast::CoupleExpr &expr) {
  Meaning meaning = elaborate(expr.coupling);
  Node *operand = getOperand(*this, expr.operand);
  if (!meaning.isValid() || !operand)
    return {};
  SourceRange range = expr.coupling->getRange();
  if (!meaning.is(Meaning::Kind::Coupling)) {
    Diagnostic &diagnostic = error(
        "not-a-coupling", range, "`" + getText(range) + "` is not a coupling");
    noteDeclaration(diagnostic, range);
    diagnostic.hint("declare it with `coupling`, or multiply with `*`");
    return {};
  }
  const Coupling &coupling = *meaning.coupling;
  if (operand->space != coupling.from) {
    // One number for all sites is a field like any other.
    SmallVector<int64_t> axes;
    if (!findBroadcast(operand->space, coupling.from, axes)) {
      error("space-mismatch", expr.operand->getRange(),
            "`" + getText(range) + "` couples " + coupling.from->quote() +
                ", but `" + getText(expr.operand->getRange()) + "` lives on " +
                operand->space->quote())
          .label(operand->space->describe())
          .place(range, coupling.from->describe())
          .note(coupling.range, "`" + getText(range) + "` is declared here");
      return {};
    }
    operand = graph.broadcast(operand, coupling.from, axes);
  }

  Node *kernel = coupling.kernel ? coupling.kernel->value : nullptr;
  Node *bias = coupling.bias ? coupling.bias->value : nullptr;
  switch (coupling.kind) {
  case Coupling::Kind::Diagonal:
    return Meaning::ofValue(graph.binary(Op::Multiply, kernel, operand));
  case Coupling::Kind::Shift: {
    Node *moved = operand;
    int64_t axis = operand->shape.size() - coupling.distances.size();
    for (int64_t distance : coupling.distances)
      moved = graph.roll(moved, axis++, distance, coupling.from->wraps());
    return Meaning::ofValue(moved);
  }
  case Coupling::Kind::Dense: {
    Node *result = graph.contract("oi,i->o", kernel, graph.flatten(operand),
                                  kernel->shape[0]);
    if (bias)
      result = graph.binary(Op::Add, result, bias);
    return Meaning::ofValue(graph.reshape(result, coupling.to));
  }
  case Coupling::Kind::Conv: {
    Node *result = convolve(coupling, kernel, operand);
    if (bias) {
      SmallVector<int64_t, 4> axes;
      for (size_t i = coupling.to->channels ? 1 : 0; i < result->shape.size();
           ++i)
        axes.push_back(i);
      result = graph.binary(Op::Add, result,
                            graph.broadcast(bias, coupling.to, axes));
    }
    return Meaning::ofValue(result);
  }
  }
  llvm_unreachable("unknown coupling");
}

/// Cross-correlation along the last axes. A kernel along one ring of several
/// gets a window of 1 across them.
Node *Elaborator::convolve(const Coupling &coupling, Node *kernel,
                           Node *field) {
  const Space *space = coupling.from;
  unsigned lead = space->channels ? 2 : 0;
  SmallVector<int64_t, 4> shape(kernel->shape.begin(),
                                kernel->shape.begin() + lead);
  shape.append(space->sites.size() - space->getCouplingRank(), 1);
  shape.append(kernel->shape.begin() + lead, kernel->shape.end());
  kernel = graph.reshapeTo(kernel, shape, kernel->space);
  SmallVector<int64_t, 4> low;
  for (int64_t extent : ArrayRef(shape).drop_front(lead))
    low.push_back(extent / 2);
  int64_t groups =
      space->channels && !coupling.mixesChannels ? space->channels : 1;
  return graph.conv(kernel, field, low, groups, space->wraps(), field->shape);
}

//===----------------------------------------------------------------------===//
// mean(j in near(radius = 5): ...)
//===----------------------------------------------------------------------===//

namespace {
/// Sites at distance 1 to `radius` by one of the two metrics.
struct Neighbourhood {
  int64_t radius = 0;
  bool isEuclidean = false;

  /// Displacements along `rank` axes, one after the other, with leading zeros
  /// for the axes of the field in front of them.
  SmallVector<int64_t> getOffsets(unsigned rank, unsigned leading) const {
    SmallVector<int64_t> offsets, at(rank, -radius);
    while (true) {
      int64_t squares = 0;
      for (int64_t d : at)
        squares += d * d;
      if (squares && (!isEuclidean || squares <= radius * radius)) {
        offsets.append(leading, 0);
        offsets.append(at);
      }
      unsigned axis = rank;
      while (axis && at[axis - 1] == radius)
        at[--axis] = -radius;
      if (!axis)
        return offsets;
      ++at[axis - 1];
    }
  }
};
} // namespace

/// Wider sums are a slip, or a coupling of its own.
static constexpr int64_t maxNeighbours = 1 << 16;

static std::optional<Neighbourhood> readNeighbourhood(Elaborator &e,
                                                      const ast::Expr *expr) {
  auto *call = llvm::dyn_cast<ast::CallExpr>(expr);
  if (!call || call->getCalleeName() != "near") {
    e.error("unknown-name", expr->getRange(),
            "`" + e.getText(expr->getRange()) + "` is not a neighbourhood")
        .hint("write `near(radius = 5)`");
    return std::nullopt;
  }
  Neighbourhood result;
  for (auto [i, argument] : llvm::enumerate(call->arguments)) {
    StringRef name = argument.name.name;
    if (name == "radius" || (name.empty() && i == 0)) {
      auto radius = e.evaluateInteger(argument.value, 1, "a radius");
      if (!radius)
        return std::nullopt;
      result.radius = *radius;
    } else if (name == "metric") {
      auto *metric = llvm::dyn_cast<ast::NameExpr>(argument.value);
      if (!metric ||
          (metric->name != "euclid" && metric->name != "chebyshev")) {
        e.error("unknown-name", argument.value->getRange(),
                "no metric is called `" +
                    e.getText(argument.value->getRange()) + "`")
            .hint("there are `chebyshev` and `euclid`");
        return std::nullopt;
      }
      result.isEuclidean = metric->name == "euclid";
    } else {
      static constexpr StringRef known[] = {"radius", "metric"};
      e.error("unknown-argument", argument.range,
              "`near` has no argument `" + e.getText(argument.range) + "`")
          .hint(didYouMean(name, known));
      return std::nullopt;
    }
  }
  if (!result.radius) {
    e.error("missing-argument", expr->getRange(),
            "`near` needs its argument `radius`");
    return std::nullopt;
  }
  return result;
}

static bool isElementwise(Op op) {
  return op >= Op::Negate && op <= Op::Select;
}

Meaning Elaborator::elaborateReduce(const ast::ReduceExpr &expr) {
  StringRef reduction = expr.reduction.name;
  if (reduction != "sum" && reduction != "mean") {
    error("unknown-name", expr.reduction.range,
          "`" + reduction + "` does not reduce over neighbours")
        .hint("there are `sum` and `mean`");
    return {};
  }
  std::optional<Neighbourhood> near =
      readNeighbourhood(*this, expr.neighbourhood);
  if (!near)
    return {};
  Scope *inside = makeScope(scope, scope->place);
  Symbol *index = declare(*inside, expr.index, nullptr);
  index->fixed.kind = Meaning::Kind::Index;
  Node *body;
  {
    llvm::SaveAndRestore inScope(scope, inside);
    llvm::SaveAndRestore neighbourhood(inNeighbourhood, true);
    body = evaluate(expr.body);
  }
  if (!body)
    return {};
  SourceRange range = expr.body->getRange();
  if (!body->inStencil) {
    error("no-neighbours", range,
          "`" + getText(range) + "` does not depend on the neighbour `" +
              expr.index.name + "`")
        .hint("read it with `z[" + expr.index.name + "]`");
    return {};
  }
  const Space *space = body->space;
  auto inner = collectNodes(graph, {body},
                            [](const Node *node) { return !node->inStencil; });
  for (const Node *node : inner)
    if (node->inStencil &&
        (!(isElementwise(node->op) || node->op == Op::Neighbour) ||
         node->shape != body->shape)) {
      error("not-elementwise", range,
            "what is summed over neighbours is made of operators and functions "
            "of one "
            "site only");
      return {};
    }
  if (!space || !space->hasNeighbours()) {
    error("no-neighbours", range,
          "`" + getText(range) + "` lives on " +
              (space ? space->quote() : std::string("no space")) +
              ", which has no neighbours");
    return {};
  }
  unsigned rank = space->getCouplingRank();
  int64_t neighbours = 1;
  for (int64_t extent : ArrayRef(space->sites).take_back(rank)) {
    bool reachesAround = 2 * near->radius + 1 > extent;
    neighbours *= 2 * near->radius + 1;
    if (reachesAround || neighbours > maxNeighbours) {
      error("too-large", expr.neighbourhood->getRange(),
            "a radius of " + llvm::Twine(near->radius) +
                (reachesAround ? " reaches around " + space->quote()
                               : " has too many neighbours"));
      return {};
    }
  }
  SmallVector<int64_t> offsets =
      near->getOffsets(rank, body->shape.size() - rank);
  Node *sum = graph.stencil(body, offsets, space->wraps());
  if (reduction == "sum")
    return Meaning::ofValue(sum);
  // At an open edge there are fewer neighbours.
  Node *count = graph.constantLike(offsets.size() / body->shape.size(), sum);
  if (!space->wraps())
    count = graph.stencil(graph.neighbour(graph.constantLike(1, sum)), offsets,
                          false);
  return Meaning::ofValue(graph.binary(Op::Divide, sum, count));
}
