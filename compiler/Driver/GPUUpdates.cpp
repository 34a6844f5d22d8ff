//===- GPUUpdates.cpp - An optimiser's updates on a GPU -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/GPUUpdates.h"

#include "llvm/ADT/STLExtras.h"

using namespace loco;

/// Values and state of at most so many bytes come back with each update: their
/// copy takes less than it takes to start one.
static constexpr int64_t mirrorBytes = int64_t(256) << 10;

Expected<std::unique_ptr<GPUUpdates>>
GPUUpdates::create(const CudaUpdateCode &code, const Signature &signature,
                   const ResidentRequest &request, int64_t memory) {
  std::unique_ptr<GPUUpdates> made(new GPUUpdates());
  const Optimizer &optimizer = request.optimizer;
  made->prefixes = optimizer.statePrefixes();
  made->state = optimizer.state();
  std::vector<CudaParameter> parameters;
  for (const ArgumentSpec &argument : signature.arguments) {
    if (argument.role == ArgumentRole::Input)
      continue;
    const Tensor &value = request.parameters.at(argument.name);
    CudaParameter parameter;
    parameter.elements = value.size();
    parameter.values = value.data();
    parameter.type = value.type();
    auto learned = llvm::find(optimizer.trained(), argument.name);
    parameter.isLearned = learned != optimizer.trained().end();
    if (parameter.isLearned) {
      parameter.factors = optimizer.parameterFactors()[std::distance(
          optimizer.trained().begin(), learned)];
      for (const std::string &prefix : made->prefixes)
        parameter.state.push_back(
            made->state.at(prefix + argument.name).data());
    }
    parameters.push_back(parameter);
    made->names.push_back(argument.name);
    made->isLearned.push_back(parameter.isLearned);
  }
  auto kept =
      CudaParameters::create(code, optimizer.settings(), parameters, memory);
  if (!kept)
    return kept.error();
  if (!*kept)
    return std::unique_ptr<GPUUpdates>();
  made->parameters = std::move(*kept);
  made->mirrored = made->parameters->learnedBytes() <= mirrorBytes;
  made->watched = request.watched;
  for (const std::string &name :
       made->mirrored ? optimizer.trained() : request.watched)
    made->values.emplace(name, request.parameters.at(name));
  if (!made->mirrored)
    made->state.clear();
  return made;
}

/// Everything that is learned, to tensors of these names where there are some.
std::vector<CudaParameters::Wanted> GPUUpdates::wantAll(TensorMap &values,
                                                        TensorMap &state) {
  auto dataOf = [](TensorMap &tensors, const std::string &name) -> void * {
    auto found = tensors.find(name);
    return found == tensors.end() ? nullptr : found->second.data();
  };
  std::vector<CudaParameters::Wanted> wanted;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!isLearned[i])
      continue;
    CudaParameters::Wanted one{i, dataOf(values, names[i]), {}};
    for (const std::string &prefix : prefixes)
      one.state.push_back(dataOf(state, prefix + names[i]));
    wanted.push_back(std::move(one));
  }
  return wanted;
}

CudaUpdate GPUUpdates::describe(const Signature &signature,
                                const std::vector<std::string> &results,
                                const std::vector<std::string> &gradients) {
  CudaUpdate update{*parameters};
  auto numberOf = [](const std::vector<std::string> &all,
                     const std::string &name) {
    auto found = llvm::find(all, name);
    return found == all.end()
               ? -1
               : static_cast<int>(std::distance(all.begin(), found));
  };
  for (auto [spec, position] :
       llvm::zip_equal(signature.arguments, signature.argumentPositions)) {
    if (spec.role == ArgumentRole::Input)
      continue;
    int gradient = numberOf(gradients, spec.name);
    update.arguments.push_back(static_cast<int>(position));
    update.gradients.push_back(
        gradient < 0 ? -1 : static_cast<int>(results.size()) + gradient);
  }
  update.loss = numberOf(results, signature.getLossName());
  update.isWanted.assign(results.size(), true);
  for (const std::string &name : gradients) {
    const ArgumentSpec &spec = *signature.findArgument(name);
    update.isWanted.push_back(spec.role == ArgumentRole::Input ||
                              llvm::is_contained(watched, name));
  }
  update.watched = wantAll(values, state);
  return update;
}

Status GPUUpdates::fetch(TensorMap &into, TensorMap &stateInto) {
  if (mirrored) {
    fetchWatched(into);
    for (const auto &[name, tensor] : state)
      stateInto[name] = tensor;
    return {};
  }
  // Into new tensors: an error leaves the old ones as they were.
  TensorMap fetched, fetchedState;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!isLearned[i])
      continue;
    const Tensor &value = into.at(names[i]);
    fetched.emplace(names[i], Tensor(value.type(), value.shape()));
    for (const std::string &prefix : prefixes)
      fetchedState.emplace(prefix + names[i],
                           Tensor(value.type(), value.shape()));
  }
  if (Status failed = parameters->fetch(wantAll(fetched, fetchedState)))
    return failed;
  for (auto &[name, tensor] : fetched)
    into.at(name) = std::move(tensor);
  stateInto = std::move(fetchedState);
  return {};
}

void GPUUpdates::fetchWatched(TensorMap &into) const {
  for (const auto &[name, tensor] : values)
    into.at(name) = tensor;
}
