//===- Models.cpp - Models of the C API -----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/CAPI/Handles.h"

#include <cstddef>

using namespace loco;

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

/// Bytes of the structs in version 1.
static constexpr size_t optionsV1 =
    offsetof(LocoModelOptions, memory) + sizeof(int64_t);
static constexpr size_t infoV1 =
    offsetof(LocoTensorInfo, classes) + sizeof(int64_t);
static constexpr size_t batchV1 =
    offsetof(LocoBatch, sampleIndex) + sizeof(const uint64_t *);

/// Copies a list of texts, none of which may be null.
static Outcome readTexts(const char *const *list, size_t count,
                         const char *what, std::vector<std::string> &texts) {
  for (size_t i = 0; i < count; ++i) {
    if (!list || !list[i])
      return {LOCO_INVALID_ARGUMENT,
              std::string(what) + " number " + std::to_string(i) + " is null"};
    texts.emplace_back(list[i]);
  }
  return {};
}

/// Splits `name=value`.
static Outcome readOverrides(const LocoModelOptions &given,
                             EmbeddingOptions &options) {
  std::vector<std::string> texts;
  if (Outcome failed =
          readTexts(given.overrides, given.numOverrides, "override", texts))
    return failed;
  for (const std::string &text : texts) {
    size_t sign = text.find('=');
    if (sign == std::string::npos || sign == 0)
      return {LOCO_INVALID_ARGUMENT,
              "the override `" + text + "` is not of the form `name=value`"};
    options.overrides.emplace_back(text.substr(0, sign), text.substr(sign + 1));
  }
  return {};
}

/// Target and precision, which depend on each other.
static Outcome readMachine(const LocoModelOptions &given,
                           EmbeddingOptions &options) {
  if (given.target < 0 || given.target > LOCO_INTERPRETER)
    return {LOCO_INVALID_ARGUMENT,
            "there is no target " + std::to_string(given.target)};
  options.isReference = given.target == LOCO_INTERPRETER;
  if (given.precision != 0 && given.precision != LOCO_F32 &&
      given.precision != LOCO_F64)
    return {LOCO_INVALID_ARGUMENT, "the precision is neither F32 nor F64"};
  if (options.isReference && given.precision == LOCO_F32)
    return {LOCO_UNSUPPORTED, "the interpreter computes in F64 only"};
  options.precision = options.isReference || given.precision == LOCO_F64
                          ? ElementType::F64
                          : ElementType::F32;
  if (given.memory < 0)
    return {LOCO_OUT_OF_RANGE, "the memory is less than nothing"};
  options.memory = given.memory;
  if (given.cacheFolder)
    options.cacheFolder = given.cacheFolder;
  return {};
}

static Outcome compile(EmbeddingOptions options, const LocoModelOptions *given,
                       LocoModel **model, std::string &report) {
  LocoModelOptions own{};
  if (given)
    if (Outcome failed = readStruct("LocoModelOptions", given, optionsV1, own))
      return failed;
  if (Outcome failed = readMachine(own, options))
    return failed;
  if (Outcome failed = readOverrides(own, options))
    return failed;
  if (Outcome failed = readTexts(own.includeFolders, own.numIncludeFolders,
                                 "include folder", options.includeFolders))
    return failed;
  if (own.model)
    options.model = own.model;
  options.seed = own.seed;
  auto pool = own.threads ? own.threads->pool : std::make_shared<ThreadPool>(1);
  std::unique_ptr<EmbeddedModel> made;
  if (Outcome failed =
          EmbeddedModel::create(options, std::move(pool), made, report))
    return failed;
  *model = new LocoModel{std::move(made)};
  return {};
}

LocoStatus locoCompileModel(const char *name, const char *text,
                            const LocoModelOptions *options, LocoModel **model,
                            LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed = checkPointers({{"text", text}, {"model", model}}))
      return failed;
    // Places in a program are 32 bits wide.
    if (std::strlen(text) > (size_t(1) << 30))
      return {LOCO_OUT_OF_RANGE, "the program is larger than 1 GiB"};
    EmbeddingOptions program;
    program.name = name ? name : "model";
    program.text = text;
    std::string report;
    if (Outcome failed = compile(std::move(program), options, model, report))
      return failed;
    return {LOCO_OK, std::move(report)};
  });
}

LocoStatus locoCompileModelFile(const char *path,
                                const LocoModelOptions *options,
                                LocoModel **model, LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed = checkPointers({{"path", path}, {"model", model}}))
      return failed;
    EmbeddingOptions program;
    program.name = path;
    std::string report;
    if (Outcome failed = compile(std::move(program), options, model, report))
      return failed;
    return {LOCO_OK, std::move(report)};
  });
}

void locoDestroyModel(LocoModel *model) { delete model; }

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static Outcome describeTensor(const TensorEntry &tensor, LocoTensorInfo *info) {
  LocoTensorInfo own;
  if (Outcome failed = readStruct("LocoTensorInfo", info, infoV1, own))
    return failed;
  own.name = tensor.name.c_str();
  own.valueName = tensor.valueName.empty() ? nullptr : tensor.valueName.c_str();
  own.role = tensor.role;
  own.type = toConstant(tensor.type);
  own.rank = static_cast<int32_t>(tensor.shape.size());
  own.perStep = tensor.perStep;
  own.shape = tensor.shape.data();
  own.classes = tensor.classes;
  std::memcpy(info, &own, std::min(info->size, sizeof(own)));
  return {};
}

size_t locoCountTensors(const LocoModel *model) {
  return model ? model->model->getTensors().size() : 0;
}

LocoStatus locoDescribeTensor(const LocoModel *model, size_t index,
                              LocoTensorInfo *info, LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed = checkPointers({{"model", model}, {"info", info}}))
      return failed;
    const std::vector<TensorEntry> &tensors = model->model->getTensors();
    if (index >= tensors.size())
      return {LOCO_OUT_OF_RANGE,
              "the model has " + std::to_string(tensors.size()) +
                  " tensors, but no number " + std::to_string(index)};
    return describeTensor(tensors[index], info);
  });
}

LocoStatus locoFindTensor(const LocoModel *model, const char *name,
                          LocoTensorInfo *info, LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed =
            checkPointers({{"model", model}, {"name", name}, {"info", info}}))
      return failed;
    const TensorEntry *tensor = nullptr;
    if (Outcome failed = model->model->findTensor(name, "tensor", tensor))
      return failed;
    return describeTensor(*tensor, info);
  });
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

LocoStatus locoSetParameter(LocoModel *model, const char *name,
                            const LocoArray *array, LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed =
            checkPointers({{"model", model}, {"name", name}, {"array", array}}))
      return failed;
    return exclusively(*model->model, [&] {
      return model->model->setParameter(name, *array);
    });
  });
}

LocoStatus locoGetParameter(LocoModel *model, const char *name,
                            const LocoArray *array, LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed =
            checkPointers({{"model", model}, {"name", name}, {"array", array}}))
      return failed;
    return exclusively(*model->model, [&] {
      return model->model->getParameter(name, *array);
    });
  });
}

LocoStatus locoInitializeParameters(LocoModel *model, uint64_t seed,
                                    LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed = checkPointers({{"model", model}}))
      return failed;
    return exclusively(*model->model, [&] {
      return model->model->initializeParameters(seed);
    });
  });
}

LocoStatus locoLoadParameters(LocoModel *model, const char *path,
                              LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed = checkPointers({{"model", model}, {"path", path}}))
      return failed;
    return exclusively(*model->model,
                       [&] { return model->model->loadParameters(path); });
  });
}

LocoStatus locoSaveParameters(LocoModel *model, const char *path,
                              LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed = checkPointers({{"model", model}, {"path", path}}))
      return failed;
    return exclusively(*model->model,
                       [&] { return model->model->saveParameters(path); });
  });
}

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

static LocoStatus callBatch(LocoModel *model, const LocoBatch *batch,
                            const Wanted &wanted, LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed = checkPointers({{"model", model}, {"batch", batch}}))
      return failed;
    LocoBatch own;
    if (Outcome failed = readStruct("LocoBatch", batch, batchV1, own))
      return failed;
    return exclusively(*model->model,
                       [&] { return runBatch(*model->model, own, wanted); });
  });
}

LocoStatus locoEvaluateModel(LocoModel *model, const LocoBatch *batch,
                             const LocoNamedArray *results, size_t numResults,
                             double *loss, LocoMessage *message) {
  Wanted wanted;
  wanted.results = results;
  wanted.numResults = numResults;
  wanted.loss = loss;
  return callBatch(model, batch, wanted, message);
}

LocoStatus locoDifferentiateModel(LocoModel *model, const LocoBatch *batch,
                                  const LocoNamedArray *gradients,
                                  size_t numGradients, double *loss,
                                  LocoMessage *message) {
  Wanted wanted;
  wanted.gradients = gradients;
  wanted.numGradients = numGradients;
  wanted.loss = loss;
  return callBatch(model, batch, wanted, message);
}
