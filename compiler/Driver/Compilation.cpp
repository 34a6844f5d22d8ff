//===- Compilation.cpp - A program, checked ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Compilation.h"

#include "compiler/Driver/Analysis.h"
#include "compiler/Driver/RunPlanning.h"
#include "compiler/Syntax/Parser.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Casting.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace loco;

namespace path = llvm::sys::path;

std::unique_ptr<Compilation>
Compilation::ofFile(llvm::StringRef name, const CompilationOptions &options) {
  auto compilation = std::make_unique<Compilation>();
  llvm::Expected<FileId> file = compilation->open(name, options);
  if (!file) {
    compilation->diagnostics.error("cannot-open", SourceRange(),
                                   llvm::toString(file.takeError()));
    return compilation;
  }
  compilation->compile(*file, options);
  return compilation;
}

std::unique_ptr<Compilation>
Compilation::ofText(llvm::StringRef name, llvm::StringRef text,
                    const CompilationOptions &options) {
  auto compilation = std::make_unique<Compilation>();
  compilation->compile(compilation->sources.addFile(name, text), options);
  return compilation;
}

llvm::Expected<FileId> Compilation::open(llvm::StringRef name,
                                         const CompilationOptions &options) {
  auto text = options.texts.find(name.str());
  if (text == options.texts.end())
    return sources.openFile(name);
  return sources.addFile(name, text->second);
}

void Compilation::compile(FileId main, const CompilationOptions &options) {
  overrides = options.overrides;
  loadModules(main, options);
  if (diagnostics.hasErrors())
    return;
  std::vector<const ast::File *> parsed;
  for (const auto &file : files)
    parsed.push_back(file.get());
  module = sema::analyze(parsed, sources, diagnostics, overrides);
  if (!module)
    return;
  checkRuns(module->runs, diagnostics);
  if (!diagnostics.hasErrors())
    checkMeasuredValues(*module, diagnostics);
  if (diagnostics.hasErrors())
    module.reset();
}

void Compilation::checkDataSources() {
  if (!module)
    return;
  loco::checkDataSources(*module, diagnostics);
  if (diagnostics.hasErrors())
    module.reset();
}

/// The file of the module that `use` names: beside the file that uses it, then
/// in the include folders. Empty if there is none.
std::string Compilation::findModule(const ast::UseDecl &use,
                                    llvm::StringRef userFile,
                                    const CompilationOptions &options) {
  llvm::SmallString<128> relative;
  for (const ast::Identifier &part : use.path)
    path::append(relative, part.name);
  relative += ".loco";
  std::vector<std::string> folders = {path::parent_path(userFile).str()};
  llvm::append_range(folders, options.includeFolders);
  for (const std::string &folder : folders) {
    llvm::SmallString<128> candidate(folder);
    path::append(candidate, relative);
    std::string name = candidate.str().str();
    if (options.texts.empty() ? llvm::sys::fs::exists(candidate)
                              : options.texts.count(name) > 0)
      return name;
    absentFiles.push_back(name);
  }
  return "";
}

/// Parses `file`, then what it uses, each module once.
void Compilation::loadModules(FileId file, const CompilationOptions &options) {
  std::unique_ptr<ast::File> parsed = parseFile(sources, file, diagnostics);
  if (!parsed)
    return;
  const ast::Body body = parsed->body;
  files.push_back(std::move(parsed));
  ownFiles.push_back(file);
  for (const ast::Decl *decl : body) {
    auto *use = llvm::dyn_cast<ast::UseDecl>(decl);
    if (!use || use->path.front().name == "std")
      continue;
    std::string name = findModule(*use, sources.getName(file), options);
    if (name.empty()) {
      diagnostics
          .error("unknown-module", use->pathRange,
                 "there is no module `" + sources.getText(use->pathRange) + "`")
          .hint("modules are looked for beside the file that uses them, then "
                "in the "
                "folders given by `-I`");
      continue;
    }
    bool known = llvm::any_of(
        ownFiles, [&](FileId other) { return sources.getName(other) == name; });
    if (known)
      continue;
    llvm::Expected<FileId> module = open(name, options);
    if (module)
      loadModules(*module, options);
    else
      diagnostics.error("cannot-open", use->pathRange,
                        llvm::toString(module.takeError()));
  }
}

std::string Compilation::renderDiagnostics(bool color) const {
  std::string text;
  llvm::raw_string_ostream stream(text);
  RenderOptions options;
  options.color = color;
  loco::renderDiagnostics(diagnostics, sources, stream, options);
  return text;
}

std::map<std::string, std::string> Compilation::getSourceTexts() const {
  std::map<std::string, std::string> texts;
  for (FileId file : ownFiles)
    texts[path::filename(sources.getName(file)).str()] =
        sources.getText(file).str();
  return texts;
}

bool Compilation::isOwn(FileId file) const {
  return llvm::is_contained(ownFiles, file);
}

/// True of `train.updates` and `Model.train.epochs`: a run that is to be longer
/// is the same run.
static bool saysHowLong(llvm::StringRef setting) {
  auto [block, name] = setting.rsplit('.');
  return (name == "updates" || name == "epochs") &&
         (block == "train" || block.ends_with(".train"));
}

std::string Compilation::getSourceHash() const {
  std::string all;
  // The texts of settings follow, as far as they count.
  for (unsigned i = 0; i < sources.getNumFiles(); ++i)
    if (sources.getName(FileId{i}) != "--set")
      all += sources.getText(FileId{i}).str() + '\0';
  for (const sema::Override &override : overrides)
    if (!saysHowLong(override.name))
      all += override.name + "=" + override.value + '\0';
  return llvm::utohexstr(llvm::xxh3_64bits(llvm::arrayRefFromStringRef(all)),
                         /*LowerCase=*/true, /*Width=*/16);
}
