//===- Neighbourhoods.cpp - Sums over neighbours --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mean(j in near(radius = 5): ...).
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Elaborator.h"

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

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

/// Refuses neighbourhoods that meet themselves around the lattice, are wider
/// than one with edges, or are too large.
static bool checkReach(Elaborator &e, const Neighbourhood &near,
                       const Space *space, const ast::Expr *expr) {
  int64_t neighbours = 1;
  for (int64_t extent :
       ArrayRef(space->sites).take_back(space->getCouplingRank())) {
    bool isWide = 2 * near.radius + 1 > extent;
    neighbours *= 2 * near.radius + 1;
    if (!isWide && neighbours <= maxNeighbours)
      continue;
    std::string what = !isWide          ? " has too many neighbours"
                       : space->wraps() ? " reaches around " + space->quote()
                                        : " is wider than " + space->quote();
    auto &error = e.error("too-large", expr->getRange(),
                          "a radius of " + llvm::Twine(near.radius) + what);
    if (isWide)
      error.hint("of " + llvm::Twine(extent) + " sites in a row, " +
                 (extent < 3 ? "none has neighbours on both sides"
                             : "the largest radius is " +
                                   llvm::Twine((extent - 1) / 2).str()));
    return false;
  }
  return true;
}

std::optional<SmallVector<int64_t>>
Elaborator::readOffsets(const ast::Expr *neighbourhood, const Space *space) {
  std::optional<Neighbourhood> near = readNeighbourhood(*this, neighbourhood);
  if (!near || !checkReach(*this, *near, space, neighbourhood))
    return std::nullopt;
  unsigned rank = space->getCouplingRank();
  return near->getOffsets(rank, space->sites.size() - rank);
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
  if (!checkReach(*this, *near, space, expr.neighbourhood))
    return {};
  unsigned rank = space->getCouplingRank();
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
