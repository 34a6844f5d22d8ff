//===- EmbeddedParameters.cpp - Parameters of a model behind the C API ----===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/CAPI/EmbeddedModel.h"

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/Execution.h"
#include "compiler/Driver/ModelValues.h"
#include "compiler/Reference/Interpreter.h"
#include "loco/Files.h"

#include <fmt/format.h>

using namespace mlir;
using namespace loco;

/// The parameter that `name` means, stored or as a value.
static Outcome findParameter(const EmbeddedModel &model,
                             const std::string &name,
                             const TensorEntry *&tensor) {
  if (Outcome failed = model.findTensor(name, "parameter", tensor))
    return failed;
  if (tensor->role != LOCO_PARAMETER && tensor->role != LOCO_FROZEN)
    return {LOCO_UNKNOWN_NAME, fmt::format("`{}` is no parameter", name)};
  return {};
}

static ArrayTarget targetOf(const std::string &name,
                            const TensorEntry &tensor) {
  return {"parameter `" + name + "`", tensor.type, tensor.shape};
}

Outcome EmbeddedModel::initializeParameters(uint64_t seed) {
  std::vector<Shape> shapes;
  for (const ArgumentSpec &argument : whole.program->arguments())
    if (argument.role != ArgumentRole::Input)
      // The start is computed in f64 and then converted.
      shapes.insert(shapes.end(), 3, argument.shape);
  if (Outcome failed = checkRoom(shapes))
    return failed;
  auto values = whole.program->initialParameters(seed);
  if (!values)
    return {LOCO_EXECUTION_ERROR, values.message()};
  parameters = std::move(*values);
  return {};
}

Outcome EmbeddedModel::setParameter(const std::string &name,
                                    const LocoArray &array) {
  const TensorEntry *tensor = nullptr;
  if (Outcome failed = findParameter(*this, name, tensor))
    return failed;
  if (Outcome failed = checkArrayToRead(array, targetOf(name, *tensor)))
    return failed;
  if (name == tensor->name) {
    readArray(array, parameters.at(name));
    return {};
  }
  TensorMap given;
  Tensor &value = given.emplace(name, Tensor(ElementType::F64, tensor->shape))
                      .first->second;
  readArray(array, value);
  std::vector<ArgumentSpec> stored;
  for (const ArgumentSpec &argument : whole.program->arguments())
    if (argument.name == tensor->name)
      stored.push_back(argument);
  Expected<TensorMap> raw = importParameters(std::move(given), *model, stored);
  if (!raw)
    return {LOCO_OUT_OF_RANGE, raw.message()};
  parameters.insert_or_assign(tensor->name, std::move(raw->at(tensor->name)));
  return {};
}

Outcome EmbeddedModel::getParameter(const std::string &name,
                                    const LocoArray &array) {
  const TensorEntry *tensor = nullptr;
  if (Outcome failed = findParameter(*this, name, tensor))
    return failed;
  if (Outcome failed = checkArrayToWrite(array, targetOf(name, *tensor)))
    return failed;
  if (name == tensor->name) {
    writeArray(parameters.at(name), array);
    return {};
  }
  Tensor value(ElementType::F64, tensor->shape);
  if (Outcome failed = computeValue(*tensor, value))
    return failed;
  writeArray(value, array);
  return {};
}

/// What the stored tensor of a parameter with a range means: one result of
/// @M.values, by the interpreter, which has nothing to compile.
Outcome EmbeddedModel::computeValue(const TensorEntry &parameter,
                                    Tensor &value) {
  ModuleOp module = execution->getModule();
  std::string name = model->name + ".values";
  auto function = module.lookupSymbol<func::FuncOp>(name);
  Signature signature = readSignature(function, ElementType::F64);

  SmallVector<RuntimeValue> arguments;
  for (auto [index, spec] : llvm::enumerate(signature.arguments)) {
    Array array;
    array.shape.assign(spec.shape.begin(), spec.shape.end());
    const Tensor &stored = parameters.at(spec.name);
    array.values.resize(stored.size());
    // Most parameters have no range and are not looked at; some are large.
    bool isRead = !function.getArgument(index).use_empty();
    for (int64_t i = 0; isRead && i < stored.size(); ++i)
      array.values[i] = stored.at(i);
    arguments.push_back(std::move(array));
  }
  ReportCollector report(module.getContext());
  auto results = Interpreter(module).call(name, arguments);
  if (failed(results))
    return {LOCO_EXECUTION_ERROR,
            report.take("the value cannot be computed").message};
  for (auto [spec, result] : llvm::zip_equal(signature.results, *results))
    if (spec.name == parameter.valueName)
      llvm::copy(std::get<Array>(result).values, value.as<double>());
  return {};
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

Outcome EmbeddedModel::loadParameters(const std::string &path) {
  Expected<TensorMap> values = readTensors(path);
  if (!values)
    return {LOCO_FILE_ERROR, values.message()};
  Expected<TensorMap> fitting =
      importParameters(std::move(*values), *model, whole.program->arguments());
  if (!fitting)
    return {LOCO_FILE_ERROR, fmt::format("`{}`: {}", path, fitting.message())};
  parameters = std::move(*fitting);
  return {};
}

Outcome EmbeddedModel::saveParameters(const std::string &path) {
  bool isSafetensors = StringRef(path).ends_with(".safetensors");
  if (!isSafetensors && !StringRef(path).ends_with(".npz"))
    return {LOCO_FILE_ERROR,
            fmt::format("`{}` is neither a `.safetensors` nor a `.npz` file",
                        path)};
  Status failed = isSafetensors ? writeSafetensors(path, parameters)
                                : writeNpz(path, parameters);
  if (failed)
    return {LOCO_FILE_ERROR, failed.message()};
  return {};
}
