//===- ModelBuilder.cpp - Declarations of a model to its tables -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelBuilder.h"
#include "compiler/AST/Printer.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

ast::Identifier ModelBuilder::getName(const ast::Decl &decl) {
  if (auto *model = llvm::dyn_cast<ast::ModelDecl>(&decl))
    return model->name;
  return llvm::cast<ast::InstanceDecl>(decl).name;
}

ModelBuilder::ModelBuilder(Program &program, const ast::Decl &decl)
    : program(program), model(std::make_unique<Model>()),
      elaborator(*model, program), declared(decl),
      bodyFile(&program.getMain()) {
  model->name = getName(decl).name.str();
  model->range = getName(decl).range;
}

ModelBuilder::ModelBuilder(Program &program, const ast::Decl &decl,
                           FileTable &file, Elaborator &around)
    : program(program), model(std::make_unique<Model>(around.spaces)),
      elaborator(*model, program), declared(decl), bodyFile(&file) {
  model->name = getName(decl).name.str();
  model->range = getName(decl).range;
  elaborator.around = &around;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

void Elaborator::declareBody(Scope &inside, ast::Body body) {
  using namespace ast;
  for (const Decl *decl : body) {
    llvm::SmallVector<Identifier, 4> names;
    if (auto *d = llvm::dyn_cast<LatticeDecl>(decl))
      names = {d->name};
    else if (auto *d = llvm::dyn_cast<InputDecl>(decl))
      names.assign(d->names.begin(), d->names.end());
    else if (auto *d = llvm::dyn_cast<ParamDecl>(decl))
      names.assign(d->names.begin(), d->names.end());
    else if (auto *d = llvm::dyn_cast<CouplingDecl>(decl))
      names.assign(d->names.begin(), d->names.end());
    else if (auto *d = llvm::dyn_cast<EncodeDecl>(decl))
      names = {d->name};
    else if (auto *d = llvm::dyn_cast<DecodeDecl>(decl))
      names = {d->name};
    else if (auto *d = llvm::dyn_cast<LetDecl>(decl))
      names.assign(d->targets.begin(), d->targets.end());
    else if (auto *d = llvm::dyn_cast<DrawDecl>(decl))
      names.assign(d->names.begin(), d->names.end());
    else if (auto *d = llvm::dyn_cast<StateDecl>(decl)) {
      names.assign(d->names.begin(), d->names.end());
      names.append(d->velocities.begin(), d->velocities.end());
    } else if (llvm::isa<LayerDecl, ModelDecl, InstanceDecl>(decl)) {
      error("misplaced", decl->getRange(),
            "layers and models are declared outside of others");
    }
    for (auto [i, name] : llvm::enumerate(names))
      if (Symbol *symbol = declare(inside, name, decl, i))
        symbol->order = symbols.size();
  }
}

//===----------------------------------------------------------------------===//
// Inputs and states
//===----------------------------------------------------------------------===//

void ModelBuilder::makeInputs(const ast::InputDecl &decl) {
  Input::Kind kind = findInputKind(decl);
  const Space *space = kind == Input::Kind::Value
                           ? elaborator.evaluateSpace(decl.space)
                           : elaborator.spaces.getScalar();
  if (!space)
    return;
  for (ast::Identifier name : decl.names) {
    Input &input = model->inputs.emplace_back();
    input.name = name.name.str();
    input.kind = kind;
    input.space = space;
    input.perStep = decl.perStep;
    input.range = name.range;
    if (kind != Input::Kind::Value)
      countStepsBy(input, decl);
  }
}

void ModelBuilder::makeStates(const ast::StateDecl &decl) {
  const Space *space = decl.space ? elaborator.evaluateSpace(decl.space)
                                  : elaborator.spaces.getScalar();
  bool isAngle = false;
  if (decl.type) {
    auto *type = llvm::dyn_cast<ast::NameExpr>(decl.type);
    isAngle = type && type->name == "angle";
    if (!isAngle)
      elaborator
          .error("unknown-type", decl.type->getRange(),
                 "`" + elaborator.getText(decl.type->getRange()) +
                     "` is not a type of states")
          .hint("there is `angle`; a space stands after `on`");
  }
  if (!decl.velocities.empty() && decl.velocities.size() != decl.names.size()) {
    elaborator.error("wrong-count", decl.velocities.front().range,
                     llvm::Twine(decl.names.size()) +
                         " states need as many "
                         "velocities, not " +
                         llvm::Twine(decl.velocities.size()));
    return;
  }
  if (!space)
    return;
  auto add = [&](ast::Identifier name) {
    State &state = model->states.emplace_back();
    state.name = name.name.str();
    state.space = space;
    state.isCarried = decl.carry;
    state.range = name.range;
    elaborator.oldStates.push_back(elaborator.graph.oldState(state));
    return &state;
  };
  for (auto [i, name] : llvm::enumerate(decl.names)) {
    State *state = add(name);
    state->isAngle = isAngle;
    if (decl.velocities.empty())
      continue;
    state->velocity = add(decl.velocities[i]);
    state->velocity->position = state;
  }
}

void ModelBuilder::setInitial(State &state, Node *value, SourceRange range) {
  if (!value)
    return;
  state.initial =
      elaborator.fit(value, state.space, range, "`" + state.name + "`");
}

/// One equation of `init`; there is no step yet, and no state.
void ModelBuilder::makeInit(const ast::InitDecl &decl) {
  llvm::SaveAndRestore when(elaborator.context, Context{});
  llvm::SaveAndRestore place(
      elaborator.place,
      Place{"init." + decl.targets.front().name.str(), {&decl}});
  SourceRange range = decl.value->getRange();
  std::vector<Meaning> values =
      evaluateTargets(decl.value, decl.targets);
  for (auto [i, target] : llvm::enumerate(decl.targets)) {
    std::optional<unsigned> number = findStateNumber(target);
    if (!number)
      continue;
    State &state = model->states[*number];
    if (state.hasInitial) {
      elaborator
          .error("duplicate-equation", target.range,
                 "`" + target.name + "` has two initial values")
          .note(state.range, "`" + target.name + "` is declared here")
          .hint("one is enough: `" + target.name + " " + state.start +
                "` is that of the declaration");
      continue;
    }
    state.hasInitial = true;
    state.start = "= " + ast::toString(decl.value);
    if (!values.empty())
      setInitial(state, elaborator.requireValue(values[i], range), range);
  }
}

void ModelBuilder::makeInits() {
  for (const ast::Decl *decl : body->body) {
    auto *states = llvm::dyn_cast<ast::StateDecl>(decl);
    if (!states || (!states->value && !states->distribution))
      continue;
    for (State &state : model->states) {
      bool isOurs = false;
      for (auto names : {states->names, states->velocities})
        for (ast::Identifier name : names)
          isOurs |= state.name == name.name;
      if (!isOurs)
        continue;
      state.hasInitial = true;
      state.start =
          (states->value ? "= " : "~ ") +
          ast::toString(states->value ? states->value : states->distribution);
      llvm::SaveAndRestore when(elaborator.context, Context{});
      llvm::SaveAndRestore place(elaborator.place,
                                 Place{"init." + state.name, {states}});
      if (states->value) {
        Node *value = elaborator.evaluate(states->value);
        setInitial(state, value, states->value->getRange());
      } else if (!Elaborator::drawsPair(states->distribution)) {
        state.initial = elaborator.draw(states->distribution,
                                        "init." + state.name, state.space);
      }
    }
    if (states->distribution && Elaborator::drawsPair(states->distribution))
      startPair(*states);
  }
  for (const ast::Decl *decl : body->body)
    if (auto *init = llvm::dyn_cast<ast::InitDecl>(decl))
      makeInit(*init);
  for (const State &state : model->states)
    if (!state.hasInitial)
      elaborator
          .error("no-value", state.range,
                 "state `" + StringRef(state.name) + "` has no initial value")
          .hint("write `init " + state.name + " = 0`");
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

/// Looks into every declaration once, also those that nothing uses.
void ModelBuilder::touchSymbols() {
  // Some are drawn at every step.
  llvm::SaveAndRestore atStep(elaborator.context,
                              Context{Moment::Current, nullptr});
  for (const ast::Decl *decl : body->body) {
    auto touch = [&](llvm::ArrayRef<ast::Identifier> names) {
      for (ast::Identifier name : names) {
        Meaning meaning = elaborator.lookUp(name.name, name.range);
        if (llvm::isa<ast::LatticeDecl>(decl) && meaning.space)
          model->lattices.push_back(meaning.space);
      }
    };
    if (auto *lattice = llvm::dyn_cast<ast::LatticeDecl>(decl))
      touch(lattice->name);
    else if (auto *param = llvm::dyn_cast<ast::ParamDecl>(decl))
      touch(param->names);
    else if (auto *coupling = llvm::dyn_cast<ast::CouplingDecl>(decl))
      touch(coupling->names);
    else if (auto *draw = llvm::dyn_cast<ast::DrawDecl>(decl))
      touch(draw->names);
  }
}

void ModelBuilder::build() {
  elaborator.scope = getMainScope();
  body = llvm::dyn_cast<ast::ModelDecl>(&declared);
  if (!body)
    body = findBase(llvm::cast<ast::InstanceDecl>(declared));
  elaborator.calling.clear();
  if (!body)
    return;
  model->isSystem = body->isSystem;
  elaborator.declaration = body;
  elaborator.modelScope = elaborator.makeScope(makeFileScope(*bodyFile), {});
  elaborator.scope = elaborator.modelScope;
  bindArguments(*body);
  elaborator.declareBody(*elaborator.modelScope, body->body);
  applyReplacements();
  if (!elaborator.around)
    applyOverrides();

  for (const ast::Decl *decl : body->body)
    if (auto *input = llvm::dyn_cast<ast::InputDecl>(decl))
      makeInputs(*input);
  checkSystem();
  beginVariant();
  for (const ast::Decl *decl : body->body)
    if (auto *state = llvm::dyn_cast<ast::StateDecl>(decl))
      makeStates(*state);
  checkLengths();
  touchSymbols();
  makeInits();
  makeStep();
  makeResults();
  makeOutputs();
  finishVariant();
  // Layers make their parameters when they are first met; files list them in
  // the order of the program.
  std::vector<std::pair<unsigned, unsigned>> order;
  for (auto [i, parameter] : llvm::enumerate(model->parameters))
    order.emplace_back(parameter.order, i);
  llvm::sort(order);
  for (auto [declared, made] : order)
    model->parameterOrder.push_back(&model->parameters[made]);
  isBuilt = true;
}

Node *ModelBuilder::evaluateAt(StringRef name, Moment moment) {
  const StateValues *states = moment == Moment::First ? &elaborator.firstStates
                              : moment == Moment::Last
                                  ? &elaborator.lastStates
                                  : &elaborator.newStates;
  llvm::SaveAndRestore when(elaborator.context, Context{moment, states});
  llvm::SaveAndRestore inScope(elaborator.scope, elaborator.modelScope);
  return elaborator.requireValue(elaborator.lookUp(name, model->range),
                                 model->range);
}

bool ModelBuilder::isComplete() const {
  if (!body)
    return false;
  bool isComplete = llvm::all_of(model->states, [](const State &state) {
    return state.initial && state.next;
  });
  for (const State &state : model->hiddenStates)
    isComplete &= state.initial && state.next;
  for (const Parameter &parameter : model->parameters)
    isComplete &= parameter.initial && parameter.value;
  for (const Result &result : model->results)
    isComplete &= result.value != nullptr;
  for (const ast::Decl *decl : body->body) {
    isComplete &=
        !llvm::isa<ast::LossDecl>(decl) || model->loss || elaborator.around ||
        model->hasTangents;
    auto *input = llvm::dyn_cast<ast::InputDecl>(decl);
    for (ast::Identifier name :
         input ? input->names : llvm::ArrayRef<ast::Identifier>())
      isComplete &= llvm::any_of(model->inputs, [&](const Input &made) {
        return made.name == name.name;
      });
  }
  return isComplete;
}

void ModelBuilder::checkComplete() {
  if (!program.diagnostics.hasErrors() && !isComplete())
    elaborator.error("cyclic-definition", model->range,
                     "model `" + StringRef(model->name) +
                         "` is made of something that needs itself");
}
