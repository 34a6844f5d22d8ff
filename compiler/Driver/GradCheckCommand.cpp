//===- GradCheckCommand.cpp - lococ gradcheck ----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every parameter and every input is moved along a random direction, all
// elements at once, and the change of the loss is computed in three ways. Where
// they differ, the element that is to blame is found by halving the direction.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/GradientCheck.h"
#include "compiler/Driver/ModelValues.h"

#include "loco/Files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

using namespace mlir;
using namespace loco;

/// Finite differences of the interpreter hold 8 digits and more; the two modes
/// differ by rounding in f64.
static constexpr double maxForwardError = 1e-7, maxReverseError = 1e-10;

/// A finite difference that is less sure than this, relative to the terms that
/// the derivative sums up, decides nothing.
static constexpr double maxUncertainty = 1e-4;

namespace {
class GradientChecker {
public:
  explicit GradientChecker(const GradCheckOptions &options)
      : options(options), pool(1) {}

  /// Prints the table. The exit code, or what kept the check from being made.
  Expected<int> run(const Compilation &compilation);

private:
  Status prepare(const Compilation &compilation);
  Expected<TensorMap> makeParameters();
  Expected<Batch> makeInputs();
  void bindArguments();
  SmallVector<unsigned> chooseArguments() const;
  const ArgumentSpec &getSpec(unsigned argument) const;
  void addRow(TextTable &table, const GradientCheck &check) const;
  Expected<int> report(ArrayRef<GradientCheck> checks);

  Expected<double> differentiate(unsigned argument, ArrayRef<double> direction);
  Expected<std::string> findWorst(const ArgumentSpec &spec, unsigned argument);

  const GradCheckOptions &options;
  ThreadPool pool;
  const sema::Model *model = nullptr;
  std::unique_ptr<Execution> execution;
  Signature signature;
  /// The loss alone.
  func::FuncOp loss;
  TensorMap parameters;
  Batch batch;
  SmallVector<RuntimeValue> arguments;
  /// What `stop_gradient` gives for these arguments.
  HeldValues held;
};
} // namespace

//===----------------------------------------------------------------------===//
// The place
//===----------------------------------------------------------------------===//

Status GradientChecker::prepare(const Compilation &compilation) {
  Expected<const sema::Model *> picked =
      pickModel(compilation, options.program);
  if (!picked)
    return picked.error();
  model = *picked;
  if (!model->loss)
    return Error{fmt::format("`{}` has no loss to differentiate", model->name)};
  ExecutionOptions machine;
  machine.target = Target::Reference;
  machine.precision = ElementType::F64;
  auto made =
      Execution::create(*model, compilation.getSources(), machine, pool);
  if (!made)
    return made.error();
  execution = std::move(*made);
  auto function =
      execution->getModule().lookupSymbol<func::FuncOp>(model->name);
  signature = readSignature(function, ElementType::F64);
  loss = specialize(function, {signature.getLossName()}, model->name + ".loss");

  Expected<TensorMap> values = makeParameters();
  if (!values)
    return values.error();
  parameters = std::move(*values);
  Expected<Batch> inputs = makeInputs();
  if (!inputs)
    return inputs.error();
  batch = std::move(*inputs);
  bindArguments();
  return {};
}

Expected<TensorMap> GradientChecker::makeParameters() {
  Program &program = execution->getProgram();
  if (options.values.parameters.empty())
    return program.initialParameters(options.values.seed);
  Expected<TensorMap> values = readTensors(options.values.parameters);
  if (!values)
    return values;
  return importParameters(std::move(*values), *model, program.arguments());
}

Expected<Batch> GradientChecker::makeInputs() {
  InputSignature inputs = readInputSignature(
      execution->getModule().lookupSymbol<func::FuncOp>(model->name),
      execution->getProgram());
  BatchSize size{options.values.samples, options.values.steps};
  if (options.values.inputs.empty())
    return drawInputs(inputs, size, options.values.seed);
  Expected<TensorMap> values = readTensors(options.values.inputs);
  if (!values)
    return values.error();
  return fitInputs(*values, inputs, size);
}

/// The arguments of the loss for the first sample.
void GradientChecker::bindArguments() {
  arguments.assign(loss.getNumArguments(), RuntimeValue(int64_t(0)));
  batch.inputs.merge(makePresets(signature, batch));
  for (auto [spec, position] :
       llvm::zip_equal(signature.arguments, signature.argumentPositions)) {
    bool isInput = spec.role == ArgumentRole::Input;
    const Tensor &tensor =
        isInput ? batch.inputs.at(spec.name) : parameters.at(spec.name);
    ArrayRef<int64_t> shape = tensor.shape();
    Array array;
    array.shape.append(shape.begin() + isInput, shape.end());
    int64_t count = tensor.size() / (isInput ? batch.samples : 1);
    for (int64_t i = 0; i < count; ++i)
      array.values.push_back(tensor.at(i));
    arguments[position] = std::move(array);
  }
  if (signature.keyPosition)
    arguments[*signature.keyPosition] = RandomKey{options.values.seed, 0, 0};
  if (signature.stepsPosition)
    arguments[*signature.stepsPosition] = batch.steps;
}

/// Positions of the learned parameters, then the inputs that are numbers and
/// that something depends on.
SmallVector<unsigned> GradientChecker::chooseArguments() const {
  SmallVector<unsigned> positions;
  for (ArgumentRole role : {ArgumentRole::Param, ArgumentRole::Input})
    for (auto [spec, position] :
         llvm::zip_equal(signature.arguments, signature.argumentPositions))
      if (spec.role == role && spec.isSmooth())
        positions.push_back(position);
  return positions;
}

//===----------------------------------------------------------------------===//
// The place at fault
//===----------------------------------------------------------------------===//

/// The finite difference of the loss along a direction in one argument.
Expected<double> GradientChecker::differentiate(unsigned argument,
                                                ArrayRef<double> direction) {
  constexpr double step = 1e-4;
  double sum = 0;
  for (auto [factor, weight] : {std::pair(1, 8), std::pair(-1, -8),
                                std::pair(2, -1), std::pair(-2, 1)}) {
    SmallVector<RuntimeValue> moved(arguments);
    for (auto [value, change] :
         llvm::zip_equal(std::get<Array>(moved[argument]).values, direction))
      value += factor * step * change;
    ReportCollector reports(execution->getModule().getContext());
    auto results = Interpreter(execution->getModule())
                       .call(loss.getSymName(), moved, held);
    if (failed(results))
      return reports.take("the model cannot be run");
    sum += weight * std::get<Array>(results->front()).values.front();
  }
  return sum / (12 * step);
}

/// `3, 4` for an element of an array.
static std::string describeIndex(int64_t position, ArrayRef<int64_t> shape) {
  std::vector<int64_t> indices(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; position /= shape[axis])
    indices[axis] = position % shape[axis];
  return fmt::format("{}", fmt::join(indices, ", "));
}

/// Names the element whose derivative is the most wrong.
Expected<std::string> GradientChecker::findWorst(const ArgumentSpec &spec,
                                                 unsigned argument) {
  Request request;
  request.seed = options.values.seed;
  request.gradients = {spec.name};
  Reply reply;
  if (Status failed =
          execution->getProgram().run(parameters, batch, request, reply))
    return failed.error();
  const Tensor &gradient = reply.gradients.at(spec.name);
  const auto &array = std::get<Array>(arguments[argument]);
  // The reply is the gradient of the mean over all samples.
  double scale = spec.role == ArgumentRole::Input ? batch.samples : 1;

  // The first call is at the place itself and says what is held.
  held = {};
  if (Expected<double> still =
          differentiate(argument, std::vector<double>(array.values.size()));
      !still)
    return still.error();

  IndexRange range{0, static_cast<int64_t>(array.values.size())};
  auto getError = [&](IndexRange part) -> Expected<double> {
    std::vector<double> direction(array.values.size(), 0.0);
    double expected = 0;
    for (int64_t i = part.begin; i < part.end; ++i) {
      direction[i] = i % 2 ? 1.0 : 0.7;
      expected += direction[i] * scale * gradient.at(i);
    }
    Expected<double> difference = differentiate(argument, direction);
    if (!difference)
      return difference;
    return std::fabs(*difference - expected);
  };
  while (range.end - range.begin > 1) {
    int64_t middle = (range.begin + range.end) / 2;
    Expected<double> low = getError({range.begin, middle});
    Expected<double> high = getError({middle, range.end});
    if (!low || !high)
      return low ? high.error() : low.error();
    (*low >= *high ? range.end : range.begin) = middle;
  }
  std::vector<double> direction(array.values.size(), 0.0);
  direction[range.begin] = 1;
  Expected<double> difference = differentiate(argument, direction);
  if (!difference)
    return difference.error();
  return fmt::format("`{}[{}]`: finite difference {:.9g}, reverse mode {:.9g}",
                     spec.name, describeIndex(range.begin, array.shape),
                     *difference, scale * gradient.at(range.begin));
}

//===----------------------------------------------------------------------===//
// The report
//===----------------------------------------------------------------------===//

static const char *judge(const GradientCheck &check) {
  if (!std::isfinite(check.finiteDifference + check.forward + check.reverse))
    return "not finite";
  if (check.getForwardError() > maxForwardError ||
      check.getReverseError() > maxReverseError)
    return "wrong";
  if (check.scale == 0)
    return "zero";
  if (check.uncertainty > maxUncertainty * check.scale)
    return "unsure";
  return "ok";
}

const ArgumentSpec &GradientChecker::getSpec(unsigned argument) const {
  auto position = llvm::find(signature.argumentPositions, argument);
  return signature.arguments[position - signature.argumentPositions.begin()];
}

void GradientChecker::addRow(TextTable &table,
                             const GradientCheck &check) const {
  const ArgumentSpec &spec = getSpec(check.argument);
  double error = std::max(check.getForwardError(), check.getReverseError());
  table.add(
      {spec.name, spec.role == ArgumentRole::Input ? "input" : "parameter",
       formatCount(std::get<Array>(arguments[check.argument]).values.size()),
       formatNumber(check.finiteDifference, 9), formatNumber(check.forward, 9),
       formatNumber(check.reverse, 9),
       std::isnan(error) ? "nan" : fmt::format("{:.1e}", error), judge(check)});
}

Expected<int> GradientChecker::report(ArrayRef<GradientCheck> checks) {
  TextTable table({2, 3, 4, 5, 6});
  table.add({"name", "kind", "elements", "difference", "forward", "reverse",
             "error", "verdict"});
  std::string remarks;
  bool isUnsure = false;
  unsigned numBad = 0;
  for (const GradientCheck &check : checks) {
    addRow(table, check);
    StringRef verdict = judge(check);
    isUnsure |= verdict == "unsure";
    numBad += verdict == "wrong" || verdict == "not finite";
    if (verdict != "wrong")
      continue;
    Expected<std::string> worst =
        findWorst(getSpec(check.argument), check.argument);
    if (!worst)
      return worst.error();
    remarks += "  worst element " + *worst + "\n";
  }
  if (isUnsure)
    remarks += "unsure: the loss has a kink or a jump near this place, so that "
               "finite differences say nothing\n";
  printText(table.render() + remarks +
            (numBad == 0 ? std::string("all derivatives agree\n")
                         : fmt::format("{} of {} derivatives do not agree\n",
                                       numBad, checks.size())));
  return numBad == 0 ? 0 : 1;
}

Expected<int> GradientChecker::run(const Compilation &compilation) {
  if (Status failed = prepare(compilation))
    return failed.error();
  SmallVector<unsigned> wrt = chooseArguments();
  std::string head = fmt::format(
      "{}: the loss along a random direction in each parameter and input, seed "
      "{}{}\n",
      model->name, options.values.seed,
      batch.steps ? fmt::format(", {} steps", batch.steps) : std::string());
  head += fmt::format("finite differences may differ by {:g}, forward and "
                      "reverse mode by {:g}\n",
                      maxForwardError, maxReverseError);
  ReportCollector reports(execution->getModule().getContext());
  auto checks = checkGradients(loss, wrt, arguments, options.values.seed);
  if (failed(checks))
    return reports.take("the loss cannot be differentiated");
  printText(head);
  return report(*checks);
}

int loco::checkGradientsOfModel(const GradCheckOptions &options) {
  std::unique_ptr<Compilation> compilation = compileProgram(options.program);
  if (!compilation)
    return 1;
  Expected<int> code = GradientChecker(options).run(*compilation);
  return code ? *code : reportError(code.message());
}
