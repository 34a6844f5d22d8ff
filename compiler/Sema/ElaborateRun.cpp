//===- ElaborateRun.cpp - outputs and final -------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `outputs(M, over = u)` joins the time loop, so that u may depend on its
// states. What runs over a part of the steps, or backwards, or is known only
// after the last step, is a loop before that one.
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/ModelInstance.h"

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::StringRef;

/// Every feed is for an input that the model declares.
bool Elaborator::checkFedNames(const ModelInstance &instance,
                               const ast::ModelDecl &model,
                               ArrayRef<Feed> feeds) {
  std::vector<StringRef> names;
  unsigned numPerStep = 0;
  for (const ast::Decl *decl : model.body)
    if (auto *input = llvm::dyn_cast<ast::InputDecl>(decl))
      for (ast::Identifier name : input->names) {
        names.insert(input->perStep ? names.begin() + numPerStep : names.end(),
                     name.name);
        numPerStep += input->perStep;
      }
  for (const Feed &feed : feeds) {
    bool isOver = feed.input.empty();
    if (isOver ? numPerStep == 1 : llvm::is_contained(names, feed.input))
      continue;
    if (isOver)
      error("unknown-argument", feed.range,
            "`" + StringRef(instance.name) + "` has " +
                (numPerStep ? llvm::Twine(numPerStep) : llvm::Twine("no")) +
                " inputs per step, so `over` says not which")
          .hint(numPerStep ? "write `" + names.front().str() + " = ...`" : "");
    else
      error("unknown-argument", feed.range,
            "`" + StringRef(instance.name) + "` has no input `" + feed.input +
                "`")
          .hint(didYouMean(feed.input, names));
    return false;
  }
  return true;
}

/// Every feed is for an input of its own; all go the same way.
static bool checkFeeds(Elaborator &elaborator, const ModelInstance &instance,
                       ArrayRef<Feed> feeds, const Call &call) {
  llvm::SmallPtrSet<const Input *, 4> fed;
  const Feed *perStep = nullptr;
  for (const Feed &feed : feeds) {
    const Input *input = instance.findInput(feed);
    if (!input)
      return false; // The model was refused.
    if (!fed.insert(input).second) {
      elaborator.error("wrong-count", feed.range,
                       "input `" + StringRef(input->name) + "` of `" +
                           instance.name + "` is given twice");
      return false;
    }
    if (!input->perStep && !feed.isPlain()) {
      elaborator.error("misplaced", feed.range,
                       "input `" + StringRef(input->name) + "` of `" +
                           instance.name +
                           "` is one value per sample, not a sequence");
      return false;
    }
    if (!input->perStep)
      continue;
    auto text = [&](const ast::Expr *expr) {
      return expr ? elaborator.getText(expr->getRange()) : StringRef();
    };
    if (perStep && (perStep->isReverse != feed.isReverse ||
                    text(perStep->first) != text(feed.first) ||
                    text(perStep->last) != text(feed.last))) {
      elaborator
          .error("misplaced", feed.range,
                 "all inputs of `" + StringRef(instance.name) +
                     "` are run over the same steps, in the same direction")
          .note(perStep->range, "here they are others");
      return false;
    }
    perStep = &feed;
  }
  if (!perStep)
    elaborator.error("missing-argument", call.range,
                     "`" + call.name + "` needs what `" +
                         StringRef(instance.name) + "` is run over");
  return perStep;
}

/// `outputs` has a value at every step.
static bool checkWhole(Elaborator &elaborator, ArrayRef<Feed> feeds) {
  for (const Feed &feed : feeds) {
    if (!feed.first && !feed.last)
      continue;
    elaborator
        .error("misplaced", feed.range,
               "`" + elaborator.getText(feed.range) +
                   "` is a part of the steps; at the others `outputs` would "
                   "have no value")
        .hint("run it over all steps, or take `final`");
    return false;
  }
  return true;
}

/// Whether it matters where the feeds are read, because a state with a name
/// enters; none after an error.
std::optional<bool> Elaborator::readsStates(const ModelInstance &instance,
                                            ArrayRef<Feed> feeds, Context when,
                                            const Call &call) {
  bool readsState = false, perStep = false;
  for (const Feed &feed : feeds) {
    llvm::SaveAndRestore then(context, when);
    const Input &input = *instance.findInput(feed);
    Node *value =
        evaluateFeed(instance, feed, input,
                     input.perStep ? Moment::Current : Moment::Sample);
    if (!value)
      return std::nullopt;
    readsState |= value->readsState;
    perStep |= value->perStep;
  }
  if (perStep || model.hasSteps())
    return readsState;
  error("no-steps", call.range,
        "`" + call.name +
            "` needs steps, but the model has no input per step and no state");
  return std::nullopt;
}

/// Makes the states of adaptive solvers results, so that it is told where one
/// gave up: the first state of each is enough, it is lost with all others.
void Elaborator::watchSolvers(ModelInstance &instance, ModelRun &run) {
  const Model &inner = instance.getModel();
  if (run.getKind() == ModelRun::Kind::AtFirst)
    return;
  auto watch = [&](Node *inside, StringRef name, const Solver &solver) {
    Node *value = !inside ? nullptr
                  : run.getKind() == ModelRun::Kind::Apart
                      ? run.keepOutput(inside, Moment::Current)
                      : run.import(inside);
    if (value && value->perStep)
      model.results.push_back({(run.getName() + "." + name).str(),
                               ResultRole::Probe, value, instance.range,
                               solver});
  };
  if (inner.solver.isAdaptive && !inner.states.empty()) {
    StringRef first = inner.states.front().name;
    watch(instance.builder->evaluateAt(first, Moment::Current), first,
          inner.solver);
  }
  for (const Result &result : inner.results)
    if (result.solver)
      watch(result.value, result.name, *result.solver);
}

/// The run of an instance that a call stands for; null after an error.
ModelRun *Elaborator::findRun(Builtin builtin, ModelInstance &instance,
                              ArrayRef<Feed> feeds, const Call &call) {
  using Kind = ModelRun::Kind;
  bool isPlain = llvm::all_of(feeds, [](const Feed &f) { return f.isPlain(); });
  Context when = getFeedContext(!isPlain);
  if (!buildInstance(instance, feeds, when, call) ||
      !checkFeeds(*this, instance, feeds, call) ||
      (builtin == Builtin::Outputs && !checkWhole(*this, feeds)))
    return nullptr;
  std::optional<bool> readsState = readsStates(instance, feeds, when, call);
  if (!readsState)
    return nullptr;
  // The first step needs no loop, unless it looks at states.
  bool isBeforeLoop =
      context.moment == Moment::First && (!stepIsKnown || !*readsState);
  Kind kind = when.isApart || (builtin == Builtin::Final && !*readsState)
                  ? Kind::Apart
              : isBeforeLoop ? Kind::AtFirst
                             : Kind::Joined;
  bool isOfStates = kind == Kind::Joined && *readsState;
  ModelInstance::Key key{{place.path.begin(), place.path.end()},
                         isOfStates ? when.states : nullptr,
                         int(kind)};
  std::get<0>(key).push_back(call.site);
  std::unique_ptr<ModelRun> &run = instance.runs[key];
  if (run)
    return run->isValid() ? run.get() : nullptr;
  unsigned others = 0;
  for (auto &[other, made] : instance.runs)
    others += std::get<0>(other) == std::get<0>(key) && made &&
              made->getKind() == Kind::Joined;
  if (isOfStates && isMakingStep && (others || isIterating)) {
    error("misplaced", call.range,
          "`" + getText(call.range) +
              "` takes one step at a time, but here the states it is run over "
              "have several values within a step")
        .hint("solve with `euler` or `symplectic_euler`, or use `step`");
    return nullptr;
  }
  int64_t first = 0;
  std::optional<int64_t> last;
  for (const Feed &feed : feeds)
    if (!evaluateSteps(feed, first, last))
      return nullptr;
  std::string name = nameRun(instance, call);
  if (others)
    name += "@" + std::to_string(others + 1);
  model.innerModels.push_back(
      {name, instance.place.name, getText(instance.range).str(),
       getText(feeds.front().range).str(), kind == Kind::Joined});
  run = std::make_unique<ModelRun>(*this, instance, kind, name, feeds,
                                   call.range);
  if (!run->start(first, last))
    return nullptr;
  watchSolvers(instance, *run);
  return run.get();
}

/// A sequence through an instance that is written in place bears its name.
std::string Elaborator::nameRun(const ModelInstance &instance,
                                const Call &call) {
  bool isInPlace =
      ArrayRef(instance.place.path).drop_back() == ArrayRef(place.path);
  return isInPlace
             ? instance.place.name
             : getInstance(StringRef(instance.name).lower(), call.site).name;
}

/// Decoded values, or the first state: one value, or a tuple.
Meaning Elaborator::getOutputs(ModelInstance &instance, ModelRun &run,
                               const Call &call) {
  const Model &inner = instance.getModel();
  std::vector<StringRef> names;
  for (const Result &result : inner.results)
    if (result.role == ResultRole::Output)
      names.push_back(result.name);
  if (names.empty() && !inner.states.empty())
    names.push_back(inner.states.front().name);
  if (names.empty()) {
    error("no-value", call.range,
          "`" + StringRef(instance.name) +
              "` has neither a `decode` nor a "
              "state to give");
    return {};
  }
  Moment moment =
      context.moment == Moment::First || context.moment == Moment::Last
          ? context.moment
          : Moment::Current;
  Meaning tuple;
  tuple.kind = Meaning::Kind::Tuple;
  for (StringRef name : names) {
    bool isJoined = run.getKind() == ModelRun::Kind::Joined;
    Node *inside =
        instance.builder->evaluateAt(name, isJoined ? moment : Moment::Current);
    Node *value = !inside ? nullptr
                  : run.getKind() == ModelRun::Kind::Apart
                      ? run.keepOutput(inside, moment)
                      : run.import(inside);
    if (!value)
      return {};
    if (context.moment == Moment::Sample && value->perStep) {
      error("per-step-value", call.range,
            "`" + getText(call.range) +
                "` has a value at every step, but what stands here is needed "
                "once per sample")
          .hint("take the last states with `final`, or `first(...)`");
      return {};
    }
    tuple.elements.push_back(Meaning::ofValue(value));
  }
  return names.size() == 1 ? tuple.elements.front() : tuple;
}

Meaning Elaborator::callRun(Builtin builtin, const Call &call) {
  if (call.piped || call.arguments.empty() ||
      call.arguments.front().kind != ast::Argument::Kind::Positional) {
    error("missing-argument", call.range,
          "`" + call.name + "` needs a model, and what it is run over")
        .hint("write `" + call.name.str() + "(Model(...), over = x)`");
    return {};
  }
  if (context.moment == Moment::Next || context.moment == Moment::NextWrap) {
    error("no-next-state", call.range,
          "the next step of `" + getText(call.range) + "` is not known yet");
    return {};
  }
  if (context.derivative) {
    error("misplaced", call.range,
          "the derivative of `" + call.name + "` is not known inside of a step")
        .hint("if it does not matter to the derivative, name it with `let`");
    return {};
  }
  ModelInstance *instance = findInstance(call.arguments.front().value, call);
  llvm::SmallVector<Feed, 2> feeds;
  if (!instance || !readFeeds(*instance, call, feeds))
    return {};
  ModelRun *run = findRun(builtin, *instance, feeds, call);
  if (!run)
    return {};
  if (builtin == Builtin::Outputs)
    return getOutputs(*instance, *run, call);
  Meaning tuple;
  tuple.kind = Meaning::Kind::Tuple;
  for (unsigned i = 0; i < instance->getModel().states.size(); ++i)
    tuple.elements.push_back(Meaning::ofValue(run->getFinal(i)));
  if (tuple.elements.empty()) {
    error("no-value", call.range,
          "`" + StringRef(instance->name) + "` has no states");
    return {};
  }
  return tuple.elements.size() == 1 ? tuple.elements.front() : tuple;
}
