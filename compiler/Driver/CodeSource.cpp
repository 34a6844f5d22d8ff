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
      signature(readSignature(function, options.precision)) {}

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
  addFunctions(key, function);
  return key;
}

std::string ModuleCode::getEntryKey(const Request &request) {
  CacheKey key = startKey("entry", function);
  key.add(getRequestKey(request));
  key.add(static_cast<uint64_t>(options.residuals));
  return key.getText();
}

std::string ModuleCode::getInitialKey() {
  return startKey("initial",
                  module->lookupSymbol<func::FuncOp>(name + ".initial"))
      .getText();
}

std::optional<EntryCode> ModuleCode::load(StringRef key) {
  auto bytes = options.cache->load(key);
  return bytes ? readCode(*bytes) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

Expected<EntryCode> ModuleCode::getEntry(const Request &request) {
  if (!options.cache || !options.cache->isOn())
    return compileEntry(request);
  std::string key = getEntryKey(request);
  if (auto code = load(key))
    return *code;
  auto code = compileEntry(request);
  if (code)
    options.cache->store(key, writeCode(*code));
  return code;
}

Expected<EntryCode> ModuleCode::compileEntry(const Request &request) {
  Timings::Phase phase(options.timings, "compiling");
  ReportCollector reports(module->getContext());
  FailureOr<EntryPoint> entry =
      makeEntryPoint(function, signature, request, options.residuals);
  if (failed(entry))
    return reports.take("the model cannot be differentiated");
  auto object = compileToObject(*module, entry->function.getSymName(), {});
  entry->function.erase();
  if (!object)
    return reports.take(llvm::toString(object.takeError()));
  return EntryCode{std::move(*object), std::move(entry->results),
                   std::move(entry->gradients)};
}

//===----------------------------------------------------------------------===//
// Initial values
//===----------------------------------------------------------------------===//

/// The type with numbers of f64 in place of f32.
static Type widen(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getElementType().isF32())
    return type;
  return tensor.clone(Float64Type::get(type.getContext()));
}

static Attribute widen(Attribute attribute) {
  auto elements = dyn_cast<DenseElementsAttr>(attribute);
  if (!elements || !elements.getElementType().isF32())
    return attribute;
  auto toDouble = [](const APFloat &value) {
    APFloat wide = value;
    bool isInexact;
    wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                 &isInexact);
    return wide.bitcastToAPInt();
  };
  return cast<DenseFPElementsAttr>(elements).mapValues(
      Float64Type::get(attribute.getContext()), toDouble);
}

/// Lets `function` compute in f64 what it says in f32, as the interpreter does.
static void widenFunction(func::FuncOp function) {
  function.walk([](Operation *op) {
    for (Value result : op->getResults())
      result.setType(widen(result.getType()));
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          argument.setType(widen(argument.getType()));
    SmallVector<NamedAttribute> attributes(op->getAttrs());
    for (NamedAttribute &attribute : attributes)
      attribute.setValue(widen(attribute.getValue()));
    op->setAttrs(attributes);
  });
  SmallVector<Type> results;
  for (Type type : function.getResultTypes())
    results.push_back(widen(type));
  function.setType(FunctionType::get(function.getContext(),
                                     function.getArgumentTypes(), results));
}

std::optional<EntryCode> ModuleCode::getInitial() {
  if (!options.cache || !options.cache->isOn())
    return compileInitial();
  std::string key = getInitialKey();
  if (auto code = load(key))
    return code;
  auto code = compileInitial();
  if (code)
    options.cache->store(key, writeCode(*code));
  return code;
}

std::optional<EntryCode> ModuleCode::compileInitial() {
  Timings::Phase phase(options.timings, "compiling");
  // What the compiler cannot do here, the interpreter does.
  ReportCollector reports(module->getContext());
  auto initial = module->lookupSymbol<func::FuncOp>(name + ".initial");
  OwningOpRef<ModuleOp> alone = ModuleOp::create(module->getLoc());
  auto copy = cast<func::FuncOp>(initial->clone());
  alone->push_back(copy);
  widenFunction(copy);
  if (failed(verify(*alone)))
    return std::nullopt;
  auto object = compileToObject(*alone, copy.getSymName(), {});
  if (!object) {
    llvm::consumeError(object.takeError());
    return std::nullopt;
  }
  EntryCode code;
  code.object = std::move(*object);
  for (const ResultSpec &result : readSignature(copy, ElementType::F64).results)
    code.results.push_back(result.name);
  return code;
}

Expected<TensorMap> ModuleCode::interpretInitial(uint64_t seed,
                                                 ThreadPool &pool) {
  return makeReferenceProgram(OwningOpRef<ModuleOp>(module->clone()), name,
                              pool)
      ->initialParameters(seed);
}
