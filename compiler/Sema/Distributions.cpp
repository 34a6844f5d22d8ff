//===- Distributions.cpp - Random starts ----------------------------------===//
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
  add(model.name);
  add("/");
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

Node *Elaborator::draw(const ast::Expr *distribution, StringRef what,
                       const Space *space) {
  Node *node = draw(distribution, what, ArrayRef(space->getShape()));
  return node ? graph.reshape(node, space) : nullptr;
}

Node *Elaborator::draw(const ast::Expr *distribution, StringRef what,
                       ArrayRef<int64_t> shape) {
  auto *call = llvm::dyn_cast<ast::CallExpr>(distribution);
  StringRef name = call ? call->getCalleeName() : StringRef();
  SourceRange range = distribution->getRange();
  static constexpr StringRef known[] = {"uniform", "normal"};
  if (!call) {
    error("not-a-distribution", range,
          "`" + getText(range) + "` is not a distribution")
        .hint("write `uniform(a, b)` or `normal(mean, sd)`");
    return nullptr;
  }
  if (name == "annulus") {
    notYet(range, "`annulus` is");
    return nullptr;
  }
  if (!llvm::is_contained(known, name)) {
    error("unknown-name", call->callee->getRange(),
          "no distribution is called `" + getText(call->callee->getRange()) +
              "`")
        .hint(didYouMean(name, known));
    return nullptr;
  }
  StringRef form = name == "uniform" ? "uniform(a, b)" : "normal(mean, sd)";
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
    return scale(graph, *a, *b - *a,
                 graph.random(false, stream, Moment::Sample, shape));
  }
  if (*b < 0) {
    error("out-of-range", call->arguments[1].value->getRange(),
          "a standard deviation is not negative");
    return nullptr;
  }
  return scale(graph, *a, *b,
               graph.random(true, stream, Moment::Sample, shape));
}
