//===- Emulator.cpp - Kernels of a GPU executed on the processor ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/Emulator.h"

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"
#include "compiler/Conversion/LocoToGPU/LocoToGPU.h"
#include "test/Emulator/Fibers.h"

#include "dialects/Device/IR/DeviceOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/TargetSelect.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace loco;

extern "C" {
int64_t locoEmulateThread();
int64_t locoEmulateBlock();
int64_t locoEmulateBlocks();
int64_t locoEmulateShared();
void locoEmulateBarrier(int32_t scope, int32_t group, int32_t threads);
int64_t locoEmulateRemote(int64_t address, int32_t rank);
int64_t locoEmulateShuffle(int64_t value, int32_t distance);
void locoEmulateMultiply(int32_t l0, int32_t l1, int32_t l2, int32_t l3,
                         int32_t r0, int32_t r1, float s0, float s1, float s2,
                         float s3, int32_t isHalf);
float locoEmulateProduct(int32_t number);
int16_t locoEmulateRoundBF16(float value);
float locoEmulateRoundTF32(float value);
void locoEmulateCopy(int64_t to, int64_t from, int32_t bytes);
void locoEmulateCommit();
void locoEmulateWait(int32_t pending);
void locoEmulateAccess(int64_t address, int32_t bytes, int32_t isWrite,
                       int32_t space);
}

static llvm::orc::SymbolMap
runtimeSymbols(llvm::orc::MangleAndInterner mangle) {
  llvm::orc::SymbolMap symbols;
  auto define = [&](const char *name, auto *address) {
    symbols[mangle(name)] = {llvm::orc::ExecutorAddr::fromPtr(address),
                             llvm::JITSymbolFlags::Exported |
                                 llvm::JITSymbolFlags::Callable};
  };
  define("locoEmulateThread", &locoEmulateThread);
  define("locoEmulateBlock", &locoEmulateBlock);
  define("locoEmulateBlocks", &locoEmulateBlocks);
  define("locoEmulateShared", &locoEmulateShared);
  define("locoEmulateBarrier", &locoEmulateBarrier);
  define("locoEmulateRemote", &locoEmulateRemote);
  define("locoEmulateShuffle", &locoEmulateShuffle);
  define("locoEmulateMultiply", &locoEmulateMultiply);
  define("locoEmulateProduct", &locoEmulateProduct);
  define("locoEmulateRoundBF16", &locoEmulateRoundBF16);
  define("locoEmulateRoundTF32", &locoEmulateRoundTF32);
  define("locoEmulateCopy", &locoEmulateCopy);
  define("locoEmulateCommit", &locoEmulateCommit);
  define("locoEmulateWait", &locoEmulateWait);
  define("locoEmulateAccess", &locoEmulateAccess);
  define("memcpy", &::memcpy);
  define("memset", &::memset);
  // What a GPU has instructions for, and some processors call libm for.
  define("fma", static_cast<double (*)(double, double, double)>(&::fma));
  define("fmaf", static_cast<float (*)(float, float, float)>(&::fmaf));
  define("floor", static_cast<double (*)(double)>(&::floor));
  define("floorf", static_cast<float (*)(float)>(&::floorf));
  define("ceil", static_cast<double (*)(double)>(&::ceil));
  define("ceilf", static_cast<float (*)(float)>(&::ceilf));
  define("roundeven", static_cast<double (*)(double)>(&::roundeven));
  define("roundevenf", static_cast<float (*)(float)>(&::roundevenf));
  define("trunc", static_cast<double (*)(double)>(&::trunc));
  define("truncf", static_cast<float (*)(float)>(&::truncf));
  define("round", static_cast<double (*)(double)>(&::round));
  define("roundf", static_cast<float (*)(float)>(&::roundf));
  define("fmod", static_cast<double (*)(double, double)>(&::fmod));
  define("fmodf", static_cast<float (*)(float, float)>(&::fmodf));
  return symbols;
}

/// What nobody has written reads as no number.
static std::vector<char> makeUnwritten(int64_t bytes) {
  return std::vector<char>(std::max<int64_t>(bytes, 8), char(0xff));
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> loco::parseKernels(StringRef text, MLIRContext &context) {
  context.loadDialect<gpu::GPUDialect, device::DeviceDialect, LLVM::LLVMDialect,
                      arith::ArithDialect, math::MathDialect, scf::SCFDialect,
                      cf::ControlFlowDialect, vector::VectorDialect>();
  return parseSourceString<ModuleOp>(text, &context);
}

llvm::Expected<std::unique_ptr<EmulatedModule>>
EmulatedModule::create(OwningOpRef<ModuleOp> kernels) {
  std::unique_ptr<EmulatedModule> made(new EmulatedModule());
  kernels->walk([&](gpu::GPUFuncOp kernel) {
    std::string name = kernel.getName().str();
    made->kernels[name] = kernel.getNumArguments();
    if (auto together =
            kernel->getAttrOfType<IntegerAttr>(blocksTogetherAttribute))
      made->together[name] = together.getInt();
  });
  kernels->walk([&](LLVM::GlobalOp global) {
    if (global.getName() == sharedMemoryName)
      return;
    global.setLinkage(LLVM::Linkage::External);
    global.setAddrSpace(1);
    auto value = cast<DenseElementsAttr>(*global.getValue());
    made->constants.push_back(
        {global.getName().str(),
         value.getNumElements() *
             ((value.getElementType().getIntOrFloatBitWidth() + 7) / 8)});
  });
  if (failed(lowerForEmulation(*kernels)))
    return llvm::createStringError("the kernels could not be lowered");
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  mlir::registerBuiltinDialectTranslation(*kernels->getContext());
  mlir::registerLLVMDialectTranslation(*kernels->getContext());
  auto context = std::make_unique<llvm::LLVMContext>();
  auto translated = translateModuleToLLVMIR(*kernels, *context, "emulated");
  if (!translated)
    return llvm::createStringError("the kernels could not be translated");
  translated->setDataLayout((*jit)->getDataLayout());
  auto &library = (*jit)->getMainJITDylib();
  llvm::orc::MangleAndInterner mangle((*jit)->getExecutionSession(),
                                      (*jit)->getDataLayout());
  if (auto error =
          library.define(llvm::orc::absoluteSymbols(runtimeSymbols(mangle))))
    return std::move(error);
  if (auto error = (*jit)->addIRModule(llvm::orc::ThreadSafeModule(
          std::move(translated), std::move(context))))
    return std::move(error);
  made->jit = std::move(*jit);
  return made;
}

std::optional<unsigned> EmulatedModule::countArguments(StringRef name) const {
  auto found = kernels.find(std::string_view(name));
  return found == kernels.end() ? std::nullopt : std::optional(found->second);
}

Status EmulatedModule::launch(emulation::Machine &machine,
                              const std::string &name, void *arguments,
                              const EmulatedGrid &grid) {
  auto find = [&](const std::string &symbol) -> Expected<void *> {
    auto address = jit->lookup(symbol);
    if (!address)
      return Error{llvm::toString(address.takeError())};
    return address->toPtr<void *>();
  };
  // Constants are global variables of the code.
  for (const auto &[constant, bytes] : constants) {
    auto address = find(constant);
    if (!address)
      return address.error();
    machine.addRegion(constant, *address, bytes, false, true);
  }
  auto entry = find(name);
  if (!entry)
    return entry.error();
  emulation::Blocks blocks;
  blocks.threads = grid.threads;
  blocks.count = grid.blocks;
  if (auto found = together.find(name); found != together.end())
    blocks.together = found->second;
  blocks.isReversed = grid.isReversed;
  if (grid.blocks % blocks.together)
    return Error{name + ": " + std::to_string(grid.blocks) +
                 " blocks are no multiple of the " +
                 std::to_string(blocks.together) + " that run together"};
  std::vector<std::vector<char>> shared(blocks.together,
                                        makeUnwritten(grid.sharedBytes));
  for (std::vector<char> &memory : shared) {
    blocks.shared.push_back(memory.data());
    machine.addRegion("shared memory", memory.data(), grid.sharedBytes, true,
                      false);
  }
  int64_t teams = grid.blocks / blocks.together;
  for (int64_t i = 0; i < teams; ++i) {
    int64_t team = grid.isReversed ? teams - 1 - i : i;
    blocks.first = team * blocks.together;
    machine.forget("shared memory");
    std::string error = machine.run(reinterpret_cast<void (*)(void *)>(*entry),
                                    arguments, blocks);
    if (!error.empty())
      return Error{name + ": " + error};
  }
  machine.remove("shared memory");
  return {};
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

EmulatedKernels::~EmulatedKernels() = default;

llvm::Expected<std::unique_ptr<EmulatedKernels>>
EmulatedKernels::create(OwningOpRef<ModuleOp> kernels,
                        const GPUObject &object) {
  auto module = EmulatedModule::create(std::move(kernels));
  if (!module)
    return module.takeError();
  std::unique_ptr<EmulatedKernels> made(new EmulatedKernels(object));
  made->module = std::move(*module);
  return made;
}

Status EmulatedKernels::run(const KernelBatch &batch,
                            const EmulationOptions &options) {
  emulation::Machine machine;
  const Kernel &kernel = object.kernel;
  const CudaLaunch &launch = object.launch;
  int64_t teams = llvm::alignTo(
      std::max<int64_t>(1, std::min<int64_t>(options.teams, batch.samples)),
      launch.samplesPerBlock);
  int64_t stride =
      llvm::alignTo(launch.scratchFor(batch.steps, options.segment), 256);
  std::vector<char> scratch = makeUnwritten(stride * teams);
  std::vector<std::vector<char>> partials(kernel.results.size());

  // The kernel's arguments, and the memory that it may touch.
  std::vector<uint64_t> table;
  auto pass = [&](const void *pointer) {
    table.push_back(reinterpret_cast<uint64_t>(pointer));
  };
  for (auto [i, argument] : llvm::enumerate(kernel.arguments)) {
    if (argument.kind == KernelOperand::Kind::None)
      continue;
    int64_t copies =
        argument.kind == KernelOperand::Kind::Sample ? batch.samples : 1;
    pass(batch.arguments[i]);
    if (int64_t bytes = argument.bytes(batch.steps) * copies)
      machine.addRegion("argument " + std::to_string(i),
                        const_cast<void *>(batch.arguments[i]), bytes, false,
                        true);
  }
  for (auto [i, result] : llvm::enumerate(kernel.results)) {
    int64_t bytes = result.bytes(batch.steps);
    if (result.kind == KernelOperand::Kind::Sum) {
      partials[i].assign(std::max<int64_t>(bytes * teams, 1), 0);
      pass(partials[i].data());
      machine.addRegion("result " + std::to_string(i), partials[i].data(),
                        bytes * teams, true, true);
      continue;
    }
    pass(batch.results[i]);
    if (bytes * batch.samples)
      machine.addRegion("result " + std::to_string(i), batch.results[i],
                        bytes * batch.samples, true, false);
  }
  table.insert(table.end(),
               {uint64_t(batch.samples), uint64_t(batch.steps),
                reinterpret_cast<uint64_t>(scratch.data()), uint64_t(stride),
                batch.seed, batch.update,
                reinterpret_cast<uint64_t>(batch.sampleIndex),
                uint64_t(launch.segmentFor(batch.steps, options.segment))});
  for (int64_t team = 0; team < teams; ++team) {
    char *own = scratch.data() + team * stride;
    std::memset(own, 0, launch.counterBytes);
    if (launch.counterBytes)
      machine.addRegion("counters", own, launch.counterBytes, true, true);
    machine.addRegion("scratch memory", own + launch.counterBytes,
                      stride - launch.counterBytes, true, false);
  }
  if (batch.sampleIndex)
    machine.addRegion("sample index", const_cast<uint64_t *>(batch.sampleIndex),
                      batch.samples * 8, false, true);

  if (Status failed = module->launch(
          machine, "loco_kernel", table.data(),
          {teams / launch.samplesPerBlock * launch.blocksPerSample,
           launch.threads, launch.sharedBytes, options.isReversed}))
    return failed;
  for (auto [i, result] : llvm::enumerate(kernel.results)) {
    if (result.kind != KernelOperand::Kind::Sum)
      continue;
    int64_t count = result.elements(batch.steps);
    machine.addRegion("sum " + std::to_string(i), batch.results[i],
                      result.bytes(batch.steps), true, false);
    uint64_t arguments[] = {reinterpret_cast<uint64_t>(partials[i].data()),
                            reinterpret_cast<uint64_t>(batch.results[i]),
                            uint64_t(count), uint64_t(teams)};
    if (Status failed =
            module->launch(machine,
                           result.type == ElementType::F64 ? "loco_reduce_f64"
                                                           : "loco_reduce_f32",
                           arguments,
                           {(count + reduceThreads - 1) / reduceThreads,
                            reduceThreads, 0, options.isReversed}))
      return failed;
  }
  return {};
}
