//===- ModelInstance.cpp - Models inside of models ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelInstance.h"
#include "compiler/AST/Suggest.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

const Input *ModelInstance::findInput(const Feed &feed) const {
  const Input *found = nullptr;
  for (const Input &input : getModel().inputs) {
    if (!feed.input.empty() && input.name == feed.input)
      return &input;
    if (!feed.input.empty() || !input.perStep)
      continue;
    if (found)
      return nullptr;
    found = &input;
  }
  return found;
}

//===----------------------------------------------------------------------===//
// Gru(hidden = 8)
//===----------------------------------------------------------------------===//

/// What stands for the name of an argument in the model's text: a space, or
/// anything else.
static bool isSpaceArgument(const ast::ModelDecl &model, StringRef name) {
  for (const ast::Parameter &parameter : model.parameters)
    if (parameter.name.name == name)
      return parameter.type;
  for (const ast::Decl *decl : model.body)
    if (auto *lattice = llvm::dyn_cast<ast::LatticeDecl>(decl))
      if (lattice->name.name == name)
        return true;
  return false;
}

/// An argument is one of the head, or replaces something of the body.
bool Elaborator::checkReplaced(const ModelInstance &instance,
                               const ast::ModelDecl &model, StringRef wanted,
                               SourceRange range) {
  std::vector<StringRef> names;
  for (const ast::Parameter &parameter : model.parameters)
    names.push_back(parameter.name.name);
  for (const ast::Decl *decl : model.body) {
    if (auto *lattice = llvm::dyn_cast<ast::LatticeDecl>(decl))
      names.push_back(lattice->name.name);
    else if (auto *param = llvm::dyn_cast<ast::ParamDecl>(decl))
      for (ast::Identifier name : param->names)
        names.push_back(name.name);
  }
  if (llvm::is_contained(names, wanted))
    return true;
  error("unknown-argument", range,
        "`" + StringRef(instance.name) + "` declares no `" + wanted + "`")
      .hint(didYouMean(wanted, names));
  return false;
}

bool Elaborator::evaluateModelArguments(ModelInstance &instance,
                                        const Call &call) {
  const ast::ModelDecl *model =
      ModelBuilder::getModelDecl(instance.declaration, instance.file);
  if (!model)
    return true; // The model itself says what is wrong.
  size_t position = 0;
  llvm::SaveAndRestore once(context, Context{});
  for (const ast::Argument &argument : call.arguments) {
    StringRef name = argument.name.name;
    if (argument.kind == ast::Argument::Kind::Positional &&
        model == instance.declaration && position < model->parameters.size()) {
      name = model->parameters[position++].name.name;
    } else if (argument.kind != ast::Argument::Kind::Named) {
      error("unknown-argument", argument.range,
            "`" + getText(argument.range) + "` replaces nothing of `" +
                instance.name + "`")
          .hint("write `name = value`");
      return false;
    }
    if (!checkReplaced(instance, *model, name, argument.range))
      return false;
    Meaning value = isSpaceArgument(*model, name)
                        ? Meaning::ofSpace(evaluateSpace(argument.value))
                        : elaborate(argument.value);
    if (!value.isValid())
      return false;
    if (value.is(Meaning::Kind::Value) && value.value->op != Op::Constant &&
        value.value->op != Op::Array) {
      error("not-a-number", argument.value->getRange(),
            "`" + getText(argument.value->getRange()) +
                "` is not known before the program runs");
      return false;
    }
    instance.arguments.push_back(
        {name.str(), argument.range, nullptr, false, value});
  }
  return true;
}

Meaning Elaborator::callModel(const Meaning &callee, const Call &call) {
  if (call.piped) {
    error("misplaced", call.range,
          "model `" + call.name + "` cannot stand in a pipe")
        .hint("write `outputs(" + call.name.str() + "(...), over = x)`");
    return {};
  }
  std::string lower = call.name.lower();
  Place instancePlace = getInstance(lower, call.site);
  Path path(instancePlace.path.begin(), instancePlace.path.end());
  std::shared_ptr<ModelInstance> &instance = modelInstances[path];
  if (!instance) {
    instance = std::make_shared<ModelInstance>();
    instance->name = call.name.str();
    instance->range = call.range;
    instance->declaration = callee.declaration;
    instance->file = program.findFile(callee.declaration);
    instance->place = instancePlace;
    instance->order = currentOrder;
    instance->isBroken = !evaluateModelArguments(*instance, call);
  }
  if (instance->isBroken)
    return {};
  Meaning meaning;
  meaning.kind = Meaning::Kind::Instance;
  meaning.instance = instance.get();
  return meaning;
}

Call Elaborator::getBareCall(const ast::Expr *name) const {
  Call bare;
  bare.name = getText(name->getRange());
  bare.calleeRange = bare.range = name->getRange();
  bare.site = name;
  return bare;
}

/// The first argument of `outputs` or `final`.
ModelInstance *Elaborator::findInstance(const ast::Expr *expr,
                                        const Call &call) {
  Meaning meaning = elaborate(expr);
  if (meaning.is(Meaning::Kind::Model))
    meaning = callModel(meaning, getBareCall(expr));
  if (meaning.isValid() && !meaning.is(Meaning::Kind::Instance))
    error("not-a-model", expr->getRange(),
          "`" + getText(expr->getRange()) + "` is not a model")
        .hint("write `" + call.name.str() + "(Model(...), over = x)`");
  return meaning.instance;
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

/// Builds the model by itself, for inputs that live where the feeds do.
bool Elaborator::buildInstance(ModelInstance &instance,
                               llvm::ArrayRef<Feed> feeds, Context when,
                               const Call &call) {
  if (instance.builder || instance.isBroken)
    return !instance.isBroken;
  instance.isBroken = true;
  const ast::ModelDecl *wanted =
      ModelBuilder::getModelDecl(instance.declaration, instance.file);
  for (const Elaborator *outer = this; outer && wanted; outer = outer->around)
    if (outer->declaration == wanted) {
      error("recursion", call.range,
            "model `" + StringRef(instance.name) + "` runs itself")
          .note(wanted->name.range, "it is declared here");
      return false;
    }
  if (wanted && !checkFedNames(instance, *wanted, feeds))
    return false;
  std::vector<std::pair<std::string, const Space *>> fed;
  for (const Feed &feed : feeds) {
    llvm::SaveAndRestore then(context, when);
    Meaning value = elaborate(feed.value);
    if (!value.isValid())
      return false;
    if (!value.is(Meaning::Kind::Value))
      return requireValue(value, feed.value->getRange());
    const Space *space = value.value->space;
    // Scores of classes are numbers; only a label is a class.
    if (space && space->kind == SpaceKind::Class && !space->copies &&
        value.value->element != Element::Class)
      space = spaces.getVector(space->sites.front());
    fed.emplace_back(feed.input.str(), space);
  }
  if (!program.countImported(call.range))
    return false;
  unsigned errorsBefore = program.diagnostics.getNumErrors();
  instance.builder = std::make_unique<ModelBuilder>(
      program, *instance.declaration, *instance.file, *this);
  ModelBuilder &builder = *instance.builder;
  Elaborator &inside = builder.getElaborator();
  inside.streamPrefix =
      (streamPrefix.empty() ? model.name + "/" : streamPrefix) +
      instance.place.name + ".";
  inside.enterModel(instance.name, instance.range, instance.file->isLibrary);
  builder.setArguments(instance.arguments, std::move(fed));
  builder.build();
  if (program.diagnostics.getNumErrors() != errorsBefore)
    return false;
  builder.checkComplete();
  instance.isBroken = !builder.isComplete();
  return !instance.isBroken;
}

const Parameter *Elaborator::importParameter(ModelInstance &instance,
                                             const Parameter &wanted) {
  if (const Parameter *known = instance.parameters[&wanted])
    return known;
  // A parameter's values are made of itself, draws and numbers alone.
  auto copyAll = [&](Node *root, const Parameter &made) {
    llvm::DenseMap<const Node *, Node *> copies;
    for (const Node *node : collectNodes(*root->graph, {root},
                                         [](const Node *) { return false; })) {
      llvm::SmallVector<Node *, 2> operands;
      for (const Node *operand : node->operands)
        operands.push_back(copies.lookup(operand));
      if (node->op == Op::Parameter)
        copies[node] = graph.readParameter(made);
      else
        copies[node] = graph.copy(*node, operands);
    }
    return copies.lookup(root);
  };
  Parameter &made =
      makeParameter(instance.place.name + "." + wanted.name, wanted.range);
  std::string name = made.name;
  made = wanted;
  made.name = name;
  made.order = instance.order;
  made.initial = copyAll(wanted.initial, made);
  made.value = copyAll(wanted.value, made);
  return instance.parameters[&wanted] = &made;
}

//===----------------------------------------------------------------------===//
// Feeds
//===----------------------------------------------------------------------===//

/// `over = u`, `x = reverse(u[0..30])`.
bool Elaborator::readFeeds(const ModelInstance &instance, const Call &call,
                           llvm::SmallVectorImpl<Feed> &feeds) {
  for (const ast::Argument &argument : call.arguments.drop_front()) {
    if (argument.kind != ast::Argument::Kind::Named) {
      error("unknown-argument", argument.range,
            "`" + getText(argument.range) + "` has no name")
          .hint("write `over = " + getText(argument.value->getRange()).str() +
                "`");
      return false;
    }
    Feed feed = readSequence(argument.value);
    if (argument.name.name != "over")
      feed.input = argument.name.name;
    feeds.push_back(feed);
  }
  if (!feeds.empty())
    return true;
  error("missing-argument", call.range,
        "`" + call.name + "` needs what `" + StringRef(instance.name) +
            "` is run over")
      .hint("write `over = x`");
  return false;
}

Context Elaborator::getFeedContext(bool isApart) const {
  if (isApart || context.isApart)
    return {Moment::Current, nullptr, true};
  if (context.moment == Moment::First || context.moment == Moment::Last)
    return {Moment::Current, stepIsKnown ? &newStates : nullptr};
  return {Moment::Current, context.states};
}

Node *Elaborator::evaluateFeed(const ModelInstance &instance, const Feed &feed,
                               const Input &input, Moment moment) {
  SourceRange where = feed.value->getRange();
  Meaning meaning;
  if (moment == Moment::Current) {
    meaning = elaborate(feed.value);
  } else if (moment == Moment::Sample) {
    llvm::SaveAndRestore once(
        context, Context{Moment::Sample, nullptr, context.isApart});
    meaning = elaborate(feed.value);
  } else {
    meaning = elaborateAt(moment, feed.value, where);
  }
  bool isLabel = meaning.is(Meaning::Kind::Value) &&
                 meaning.value->element == Element::Class;
  std::string what = "input `" + input.name + "` of `" + instance.name + "`";
  if (isLabel && input.space == meaning.value->space)
    return meaning.value;
  Node *value = requireValue(meaning, where);
  if (!value)
    return nullptr;
  if (input.isClass()) {
    error("not-a-class", where,
          "`" + getText(where) + "` is not a class, but " + what + " is")
        .note(input.range, "it is declared here");
    return nullptr;
  }
  if (!input.perStep && value->perStep) {
    error("per-step-value", where,
          "`" + getText(where) + "` has a value at every step, but " + what +
              " is needed once per sample")
        .hint("take the first one with `first(" + getText(where).str() + ")`");
    return nullptr;
  }
  if (value->space && value->space->kind == SpaceKind::Class &&
      input.space->kind == SpaceKind::Vector &&
      llvm::ArrayRef(value->shape) == llvm::ArrayRef(input.space->getShape()))
    return graph.reshape(value, input.space);
  return fit(value, input.space, where, what);
}
