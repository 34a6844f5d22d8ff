//===- TensorRecipeTest.cpp - Tensors that are drawn site by site ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Recipes against the same arithmetic on whole fields: all operations, sizes
// across the edges of chunks and of what a thread takes at a time, and the same
// bits on one thread and on three.
//
//===----------------------------------------------------------------------===//

// RUN: loco-test-tensor-recipe

#include "loco/TensorRecipe.h"

#include "loco-c/random.h"
#include "test/Runtime/Check.h"

#include <cmath>
#include <cstring>

using namespace loco;
using Kind = RecipeStep::Kind;

static RecipeStep number(double value) {
  RecipeStep step;
  step.numbers = {value};
  return step;
}

static RecipeStep draw(Kind kind, uint64_t stream, uint32_t at) {
  RecipeStep step;
  step.kind = kind;
  step.stream = stream;
  step.drawStep = at;
  return step;
}

static RecipeStep combine(Kind kind, uint32_t left, uint32_t right) {
  RecipeStep step;
  step.kind = kind;
  step.left = left;
  step.right = right;
  return step;
}

static bool areSame(const Tensor &a, const Tensor &b) {
  return a.type() == b.type() && a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

/// -sqrt(exp(3 u / (log(1 + u) - 2) * n)) with u uniform and n normal.
static std::vector<RecipeStep> everyStep() {
  return {draw(Kind::Uniform, 21, 0),
          draw(Kind::Normal, 22, 5),
          number(3),
          combine(Kind::Multiply, 2, 0),
          number(1),
          combine(Kind::Add, 4, 0),
          combine(Kind::Log, 5, 5),
          number(2),
          combine(Kind::Subtract, 6, 7),
          combine(Kind::Divide, 3, 8),
          combine(Kind::Multiply, 9, 1),
          combine(Kind::Exp, 10, 10),
          combine(Kind::Sqrt, 11, 11),
          combine(Kind::Negate, 12, 12)};
}

static void checkSizes(ThreadPool &one, ThreadPool &three) {
  const uint64_t seed = 9;
  for (int64_t size : {1, 3, 511, 512, 513, 40000, (1 << 19) + 5}) {
    std::vector<double> u(size), n(size);
    LocoRandomKey uniform = {seed, 21, 0}, normal = {seed, 22, 0};
    locoRandomUniformF64(&uniform, 0, 0, size, u.data());
    locoRandomNormalF64(&normal, 0, 5, size, n.data());
    std::vector<TensorRecipe> recipes = {
        {"double", ElementType::F64, {size}, everyStep()},
        {"float", ElementType::F32, {size, 1}, everyStep()}};
    TensorMap made = followRecipes(recipes, seed, three);
    CHECK_EQUAL(made.size(), 2u);
    int64_t wrong = 0;
    for (int64_t i = 0; i < size; ++i) {
      volatile double top = 3 * u[i], below = std::log(1 + u[i]) - 2;
      volatile double ratio = top / below, product = ratio * n[i];
      double expected = -std::sqrt(std::exp(product));
      wrong += made.at("double").as<double>()[i] != expected;
      wrong += made.at("float").as<float>()[i] != static_cast<float>(expected);
    }
    CHECK_EQUAL(wrong, 0);
    TensorMap again = followRecipes(recipes, seed, one);
    for (const char *name : {"double", "float"})
      CHECK(areSame(made.at(name), again.at(name)));
  }
}

/// A list has a number for each site, in the order of sites.
static void checkLists(ThreadPool &pool) {
  RecipeStep list;
  for (int i = 0; i < 1200; ++i)
    list.numbers.push_back(0.1 * i);
  TensorMap made = followRecipes({{"list", ElementType::F64, {3, 400}, {list}},
                                  {"one", ElementType::F32, {}, {number(0.1)}},
                                  {"none", ElementType::F32, {0}, {number(1)}}},
                                 0, pool);
  for (int i = 0; i < 1200; ++i)
    CHECK_EQUAL(made.at("list").at(i), 0.1 * i);
  CHECK_EQUAL(made.at("one").at(0), double(0.1f));
  CHECK_EQUAL(made.at("none").size(), 0);
}

int main() {
  ThreadPool one(1), three(3);
  checkSizes(one, three);
  checkLists(three);
  return checksFailed();
}
