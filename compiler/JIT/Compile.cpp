//===- Compile.cpp - From a function of a sample to object code -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/JIT/CompiledKernel.h"

#include "compiler/Conversion/LocoToKernels/LocoToKernels.h"
#include "compiler/Pipelines/Pipelines.h"
#include "compiler/Target/CPU/CPUTarget.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Transforms/Utils/Cloning.h"

#include <chrono>

using namespace mlir;
using namespace loco;

llvm::Expected<OwningOpRef<ModuleOp>>
loco::copyForPlanning(ModuleOp module, StringRef name, int64_t convolutions) {
  OwningOpRef<ModuleOp> copy = module.clone();
  PassManager prepare(module.getContext(), ModuleOp::getOperationName());
  buildPlanPipeline(prepare, convolutions);
  // As in lowering; tests of the passes verify what each of them leaves.
  prepare.enableVerifier(false);
  if (failed(prepare.run(*copy)))
    return llvm::createStringError("`%s` could not be prepared",
                                   name.str().c_str());
  if (!copy->lookupSymbol<func::FuncOp>(name))
    return llvm::createStringError("there is no function `%s`",
                                   name.str().c_str());
  return copy;
}

//===----------------------------------------------------------------------===//
// The table of arguments and results
//===----------------------------------------------------------------------===//

static ElementType elementTypeOf(Type type) {
  if (type.isF64())
    return ElementType::F64;
  return type.isF32() ? ElementType::F32 : ElementType::I32;
}

static KernelOperand describeOperand(Type type) {
  KernelOperand operand;
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor) {
    operand.kind = KernelOperand::Kind::None;
    return operand;
  }
  operand.perStep = tensor.getRank() && tensor.isDynamicDim(0);
  operand.type = elementTypeOf(tensor.getElementType());
  for (int64_t extent : tensor.getShape().drop_front(operand.perStep))
    operand.shape.push_back(extent);
  return operand;
}

/// True for arguments that all samples of a batch share.
static bool isShared(func::FuncOp function, unsigned argument) {
  auto role = function.getArgAttrOfType<StringAttr>(argument, "loco.role");
  return role && (role == "param" || role == "frozen");
}

void loco::describeFunction(func::FuncOp function,
                            const DenseMap<Value, int64_t> &lengths,
                            Kernel &kernel) {
  for (BlockArgument argument : function.getArguments()) {
    KernelOperand operand = describeOperand(argument.getType());
    if (operand.kind == KernelOperand::Kind::Sample &&
        isShared(function, argument.getArgNumber()))
      operand.kind = KernelOperand::Kind::Shared;
    kernel.arguments.push_back(std::move(operand));
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    KernelOperand operand = describeOperand(type);
    // A stack of so many steps, whatever the call's number of steps.
    Value value = function.getBody().front().getTerminator()->getOperand(i);
    if (auto known = lengths.find(value); known != lengths.end()) {
      operand.perStep = false;
      operand.shape.insert(operand.shape.begin(), known->second);
    }
    if (function.getResultAttr(i, "loco.sum_samples")) {
      operand.kind = KernelOperand::Kind::Sum;
      operand.sumType = ::elementTypeOf(sumType(cast<RankedTensorType>(type)));
    }
    kernel.results.push_back(std::move(operand));
  }
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

/// Ops of a module from which its functions are lowered by several threads.
static constexpr int64_t opsForThreads = 8000;

static std::string printed(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  op->print(os);
  return text;
}

namespace {
/// Tells the time from one stage of a compilation to the next.
class StageClock {
public:
  explicit StageClock(const CPUOptions &options) : options(options) {}
  void finish(const char *stage) {
    auto now = std::chrono::steady_clock::now();
    if (options.onStage)
      options.onStage(stage,
                      std::chrono::duration<double>(now - begin).count());
    begin = now;
  }

private:
  const CPUOptions &options;
  std::chrono::steady_clock::time_point begin =
      std::chrono::steady_clock::now();
};
} // namespace

/// Functions of large modules at the same time; threads cost a small one more
/// than they save.
static LogicalResult runOnAllThreads(PassManager &passes, ModuleOp module) {
  MLIRContext *context = module.getContext();
  auto functions = module.getOps<func::FuncOp>();
  bool wasParallel = context->isMultithreadingEnabled();
  int64_t ops = 0;
  for (func::FuncOp function : functions)
    function.walk([&](Operation *) { ++ops; });
  if (wasParallel || ops < opsForThreads)
    return passes.run(module);
  context->enableMultithreading();
  LogicalResult result = passes.run(module);
  context->disableMultithreading();
  return result;
}

llvm::Expected<KernelObject> loco::compileToObject(ModuleOp module,
                                                   StringRef name,
                                                   const CPUOptions &options,
                                                   KernelTexts *texts) {
  StageClock clock(options);
  MLIRContext *context = module.getContext();
  context
      ->loadDialect<LLVM::LLVMDialect, scf::SCFDialect, vector::VectorDialect,
                    cf::ControlFlowDialect, arith::ArithDialect,
                    math::MathDialect, func::FuncDialect>();
  CPUTarget target = CPUTarget::host();
  if (!target.problem.empty())
    return llvm::createStringError(target.problem);
  if (options.vectorBytes)
    target.vectorBytes = options.vectorBytes;

  auto source = copyForPlanning(module, name);
  if (!source)
    return source.takeError();
  auto function = (*source)->lookupSymbol<func::FuncOp>(name);

  ScheduleOptions scheduleOptions;
  scheduleOptions.vectorBytes = target.vectorBytes;
  scheduleOptions.fuseSums = options.fuseSums;
  scheduleOptions.manySamples = options.manySamples;
  scheduleOptions.cacheBytes = target.cacheBytes;
  // Whoever asks for them has seen that they are there (checkProducts).
  scheduleOptions.tilePieces = tilePiecesOf(options.products.value_or(
      target.hasTiles ? Products::BF16x6 : Products::F32));
  FailureOr<Schedule> schedule = makeSchedule(function, scheduleOptions);
  if (failed(schedule))
    return llvm::createStringError("`%s` could not be planned",
                                   name.str().c_str());
  KernelObject object;
  describeFunction(function, schedule->lengths, object.kernel);
  const BlockSize &arena = schedule->arena;
  object.kernel.arena = {arena.constant,       arena.perSample,
                         arena.perStep,        arena.perSampleStep,
                         arena.perSegment,     arena.perSampleSegment,
                         arena.perSegmentStep, arena.perSampleSegmentStep};
  object.kernel.preferredBlock = schedule->preferredBlock;
  object.kernel.teamMost = schedule->teamMost;
  object.explain = describeSchedule(*schedule);
  if (texts)
    texts->planned = printed(function);
  clock.finish("schedule");
  if (options.scheduleOnly && !texts)
    return object;

  OwningOpRef<ModuleOp> loops = ModuleOp::create(module.getLoc());
  if (failed(emitKernel(*loops, *schedule, "kernel")))
    return llvm::createStringError("`%s` could not be compiled",
                                   name.str().c_str());
  if (texts)
    texts->report = reportKernel(*schedule, *loops);
  if (options.scheduleOnly)
    return object;
  if (options.timeNests && texts)
    texts->nests = markNests(*loops);
  if (texts)
    texts->loops = printed(*loops);
  clock.finish("loops");
  PassManager lower(context, ModuleOp::getOperationName());
  buildLoweringPipeline(lower);
  // Nearly half of the time otherwise; LLVM verifies what comes out of it.
  lower.enableVerifier(false);
  LogicalResult lowered = runOnAllThreads(lower, *loops);
  if (failed(lowered))
    return llvm::createStringError("`%s` could not be lowered",
                                   name.str().c_str());

  clock.finish("lowering");
  std::unique_ptr<llvm::TargetMachine> machine = target.makeMachine();
  if (!machine)
    return llvm::createStringError("LLVM does not know `%s`",
                                   target.triple.c_str());
  llvm::LLVMContext llvmContext;
  auto translated = translateToLLVM(*loops, llvmContext, *machine, target);
  if (!translated)
    return translated.takeError();
  if (texts) {
    auto copy = llvm::CloneModule(**translated);
    simplify(*copy, *machine);
    llvm::raw_string_ostream os(texts->llvm);
    copy->print(os, nullptr);
    auto text =
        emitMachineCode(*copy, *machine, llvm::CodeGenFileType::AssemblyFile);
    texts->assembly.assign(text.begin(), text.end());
  }
  clock.finish("LLVM IR");
  auto code = emitObjects(std::move(*translated), target);
  if (!code)
    return code.takeError();
  clock.finish("machine code");
  object.code = std::move(*code);
  return object;
}

llvm::Expected<std::unique_ptr<CompiledKernel>>
loco::compileFunction(ModuleOp module, StringRef function,
                      const CPUOptions &options) {
  KernelTexts texts;
  auto object = compileToObject(module, function, options,
                                options.keepTexts ? &texts : nullptr);
  if (!object)
    return object.takeError();
  if (options.scheduleOnly) {
    auto compiled = std::make_unique<CompiledKernel>();
    compiled->kernel = std::move(object->kernel);
    compiled->explain = std::move(object->explain);
    compiled->texts = std::move(texts);
    return compiled;
  }
  auto compiled = linkObject(*object);
  if (compiled)
    (*compiled)->texts = std::move(texts);
  return compiled;
}
