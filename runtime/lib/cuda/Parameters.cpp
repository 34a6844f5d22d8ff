//===- Parameters.cpp - Parameters that stay on the device ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parameters.h"

#include <algorithm>

using namespace loco;
using namespace loco::cuda;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

CudaParameters::State::~State() {
  if (device.enter())
    return;
  device.driver().streamSynchronize(device.computeStream());
  if (memory)
    device.release(memory, bytes);
  if (module)
    device.driver().moduleUnload(module);
}

static int64_t bytesOf(ElementType type) {
  return type == ElementType::F64 ? 8 : 4;
}

Status
CudaParameters::State::start(const CudaUpdateCode &code,
                             const std::vector<CudaParameter> &parameters,
                             int64_t budget) {
  if (Status failed = load(code))
    return failed;
  width = bytesOf(code.precision);
  auto place = [&](int64_t size) {
    auto at = static_cast<uint64_t>(bytes);
    bytes += aligned(std::max<int64_t>(size, 1));
    return at;
  };
  places.resize(parameters.size());
  std::vector<Transfer> transfers;
  // What comes back together lies together.
  for (bool isLearned : {true, false}) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      const CudaParameter &parameter = parameters[i];
      if (parameter.isLearned != isLearned)
        continue;
      Place &made = places[i];
      made.elements = parameter.elements;
      made.isLearned = isLearned;
      made.factors = parameter.factors;
      made.bytes =
          parameter.elements * (isLearned ? width : bytesOf(parameter.type));
      auto add = [&](const void *from) {
        uint64_t at = place(made.bytes);
        transfers.push_back({at, const_cast<void *>(from), made.bytes});
        return at;
      };
      made.values = add(parameter.values);
      for (const void *from : parameter.state)
        made.state.push_back(add(from));
      for (int64_t from = 0; isLearned && from < made.elements;
           from += updatePieceSize)
        table.push_back({});
    }
    if (isLearned)
      learnedBytes = bytes;
  }
  auto count = static_cast<int64_t>(table.size());
  pieces = place(count * int64_t(sizeof(UpdatePiece)));
  numbers = place(sizeof(UpdateNumbers));
  sums = place(8 * updateSums(count, normParts));
  outcome = place(sizeof(UpdateOutcome));
  if ((budget > 0 && bytes > budget) || bytes > device.freeBytes())
    return {};
  auto taken = device.keep(bytes, "parameters and the optimiser's state");
  if (!taken)
    return taken.error();
  memory = *taken;
  for (uint64_t *at : {&pieces, &numbers, &sums, &outcome})
    *at += memory;
  for (Place &made : places) {
    made.values += memory;
    for (uint64_t &at : made.state)
      at += memory;
  }
  for (Transfer &transfer : transfers)
    transfer.address += memory;
  return device.upload(transfers, device.computeStream());
}

void CudaParameters::State::add(const std::vector<Wanted> &wanted,
                                std::vector<Transfer> &transfers) const {
  for (const Wanted &one : wanted) {
    const Place &place = places[one.parameter];
    if (one.values)
      transfers.push_back({place.values, one.values, place.bytes});
    for (size_t i = 0; i < one.state.size(); ++i)
      if (one.state[i])
        transfers.push_back({place.state[i], one.state[i], place.bytes});
  }
}

Transfer CudaParameters::State::outcomeTo(UpdateOutcome &found) const {
  return {outcome, &found, sizeof(found)};
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

Status CudaParameters::State::load(const CudaUpdateCode &code) {
  const Driver &driver = device.driver();
  const char *method = options.method == OptimizerOptions::Method::Adam
                           ? "loco_adam"
                       : options.momentum > 0 ? "loco_momentum"
                                              : "loco_descend";
  int error =
      driver.moduleLoadDataEx(&module, code.image.c_str(), 0, nullptr, nullptr);
  const std::pair<const char *, void **> functions[] = {
      {"loco_squares", &squares}, {"loco_norm", &norm}, {method, &rule}};
  for (auto [name, function] : functions)
    if (error == 0)
      error = driver.moduleGetFunction(function, module, name);
  return driver.check(error, device.facts().name +
                                 " refuses the code of the optimiser");
}

Status
CudaParameters::State::prepare(const CudaUpdate &update,
                               const std::vector<uint64_t> &gradientsNow) {
  AdamCorrections corrections(options, update.number);
  UpdateNumbers now;
  now.rateFactor = update.rateFactor;
  now.stepCorrection = corrections.step;
  now.rootCorrection = corrections.root;
  now.clipValue = options.clipValue;
  now.clipNorm = options.clipNorm;
  now.beta1 = options.beta1;
  now.beta2 = options.beta2;
  now.epsilon = options.epsilon;
  now.momentum = options.momentum;
  now.nesterov = options.nesterov;
  std::vector<Transfer> transfers;
  if (gradients != gradientsNow) {
    gradients = gradientsNow;
    size_t piece = 0;
    for (size_t i = 0; i < places.size(); ++i) {
      const Place &place = places[i];
      for (int64_t from = 0; place.isLearned && from < place.elements;
           from += updatePieceSize) {
        auto before = static_cast<uint64_t>(from * width);
        UpdatePiece &made = table[piece++];
        made.values = place.values + before;
        made.gradient = gradients[i] + before;
        made.first = place.state.empty() ? 0 : place.state[0] + before;
        made.second = place.state.size() < 2 ? 0 : place.state[1] + before;
        made.count = std::min(updatePieceSize, place.elements - from);
        made.rate = place.factors.rate;
        made.coupledDecay = place.factors.coupledDecay;
        made.decoupledDecay = place.factors.decoupledDecay;
      }
    }
    transfers.push_back(
        {pieces, table.data(), int64_t(table.size() * sizeof(UpdatePiece))});
  }
  transfers.push_back({numbers, &now, sizeof(now)});
  return device.upload(transfers, device.computeStream());
}

Status CudaParameters::State::startKernel(void *function,
                                          std::vector<uint64_t> arguments,
                                          int64_t blocks) {
  std::vector<void *> pointers;
  for (uint64_t &argument : arguments)
    pointers.push_back(&argument);
  return device.driver().check(
      device.driver().launchKernel(
          function, static_cast<unsigned>(blocks), 1, 1, updateThreads, 1, 1, 0,
          device.computeStream(), pointers.data(), nullptr),
      "the optimiser's kernels cannot be started");
}

Status CudaParameters::State::launch(uint64_t losses, int64_t samples) {
  uint64_t count = table.size();
  if (Status failed = startKernel(
          squares, {pieces, count, numbers, sums},
          (int64_t(count) * normParts + updateThreads - 1) / updateThreads))
    return failed;
  if (Status failed =
          startKernel(norm,
                      {sums, count, losses, static_cast<uint64_t>(samples),
                       numbers, outcome},
                      1))
    return failed;
  return startKernel(rule, {pieces, numbers, outcome}, int64_t(count));
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

CudaParameters::CudaParameters(std::unique_ptr<State> state)
    : state(std::move(state)) {}

CudaParameters::~CudaParameters() {
  Device &device = state->device;
  std::lock_guard<std::mutex> lock(device.turn);
  state.reset();
}

int64_t CudaParameters::bytes() const { return state->bytes; }
int64_t CudaParameters::learnedBytes() const { return state->learnedBytes; }

Expected<std::unique_ptr<CudaParameters>> CudaParameters::create(
    const CudaUpdateCode &code, const OptimizerOptions &options,
    const std::vector<CudaParameter> &parameters, int64_t budget) {
  auto device = Device::open();
  if (!device)
    return device.error();
  std::lock_guard<std::mutex> lock((*device)->turn);
  if (Status failed = (*device)->enter())
    return failed.error();
  auto state = std::make_unique<State>(**device, options);
  if (Status failed = state->start(code, parameters, budget))
    return failed.error();
  if (!state->memory)
    return std::unique_ptr<CudaParameters>();
  return std::unique_ptr<CudaParameters>(new CudaParameters(std::move(state)));
}

Status CudaParameters::fetch(const std::vector<Wanted> &wanted) {
  std::lock_guard<std::mutex> lock(state->device.turn);
  if (Status failed = state->device.enter())
    return failed;
  std::vector<Transfer> transfers;
  state->add(wanted, transfers);
  return state->device.download(transfers, state->device.computeStream());
}
