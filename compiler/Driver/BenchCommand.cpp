//===- BenchCommand.cpp - lococ bench ------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Times what training does with a model: its loss, and the loss with its
// gradient, on one batch that is made before. The count of operations and bytes
// is that of the code that runs.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/BenchReport.h"
#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/KernelPlan.h"
#include "compiler/Driver/ModelValues.h"
#include "compiler/Driver/ObjectCache.h"
#include "compiler/Driver/PlanChoice.h"
#include "compiler/Driver/RunPlanning.h"
#include "compiler/Driver/SystemSources.h"

#include "loco/BatchLoader.h"
#include "loco/Cuda.h"
#include "loco/CudaTimes.h"
#include "loco/Matching.h"

#include "mlir/Parser/Parser.h"

#include <fmt/format.h>

#include <chrono>

using namespace mlir;
using namespace loco;

/// A benchmark without a number of repetitions goes on for so long.
static constexpr double wantedSeconds = 1.5;
static constexpr int64_t leastRepeats = 5, mostRepeats = 200;

/// Samples and steps where nothing says how many.
static constexpr int64_t defaultSamples = 32, defaultSteps = 100;

namespace {
/// What one model is measured with.
struct Subject {
  /// The model, or the variant of it that its `train` block runs.
  const sema::Model *model = nullptr;
  const sema::RunBlock *block = nullptr;
  std::unique_ptr<Execution> execution;
  TensorMap parameters;
  Batch batch;
  std::string data;
};

class Bench {
public:
  Bench(const BenchOptions &options, const Compilation &compilation,
        ThreadPool &pool, ObjectCache &cache)
      : options(options), compilation(compilation), pool(pool), cache(cache) {}

  /// Measures and prints everything.
  Status run();

private:
  bool isOnGPU() const { return options.machine.target == Target::CUDA; }
  Expected<std::vector<const sema::Model *>> chooseModels() const;
  Expected<Program *> getSystem(const std::string &name);
  Expected<std::unique_ptr<Execution>> execute(const sema::Model &model);
  Expected<Subject> prepare(const sema::Model &model);
  Status readData(Subject &subject, const DataOption &call);
  void drawData(Subject &subject);
  Expected<BenchResult> measure(Subject &subject);
  Expected<BenchMeasurement> measure(Subject &subject, const char *name,
                                     const Request &request,
                                     int64_t &largestCarry);
  Status lookAtKernel(Subject &subject, const Request &request,
                      BenchMeasurement &measurement, int64_t &largestCarry);
  Expected<Request> makeRequest(const Subject &subject, bool backward) const;

  const BenchOptions &options;
  const Compilation &compilation;
  ThreadPool &pool;
  ObjectCache &cache;
  ThreadPool systemPool{1};
  std::map<std::string, std::unique_ptr<Execution>> systems;
};
} // namespace

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

/// The one that is named, or all that the program declares; systems only where
/// they are named.
Expected<std::vector<const sema::Model *>> Bench::chooseModels() const {
  std::vector<const sema::Model *> models;
  if (options.program.model.empty())
    for (const auto &model : compilation.getModule()->models)
      if (model->variantOf.empty() && !model->isSystem)
        models.push_back(model.get());
  if (!models.empty())
    return models;
  Expected<const sema::Model *> model = pickModel(compilation, options.program);
  if (!model)
    return model.error();
  models.push_back(*model);
  return models;
}

Expected<std::unique_ptr<Execution>> Bench::execute(const sema::Model &model) {
  Expected<ExecutionOptions> machine = resolveMachine(options.machine);
  if (!machine)
    return machine.error();
  machine->cache = &cache;
  // Systems run where their samples are read.
  if (model.isSystem)
    machine->target = Target::CPU;
  return Execution::create(model, compilation.getSources(), *machine,
                           model.isSystem ? systemPool : pool);
}

Expected<Program *> Bench::getSystem(const std::string &name) {
  std::unique_ptr<Execution> &execution = systems[name];
  if (!execution) {
    auto made = execute(*compilation.getModule()->findModel(name));
    if (!made)
      return made.error();
    execution = std::move(*made);
  }
  return &execution->getProgram();
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

/// The values with `steps` steps: the first ones, and all again where there
/// are too few.
static Tensor repeatSteps(const Tensor &values, int64_t steps) {
  Shape shape = values.shape();
  int64_t samples = shape[0], given = shape[1];
  shape[1] = steps;
  Tensor repeated(values.type(), shape);
  size_t bytes = values.bytes() / (samples * given);
  for (int64_t sample = 0; sample < samples; ++sample)
    for (int64_t step = 0; step < steps; ++step)
      std::memcpy(static_cast<char *>(repeated.data()) +
                      (sample * steps + step) * bytes,
                  static_cast<const char *>(values.data()) +
                      (sample * given + step % given) * bytes,
                  bytes);
  return repeated;
}

/// The first batch of the data that the program trains on.
Status Bench::readData(Subject &subject, const DataOption &call) {
  Program &program = subject.execution->getProgram();
  auto source = DataSource::open(call, options.seed);
  if (!source)
    return source.error();
  auto match = matchFields(program.arguments(), **source);
  if (!match)
    return match.error();
  BatchOptions reading;
  reading.samples = options.batch.value_or(
      static_cast<int64_t>(subject.block->getNumber("batch", defaultSamples)));
  reading.shuffle = false;
  reading.seed = options.seed;
  reading.precision = options.machine.precision.value_or(ElementType::F32);
  reading.fields = match->fields;
  reading.numbers = match->numbers;
  DataCursor cursor;
  if (Status failed = readBatch(**source, reading, cursor, subject.batch))
    return failed;
  if (options.steps && subject.batch.steps &&
      *options.steps != subject.batch.steps) {
    for (const ArgumentSpec &argument : program.arguments())
      if (auto found = subject.batch.inputs.find(argument.name);
          argument.perStep && found != subject.batch.inputs.end())
        found->second = repeatSteps(found->second, *options.steps);
    subject.batch.steps = *options.steps;
  } else if (options.steps) {
    subject.batch.steps = *options.steps;
  }
  subject.data = call.toText();
  return {};
}

void Bench::drawData(Subject &subject) {
  Program &program = subject.execution->getProgram();
  InputSignature inputs = readInputSignature(
      subject.execution->getModule().lookupSymbol<func::FuncOp>(
          subject.model->name),
      program);
  int64_t samples = defaultSamples;
  if (subject.block)
    samples = static_cast<int64_t>(subject.block->getNumber("batch", samples));
  subject.batch =
      convertInputs(drawInputs(inputs,
                               {options.batch.value_or(samples),
                                options.steps.value_or(defaultSteps)},
                               options.seed),
                    program.arguments());
  subject.data = fmt::format("drawn, seed {}", options.seed);
}

Expected<Subject> Bench::prepare(const sema::Model &model) {
  Subject subject;
  subject.model = &model;
  for (const sema::RunBlock &block : compilation.getModule()->runs)
    if (block.verb == sema::RunBlock::Verb::Train &&
        block.model == model.name && !subject.block) {
      subject.block = &block;
      subject.model =
          compilation.getModule()->findModel(block.getProgramName());
    }
  auto execution = execute(*subject.model);
  if (!execution)
    return execution.error();
  subject.execution = std::move(*execution);
  auto parameters =
      subject.execution->getProgram().initialParameters(options.seed);
  if (!parameters)
    return parameters.error();
  subject.parameters = std::move(*parameters);

  const sema::Setting *data =
      subject.block ? subject.block->find("data") : nullptr;
  if (!data || !data->value) {
    drawData(subject);
    return subject;
  }
  if (Status failed = readData(subject, toDataOption(*data->value))) {
    drawData(subject);
    subject.data += fmt::format(" (not the program's: {})", failed.message());
  }
  return subject;
}

//===----------------------------------------------------------------------===//
// Measurements
//===----------------------------------------------------------------------===//

/// The loss alone, or all results of a model without one; `backward`: the
/// gradient by all that is learned, and by the inputs that were named.
Expected<Request> Bench::makeRequest(const Subject &subject,
                                     bool backward) const {
  const Program &program = subject.execution->getProgram();
  Request request;
  request.seed = options.seed;
  if (!subject.model->loss)
    for (const ResultSpec &result : program.results())
      request.results.push_back(result.name);
  if (!backward)
    return request;
  for (const ArgumentSpec &argument : program.arguments())
    if (argument.role == ArgumentRole::Param)
      request.gradients.push_back(argument.name);
  for (const std::string &name : options.inputs) {
    auto found =
        llvm::find_if(program.arguments(), [&](const ArgumentSpec &argument) {
          return argument.name == name;
        });
    if (found == program.arguments().end() ||
        found->role != ArgumentRole::Input || !found->isSmooth())
      return Error{fmt::format("`{}` has no input `{}` that is a number",
                               subject.model->name, name)};
    request.gradients.push_back(name);
  }
  return request;
}

static double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Expected<BenchMeasurement> Bench::measure(Subject &subject, const char *name,
                                          const Request &request,
                                          int64_t &largestCarry) {
  BenchMeasurement measurement;
  measurement.name = name;
  Program &program = subject.execution->getProgram();
  Reply reply;
  auto runOnce = [&]() -> Expected<double> {
    double begin = now();
    if (Status failed =
            program.run(subject.parameters, subject.batch, request, reply))
      return failed.error();
    double seconds = now() - begin;
    if (isOnGPU()) {
      double &least = measurement.kernelSeconds, kernels = cudaKernelSeconds();
      least = least > 0 ? std::min(least, kernels) : kernels;
    }
    return seconds;
  };
  Expected<double> first = runOnce();
  if (!first)
    return first.error();
  measurement.secondsToFirst = *first;
  double sum = 0;
  auto isEnough = [&] {
    auto repeats = static_cast<int64_t>(measurement.seconds.size());
    if (options.repeat)
      return repeats >= *options.repeat;
    return repeats >= mostRepeats ||
           (repeats >= leastRepeats && sum > wantedSeconds);
  };
  while (!isEnough()) {
    Expected<double> seconds = runOnce();
    if (!seconds)
      return seconds.error();
    measurement.seconds.push_back(*seconds);
    sum += *seconds;
  }
  llvm::sort(measurement.seconds);

  if (Status failed = lookAtKernel(subject, request, measurement, largestCarry))
    return failed.error();
  return measurement;
}

/// Counts the work of the code that was measured, and measures its nests.
Status Bench::lookAtKernel(Subject &subject, const Request &request,
                           BenchMeasurement &measurement,
                           int64_t &largestCarry) {
  ElementType precision = options.machine.precision.value_or(ElementType::F32);
  CPUOptions code;
  code.timeNests = !isOnGPU() && (!options.json || options.nests);
  code.scheduleOnly = !code.timeNests;
  if (!isOnGPU()) {
    code.products = options.machine.products;
    code.manySamples = hasManySamples(subject.batch.samples, pool.numThreads(),
                                      precision, options.machine.memory);
  }
  auto kernel = compileToLookAt(subject.execution->getModule(),
                                subject.model->name, request, precision, code);
  if (!kernel)
    return kernel.error();
  auto planned = parseSourceString<ModuleOp>(
      (*kernel)->texts.planned, subject.execution->getModule().getContext());
  if (!planned)
    return Error{"the planned function cannot be read"};
  auto function = *planned->getOps<func::FuncOp>().begin();
  const Kernel &facts = (*kernel)->kernel;
  measurement.work =
      countWork(function, facts, subject.batch.samples, subject.batch.steps);
  measurement.keptOfBlock =
      measurement.work.bytesKept / subject.batch.samples *
      ((*kernel)->texts.report.abreast > 1 ? (*kernel)->texts.report.abreast
                                           : facts.preferredBlock);
  largestCarry = findLargestCarry(function);
  if (!code.timeNests)
    return {};
  auto nests = timeNests(**kernel, function, subject.parameters, subject.batch,
                         request.seed, pool);
  if (!nests)
    return nests.error();
  measurement.nests = std::move(*nests);
  return {};
}

Expected<BenchResult> Bench::measure(Subject &subject) {
  BenchResult result;
  result.model = subject.model->name;
  result.data = subject.data;
  result.samples = subject.batch.samples;
  result.steps = subject.batch.steps;
  result.isF64 = options.machine.precision == ElementType::F64;
  int64_t largestCarry = 0;
  for (bool backward : {false, true}) {
    if (backward && !subject.model->loss)
      break;
    Expected<Request> request = makeRequest(subject, backward);
    if (!request)
      return request.error();
    if (backward && request->gradients.empty())
      break;
    auto measurement =
        measure(subject, backward ? "forward+backward" : "forward", *request,
                largestCarry);
    if (!measurement)
      return measurement.error();
    result.measurements.push_back(std::move(*measurement));
    if (!backward)
      result.sites = largestCarry;
  }
  int64_t sites = 0;
  for (const sema::State &state : subject.model->states)
    sites = std::max(sites, state.space->getNumSites());
  if (sites > 0)
    result.sites = sites;
  return result;
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

Status Bench::run() {
  auto models = chooseModels();
  if (!models)
    return models.error();
  std::vector<std::string> names;
  for (const auto &model : compilation.getModule()->models)
    if (model->isSystem)
      names.push_back(model->name);
  auto registered = SystemSources::registerAll(
      names, [&](const std::string &name) { return getSystem(name); });
  if (!registered)
    return registered.error();
  // What a GPU gives at most is measured by the scripts of test/Gpu.
  Expected<MachinePeaks> peaks = MachinePeaks();
  std::string machine;
  nlohmann::ordered_json machineJson;
  if (isOnGPU()) {
    auto device = findCudaDevice();
    if (!device)
      return device.error();
    machine = fmt::format("machine: {}, compute capability {}.{}, {} "
                          "multiprocessors\n",
                          device->name, device->capability / 10,
                          device->capability % 10, device->multiprocessors);
    machineJson = {{"device", device->name},
                   {"capability", device->capability},
                   {"multiprocessors", device->multiprocessors},
                   {"memory_bytes", device->memoryBytes}};
  } else {
    peaks = measurePeaks(pool);
    if (!peaks)
      return peaks.error();
    machine = describePeaks(*peaks);
    machineJson = toJson(*peaks);
  }
  nlohmann::ordered_json json = {{"machine", machineJson},
                                 {"models", nlohmann::ordered_json::array()}};
  if (!options.json)
    printText(machine);
  for (const sema::Model *model : *models) {
    auto subject = prepare(*model);
    if (!subject)
      return subject.error();
    auto result = measure(*subject);
    if (!result)
      return result.error();
    if (options.json)
      json["models"].push_back(toJson(*result, *peaks));
    else
      printText("\n" + describeBench(*result, *peaks));
  }
  if (options.json)
    printText(json.dump(2) + "\n");
  return {};
}

int loco::benchModels(const BenchOptions &options) {
  std::unique_ptr<Compilation> compilation = compileProgram(options.program);
  if (!compilation)
    return 1;
  ObjectCache cache =
      options.useCache ? ObjectCache::ofUser() : ObjectCache::off("not wanted");
  ThreadPool pool(options.machine.threads);
  Status failed = Bench(options, *compilation, pool, cache).run();
  return failed ? reportError(failed.message()) : 0;
}
