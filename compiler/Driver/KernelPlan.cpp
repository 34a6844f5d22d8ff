//===- KernelPlan.cpp - A model's kernel, to look at ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/KernelPlan.h"

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/EntryPoint.h"
#include "compiler/Driver/Signature.h"
#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/Parser/Parser.h"

#include <fmt/format.h>

using namespace mlir;
using namespace loco;

/// What training asks for: the gradient by the learned parameters. Of a model
/// without a loss (or without parameters): all its results.
static Request makeTrainingRequest(const Signature &signature) {
  Request request;
  if (!signature.getLossName().empty())
    for (const ArgumentSpec &argument : signature.arguments)
      if (argument.role == ArgumentRole::Param)
        request.gradients.push_back(argument.name);
  if (request.gradients.empty())
    for (const ResultSpec &result : signature.results)
      request.results.push_back(result.name);
  return request;
}

Expected<std::unique_ptr<CompiledKernel>>
loco::compileToLookAt(ModuleOp module, StringRef model, ElementType precision,
                      std::optional<Products> products, bool scheduleOnly,
                      bool manySamples) {
  Signature signature =
      readSignature(module.lookupSymbol<func::FuncOp>(model), precision);
  CPUOptions options;
  options.scheduleOnly = scheduleOnly;
  options.products = products;
  options.manySamples = manySamples;
  return compileToLookAt(module, model, makeTrainingRequest(signature),
                         precision, options);
}

static Expected<std::unique_ptr<CompiledKernel>>
compile(ModuleOp module, StringRef model, const Request &request,
        ElementType precision, CPUOptions options, ResidualPolicy policy) {
  OwningOpRef<ModuleOp> copy(module.clone());
  auto function = copy->lookupSymbol<func::FuncOp>(model);
  Signature signature = readSignature(function, precision);
  ReportCollector reports(module.getContext());
  FailureOr<EntryPoint> entry = makeEntryPoint(function, signature, request,
                                               policy, SampleWeight::Argument);
  if (failed(entry))
    return reports.take("the model cannot be differentiated");
  auto compiled = compileFunction(*copy, entry->function.getSymName(), options);
  if (!compiled)
    return reports.take(llvm::toString(compiled.takeError()));
  return std::move(*compiled);
}

Expected<std::unique_ptr<CompiledKernel>>
loco::compileToLookAt(ModuleOp module, StringRef model, const Request &request,
                      ElementType precision, CPUOptions options) {
  options.keepTexts = true;
  return compile(module, model, request, precision, options,
                 ResidualPolicy::Store);
}

Expected<std::unique_ptr<CompiledKernel>>
loco::planToLookAt(ModuleOp module, StringRef model, ElementType precision,
                   std::optional<Products> products, ResidualPolicy policy,
                   bool manySamples) {
  Signature signature =
      readSignature(module.lookupSymbol<func::FuncOp>(model), precision);
  CPUOptions options;
  options.scheduleOnly = true;
  options.products = products;
  options.manySamples = manySamples;
  return compile(module, model, makeTrainingRequest(signature), precision,
                 options, policy);
}

Expected<GPUObject>
loco::compileToLookAtForGPU(ModuleOp module, StringRef model,
                            ElementType precision,
                            const GPUCompileOptions &options) {
  OwningOpRef<ModuleOp> copy(module.clone());
  auto function = copy->lookupSymbol<func::FuncOp>(model);
  Signature signature = readSignature(function, precision);
  ReportCollector reports(module.getContext());
  FailureOr<EntryPoint> entry =
      makeEntryPoint(function, signature, makeTrainingRequest(signature),
                     ResidualPolicy::Store);
  if (failed(entry))
    return reports.take("the model cannot be differentiated");
  auto compiled = compileForGPU(*copy, entry->function.getSymName(), options);
  if (!compiled)
    return reports.take(llvm::toString(compiled.takeError()));
  return std::move(*compiled);
}

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

/// The name of the function's argument that `value` of a loop's body is; empty
/// if it is something else.
static std::string findName(Value value, ScanOp loop) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto constants = loop.getConstantArguments();
  auto found = llvm::find(constants, argument);
  if (!argument || found == constants.end())
    return "";
  auto outer =
      dyn_cast<BlockArgument>(loop.getConstants()[found - constants.begin()]);
  auto function = dyn_cast_or_null<func::FuncOp>(
      outer ? outer.getOwner()->getParentOp() : nullptr);
  if (!function)
    return "";
  auto name =
      function.getArgAttrOfType<StringAttr>(outer.getArgNumber(), "loco.name");
  return name ? name.str() : "";
}

/// Parameters whose products are made for all steps at once: in loops that
/// nothing is handed through.
static std::vector<std::string> findOutside(func::FuncOp function) {
  std::vector<std::string> names;
  function.walk([&](ContractOp op) {
    auto loop = dyn_cast<ScanOp>(op->getParentOp());
    if (!loop || !loop.getInits().empty() || loop.getReverse())
      return;
    for (Value operand : op->getOperands())
      if (std::string name = findName(operand, loop);
          !name.empty() && !llvm::is_contained(names, name))
        names.push_back(name);
  });
  return names;
}

static int64_t getStepBytes(Value stack) {
  RankedTensorType type = getStepType(stack.getType());
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

/// What the loops over time leave for those that go back.
static std::string describeGradient(func::FuncOp function) {
  llvm::DenseSet<Value> seen;
  int64_t bytes = 0;
  bool isReversed = false;
  function.walk([&](ScanOp loop) {
    isReversed |= loop.getReverse();
    if (!loop.getReverse())
      return;
    for (Value element : loop.getElements()) {
      auto forward = element.getDefiningOp<ScanOp>();
      if (forward && !forward.getReverse() && seen.insert(element).second)
        bytes += getStepBytes(element);
    }
  });
  if (!isReversed)
    return "";
  return fmt::format(
      "reverse mode; {} value{} stored in every step ({} bytes a "
      "sample), the others computed again",
      seen.size(), seen.size() == 1 ? " is" : "s are", formatCount(bytes));
}

static std::string describeMemory(const LocoArenaSize &arena) {
  std::string text = formatCount(arena.constant);
  auto add = [&](int64_t bytes, const char *what) {
    if (bytes > 0)
      text += fmt::format(" + {} {}", formatCount(bytes), what);
  };
  add(arena.perSample, "a sample");
  add(arena.perStep, "a step");
  add(arena.perSampleStep, "a sample and step");
  return text + " bytes for each block of samples";
}

std::vector<PlanFact> loco::describeKernel(const CompiledKernel &kernel,
                                           ElementType precision,
                                           MLIRContext &context) {
  std::vector<PlanFact> facts = {
      {"executed by",
       fmt::format("code compiled for this processor, in {}",
                   precision == ElementType::F64 ? "f64" : "f32")}};
  // The text is that of the function as it was planned, after all passes.
  auto planned = parseSourceString<ModuleOp>(kernel.texts.planned, &context);
  if (planned) {
    auto function = *planned->getOps<func::FuncOp>().begin();
    std::vector<std::string> outside = findOutside(function);
    facts.push_back(
        {"left the time loop",
         outside.empty() ? "nothing" : "products with " + quoteNames(outside)});
    if (std::string gradient = describeGradient(function); !gradient.empty())
      facts.push_back({"gradient", gradient});
  }
  const KernelReport &report = kernel.texts.report;
  if (report.abreast > 1)
    facts.push_back(
        {"block", fmt::format("{} samples at a time, side by side: "
                              "{}",
                              report.abreast, report.abreastReason)});
  else
    facts.push_back(
        {"block", fmt::format("{} sample{} or more at a time",
                              kernel.kernel.preferredBlock,
                              kernel.kernel.preferredBlock == 1 ? "" : "s")});
  if (report.abreast == 1 && !report.abreastReason.empty())
    facts.push_back({"samples in lanes", "no: " + report.abreastReason});
  facts.push_back({"scratch memory", describeMemory(kernel.kernel.arena)});
  if (kernel.kernel.teamMost > 1)
    facts.push_back(
        {"one sample", fmt::format("on up to {} threads, where there "
                                   "are fewer samples than threads",
                                   kernel.kernel.teamMost)});
  return facts;
}
