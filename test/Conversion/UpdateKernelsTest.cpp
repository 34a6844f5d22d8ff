//===- UpdateKernelsTest.cpp - An optimiser's kernels, emulated -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels give the same bits as the optimiser of the processor, which is
// held to PyTorch's arithmetic by test/Runtime/OptimizerTest.cpp.
//
// RUN: loco-test-update-kernels
//
//   loco-test-update-kernels sm_90 f32
//
// prints their PTX (update-kernels-ptx.test).
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/UpdateKernels.h"
#include "compiler/JIT/CompileGPU.h"
#include "loco/Optimizer.h"
#include "runtime/lib/cuda/UpdateTables.h"
#include "test/Emulator/Emulator.h"
#include "test/Runtime/Check.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

using namespace mlir;
using namespace loco;
using namespace loco::cuda;

/// Around what a thread, a block and a piece hold.
static const int64_t sizes[] = {1, 5, 17, 127, 300, 4095, 4096, 4097, 8321};

static uint64_t addressOf(const void *memory) {
  return reinterpret_cast<uint64_t>(memory);
}

static TensorMap randomTensors(const std::vector<ArgumentSpec> &arguments,
                               double scale, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0, scale);
  TensorMap tensors;
  for (const ArgumentSpec &argument : arguments) {
    Tensor tensor(argument.type, argument.shape);
    for (int64_t i = 0; i < tensor.size(); ++i)
      if (argument.type == ElementType::F64)
        tensor.as<double>()[i] = normal(generator);
      else
        tensor.as<float>()[i] = static_cast<float>(normal(generator));
    tensors.insert_or_assign(argument.name, std::move(tensor));
  }
  return tensors;
}

static bool areSame(const TensorMap &a, const TensorMap &b) {
  for (const auto &[name, tensor] : a)
    if (std::memcmp(tensor.data(), b.at(name).data(),
                    static_cast<size_t>(tensor.size()) *
                        (tensor.type() == ElementType::F64 ? 8 : 4)) != 0)
      return false;
  return true;
}

namespace {
/// What the run-time does, on emulated kernels.
class Updates {
public:
  Updates(EmulatedModule &kernels, const Optimizer &optimizer, bool isReversed)
      : kernels(kernels), optimizer(optimizer), isReversed(isReversed) {}

  Status update(TensorMap &parameters, TensorMap &state,
                const TensorMap &gradients, const std::vector<char> &losses,
                int64_t samples, int64_t number, double rateFactor);
  UpdateOutcome outcome;

private:
  Status launch(emulation::Machine &machine, const char *name,
                std::vector<uint64_t> arguments, int64_t blocks) {
    return kernels.launch(machine, name, arguments.data(),
                          {blocks, updateThreads, 0, isReversed});
  }

  EmulatedModule &kernels;
  const Optimizer &optimizer;
  bool isReversed;
};
} // namespace

Status Updates::update(TensorMap &parameters, TensorMap &state,
                       const TensorMap &gradients,
                       const std::vector<char> &losses, int64_t samples,
                       int64_t number, double rateFactor) {
  const OptimizerOptions &options = optimizer.settings();
  std::vector<std::string> prefixes = optimizer.statePrefixes();
  emulation::Machine machine;
  auto allow = [&](const std::string &name, const void *memory, int64_t bytes,
                   bool isWatched) {
    machine.addRegion(name, const_cast<void *>(memory), bytes, isWatched, true);
  };
  std::vector<UpdatePiece> pieces;
  for (size_t i = 0; i < optimizer.trained().size(); ++i) {
    const std::string &name = optimizer.trained()[i];
    Tensor &values = parameters.at(name);
    int64_t width = values.type() == ElementType::F64 ? 8 : 4;
    allow(name, values.data(), values.size() * width, true);
    allow("gradient", gradients.at(name).data(), values.size() * width, true);
    for (const std::string &prefix : prefixes)
      allow(prefix, state.at(prefix + name).data(), values.size() * width,
            true);
    const ParameterFactors &factors = optimizer.parameterFactors()[i];
    for (int64_t from = 0; from < values.size(); from += updatePieceSize) {
      auto at = [&](const Tensor &tensor) {
        return addressOf(tensor.data()) + static_cast<uint64_t>(from * width);
      };
      UpdatePiece piece;
      piece.values = at(values);
      piece.gradient = at(gradients.at(name));
      if (!prefixes.empty())
        piece.first = at(state.at(prefixes[0] + name));
      if (prefixes.size() > 1)
        piece.second = at(state.at(prefixes[1] + name));
      piece.count = std::min(updatePieceSize, values.size() - from);
      piece.rate = factors.rate;
      piece.coupledDecay = factors.coupledDecay;
      piece.decoupledDecay = factors.decoupledDecay;
      pieces.push_back(piece);
    }
  }
  AdamCorrections corrections(options, number);
  UpdateNumbers numbers = {rateFactor,       corrections.step,
                           corrections.root, options.clipValue,
                           options.clipNorm, options.beta1,
                           options.beta2,    options.epsilon,
                           options.momentum, double(options.nesterov)};
  auto count = static_cast<int64_t>(pieces.size());
  std::vector<double> sums(updateSums(count, normParts));
  allow("pieces", pieces.data(), count * int64_t(sizeof(UpdatePiece)), false);
  allow("numbers", &numbers, sizeof(numbers), false);
  allow("sums", sums.data(), int64_t(sums.size()) * 8, true);
  allow("outcome", &outcome, sizeof(outcome), true);
  allow("losses", losses.data(), int64_t(losses.size()), false);
  uint64_t table = addressOf(pieces.data()), common = addressOf(&numbers),
           parts = addressOf(sums.data()), found = addressOf(&outcome);
  if (Status failed = launch(
          machine, "loco_squares", {table, uint64_t(count), common, parts},
          (count * normParts + updateThreads - 1) / updateThreads))
    return failed;
  if (Status failed = launch(machine, "loco_norm",
                             {parts, uint64_t(count), addressOf(losses.data()),
                              uint64_t(samples), common, found},
                             1))
    return failed;
  const char *rule = options.method == OptimizerOptions::Method::Adam
                         ? "loco_adam"
                     : options.momentum > 0 ? "loco_momentum"
                                            : "loco_descend";
  return launch(machine, rule, {table, common, found}, count);
}

/// So many losses, of which one may be something else.
static std::vector<char> makeLosses(bool isF64, int64_t samples, double last) {
  std::vector<char> losses(samples * 8);
  for (int64_t i = 0; i < samples; ++i)
    if (isF64)
      reinterpret_cast<double *>(losses.data())[i] =
          i + 1 < samples ? 0.5 : last;
    else
      reinterpret_cast<float *>(losses.data())[i] =
          i + 1 < samples ? 0.5f : static_cast<float>(last);
  return losses;
}

static void check(EmulatedModule &kernels, const OptimizerOptions &options,
                  bool isF64, bool isReversed) {
  std::vector<ArgumentSpec> arguments;
  ElementType type = isF64 ? ElementType::F64 : ElementType::F32;
  for (int64_t size : sizes)
    arguments.push_back(
        {"p" + std::to_string(size), ArgumentRole::Param, type, Shape{size}});
  ThreadPool pool(1);
  Optimizer optimizer = require(Optimizer::create(options, arguments, pool));
  TensorMap expected = randomTensors(arguments, 1, 1), found = expected;
  TensorMap state = optimizer.state();
  constexpr int64_t samples = 300;
  std::vector<char> losses = makeLosses(isF64, samples, 0.5);
  Updates updates(kernels, optimizer, isReversed);
  for (int64_t number = 1; number <= 3; ++number) {
    TensorMap gradients = randomTensors(arguments, 0.3, 1 + number);
    double factor = 1.0 / double(number);
    CHECK_SUCCESS(updates.update(found, state, gradients, losses, samples,
                                 number, factor));
    double norm = optimizer.gradientNorm(gradients);
    optimizer.update(expected, gradients, norm, factor);
    CHECK_EQUAL(updates.outcome.norm, norm);
    CHECK_EQUAL(updates.outcome.isGood, 1.0);
    CHECK(areSame(expected, found));
    CHECK(areSame(optimizer.state(), state));
  }
  // What is not finite changes nothing.
  for (double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    TensorMap gradients = randomTensors(arguments, 0.3, 9);
    CHECK_SUCCESS(updates.update(found, state, gradients,
                                 makeLosses(isF64, samples, bad), samples, 4,
                                 1));
    CHECK_EQUAL(updates.outcome.isGood, 0.0);
    Tensor &gradient = gradients.at("p4097");
    if (isF64)
      gradient.as<double>()[4096] = bad;
    else
      gradient.as<float>()[4096] = static_cast<float>(bad);
    CHECK_SUCCESS(
        updates.update(found, state, gradients, losses, samples, 4, 1));
    CHECK_EQUAL(updates.outcome.isGood, 0.0);
    CHECK(!std::isfinite(updates.outcome.norm));
    CHECK(areSame(expected, found));
    CHECK(areSame(optimizer.state(), state));
  }
}

/// Of each rule, with each thing that is done to gradients and values.
static std::vector<OptimizerOptions> makeOptions() {
  std::vector<OptimizerOptions> all;
  for (int method = 0; method < 4; ++method) {
    OptimizerOptions options;
    options.rate = 0.05;
    if (method == 3)
      options.method = OptimizerOptions::Method::Adam;
    options.momentum = method == 1 || method == 2 ? 0.9 : 0;
    options.nesterov = method == 2;
    all.push_back(options);
    options.coupledDecay = 0.1;
    options.clipNorm = 1;
    options.rules = {
        {"p17", 0.2}, {"p300", {}, true}, {"p4096", {}, false, 0.3}};
    all.push_back(options);
    options.coupledDecay = 0;
    options.decoupledDecay = 0.2;
    options.decouplesDecay = true;
    options.clipValue = 0.25;
    all.push_back(options);
    options.clipNorm = 0;
    all.push_back(options);
  }
  return all;
}

static int printPTX(const char *architecture, const std::string &precision) {
  GPUCompileOptions options;
  options.architecture = architecture;
  auto ptx = compileUpdatesForGPU(precision == "f64", options);
  if (!ptx) {
    std::cerr << llvm::toString(ptx.takeError()) << "\n";
    return 1;
  }
  std::cout << *ptx;
  return 0;
}

int main(int count, char **words) {
  if (count == 3)
    return printPTX(words[1], words[2]);
  for (bool isF64 : {false, true}) {
    MLIRContext context(MLIRContext::Threading::DISABLED);
    context.loadDialect<gpu::GPUDialect, LLVM::LLVMDialect, arith::ArithDialect,
                        math::MathDialect, scf::SCFDialect,
                        cf::ControlFlowDialect>();
    auto kernels = EmulatedModule::create(makeUpdateKernels(context, isF64));
    if (!kernels) {
      std::cerr << llvm::toString(kernels.takeError()) << "\n";
      return 1;
    }
    for (const OptimizerOptions &options : makeOptions())
      check(**kernels, options, isF64, options.clipNorm > 0);
  }
  return checksFailed();
}
