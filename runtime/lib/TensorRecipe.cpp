//===- TensorRecipe.cpp - Tensors that are drawn site by site -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/TensorRecipe.h"

#include "runtime/lib/RandomSites.h"

#include <algorithm>
#include <atomic>
#include <cmath>

using namespace loco;
using Kind = RecipeStep::Kind;

namespace {

/// Sites that are made together: what the steps give of them stays in the
/// cache. Sites that a thread takes at a time: as many as fill a huge page.
constexpr int64_t chunk = 512, piece = int64_t(1) << 19;

/// Sites from which a second thread is worth being woken.
constexpr int64_t sitesForThreads = int64_t(1) << 15;

struct Piece {
  const TensorRecipe *recipe = nullptr;
  Tensor *tensor = nullptr;
  int64_t begin = 0, end = 0;
};

/// Follows one recipe on one thread.
class Follower {
public:
  Follower(const TensorRecipe &recipe, uint64_t seed)
      : recipe(recipe), seed(seed), room(recipe.steps.size() * chunk),
        values(recipe.steps.size()) {
    for (size_t i = 0; i < recipe.steps.size(); ++i) {
      const RecipeStep &step = recipe.steps[i];
      if (step.kind == Kind::Numbers && step.numbers.size() == 1)
        std::fill_n(room.data() + i * chunk, chunk, step.numbers.front());
    }
  }

  /// Values of `count` sites from `first` on, at most a chunk of them.
  const double *follow(int64_t first, int64_t count) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] =
          takeStep(recipe.steps[i], room.data() + i * chunk, first, count);
    return values.back();
  }

private:
  const double *takeStep(const RecipeStep &step, double *out, int64_t first,
                         int64_t count);

  const TensorRecipe &recipe;
  uint64_t seed;
  std::vector<double> room;
  std::vector<const double *> values;
};

} // namespace

template <typename Function>
static void apply(Function function, int64_t count, double *out) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = function(i);
}

const double *Follower::takeStep(const RecipeStep &step, double *out,
                                 int64_t first, int64_t count) {
  // Of draws and numbers they are not looked at.
  const double *x = values[step.left], *y = values[step.right];
  switch (step.kind) {
  case Kind::Numbers:
    return step.numbers.size() == 1 ? out : step.numbers.data() + first;
  case Kind::Uniform:
  case Kind::Normal:
    random::drawSites({seed, step.stream, 0}, step.kind == Kind::Normal, 0,
                      step.drawStep, first, count, out);
    break;
  case Kind::Add:
    apply([&](int64_t i) { return x[i] + y[i]; }, count, out);
    break;
  case Kind::Subtract:
    apply([&](int64_t i) { return x[i] - y[i]; }, count, out);
    break;
  case Kind::Multiply:
    apply([&](int64_t i) { return x[i] * y[i]; }, count, out);
    break;
  case Kind::Divide:
    apply([&](int64_t i) { return x[i] / y[i]; }, count, out);
    break;
  case Kind::Negate:
    apply([&](int64_t i) { return -x[i]; }, count, out);
    break;
  case Kind::Exp:
    apply([&](int64_t i) { return std::exp(x[i]); }, count, out);
    break;
  case Kind::Log:
    apply([&](int64_t i) { return std::log(x[i]); }, count, out);
    break;
  case Kind::Sqrt:
    apply([&](int64_t i) { return std::sqrt(x[i]); }, count, out);
    break;
  }
  return out;
}

static void followPiece(const Piece &part, uint64_t seed) {
  Follower follower(*part.recipe, seed);
  for (int64_t site = part.begin; site < part.end; site += chunk) {
    int64_t count = std::min(chunk, part.end - site);
    const double *values = follower.follow(site, count);
    if (part.tensor->type() == ElementType::F64)
      std::copy_n(values, count, part.tensor->as<double>() + site);
    else
      std::transform(values, values + count, part.tensor->as<float>() + site,
                     [](double value) { return static_cast<float>(value); });
  }
}

TensorMap loco::followRecipes(const std::vector<TensorRecipe> &recipes,
                              uint64_t seed, ThreadPool &pool) {
  TensorMap tensors;
  std::vector<Piece> pieces;
  int64_t sites = 0;
  for (const TensorRecipe &recipe : recipes) {
    Tensor &tensor =
        tensors.insert_or_assign(recipe.name, Tensor(recipe.type, recipe.shape))
            .first->second;
    for (int64_t begin = 0; begin < tensor.size(); begin += piece)
      pieces.push_back(
          {&recipe, &tensor, begin, std::min(begin + piece, tensor.size())});
    sites += tensor.size();
  }
  // Whoever is free takes the next: the compiler may be at work beside us.
  std::atomic<size_t> next = 0;
  auto work = [&](int) {
    for (size_t i = next++; i < pieces.size(); i = next++)
      followPiece(pieces[i], seed);
  };
  sites < sitesForThreads ? work(0) : pool.run(work);
  return tensors;
}
