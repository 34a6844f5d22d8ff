//===- NVPTXTarget.cpp - PTX from kernels ---------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Target/NVPTX/NVPTXTarget.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace loco;

const std::vector<NVPTXTarget> &loco::getNVPTXTargets() {
  // Devices of compute capability 8.x run code of sm_80; the smallest have 99
  // KiB for a block. 10.x is the first that needs this version of PTX.
  static const std::vector<NVPTXTarget> targets = {
      {"sm_80", 71, 99 * 1024, 80, 11010},
      {"sm_90", 80, 227 * 1024, 90, 12000},
      {"sm_100", 86, 227 * 1024, 100, 12070},
  };
  return targets;
}

const NVPTXTarget *loco::findNVPTXTarget(llvm::StringRef architecture) {
  for (const NVPTXTarget &target : getNVPTXTargets())
    if (target.architecture == architecture)
      return &target;
  return nullptr;
}

static std::unique_ptr<llvm::TargetMachine>
makeMachine(const NVPTXTarget &target) {
  static bool isReady = [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    // Addresses in shared memory take one register, not two. LLVM has this as a
    // flag of its own alone, which nothing but this target reads.
    auto &flags = llvm::cl::getRegisteredOptions();
    if (auto flag = flags.find("nvptx-short-ptr"); flag != flags.end())
      flag->second->addOccurrence(0, "nvptx-short-ptr", "true");
    return true;
  }();
  (void)isReady;
  std::string error;
  llvm::Triple triple("nvptx64-nvidia-cuda");
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return nullptr;
  llvm::TargetOptions options;
  // A multiplication and an addition become one only where the kernel says so.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(found->createTargetMachine(
      triple, target.architecture, "+ptx" + std::to_string(target.version),
      options, llvm::Reloc::PIC_, std::nullopt,
      llvm::CodeGenOptLevel::Aggressive));
}

/// The standard optimisations without the vectorisers: scalar code of one
/// thread, whose loops are worth unrolling.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(module, modules);
}

llvm::Expected<std::string> loco::emitPTX(mlir::gpu::GPUModuleOp module,
                                          const NVPTXTarget &target) {
  mlir::MLIRContext *context = module.getContext();
  mlir::registerBuiltinDialectTranslation(*context);
  mlir::registerLLVMDialectTranslation(*context);
  mlir::registerGPUDialectTranslation(*context);
  mlir::registerNVVMDialectTranslation(*context);
  std::unique_ptr<llvm::TargetMachine> machine = makeMachine(target);
  if (!machine)
    return llvm::createStringError("LLVM was built without NVPTX");
  addSourceLines(module);
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> translated =
      mlir::translateModuleToLLVMIR(module, llvmContext, "loco");
  if (!translated)
    return llvm::createStringError("the llvm dialect could not be translated");
  translated->setDataLayout(machine->createDataLayout());
  translated->setTargetTriple(machine->getTargetTriple());
  optimize(*translated, *machine);
  llvm::SmallVector<char, 0> code;
  llvm::raw_svector_ostream os(code);
  llvm::legacy::PassManager manager;
  if (machine->addPassesToEmitFile(manager, os, nullptr,
                                   llvm::CodeGenFileType::AssemblyFile))
    return llvm::createStringError("LLVM cannot write PTX");
  manager.run(*translated);
  return std::string(code.begin(), code.end());
}
