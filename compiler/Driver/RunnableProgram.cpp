//===- RunnableProgram.cpp - A program to run, compiled or kept ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/RunnableProgram.h"

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/CompiledProgram.h"
#include "compiler/Driver/LoadedCode.h"
#include "compiler/Target/CPU/CPUTarget.h"

#include "llvm/Support/FileSystem.h"

#include <cstdio>

using namespace loco;

//===----------------------------------------------------------------------===//
// Code, kept or made
//===----------------------------------------------------------------------===//

/// Code of one model: entries that the image names are in the cache; others are
/// compiled, and named from then on.
class RunnableProgram::KeptCode : public CodeSource {
public:
  KeptCode(RunnableProgram &owner, const std::string &model, ModelCode &kept)
      : owner(owner), model(model), kept(kept) {}

  const Signature &getSignature() override { return kept.signature; }

  Expected<EntryCode> getEntry(const Request &request,
                               EntryVariant variant) override {
    std::lock_guard<std::mutex> making(turn);
    std::string name = getEntryName(request, variant);
    // Nobody else changes this model's entries.
    if (auto found = kept.entries.find(name); found != kept.entries.end())
      if (auto code = load(found->second))
        return *code;
    auto made = getModuleCode();
    if (!made)
      return made.error();
    std::string key = (*made)->getEntryKey(request, variant);
    auto code = (*made)->getEntry(request, variant);
    if (code && owner.options.cache->isOn()) {
      std::lock_guard<std::recursive_mutex> lock(owner.turn);
      kept.entries[name] = key;
      owner.save();
    }
    return code;
  }

  Expected<CudaUpdateCode> getUpdates() override {
    return loadUpdates(owner.getPrecision(model), *owner.gpu,
                       owner.options.cache, owner.options.timings);
  }

  std::optional<std::vector<TensorRecipe>> getRecipes() override {
    return kept.recipes;
  }

  std::optional<InitialCode> getInitial() override {
    std::lock_guard<std::mutex> making(turn);
    if (!kept.initial.empty())
      if (auto code = load(kept.initial))
        return InitialCode{std::move(*code), kept.initialNumbers};
    auto made = getModuleCode();
    if (!made)
      return std::nullopt;
    std::string key = (*made)->getInitialKey();
    auto code = (*made)->getInitial();
    if (code && owner.options.cache->isOn()) {
      std::lock_guard<std::recursive_mutex> lock(owner.turn);
      kept.initial = key;
      kept.initialNumbers = code->numbers;
      owner.save();
    }
    return code;
  }

  Expected<TensorMap> interpretInitial(uint64_t seed,
                                       ThreadPool &pool) override {
    std::lock_guard<std::mutex> making(turn);
    auto made = getModuleCode();
    if (!made)
      return made.error();
    return (*made)->interpretInitial(seed, pool);
  }

  Expected<ModuleCode *> getModuleCode() {
    if (code)
      return code.get();
    std::lock_guard<std::recursive_mutex> lock(owner.turn);
    auto execution = owner.getExecution(model);
    if (!execution)
      return execution.error();
    ModuleCodeOptions options;
    options.precision = owner.getPrecision(model);
    if (owner.getTarget(model) == Target::CUDA)
      options.gpu = owner.gpu;
    else if (owner.options.target == Target::CPU)
      options.products = owner.options.products;
    options.cache = owner.options.cache;
    options.timings = owner.options.timings;
    code = std::make_unique<ModuleCode>(
        mlir::OwningOpRef<mlir::ModuleOp>((*execution)->getModule().clone()),
        model, options);
    return code.get();
  }

private:
  std::optional<EntryCode> load(llvm::StringRef key) {
    Timings::Phase phase(owner.options.timings, "reading code");
    auto bytes = owner.options.cache->load(key);
    return bytes ? readCode(*bytes) : std::nullopt;
  }

  RunnableProgram &owner;
  std::string model;
  ModelCode &kept;
  std::unique_ptr<ModuleCode> code;
  /// Held while code is looked for or made; in it, for moments, the program's:
  /// code of several models is made at the same time.
  std::mutex turn;
};

std::vector<std::string> RunnableProgram::getSystems() const {
  std::vector<std::string> names;
  for (const ModelFacts &model : image.models)
    if (model.isSystem)
      names.push_back(model.name);
  return names;
}

ElementType RunnableProgram::getPrecision(const std::string &model) const {
  return findModel(model)->isSystem ? ElementType::F64 : options.precision;
}

/// Systems run where their samples are read: beside the work of a GPU.
Target RunnableProgram::getTarget(const std::string &model) const {
  return options.target == Target::CUDA && findModel(model)->isSystem
             ? Target::CPU
             : options.target;
}

Expected<Execution *> RunnableProgram::getExecution(const std::string &model) {
  auto &execution = executions[model];
  if (execution)
    return execution.get();
  const sema::Module *module = getModule();
  if (!module)
    return Error{"the program cannot be compiled again"};
  Timings::Phase phase(options.timings, "translating");
  ExecutionOptions chosen;
  chosen.target = getTarget(model);
  chosen.precision = getPrecision(model);
  chosen.memory = options.memory;
  if (chosen.target == options.target)
    chosen.products = options.products;
  chosen.cache = options.cache;
  chosen.timings = options.timings;
  const sema::Model &found = *module->findModel(model);
  auto made = Execution::create(found, compilation->getSources(), chosen,
                                found.isSystem ? readersPool : pool);
  if (!made)
    return made.error();
  execution = std::move(*made);
  return execution.get();
}

Expected<Program *> RunnableProgram::getProgram(const std::string &model) {
  std::lock_guard<std::recursive_mutex> lock(turn);
  if (options.target == Target::Reference) {
    auto execution = getExecution(model);
    if (!execution)
      return execution.error();
    return &(*execution)->getProgram();
  }
  auto &made = programs[model];
  if (made)
    return made.get();
  bool isKnown = image.code.count(model);
  ModelCode &kept = image.code[model];
  auto code = std::make_unique<KeptCode>(*this, model, kept);
  if (!isKnown) {
    auto translated = code->getModuleCode();
    if (!translated) {
      image.code.erase(model);
      return translated.error();
    }
    kept.signature = (*translated)->getSignature();
    kept.recipes = (*translated)->getRecipes();
  }
  CompiledProgramOptions compiled;
  compiled.precision = getPrecision(model);
  compiled.isOnGPU = getTarget(model) == Target::CUDA;
  compiled.memory = options.memory;
  // The first kernel that counts is one that works on data.
  compiled.timings = findModel(model)->isSystem ? nullptr : options.timings;
  made = makeCompiledProgram(std::move(code), compiled,
                             findModel(model)->isSystem ? readersPool : pool);
  return made.get();
}

//===----------------------------------------------------------------------===//
// The image
//===----------------------------------------------------------------------===//

RunnableProgram::RunnableProgram(const ProgramOptions &program,
                                 const RunnableOptions &options,
                                 ThreadPool &pool)
    : program(program), options(options), pool(pool) {}

RunnableProgram::~RunnableProgram() = default;

/// What is known before anything is parsed. The texts themselves are in the
/// image and are compared with the files.
static std::string makeKey(const ProgramOptions &program,
                           const RunnableOptions &options,
                           const std::optional<GPUCompileOptions> &gpu) {
  CPUTarget target = CPUTarget::host();
  CacheKey key("program");
  if (gpu)
    key.add(gpu->architecture)
        .add(static_cast<uint64_t>(gpu->kernelsOnly))
        .add(static_cast<uint64_t>(gpu->products))
        .add(gpu->libraries.number());
  key.add(target.triple).add(target.cpu).add(target.features);
  key.add(static_cast<uint64_t>(target.hasTiles));
  key.add(options.products ? productsName(*options.products) : "");
  key.add(static_cast<uint64_t>(options.precision));
  key.add(program.file);
  key.add(program.includeFolders.size());
  for (const std::string &folder : program.includeFolders)
    key.add(folder);
  key.add(program.overrides.size());
  for (const sema::Override &override : program.overrides)
    key.add(override.name).add(override.value);
  return key.getText();
}

/// True if compiling would read just what the image was made of.
static bool isUpToDate(const ProgramImage &image) {
  for (const FileImage &file : image.files) {
    if (!file.isOwn)
      continue;
    SourceManager disk;
    llvm::Expected<FileId> now = disk.openFile(file.name);
    if (!now) {
      llvm::consumeError(now.takeError());
      return false;
    }
    if (disk.getText(*now) != file.text)
      return false;
  }
  return llvm::none_of(image.absentFiles, [](const std::string &file) {
    return llvm::sys::fs::exists(file);
  });
}

/// Takes the image from the cache; false if there is none that fits.
bool RunnableProgram::load() {
  Timings::Phase phase(options.timings, "reading image");
  key = makeKey(program, options, gpu);
  auto bytes = options.cache->load(key);
  auto kept = bytes ? readImage(*bytes) : std::nullopt;
  if (!kept || !isUpToDate(*kept))
    return false;
  image = std::move(*kept);
  for (const FileImage &file : image.files)
    sources.addFile(file.name, file.text);
  return true;
}

/// Makes the image of the text on the disk; false after errors, which are
/// printed.
bool RunnableProgram::compile() {
  Timings::Phase phase(options.timings, "reading program");
  compilation = compileProgram(program);
  if (!compilation)
    return false;
  const sema::Module &module = *compilation->getModule();
  const SourceManager &read = compilation->getSources();
  for (unsigned i = 0; i < read.getNumFiles(); ++i) {
    FileImage file{read.getName({i}).str(), read.getText(FileId{i}).str(),
                   compilation->isOwn({i})};
    sources.addFile(file.name, file.text);
    image.files.push_back(std::move(file));
  }
  image.absentFiles = compilation->getAbsentFiles();
  image.sourceHash = compilation->getSourceHash();
  image.runs = module.runs;
  for (const auto &model : module.models)
    image.models.push_back(describeModel(*model));
  return true;
}

/// The checked program; compiled now if the run began without, from the texts
/// that it began with: files may have changed since.
const sema::Module *RunnableProgram::getModule() {
  if (!compilation) {
    Timings::Phase phase(options.timings, "reading program");
    CompilationOptions again{program.includeFolders, program.overrides, {}};
    for (const FileImage &file : image.files)
      if (file.isOwn)
        again.texts[file.name] = file.text;
    compilation = Compilation::ofFile(program.file, again);
  }
  return compilation->getModule();
}

void RunnableProgram::save() {
  // Warnings are shown in each run, so a program that has some is read in each.
  if (compilation && !compilation->getDiagnostics().empty())
    return;
  options.cache->store(key, writeImage(image));
}

std::unique_ptr<RunnableProgram>
RunnableProgram::open(const ProgramOptions &program,
                      const RunnableOptions &options, ThreadPool &pool) {
  std::unique_ptr<RunnableProgram> opened(
      new RunnableProgram(program, options, pool));
  if (options.target == Target::CUDA) {
    auto found = chooseGPU(options.products.value_or(Products::F32));
    if (!found) {
      reportError(found.message());
      return nullptr;
    }
    opened->gpu = *found;
  }
  if (options.target != Target::Reference && opened->load())
    return opened;
  return opened->compile() ? std::move(opened) : nullptr;
}
