//===- CompiledProgram.cpp - A model compiled for the processor ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CompiledProgram.h"

#include "compiler/Driver/ReferenceProgram.h"
#include "compiler/Driver/ReportCollector.h"
#include "compiler/JIT/CompiledKernel.h"
#include "loco/Kernel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace loco;

namespace {
/// A kernel and what its results are.
struct CompiledEntry {
  EntryPoint entry;
  std::unique_ptr<CompiledKernel> compiled;
  std::unique_ptr<KernelExecutor> executor;
};

class CompiledProgram : public Program {
public:
  CompiledProgram(OwningOpRef<ModuleOp> module, StringRef name,
                  const CompiledProgramOptions &options, ThreadPool &pool)
      : module(std::move(module)), name(name.str()), options(options),
        pool(pool), function(this->module->lookupSymbol<func::FuncOp>(name)),
        signature(readSignature(function, options.precision)) {}

  const std::vector<ArgumentSpec> &arguments() const override {
    return signature.arguments;
  }
  const std::vector<ResultSpec> &results() const override {
    return signature.results;
  }

  Expected<TensorMap> initialParameters(uint64_t seed) override;
  Status run(const TensorMap &parameters, const Batch &batch,
             const Request &request, Reply &reply) override;

private:
  Expected<CompiledEntry *> getEntry(const Request &request);
  std::vector<const void *> bindArguments(const TensorMap &parameters,
                                          const Batch &batch);
  std::vector<void *> bindResults(const EntryPoint &entry, const Batch &batch,
                                  Reply &reply);

  OwningOpRef<ModuleOp> module;
  std::string name;
  CompiledProgramOptions options;
  ThreadPool &pool;
  func::FuncOp function;
  Signature signature;
  llvm::StringMap<CompiledEntry> entries;
};
} // namespace

Expected<TensorMap> CompiledProgram::initialParameters(uint64_t seed) {
  auto reference =
      makeReferenceProgram(OwningOpRef<ModuleOp>(module->clone()), name, pool);
  auto values = reference->initialParameters(seed);
  if (!values)
    return values.error();
  for (auto &[parameter, value] : *values)
    value = value.convertedTo(options.precision);
  return values;
}

Expected<CompiledEntry *> CompiledProgram::getEntry(const Request &request) {
  auto [found, isNew] = entries.try_emplace(getRequestKey(request));
  CompiledEntry &result = found->second;
  if (!isNew)
    return &result;

  ReportCollector reports(module->getContext());
  FailureOr<EntryPoint> entry =
      makeEntryPoint(function, signature, request, options.residuals);
  if (failed(entry)) {
    entries.erase(found);
    return reports.take("the model cannot be differentiated");
  }
  result.entry = *entry;
  auto compiled = compileFunction(*module, result.entry.function.getSymName());
  if (!compiled) {
    entries.erase(found);
    return reports.take(llvm::toString(compiled.takeError()));
  }
  result.compiled = std::move(*compiled);
  result.executor = std::make_unique<KernelExecutor>(result.compiled->kernel,
                                                     pool, options.memory);
  return &result;
}

std::vector<const void *>
CompiledProgram::bindArguments(const TensorMap &parameters,
                               const Batch &batch) {
  std::vector<const void *> pointers(function.getArgumentTypes().size(),
                                     nullptr);
  for (auto [spec, position] :
       llvm::zip_equal(signature.arguments, signature.argumentPositions)) {
    const TensorMap &values =
        spec.role == ArgumentRole::Input ? batch.inputs : parameters;
    pointers[position] = values.at(spec.name).data();
  }
  return pointers;
}

/// The tensor `name` of `tensors` in the type and shape given; its memory is
/// kept where it is right already.
static void *prepare(TensorMap &tensors, const std::string &name,
                     ElementType type, const Shape &shape) {
  auto found = tensors.find(name);
  if (found == tensors.end() || found->second.type() != type ||
      found->second.shape() != shape)
    found = tensors.insert_or_assign(name, Tensor(type, shape)).first;
  return found->second.data();
}

std::vector<void *> CompiledProgram::bindResults(const EntryPoint &entry,
                                                 const Batch &batch,
                                                 Reply &reply) {
  std::vector<void *> pointers;
  for (const std::string &result : entry.results) {
    const ResultSpec &spec = *signature.findResult(result);
    pointers.push_back(prepare(reply.results, result, spec.type,
                               getBatchShape(spec.shape, spec.perStep, batch)));
  }
  for (const std::string &gradient : entry.gradients) {
    const ArgumentSpec &spec = *signature.findArgument(gradient);
    Shape shape = spec.role == ArgumentRole::Input
                      ? getBatchShape(spec.shape, spec.perStep, batch)
                      : spec.shape;
    pointers.push_back(prepare(reply.gradients, gradient, spec.type, shape));
  }
  return pointers;
}

template <typename T>
static void scaleBy(Tensor &tensor, double factor) {
  T *values = tensor.as<T>();
  for (int64_t i = 0, e = tensor.size(); i < e; ++i)
    values[i] *= static_cast<T>(factor);
}

Status CompiledProgram::run(const TensorMap &parameters, const Batch &batch,
                            const Request &request, Reply &reply) {
  if (Status failed = checkCall(signature, parameters, batch, request))
    return failed;
  auto entry = getEntry(request);
  if (!entry)
    return entry.error();

  KernelBatch work;
  work.samples = batch.samples;
  work.steps = batch.steps;
  work.arguments = bindArguments(parameters, batch);
  work.results = bindResults((*entry)->entry, batch, reply);
  work.seed = request.seed;
  work.update = request.update;
  work.sampleIndex = batch.sampleIndex.data();
  if (Status failed = (*entry)->executor->run(work))
    return failed;

  // The kernel sums over samples; the loss of a batch is their mean.
  double share = 1.0 / batch.samples;
  for (const std::string &gradient : (*entry)->entry.gradients) {
    Tensor &tensor = reply.gradients.at(gradient);
    if (options.precision == ElementType::F64)
      scaleBy<double>(tensor, share);
    else
      scaleBy<float>(tensor, share);
  }
  reply.loss = 0;
  if (std::string loss = signature.getLossName(); !loss.empty())
    for (int64_t i = 0; i < batch.samples; ++i)
      reply.loss += reply.results.at(loss).at(i) * share;
  return {};
}

std::unique_ptr<Program>
loco::makeCompiledProgram(OwningOpRef<ModuleOp> module, StringRef name,
                          const CompiledProgramOptions &options,
                          ThreadPool &pool) {
  return std::make_unique<CompiledProgram>(std::move(module), name, options,
                                           pool);
}
