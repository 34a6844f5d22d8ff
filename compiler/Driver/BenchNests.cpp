//===- BenchNests.cpp - Where the time of a kernel goes ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/BenchNests.h"

#include <map>
#include <numeric>
#include <tuple>

using namespace mlir;
using namespace loco;

/// Ticks by place, kind and loop, as shares of all; small ones are left out.
static std::vector<NestShare> sumUp(const std::vector<TimedNest> &nests,
                                    const std::vector<double> &ticks) {
  constexpr double least = 0.002;
  using Key = std::tuple<unsigned, std::string, bool>;
  std::map<Key, double> sums;
  for (auto [nest, spent] : llvm::zip_equal(nests, ticks))
    sums[{nest.loop, nest.place, nest.isCall}] += spent;
  double all = std::accumulate(ticks.begin(), ticks.end(), 0.0);
  std::vector<NestShare> shares;
  for (const auto &[key, spent] : sums)
    if (const auto &[loop, place, isCall] = key; spent >= least * all)
      shares.push_back({{place, isCall, loop}, spent / all});
  llvm::stable_sort(shares, [](const NestShare &left, const NestShare &right) {
    return left.share > right.share;
  });
  return shares;
}

Expected<std::vector<NestShare>>
loco::timeNests(const CompiledKernel &kernel, func::FuncOp planned,
                const TensorMap &parameters, const Batch &batch, uint64_t seed,
                ThreadPool &pool) {
  Signature signature = readSignature(planned, ElementType::F32);
  TensorMap presets = makePresets(signature, batch);
  KernelBatch work;
  work.samples = batch.samples;
  work.steps = batch.steps;
  work.seed = seed;
  work.sampleIndex = batch.sampleIndex.data();
  const float one = 1;
  for (BlockArgument argument : planned.getArguments()) {
    auto name = planned.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                     "loco.name");
    // What is no input is the weight of a sample.
    const void *data =
        isa<RankedTensorType>(argument.getType()) ? &one : nullptr;
    for (const TensorMap *values :
         {&parameters, &batch.inputs, static_cast<const TensorMap *>(&presets)})
      if (auto found = values->find(name ? name.str() : "");
          found != values->end())
        data = found->second.data();
    work.arguments.push_back(data);
  }
  std::vector<Tensor> results;
  for (const KernelOperand &operand : kernel.kernel.results) {
    int64_t samples =
        operand.kind == KernelOperand::Kind::Sample ? batch.samples : 1;
    results.emplace_back(
        operand.type,
        Shape{samples * operand.elements(std::max<int64_t>(batch.steps, 1))});
  }
  for (Tensor &result : results)
    work.results.push_back(result.data());
  KernelExecutor executor(kernel.kernel, pool);
  const std::vector<TimedNest> &nests = kernel.texts.nests;
  // The first run meets cold memory.
  for (int i = 0; i < 2; ++i) {
    takeNestTicks(nests.size());
    if (Status failed = executor.run(work))
      return failed.error();
  }
  return sumUp(nests, takeNestTicks(nests.size()));
}
