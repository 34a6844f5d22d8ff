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
  for (const ast::Decl *decl : program.getMain().file->body) {
    if (!llvm::isa<ast::ModelDecl, ast::InstanceDecl>(decl))
      continue;
    builders.push_back(std::make_unique<ModelBuilder>(program, *decl));
    names.push_back(builders.back()->getModel().name);
    builders.back()->build();
  }
  for (const ast::Decl *decl : program.getMain().file->body) {
    auto *run = llvm::dyn_cast<ast::RunDecl>(decl);
    if (!run)
      continue;
    auto builder = llvm::find_if(builders, [&](const auto &candidate) {
  VariantTable variants(program);
      return candidate->getModel().name == run->model.name;
    });
    if (builder == builders.end())
      diagnostics
          .error("unknown-name", run->model.range,
                 "no model is called `" + run->model.name + "`")
          .hint(didYouMean(run->model.name, names));
    else if ((*builder)->getElaborator().modelScope)
      module->runs.push_back(
          evaluateRunBlock(*run, variants.find(*run, **builder)));
  }
  program.reportUnusedOverrides();
  for (auto &builder : builders)
    builder->checkComplete();
  if (diagnostics.hasErrors())
    return nullptr;
  for (auto &builder : builders)
    module->models.push_back(builder->takeModel());
  return module;
}
  llvm::move(variants.getBuilders(), std::back_inserter(builders));
