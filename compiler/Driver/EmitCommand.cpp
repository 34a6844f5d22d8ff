//===- EmitCommand.cpp - lococ emit --------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/KernelPlan.h"
#include "compiler/Driver/Signature.h"

#include "compiler/AST/Printer.h"
#include "compiler/AST/Suggest.h"
#include "compiler/Autodiff/Autodiff.h"
#include "compiler/IRGen/IRGen.h"
#include "compiler/Pipelines/Pipelines.h"
#include "compiler/Syntax/Parser.h"
#include "compiler/Target/NVPTX/NVPTXTarget.h"
#include "loco/Files.h"

#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

using namespace mlir;
using namespace loco;

namespace {
/// How the text of a phase is made. Nothing is given after an error that was
/// reported already.
using Emitter = std::optional<std::string> (*)(const EmitOptions &options);
} // namespace

//===----------------------------------------------------------------------===//
// Front end
//===----------------------------------------------------------------------===//

/// The tree in its fixed layout. Needs no program that makes sense.
static std::optional<std::string> emitAST(const EmitOptions &options) {
  SourceManager sources;
  loco::DiagnosticEngine diagnostics;
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::Expected<FileId> file = sources.openFile(options.program.file);
  if (!file) {
    reportError(llvm::toString(file.takeError()));
    return std::nullopt;
  }
  std::unique_ptr<ast::File> tree = parseFile(sources, *file, diagnostics);
  if (tree) {
    ast::print(*tree, stream);
    return text;
  }
  renderDiagnostics(diagnostics, sources, stream);
  std::fwrite(text.data(), 1, text.size(), stderr);
  return std::nullopt;
}

namespace {
/// A model's module, with the context it lives in.
struct ModelModule {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  std::unique_ptr<Compilation> compilation;
  const sema::Model *model = nullptr;
  ElementType precision = ElementType::F32;
  OwningOpRef<ModuleOp> module;

  func::FuncOp getFunction() {
    return module->lookupSymbol<func::FuncOp>(model->name);
  }
  std::string print() {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module->print(stream);
    return text;
  }
};
} // namespace

/// Translates the model meant, with derivatives inside of it as ops of reverse
/// mode or as they are written. Null after an error, which is reported.
static std::unique_ptr<ModelModule> translate(const EmitOptions &options,
                                              bool isPrepared = true) {
  auto result = std::make_unique<ModelModule>();
  result->compilation = compileProgram(options.program);
  if (!result->compilation)
    return nullptr;
  Expected<const sema::Model *> model =
      pickModel(*result->compilation, options.program);
  Expected<ExecutionOptions> machine = resolveMachine(options.machine);
  if (!model || !machine) {
    reportError(model ? machine.message() : model.message());
    return nullptr;
  }
  result->model = *model;
  result->precision = machine->precision;
  IRGenOptions irgen;
  irgen.sources = &result->compilation->getSources();
  irgen.elementType = machine->precision == ElementType::F64
                          ? IRGenOptions::ElementType::F64
                          : IRGenOptions::ElementType::F32;
  ReportCollector reports(&result->context);
  result->module = emitModule(**model, result->context, irgen);
  if (result->module &&
      (!isPrepared || succeeded(prepareModel(*result->module))))
    return result;
  reportError(reports.take("the model cannot be translated").message);
  return nullptr;
}

static std::optional<std::string> emitLoco(const EmitOptions &options) {
  std::unique_ptr<ModelModule> model = translate(options, /*isPrepared=*/false);
  return model ? std::optional(model->print()) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Autodiff
//===----------------------------------------------------------------------===//

using CreateDerivative = FailureOr<func::FuncOp> (*)(func::FuncOp,
                                                     ArrayRef<unsigned>,
                                                     StringRef);

/// The derivative of the loss by all learned parameters, and nothing else.
static std::optional<std::string> emitDerivative(const EmitOptions &options,
                                                 CreateDerivative create,
                                                 StringRef suffix) {
  std::unique_ptr<ModelModule> model = translate(options);
  if (!model)
    return std::nullopt;
  func::FuncOp function = model->getFunction();
  Signature signature = readSignature(function, ElementType::F64);
  if (signature.getLossName().empty()) {
    reportError(
        fmt::format("`{}` has no loss to differentiate", model->model->name));
    return std::nullopt;
  }
  SmallVector<unsigned> wrt;
  for (auto [argument, position] :
       llvm::zip_equal(signature.arguments, signature.argumentPositions))
    if (argument.role == ArgumentRole::Param)
      wrt.push_back(position);

  func::FuncOp loss = specialize(function, {signature.getLossName()},
                                 model->model->name + ".loss");
  ReportCollector reports(&model->context);
  FailureOr<func::FuncOp> derivative =
      create(loss, wrt, model->model->name + suffix.str());
  if (failed(derivative)) {
    reportError(reports.take("the loss cannot be differentiated").message);
    return std::nullopt;
  }
  for (auto other :
       llvm::make_early_inc_range(model->module->getOps<func::FuncOp>()))
    if (other != *derivative)
      other.erase();
  return model->print();
}

static std::optional<std::string> emitVJP(const EmitOptions &options) {
  return emitDerivative(options, createVJP, ".vjp");
}

static std::optional<std::string> emitJVP(const EmitOptions &options) {
  return emitDerivative(options, createJVP, ".jvp");
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// A stage of the kernel that training calls.
static std::optional<std::string> emitKernel(const EmitOptions &options,
                                             std::string KernelTexts::*stage) {
  std::unique_ptr<ModelModule> model = translate(options);
  if (!model)
    return std::nullopt;
  auto kernel = compileToLookAt(*model->module, model->model->name,
                                model->precision, options.machine.products);
  if (kernel)
    return StringRef((*kernel)->texts.*stage).ltrim('\n').str();
  reportError(kernel.message());
  return std::nullopt;
}

static std::optional<std::string> emitPlanned(const EmitOptions &options) {
  return emitKernel(options, &KernelTexts::planned);
}

static std::optional<std::string> emitLoops(const EmitOptions &options) {
  return emitKernel(options, &KernelTexts::loops);
}

static std::optional<std::string> emitLLVM(const EmitOptions &options) {
  return emitKernel(options, &KernelTexts::llvm);
}

static std::optional<std::string> emitAssembly(const EmitOptions &options) {
  return emitKernel(options, &KernelTexts::assembly);
}

//===----------------------------------------------------------------------===//
// Kernels of a GPU
//===----------------------------------------------------------------------===//

static std::string listArchitectures() {
  std::vector<std::string> names;
  for (const NVPTXTarget &target : getNVPTXTargets())
    names.push_back(target.architecture);
  return quoteNames(names);
}

/// The kernel that training calls, for the GPU that is meant.
static std::optional<GPUObject> compileOnGPU(const EmitOptions &options,
                                             bool kernelsOnly = false) {
  if (!findNVPTXTarget(options.architecture)) {
    reportError(
        fmt::format("there is no architecture `{}`; code is made for {}",
                    options.architecture, listArchitectures()));
    return std::nullopt;
  }
  std::unique_ptr<ModelModule> model = translate(options);
  if (!model)
    return std::nullopt;
  GPUCompileOptions gpu;
  gpu.architecture = options.architecture;
  gpu.products = options.machine.products.value_or(Products::F32);
  gpu.kernelsOnly = kernelsOnly;
  gpu.blocksPerSample = options.blocksPerSample;
  gpu.samplesPerBlock = options.samplesPerBlock;
  if (options.hasLibraries)
    gpu.libraries = {true, true};
  auto object = compileToLookAtForGPU(*model->module, model->model->name,
                                      model->precision, gpu);
  if (object)
    return std::move(*object);
  reportError(object.message());
  return std::nullopt;
}

/// Code that is not divided has one part.
static size_t countParts(const GPUObject &object) {
  return std::max<size_t>(object.parts.size(), 1);
}

/// The code of one part, counted from 1; `whole` if there is but one. Nothing,
/// after an error, if there is no such part or a library makes it.
static std::optional<std::string> findPart(const GPUObject &object,
                                           const std::string &whole,
                                           int64_t number) {
  if (number > int64_t(countParts(object))) {
    reportError(fmt::format("there is no part {}; the code has {}", number,
                            countParts(object)));
    return std::nullopt;
  }
  if (object.parts.empty())
    return whole;
  const CudaPart &part = object.parts[number - 1];
  if (part.isKernels())
    return part.image;
  reportError(fmt::format("part {} has no code of ours: it is {}", number,
                          describeCall(part)));
  return std::nullopt;
}

/// The part that is asked for, or all of them with their titles.
static std::optional<std::string> showParts(const GPUObject &object,
                                            const std::string &whole,
                                            int64_t number) {
  if (number)
    return findPart(object, whole, number);
  std::string text = object.parts.empty() ? whole : "";
  for (auto [i, part] : llvm::enumerate(object.parts))
    text += fmt::format("// part {}: {}\n{}", i + 1,
                        part.isKernels() ? "a kernel" : describeCall(part),
                        part.image);
  return text;
}

/// The code that is asked for, below the schedule as a comment.
static std::optional<std::string> showCode(const GPUObject &object,
                                           const std::string &whole,
                                           int64_t number) {
  std::optional<std::string> code = showParts(object, whole, number);
  if (!code)
    return std::nullopt;
  // Below titles of parts come the parts themselves.
  std::string mark = object.parts.empty() ? "// " : "//   ", text;
  for (StringRef line : llvm::split(StringRef(object.explain).rtrim(), '\n'))
    text += mark + line.str() + "\n";
  return text + *code;
}

static std::optional<std::string> emitGPU(const EmitOptions &options) {
  std::optional<GPUObject> object = compileOnGPU(options, /*kernelsOnly=*/true);
  return object ? showCode(*object, object->kernels, options.part)
                : std::nullopt;
}

static std::optional<std::string> emitPTX(const EmitOptions &options) {
  std::optional<GPUObject> object = compileOnGPU(options);
  return object ? showCode(*object, object->ptx, options.part) : std::nullopt;
}

/// Machine code of a GPU; what the assembler says of it goes to standard error.
static std::optional<std::string> emitCubin(const EmitOptions &options) {
  if (options.out.empty()) {
    reportError("`emit cubin` makes a file that is no text; name it with "
                "`--out`");
    return std::nullopt;
  }
  std::optional<GPUObject> object = compileOnGPU(options);
  if (!object)
    return std::nullopt;
  if (object->parts.size() > 1 && !options.part) {
    reportError(fmt::format("the code has {} parts, and a file holds one; "
                            "choose it by `--part`",
                            object->parts.size()));
    return std::nullopt;
  }
  std::optional<std::string> ptx =
      findPart(*object, object->ptx, std::max<int64_t>(options.part, 1));
  if (!ptx)
    return std::nullopt;
  auto cubin = assemblePTX(*ptx, *findNVPTXTarget(options.architecture));
  if (!cubin) {
    reportError(llvm::toString(cubin.takeError()));
    return std::nullopt;
  }
  std::fwrite(cubin->report.data(), 1, cubin->report.size(), stderr);
  return std::move(cubin->code);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

static constexpr Phase phases[] = {
    {"ast", "the program as it was parsed"},
    {"loco", "the model in the loco dialect, before any pass"},
    {"vjp",
     "the loss and its gradient by the learned parameters (reverse mode)"},
    {"jvp", "the loss and its change along a direction (forward mode)"},
    {"planned", "what training calls, with products outside of the time loop"},
    {"loops", "the same as loops over vectors"},
    {"llvm", "the same as LLVM IR"},
    {"asm", "the same as machine code of this processor"},
    {"gpu", "what training calls, as kernels of a GPU"},
    {"ptx", "the same as PTX, for the GPU that `--arch` names"},
    {"cubin", "the same as machine code of that GPU; needs `ptxas`"},
};
/// In the order of `phases`.
static constexpr Emitter emitters[] = {
    emitAST,  emitLoco,     emitVJP, emitJVP, emitPlanned, emitLoops,
    emitLLVM, emitAssembly, emitGPU, emitPTX, emitCubin};
static_assert(std::size(phases) == std::size(emitters));

ArrayRef<Phase> loco::getPhases() { return phases; }

int loco::emitProgram(const EmitOptions &options) {
  const Phase *phase = llvm::find_if(phases, [&](const Phase &candidate) {
    return candidate.name == options.phase;
  });
  if (phase == std::end(phases)) {
    std::vector<StringRef> names;
    std::vector<std::string> owned;
    for (const Phase &known : phases) {
      names.push_back(known.name);
      owned.push_back(known.name);
    }
    std::string hint = didYouMean(options.phase, names);
    return reportError(
        fmt::format("there is no phase `{}`; {}", options.phase,
                    hint.empty() ? "there are " + quoteNames(owned) : hint));
  }
  std::optional<std::string> text = emitters[phase - phases](options);
  if (!text)
    return 1;
  if (options.phase != "cubin" && !StringRef(*text).ends_with("\n"))
    *text += "\n";
  if (options.out.empty()) {
    printText(*text);
    return 0;
  }
  if (Status failed = writeFileAtomically(options.out, {*text}))
    return reportError(failed.message());
  return 0;
}
