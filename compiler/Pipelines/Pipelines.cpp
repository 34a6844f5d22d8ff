//===- Pipelines.cpp - Every ordering of passes ---------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/Pipelines.h"

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/Conversion/OutlineLoops/Passes.h"
#include "compiler/Target/NVPTX/NVPTXTarget.h"
#include "dialects/Device/IR/DeviceOps.h"
#include "dialects/Loco/IR/LocoOps.h"
#include "dialects/Loco/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void loco::registerLocoDialects(DialectRegistry &registry) {
  registry.insert<LocoDialect, affine::AffineDialect, arith::ArithDialect,
                  cf::ControlFlowDialect, func::FuncDialect, gpu::GPUDialect,
                  device::DeviceDialect, LLVM::LLVMDialect, math::MathDialect,
                  memref::MemRefDialect, NVVM::NVVMDialect, scf::SCFDialect,
                  tensor::TensorDialect, vector::VectorDialect>();
  func::registerInlinerExtension(registry);
}

void loco::buildModelPipeline(OpPassManager &modulePasses) {
  // What is written twice is one value before it is differentiated: its
  // derivative would be computed twice, too, in terms that no longer agree.
  modulePasses.addPass(createCSEPass());
  modulePasses.addPass(createExpandGradients());
  modulePasses.addPass(createExpandTangents());
  modulePasses.addPass(createCSEPass());
}

LogicalResult loco::prepareModel(ModuleOp module) {
  PassManager passes(module.getContext());
  buildModelPipeline(passes);
  return passes.run(module);
}

void loco::buildResidualsPipeline(OpPassManager &functionPasses,
                                  ResidualPolicy policy) {
  if (policy == ResidualPolicy::Checkpoint)
    functionPasses.addPass(createSegmentLoops());
  PlanResidualsOptions options;
  options.policy = policy == ResidualPolicy::Recompute ? "recompute" : "store";
  functionPasses.addPass(createPlanResiduals(options));
  functionPasses.addPass(createCanonicalizerPass());
  functionPasses.addPass(createCSEPass());
}

void loco::buildPlanPipeline(OpPassManager &modulePasses,
                             int64_t convolutions) {
  modulePasses.addPass(createInlinerPass());
  modulePasses.addPass(createCanonicalizerPass());
  modulePasses.addPass(createCSEPass());
  modulePasses.addNestedPass<func::FuncOp>(createSimplifyPieces());
  modulePasses.addNestedPass<func::FuncOp>(createSeparateStencils());
  // Fission relies on loops without leftovers, and leaves some.
  modulePasses.addNestedPass<func::FuncOp>(createSimplifyScans());
  modulePasses.addPass(createCSEPass());
  FissionOptions fission;
  fission.convolutions = convolutions;
  modulePasses.addNestedPass<func::FuncOp>(createFission(fission));
  // What left a loop is an argument of it, which takes any shape.
  modulePasses.addNestedPass<func::FuncOp>(createSimplifyPieces());
  modulePasses.addNestedPass<func::FuncOp>(createSimplifyScans());
  // Sums that fission takes out of a loop are none of a pair's.
  modulePasses.addNestedPass<func::FuncOp>(createMoveSums());
  modulePasses.addNestedPass<func::FuncOp>(createSimplifyScans());
  modulePasses.addNestedPass<func::FuncOp>(createSplitSums());
  modulePasses.addPass(createCanonicalizerPass());
  modulePasses.addPass(createCSEPass());
}

void loco::buildLoweringPipeline(OpPassManager &modulePasses) {
  modulePasses.addPass(createCSEPass());
  // While loops are loops: their nests are what is taken out.
  modulePasses.addPass(createOutlineLoops());
  modulePasses.addPass(createMergeParts());
  // What concerns one function alone: several are worked on at a time.
  OpPassManager &before = modulePasses.nest<func::FuncOp>();
  before.addPass(createSCFToControlFlowPass());
  before.addPass(createConvertVectorToLLVMPass());
  before.addPass(createConvertMathToLLVMPass());
  // Declares what it calls.
  modulePasses.addPass(createConvertMathToLibmPass());
  modulePasses.nest<func::FuncOp>().addPass(createArithToLLVMConversionPass());
  modulePasses.addPass(createConvertFuncToLLVMPass());
  modulePasses.addPass(createConvertControlFlowToLLVMPass());
  modulePasses.addPass(createReconcileUnrealizedCastsPass());
}

void loco::buildGPULoweringPipeline(OpPassManager &modulePasses) {
  OpPassManager &passes = modulePasses.nest<gpu::GPUModuleOp>();
  passes.addPass(createCSEPass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createLowerKernels());
  modulePasses.addPass(createConvertControlFlowToLLVMPass());
  modulePasses.addPass(createReconcileUnrealizedCastsPass());
}

void loco::registerLocoPasses() {
  registerTransformsPasses();
  registerConversionPasses();
  registerLocoAutodiffPasses();
  registerLocoOutlineLoopsPasses();
  registerLocoTransformsPasses();
  PassPipelineRegistration<>("loco-model", "what follows the front end",
                             buildModelPipeline);
  PassPipelineRegistration<>(
      "loco-residuals", "what follows reverse-mode differentiation",
      [](OpPassManager &passes) {
        buildResidualsPipeline(passes, ResidualPolicy::Store);
      });
  PassPipelineRegistration<>(
      "loco-plan", "what a kernel's schedule expects",
      [](OpPassManager &passes) { buildPlanPipeline(passes); });
  PassPipelineRegistration<>("loco-lower",
                             "emitted kernels to the llvm dialect",
                             buildLoweringPipeline);
}
