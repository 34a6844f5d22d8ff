//===- EvaluateCommand.cpp - lococ eval and lococ grad -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model at given numbers, once, for checks from outside. The output file
// holds
//
//   loss            mean over the samples
//   loss.samples    [samples]
//   <name>          outputs and states: [samples, steps, ...] or [samples, ...]
//   grad.<name>     gradient of `loss`: by a parameter as it is stored, or
//                   by an input
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/ModelValues.h"
#include "compiler/Driver/ObjectCache.h"
#include "compiler/Driver/Simulation.h"

#include "loco/Files.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

using namespace mlir;
using namespace loco;

namespace {
/// One evaluation, from options to files.
class Evaluation {
public:
  Evaluation(const EvaluateOptions &options, bool wantsGradients)
      : options(options), wantsGradients(wantsGradients),
        pool(options.machine.threads) {}

  Status run(const Compilation &compilation);

private:
  Status prepare(const Compilation &compilation);
  Status readParameters();
  Status readInputs();
  Request makeRequest() const;
  Status write(const Reply &reply);
  void report(const TensorMap &tensors, double loss) const;

  const EvaluateOptions &options;
  bool wantsGradients;
  ThreadPool pool;
  const sema::Model *model = nullptr;
  ObjectCache cache = options.useCache ? ObjectCache::ofUser()
                                       : ObjectCache::off("not wanted");
  std::unique_ptr<Execution> execution;
  TensorMap parameters;
  Batch batch;
  /// Names of the inputs that are random draws.
  std::set<std::string> draws;
};
} // namespace

Status Evaluation::prepare(const Compilation &compilation) {
  if (!options.random.empty() && !options.recordRandom.empty())
    return Error{
        "`--random` gives the draws and `--record-random` writes those "
        "that are made; leave one of them out"};
  Expected<const sema::Model *> picked =
      pickModel(compilation, options.program);
  if (!picked)
    return picked.error();
  model = *picked;
  if (wantsGradients && !model->loss)
    return Error{fmt::format("`{}` has no loss to differentiate", model->name)};

  Expected<ExecutionOptions> machine = resolveMachine(options.machine);
  if (!machine)
    return machine.error();
  if (!options.random.empty())
    machine->draws = DrawMode::Given;
  if (!options.recordRandom.empty())
    machine->draws = DrawMode::Recorded;
  machine->cache = &cache;
  auto made =
      Execution::create(*model, compilation.getSources(), *machine, pool);
  if (!made)
    return made.error();
  execution = std::move(*made);
  return {};
}

Status Evaluation::readParameters() {
  Program &program = execution->getProgram();
  if (options.values.parameters.empty()) {
    Expected<TensorMap> initial =
        program.initialParameters(options.values.seed);
    if (!initial)
      return initial.error();
    parameters = std::move(*initial);
    return {};
  }
  Expected<TensorMap> values = readTensors(options.values.parameters);
  if (!values)
    return values.error();
  Expected<TensorMap> fitting =
      importParameters(std::move(*values), *model, program.arguments());
  if (!fitting)
    return Error{
        fmt::format("`{}`: {}", options.values.parameters, fitting.message())};
  parameters = std::move(*fitting);
  return {};
}

/// The tensors of a file; none if there is no file.
static Expected<TensorMap> readIfNamed(const std::string &file) {
  return file.empty() ? TensorMap() : readTensors(file);
}

Status Evaluation::readInputs() {
  Expected<TensorMap> values = readIfNamed(options.values.inputs);
  Expected<TensorMap> given = readIfNamed(options.random);
  if (!values)
    return values.error();
  if (!given)
    return given.error();
  for (const auto &[name, tensor] : *given)
    draws.insert(name);
  values->merge(*given);
  auto function =
      execution->getModule().lookupSymbol<func::FuncOp>(model->name);
  Expected<Batch> fitting =
      fitInputs(*values, readInputSignature(function, execution->getProgram()),
                {options.values.samples, options.values.steps});
  if (!fitting)
    return fitting.error();
  batch = std::move(*fitting);
  return {};
}

Request Evaluation::makeRequest() const {
  Request request;
  request.seed = options.values.seed;
  for (const ResultSpec &result : execution->getProgram().results())
    request.results.push_back(result.name);
  if (!wantsGradients)
    return request;
  for (const ArgumentSpec &argument : execution->getProgram().arguments())
    if (argument.role != ArgumentRole::Frozen && argument.isSmooth() &&
        !draws.count(argument.name))
      request.gradients.push_back(argument.name);
  return request;
}

Status Evaluation::run(const Compilation &compilation) {
  if (Status failed = prepare(compilation))
    return failed;
  if (Status failed = readParameters())
    return failed;
  if (Status failed = readInputs())
    return failed;
  Reply reply;
  if (Status failed =
          execution->getProgram().run(parameters, batch, makeRequest(), reply))
    return failed;
  return write(reply);
}

Status Evaluation::write(const Reply &reply) {
  TensorMap tensors = reply.results;
  TensorMap recorded;
  for (const ResultSpec &result : execution->getProgram().results()) {
    if (!options.recordRandom.empty() && result.name.starts_with("random."))
      recorded.insert(tensors.extract(result.name));
    if (result.role != ResultRole::Loss)
      continue;
    auto perSample = tensors.extract(result.name);
    perSample.key() = "loss.samples";
    tensors.insert(std::move(perSample));
    Tensor mean(ElementType::F64, {});
    mean.set(0, reply.loss);
    tensors.insert_or_assign("loss", std::move(mean));
  }
  for (const sema::Result &result : model->results)
    if (auto shown = tensors.find(result.name);
        result.every > 1 && shown != tensors.end())
      shown->second = thinSteps(shown->second, result.every);
  for (const auto &[name, gradient] : reply.gradients)
    tensors.insert_or_assign("grad." + name, gradient);

  if (!options.recordRandom.empty())
    if (Status failed = writeNpz(options.recordRandom, recorded))
      return failed;
  if (!options.out.empty())
    if (Status failed = writeNpz(options.out, tensors))
      return failed;
  report(tensors, reply.loss);
  return {};
}

/// 2-norm of all elements.
static double norm(const Tensor &tensor) {
  double sum = 0;
  for (int64_t i = 0; i < tensor.size(); ++i)
    sum += tensor.at(i) * tensor.at(i);
  return std::sqrt(sum);
}

void Evaluation::report(const TensorMap &tensors, double loss) const {
  std::string text = fmt::format("{}: {} sample{}", model->name, batch.samples,
                                 batch.samples == 1 ? "" : "s");
  if (batch.steps > 0)
    text +=
        fmt::format(", {} step{}", batch.steps, batch.steps == 1 ? "" : "s");
  text += "\n";
  if (model->loss)
    text += "loss " + formatNumber(loss, 9) + "\n";
  TextTable table({2});
  table.add({"name", "shape", "2-norm"});
  for (const auto &[name, tensor] : tensors)
    if (name != "loss")
      table.add(
          {name, describe(tensor.shape()), formatNumber(norm(tensor), 6)});
  text += table.render();
  if (!options.out.empty())
    text += fmt::format("written to {}\n", options.out);
  printText(text);
}

static int evaluate(const EvaluateOptions &options, bool wantsGradients) {
  std::unique_ptr<Compilation> compilation = compileProgram(options.program);
  if (!compilation)
    return 1;
  if (Status failed = Evaluation(options, wantsGradients).run(*compilation))
    return reportError(failed.message());
  return 0;
}

int loco::evaluateModel(const EvaluateOptions &options) {
  return evaluate(options, /*wantsGradients=*/false);
}

int loco::differentiateModel(const EvaluateOptions &options) {
  return evaluate(options, /*wantsGradients=*/true);
}
