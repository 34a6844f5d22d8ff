//===- ElaborateSteps.cpp - Parts of a sequence ---------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `reverse(u)` and `u[a..b]` are no values: they say in which order, and over
// which steps, a value per step is read by what they are an argument of.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelInstance.h"

using namespace loco;
using namespace loco::sema;

Feed Elaborator::readSequence(const ast::Expr *expr) const {
  Feed feed;
  feed.range = expr->getRange();
  feed.value = expr;
  auto *reversed = llvm::dyn_cast<ast::CallExpr>(feed.value);
  if (reversed && reversed->getCalleeName() == "reverse" &&
      !scope->find("reverse") && reversed->arguments.size() == 1) {
    feed.isReverse = true;
    feed.value = reversed->arguments.front().value;
  }
  auto *part = llvm::dyn_cast<ast::SubscriptExpr>(feed.value);
  auto *steps = part && part->indices.size() == 1
                    ? llvm::dyn_cast<ast::RangeExpr>(part->indices.front())
                    : nullptr;
  if (steps) {
    feed.first = steps->first;
    feed.last = steps->last;
    feed.value = part->base;
  }
  return feed;
}

bool Elaborator::evaluateSteps(const Feed &feed, int64_t &first,
                               std::optional<int64_t> &last) {
  llvm::SaveAndRestore once(context, Context{});
  if (feed.first) {
    std::optional<int64_t> value = evaluateInteger(feed.first, 0, "a step");
    if (!value)
      return false;
    first = *value;
  }
  if (feed.last) {
    last = evaluateInteger(feed.last, 0, "a step");
    if (!last)
      return false;
  }
  if (!last || *last >= first)
    return true;
  error("empty-range", feed.range,
        "`" + getText(feed.range) + "` has no steps");
  return false;
}

Node *Elaborator::selectSteps(int64_t first, std::optional<int64_t> last,
                              Node *inside, Node *outside) {
  auto restrict = [&](Comparison comparison, int64_t bound) {
    Node *condition =
        graph.compare(comparison, graph.stepIndex(), graph.constant(bound));
    inside =
        graph.select(graph.broadcastLike(condition, inside), inside, outside);
  };
  if (first)
    restrict(Comparison::GreaterEqual, first);
  if (last)
    restrict(Comparison::LessEqual, *last);
  return inside;
}

/// `first(u[a..b])`, `last(reverse(u))`: the value at one step.
Meaning Elaborator::elaborateAtEnd(Moment moment, const Feed &feed) {
  int64_t first = 0;
  std::optional<int64_t> last;
  if (!evaluateSteps(feed, first, last))
    return {};
  bool isFirst = (moment == Moment::First) != feed.isReverse;
  if (isFirst ? !first : !last)
    return elaborateAt(isFirst ? Moment::First : Moment::Last, feed.value,
                       feed.range);
  int64_t step = isFirst ? first : *last;
  return sumOverTime(feed.value, step, step, /*isMean=*/false);
}
