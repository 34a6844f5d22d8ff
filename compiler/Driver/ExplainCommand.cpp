//===- ExplainCommand.cpp - lococ explain --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that a program says and leaves unsaid, as text that is stable from
// run to run: names as they are in files, counts, and every default in force.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/ExplainRuns.h"
#include "compiler/Driver/GPUPlan.h"
#include "compiler/Driver/KernelPlan.h"
#include "compiler/Driver/MemoryReport.h"
#include "compiler/Driver/PlanChoice.h"
#include "compiler/Driver/RunPlanning.h"

#include <fmt/format.h>

using namespace loco;

namespace {
/// Writes the sections of one model.
class ModelReport {
public:
  ModelReport(const sema::Model &model, const SourceManager &sources)
      : model(model), sources(sources) {}

  /// `kernel`: what became of the loops; empty for the interpreter.
  std::string write(Execution &execution, const std::vector<PlanFact> &plan,
                    const KernelReport &kernel);

private:
  void addSection(const std::string &title, const std::string &body);
  void addSpaces();
  void addInputs();
  void addParameters();
  void addStates();
  void addInnerModels();
  void addCodes();
  void addDraws(mlir::func::FuncOp function);
  void addSolver();
  void addLoss();
  void addPlan(const std::vector<PlanFact> &plan);
  void addKernel(const KernelReport &kernel);
  unsigned getLine(SourceRange range) const;

  const sema::Model &model;
  const SourceManager &sources;
  std::string text;
};
} // namespace

unsigned ModelReport::getLine(SourceRange range) const {
  return sources.getLineColumn(range.file, range.begin).line;
}

void ModelReport::addSection(const std::string &title,
                             const std::string &body) {
  if (!body.empty())
    text += "\n" + title + "\n" + body;
}

//===----------------------------------------------------------------------===//
// Names and shapes
//===----------------------------------------------------------------------===//

static std::string describe(llvm::ArrayRef<int64_t> shape) {
  return loco::describe(Shape(shape.begin(), shape.end()));
}

/// `36 x 36`, without the name of the space.
static std::string spellKind(const sema::Space &space) {
  sema::Space unnamed = space;
  unnamed.name.clear();
  return unnamed.spell();
}

void ModelReport::addSpaces() {
  TextTable table({2});
  for (const sema::Space *space : model.lattices)
    table.add({space->name, spellKind(*space),
               formatCount(space->getNumSites()) + " sites",
               !space->hasNeighbours() ? "no neighbours"
               : space->wraps()        ? "wraps around"
                                       : "ends at its edges"});
  addSection("spaces", table.render());
}

/// What an input is besides a value; empty for most.
static std::string describe(const sema::Input &input) {
  switch (input.kind) {
  case sema::Input::Kind::Steps:
    return "how many steps of the sample count";
  case sema::Input::Kind::Mask:
    return "1 where a step counts, 0 elsewhere";
  case sema::Input::Kind::Value:
    break;
  }
  return input.preset
             ? fmt::format("{}, where the run sets nothing", *input.preset)
             : "";
}

void ModelReport::addInputs() {
  TextTable table;
  for (const sema::Input &input : model.inputs)
    table.add({input.name, input.space->describe(),
               input.perStep ? "per step" : "per sample", describe(input)});
  addSection("inputs", table.render());
}

static const char *describe(sema::Transform transform) {
  switch (transform) {
  case sema::Transform::None:
    return "";
  case sema::Transform::Sigmoid:
    return " via sigmoid";
  case sema::Transform::Softplus:
    return " via softplus";
  case sema::Transform::Relu:
    return " via relu";
  case sema::Transform::Exp:
    return " via exp";
  }
  return "";
}

void ModelReport::addParameters() {
  TextTable table({4});
  table.add(
      {"name", "in files", "what", "shape", "count", "range", "start", ""});
  int64_t numTensors = 0, numFrozen = 0;
  for (const sema::Parameter &parameter : model.parameters) {
    table.add({parameter.name, parameter.getStoredName(), parameter.description,
               describe(parameter.shape),
               formatCount(parameter.getNumElements()),
               parameter.interval.empty()
                   ? "any"
                   : parameter.interval + describe(parameter.transform),
               parameter.start, parameter.isFrozen ? "frozen" : "learned"});
    numTensors += !parameter.isFrozen;
    if (parameter.isFrozen)
      numFrozen += parameter.getNumElements();
  }
  std::string title = fmt::format("parameters: {} learned in {} tensor{}",
                                  formatCount(model.getNumLearned()),
                                  numTensors, numTensors == 1 ? "" : "s");
  if (numFrozen > 0)
    title += fmt::format(", {} frozen", formatCount(numFrozen));
  addSection(title, model.parameters.empty() ? "  none\n" : table.render());
}

void ModelReport::addStates() {
  TextTable table;
  for (const sema::State &state : model.states) {
    std::string pair = state.velocity   ? "velocity " + state.velocity->name
                       : state.position ? "velocity of " + state.position->name
                                        : "";
    if (state.isCarried)
      pair += (pair.empty() ? "" : ", ") +
              std::string("kept from sequence to sequence in training");
    std::string start = state.hasInitial ? "starts as the program says"
                                         : "starts at 0 by default";
    table.add({state.name, state.space->describe(),
               state.isAngle ? "angle" : "number", start, pair});
  }
  addSection("states, set back to their start for every sequence",
             table.render());
}

void ModelReport::addInnerModels() {
  TextTable table;
  for (const sema::InnerModel &inner : model.innerModels)
    table.add({inner.name, inner.call, "over " + inner.over,
               inner.isJoined ? "in the time loop" : "before the time loop",
               inner.name == inner.parameters
                   ? ""
                   : "parameters of " + inner.parameters});
  addSection("models inside", table.render());
}

//===----------------------------------------------------------------------===//
// What is computed
//===----------------------------------------------------------------------===//

static std::string describe(const sema::Node &value) {
  return value.space ? value.space->describe() : describe(value.shape);
}

void ModelReport::addCodes() {
  TextTable encoders;
  for (const sema::Encoding &encoding : model.encodings)
    encoders.add({encoding.name, encoding.space->describe(),
                  encoding.isDistribution ? "a distribution" : ""});
  addSection("encoders", encoders.render());
  const char *outputs = model.isSystem ? "outputs" : "decoders";
  for (auto [role, title] : {std::pair(sema::ResultRole::Output, outputs),
                             std::pair(sema::ResultRole::Probe, "probes")}) {
    TextTable table;
    for (const sema::Result &result : model.results)
      if (result.role == role)
        table.add({result.name, describe(*result.value),
                   !result.value->perStep ? "per sample"
                   : result.every == 1
                       ? std::string("per step")
                       : fmt::format("every {} steps", result.every)});
    addSection(title, table.render());
  }
}

void ModelReport::addDraws(mlir::func::FuncOp function) {
  Expected<std::vector<RandomDraw>> draws = listDraws(function);
  TextTable table;
  if (!draws) {
    table.add({draws.message()});
  } else {
    for (const RandomDraw &draw : *draws) {
      auto place = draw.location->findInstanceOf<mlir::FileLineColLoc>();
      table.add({draw.name, draw.isNormal ? "normal(0, 1)" : "uniform(0, 1)",
                 describe(draw.type.getShape()),
                 draw.perStep ? "per step" : "per sample",
                 place ? fmt::format("line {}", place.getLine()) : ""});
    }
  }
  addSection("random draws", table.render());
}

void ModelReport::addSolver() {
  const sema::Solver &solver = model.solver;
  if (solver.method.empty())
    return;
  std::string evaluations = fmt::format("{} evaluation{}", solver.stages,
                                        solver.stages == 1 ? "" : "s");
  std::string text =
      solver.isAdaptive
          ? fmt::format("{}, interval {}, relative tolerance {:g}, absolute "
                        "{:g}, at most {} attempts of {}",
                        solver.method, solver.stepSize, solver.rtol,
                        solver.atol, solver.most, evaluations)
          : fmt::format("{}, step size {}, {} a step", solver.method,
                        solver.stepSize, evaluations);
  if (solver.passes > 1)
    text += fmt::format("; {} of them in a step of the model", solver.passes);
  if (!solver.pairs.empty()) {
    text += "\n  an energy moves ";
    for (auto [i, pair] : llvm::enumerate(solver.pairs))
      text += fmt::format("{}({}, {})", i ? ", " : "", pair.first, pair.second);
  }
  addSection("integrator", "  " + text + "\n");
}

void ModelReport::addLoss() {
  std::string body = "  none\n";
  if (model.loss && model.loss->perStep)
    body = fmt::format("  a number per step{}; mean over steps, then samples\n",
                       model.lossSkipsLastStep
                           ? ", none at the last step (nothing comes after it)"
                           : "");
  else if (model.loss)
    body = "  a number per sample; mean over samples\n";
  addSection("loss", body);
}

void ModelReport::addPlan(const std::vector<PlanFact> &plan) {
  TextTable table;
  for (const PlanFact &fact : plan)
    table.add({fact.subject, fact.text});
  addSection("plan", table.render());
}

/// The loops in the order in which they run, each loop over time before what is
/// in it.
void ModelReport::addKernel(const KernelReport &kernel) {
  TextTable table;
  for (const NestFact &nest : kernel.nests)
    table.add({std::string(2 * nest.depth, ' ') + nest.work, nest.sites,
               nest.schedule, nest.place});
  addSection("loops", table.render());
  std::string remarks;
  for (const KernelRemark &remark : kernel.remarks)
    remarks += fmt::format("  {}: {} [{}]\n", remark.place, remark.message,
                           remark.name);
  addSection("remarks", remarks);
}

std::string ModelReport::write(Execution &execution,
                               const std::vector<PlanFact> &plan,
                               const KernelReport &kernel) {
  text = fmt::format("{} {}, line {}", model.isSystem ? "system" : "model",
                     model.name, getLine(model.range));
  if (!model.base.empty())
    text += ", made of " + model.base;
  text += "\n";
  addSpaces();
  addInputs();
  addParameters();
  addStates();
  addInnerModels();
  addCodes();
  addDraws(execution.getModule().lookupSymbol<mlir::func::FuncOp>(model.name));
  addSolver();
  addLoss();
  addPlan(plan);
  addKernel(kernel);
  return text;
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

/// The models to explain: the one that is named, or all.
static Expected<std::vector<const sema::Model *>>
chooseModels(const Compilation &compilation, const ProgramOptions &options) {
  std::vector<const sema::Model *> models;
  if (options.model.empty()) {
    for (const auto &model : compilation.getModule()->models)
      if (model->variantOf.empty())
        models.push_back(model.get());
    return models;
  }
  Expected<const sema::Model *> model = pickModel(compilation, options);
  if (!model)
    return model.error();
  models.push_back(*model);
  return models;
}

namespace {
struct Plan {
  std::vector<PlanFact> facts;
  KernelReport kernel;
  /// Of a GPU.
  std::string schedule;
};
} // namespace

/// The plan of an execution; that of compiled code is known once its loops are
/// made.
static Expected<Plan> makePlan(Execution &execution, const sema::Model &model,
                               const ExecutionOptions &options,
                               std::optional<int64_t> batch, int threads) {
  if (options.target == Target::Reference)
    return Plan{execution.getPlanFacts(), {}, ""};
  ElementType precision = model.isSystem ? ElementType::F64 : options.precision;
  if (options.target == Target::CUDA) {
    auto plan = describeOnGPU(execution.getModule(), model.name, precision,
                              options.products.value_or(Products::F32));
    if (!plan)
      return plan.error();
    return Plan{std::move(plan->facts), {}, std::move(plan->schedule)};
  }
  bool many =
      batch && hasManySamples(*batch, threads, precision, options.memory);
  auto kernel = compileToLookAt(execution.getModule(), model.name, precision,
                                options.products, /*scheduleOnly=*/true, many);
  if (!kernel)
    return kernel.error();
  return Plan{
      describeKernel(**kernel, precision, *execution.getModule().getContext()),
      std::move((*kernel)->texts.report), ""};
}

/// Samples of a batch that the program trains `model` with; none if it does
/// not, or says so at run time.
static std::optional<int64_t> findBatch(const sema::Module &program,
                                        const sema::Model &model) {
  for (const sema::RunBlock &run : program.runs)
    if (run.verb == sema::RunBlock::Verb::Train &&
        run.getProgramName() == model.name) {
      loco::DiagnosticEngine ignored;
      if (std::optional<TrainingPlan> plan = planTraining(run, ignored))
        return plan->batch;
    }
  return std::nullopt;
}

/// As compilers print them, for editors.
static std::string printRemarks(const KernelReport &kernel) {
  std::string text;
  for (const KernelRemark &remark : kernel.remarks)
    text += fmt::format("{}: remark: {} [{}]\n", remark.place, remark.message,
                        remark.name);
  return text;
}

/// What the training of variants of `model` takes; they differ in numbers.
static Expected<std::string> explainVariants(const Compilation &compilation,
                                             const sema::Model &model,
                                             const ExecutionOptions &machine,
                                             ThreadPool &pool) {
  std::string text;
  const sema::Module &module = *compilation.getModule();
  for (const auto &variant : module.models)
    for (const sema::RunBlock &run : module.runs) {
      if (variant->variantOf != model.name ||
          run.verb != sema::RunBlock::Verb::Train ||
          run.getProgramName() != variant->name)
        continue;
      auto execution =
          Execution::create(*variant, compilation.getSources(), machine, pool);
      if (!execution)
        return execution.error();
      TextTable table;
      for (const PlanFact &fact :
           describeTraining((*execution)->getModule(), module, run, machine,
                            pool.numThreads()))
        table.add({fact.subject, fact.text});
      text += "\nplan of " + variant->name + "\n" + table.render();
    }
  return text;
}

int loco::explainProgram(const ExplainOptions &options) {
  std::unique_ptr<Compilation> compilation = compileProgram(options.program);
  if (!compilation)
    return 1;
  auto models = chooseModels(*compilation, options.program);
  if (!models)
    return reportError(models.message());
  Expected<ExecutionOptions> machine = resolveMachine(options.machine);
  if (!machine)
    return reportError(machine.message());
  ThreadPool pool(options.machine.threads);
  // Code of a GPU is made without one; nothing runs here.
  ExecutionOptions opened = *machine;
  if (opened.target == Target::CUDA)
    opened.target = Target::CPU;
  std::string text;
  for (const sema::Model *model : *models) {
    auto execution =
        Execution::create(*model, compilation->getSources(), opened, pool);
    if (!execution)
      return reportError(execution.message());
    auto plan = makePlan(**execution, *model, *machine,
                         findBatch(*compilation->getModule(), *model),
                         pool.numThreads());
    if (!plan)
      return reportError(plan.message());
    if (options.remarksOnly) {
      text += printRemarks(plan->kernel);
      continue;
    }
    if (machine->target == Target::CPU)
      for (const sema::RunBlock &run : compilation->getModule()->runs)
        if (run.verb == sema::RunBlock::Verb::Train &&
            run.getProgramName() == model->name)
          llvm::append_range(plan->facts,
                             describeTraining((*execution)->getModule(),
                                              *compilation->getModule(), run,
                                              *machine, pool.numThreads()));
    if (!text.empty())
      text += "\n";
    text += ModelReport(*model, compilation->getSources())
                .write(**execution, plan->facts, plan->kernel);
    if (!plan->schedule.empty())
      text += "\nschedule\n" + plan->schedule;
    if (machine->target == Target::CPU) {
      auto variants = explainVariants(*compilation, *model, *machine, pool);
      if (!variants)
        return reportError(variants.message());
      text += *variants;
    }
  }
  if (options.remarksOnly) {
    printText(text);
    return 0;
  }
  for (const sema::RunBlock &run : compilation->getModule()->runs)
    if (options.program.model.empty() || run.model == options.program.model)
      text += "\n" + explainRun(run);
  printText(text);
  return 0;
}
