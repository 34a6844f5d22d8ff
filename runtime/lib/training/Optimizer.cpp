//===- Optimizer.cpp - Updates of parameters ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Optimizer.h"

#include "runtime/lib/training/Text.h"
#include "runtime/lib/training/UpdateLoops.h"

#include <algorithm>
#include <cmath>
#include <fnmatch.h>

using namespace loco;

/// Below this many pieces waking the threads costs more than it gains.
static constexpr size_t fewPieces = 8;

const char *loco::describe(OptimizerOptions::Method method) {
  return method == OptimizerOptions::Method::Adam ? "adam" : "sgd";
}

static Status checkAtLeastZero(const char *name, double value) {
  if (value >= 0 && std::isfinite(value))
    return {};
  return Error{"`" + std::string(name) + "` is " + describeNumber(value) +
               ", expected a finite number that is not negative"};
}

static Status checkBelowOne(const char *name, double value) {
  if (value >= 0 && value < 1)
    return {};
  return Error{"`" + std::string(name) + "` is " + describeNumber(value) +
               ", expected a number in [0, 1)"};
}

Status OptimizerOptions::check() const {
  const std::pair<const char *, double> notNegative[] = {
      {"rate", rate},
      {"epsilon", epsilon},
      {"coupled decay", coupledDecay},
      {"decoupled decay", decoupledDecay},
      {"clip norm", clipNorm},
      {"clip value", clipValue}};
  for (auto [name, value] : notNegative)
    if (Status failed = checkAtLeastZero(name, value))
      return failed;
  const std::pair<const char *, double> belowOne[] = {
      {"momentum", momentum}, {"beta1", beta1}, {"beta2", beta2}};
  for (auto [name, value] : belowOne)
    if (Status failed = checkBelowOne(name, value))
      return failed;
  if (nesterov && momentum == 0)
    return Error{"`nesterov` needs a `momentum` above 0"};
  for (const ParameterRule &rule : rules) {
    std::string of = " of " + rule.pattern;
    if (rule.rate)
      if (Status failed = checkAtLeastZero(("rate" + of).c_str(), *rule.rate))
        return failed;
    if (rule.decay)
      if (Status failed = checkAtLeastZero(("decay" + of).c_str(), *rule.decay))
        return failed;
  }
  return {};
}

/// Beside a parameter's own name there is the one of its value, without `.raw`.
static bool matches(const ParameterRule &rule, const std::string &name) {
  const std::string raw = ".raw";
  auto matchesName = [&](const std::string &candidate) {
    return candidate.rfind(rule.pattern + ".", 0) == 0 ||
           fnmatch(rule.pattern.c_str(), candidate.c_str(), FNM_NOESCAPE) == 0;
  };
  bool isRaw = name.size() > raw.size() &&
               name.compare(name.size() - raw.size(), raw.size(), raw) == 0;
  return matchesName(name) ||
         (isRaw && matchesName(name.substr(0, name.size() - raw.size())));
}

/// What the rules say of a parameter, one after the other.
static ParameterRule combineRules(const std::vector<ParameterRule> &rules,
                                  const std::string &name) {
  ParameterRule result;
  for (const ParameterRule &rule : rules) {
    if (!matches(rule, name))
      continue;
    if (rule.frozen || rule.rate)
      result.frozen = rule.frozen;
    if (rule.rate)
      result.rate = rule.rate;
    if (rule.decay)
      result.decay = rule.decay;
  }
  return result;
}

/// Every rule speaks of some parameter.
static Status checkRules(const std::vector<ParameterRule> &rules,
                         const std::vector<std::string> &parameters) {
  for (const ParameterRule &rule : rules)
    if (std::none_of(parameters.begin(), parameters.end(),
                     [&](auto &name) { return matches(rule, name); }))
      return Error{"the pattern `" + rule.pattern +
                   "` of a parameter rule matches no parameter; there are " +
                   describeNames(parameters)};
  return {};
}

AdamCorrections::AdamCorrections(const OptimizerOptions &options,
                                 int64_t number)
    : step(1 - std::pow(options.beta1, double(number))),
      root(std::sqrt(1 - std::pow(options.beta2, double(number)))) {}

/// Beginnings of the names of what is remembered of a parameter.
static std::vector<std::string>
findStatePrefixes(const OptimizerOptions &options) {
  if (options.method == OptimizerOptions::Method::Adam)
    return {"first-moment/", "second-moment/"};
  if (options.momentum > 0)
    return {"velocity/"};
  return {};
}

int64_t OptimizerOptions::heldBytes(const ArgumentSpec &parameter) const {
  int64_t bytes = numElements(parameter.shape) *
                  static_cast<int64_t>(sizeOf(parameter.type));
  if (parameter.role != ArgumentRole::Param ||
      combineRules(rules, parameter.name).frozen)
    return bytes;
  return bytes * (2 + static_cast<int64_t>(findStatePrefixes(*this).size()));
}

std::vector<std::string> Optimizer::statePrefixes() const {
  return findStatePrefixes(options);
}

Expected<Optimizer>
Optimizer::create(const OptimizerOptions &options,
                  const std::vector<ArgumentSpec> &arguments,
                  ThreadPool &pool) {
  if (Status failed = options.check())
    return failed.error();
  std::map<std::string, const ArgumentSpec *> parameters;
  std::vector<std::string> allNames;
  for (const ArgumentSpec &argument : arguments)
    if (argument.role == ArgumentRole::Param)
      parameters[argument.name] = &argument;
  for (auto &[name, argument] : parameters) {
    if (argument->type == ElementType::I32)
      return Error{"parameter `" + name +
                   "` holds integers and cannot be "
                   "learned"};
    allNames.push_back(name);
  }
  if (Status failed = checkRules(options.rules, allNames))
    return failed.error();

  Optimizer result(pool);
  result.options = options;
  for (auto &[name, argument] : parameters) {
    ParameterRule rule = combineRules(options.rules, name);
    if (rule.frozen)
      continue;
    int64_t size = numElements(argument->shape);
    for (int64_t begin = 0; begin < size; begin += updatePieceSize)
      result.pieces.push_back({result.names.size(), begin,
                               std::min(updatePieceSize, size - begin)});
    result.names.push_back(name);
    ParameterFactors factors = {rule.rate.value_or(options.rate),
                                options.coupledDecay, options.decoupledDecay};
    if (rule.decay)
      (options.decouplesDecay ? factors.decoupledDecay : factors.coupledDecay) =
          *rule.decay;
    result.factors.push_back(factors);
    for (const std::string &prefix : result.statePrefixes()) {
      result.stateNames.push_back(prefix + name);
      result.memory.emplace(prefix + name,
                            Tensor(argument->type, argument->shape));
    }
  }
  result.sums.resize(result.pieces.size());
  return result;
}

void Optimizer::forPieces(const std::function<void(size_t index)> &body) const {
  if (pieces.size() >= fewPieces)
    return pool->parallelFor(pieces.size(),
                             [&](int64_t index, int) { body(index); });
  for (size_t index = 0; index < pieces.size(); ++index)
    body(index);
}

double Optimizer::normOf(const TensorMap &gradients, double clipValue) const {
  forPieces([&](size_t index) {
    const Piece &piece = pieces[index];
    const Tensor &gradient = gradients.at(names[piece.parameter]);
    sums[index] =
        gradient.type() == ElementType::F64
            ? updates::sumOfSquares(gradient.as<double>() + piece.begin,
                                    piece.count, clipValue)
            : updates::sumOfSquares(gradient.as<float>() + piece.begin,
                                    piece.count, clipValue);
  });
  double sum = 0;
  for (double part : sums)
    sum += part;
  return std::sqrt(sum);
}

double Optimizer::gradientNorm(const TensorMap &gradients) const {
  return normOf(gradients, 0);
}

template <typename T>
void Optimizer::updatePiece(const Piece &piece, TensorMap &parameters,
                            const TensorMap &gradients, double normScale,
                            double scheduleFactor) {
  const std::string &name = names[piece.parameter];
  const ParameterFactors &of = factors[piece.parameter];
  double rate = of.rate * scheduleFactor;
  size_t states = stateNames.size() / names.size();
  auto memoryOf = [&](size_t state) {
    return memory.at(stateNames[piece.parameter * states + state]).as<T>() +
           piece.begin;
  };
  T *values = parameters.at(name).as<T>() + piece.begin;
  T gradient[updatePieceSize];
  std::copy_n(gradients.at(name).as<T>() + piece.begin, piece.count, gradient);
  if (options.clipValue > 0)
    updates::clamp(gradient, piece.count, T(options.clipValue));
  if (normScale != 1)
    updates::scale(gradient, piece.count, T(normScale));
  if (of.coupledDecay > 0)
    updates::addScaled(gradient, values, piece.count, T(of.coupledDecay));
  if (of.decoupledDecay > 0)
    updates::scale(values, piece.count, T(1 - rate * of.decoupledDecay));

  if (options.method == OptimizerOptions::Method::Adam)
    updates::adam(values, gradient, memoryOf(0), memoryOf(1), piece.count,
                  updates::AdamFactors<T>(
                      rate, options, AdamCorrections(options, numUpdates)));
  else if (options.momentum == 0)
    updates::addScaled(values, gradient, piece.count, T(-rate));
  else
    updates::momentum(values, gradient, memoryOf(0), piece.count,
                      T(rate), T(options.momentum), options.nesterov);
}

void Optimizer::update(TensorMap &parameters, const TensorMap &gradients,
                       double norm, double scheduleFactor) {
  ++numUpdates;
  double normScale = 1;
  if (options.clipNorm > 0) {
    if (options.clipValue > 0)
      norm = normOf(gradients, options.clipValue);
    // The small number is PyTorch's.
    normScale = std::min(1.0, options.clipNorm / (norm + 1e-6));
  }
  forPieces([&](size_t index) {
    const Piece &piece = pieces[index];
    if (parameters.at(names[piece.parameter]).type() == ElementType::F64)
      updatePiece<double>(piece, parameters, gradients, normScale,
                          scheduleFactor);
    else
      updatePiece<float>(piece, parameters, gradients, normScale,
                         scheduleFactor);
  });
}

Status Optimizer::restore(TensorMap state, int64_t updates) {
  for (auto &[name, tensor] : memory) {
    auto found = state.find(name);
    if (found == state.end())
      return Error{"the optimiser's state lacks `" + name + "`"};
    if (found->second.shape() != tensor.shape() ||
        found->second.type() != tensor.type())
      return Error{"`" + name + "` of the optimiser's state is " +
                   describe(found->second.shape()) + ", expected " +
                   describe(tensor.shape()) + " in the precision of the run"};
  }
  for (auto &[name, tensor] : state)
    if (!memory.count(name))
      return Error{"the optimiser's state has `" + name +
                   "`, which this optimiser does not use"};
  memory = std::move(state);
  numUpdates = updates;
  return {};
}
