//===- Variants.h - Models as run blocks want them run ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A run block may ask for another schedule of its model: `rollout x = y after
// n` feeds results back, `window n` runs a sequence in pieces, and `lyapunov`
// follows differences between states. Each way is a model of its own, made of
// the same declaration, with the same parameters and random streams:
// `M.rollout`, `M.window`, `M.rollout.window`, `M.tangent`.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_VARIANTS_H
#define COMPILER_SEMA_VARIANTS_H

#include "compiler/AST/AST.h"
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace loco::sema {

class ModelBuilder;
class Program;

/// What makes a variant of a model; the model itself has nothing of it.
struct Variant {
  /// `rollout x = y after n`.
  const ast::SettingDecl *rollout = nullptr;
  /// States begin where they were left: at the edge of a window, or, with
  /// `carry`, of a sequence.
  bool hasWindows = false;
  /// Differences between states go along; it computes nothing but the states.
  bool hasTangents = false;
  /// What asks for that, to be shown.
  SourceRange windowRange;
  /// The same for blocks that want the same; empty for the model itself.
  std::string key;
  void setKey();
};

/// What `run` asks of a model, some state of which may be carried.
Variant readVariant(const ast::RunDecl &run, const ModelBuilder &builder);

/// The variants of the models of a program, each made once.
class VariantTable {
public:
  explicit VariantTable(Program &program) : program(program) {}

  /// The builder of the model that `run` wants; `base` if it wants nothing
  /// special, or if something is wrong with the program already.
  ModelBuilder &find(const ast::RunDecl &run, ModelBuilder &base);
  /// That with tangents, if `run` saves an analysis that needs it; else null.
  ModelBuilder *findTangents(const ast::RunDecl &run, ModelBuilder &base);
  std::vector<std::unique_ptr<ModelBuilder>> &getBuilders() {
    return builders;
  }

private:
  ModelBuilder &make(Variant variant, ModelBuilder &base);
  std::string nameOf(const Variant &variant, const std::string &model);

  Program &program;
  std::vector<std::unique_ptr<ModelBuilder>> builders;
  std::map<std::string, ModelBuilder *> known;
};

} // namespace loco::sema

#endif // COMPILER_SEMA_VARIANTS_H
