//===- ElaborateTime.cpp - first, last, next, over ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Another time is another context: `first(e)` is `e` evaluated where inputs
// are those of step 0 and states those after it.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelInstance.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

static StringRef getName(Moment moment) {
  return moment == Moment::First  ? "first"
         : moment == Moment::Last ? "last"
                                  : "next";
}

Meaning Elaborator::elaborateAt(Moment moment, const ast::Expr *expr,
                                SourceRange range) {
  bool isNext = moment == Moment::Next || moment == Moment::NextWrap;
  if (isNext && context.moment != Moment::Current) {
    error("misplaced", range,
          "`next` stands only where there is a step to follow, not inside of "
          "`first`, "
          "`last` or `next`");
    return {};
  }
  if (!model.hasSteps()) {
    error("no-steps", range,
          "`" + getName(moment) +
              "` needs steps, but the model has no input per "
              "step and no state");
    return {};
  }
  Context when{moment, nullptr, context.isApart, context.derivative};
  bool hasStates = stepIsKnown && !context.isApart;
  if (hasStates && moment == Moment::First)
    when.states = &firstStates;
  if (hasStates && moment == Moment::Last)
    when.states = &lastStates;
  llvm::SaveAndRestore atMoment(context, when);
  return elaborate(expr);
}

/// `mean(e over time)`, `sum(e over time)`, and the same over channels.
Meaning Elaborator::elaborateOverTime(StringRef reduction,
                                      const ast::OverExpr &over,
                                      SourceRange range) {
  auto *axis = llvm::dyn_cast<ast::NameExpr>(over.axis);
  bool isMean = reduction == "mean";
  if (axis && axis->name == "channels") {
    Node *node = evaluate(over.value);
    if (!node)
      return {};
    if (!node->space || !node->space->channels) {
      error("not-indexable", over.value->getRange(),
            "`" + getText(over.value->getRange()) + "` has no channels");
      return {};
    }
    int64_t channels = node->space->channels;
    Node *sum =
        graph.reduce(Op::Sum, node, {0}, spaces.withChannels(node->space, 0));
    if (isMean)
      sum = graph.binary(Op::Divide, sum, graph.constantLike(channels, sum));
    return Meaning::ofValue(sum);
  }
  if (!axis || axis->name != "time") {
    error("unknown-axis", over.axis->getRange(),
          "`" + getText(over.axis->getRange()) +
              "` is not an axis to reduce over")
        .hint("there are `time` and `channels`");
    return {};
  }
  Feed part = readSequence(over.value);
  int64_t first = 0;
  std::optional<int64_t> last;
  if (!evaluateSteps(part, first, last))
    return {};
  return sumOverTime(part.value, first, last, isMean);
}

/// The sum or mean of a value per step from step `first` to `last`.
Meaning Elaborator::sumOverTime(const ast::Expr *expr, int64_t first,
                                std::optional<int64_t> last, bool isMean) {
  SourceRange range = expr->getRange();
  // While the step itself is made, no state can be looked at.
  llvm::SaveAndRestore atStep(
      context, Context{Moment::Current,
                       stepIsKnown && !context.isApart ? &newStates : nullptr,
                       context.isApart, context.derivative});
  Node *node = evaluate(expr);
  if (!node)
    return {};
  if (!node->perStep) {
    error("no-steps", range,
          "`" + getText(range) + "` does not change over time");
    return {};
  }
  if (node->usesLaterStep) {
    error("misplaced", range,
          "`next` cannot be summed over time, the last step has none");
    return {};
  }
  if (!checkCausal(node, range))
    return {};
  bool isPart = first || last;
  if (isPart)
    node = selectSteps(first, last, node, graph.constantLike(0, node));
  Node *sum = sequence.sum(node);
  if (!isMean)
    return Meaning::ofValue(sum);
  Node *count = isPart ? sequence.sum(selectSteps(
                             first, last, graph.constant(1), graph.constant(0)))
                       : nullptr;
  if (count) {
    // In the same loop as the sum that it divides.
    count->afterLoop = sum->afterLoop;
    count = graph.broadcastLike(
        graph.binary(Op::Maximum, count, graph.constant(1)), sum);
  }
  return Meaning::ofValue(
      graph.binary(Op::Divide, sum, count ? count : sequence.countFor(sum)));
}

bool Elaborator::checkCausal(Node *node, SourceRange range) {
  if (!node->perStep || !node->afterLoop)
    return true;
  Diagnostic &diagnostic = error(
      "needs-last-step", range,
      "`" + getText(range) +
          "` is needed at every step, but uses something that is known only "
          "after the last one");
  if (const Input *fed = sequence.getFed())
    diagnostic.note(sequence.getFedRange(), "because of this, `" + fed->name +
                                                "` is known step by step only");
  else
    diagnostic.hint("what has a value at every step is one of the sample as "
                    "`mean(e over time)`");
  return false;
}
