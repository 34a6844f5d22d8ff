//===- TensorRecipe.h - Tensors that are drawn site by site -----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Most initial values are a draw for every site and a little arithmetic, once:
// compiling code for that takes longer than following a list of operations,
// some hundred sites at a time. Any number of threads gives the same bits.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_TENSORRECIPE_H
#define LOCO_TENSORRECIPE_H

#include "loco/Tensor.h"
#include "loco/ThreadPool.h"

namespace loco {

/// An operation on f64, the same at every site.
struct RecipeStep {
  enum class Kind {
    Numbers,
    Uniform,
    Normal,
    Add,
    Subtract,
    Multiply,
    Divide,
    Negate,
    Exp,
    Log,
    Sqrt
  };
  Kind kind = Kind::Numbers;
  /// The steps that give the operands; `right` of those that have two.
  uint32_t left = 0, right = 0;
  /// Of Numbers: one for all sites, or one for each in row-major order.
  std::vector<double> numbers;
  /// Of draws: as in loco-c/random.h.
  uint64_t stream = 0;
  uint32_t drawStep = 0;
};

/// A tensor of f32 or f64; the last step gives its values, which are rounded
/// once.
struct TensorRecipe {
  std::string name;
  ElementType type = ElementType::F32;
  Shape shape;
  std::vector<RecipeStep> steps;
};

/// The tensors of all recipes, by name. Draws are those of sample 0 and update
/// 0 of the seed.
TensorMap followRecipes(const std::vector<TensorRecipe> &recipes, uint64_t seed,
                        ThreadPool &pool);

} // namespace loco

#endif // LOCO_TENSORRECIPE_H
