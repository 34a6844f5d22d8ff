//===- Execution.cpp - From a checked model to something that runs -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Execution.h"

#include "compiler/Driver/CompiledProgram.h"
#include "compiler/Driver/LoadedCode.h"
#include "compiler/Driver/ReferenceProgram.h"
#include "compiler/IRGen/IRGen.h"
#include "compiler/Pipelines/Pipelines.h"
#include "dialects/Loco/IR/LocoOps.h"

using namespace mlir;
using namespace loco;

Execution::Execution() = default;
Execution::~Execution() = default;

Expected<std::unique_ptr<Execution>>
Execution::create(const sema::Model &model, const SourceManager &sources,
                  const ExecutionOptions &options, ThreadPool &pool) {
  std::optional<GPUCompileOptions> gpu;
  if (options.target == Target::CUDA) {
    auto found = chooseGPU(options.products.value_or(Products::F32));
    if (!found)
      return found.error();
    gpu = *found;
  }
  auto execution = std::unique_ptr<Execution>(new Execution());
  execution->context =
      std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  ElementType precision =
      model.isSystem ? ElementType::F64 : options.precision;
  IRGenOptions irgen;
  irgen.sources = &sources;
  irgen.elementType = precision == ElementType::F64
                          ? IRGenOptions::ElementType::F64
                          : IRGenOptions::ElementType::F32;
  execution->module = emitModule(model, *execution->context, irgen);
  if (!execution->module || failed(prepareModel(*execution->module)))
    return Error{"the model `" + model.name + "` cannot be translated"};
  auto function = execution->module->lookupSymbol<func::FuncOp>(model.name);
  if (Status failed = applyDrawMode(function, options.draws))
    return failed.error();
  OwningOpRef<ModuleOp> copy = execution->module->clone();
  if (options.target != Target::Reference) {
    CompiledProgramOptions compiled;
    compiled.precision = precision;
    compiled.memory = options.memory;
    compiled.products = options.products;
    compiled.cache = options.cache;
    compiled.timings = options.timings;
    execution->program =
        makeCompiledProgram(std::move(copy), model.name, compiled, gpu, pool);
    return execution;
  }
  execution->program = makeReferenceProgram(
      std::move(copy), model.name, pool, RoundingNoise{options.roundingNoise});
  execution->planFacts = {
      {"executed by", "the reference interpreter in f64, op by op"},
      {"time loop", "everything stays inside"},
      {"gradient", "reverse mode; every step is computed again from the states "
                   "before it"},
  };
  return execution;
}
