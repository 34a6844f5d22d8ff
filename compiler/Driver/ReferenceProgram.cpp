//===- ReferenceProgram.cpp - A model run by the reference interpreter ---===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/ReferenceProgram.h"

#include "compiler/Driver/EntryPoint.h"
#include "compiler/Driver/ReportCollector.h"
#include "compiler/Driver/SolverCheck.h"
#include "compiler/Reference/Interpreter.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace loco;

using Values = SmallVector<RuntimeValue>;

namespace {
class ReferenceProgram : public Program {
public:
  ReferenceProgram(OwningOpRef<ModuleOp> module, StringRef name,
                   ThreadPool &pool, RoundingNoise noise)
      : module(std::move(module)), name(name.str()), pool(pool), noise(noise),
        function(this->module->lookupSymbol<func::FuncOp>(name)),
        signature(readSignature(function, ElementType::F64)) {}

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
  FailureOr<EntryPoint> getEntry(const Request &request);
  Values bindArguments(const TensorMap &parameters, const Batch &batch,
                       const TensorMap &presets, const Request &request,
                       int64_t sample);
  void collect(const EntryPoint &entry, ArrayRef<Values> results,
               const Batch &batch, Reply &reply);

  OwningOpRef<ModuleOp> module;
  std::string name;
  ThreadPool &pool;
  RoundingNoise noise;
  func::FuncOp function;
  Signature signature;
  llvm::StringMap<EntryPoint> entries;
};
} // namespace

/// Elements `begin` to `begin + count` of a tensor, as an array of `shape`.
static Array toArray(const Tensor &tensor, int64_t begin,
                     ArrayRef<int64_t> shape) {
  Array array;
  array.shape.assign(shape.begin(), shape.end());
  int64_t count = numElements(Shape(shape.begin(), shape.end()));
  array.values.resize(count);
  for (int64_t i = 0; i < count; ++i)
    array.values[i] = tensor.at(begin + i);
  return array;
}

Expected<TensorMap> ReferenceProgram::initialParameters(uint64_t seed) {
  ReportCollector text(module->getContext());
  std::string initial = name + ".initial";
  auto values = Interpreter(*module).call(initial, {RandomKey{seed, 0, 0}});
  if (failed(values))
    return text.take("the initial values cannot be computed");
  Signature results = readSignature(module->lookupSymbol<func::FuncOp>(initial),
                                    ElementType::F64);
  TensorMap parameters;
  for (auto [spec, value] : llvm::zip_equal(results.results, *values)) {
    Tensor tensor(ElementType::F64, spec.shape);
    llvm::copy(std::get<Array>(value).values, tensor.as<double>());
    parameters.emplace(spec.name, std::move(tensor));
  }
  return parameters;
}

FailureOr<EntryPoint> ReferenceProgram::getEntry(const Request &request) {
  std::string key = getRequestKey(request);
  if (auto found = entries.find(key); found != entries.end())
    return found->second;
  FailureOr<EntryPoint> entry =
      makeEntryPoint(function, signature, request, ResidualPolicy::Recompute);
  if (succeeded(entry))
    entries.insert({key, *entry});
  return entry;
}

Values ReferenceProgram::bindArguments(const TensorMap &parameters,
                                       const Batch &batch,
                                       const TensorMap &presets,
                                       const Request &request, int64_t sample) {
  Values values(function.getNumArguments(), RuntimeValue(int64_t(0)));
  for (auto [spec, position] :
       llvm::zip_equal(signature.arguments, signature.argumentPositions)) {
    if (spec.role != ArgumentRole::Input) {
      values[position] = toArray(parameters.at(spec.name), 0, spec.shape);
      continue;
    }
    Shape shape = getBatchShape(spec.shape, spec.perStep, batch);
    ArrayRef<int64_t> own = ArrayRef(shape).drop_front();
    int64_t count = numElements(Shape(own.begin(), own.end()));
    const TensorMap &inputs = presets.count(spec.name) ? presets : batch.inputs;
    values[position] = toArray(inputs.at(spec.name), sample * count, own);
  }
  if (signature.keyPosition)
    values[*signature.keyPosition] =
        RandomKey{request.seed, request.update, batch.sampleIndex[sample]};
  if (signature.stepsPosition)
    values[*signature.stepsPosition] = batch.steps;
  return values;
}

void ReferenceProgram::collect(const EntryPoint &entry,
                               ArrayRef<Values> results, const Batch &batch,
                               Reply &reply) {
  std::string loss = signature.getLossName();
  reply.loss = 0;
  for (auto [index, name] : llvm::enumerate(entry.results)) {
    const ResultSpec &spec = *signature.findResult(name);
    Tensor whole(ElementType::F64,
                 getBatchShape(spec.shape, spec.perStep, batch));
    double *out = whole.as<double>();
    for (const Values &ofSample : results)
      out = llvm::copy(std::get<Array>(ofSample[index]).values, out);
    if (name == loss)
      for (int64_t i = 0; i < batch.samples; ++i)
        reply.loss += whole.as<double>()[i] / batch.samples;
    reply.results.insert_or_assign(name, std::move(whole));
  }
  for (auto [index, name] : llvm::enumerate(entry.gradients)) {
    const ArgumentSpec &spec = *signature.findArgument(name);
    bool isInput = spec.role == ArgumentRole::Input;
    Tensor whole(ElementType::F64,
                 isInput ? getBatchShape(spec.shape, spec.perStep, batch)
                         : spec.shape);
    double *out = whole.as<double>();
    for (const Values &ofSample : results) {
      const auto &values =
          std::get<Array>(ofSample[entry.results.size() + index]).values;
      for (auto [i, value] : llvm::enumerate(values))
        out[i] += value / batch.samples;
      if (isInput)
        out += values.size();
    }
    reply.gradients.insert_or_assign(name, std::move(whole));
  }
}

Status ReferenceProgram::run(const TensorMap &parameters, const Batch &batch,
                             const Request &request, Reply &reply) {
  if (Status failed = checkCall(signature, parameters, batch, request))
    return failed;
  ReportCollector text(module->getContext());
  FailureOr<EntryPoint> entry = getEntry(request);
  if (failed(entry))
    return text.take("the model cannot be differentiated");

  TensorMap presets = makePresets(signature, batch);
  std::vector<Values> results(batch.samples);
  std::vector<char> wrong(batch.samples, 0);
  pool.parallelRanges(batch.samples, [&](IndexRange range, int) {
    Interpreter interpreter(*module, noise);
    for (int64_t sample = range.begin; sample < range.end; ++sample) {
      Values values =
          bindArguments(parameters, batch, presets, request, sample);
      auto found = interpreter.call(entry->function.getSymName(), values);
      if (failed(found))
        wrong[sample] = 1;
      else
        results[sample] = std::move(*found);
    }
  });
  if (llvm::is_contained(wrong, 1))
    return text.take("the model cannot be run");
  collect(*entry, results, batch, reply);
  return checkSolver(*this, parameters, batch, request, reply);
}

std::unique_ptr<Program>
loco::makeReferenceProgram(OwningOpRef<ModuleOp> module, StringRef name,
                           ThreadPool &pool, RoundingNoise noise) {
  return std::make_unique<ReferenceProgram>(std::move(module), name, pool,
                                            noise);
}
