//===- MemoryReport.cpp - What training will take, before it does ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/MemoryReport.h"

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/KernelPlan.h"
#include "compiler/Driver/PlanChoice.h"
#include "compiler/Driver/RunPlanning.h"
#include "compiler/Driver/Signature.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <fmt/format.h>

#include <map>

using namespace loco;

/// The batch at work and those that are read meanwhile (BatchLoader).
static constexpr int64_t batchesHeld = 3;

/// Steps of the samples that the block trains on: of its window, or of its
/// data. Those of a system are not run for that: it has as many as its frames.
static Expected<int64_t> findSteps(const sema::Module &program,
                                   const sema::RunBlock &block,
                                   const TrainingPlan &plan) {
  if (plan.window > 0)
    return plan.window;
  const sema::Setting *data = block.find("data");
  if (!data || !data->value)
    return Error{"it has no data"};
  const sema::PlanValue *frames = data->value->find("frames");
  if (frames && frames->kind == sema::PlanValue::Kind::Number)
    return static_cast<int64_t>(frames->number);
  auto source = DataSource::open(toDataOption(*data->value), plan.seed);
  if (!source)
    return source.error();
  return (*source)->steps();
}

static int64_t countElements(llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

/// Bytes of one batch's inputs.
static int64_t measureBatch(const Signature &signature, int64_t samples,
                            int64_t steps) {
  int64_t bytes = 0;
  for (const ArgumentSpec &argument : signature.arguments)
    if (argument.role == ArgumentRole::Input)
      bytes += countElements(argument.shape) *
               (argument.perStep ? steps : int64_t(1)) *
               static_cast<int64_t>(sizeOf(argument.type));
  return bytes * samples;
}

/// Bytes of the parameters, their gradients, and what the optimiser remembers.
static int64_t measureParameters(const Signature &signature,
                                 const OptimizerOptions &optimizer) {
  int64_t remembered = optimizer.method == OptimizerOptions::Method::Adam ? 2
                       : optimizer.momentum != 0                          ? 1
                                                                          : 0;
  int64_t bytes = 0;
  for (const ArgumentSpec &argument : signature.arguments) {
    int64_t each = countElements(argument.shape) *
                   static_cast<int64_t>(sizeOf(argument.type));
    if (argument.role == ArgumentRole::Param)
      bytes += each * (2 + remembered);
    else if (argument.role == ArgumentRole::Frozen)
      bytes += each;
  }
  return bytes;
}

static std::string describePlan(const PlanChoice &choice, int64_t steps) {
  switch (choice.policy) {
  case ResidualPolicy::Store:
    return "what is expensive to compute is kept of every step";
  case ResidualPolicy::Recompute:
    return "states are kept of every step, the rest is computed again";
  case ResidualPolicy::Checkpoint: {
    int64_t length = locoSegmentLength(choice.blocks.segment, steps);
    return fmt::format("states are kept of every {} steps of {}, each segment "
                       "is run again",
                       length, steps);
  }
  }
  llvm_unreachable("all plans have descriptions");
}

std::vector<PlanFact> loco::describeTraining(mlir::ModuleOp module,
                                             const sema::Module &program,
                                             const sema::RunBlock &block,
                                             const ExecutionOptions &options,
                                             int threads) {
  loco::DiagnosticEngine ignored;
  std::optional<TrainingPlan> plan = planTraining(block, ignored);
  if (!plan)
    return {};
  Expected<int64_t> steps = findSteps(program, block, *plan);
  if (!steps)
    return {{"training", "how much memory it takes is not known before the run: " +
                             steps.message()}};
  std::string name = block.getProgramName();
  Signature signature = readSignature(
      module.lookupSymbol<mlir::func::FuncOp>(name), options.precision);
  std::map<ResidualPolicy, std::unique_ptr<CompiledKernel>> kernels;
  PlanQuestion question = {plan->batch, *steps, threads, options.memory, true};
  auto choice = choosePlan(
      question, [&](ResidualPolicy policy) -> Expected<const Kernel *> {
        auto kernel = planToLookAt(module, name, options.precision, policy);
        if (!kernel)
          return kernel.error();
        return &(kernels[policy] = std::move(*kernel))->kernel;
      });
  if (!choice)
    return {{"training", "cannot be run: " + choice.message()}};
  int64_t held = plan->updates > 0 ? std::min(plan->updates, batchesHeld)
                                   : batchesHeld;
  int64_t batches = held * measureBatch(signature, plan->batch, *steps);
  int64_t parameters = measureParameters(signature, plan->optimizer);
  const KernelBlockPlan &blocks = choice->blocks;
  return {
      {"training", describePlan(*choice, *steps)},
      {"sample block",
       fmt::format("{} of {} samples at a time, on {} thread{}", blocks.samples,
                   plan->batch, threads, threads == 1 ? "" : "s each")},
      {"peak memory",
       fmt::format("{} bytes: {} scratch, {} batches of data, {} parameters, "
                   "gradients and optimizer",
                   formatCount(blocks.totalBytes + batches + parameters),
                   formatCount(blocks.totalBytes), formatCount(batches),
                   formatCount(parameters))}};
}
