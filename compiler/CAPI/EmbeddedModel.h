//===- EmbeddedModel.h - A model behind the C API ------------- -*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CAPI_EMBEDDEDMODEL_H
#define COMPILER_CAPI_EMBEDDEDMODEL_H

#include "compiler/CAPI/Arrays.h"
#include "compiler/Driver/ObjectCache.h"
#include "loco/Program.h"
#include "loco/ThreadPool.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace loco {

class Compilation;
class Execution;
struct InputSignature;

namespace sema {
struct Model;
} // namespace sema

/// A program and how it is compiled, with everything checked that the C API
/// can check.
struct EmbeddingOptions {
  /// What messages call the program, or its path.
  std::string name;
  /// Null: `name` is a file.
  const char *text = nullptr;
  std::string model;
  bool isReference = false;
  ElementType precision = ElementType::F32;
  std::vector<std::string> includeFolders;
  /// Names and values.
  std::vector<std::pair<std::string, std::string>> overrides;
  uint64_t seed = 0;
  int64_t memory = 0;
  /// Empty: code is not kept.
  std::string cacheFolder;
};

/// A tensor of the model as `locoDescribeTensor` shows it.
struct TensorEntry {
  std::string name, valueName;
  LocoRole role;
  ElementType type;
  Shape shape;
  bool perStep;
  int64_t classes;
};

/// A function of a model (docs/ModelIR.md), ready to run.
struct ModelPart {
  ModelPart();
  ~ModelPart();

  /// Null: the model has no such function.
  Program *program = nullptr;
  std::unique_ptr<Program> owned;
  std::unique_ptr<InputSignature> inputs;
};

class EmbeddedModel {
public:
  /// Compiles a program. `report` gets all its diagnostics.
  static Outcome create(const EmbeddingOptions &options,
                        std::shared_ptr<ThreadPool> pool,
                        std::unique_ptr<EmbeddedModel> &model,
                        std::string &report);
  ~EmbeddedModel();

  const std::vector<TensorEntry> &getTensors() const { return tensors; }
  /// The tensor called `name`, which an error calls a `what`.
  Outcome findTensor(const std::string &name, const char *what,
                     const TensorEntry *&tensor) const;

  const TensorMap &getParameters() const { return parameters; }
  Outcome setParameter(const std::string &name, const LocoArray &array);
  Outcome getParameter(const std::string &name, const LocoArray &array);
  Outcome initializeParameters(uint64_t seed);
  Outcome loadParameters(const std::string &path);
  Outcome saveParameters(const std::string &path);

  /// The whole model, the start of a sequence, one step. The last two are made
  /// when they are first asked for.
  const ModelPart &getWhole() const { return whole; }
  const ModelPart &getStart();
  const ModelPart &getStep();
  bool hasLoss() const;
  /// True if the model has a time loop.
  bool hasSteps() const;

  /// Set while a call is at work.
  std::atomic<bool> isBusy{false};
  /// Set when a call could not be brought to an end; nothing is safe then.
  bool isBroken = false;

private:
  EmbeddedModel(const EmbeddingOptions &options,
                std::shared_ptr<ThreadPool> pool);
  Outcome compile(std::string &report);
  Outcome pickModel();
  void listTensors();
  void makePart(ModelPart &part, const char *suffix);
  Outcome computeValue(const TensorEntry &parameter, Tensor &value);

  EmbeddingOptions options;
  /// Outlives everything that computes on it.
  std::shared_ptr<ThreadPool> pool;
  ObjectCache cache = ObjectCache::off("not wanted");
  std::unique_ptr<Compilation> compilation;
  const sema::Model *model = nullptr;
  std::unique_ptr<Execution> execution;
  ModelPart whole, start, step;
  bool hasStart = false, hasStep = false;
  std::vector<TensorEntry> tensors;
  TensorMap parameters;
};

} // namespace loco

#endif // COMPILER_CAPI_EMBEDDEDMODEL_H
