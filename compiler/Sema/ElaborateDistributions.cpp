//===- ElaborateDistributions.cpp - Gaussians, draws, classes -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Builtins.h"
#include "compiler/Sema/Call.h"
#include "compiler/Sema/Elaborator.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace loco;
using namespace loco::sema;

/// `gaussian(linear(x -> s))`: the layer gives mean and log-variance at once.
Meaning Elaborator::callGaussian(const Call &call) {
  Node *both = nullptr;
  if (call.piped) {
    both = requireValue(*call.piped, call.range);
  } else {
    llvm::SaveAndRestore copied(copiedCall, call.getExpr(0));
    both = evaluate(call.getExpr(0));
  }
  if (!both)
    return {};
  if (!both->space || both->space->copies != 2) {
    error("not-a-layer", call.getRange(0),
          "`gaussian` takes a layer with a space for its result, which it asks "
          "for mean and log-variance")
        .hint("write `gaussian(linear(x -> space))`");
    return {};
  }
  const Space *space = spaces.withCopies(both->space, 0);
  Meaning meaning;
  meaning.kind = Meaning::Kind::Gaussian;
  meaning.value = graph.selectFirst(both, 0, space);
  meaning.logVariance = graph.selectFirst(both, 1, space);
  return meaning;
}

/// mean + exp(logvar / 2) * normal; each `sample` written is its own stream.
Meaning Elaborator::elaborateSample(const Meaning &q, SourceRange range,
                                    const void *site) {
  Place instance = getInstance("sample", site);
  Moment moment = Moment::Sample;
  if (q.value->perStep || q.logVariance->perStep)
    moment = Moment::Current;
  else if (context.moment == Moment::First || context.moment == Moment::Last)
    moment = context.moment;
  if (context.moment == Moment::Next || context.moment == Moment::NextWrap) {
    error("no-next-state", range, "the next step's draw is not known yet");
    return {};
  }
  Node *normal = sequence.draw(/*isNormal=*/true, getStream(instance.name),
                               moment, q.value->space);
  Node *half = graph.constantLike(0.5, q.logVariance);
  Node *deviation =
      graph.unary(Op::Exp, graph.binary(Op::Multiply, half, q.logVariance));
  return Meaning::ofValue(graph.binary(
      Op::Add, q.value, graph.binary(Op::Multiply, deviation, normal)));
}

/// Divergence from the standard normal, a field:
/// (exp(lv) + mean^2 - 1 - lv) / 2.
static Node *makeDivergence(Graph &graph, Node *mean, Node *logVariance) {
  Node *square = graph.binary(Op::Multiply, mean, mean);
  Node *sum = graph.binary(Op::Add, graph.unary(Op::Exp, logVariance), square);
  sum = graph.binary(Op::Subtract, sum, graph.constantLike(1, mean));
  sum = graph.binary(Op::Subtract, sum, logVariance);
  return graph.binary(Op::Multiply, graph.constantLike(0.5, mean), sum);
}

/// sample, kl.
Meaning Elaborator::callDistribution(Builtin builtin, const Call &call) {
  Meaning q = getArgument(call, 0);
  if (!q.isValid())
    return {};
  if (!q.is(Meaning::Kind::Gaussian)) {
    error("not-a-distribution", call.getRange(0),
          "`" + getText(call.getRange(0)) + "` is not a distribution")
        .hint("make one with `gaussian(linear(x -> space))`");
    return {};
  }
  if (builtin == Builtin::Sample)
    return elaborateSample(q, call.range, call.site);
  return Meaning::ofValue(makeDivergence(graph, q.value, q.logVariance));
}

/// one_hot, cross_entropy: the last argument is a class.

//===----------------------------------------------------------------------===//
// Classes
//===----------------------------------------------------------------------===//

/// log(sum(exp(y))) - y[label], shifted by the largest score.
static Node *makeCrossEntropy(Graph &graph, Node *scores, Node *label) {
  // The shift leaves value and derivative as they are.
  Node *most = graph.unary(Op::StopGradient, graph.reduceAll(Op::Max, scores));
  Node *shifted =
      graph.binary(Op::Subtract, scores, graph.broadcastLike(most, scores));
  Node *logSum = graph.unary(
      Op::Log, graph.reduceAll(Op::Sum, graph.unary(Op::Exp, shifted)));
  Node *chosen =
      graph.binary(Op::Multiply, shifted,
                   graph.oneHot(label, scores->shape[0], scores->space));
  return graph.binary(Op::Subtract, logSum, graph.reduceAll(Op::Sum, chosen));
}

/// one_hot, cross_entropy.
Meaning Elaborator::callClass(Builtin builtin, const Call &call) {
  size_t last = call.size() - 1;
  Node *scores =
      last ? requireValue(getArgument(call, 0), call.getRange(0)) : nullptr;
  Meaning label = getArgument(call, last);
  if ((last && !scores) || !label.isValid())
    return {};
  if (!label.is(Meaning::Kind::Value) ||
      label.value->element != Element::Class) {
    error("not-a-class", call.getRange(last),
          "`" + getText(call.getRange(last)) + "` is not a class")
        .hint("declare it with `input label : class(10)`");
    return {};
  }
  const Space *classes = label.value->space;
  if (builtin == Builtin::OneHot)
    return Meaning::ofValue(
        graph.oneHot(label.value, classes->sites.front(), classes));
  if (scores->space != classes) {
    reportMismatch(scores, label.value, call.getRange(0), call.getRange(1));
    return {};
  }
  return Meaning::ofValue(makeCrossEntropy(graph, scores, label.value));
}
