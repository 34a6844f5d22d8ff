//===- Steps.cpp - Updates, and what a step is made of --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/ModelBuilder.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// h <- e
//===----------------------------------------------------------------------===//

/// The state of that name; reports if there is none.
std::optional<unsigned> ModelBuilder::findStateNumber(ast::Identifier name) {
  std::vector<StringRef> names;
  for (auto [i, state] : llvm::enumerate(model->states)) {
    if (state.name == name.name)
      return i;
    names.push_back(state.name);
  }
  // A state whose declaration has an error is none, but its name is right.
  const Symbol *symbol = elaborator.scope->find(name.name);
  if (symbol && llvm::isa_and_nonnull<ast::StateDecl>(symbol->decl) &&
      elaborator.program.diagnostics.hasErrors())
    return std::nullopt;
  elaborator
      .error("unknown-name", name.range,
             "no state is called `" + name.name + "`")
      .hint(names.empty() ? "declare it: `state " + name.name.str() +
                                " on sheet = 0`, or without `on` if it is "
                                "one number"
                          : didYouMeanOneOf(name.name, names));
  return std::nullopt;
}

/// One value for several states: its numbers, in order, are theirs. Empty after
/// an error.
std::vector<Meaning>
ModelBuilder::divide(Node *value, llvm::ArrayRef<ast::Identifier> targets,
                     SourceRange range) {
  std::vector<const Space *> spaces;
  int64_t size = 1, wanted = 0;
  for (int64_t extent : value->shape)
    size *= extent;
  for (ast::Identifier target : targets) {
    std::optional<unsigned> number = findStateNumber(target);
    if (!number)
      return {};
    spaces.push_back(model->states[*number].space);
    wanted += spaces.back()->getNumElements();
  }
  if (wanted != size) {
    elaborator
        .error("wrong-count", range,
               "`" + elaborator.getText(range) + "` has " + llvm::Twine(size) +
                   (size == 1 ? " number" : " numbers") +
                   ", but the states on the left have " + llvm::Twine(wanted) +
                   " together")
        .hint("give a tuple, or one value that is divided in order");
    return {};
  }
  Graph &graph = elaborator.graph;
  Node *flat = graph.flatten(value);
  std::vector<Meaning> values;
  int64_t begin = 0;
  for (const Space *space : spaces) {
    int64_t length = space->getNumElements();
    values.push_back(Meaning::ofValue(
        graph.reshape(graph.slice(flat, begin, length), space)));
    begin += length;
  }
  return values;
}

/// The values of the right side, one for each target; empty after an error.
std::vector<Meaning>
ModelBuilder::evaluateTargets(const ast::Expr *value,
                              llvm::ArrayRef<ast::Identifier> targets) {
  Meaning meaning = elaborator.elaborate(value);
  if (!meaning.isValid())
    return {};
  std::vector<Meaning> values = {meaning};
  if (targets.size() > 1)
    values = meaning.elements;
  SourceRange range = value->getRange();
  if (targets.size() > 1 && meaning.is(Meaning::Kind::Value) &&
      meaning.value->element == Element::Float)
    return divide(meaning.value, targets, range);
  if (values.size() == targets.size())
    return values;
  elaborator.error("wrong-count", range,
                   "`" + elaborator.getText(range) + "` is not a tuple of " +
                       llvm::Twine(targets.size()) + " values");
  return {};
}

/// Gives one state its value after the block; false after an error.
bool ModelBuilder::updateState(ast::Identifier target, const Meaning &value,
                               SourceRange range, Updates &updates) {
  std::optional<unsigned> number = findStateNumber(target);
  if (!number)
    return false;
  auto [first, isNew] = updates.places.emplace(*number, target.range);
  if (!isNew) {
    elaborator
        .error("duplicate-equation", target.range,
               "`" + target.name + "` is updated twice")
        .note(first->second, "the first update is here");
    return false;
  }
  Node *node = elaborator.requireValue(value, range);
  if (node)
    node = elaborator.fit(node, model->states[*number].space, range,
                          "`" + target.name.str() + "`");
  if (node)
    checkEveryStep(node, range);
  updates.next[*number] = node;
  return node;
}

/// A block of updates: every right side reads `states`, the values before it.
bool ModelBuilder::makeUpdates(const ast::StepDecl &decl,
                               const StateValues &states, StateValues &next) {
  Scope *inside = elaborator.makeScope(elaborator.modelScope, {});
  elaborator.declareBody(*inside, decl.body);
  Updates updates{next, {}};
  bool valid = true;
  for (const ast::Decl *statement : decl.body) {
    auto *update = llvm::dyn_cast<ast::UpdateDecl>(statement);
    if (!update)
      continue;
    llvm::SaveAndRestore inScope(elaborator.scope, inside);
    llvm::SaveAndRestore when(elaborator.context,
                              Context{Moment::Current, &states});
    llvm::SaveAndRestore place(
        elaborator.place, Place{update->targets.front().name.str(), {update}});
    std::vector<Meaning> values =
        evaluateTargets(update->value, update->targets);
    valid &= !values.empty();
    for (auto [target, value] : llvm::zip(update->targets, values))
      valid &= updateState(target, value, update->value->getRange(), updates);
  }
  return valid;
}

//===----------------------------------------------------------------------===//
// The step
//===----------------------------------------------------------------------===//

/// Finds the statements that say what a step is; each may stand once.
ModelBuilder::StepParts ModelBuilder::findStepParts() {
  StepParts parts;
  auto once = [&](auto *&slot, const auto *decl, StringRef what) {
    if (!slot) {
      slot = decl;
      return;
    }
    elaborator
        .error("duplicate-equation", decl->getRange(),
               "a model has one " + what)
        .note(slot->getRange(), "the first one is here");
  };
  for (const ast::Decl *decl : body->body) {
    if (auto *dynamics = llvm::dyn_cast<ast::DynamicsDecl>(decl)) {
      if (!parts.dynamics)
        parts.dynamics = dynamics;
      if (dynamics->rule)
        parts.rules.push_back(dynamics);
      else
        once(parts.block, dynamics, "block of `dynamics`");
    } else if (auto *solve = llvm::dyn_cast<ast::SolveDecl>(decl))
      once(parts.solve, solve, "`solve`");
    else if (auto *step = llvm::dyn_cast<ast::StepDecl>(decl))
      step->isAfter ? once(parts.after, step, "`after step`")
                    : once(parts.step, step, "`step`");
  }
  return parts;
}

void ModelBuilder::checkStepParts(const StepParts &parts) {
  if (parts.dynamics && parts.step)
    elaborator
        .error("misplaced", parts.step->getRange(),
               "a model has `dynamics` or `step`, not both")
        .note(parts.dynamics->getRange(), "the dynamics are here")
        .hint("use `after step` for what follows each step");
  if (parts.dynamics && !parts.solve)
    elaborator
        .error("no-solver", parts.dynamics->getRange(),
               "the dynamics are not solved")
        .hint("write `solve rk4(0.01)`");
  if (parts.solve && !parts.dynamics)
    elaborator.error("misplaced", parts.solve->getRange(),
                     "there are no `dynamics` to solve");
}

static bool isUpdated(const ast::StepDecl &block, StringRef state) {
  return llvm::any_of(block.body, [&](const ast::Decl *statement) {
    auto *update = llvm::dyn_cast<ast::UpdateDecl>(statement);
    return update && llvm::any_of(update->targets, [&](ast::Identifier name) {
             return name.name == state;
           });
  });
}

/// Reports the states that nothing moves; false if there are any.
bool ModelBuilder::checkEquations(const StepParts &parts,
                                  const StateValues &next, bool report) {
  bool complete = true;
  for (auto [i, state] : llvm::enumerate(model->states)) {
    bool hasEquation = next[i];
    if (!parts.step)
      hasEquation = llvm::any_of(equations, [&](const Equation &equation) {
        return equation.state == i;
      });
    // What stands still in the dynamics may be moved after them.
    hasEquation |=
        parts.dynamics && parts.after && isUpdated(*parts.after, state.name);
    complete &= hasEquation;
    if (hasEquation || !report || state.hasWrongEquation)
      continue;
    elaborator
        .error("no-equation", state.range,
               "state `" + StringRef(state.name) + "` has no equation")
        .hint(parts.step ? "write `" + state.name + " <- ...` in `step`"
                         : "write `" + state.name + "' = ...` in `dynamics`");
  }
  return complete;
}

void ModelBuilder::makeStep() {
  llvm::SaveAndRestore making(elaborator.isMakingStep, true);
  StepParts parts = findStepParts();
  if (parts.block)
    readEquations(*parts.block);
  for (const ast::DynamicsDecl *rule : parts.rules)
    readHamiltonian(*rule);
  checkStepParts(parts);

  StateValues next(model->states.size(), nullptr);
  bool valid = true;
  if (parts.dynamics) {
    valid = parts.solve && integrate(*parts.solve, next);
    // Without a solver the right sides are looked at all the same. What `noise`
    // needs is said where the solver is.
    StateValues rates;
    llvm::SaveAndRestore noise(elaborator.noiseScale,
                               elaborator.graph.constant(1));
    if (!valid)
      makeRates(elaborator.oldStates, rates);
  } else if (parts.step) {
    valid = makeUpdates(*parts.step, elaborator.oldStates, next);
    // What stands still in a step may be moved after it.
    for (auto [i, state] : llvm::enumerate(model->states))
      if (!next[i] && parts.after && isUpdated(*parts.after, state.name))
        next[i] = elaborator.oldStates[i];
  }
  if (!checkEquations(parts, next, /*report=*/valid) || !valid)
    next = elaborator.oldStates; // What follows is checked all the same.
  if (parts.after) {
    StateValues &completed = keep(next);
    if (!makeUpdates(*parts.after, completed, next))
      next = completed;
  }
  for (auto [i, state] : llvm::enumerate(model->states)) {
    if (next[i])
      next[i] = elaborator.sequence.keep(next[i], elaborator.oldStates[i]);
    state.next = next[i];
    elaborator.firstStates.push_back(
        elaborator.graph.stateAfter(state, Moment::First));
    elaborator.lastStates.push_back(
        elaborator.graph.stateAfter(state, Moment::Last));
  }
  elaborator.newStates = next;
  elaborator.stepIsKnown = true;
}
