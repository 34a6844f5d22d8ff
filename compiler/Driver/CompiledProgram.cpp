//===- CompiledProgram.cpp - A model that runs as compiled code ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CompiledProgram.h"

#include "compiler/Driver/EntryChoice.h"
#include "compiler/Driver/GPUUpdates.h"
#include "compiler/Driver/SolverCheck.h"

#include "llvm/ADT/STLExtras.h"

#include <future>

using namespace mlir;
using namespace loco;

namespace {
class CompiledProgram : public Program {
public:
  CompiledProgram(std::unique_ptr<CodeSource> source,
                  const CompiledProgramOptions &options, ThreadPool &pool)
      : source(std::move(source)), options(options), pool(pool),
        signature(this->source->getSignature()),
        choice(*this->source, this->options, pool) {}

  const std::vector<ArgumentSpec> &arguments() const override {
    return signature.arguments;
  }
  const std::vector<ResultSpec> &results() const override {
    return signature.results;
  }

  Expected<TensorMap> initialParameters(uint64_t seed) override;
  void prepare(const Request &request, int64_t samples,
               int64_t steps) override;
  Status run(const TensorMap &parameters, const Batch &batch,
             const Request &request, Reply &reply) override;
  void expect(const Batch &next) override { announced = &next; }
  Expected<std::unique_ptr<ResidentUpdates>>
  makeResident(const ResidentRequest &wanted) override;

private:
  class Resident;
  /// What a kernel is called with: pointers to its own members and to what was
  /// given.
  struct Call {
    LinkedEntry *entry = nullptr;
    KernelBatch work;
    TensorMap presets;
    double share = 1;
    float shareF32 = 1;
  };

  Expected<TensorMap> computeInitial(InitialCode code, uint64_t seed);
  void finishPreparing();
  std::vector<const void *> bindArguments(const LinkedEntry &entry,
                                          const TensorMap &parameters,
                                          const Batch &batch,
                                          const TensorMap &presets);
  void expect(LinkedEntry &entry, const TensorMap &parameters,
              const Batch &next, const Request &request);
  std::vector<void *> bindResults(const LinkedEntry &entry, const Batch &batch,
                                  Reply &reply);
  Status prepareCall(const TensorMap &parameters, const Batch &batch,
                     const Request &request, Reply &reply, Call &call);
  void addLosses(const Call &call, Reply &reply) const;

  std::unique_ptr<CodeSource> source;
  CompiledProgramOptions options;
  ThreadPool &pool;
  Signature signature;
  EntryChoice choice;
  /// What comes after the next batch; null if that is not known.
  const Batch *announced = nullptr;
  /// Makes code on another thread, to which `choice` belongs until it is ready.
  std::future<void> preparing;
};
} // namespace

//===----------------------------------------------------------------------===//
// Initial values
//===----------------------------------------------------------------------===//

Expected<TensorMap> CompiledProgram::initialParameters(uint64_t seed) {
  auto values = [&]() -> Expected<TensorMap> {
    if (auto recipes = source->getRecipes()) {
      Timings::Phase phase(options.timings, "initial values");
      return followRecipes(*recipes, seed, pool);
    }
    finishPreparing();
    auto code = source->getInitial();
    Timings::Phase phase(options.timings, "initial values");
    return code ? computeInitial(std::move(*code), seed)
                : source->interpretInitial(seed, pool);
  }();
  if (!values)
    return values.error();
  for (auto &[parameter, value] : *values)
    if (value.type() != options.precision)
      value = value.convertedTo(options.precision);
  return values;
}

/// The values of the code's results: those of one sample.
Expected<TensorMap> CompiledProgram::computeInitial(InitialCode code,
                                                    uint64_t seed) {
  // Once and for one sample: not what the budget is for.
  auto entry = choice.linkOnce(std::move(code.entry));
  if (!entry)
    return entry.error();
  const Kernel &kernel = entry->code->getKernel();
  TensorMap values;
  KernelBatch work;
  uint64_t sample = 0;
  work.samples = 1;
  work.steps = 1;
  work.seed = seed;
  work.sampleIndex = &sample;
  // The random key has no memory.
  work.arguments.push_back(nullptr);
  for (const std::vector<double> &numbers : code.numbers)
    work.arguments.push_back(numbers.data());
  for (auto [name, operand] : llvm::zip_equal(entry->results, kernel.results))
    work.results.push_back(
        values.insert_or_assign(name, Tensor(operand.type, operand.shape))
            .first->second.data());
  if (Status failed = entry->code->run(work))
    return failed.error();
  return values;
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

/// Compiles beside the caller, who opens data and draws parameters meanwhile. A
/// GPU's memory and code belong to the thread that runs it.
void CompiledProgram::prepare(const Request &request, int64_t samples,
                              int64_t steps) {
  if (options.isOnGPU)
    return;
  finishPreparing();
  preparing = std::async(std::launch::async, [this, request, samples, steps] {
    // Who runs the request asks again, and hears of errors.
    (void)choice.choose(request, samples, steps);
  });
}

void CompiledProgram::finishPreparing() {
  if (!preparing.valid())
    return;
  Timings::Phase phase(options.timings, "waiting for code");
  preparing.get();
}

std::vector<const void *>
CompiledProgram::bindArguments(const LinkedEntry &entry,
                               const TensorMap &parameters, const Batch &batch,
                               const TensorMap &presets) {
  std::vector<const void *> pointers(entry.code->getKernel().arguments.size(),
                                     nullptr);
  for (auto [spec, position] :
       llvm::zip_equal(signature.arguments, signature.argumentPositions)) {
    const TensorMap &values = presets.count(spec.name)           ? presets
                              : spec.role == ArgumentRole::Input ? batch.inputs
                                                                 : parameters;
    pointers[position] = values.at(spec.name).data();
  }
  return pointers;
}

/// The tensor `name` of `tensors` in the type and shape given; its memory is
/// kept where it is right already.
static void *makeRoom(TensorMap &tensors, const std::string &name,
                      ElementType type, const Shape &shape) {
  auto found = tensors.find(name);
  if (found == tensors.end() || found->second.type() != type ||
      found->second.shape() != shape)
    found = tensors.insert_or_assign(name, Tensor(type, shape)).first;
  return found->second.data();
}

std::vector<void *> CompiledProgram::bindResults(const LinkedEntry &entry,
                                                 const Batch &batch,
                                                 Reply &reply) {
  std::vector<void *> pointers;
  for (const std::string &result : entry.results) {
    const ResultSpec &spec = *signature.findResult(result);
    pointers.push_back(
        makeRoom(reply.results, result, spec.type,
                 getBatchShape(spec.shape, spec.perStep, batch)));
  }
  for (const std::string &gradient : entry.gradients) {
    const ArgumentSpec &spec = *signature.findArgument(gradient);
    Shape shape = spec.role == ArgumentRole::Input
                      ? getBatchShape(spec.shape, spec.perStep, batch)
                      : spec.shape;
    pointers.push_back(makeRoom(reply.gradients, gradient, spec.type, shape));
  }
  return pointers;
}

/// Hands on which batch comes next, if that one is as it has to be: whoever
/// runs it is told otherwise.
void CompiledProgram::expect(LinkedEntry &entry, const TensorMap &parameters,
                             const Batch &next, const Request &request) {
  // What presets stand for is made anew for each batch.
  if (checkCall(signature, parameters, next, request) ||
      !makePresets(signature, next).empty())
    return;
  KernelBatch work;
  work.samples = next.samples;
  work.steps = next.steps;
  work.arguments = bindArguments(entry, parameters, next, {});
  work.sampleIndex = next.sampleIndex.data();
  entry.code->expect(work);
}

/// Everything up to the kernel. `call` stays where it is until the kernel ran.
Status CompiledProgram::prepareCall(const TensorMap &parameters,
                                    const Batch &batch, const Request &request,
                                    Reply &reply, Call &call) {
  const Batch *next = std::exchange(announced, nullptr);
  if (Status failed = checkCall(signature, parameters, batch, request))
    return failed;
  finishPreparing();
  auto entry = choice.choose(request, batch.samples, batch.steps);
  if (!entry)
    return entry.error();
  call.entry = *entry;
  KernelBatch &work = call.work;
  work.samples = batch.samples;
  work.steps = batch.steps;
  call.presets = makePresets(signature, batch);
  work.arguments = bindArguments(**entry, parameters, batch, call.presets);
  // The kernel sums over samples; the loss of a batch is their mean.
  call.share = 1.0 / batch.samples;
  call.shareF32 = static_cast<float>(call.share);
  if (!(*entry)->gradients.empty())
    work.arguments.back() = options.precision == ElementType::F64
                                ? static_cast<const void *>(&call.share)
                                : &call.shareF32;
  work.results = bindResults(**entry, batch, reply);
  work.seed = request.seed;
  work.update = request.update;
  work.sampleIndex = batch.sampleIndex.data();
  if (next && options.isOnGPU)
    expect(**entry, parameters, *next, request);
  if (options.timings)
    options.timings->reachKernel();
  return {};
}

void CompiledProgram::addLosses(const Call &call, Reply &reply) const {
  reply.loss = 0;
  if (std::string loss = signature.getLossName(); !loss.empty())
    for (int64_t i = 0; i < call.work.samples; ++i)
      reply.loss += reply.results.at(loss).at(i) * call.share;
}

Status CompiledProgram::run(const TensorMap &parameters, const Batch &batch,
                            const Request &request, Reply &reply) {
  Call call;
  if (Status failed = prepareCall(parameters, batch, request, reply, call))
    return failed;
  if (Status failed = call.entry->code->run(call.work))
    return failed;
  addLosses(call, reply);
  return checkSolver(*this, parameters, batch, request, reply);
}

//===----------------------------------------------------------------------===//
// Updates on a GPU
//===----------------------------------------------------------------------===//

class CompiledProgram::Resident : public ResidentUpdates {
public:
  Resident(CompiledProgram &program, const TensorMap &parameters,
           std::unique_ptr<GPUUpdates> updates)
      : program(program), parameters(parameters), updates(std::move(updates)) {}

  Status update(const Batch &batch, const Request &request, int64_t number,
                double rateFactor, Reply &reply, double &norm) override;
  bool isMirrored() const override { return updates->isMirrored(); }
  Status fetch(TensorMap &into, TensorMap &state) override {
    return updates->fetch(into, state);
  }
  void fetchWatched(TensorMap &into) const override {
    updates->fetchWatched(into);
  }

private:
  CompiledProgram &program;
  /// Of the trainer: here they stand for their shapes.
  const TensorMap &parameters;
  std::unique_ptr<GPUUpdates> updates;
};

Status CompiledProgram::Resident::update(const Batch &batch,
                                         const Request &request, int64_t number,
                                         double rateFactor, Reply &reply,
                                         double &norm) {
  Call call;
  if (Status failed =
          program.prepareCall(parameters, batch, request, reply, call))
    return failed;
  CudaUpdate update = updates->describe(program.signature, call.entry->results,
                                        call.entry->gradients);
  update.number = number;
  update.rateFactor = rateFactor;
  if (Status failed = call.entry->code->update(call.work, update))
    return failed;
  norm = update.norm;
  program.addLosses(call, reply);
  if (update.isGood)
    return {};
  // The solver is asked again, with the values that it failed with.
  TensorMap values = parameters, state;
  if (Status failed = updates->fetch(values, state))
    return failed;
  return checkSolver(program, values, batch, request, reply);
}

Expected<std::unique_ptr<ResidentUpdates>>
CompiledProgram::makeResident(const ResidentRequest &wanted) {
  std::unique_ptr<ResidentUpdates> none;
  bool isAlike = llvm::all_of(wanted.optimizer.trained(), [&](auto &name) {
    return wanted.parameters.at(name).type() == options.precision;
  });
  if (!options.isOnGPU || !isAlike)
    return none;
  auto image = source->getUpdates();
  if (!image)
    return image.error();
  auto made = GPUUpdates::create(*image, signature, wanted, options.memory);
  if (!made)
    return made.error();
  // Batches come first where memory is short.
  if (!*made)
    return none;
  auto fits = choice.fitsGPU(wanted.request, wanted.samples, wanted.steps);
  if (!fits)
    return fits.error();
  if (!*fits)
    return none;
  std::unique_ptr<ResidentUpdates> resident =
      std::make_unique<Resident>(*this, wanted.parameters, std::move(*made));
  return resident;
}

std::unique_ptr<Program>
loco::makeCompiledProgram(std::unique_ptr<CodeSource> source,
                          const CompiledProgramOptions &options,
                          ThreadPool &pool) {
  return std::make_unique<CompiledProgram>(std::move(source), options, pool);
}

std::unique_ptr<Program>
loco::makeCompiledProgram(OwningOpRef<ModuleOp> module, StringRef name,
                          CompiledProgramOptions options,
                          const std::optional<GPUCompileOptions> &gpu,
                          ThreadPool &pool) {
  ModuleCodeOptions code;
  code.precision = options.precision;
  code.gpu = gpu;
  code.products = options.products;
  options.isOnGPU = gpu.has_value();
  code.cache = options.cache;
  code.timings = options.timings;
  return makeCompiledProgram(
      std::make_unique<ModuleCode>(std::move(module), name, code), options,
      pool);
}
