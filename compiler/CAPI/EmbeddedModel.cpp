//===- EmbeddedModel.cpp - A model behind the C API -----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/CAPI/EmbeddedModel.h"

#include "compiler/AST/Suggest.h"
#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/CompiledProgram.h"
#include "compiler/Driver/ModelValues.h"
#include "compiler/Driver/ReferenceProgram.h"

#include <fmt/format.h>

using namespace mlir;
using namespace loco;

ModelPart::ModelPart() = default;
ModelPart::~ModelPart() = default;

EmbeddedModel::EmbeddedModel(const EmbeddingOptions &options,
                             std::shared_ptr<ThreadPool> pool)
    : options(options), pool(std::move(pool)) {}

EmbeddedModel::~EmbeddedModel() = default;

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

Outcome EmbeddedModel::create(const EmbeddingOptions &options,
                              std::shared_ptr<ThreadPool> pool,
                              std::unique_ptr<EmbeddedModel> &model,
                              std::string &report) {
  std::unique_ptr<EmbeddedModel> made(
      new EmbeddedModel(options, std::move(pool)));
  if (Outcome failed = made->compile(report))
    return failed;
  made->listTensors();
  if (Outcome failed = made->initializeParameters(options.seed))
    return failed;
  model = std::move(made);
  return {};
}

Outcome EmbeddedModel::compile(std::string &report) {
  CompilationOptions program;
  program.includeFolders = options.includeFolders;
  for (const auto &[name, value] : options.overrides)
    program.overrides.push_back({name, value});
  compilation = options.text
                    ? Compilation::ofText(options.name, options.text, program)
                    : Compilation::ofFile(options.name, program);
  // Used during this call only.
  options.text = nullptr;
  report = compilation->renderDiagnostics(/*color=*/false);
  if (!compilation->getModule())
    return {LOCO_COMPILE_ERROR, report};
  if (Outcome failed = pickModel())
    return failed;

  ExecutionOptions machine;
  machine.target = options.isReference ? Target::Reference : Target::CPU;
  machine.precision = options.precision;
  machine.memory = options.memory;
  // As large as that of `lococ` may be where nobody says otherwise.
  if (!options.cacheFolder.empty())
    cache = ObjectCache::inFolder(options.cacheFolder, uint64_t(512) << 20);
  machine.cache = &cache;
  auto made =
      Execution::create(*model, compilation->getSources(), machine, *pool);
  if (!made)
    return {LOCO_EXECUTION_ERROR, made.message()};
  execution = std::move(*made);
  auto function =
      execution->getModule().lookupSymbol<func::FuncOp>(model->name);
  whole.program = &execution->getProgram();
  whole.inputs = std::make_unique<InputSignature>(
      readInputSignature(function, *whole.program));
  return {};
}

Outcome EmbeddedModel::pickModel() {
  std::vector<std::string> names;
  // Those that the program declares come first, then their variants.
  for (const auto &candidate : compilation->getModule()->models)
    if (candidate->variantOf.empty())
      names.push_back(candidate->name);
  if (names.empty())
    return {LOCO_COMPILE_ERROR, fmt::format("`{}` has no model", options.name)};
  if (options.model.empty() && names.size() > 1)
    return {LOCO_UNKNOWN_NAME,
            fmt::format("`{}` has the models {}; the options name none",
                        options.name, quoteNames(names))};
  model = options.model.empty()
              ? compilation->getModule()->models.front().get()
              : compilation->getModule()->findModel(options.model);
  if (model)
    return {};
  return {LOCO_UNKNOWN_NAME,
          fmt::format("`{}` has no model `{}`; it has {}", options.name,
                      options.model, quoteNames(names))};
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

const ModelPart &EmbeddedModel::getStart() {
  if (!hasStart)
    makePart(start, ".start");
  hasStart = true;
  return start;
}

const ModelPart &EmbeddedModel::getStep() {
  if (!hasStep)
    makePart(step, ".step");
  hasStep = true;
  return step;
}

void EmbeddedModel::makePart(ModelPart &part, const char *suffix) {
  std::string name = model->name + suffix;
  // On its own: what stands in one module is compiled together.
  OwningOpRef<ModuleOp> module = execution->getModule().clone();
  for (auto function :
       llvm::make_early_inc_range(module->getBody()->getOps<func::FuncOp>()))
    if (function.getSymName() != name)
      function.erase();
  if (!module->lookupSymbol<func::FuncOp>(name))
    return;

  if (options.isReference) {
    part.owned = makeReferenceProgram(std::move(module), name, *pool);
  } else {
    CompiledProgramOptions compiled;
    compiled.precision = options.precision;
    compiled.memory = options.memory;
    compiled.cache = &cache;
    part.owned = makeCompiledProgram(std::move(module), name, compiled,
                                     /*gpu=*/std::nullopt, *pool);
  }
  part.program = part.owned.get();
  auto function = execution->getModule().lookupSymbol<func::FuncOp>(name);
  part.inputs = std::make_unique<InputSignature>(
      readInputSignature(function, *part.program));
}

bool EmbeddedModel::hasSteps() const { return whole.inputs->hasSteps; }

bool EmbeddedModel::hasLoss() const { return model->loss; }

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static LocoRole roleOf(ArgumentRole role) {
  switch (role) {
  case ArgumentRole::Param:
    return LOCO_PARAMETER;
  case ArgumentRole::Frozen:
    return LOCO_FROZEN;
  case ArgumentRole::Input:
    return LOCO_INPUT;
  }
  return 0;
}

static LocoRole roleOf(ResultRole role) {
  switch (role) {
  case ResultRole::Loss:
    return LOCO_LOSS;
  case ResultRole::Output:
    return LOCO_OUTPUT;
  case ResultRole::State:
    return LOCO_STATE;
  case ResultRole::Probe:
    return LOCO_PROBE;
  // Of windows, which the library does not run.
  case ResultRole::Carry:
    break;
  }
  return 0;
}

void EmbeddedModel::listTensors() {
  for (const ArgumentSpec &spec : whole.program->arguments()) {
    TensorEntry entry{spec.name,  "",           roleOf(spec.role), spec.type,
                      spec.shape, spec.perStep, spec.classes};
    for (const sema::Parameter &parameter : model->parameters)
      if (parameter.getStoredName() == spec.name && parameter.name != spec.name)
        entry.valueName = parameter.name;
    tensors.push_back(std::move(entry));
  }
  for (const ResultSpec &spec : whole.program->results())
    tensors.push_back({spec.name, "", roleOf(spec.role), spec.type, spec.shape,
                       spec.perStep, 0});
}

Outcome EmbeddedModel::findTensor(const std::string &name, const char *what,
                                  const TensorEntry *&tensor) const {
  std::vector<StringRef> names;
  for (const TensorEntry &entry : tensors) {
    if (entry.name == name || entry.valueName == name) {
      tensor = &entry;
      return {};
    }
    names.push_back(entry.name);
    if (!entry.valueName.empty())
      names.push_back(entry.valueName);
  }
  std::string hint = didYouMean(name, names);
  return {LOCO_UNKNOWN_NAME,
          fmt::format("`{}` has no {} `{}`{}", model->name, what, name,
                      hint.empty() ? "" : "; " + hint)};
}
