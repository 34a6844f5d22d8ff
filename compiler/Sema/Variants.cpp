//===- Variants.cpp - Models as run blocks want them run ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Variants.h"
#include "compiler/AST/Printer.h"
#include "compiler/AST/Suggest.h"
#include "compiler/Sema/ModelBuilder.h"
#include "compiler/Sema/PlanEvaluator.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Which variant
//===----------------------------------------------------------------------===//

static const State *findCarried(const Model &model) {
  for (const auto *states : {&model.states, &model.hiddenStates})
    for (const State &state : *states)
      if (state.isCarried)
        return &state;
  return nullptr;
}

Variant sema::readVariant(const ast::RunDecl &run,
                          const ModelBuilder &builder) {
  Variant variant;
  bool isTraining = run.verb == ast::RunDecl::Verb::Train;
  if (const State *carried = findCarried(builder.getModel());
      carried && isTraining) {
    variant.hasWindows = true;
    variant.windowRange = carried->range;
  }
  for (const ast::Decl *line : run.body) {
    auto *setting = llvm::dyn_cast<ast::SettingDecl>(line);
    if (!setting)
      continue;
    if (setting->name.name == "window" && isTraining) {
      variant.hasWindows = true;
      variant.windowRange = setting->getRange();
    }
    bool isComplete =
        setting->value && setting->after && !setting->target.name.empty();
    if (setting->name.name == "rollout" && isComplete)
      variant.rollout = setting;
  }
  // What `--set` gives stands in no block.
  Program &program =
      const_cast<ModelBuilder &>(builder).getElaborator().program;
  StringRef verb = getVerbName(run.verb);
  if (isTraining && program.findOverride("train.window", run.model.name)) {
    variant.hasWindows = true;
    if (!variant.windowRange.isValid())
      variant.windowRange = run.model.range;
  }
  if (run.verb != ast::RunDecl::Verb::Simulate)
    for (const ast::SettingDecl *line :
         program.getGivenLines(verb, "rollout", run.model.name))
      if (line->value && line->after && !line->target.name.empty())
        variant.rollout = line;
  variant.setKey();
  return variant;
}

void Variant::setKey() {
  key.clear();
  if (rollout)
    key = rollout->target.name.str() + " = " + ast::toString(rollout->value) +
          " after " + ast::toString(rollout->after);
  if (hasTangents)
    key += " with tangents";
  else if (hasWindows)
    key += " in windows";
}

/// `M.rollout`, and `M.rollout2` if another block rolls out otherwise.
std::string VariantTable::nameOf(const Variant &variant,
                                 const std::string &model) {
  std::string name = model;
  if (variant.rollout)
    name += ".rollout";
  if (variant.hasTangents)
    name += ".tangent";
  else if (variant.hasWindows)
    name += ".window";
  auto isTaken = [&](const std::string &candidate) {
    return llvm::any_of(builders, [&](const auto &builder) {
      return builder->getModel().name == candidate;
    });
  };
  std::string candidate = name;
  for (int number = 2; isTaken(candidate); ++number)
    candidate = name + std::to_string(number);
  return candidate;
}

ModelBuilder &VariantTable::find(const ast::RunDecl &run, ModelBuilder &base) {
  Variant variant = readVariant(run, base);
  if (variant.key.empty() || program.diagnostics.hasErrors())
    return base;
  return make(variant, base);
}

/// The place of `lyapunov(...)` in what `run` saves; null if it does not.
static const ast::Expr *findLyapunov(const ast::RunDecl &run) {
  for (const ast::Decl *line : run.body)
    if (auto *setting = llvm::dyn_cast<ast::SettingDecl>(line);
        setting && setting->name.name == "save" && setting->value)
      if (auto *call = llvm::dyn_cast<ast::CallExpr>(setting->value);
          call && call->getCalleeName() == "lyapunov")
        return call;
  return nullptr;
}

ModelBuilder *VariantTable::findTangents(const ast::RunDecl &run,
                                         ModelBuilder &base) {
  const ast::Expr *place = findLyapunov(run);
  if (!place || program.diagnostics.hasErrors())
    return nullptr;
  Variant variant = readVariant(run, base);
  variant.hasWindows = variant.hasTangents = true;
  variant.windowRange = place->getRange();
  return &make(variant, base);
}

ModelBuilder &VariantTable::make(Variant variant, ModelBuilder &base) {
  variant.setKey();
  std::string model = base.getModel().name;
  ModelBuilder *&builder = known[model + ": " + variant.key];
  if (builder)
    return *builder;
  std::string name = nameOf(variant, model);
  builders.push_back(
      std::make_unique<ModelBuilder>(program, base.getDeclaration()));
  builder = builders.back().get();
  builder->buildVariant(variant, std::move(name));
  ModelBuilder &made = *builder;
  // Without windows it is a model to evaluate.
  if (variant.rollout && variant.hasWindows) {
    variant.hasWindows = variant.hasTangents = false;
    make(variant, base);
  }
  return made;
}

//===----------------------------------------------------------------------===//
// Making it
//===----------------------------------------------------------------------===//

void ModelBuilder::buildVariant(const Variant &wanted, std::string name) {
  variant = &wanted;
  model->variantOf = model->name;
  elaborator.streamPrefix = model->name + "/";
  build();
  model->name = std::move(name);
  variant = nullptr;
}

/// Before anything reads the inputs.
void ModelBuilder::beginVariant() {
  if (!variant)
    return;
  if (variant->hasWindows)
    elaborator.sequence.makeWindow();
  if (variant->rollout)
    beginRollout(*variant->rollout);
}

void ModelBuilder::beginRollout(const ast::SettingDecl &rollout) {
  SourceRange range = rollout.target.range;
  StringRef name = rollout.target.name;
  const Input *input = nullptr;
  std::vector<StringRef> names;
  for (const Input &candidate : model->inputs) {
    if (candidate.preset || candidate.kind != Input::Kind::Value)
      continue;
    names.push_back(candidate.name);
    if (candidate.name == name)
      input = &candidate;
  }
  if (!input) {
    elaborator
        .error("unknown-name", range,
               "no input is called `" + name +
                   "`, so nothing can take its "
                   "place")
        .hint(didYouMean(name, names));
    return;
  }
  if (!input->perStep || input->isClass()) {
    elaborator
        .error(input->perStep ? "not-yet" : "no-steps", range,
               input->perStep
                   ? "`" + name +
                         "` is a class, which no result can take the place of "
                         "yet"
                   : "`" + name +
                         "` is one value per sample, so no result of a step "
                         "can follow it")
        .note(input->range, "`" + name + "` is declared here");
    return;
  }
  // The setting stands in a run block, whose file may not be the model's.
  llvm::SaveAndRestore inScope(elaborator.scope, makeRunScope());
  std::optional<int64_t> after =
      elaborator.evaluateInteger(rollout.after, 1, "a number of steps");
  if (after)
    elaborator.sequence.feed(*input, static_cast<double>(*after), range);
}

/// When states and results are known.
void ModelBuilder::finishVariant() {
  if (!variant)
    return;
  if (elaborator.sequence.getFed()) {
    checkFeedsOfLoops(*variant->rollout);
    finishRollout(*variant->rollout);
  }
  if (variant->hasTangents)
    keepStatesAlone();
  if (variant->hasWindows && checkWindows())
    elaborator.sequence.carryStates();
}

/// What only looks at the states has no part in how their differences grow.
void ModelBuilder::keepStatesAlone() {
  model->hasTangents = true;
  model->loss = nullptr;
  model->lossLooksAhead = model->lossSkipsLastStep = false;
  llvm::erase_if(model->results, [](const Result &result) {
    return result.role != ResultRole::Carry;
  });
}

/// What is run before the time loop reads the data. It must not see steps of
/// which free running knows nothing.
void ModelBuilder::checkFeedsOfLoops(const ast::SettingDecl &rollout) {
  const Input *fed = elaborator.sequence.getFed();
  std::optional<int64_t> after =
      elaborator.evaluateInteger(rollout.after, 1, "a number of steps");
  for (const InnerLoop &loop : model->innerLoops) {
    if (!after || loop.standsFor || (loop.last && *loop.last < *after))
      continue;
    llvm::SmallVector<const Node *> roots(loop.outputs.begin(),
                                          loop.outputs.end());
    for (const State &state : loop.states)
      roots.append({state.initial, state.next});
    bool readsFed = llvm::any_of(
        collectNodes(model->graph, roots, [](const Node *) { return false; }),
        [&](const Node *node) {
          return node->input == fed && node->moment != Moment::First;
        });
    if (!readsFed)
      continue;
    std::string name = fed->name;
    elaborator
        .error("needs-last-step", loop.range,
               "`" + elaborator.getText(loop.range) +
                   "` is run before the time loop, where `" + name +
                   "` is the data's at all steps")
        .note(rollout.target.range, "because of this, `" + name +
                                        "` is known step by step only from "
                                        "step " +
                                        llvm::Twine(*after) + " on")
        .hint("run it over `" + name + "[0.." + llvm::Twine(*after - 1) + "]`");
    return;
  }
}

void ModelBuilder::finishRollout(const ast::SettingDecl &rollout) {
  llvm::SaveAndRestore when(elaborator.context,
                            Context{Moment::Current, &elaborator.newStates});
  llvm::SaveAndRestore inScope(elaborator.scope, makeRunScope());
  llvm::SaveAndRestore place(elaborator.place, Place{"rollout", {&rollout}});
  SourceRange range = rollout.value->getRange();
  const Input *fed = elaborator.sequence.getFed();
  size_t numParameters = model->parameters.size();
  Node *value = elaborator.evaluate(rollout.value);
  if (!value)
    return;
  if (model->parameters.size() != numParameters) {
    elaborator
        .error("misplaced", range,
               "`" + elaborator.getText(range) +
                   "` has parameters of its own, which nothing learns")
        .hint("put the layer into the model, in a `decode`");
    return;
  }
  if (!value->perStep) {
    elaborator.error("no-steps", range,
                     "`" + elaborator.getText(range) +
                         "` has no value at each step to take the place of `" +
                         fed->name + "`");
    return;
  }
  checkEveryStep(value, range);
  value = elaborator.fit(value, fed->space, range, "`" + fed->name + "`");
  if (value)
    elaborator.sequence.finishFeeding(value);
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// What a node needs of the whole sequence, in words; empty if nothing.
static StringRef findNeed(const Node *node) {
  bool isInput = node->op == Op::Input || node->op == Op::Random;
  if (node->op == Op::StateAfter || (isInput && node->moment == Moment::Last))
    return "the last step";
  if (isInput && node->moment == Moment::First)
    return "the first step";
  if (isInput && node->moment == Moment::NextWrap)
    return "the first step, after the last one,";
  return "";
}

/// In a window only what is near a step is known: losses are those of steps,
/// and neither they nor the states look at the ends of the sequence.
bool ModelBuilder::checkWindows() {
  if (program.diagnostics.hasErrors() ||
      (!model->loss && !variant->hasTangents))
    return false;
  auto refuse = [&](SourceRange range, const llvm::Twine &message) {
    elaborator.error("needs-whole-sequence", range, message)
        .note(variant->windowRange, "sequences are run in pieces because of "
                                    "this");
    return false;
  };
  for (const InnerLoop &loop : model->innerLoops)
    if (!loop.standsFor)
      return refuse(loop.range,
                    "a model is run over a part of the sequence here");
  llvm::SmallVector<const Node *> roots;
  if (model->loss)
    roots.push_back(model->loss);
  for (const State &state : model->states)
    roots.push_back(state.next);
  for (const State &state : model->hiddenStates)
    roots.push_back(state.next);
  bool hasStepLoss = false;
  auto isKept = [&](const Node *node) {
    return elaborator.sequence.isKeptFromFirst(node);
  };
  for (const Node *node : collectNodes(model->graph, roots, isKept)) {
    StringRef need = findNeed(node);
    // States after the last step are made before anything asks for them.
    bool isNamed = node->range.isValid();
    if (!need.empty())
      return refuse(isNamed       ? node->range
                    : model->loss ? model->loss->range
                                  : model->range,
                    "`" +
                        (isNamed ? elaborator.getText(node->range)
                                 : StringRef(node->state->name)) +
                        "` is needed at " + need + " of the whole sequence");
    hasStepLoss |= node->op == Op::TimeSum;
  }
  return hasStepLoss || !model->loss ||
         refuse(model->loss->range,
                "the loss is one number per sample, which windows have not");
}
