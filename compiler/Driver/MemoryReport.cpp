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
#include "compiler/Driver/TrainingData.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <fmt/format.h>

#include <map>

using namespace loco;

/// The batch at work and those that are read meanwhile (BatchLoader).
static constexpr int64_t batchesHeld = 3;

namespace {
/// What is read for a block.
struct DataFacts {
  /// Of every sample.
  int64_t steps = 0;
  /// Bytes of samples that stay in memory.
  int64_t held = 0;
  /// Why it is not known what they hold; empty if it is.
  std::string uncounted;
};
} // namespace

static bool isSystem(const sema::Module &program, llvm::StringRef name) {
  return llvm::any_of(program.models, [&](const auto &model) {
    return model->isSystem && model->name == name;
  });
}

/// Of the block's data. Those of a system are not run for that, they have as
/// many steps as frames, and are not kept; those that are not there may still
/// say how many frames they are to have.
static Expected<DataFacts> readDataFacts(const sema::Module &program,
                                         const sema::RunBlock &block,
                                         const TrainingPlan &plan) {
  const sema::Setting *data = block.find("data");
  if (!data || !data->value)
    return Error{"it has no data"};
  DataFacts facts;
  const sema::PlanValue *frames = data->value->find("frames");
  bool isSaid = frames && frames->kind == sema::PlanValue::Kind::Number;
  if (isSaid)
    facts.steps = static_cast<int64_t>(frames->number);
  if (isSaid && isSystem(program, data->value->text))
    return facts;
  auto opened = openTrainingData(toDataOption(*data->value), plan);
  if (!opened && !isSaid)
    return opened.error();
  if (!opened) {
    facts.uncounted = opened.message();
    return facts;
  }
  facts.steps = opened->whole->steps();
  facts.held = opened->whole->heldBytes();
  if (opened->validation && !opened->rest)
    facts.held += opened->validation->heldBytes();
  return facts;
}

/// Bytes of one batch's inputs.
static int64_t measureBatch(const Signature &signature, int64_t samples,
                            int64_t steps) {
  int64_t bytes = 0;
  for (const ArgumentSpec &argument : signature.arguments)
    if (argument.role == ArgumentRole::Input)
      bytes += numElements(argument.shape) *
               (argument.perStep ? steps : int64_t(1)) *
               static_cast<int64_t>(sizeOf(argument.type));
  return bytes * samples;
}

/// Bytes of the parameters, their gradients, and what the optimiser remembers;
/// beside them the parameters of the best validation.
static int64_t measureParameters(const Signature &signature,
                                 const TrainingPlan &plan) {
  int64_t bytes = 0;
  for (const ArgumentSpec &argument : signature.arguments)
    if (argument.role != ArgumentRole::Input)
      bytes += plan.optimizer.heldBytes(argument) +
               (plan.stopAfter > 0) * numElements(argument.shape) *
                   static_cast<int64_t>(sizeOf(argument.type));
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
  Expected<DataFacts> data = readDataFacts(program, block, *plan);
  if (!data)
    return {
        {"training", "how much memory it takes is not known before the run: " +
                         data.message()}};
  int64_t steps =
      plan->window > 0 ? std::min(plan->window, data->steps) : data->steps;
  std::string name = block.getProgramName();
  Signature signature = readSignature(
      module.lookupSymbol<mlir::func::FuncOp>(name), options.precision);
  std::map<ResidualPolicy, std::unique_ptr<CompiledKernel>> kernels;
  PlanQuestion question = {plan->batch, steps, threads, options.memory, true};
  bool manySamples =
      hasManySamples(plan->batch, threads, options.precision, options.memory);
  auto choice = choosePlan(
      question, [&](ResidualPolicy policy) -> Expected<const Kernel *> {
        auto kernel = planToLookAt(module, name, options.precision,
                                   options.products, policy, manySamples);
        if (!kernel)
          return kernel.error();
        return &(kernels[policy] = std::move(*kernel))->kernel;
      });
  if (!choice)
    return {{"training", "cannot be run: " + choice.message()}};
  int64_t held =
      plan->updates > 0 ? std::min(plan->updates, batchesHeld) : batchesHeld;
  int64_t batches = held * measureBatch(signature, plan->batch, data->steps);
  // A window is cut from sequences that stay; validation reads its own.
  if (steps < data->steps)
    batches += measureBatch(signature, plan->batch, steps);
  if (plan->validateUpdates > 0)
    batches += measureBatch(signature,
                            std::min(plan->batch, getValidationSamples(*plan)),
                            data->steps);
  batches += data->held;
  int64_t parameters = measureParameters(signature, *plan);
  const KernelBlockPlan &blocks = choice->blocks;
  return {
      {"training", describePlan(*choice, steps)},
      {"sample block",
       fmt::format("{} of {} samples at a time, on {} thread{}", blocks.samples,
                   plan->batch, threads, threads == 1 ? "" : "s each")},
      {"peak memory",
       fmt::format("{} bytes: {} scratch, {} data and batches, {} parameters, "
                   "gradients and optimizer",
                   formatCount(blocks.totalBytes + batches + parameters),
                   formatCount(blocks.totalBytes), formatCount(batches),
                   formatCount(parameters)) +
           (data->uncounted.empty()
                ? std::string()
                : "; not what the data keep: " + data->uncounted)}};
}
