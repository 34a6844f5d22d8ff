//===- ToyProgram.h - Models with gradients in closed form ------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stand-ins for a compiled model. With inputs x [features] per step and a
// target t per sample, parameters w [features], b and gain.raw, and noise n
// drawn per sample:
//
//   linear:      y = mean over steps of (w . x) + b
//   nonlinear:   y = relu(gain.raw) tanh(that)
//   loss       = (y + 0.01 n - t)^2
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_TEST_RUNTIME_TOYPROGRAM_H
#define LOCO_TEST_RUNTIME_TOYPROGRAM_H

#include "loco-c/random.h"
#include "loco/Program.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <thread>

namespace loco {

class ToyProgram : public Program {
public:
  ToyProgram(int64_t features, bool nonlinear,
             ElementType type = ElementType::F32)
      : features(features), nonlinear(nonlinear), type(type) {
    specs = {{"w", ArgumentRole::Param, type, {features}},
             {"b", ArgumentRole::Param, type, {}},
             {"scale", ArgumentRole::Frozen, type, {}},
             {"x", ArgumentRole::Input, type, {features}, true},
             {"t", ArgumentRole::Input, type, {}}};
    if (nonlinear)
      specs.push_back({"gain.raw", ArgumentRole::Param, type, {}});
    outputs = {{"loss", ResultRole::Loss, type, {}}};
  }

  const std::vector<ArgumentSpec> &arguments() const override { return specs; }
  const std::vector<ResultSpec> &results() const override { return outputs; }

  Expected<TensorMap> initialParameters(uint64_t seed) override {
    TensorMap values;
    for (const ArgumentSpec &spec : specs)
      if (spec.role != ArgumentRole::Input)
        values.emplace(spec.name, Tensor(type, spec.shape));
    LocoRandomKey key = {seed, locoRandomStream("w"), 0};
    std::vector<float> draws(features);
    locoRandomNormal(&key, 0, 0, features, draws.data());
    for (int64_t i = 0; i < features; ++i)
      values.at("w").set(i, 0.1 * draws[i]);
    values.at("scale").set(0, 1);
    if (nonlinear)
      values.at("gain.raw").set(0, initialGain);
    return values;
  }

  Status run(const TensorMap &parameters, const Batch &batch,
             const Request &request, Reply &reply) override {
    if (beforeRun)
      beforeRun(request.update);
    reply.loss = 0;
    std::vector<double> dw(features);
    double db = 0, dgain = 0;
    for (int64_t sample = 0; sample < batch.samples; ++sample)
      addSample(parameters, batch, request, sample, reply.loss, dw, db, dgain);
    reply.loss /= batch.samples;
    reply.gradients.clear();
    for (const std::string &name : request.gradients) {
      Tensor gradient(type, parameters.at(name).shape());
      for (int64_t i = 0; i < gradient.size(); ++i)
        gradient.set(i, (name == "w"   ? dw[i]
                         : name == "b" ? db
                                       : dgain) /
                            batch.samples);
      reply.gradients.emplace(name, gradient);
    }
    if (afterRun)
      afterRun(request.update, reply);
    return {};
  }

  double initialGain = 1;
  /// For what a test wants to go wrong.
  std::function<void(uint64_t update)> beforeRun;
  std::function<void(uint64_t update, Reply &reply)> afterRun;

private:
  void addSample(const TensorMap &parameters, const Batch &batch,
                 const Request &request, int64_t sample, double &loss,
                 std::vector<double> &dw, double &db, double &dgain) {
    const Tensor &x = batch.inputs.at("x"), &w = parameters.at("w");
    std::vector<double> mean(features);
    for (int64_t step = 0; step < batch.steps; ++step)
      for (int64_t i = 0; i < features; ++i)
        mean[i] +=
            x.at((sample * batch.steps + step) * features + i) / batch.steps;
    double drive = parameters.at("b").at(0);
    for (int64_t i = 0; i < features; ++i)
      drive += w.at(i) * mean[i];
    float noise;
    LocoRandomKey key = {request.seed, locoRandomStream("n"), request.update};
    locoRandomNormal(&key, batch.sampleIndex[sample], 0, 1, &noise);
    double raw = nonlinear ? parameters.at("gain.raw").at(0) : 1;
    double gain = std::max(raw, 0.0);
    double y = nonlinear ? gain * std::tanh(drive) : drive;
    double error = y + 0.01 * noise - batch.inputs.at("t").at(sample);
    double slope =
        nonlinear ? gain * (1 - std::tanh(drive) * std::tanh(drive)) : 1;
    loss += error * error;
    for (int64_t i = 0; i < features; ++i)
      dw[i] += 2 * error * slope * mean[i];
    db += 2 * error * slope;
    dgain += raw > 0 ? 2 * error * std::tanh(drive) : 0;
  }

  int64_t features;
  bool nonlinear;
  ElementType type;
  std::vector<ArgumentSpec> specs;
  std::vector<ResultSpec> outputs;
};

/// x and t of `samples` samples that a linear model with the weights
/// w[i] = 1 / (1 + i) and b = 0.5 explains.
inline TensorMap toyData(int64_t samples, int64_t steps, int64_t features) {
  Tensor x(ElementType::F32, {samples, steps, features});
  Tensor t(ElementType::F32, {samples});
  LocoRandomKey key = {99, locoRandomStream("x"), 0};
  locoRandomNormal(&key, 0, 0, x.size(), x.as<float>());
  for (int64_t sample = 0; sample < samples; ++sample) {
    double sum = 0.5;
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t i = 0; i < features; ++i)
        sum += x.at((sample * steps + step) * features + i) / (1.0 + i) / steps;
    t.set(sample, sum);
  }
  TensorMap data;
  data.emplace("x", x);
  data.emplace("t", t);
  return data;
}

} // namespace loco

#endif // LOCO_TEST_RUNTIME_TOYPROGRAM_H
