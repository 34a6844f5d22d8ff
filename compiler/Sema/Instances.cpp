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

/// `model Name(n = 64)`: a parameter is a constant of the model.
void ModelBuilder::bindArguments(const ast::ModelDecl &decl) {
  for (const ast::Parameter &parameter : decl.parameters) {
    StringRef name = parameter.name.name;
    const ast::Expr *value = parameter.defaultValue;
    for (Replacement &replacement : replacements)
      if (replacement.name == name) {
        value = replacement.value;
        replacement.used = true;
      }
    program.addOverridable(name.str());
    if (const Override *override = program.findOverride(name, model->name))
      value = program.getOverrideValue(*override, value);
    if (parameter.type)
      elaborator.notYet(parameter.type->getRange(),
                        "a space for a parameter of a model is");
    Symbol *symbol =
        elaborator.declare(*elaborator.modelScope, parameter.name, nullptr);
    if (!value)
      elaborator
          .error("missing-argument", parameter.name.range,
                 "model `" + StringRef(model->name) + "` needs its argument `" +
                     name + "`")
          .hint("give it a default with `" + name + " = ...`");
    if (!symbol || !value)
      continue;
    llvm::SaveAndRestore inScope(elaborator.scope,
                                 value == parameter.defaultValue
                                     ? makeFileScope(*bodyFile)
                                     : getMainScope());
    symbol->fixed = elaborator.elaborate(value);
  }
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
