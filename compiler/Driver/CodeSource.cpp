//===- CodeSource.cpp - Where machine code of a model comes from ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CodeSource.h"

#include "compiler/Driver/ReferenceProgram.h"
#include "compiler/Driver/ReportCollector.h"
#include "compiler/Target/CPU/CPUTarget.h"

#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace loco;

ModuleCode::ModuleCode(OwningOpRef<ModuleOp> ownedModule, StringRef name,
                       const ModuleCodeOptions &options)
    : module(std::move(ownedModule)), name(name.str()), options(options),
      function(module->lookupSymbol<func::FuncOp>(name)),
      signature(readSignature(function, options.precision)) {
  if (auto start = module->lookupSymbol<func::FuncOp>(this->name + ".initial"))
    recipes = readRecipes(start);
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// Adds the text of `function` and of all that it refers to. Locations are not
/// part of the text, nor of the code.
static void addFunctions(CacheKey &key, func::FuncOp function) {
  SmallVector<Operation *> found = {function};
  for (size_t i = 0; i < found.size(); ++i) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    found[i]->print(stream);
    key.add(text);
    auto uses = SymbolTable::getSymbolUses(found[i]);
    for (SymbolTable::SymbolUse use : *uses)
      if (Operation *used = SymbolTable::lookupNearestSymbolFrom(
              use.getUser(), use.getSymbolRef());
          used && !llvm::is_contained(found, used))
        found.push_back(used);
  }
}

CacheKey ModuleCode::startKey(StringRef kind, func::FuncOp function) {
  CacheKey key(kind);
  CPUTarget target = CPUTarget::host();
  key.add(target.triple).add(target.cpu).add(target.features);
  key.add(static_cast<uint64_t>(target.vectorBytes));
  key.add(static_cast<uint64_t>(target.hasTiles));
  key.add(static_cast<uint64_t>(target.cacheBytes));
  addFunctions(key, function);
  return key;
}

std::string ModuleCode::getEntryKey(const Request &request,
                                    EntryVariant variant) {
  CacheKey key = startKey("entry", function);
  key.add(getRequestKey(request));
  key.add(static_cast<uint64_t>(variant.policy));
  key.add(static_cast<uint64_t>(variant.manySamples));
  if (options.products)
    key.add(productsName(*options.products));
  if (options.gpu)
    key.add(options.gpu->architecture)
        .add(static_cast<uint64_t>(options.gpu->kernelsOnly))
        .add(static_cast<uint64_t>(options.gpu->products))
        .add(variant.usesLibraries ? options.gpu->libraries.number() : 0);
  return key.getText();
}

std::string ModuleCode::getInitialKey() {
  return startKey("initial", getInitialFunction().function).getText();
}

std::optional<EntryCode> ModuleCode::load(StringRef key) {
  auto bytes = options.cache->load(key);
  return bytes ? readCode(*bytes) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

Expected<EntryCode> ModuleCode::getEntry(const Request &request,
                                         EntryVariant variant) {
  if (!options.cache || !options.cache->isOn())
    return compileEntry(request, variant);
  std::string key = getEntryKey(request, variant);
  if (auto code = load(key))
    return *code;
  auto code = compileEntry(request, variant);
  if (code)
    options.cache->store(key, writeCode(*code));
  return code;
}

/// Stages of a compilation are parts of it.
static CPUOptions makeOptions(Timings *timings,
                              std::optional<Products> products = std::nullopt) {
  CPUOptions options;
  options.products = products;
  if (timings)
    options.onStage = [timings](const char *stage, double seconds) {
      timings->add("  " + std::string(stage), seconds);
    };
  return options;
}

Expected<EntryCode> ModuleCode::compileEntry(const Request &request,
                                             EntryVariant variant) {
  Timings::Phase phase(options.timings, "compiling");
  ReportCollector reports(module->getContext());
  FailureOr<EntryPoint> entry =
      makeEntryPoint(function, signature, request, variant.policy,
                     SampleWeight::Argument);
  if (failed(entry))
    return reports.take("the model cannot be differentiated");
  EntryCode code;
  llvm::Error failed = makeCode(entry->function, variant, code);
  entry->function.erase();
  if (failed)
    return reports.take(llvm::toString(std::move(failed)));
  code.results = std::move(entry->results);
  code.gradients = std::move(entry->gradients);
  return code;
}

/// Makes the code of `entry`, for the processor or a GPU.
llvm::Error ModuleCode::makeCode(func::FuncOp entry, EntryVariant variant,
                                 EntryCode &code) {
  if (!options.gpu) {
    CPUOptions cpu = makeOptions(options.timings, options.products);
    cpu.manySamples = variant.manySamples;
    auto object = compileToObject(*module, entry.getSymName(), cpu);
    if (!object)
      return object.takeError();
    code.object = std::move(*object);
    return llvm::Error::success();
  }
  GPUCompileOptions gpu = *options.gpu;
  if (!variant.usesLibraries)
    gpu.libraries = {};
  auto object = compileForGPU(*module, entry.getSymName(), gpu);
  if (!object)
    return object.takeError();
  code.object = {std::move(gpu.kernelsOnly ? object->kernels : object->ptx),
                 std::move(object->kernel), std::move(object->explain)};
  code.launch = object->launch;
  code.parts = std::move(object->parts);
  code.between = std::move(object->between);
  return llvm::Error::success();
}

Expected<CudaUpdateCode> ModuleCode::getUpdates() {
  return loadUpdates(options.precision, *options.gpu, options.cache,
                     options.timings);
}

Expected<CudaUpdateCode> loco::loadUpdates(ElementType precision,
                                           const GPUCompileOptions &gpu,
                                           ObjectCache *cache,
                                           Timings *timings) {
  CudaUpdateCode code;
  code.precision = precision;
  CacheKey key("updates");
  key.add(static_cast<uint64_t>(precision))
      .add(gpu.architecture)
      .add(static_cast<uint64_t>(gpu.kernelsOnly));
  if (cache && cache->isOn())
    if (auto kept = cache->load(key.getText())) {
      code.image = std::move(*kept);
      return code;
    }
  Timings::Phase phase(timings, "compiling");
  auto made = compileUpdatesForGPU(precision == ElementType::F64, gpu);
  if (!made)
    return Error{llvm::toString(made.takeError())};
  code.image = std::move(*made);
  if (cache && cache->isOn())
    cache->store(key.getText(), code.image);
  return code;
}

//===----------------------------------------------------------------------===//
// Initial values
//===----------------------------------------------------------------------===//

const InitialFunction &ModuleCode::getInitialFunction() {
  if (!initial)
    initial = makeInitialFunction(
        module->lookupSymbol<func::FuncOp>(name + ".initial"));
  return *initial;
}

std::optional<InitialCode> ModuleCode::getInitial() {
  bool isKept = options.cache && options.cache->isOn();
  std::string key = isKept ? getInitialKey() : "";
  auto code = isKept ? load(key) : std::nullopt;
  if (!code) {
    code = compileInitial();
    if (code && isKept)
      options.cache->store(key, writeCode(*code));
  }
  if (!code)
    return std::nullopt;
  return InitialCode{std::move(*code), getInitialFunction().numbers};
}

std::optional<EntryCode> ModuleCode::compileInitial() {
  Timings::Phase phase(options.timings, "compiling");
  // What the compiler cannot do here, the interpreter does.
  ReportCollector reports(module->getContext());
  const InitialFunction &made = getInitialFunction();
  if (failed(verify(*made.module)))
    return std::nullopt;
  func::FuncOp function = made.function;
  // A seed means the same network everywhere.
  CPUOptions cpu = makeOptions(options.timings);
  cpu.fuseSums = false;
  auto object = compileToObject(*made.module, function.getSymName(), cpu);
  if (!object) {
    llvm::consumeError(object.takeError());
    return std::nullopt;
  }
  EntryCode code;
  code.object = std::move(*object);
  for (const ResultSpec &result :
       readSignature(function, ElementType::F64).results)
    code.results.push_back(result.name);
  return code;
}

Expected<TensorMap> ModuleCode::interpretInitial(uint64_t seed,
                                                 ThreadPool &pool) {
  return makeReferenceProgram(OwningOpRef<ModuleOp>(module->clone()), name,
                              pool)
      ->initialParameters(seed);
}
