//===- OptimizerTest.cpp - Updates of parameters --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   loco-test-optimizer
//
// checks what can go wrong with options and state.
//
//   loco-test-optimizer run in.npz out.npz threads [key=value...]
//
// runs an optimiser for Inputs/optimizer_oracle.py: `in` holds the first value
// of every parameter and `name@t`, its gradient of update t = 0, 1, ...; `out`
// gets the last values, the state as `state:...`, and the norms.
//
//===----------------------------------------------------------------------===//

// RUN: loco-test-optimizer
// RUN: rm -rf %t && mkdir -p %t
// RUN: %python %S/Inputs/optimizer_oracle.py %t

#include "loco/Optimizer.h"
#include "loco/Files.h"
#include "test/Runtime/Check.h"

#include <cmath>
#include <limits>

using namespace loco;

static ArgumentSpec parameter(const std::string &name, Shape shape,
                              ElementType type = ElementType::F32) {
  return {name, ArgumentRole::Param, type, std::move(shape)};
}

/// Sets what `key=value` names; rules are `rate:pattern=value` and
/// `freeze:pattern=1`.
static void setOption(OptimizerOptions &options, const std::string &text) {
  size_t sign = text.find('=');
  std::string key = text.substr(0, sign), value = text.substr(sign + 1);
  if (key == "method") {
    options.method = value == "adam" ? OptimizerOptions::Method::Adam
                                     : OptimizerOptions::Method::Sgd;
    return;
  }
  double number = std::stod(value);
  if (key.rfind("rate:", 0) == 0) {
    options.rules.push_back({key.substr(5), number, false});
    return;
  }
  if (key.rfind("freeze:", 0) == 0) {
    options.rules.push_back({key.substr(7), {}, true});
    return;
  }
  const std::map<std::string, double *> fields = {
      {"rate", &options.rate},
      {"momentum", &options.momentum},
      {"beta1", &options.beta1},
      {"beta2", &options.beta2},
      {"epsilon", &options.epsilon},
      {"coupled_decay", &options.coupledDecay},
      {"decoupled_decay", &options.decoupledDecay},
      {"clip_norm", &options.clipNorm},
      {"clip_value", &options.clipValue}};
  if (key == "nesterov")
    options.nesterov = number != 0;
  else
    *fields.at(key) = number;
}

static int runCase(int argc, char **argv) {
  TensorMap input = require(readNpz(argv[2]));
  ThreadPool pool(std::stoi(argv[4]));
  OptimizerOptions options;
  for (int i = 5; i < argc; ++i)
    setOption(options, argv[i]);
  std::vector<ArgumentSpec> arguments;
  TensorMap parameters;
  for (auto &[name, tensor] : input)
    if (name.find('@') == std::string::npos) {
      arguments.push_back(parameter(name, tensor.shape(), tensor.type()));
      parameters.emplace(name, tensor);
    }
  Optimizer optimizer = require(Optimizer::create(options, arguments, pool));
  std::vector<double> norms;
  for (int t = 0;; ++t) {
    TensorMap gradients;
    for (auto &[name, tensor] : parameters)
      if (auto found = input.find(name + "@" + std::to_string(t));
          found != input.end())
        gradients.emplace(name, found->second);
    if (gradients.empty())
      break;
    norms.push_back(optimizer.gradientNorm(gradients));
    // A schedule that the oracle can repeat.
    optimizer.update(parameters, gradients, norms.back(), 1.0 / (1 + t));
  }
  for (auto &[name, tensor] : optimizer.state())
    parameters.emplace("state:" + name, tensor);
  Tensor list(ElementType::F64, {int64_t(norms.size())});
  std::copy(norms.begin(), norms.end(), list.as<double>());
  parameters.emplace("norms", list);
  if (Status failed = writeNpz(argv[3], parameters)) {
    std::cerr << failed.message() << "\n";
    return 1;
  }
  return 0;
}

static void checkOptions() {
  ThreadPool pool(1);
  std::vector<ArgumentSpec> model = {parameter("b", {3}),
                                     parameter("u.weight", {2, 3})};
  auto refused = [&](auto change, const char *text) {
    OptimizerOptions options;
    change(options);
    CHECK_ERROR(Optimizer::create(options, model, pool), text);
  };
  refused([](auto &o) { o.rate = -1; }, "`rate` is -1");
  refused([](auto &o) { o.rate = std::nan(""); }, "`rate` is nan");
  refused([](auto &o) { o.momentum = 1; }, "`momentum` is 1, expected");
  refused([](auto &o) { o.beta2 = 1.5; }, "`beta2` is 1.5, expected");
  refused([](auto &o) { o.clipNorm = -2; }, "`clip norm` is -2");
  refused([](auto &o) { o.nesterov = true; }, "`nesterov` needs a `momentum`");
  refused([](auto &o) { o.rules = {{"b", {}, false, -0.5}}; },
          "`decay of b` is -0.5");
  refused([](auto &o) { o.rules = {{"w*", 0.1, false}}; },
          "`w*` of a parameter rule matches no parameter; there are `b`, "
          "`u.weight`");
  model.push_back(parameter("count", {}, ElementType::I32));
  refused([](auto &) {}, "parameter `count` holds integers");
}

static void checkNames() {
  ThreadPool pool(1);
  std::vector<ArgumentSpec> model = {
      parameter("u.weight", {2, 3}),
      parameter("b", {3}),
      {"x", ArgumentRole::Input, ElementType::F32, {4}},
      {"omega", ArgumentRole::Frozen, ElementType::F32, {4}}};
  OptimizerOptions options;
  options.momentum = 0.9;
  Optimizer all = require(Optimizer::create(options, model, pool));
  CHECK(all.trained() == std::vector<std::string>({"b", "u.weight"}));
  CHECK(all.state().count("velocity/u.weight"));
  // The last rule that matches counts.
  options.rules = {{"*", {}, true}, {"u.*", 0.5, false}};
  Optimizer some = require(Optimizer::create(options, model, pool));
  CHECK(some.trained() == std::vector<std::string>({"u.weight"}));
  CHECK_EQUAL(some.state().size(), 1u);
}

/// A name stands for all that is below it, and for the raw tensor of a value
/// with a range; rates and decays of rules replace the optimiser's.
static void checkRules() {
  ThreadPool pool(1);
  std::vector<ArgumentSpec> model = {
      parameter("u.weight", {}), parameter("u.bias", {}),
      parameter("up", {}),       parameter("dt.raw", {}),
      parameter("v.dt.raw", {}), parameter("b", {})};
  OptimizerOptions options;
  options.rate = 0.5;
  options.coupledDecay = 0.1;
  options.rules = {{"u", 0.25}, {"u.bias", {}, false, 0.0}, {"*dt", 1.0}};
  for (bool decouples : {false, true}) {
    options.decouplesDecay = decouples;
    if (decouples)
      std::swap(options.coupledDecay, options.decoupledDecay);
    Optimizer optimizer = require(Optimizer::create(options, model, pool));
    TensorMap values, gradients;
    for (const ArgumentSpec &spec : model) {
      values[spec.name] = Tensor(ElementType::F32, {});
      values[spec.name].set(0, 2);
      gradients[spec.name] = Tensor(ElementType::F32, {});
      gradients[spec.name].set(0, 1);
    }
    optimizer.update(values, gradients, 1, 1);
    // p - r (g + d p), coupled or not: without momentum it is the same.
    auto after = [](double rate, double decay) {
      return 2 - rate * (1 + decay * 2);
    };
    CHECK_NEAR(values.at("u.weight").at(0), after(0.25, 0.1), 1e-6);
    CHECK_NEAR(values.at("u.bias").at(0), after(0.25, 0), 1e-6);
    CHECK_NEAR(values.at("up").at(0), after(0.5, 0.1), 1e-6);
    CHECK_NEAR(values.at("dt.raw").at(0), after(1, 0.1), 1e-6);
    CHECK_NEAR(values.at("v.dt.raw").at(0), after(1, 0.1), 1e-6);
    CHECK_NEAR(values.at("b").at(0), after(0.5, 0.1), 1e-6);
  }
}

static void checkNorm() {
  ThreadPool pool(2);
  std::vector<ArgumentSpec> model = {parameter("a", {100000}),
                                     parameter("b", {})};
  Optimizer optimizer =
      require(Optimizer::create(OptimizerOptions(), model, pool));
  TensorMap gradients;
  gradients.emplace("a", Tensor(ElementType::F32, {100000}));
  gradients.emplace("b", Tensor(ElementType::F32, {}));
  gradients.at("b").set(0, -3e30);
  gradients.at("a").set(77777, 4e30);
  // Squares of f32 are summed in double: no overflow.
  CHECK_NEAR(optimizer.gradientNorm(gradients) / 5e30, 1, 1e-6);
  gradients.at("a").set(99999, std::numeric_limits<double>::infinity());
  CHECK(std::isinf(optimizer.gradientNorm(gradients)));
  gradients.at("a").set(3, std::nan(""));
  CHECK(std::isnan(optimizer.gradientNorm(gradients)));
}

static void checkRestore() {
  ThreadPool pool(1);
  std::vector<ArgumentSpec> model = {parameter("b", {3})};
  OptimizerOptions options;
  options.method = OptimizerOptions::Method::Adam;
  Optimizer optimizer = require(Optimizer::create(options, model, pool));
  TensorMap state = optimizer.state();
  CHECK_SUCCESS(optimizer.restore(state, 5));
  CHECK_EQUAL(optimizer.updates(), 5);
  TensorMap other = state;
  other["first-moment/b"] = Tensor(ElementType::F32, {4});
  CHECK_FAILURE(optimizer.restore(other, 6), "`first-moment/b`", "is 4",
                "expected 3");
  other = state;
  other.erase("second-moment/b");
  CHECK_FAILURE(optimizer.restore(other, 6), "lacks `second-moment/b`");
  other = state;
  other["velocity/b"] = Tensor(ElementType::F32, {3});
  CHECK_FAILURE(optimizer.restore(other, 6), "has `velocity/b`");
  CHECK_EQUAL(optimizer.updates(), 5);
}

int main(int argc, char **argv) {
  if (argc >= 5 && std::string(argv[1]) == "run")
    return runCase(argc, argv);
  checkOptions();
  checkNames();
  checkRules();
  checkNorm();
  checkRestore();
  return checksFailed();
}
