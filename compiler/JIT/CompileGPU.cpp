//===- CompileGPU.cpp - Code of a GPU for a function ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/JIT/CompileGPU.h"

#include "compiler/Conversion/LocoToGPU/LocoToGPU.h"
#include "compiler/Conversion/LocoToGPU/TileSamples.h"
#include "compiler/Conversion/LocoToGPU/UpdateKernels.h"
#include "compiler/Conversion/LocoToKernels/Planner.h"
#include "compiler/Pipelines/Pipelines.h"
#include "compiler/Target/NVPTX/NVPTXTarget.h"

#include "dialects/Device/IR/DeviceOps.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace loco;

static std::string printed(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  op->print(os);
  return text;
}

static void loadKernelDialects(MLIRContext &context) {
  context.loadDialect<LLVM::LLVMDialect, NVVM::NVVMDialect, scf::SCFDialect,
                      vector::VectorDialect, cf::ControlFlowDialect,
                      arith::ArithDialect, math::MathDialect, func::FuncDialect,
                      gpu::GPUDialect, device::DeviceDialect>();
}

llvm::Expected<OwningOpRef<ModuleOp>>
loco::makeGPUModule(ModuleOp module, StringRef name,
                    const GPUCompileOptions &options, GPUObject &object) {
  loadKernelDialects(*module.getContext());
  const NVPTXTarget *target = findNVPTXTarget(options.architecture);
  if (!target)
    return llvm::createStringError("no code is made for `%s`",
                                   options.architecture.c_str());
  auto source = copyForPlanning(module, name);
  if (!source)
    return source.takeError();
  auto function = (*source)->lookupSymbol<func::FuncOp>(name);
  GPUOptions scheduleOptions;
  scheduleOptions.sharedBytes = target->sharedBytes;
  scheduleOptions.hasClusters = target->capability >= 90;
  scheduleOptions.blocksPerSample = options.blocksPerSample;
  scheduleOptions.samplesPerBlock = options.samplesPerBlock;
  scheduleOptions.tile = options.samplesPerTeam;
  scheduleOptions.products = options.products;
  auto cannotPlan = [&] {
    return llvm::createStringError("`%s` could not be planned",
                                   name.str().c_str());
  };
  // Arguments and results are those of one sample.
  Schedule lengths;
  lengths.function = function;
  if (failed(Planner(lengths).findLengths()))
    return cannotPlan();
  describeFunction(function, lengths.lengths, object.kernel);
  std::string why;
  int64_t tile = chooseTile(function, scheduleOptions, why);
  if (tile > 1)
    tileSamples(function, tile);
  FailureOr<GPUSchedule> schedule =
      makeGPUSchedule(function, scheduleOptions, tile);
  if (failed(schedule))
    return cannotPlan();
  schedule->whyNoTile = why;
  // Sums of blocks are of the result's own type.
  for (KernelOperand &result : object.kernel.results)
    result.sumType = result.type;
  CudaLaunch &launch = object.launch;
  launch.threads = schedule->blockThreads();
  launch.sharedBytes = schedule->sharedBytes * schedule->samplesPerBlock;
  launch.scratchBytes = schedule->scratchBytes;
  launch.scratchBytesPerStep = schedule->scratchBytesPerStep;
  launch.scratchBytesPerSegment = schedule->scratchBytesPerSegment;
  launch.scratchBytesPerSegmentStep = schedule->scratchBytesPerSegmentStep;
  launch.samplesPerBlock = schedule->samplesPerBlock;
  launch.blocksPerSample = schedule->blocksPerSample;
  launch.samplesPerTeam = schedule->tile;
  launch.isCooperative = schedule->blocksPerSample > 1 && !schedule->isCluster;
  launch.counterBytes = schedule->counterBytes;
  object.explain = describeGPUSchedule(*schedule);
  object.planned = printed(function);
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(module.getLoc());
  if (options.scheduleOnly)
    return std::move(kernels);
  auto made = emitGPUModule(*kernels, *schedule, "loco_kernel");
  if (failed(made) || failed(expandDeviceMath(*made)))
    return llvm::createStringError("`%s` could not be compiled",
                                   name.str().c_str());
  object.kernels = printed(*kernels);
  return std::move(kernels);
}

/// The only gpu.module of `kernels`, which is changed, as text for the driver.
static llvm::Expected<std::string>
lowerToPTX(ModuleOp kernels, const GPUCompileOptions &options) {
  PassManager lower(kernels.getContext(), ModuleOp::getOperationName());
  buildGPULoweringPipeline(lower);
  if (failed(lower.run(kernels)))
    return llvm::createStringError("the kernels could not be lowered");
  auto made = *kernels.getOps<gpu::GPUModuleOp>().begin();
  return emitPTX(made, *findNVPTXTarget(options.architecture));
}

llvm::Expected<GPUObject>
loco::compileForGPU(ModuleOp module, StringRef name,
                    const GPUCompileOptions &options) {
  GPUObject object;
  auto kernels = makeGPUModule(module, name, options, object);
  if (!kernels)
    return kernels.takeError();
  if (options.scheduleOnly || options.kernelsOnly)
    return object;
  auto ptx = lowerToPTX(**kernels, options);
  if (!ptx)
    return ptx.takeError();
  object.ptx = std::move(*ptx);
  return object;
}

llvm::Expected<std::string>
loco::compileUpdatesForGPU(bool isF64, const GPUCompileOptions &options) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  loadKernelDialects(context);
  auto kernels = makeUpdateKernels(context, isF64);
  return options.kernelsOnly ? printed(*kernels)
                             : lowerToPTX(*kernels, options);
}
