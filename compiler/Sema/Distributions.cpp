//===- Distributions.cpp - Random starts ----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Elaborator.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::StringRef;

/// FNV-1a of `model/place`, without the sign bit: part of what a seed means,
/// so it may never change. It does not depend on where the text stands.
uint64_t Elaborator::getStream(StringRef what) const {
  uint64_t hash = 0xcbf29ce484222325;
  auto add = [&](StringRef text) {
    for (unsigned char byte : text) {
      hash ^= byte;
      hash *= 0x100000001b3;
    }
  };
  add(streamPrefix.empty() ? model.name + "/" : streamPrefix);
  add(what);
  return hash & ~(uint64_t(1) << 63);
}

Node *Elaborator::drawUniform(double bound, StringRef what,
                              ArrayRef<int64_t> shape) {
  Node *unit =
      graph.random(/*isNormal=*/false, getStream(what), Moment::Sample, shape);
  Node *scaled =
      graph.binary(Op::Multiply, graph.constantLike(2 * bound, unit), unit);
  return graph.binary(Op::Subtract, scaled, graph.constantLike(bound, unit));
}

/// a + b * x with numbers a and b.
static Node *scale(Graph &graph, double a, double b, Node *x) {
  Node *scaled = graph.binary(Op::Multiply, graph.constantLike(b, x), x);
  return graph.binary(Op::Add, graph.constantLike(a, x), scaled);
}

/// Standard normal draws within two deviations, from uniform ones: the inverse
/// of the normal's integral, sqrt(2) * erfinv. Giles' polynomial for the
/// central part of erfinv ("Approximating the erfinv function", 2010) is right
/// to 3e-7 there, which makes it part of what this distribution is.
static Node *truncateNormal(Graph &graph, Node *uniform) {
  static constexpr double coefficients[] = {
      2.81022636e-08,  3.43273939e-07, -3.5233877e-06,
      -4.39150654e-06, 0.00021858087,  -0.00125372503,
      -0.00417768164,  0.246640727,    1.50140941};
  auto like = [&](double number) {
    return graph.constantLike(number, uniform);
  };
  // Within two deviations lie erf(sqrt(2)) of all draws.
  double share = std::erf(std::sqrt(2.0));
  Node *x = scale(graph, -share, 2 * share, uniform);
  Node *rest =
      graph.binary(Op::Subtract, like(1), graph.binary(Op::Multiply, x, x));
  Node *w = graph.binary(Op::Subtract, like(-2.5), graph.unary(Op::Log, rest));
  Node *p = like(coefficients[0]);
  for (double coefficient : llvm::ArrayRef(coefficients).drop_front())
    p = graph.binary(Op::Add, like(coefficient),
                     graph.binary(Op::Multiply, p, w));
  return graph.binary(Op::Multiply, like(std::sqrt(2.0)),
                      graph.binary(Op::Multiply, p, x));
}

Node *Elaborator::draw(const ast::Expr *distribution, StringRef what,
                       const Space *space, Moment moment) {
  if (moment != Moment::Sample)
    return draw(distribution, what, [&](bool isNormal, uint64_t stream) {
      return sequence.draw(isNormal, stream, moment, space);
    });
  Node *node = draw(distribution, what, ArrayRef(space->getShape()));
  return node ? graph.reshape(node, space) : nullptr;
}

Node *Elaborator::draw(const ast::Expr *distribution, StringRef what,
                       ArrayRef<int64_t> shape) {
  return draw(distribution, what, [&](bool isNormal, uint64_t stream) {
    return graph.random(isNormal, stream, Moment::Sample, shape);
  });
}

Node *Elaborator::draw(const ast::Expr *distribution, StringRef what,
                       llvm::function_ref<Node *(bool, uint64_t)> random) {
  auto *call = llvm::dyn_cast<ast::CallExpr>(distribution);
  StringRef name = call ? call->getCalleeName() : StringRef();
  SourceRange range = distribution->getRange();
  static constexpr StringRef known[] = {"uniform", "normal",
                                        "truncated_normal"};
  if (!call) {
    error("not-a-distribution", range,
          "`" + getText(range) + "` is not a distribution")
        .hint("write `uniform(a, b)` or `normal(mean, sd)`");
    return nullptr;
  }
  if (drawsPair(distribution)) {
    reportPair(distribution, 1);
    return nullptr;
  }
  if (!llvm::is_contained(known, name)) {
    error("unknown-name", call->callee->getRange(),
          "no distribution is called `" + getText(call->callee->getRange()) +
              "`")
        .hint(didYouMean(name, known));
    return nullptr;
  }
  std::string form =
      name == "uniform" ? "uniform(a, b)" : (name + "(mean, sd)").str();
  if (call->arguments.size() != 2) {
    error("wrong-count", range,
          "`" + name + "` takes 2 arguments, not " +
              llvm::Twine(call->arguments.size()))
        .hint("write `" + form + "`");
    return nullptr;
  }
  for (const ast::Argument &argument : call->arguments)
    if (argument.kind != ast::Argument::Kind::Positional) {
      error("unknown-argument", argument.range,
            "`" + name + "` takes its arguments in order, without names")
          .hint("write `" + form + "`");
      return nullptr;
    }
  std::optional<double> a = evaluateNumber(call->arguments[0].value),
                        b = evaluateNumber(call->arguments[1].value);
  if (!a || !b)
    return nullptr;
  uint64_t stream = getStream(what);
  if (name == "uniform") {
    if (*a > *b) {
      error("empty-range", range,
            "`" + getText(range) + "` has its ends exchanged");
      return nullptr;
    }
    return scale(graph, *a, *b - *a, random(false, stream));
  }
  if (*b < 0) {
    error("out-of-range", call->arguments[1].value->getRange(),
          "a standard deviation is not negative");
    return nullptr;
  }
  if (name == "truncated_normal")
    return scale(graph, *a, *b, truncateNormal(graph, random(false, stream)));
  return scale(graph, *a, *b, random(true, stream));
}
