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
#include "compiler/JIT/SplitProducts.h"
#include "compiler/Pipelines/Pipelines.h"
#include "compiler/Target/NVPTX/NVPTXTarget.h"

#include "dialects/Device/IR/DeviceOps.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

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

/// A copy of `module`, ready for planning.
static llvm::Expected<OwningOpRef<ModuleOp>>
prepareForGPU(ModuleOp module, StringRef name,
              const GPUCompileOptions &options) {
  loadKernelDialects(*module.getContext());
  if (!findNVPTXTarget(options.architecture))
    return llvm::createStringError("no code is made for `%s`",
                                   options.architecture.c_str());
  return copyForPlanning(module, name,
                         options.libraries.convolutions ? libraryElements : 0);
}

static llvm::Error cannotPlan(func::FuncOp function) {
  return llvm::createStringError("`%s` could not be planned",
                                 function.getSymName().str().c_str());
}

/// Describes arguments and results, which are those of one sample, and finds
/// the lengths of stacks.
static llvm::Expected<Schedule> describeOperands(func::FuncOp function,
                                                 Kernel &kernel) {
  Schedule lengths;
  lengths.function = function;
  if (failed(Planner(lengths).findLengths()))
    return cannotPlan(function);
  describeFunction(function, lengths.lengths, kernel);
  // Sums of blocks are of the result's own type.
  for (KernelOperand &result : kernel.results)
    result.sumType = result.type;
  return lengths;
}

/// Kernels of `function`, which is changed.
static llvm::Expected<OwningOpRef<ModuleOp>>
emitFunction(func::FuncOp function, const GPUCompileOptions &options,
             GPUObject &object) {
  const NVPTXTarget *target = findNVPTXTarget(options.architecture);
  GPUOptions scheduleOptions;
  scheduleOptions.sharedBytes = target->sharedBytes;
  scheduleOptions.hasClusters = target->capability >= 90;
  scheduleOptions.blocksPerSample = options.blocksPerSample;
  scheduleOptions.samplesPerBlock = options.samplesPerBlock;
  scheduleOptions.tile = options.samplesPerTeam;
  scheduleOptions.products = options.products;
  auto described = describeOperands(function, object.kernel);
  if (!described)
    return described.takeError();
  std::string why;
  int64_t tile = chooseTile(function, scheduleOptions, why);
  if (tile > 1)
    tileSamples(function, tile);
  FailureOr<GPUSchedule> schedule =
      makeGPUSchedule(function, scheduleOptions, tile);
  if (failed(schedule))
    return cannotPlan(function);
  schedule->whyNoTile = why;
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
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(function.getLoc());
  if (options.scheduleOnly)
    return std::move(kernels);
  auto made = emitGPUModule(*kernels, *schedule, "loco_kernel");
  if (failed(made) || failed(expandDeviceMath(*made)))
    return llvm::createStringError("`%s` could not be compiled",
                                   function.getSymName().str().c_str());
  object.kernels = printed(*kernels);
  return std::move(kernels);
}

llvm::Expected<OwningOpRef<ModuleOp>>
loco::makeGPUModule(ModuleOp module, StringRef name,
                    const GPUCompileOptions &options, GPUObject &object) {
  auto source = prepareForGPU(module, name, options);
  if (!source)
    return source.takeError();
  return emitFunction((*source)->lookupSymbol<func::FuncOp>(name), options,
                      object);
}

/// Exchanges numbers of 64 bits between threads as two halves: all that the
/// instruction knows are 32.
static LogicalResult divideShuffles(ModuleOp kernels) {
  SmallVector<Operation *> wide;
  kernels.walk([&](gpu::ShuffleOp op) {
    if (op.getValue().getType().getIntOrFloatBitWidth() == 64)
      wide.push_back(op);
  });
  RewritePatternSet patterns(kernels.getContext());
  populateGpuShufflePatterns(patterns);
  return wide.empty() ? success()
                      : applyOpPatternsGreedily(wide, std::move(patterns));
}

/// The only gpu.module of `kernels`, which is changed, as text for the driver.
static llvm::Expected<std::string>
lowerToPTX(ModuleOp kernels, const GPUCompileOptions &options) {
  PassManager lower(kernels.getContext(), ModuleOp::getOperationName());
  buildGPULoweringPipeline(lower);
  if (failed(divideShuffles(kernels)) || failed(lower.run(kernels)))
    return llvm::createStringError("the kernels could not be lowered");
  auto made = *kernels.getOps<gpu::GPUModuleOp>().begin();
  return emitPTX(made, *findNVPTXTarget(options.architecture));
}

/// Code of one function, as far as the options ask for it.
static llvm::Expected<GPUObject>
compileKernels(func::FuncOp function, const GPUCompileOptions &options) {
  GPUObject object;
  auto kernels = emitFunction(function, options, object);
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

/// Compiles what `split` divides a function into.
static llvm::Error compileParts(SplitFunction split,
                                const GPUCompileOptions &options,
                                GPUObject &object) {
  for (RankedTensorType type : split.between) {
    KernelOperand &operand = object.between.emplace_back();
    operand.type = type.getElementType().isF64()   ? ElementType::F64
                   : type.getElementType().isF32() ? ElementType::F32
                                                   : ElementType::I32;
    operand.perStep = type.getRank() && type.isDynamicDim(0);
    for (int64_t extent : type.getShape().drop_front(operand.perStep))
      operand.shape.push_back(extent);
  }
  for (SplitFunction::Part &part : split.parts) {
    CudaPart &made = object.parts.emplace_back(std::move(part.code));
    std::string title = "part " + std::to_string(object.parts.size()) + ": ";
    if (!part.function) {
      object.explain += title + describeCall(made) + "\n";
      continue;
    }
    auto code = compileKernels(part.function, options);
    if (!code)
      return code.takeError();
    made.kernel = std::move(code->kernel);
    made.launch = code->launch;
    made.image = options.kernelsOnly ? code->kernels : code->ptx;
    object.explain += title + "a kernel\n" + code->explain;
    object.planned += code->planned;
    object.kernels += code->kernels;
  }
  return llvm::Error::success();
}

llvm::Expected<GPUObject>
loco::compileForGPU(ModuleOp module, StringRef name,
                    const GPUCompileOptions &options) {
  auto source = prepareForGPU(module, name, options);
  if (!source)
    return source.takeError();
  auto function = (*source)->lookupSymbol<func::FuncOp>(name);
  if (!options.libraries.any())
    return compileKernels(function, options);
  GPUObject object;
  auto described = describeOperands(function, object.kernel);
  if (!described)
    return described.takeError();
  SplitFunction split =
      splitProducts(function, described->lengths, options.libraries);
  if (split.parts.empty()) {
    // As it would be planned without libraries: nothing has left its loop in
    // vain.
    GPUCompileOptions whole = options;
    whole.libraries = {};
    return compileForGPU(module, name, whole);
  }
  if (llvm::Error failed = compileParts(std::move(split), options, object))
    return std::move(failed);
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
