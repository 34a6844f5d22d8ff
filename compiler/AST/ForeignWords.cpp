//===- ForeignWords.cpp - Words of other languages ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/ForeignWords.h"
#include "llvm/ADT/STLExtras.h"

using namespace loco;
using llvm::StringRef;

namespace {

struct Translation {
  ForeignWord place;
  StringRef theirs;
  StringRef ours; ///< a name, or a hint where it has a blank
};

} // namespace

static constexpr StringRef noLoops =
    "nothing loops: sites and steps are all done, and neighbours are read as "
    "in `sum(j in near(radius = 1): z[j] - z)`";
static constexpr StringRef gaussianDraw =
    "declare it: `draw n on sheet ~ normal(0, 1) per step`; white noise in "
    "`dynamics` is `noise`";
static constexpr StringRef uniformDraw =
    "declare it: `draw u on sheet ~ uniform(0, 1) per step`; white noise in "
    "`dynamics` is `noise`";
static constexpr StringRef eventDraw =
    "declare `draw u on cells ~ uniform(0, 1) per step`; an event of "
    "probability p is `select(u < p, 1, 0)`";
static constexpr StringRef ownTime =
    "time is a state like others: `state clock = 0` and `clock' = 1`";
static constexpr StringRef noModule =
    "functions stand by themselves, as `tanh(x)`";
static constexpr StringRef laplacian =
    "write `sum(j in near(radius = 1, metric = euclid): z[j] - z)`";
static constexpr StringRef variance = "write `mean((a - mean(a))^2)`";
static constexpr StringRef everyHere = "a number fits every space: write `0`";
static constexpr StringRef matrixProduct =
    "declare `coupling W : dense(a -> b)` and write `W @ z`";

static constexpr Translation translations[] = {
    {ForeignWord::Statement, "for", noLoops},
    {ForeignWord::Statement, "while", noLoops},
    {ForeignWord::Statement, "if", "write `select(condition, a, b)`"},
    {ForeignWord::Statement, "def", "write `let f(x) = ...`"},
    {ForeignWord::Statement, "function", "write `let f(x) = ...`"},
    {ForeignWord::Statement, "import", "use"},
    {ForeignWord::Statement, "from", "write `use std.cells`"},
    {ForeignWord::Statement, "class", "model"},
    {ForeignWord::Statement, "network", "model"},
    {ForeignWord::Statement, "parameter", "param"},
    {ForeignWord::Statement, "constant", "const"},
    {ForeignWord::Statement, "var", "state"},
    {ForeignWord::Statement, "variable", "state"},
    {ForeignWord::Statement, "connect", "coupling"},
    {ForeignWord::Statement, "connection", "coupling"},
    {ForeignWord::Statement, "equations", "dynamics"},
    {ForeignWord::Statement, "ode", "dynamics"},
    {ForeignWord::Statement, "integrate", "solve"},
    {ForeignWord::Statement, "integrator", "solve"},
    {ForeignWord::Statement, "objective", "loss"},
    {ForeignWord::Statement, "cost", "loss"},
    {ForeignWord::Statement, "record", "probe"},
    {ForeignWord::Statement, "print", "probe"},
    {ForeignWord::Statement, "evaluate", "analyze"},
    {ForeignWord::Statement, "test", "analyze"},
    {ForeignWord::Value, "mse", "squared_error"},
    {ForeignWord::Value, "mse_loss", "squared_error"},
    {ForeignWord::Value, "l2_loss", "squared_error"},
    {ForeignWord::Value, "bce", "bernoulli"},
    {ForeignWord::Value, "bce_loss", "bernoulli"},
    {ForeignWord::Value, "nll", "cross_entropy"},
    {ForeignWord::Value, "crossentropy", "cross_entropy"},
    {ForeignWord::Value, "softmax_cross_entropy", "cross_entropy"},
    {ForeignWord::Value, "kl_div", "kl"},
    {ForeignWord::Value, "detach", "stop_gradient"},
    {ForeignWord::Value, "layer_norm", "layernorm"},
    {ForeignWord::Value, "where", "select"},
    {ForeignWord::Value, "clip", "clamp"},
    {ForeignWord::Value, "conv2d", "conv"},
    {ForeignWord::Value, "cat", "concat"},
    {ForeignWord::Value, "concatenate", "concat"},
    {ForeignWord::Value, "logistic", "sigmoid"},
    {ForeignWord::Value, "expit", "sigmoid"},
    {ForeignWord::Value, "rectify", "relu"},
    {ForeignWord::Value, "np", noModule},
    {ForeignWord::Value, "numpy", noModule},
    {ForeignWord::Value, "torch", noModule},
    {ForeignWord::Value, "jnp", noModule},
    {ForeignWord::Value, "math", noModule},
    {ForeignWord::Value, "nn",
     "layers stand by themselves, as `linear(x -> space)`"},
    {ForeignWord::Value, "self", "names of a model stand by themselves"},
    {ForeignWord::Value, "None", "leave it out, or write `0`"},
    {ForeignWord::Value, "True", "write `1`"},
    {ForeignWord::Value, "true", "write `1`"},
    {ForeignWord::Value, "False", "write `0`"},
    {ForeignWord::Value, "false", "write `0`"},
    {ForeignWord::Value, "lambda", "write `let f(x) = ...`"},
    {ForeignWord::Value, "t", ownTime},
    {ForeignWord::Value, "time", ownTime},
    {ForeignWord::Value, "dt",
     "give the step a name: `const dt = 0.1` and `solve rk4(dt)`"},
    {ForeignWord::Value, "normal", gaussianDraw},
    {ForeignWord::Value, "randn", gaussianDraw},
    {ForeignWord::Value, "uniform", uniformDraw},
    {ForeignWord::Value, "rand", uniformDraw},
    {ForeignWord::Value, "random", uniformDraw},
    {ForeignWord::Value, "poisson", eventDraw},
    {ForeignWord::Value, "binomial", eventDraw},
    {ForeignWord::Value, "laplacian", laplacian},
    {ForeignWord::Value, "laplace", laplacian},
    {ForeignWord::Value, "lap", laplacian},
    {ForeignWord::Value, "roll",
     "declare `coupling S : shift(1) on sheet` and write `S @ z`"},
    {ForeignWord::Value, "matmul", matrixProduct},
    {ForeignWord::Value, "dot", "write `sum(a * b)`"},
    {ForeignWord::Value, "pow", "write `a ^ n`"},
    {ForeignWord::Value, "power", "write `a ^ n`"},
    {ForeignWord::Value, "square", "write `a ^ 2`"},
    {ForeignWord::Value, "heaviside", "write `select(x > 0, 1, 0)`"},
    {ForeignWord::Value, "tan", "write `sin(x) / cos(x)`"},
    {ForeignWord::Value, "atan", "write `atan2(x, 1)`"},
    {ForeignWord::Value, "arctan", "write `atan2(x, 1)`"},
    {ForeignWord::Value, "cosh", "write `(exp(x) + exp(-x)) / 2`"},
    {ForeignWord::Value, "sinh", "write `(exp(x) - exp(-x)) / 2`"},
    {ForeignWord::Value, "log10", "write `log(x) / log(10)`"},
    {ForeignWord::Value, "log2", "write `log(x) / log(2)`"},
    {ForeignWord::Value, "round", "write `floor(x + 0.5)`"},
    {ForeignWord::Value, "mod", "write `a - b * floor(a / b)`"},
    {ForeignWord::Value, "var", variance},
    {ForeignWord::Value, "std", "write `sqrt(mean((a - mean(a))^2))`"},
    {ForeignWord::Value, "zeros", everyHere},
    {ForeignWord::Value, "ones", "a number fits every space: write `1`"},
    {ForeignWord::Setting, "lr",
     "the rate is an argument: `optimizer adam(1e-3)`"},
    {ForeignWord::Setting, "learning_rate",
     "the rate is an argument: `optimizer adam(1e-3)`"},
    {ForeignWord::Setting, "weight_decay",
     "decay is an argument: `optimizer adamw(1e-3, decay = 0.01)`"},
    {ForeignWord::Setting, "batch_size", "batch"},
    {ForeignWord::Setting, "iterations", "updates"},
    {ForeignWord::Setting, "steps", "updates"},
    {ForeignWord::Setting, "dataset", "data"},
    {ForeignWord::Setting, "scheduler", "schedule"},
    {ForeignWord::Setting, "patience", "write `stop after 10`"},
    {ForeignWord::Setting, "record",
     "`simulate` has probes: `probe z every 10`"},
    {ForeignWord::Setting, "duration", "steps"},
    {ForeignWord::Setting, "every",
     "every probe has its own: `probe z every 10`"},
};

std::string loco::hintAtForeignWord(StringRef word, ForeignWord place,
                                    llvm::ArrayRef<StringRef> names) {
  for (const Translation &known : translations) {
    if (known.place != place || !word.equals_insensitive(known.theirs))
      continue;
    if (known.ours.contains(' '))
      return known.ours.str();
    if (names.empty() || llvm::is_contained(names, known.ours))
      return ("here it is called `" + known.ours + "`").str();
  }
  return {};
}
