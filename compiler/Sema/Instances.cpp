//===- Instances.cpp - Models with other values than declared -------------===//
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

/// The scope of a file, with what it uses around it.
Scope *ModelBuilder::makeRunScope() {
  Scope *scope = elaborator.makeScope(getMainScope(), {});
  scope->symbols = elaborator.modelScope->symbols;
  return scope;
}

Scope *ModelBuilder::makeFileScope(FileTable &table) {
  Scope *&known = fileScopes[&table];
  if (known)
    return known;
  Scope *imports = elaborator.makeScope(nullptr, {});
  Scope *own = elaborator.makeScope(imports, {});
  known = own;
  own->isLibrary = table.isLibrary;
  for (FileName &name : table.names) {
    Symbol *symbol = elaborator.declare(*own, {name.name, name.range},
                                        name.decl, name.index);
    if (!symbol)
      continue;
    symbol->value = name.value;
    symbol->valueScope = own;
  }
  for (FileTable *used : table.used)
    for (auto &entry : makeFileScope(*used)->symbols)
      imports->symbols.try_emplace(entry.getKey(), entry.getValue());
  return own;
}

/// The model that an instance stands for, through other instances. Collects the
/// replacements on the way; the outermost one wins.
const ast::ModelDecl *
ModelBuilder::findBase(const ast::InstanceDecl &instance) {
  auto *call = llvm::dyn_cast<ast::CallExpr>(instance.value);
  auto *bare = llvm::dyn_cast<ast::NameExpr>(instance.value);
  StringRef base = call   ? call->getCalleeName()
                   : bare ? bare->name
                          : StringRef();
  SourceRange range =
      call ? call->callee->getRange() : instance.value->getRange();
  if (base.empty()) {
    elaborator
        .error("not-a-model", instance.value->getRange(),
               "`" + elaborator.getText(instance.value->getRange()) +
                   "` is not a model")
        .hint("write `model Name = Base(...)`");
    return nullptr;
  }
  if (!elaborator.calling.insert(&instance).second) {
    elaborator.error("cyclic-definition", range,
                     "model `" + instance.name.name +
                         "` is an instance of itself");
    return nullptr;
  }
  FileTable *where = bodyFile;
  FileName *found = where->find(base);
  for (FileTable *used : bodyFile->used)
    if (!found && (found = used->find(base)))
      where = used;
  const ast::Decl *decl = found ? found->decl : nullptr;
  if (!decl || !llvm::isa<ast::ModelDecl, ast::InstanceDecl>(decl)) {
    std::vector<StringRef> names;
    for (FileName &name : bodyFile->names)
      if (llvm::isa<ast::ModelDecl, ast::InstanceDecl>(name.decl))
        names.push_back(name.name);
    for (FileTable *used : bodyFile->used)
      for (FileName &name : used->names)
        if (llvm::isa<ast::ModelDecl, ast::InstanceDecl>(name.decl))
          names.push_back(name.name);
    elaborator.error("unknown-name", range, "no model is called `" + base + "`")
        .hint(didYouMean(base, names));
    return nullptr;
  }
  size_t position = 0;
  auto *target = llvm::dyn_cast<ast::ModelDecl>(decl);
  for (const ast::Argument &argument :
       call ? call->arguments : llvm::ArrayRef<ast::Argument>()) {
    std::string name = argument.name.name.str();
    if (argument.kind == ast::Argument::Kind::Positional && target &&
        position < target->parameters.size()) {
      name = target->parameters[position++].name.name.str();
    } else if (argument.kind != ast::Argument::Kind::Named) {
      elaborator
          .error("unknown-argument", argument.range,
                 "`" + elaborator.getText(argument.range) +
                     "` replaces nothing of `" + base + "`")
          .hint("write `name = value`");
      continue;
    }
    if (llvm::none_of(replacements,
                      [&](const Replacement &r) { return r.name == name; }))
      replacements.push_back({name, argument.range, argument.value});
  }
  if (model->base.empty())
    model->base = base.str();
  bodyFile = where;
  return target ? target : findBase(llvm::cast<ast::InstanceDecl>(*decl));
}

//===----------------------------------------------------------------------===//
// model Name(from : space, n = 64)
//===----------------------------------------------------------------------===//

static bool isSpaceArgument(const ast::Parameter &parameter) {
  auto *type = llvm::dyn_cast_or_null<ast::NameExpr>(parameter.type);
  return type && type->name == "space";
}

/// The space of what feeds the input that is declared on `name`.
const Space *ModelBuilder::findFedSpace(StringRef name) {
  for (const ast::Decl *decl : body->body) {
    auto *input = llvm::dyn_cast<ast::InputDecl>(decl);
    auto *space = input ? llvm::dyn_cast<ast::NameExpr>(input->space) : nullptr;
    if (!space || space->name != name)
      continue;
    for (auto &[fed, where] : fedSpaces)
      if (llvm::any_of(input->names,
                       [&](ast::Identifier own) { return own.name == fed; }) ||
          (fed.empty() && input->perStep))
        return where;
  }
  return nullptr;
}

/// What a model around gives, in the terms of this one.
static Meaning translate(Graph &graph, const Meaning &given) {
  if (!given.is(Meaning::Kind::Value))
    return given;
  const Node &node = *given.value;
  return Meaning::ofValue(node.op == Op::Array
                              ? graph.array(node.numbers, node.space)
                              : graph.constant(node.number, node.space));
}

/// The value of an argument: given by `--set`, by an instance or a model
/// around, by what is fed, or its default. Invalid after an error.
Meaning ModelBuilder::findArgument(const ast::Parameter &parameter) {
  StringRef name = parameter.name.name;
  bool isSpace = isSpaceArgument(parameter);
  const ast::Expr *value = parameter.defaultValue;
  for (Replacement &replacement : replacements)
    if (replacement.name == name) {
      replacement.used = true;
      if (replacement.meaning.isValid())
        return translate(elaborator.graph, replacement.meaning);
      value = replacement.value;
    }
  if (!elaborator.around) {
    program.addOverridable(name.str());
    if (const Override *override = program.findOverride(name, model->name))
      value = program.getOverrideValue(*override, value);
  }
  if (const Space *fed = !value && isSpace ? findFedSpace(name) : nullptr)
    return Meaning::ofSpace(fed);
  if (!value) {
    bool isInstance = !model->base.empty();
    elaborator
        .error("missing-argument",
               isInstance ? model->range : parameter.name.range,
               "model `" + StringRef(model->name) + "` needs its argument `" +
                   name + "`")
        .hint(isSpace ? "give it where the model is used: `" +
                            (isInstance ? model->base : model->name) + "(" +
                            name.str() + " = vector(3))`"
                      : "give it a default with `" + name.str() + " = ...`");
    return {};
  }
  llvm::SaveAndRestore inScope(elaborator.scope, value == parameter.defaultValue
                                                     ? makeFileScope(*bodyFile)
                                                     : getMainScope());
  return isSpace ? Meaning::ofSpace(elaborator.evaluateSpace(value))
                 : elaborator.elaborate(value);
}

/// Arguments are constants and spaces of the model.
void ModelBuilder::bindArguments(const ast::ModelDecl &decl) {
  for (const ast::Parameter &parameter : decl.parameters) {
    if (parameter.type && !isSpaceArgument(parameter))
      elaborator
          .error("unknown-type", parameter.type->getRange(),
                 "`" + elaborator.getText(parameter.type->getRange()) +
                     "` is not a type of arguments")
          .hint("there is `space`; numbers have none");
    Symbol *symbol =
        elaborator.declare(*elaborator.modelScope, parameter.name, nullptr);
    Meaning value = findArgument(parameter);
    if (symbol)
      symbol->fixed = value;
  }
}

/// The declaration that an instance names, and its file; null if there is none.
static const ast::Decl *findNamed(const ast::InstanceDecl &instance,
                                  FileTable *&file) {
  auto *call = llvm::dyn_cast<ast::CallExpr>(instance.value);
  auto *bare = llvm::dyn_cast<ast::NameExpr>(instance.value);
  StringRef base = call   ? call->getCalleeName()
                   : bare ? bare->name
                          : StringRef();
  FileTable *from = file;
  FileName *found = from->find(base);
  for (FileTable *used : from->used)
    if (!found && (found = used->find(base)))
      file = used;
  return found ? found->decl : nullptr;
}

/// A chain of instances has no cycle, unless that is an error.
static constexpr unsigned longestChain = 256;

const ast::ModelDecl *ModelBuilder::getModelDecl(const ast::Decl *decl,
                                                 FileTable *file) {
  for (unsigned length = 0; length < longestChain; ++length) {
    auto *instance = llvm::dyn_cast_or_null<ast::InstanceDecl>(decl);
    if (!instance)
      return llvm::dyn_cast_or_null<ast::ModelDecl>(decl);
    decl = findNamed(*instance, file);
  }
  return nullptr;
}

const ast::Parameter *ModelBuilder::findOpenSpace(Program &program,
                                                  const ast::Decl &decl) {
  std::vector<StringRef> given;
  unsigned numInOrder = 0;
  FileTable *file = &program.getMain();
  const ast::Decl *base = &decl;
  for (unsigned length = 0; length < longestChain; ++length) {
    auto *instance = llvm::dyn_cast_or_null<ast::InstanceDecl>(base);
    if (!instance)
      break;
    numInOrder = 0;
    if (auto *call = llvm::dyn_cast<ast::CallExpr>(instance->value))
      for (const ast::Argument &argument : call->arguments) {
        numInOrder += argument.kind == ast::Argument::Kind::Positional;
        given.push_back(argument.name.name);
      }
    base = findNamed(*instance, file);
  }
  auto *model = llvm::dyn_cast_or_null<ast::ModelDecl>(base);
  if (!model)
    return nullptr;
  for (const ast::Parameter &parameter : model->parameters.drop_front(
           std::min<size_t>(numInOrder, model->parameters.size())))
    if (isSpaceArgument(parameter) && !parameter.defaultValue &&
        !llvm::is_contained(given, parameter.name.name) &&
        !program.findOverride(parameter.name.name, getName(decl).name))
      return &parameter;
  return nullptr;
}

static bool canReplace(const Symbol &symbol) {
  auto *param = llvm::dyn_cast_or_null<ast::ParamDecl>(symbol.decl);
  return (param && param->value) ||
         llvm::isa_and_nonnull<ast::LatticeDecl>(symbol.decl);
}

void ModelBuilder::applyReplacements() {
  for (Replacement &replacement : replacements) {
    if (replacement.used)
      continue;
    Symbol *symbol = elaborator.modelScope->symbols.lookup(replacement.name);
    if (!symbol) {
      std::vector<StringRef> names;
      for (auto &entry : elaborator.modelScope->symbols)
        if (canReplace(*entry.getValue()))
          names.push_back(entry.getKey());
      llvm::sort(names);
      elaborator
          .error("unknown-argument", replacement.range,
                 "`" + StringRef(model->base) + "` declares no `" +
                     replacement.name + "`")
          .hint(didYouMean(replacement.name, names));
      continue;
    }
    if (!canReplace(*symbol)) {
      elaborator
          .error("cannot-replace", replacement.range,
                 "`" + StringRef(replacement.name) + "` cannot be replaced")
          .note(symbol->range, "it is declared here")
          .hint("lattices, constants and parameters with a value can");
      continue;
    }
    symbol->value = replacement.value;
    symbol->valueScope = getMainScope();
    if (!replacement.meaning.isValid())
      continue;
    const Node *number = replacement.meaning.value;
    if (number && number->isNumber()) {
      symbol->value = program.makeNumber(replacement.range, number->number);
    } else if (llvm::isa<ast::LatticeDecl>(symbol->decl) ==
                   replacement.meaning.is(Meaning::Kind::Space) &&
               !number) {
      symbol->fixed = replacement.meaning;
      symbol->decl = nullptr;
    } else {
      elaborator.error("wrong-type", replacement.range,
                       "`" + StringRef(replacement.name) +
                           "` cannot be replaced by this");
    }
  }
}

/// `--set gamma=2`, `--set LocoRNN.gamma=2`.
void ModelBuilder::applyOverrides() {
  std::vector<StringRef> names;
  for (auto &entry : elaborator.modelScope->symbols)
    if (canReplace(*entry.getValue()))
      names.push_back(entry.getKey());
  llvm::sort(names);
  for (StringRef name : names) {
    Symbol &symbol = *elaborator.modelScope->symbols.lookup(name);
    program.addOverridable(name.str());
    const Override *override = program.findOverride(name, model->name);
    if (!override)
      continue;
    auto *param = llvm::dyn_cast<ast::ParamDecl>(symbol.decl);
    const ast::Expr *value = program.getOverrideValue(
        *override, param ? param->value
                         : llvm::cast<ast::LatticeDecl>(symbol.decl)->space);
    if (!value)
      continue;
    symbol.value = value;
    symbol.valueScope = getMainScope();
  }
}
