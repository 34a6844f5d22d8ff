//===- Losses.cpp - What a model is trained by ----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One unnamed `loss` is the model's loss, per step or per sample. Several, or
// one with a name or a weight, are terms: each is averaged over the steps that
// count for it, so that it can be told beside the others, and the loss is the
// sum of weight times term.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelBuilder.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

/// The value of one `loss`; null after an error.
Node *ModelBuilder::evaluateLoss(const ast::LossDecl &decl) {
  bool isNamed = !decl.name.name.empty();
  llvm::SaveAndRestore place(
      elaborator.place,
      Place{isNamed ? "loss." + decl.name.name.str() : "loss", {&decl}});
  SourceRange range = decl.value->getRange();
  Node *loss = elaborator.evaluate(decl.value);
  if (!loss || !elaborator.checkCausal(loss, range))
    return nullptr;
  if (!loss->isScalar()) {
    elaborator
        .error("not-a-scalar", range,
               "the loss lives on " + loss->space->quote() +
                   ", but it is one number per sample, or per step and sample")
        .hint("write `sum(...)` or `mean(...)`");
    return nullptr;
  }
  model->lossLooksAhead |= loss->perStep && loss->usesLaterStep;
  return loss;
}

/// A loss per step as one number per sample.
Node *ModelBuilder::averageLoss(Node *loss) {
  bool looksAhead = loss->usesLaterStep;
  Node *average = elaborator.sequence.average(loss);
  if (!average->perStep)
    return average;
  Graph &graph = elaborator.graph;
  Node *count = graph.stepCount();
  if (looksAhead) {
    Node *one = graph.constant(1);
    Node *next = graph.binary(Op::Add, graph.stepIndex(), one);
    loss = graph.select(graph.compare(Comparison::Less, next, count), loss,
                        graph.constant(0));
    // Of a single step none has a loss; then it is 0.
    count =
        graph.binary(Op::Maximum, graph.binary(Op::Subtract, count, one), one);
  }
  Node *total = graph.timeSum(loss);
  // In the loop of the model, with all other losses.
  total->afterLoop = true;
  return graph.binary(Op::Divide, total, count);
}

/// What a loss is called where it is told beside others.
static StringRef getTermName(const ast::LossDecl &decl) {
  return decl.name.name.empty() ? "main" : decl.name.name;
}

/// Refuses two losses without a name, or of one name.
bool ModelBuilder::checkLossNames(llvm::ArrayRef<const ast::LossDecl *> decls) {
  for (auto [i, decl] : llvm::enumerate(decls)) {
    if (decl->name.name == "samples") {
      elaborator.error("reserved-name", decl->name.range,
                       "`loss.samples` are the losses of the samples, so no "
                       "loss is called `samples`");
      return false;
    }
    for (const ast::LossDecl *first : decls.take_front(i)) {
      if (getTermName(*first) != getTermName(*decl))
        continue;
      bool isNamed = !decl->name.name.empty();
      Diagnostic &error =
          isNamed ? elaborator.error("duplicate-name", decl->name.range,
                                     "two losses are called `" +
                                         decl->name.name + "`")
                  : elaborator.error("duplicate-equation", decl->getRange(),
                                     "a model has one `loss` without a name");
      error.note(first->getRange(), "the first one is here");
      if (!isNamed)
        error.hint("name it: `loss second = ...`, with `weight 0.1` if it "
                   "counts less");
      return false;
    }
  }
  return true;
}

void ModelBuilder::makeLosses() {
  llvm::SmallVector<const ast::LossDecl *> decls;
  for (const ast::Decl *decl : body->body)
    if (auto *loss = llvm::dyn_cast<ast::LossDecl>(decl))
      decls.push_back(loss);
  if (decls.empty() || !checkLossNames(decls))
    return;
  if (decls.size() == 1 && decls[0]->name.name.empty() && !decls[0]->weight) {
    if (Node *loss = evaluateLoss(*decls[0])) {
      model->loss = elaborator.sequence.average(loss);
      model->lossSkipsLastStep = model->lossLooksAhead && model->loss->perStep;
    }
    return;
  }
  Node *sum = nullptr;
  bool isValid = true;
  for (const ast::LossDecl *decl : decls) {
    Node *loss = evaluateLoss(*decl);
    std::optional<double> weight = 1.0;
    if (decl->weight)
      weight = elaborator.evaluateNumber(decl->weight);
    isValid &= loss && weight;
    if (!isValid)
      continue;
    Graph &graph = elaborator.graph;
    llvm::SaveAndRestore range(graph.range, decl->getRange());
    Node *term = averageLoss(loss);
    model->results.push_back({("loss." + getTermName(*decl)).str(),
                              ResultRole::Probe, term,
                              decl->value->getRange()});
    Node *weighted = *weight == 1 ? term
                                  : graph.binary(Op::Multiply,
                                                 graph.constant(*weight), term);
    sum = sum ? graph.binary(Op::Add, sum, weighted) : weighted;
  }
  if (isValid)
    model->loss = sum;
}
