//===- Sema.cpp - From the syntax tree to checked models ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Sema.h"
#include "compiler/AST/Suggest.h"
#include "compiler/Sema/ModelBuilder.h"
#include "compiler/Sema/RunBlocks.h"
#include "compiler/Sema/Variants.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

std::unique_ptr<Module> sema::analyze(llvm::ArrayRef<const ast::File *> files,
                                      SourceManager &sources,
                                      DiagnosticEngine &diagnostics,
                                      const Overrides &overrides) {
  Program program(files, sources, diagnostics, overrides);
  auto module = std::make_unique<Module>();
  std::vector<std::unique_ptr<ModelBuilder>> builders;
  std::vector<StringRef> names;
  std::vector<std::pair<ast::Identifier, const ast::Parameter *>> templates;
  for (const ast::Decl *decl : program.getMain().file->body) {
    if (!llvm::isa<ast::ModelDecl, ast::InstanceDecl>(decl))
      continue;
    if (auto *open = ModelBuilder::findOpenSpace(program, *decl)) {
      templates.emplace_back(ModelBuilder::getName(*decl), open);
      continue;
    }
    builders.push_back(std::make_unique<ModelBuilder>(program, *decl));
    names.push_back(builders.back()->getModel().name);
    builders.back()->build();
  }
  FileTable &main = program.getMain();
  std::vector<FileTable *> visible = {&main};
  visible.insert(visible.end(), main.used.begin(), main.used.end());
  for (FileTable *file : visible)
    for (const FileName &name : file->names) {
      auto *model = llvm::dyn_cast<ast::ModelDecl>(name.decl);
      auto *instance = llvm::dyn_cast<ast::InstanceDecl>(name.decl);
      if ((model && model->isSystem) || (instance && instance->isSystem))
        module->systemNames.push_back(name.name);
    }
  VariantTable variants(program);
  for (const ast::Decl *decl : program.getMain().file->body) {
    auto *run = llvm::dyn_cast<ast::RunDecl>(decl);
    if (!run)
      continue;
    auto builder = llvm::find_if(builders, [&](const auto &candidate) {
      return candidate->getModel().name == run->model.name;
    });
    auto open = llvm::find_if(templates, [&](const auto &candidate) {
      return candidate.first.name == run->model.name;
    });
    if (open != templates.end())
      diagnostics
          .error("missing-argument", run->model.range,
                 "model `" + run->model.name +
                     "` stands alone here, but needs its argument `" +
                     open->second->name.name + "`, a space")
          .note(open->first.range, "it is declared here")
          .hint("write `model My" + run->model.name.str() + " = " +
                run->model.name.str() + "(" + open->second->name.name.str() +
                " = vector(3))` and run that");
    else if (builder == builders.end())
      diagnostics
          .error("unknown-name", run->model.range,
                 "no model is called `" + run->model.name + "`")
          .hint(didYouMeanOneOf(run->model.name, names));
    else if ((*builder)->getElaborator().modelScope) {
      module->runs.push_back(
          evaluateRunBlock(*run, variants.find(*run, **builder)));
      if (ModelBuilder *tangents = variants.findTangents(*run, **builder))
        module->runs.back().tangents = tangents->getModel().name;
    }
  }
  for (const ast::InstanceDecl *system : program.getRequestedSystems()) {
    if (llvm::any_of(builders, [&](const auto &built) {
          return built->getModel().name == system->name.name;
        }))
      continue;
    builders.push_back(std::make_unique<ModelBuilder>(program, *system));
    builders.back()->build();
  }
  llvm::move(variants.getBuilders(), std::back_inserter(builders));
  program.reportUnusedOverrides();
  for (auto &builder : builders)
    builder->checkComplete();
  if (diagnostics.hasErrors())
    return nullptr;
  for (auto &builder : builders)
    module->models.push_back(builder->takeModel());
  return module;
}
