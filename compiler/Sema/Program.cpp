//===- Program.cpp - Files, modules and overrides of a program ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Program.h"
#include "compiler/AST/Suggest.h"
#include "compiler/Syntax/Parser.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

FileName *FileTable::find(StringRef wanted) {
  for (FileName &name : names)
    if (name.name == wanted)
      return &name;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

static llvm::SmallVector<ast::Identifier, 2> getNames(const ast::Decl *decl) {
  using namespace ast;
  if (auto *d = llvm::dyn_cast<ModelDecl>(decl))
    return {d->name};
  if (auto *d = llvm::dyn_cast<InstanceDecl>(decl))
    return {d->name};
  if (auto *d = llvm::dyn_cast<LayerDecl>(decl))
    return {d->name};
  if (auto *d = llvm::dyn_cast<ParamDecl>(decl))
    return llvm::SmallVector<Identifier, 2>(d->names.begin(), d->names.end());
  if (auto *d = llvm::dyn_cast<LetDecl>(decl))
    return llvm::SmallVector<Identifier, 2>(d->targets.begin(),
                                            d->targets.end());
  return {};
}

Program::Program(llvm::ArrayRef<const ast::File *> files,
                 SourceManager &sources, DiagnosticEngine &diagnostics,
                 const Overrides &overrides)
    : sources(sources), diagnostics(diagnostics), files(files),
      overrides(overrides), overrideUsed(overrides.size()) {
  core = loadLibrary("core");
  main = addFile(files.front(), /*isLibrary=*/false);
  resolveUses(*main);
  for (FileName &name : main->names) {
    auto *param = llvm::dyn_cast<ast::ParamDecl>(name.decl);
    if (!param || param->role != ast::ParamDecl::Role::Const || !param->value)
      continue;
    addOverridable(name.name);
    if (const Override *override = findOverride(name.name))
      name.value = getOverrideValue(*override, param->value);
  }
}

FileTable *Program::findFile(const ast::Decl *decl) {
  for (FileTable &table : tables)
    if (llvm::is_contained(table.file->body, decl))
      return &table;
  return nullptr;
}

bool Program::countImported(SourceRange range) {
  static constexpr unsigned most = 1u << 20;
  if (numImported == most)
    diagnostics.error("too-large", range,
                      "models inside of models expand to more than " +
                          llvm::Twine(most) + " operations");
  return numImported++ < most;
}

const ast::Expr *Program::makeNumber(SourceRange range, double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.17g", value);
  return arena.create<ast::NumberExpr>(
      range, value, arena.copy(StringRef(text)), ast::Identifier{});
}

void Program::requestSystem(StringRef name, const ast::CallExpr &call,
                            llvm::ArrayRef<ast::Argument> arguments) {
  for (const ast::InstanceDecl *known : requestedSystems)
    if (known->name.name == name)
      return;
  auto *decl = arena.create<ast::InstanceDecl>(call.getRange());
  decl->isSystem = true;
  decl->name = {arena.copy(name), call.getRange()};
  decl->value = arena.create<ast::CallExpr>(call.getRange(), call.callee,
                                            arena.copy(arguments));
  requestedSystems.push_back(decl);
}

FileTable *Program::addFile(const ast::File *file, bool isLibrary) {
  FileTable &table = tables.emplace_back();
  table.file = file;
  table.isLibrary = isLibrary;
  for (const ast::Decl *decl : file->body)
    for (auto [i, name] : llvm::enumerate(getNames(decl))) {
      if (FileName *other = table.find(name.name)) {
        diagnostics
            .error("duplicate-name", name.range,
                   "`" + name.name + "` is declared twice")
            .note(other->range, "it is declared here first");
        continue;
      }
      table.names.push_back(
          {name.name.str(), name.range, decl, unsigned(i), nullptr});
    }
  return &table;
}

FileTable *Program::loadLibrary(StringRef name) {
  FileTable *&known = modules[("std." + name).str()];
  if (known)
    return known;
  const char *text = findLibraryText(name);
  if (!text)
    return nullptr;
  FileId id = sources.addFile(("std/" + name + ".loco").str(), text);
  std::unique_ptr<ast::File> file = parseFile(sources, id, diagnostics);
  if (!file) // The build compiles every file of the library.
    return nullptr;
  libraryFiles.push_back(std::move(file));
  known = addFile(libraryFiles.back().get(), /*isLibrary=*/true);
  FileTable *loaded = known;
  resolveUses(*loaded);
  return loaded;
}

/// Finds the modules that a file uses, by the last part of their path.
void Program::resolveUses(FileTable &table) {
  for (const ast::Decl *decl : table.file->body) {
    auto *use = llvm::dyn_cast<ast::UseDecl>(decl);
    if (!use)
      continue;
    StringRef path = sources.getText(use->pathRange);
    FileTable *found = nullptr;
    std::vector<StringRef> names;
    if (use->path.front().name == "std") {
      if (use->path.size() == 2)
        found = loadLibrary(use->path.back().name);
      names.assign(getLibraryNames().begin(), getLibraryNames().end());
    } else {
      for (const ast::File *file : files.drop_front()) {
        StringRef stem = llvm::sys::path::stem(sources.getName(file->id));
        names.push_back(stem);
        if (stem != use->path.back().name)
          continue;
        FileTable *&known = modules[stem];
        if (!known) {
          known = addFile(file, /*isLibrary=*/false);
          found = known;
          resolveUses(*found);
        }
        found = modules[stem];
      }
    }
    if (found)
      table.used.push_back(found);
    else
      diagnostics
          .error("unknown-module", use->pathRange,
                 "no module is called `" + path + "`")
          .hint(didYouMeanOneOf(use->path.back().name, names));
  }
  if (core && core != &table)
    table.used.push_back(core);
}

//===----------------------------------------------------------------------===//
// --set name=value
//===----------------------------------------------------------------------===//

const Override *Program::findOverride(StringRef name, StringRef model) {
  const Override *found = nullptr;
  for (auto [i, override] : llvm::enumerate(overrides)) {
    bool matches =
        override.name == name ||
        (!model.empty() && override.name == (model + "." + name).str());
    if (!matches)
      continue;
    overrideUsed[i] = true;
    found = &override; // The last one given wins.
  }
  return found;
}

const ast::Expr *Program::getOverrideValue(const Override &override,
                                           const ast::Expr *declared) {
  std::string head = "const " + override.name + " = ";
  // A model's name cannot stand in a declaration.
  std::replace(head.begin(), head.end(), '.', '_');
  std::string line = head + override.value;
  if (llvm::isa_and_nonnull<ast::StringExpr>(declared)) {
    FileId id = sources.addFile("--set", override.name + "=" + override.value);
    uint32_t begin = override.name.size() + 1;
    SourceRange range{id, begin, uint32_t(begin + override.value.size())};
    return arena.create<ast::StringExpr>(range,
                                         arena.copy(StringRef(override.value)));
  }
  FileId id = sources.addFile("--set", "loco 1\n" + line + "\n");
  std::unique_ptr<ast::File> file = parseFile(sources, id, diagnostics);
  if (!file)
    return nullptr;
  auto *param = file->body.size() == 1
                    ? llvm::dyn_cast<ast::ParamDecl>(file->body.front())
                    : nullptr;
  const ast::Expr *value = param ? param->value : nullptr;
  auto *name = llvm::dyn_cast_or_null<ast::NameExpr>(value);
  bool isSpace = name && name->name == "scalar";
  if (!value ||
      (llvm::isa<ast::StringExpr, ast::NameExpr>(value) && !isSpace)) {
    SourceRange range{id, uint32_t(7 + head.size()), uint32_t(7 + line.size())};
    diagnostics.error("wrong-type", range,
                      "`" + override.name + "` is a number, not `" +
                          override.value + "`");
    return nullptr;
  }
  libraryFiles.push_back(std::move(file));
  return value;
}

llvm::ArrayRef<const ast::SettingDecl *>
Program::getGivenLines(StringRef verb, StringRef setting, StringRef model) {
  std::string name = (verb + "." + setting).str();
  std::string full = (model + "." + name).str();
  auto [known, isNew] = givenLines.try_emplace(full);
  if (!isNew)
    return known->second;
  for (auto [i, override] : llvm::enumerate(overrides)) {
    if (override.name != name && override.name != full)
      continue;
    overrideUsed[i] = true;
    FileId id = sources.addFile("--set", "loco 1\n" + verb.str() + " M {\n" +
                                             setting.str() + " " +
                                             override.value + "\n}\n");
    std::unique_ptr<ast::File> file = parseFile(sources, id, diagnostics);
    if (!file)
      continue;
    for (const ast::Decl *decl : file->body)
      if (auto *block = llvm::dyn_cast<ast::RunDecl>(decl))
        for (const ast::Decl *line : block->body)
          if (auto *given = llvm::dyn_cast<ast::SettingDecl>(line))
            known->second.push_back(given);
    libraryFiles.push_back(std::move(file));
  }
  return known->second;
}

void Program::reportUnusedOverrides() {
  std::vector<StringRef> names(overridable.begin(), overridable.end());
  for (auto [override, used] : llvm::zip(overrides, overrideUsed))
    if (!used)
      diagnostics
          .error("unknown-name", SourceRange(),
                 "`--set " + override.name +
                     "`: no constant or parameter is called `" + override.name +
                     "`")
          .hint(didYouMean(override.name, names));
}
