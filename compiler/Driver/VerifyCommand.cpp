//===- VerifyCommand.cpp - lococ verify ----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled code against the reference interpreter, per tensor. The error is the
// 2-norm of the difference over the 2-norm of the reference; gradients by all
// scalars of the model are taken as one tensor. The bound is 1e-5 in f32 and
// 1e-10 in f64, or 8 times what the reference itself moves when inputs and
// parameters are rounded to f32, if that is more. With `--target cuda` the
// processor's code runs on the same numbers, so that one sees which of the two
// is off.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/ModelValues.h"

#include "loco/Files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

using namespace mlir;
using namespace loco;

static constexpr double boundF32 = 1e-5, boundF64 = 1e-10, roundingFactor = 8;

namespace {
/// One tensor of the comparison, or the scalars together.
struct Comparison {
  std::string name;
  const char *kind = "value";
  /// What computed it.
  const char *executor = "";
  double error = 0, bound = 0;
  /// Largest difference of an element, over the tensor's largest element.
  double largest = 0;
  std::string place = {};

  // A NaN is an error, too.
  bool isGood() const { return error <= bound; }
};

/// Sums of squares that a relative 2-norm is made of.
struct Distance {
  double difference = 0, reference = 0;

  void add(const Tensor &found, const Tensor &expected);
  double get() const;
};

/// Compiled code that is held to the interpreter.
struct Candidate {
  const char *name;
  std::unique_ptr<Execution> execution;
};

class Verifier {
public:
  explicit Verifier(const VerifyOptions &options)
      : options(options), pool(options.machine.threads) {}

  /// Prints the table. The exit code, or what kept the check from being made.
  Expected<int> run(const Compilation &compilation);

private:
  Status prepare(const Compilation &compilation);
  Status readValues();
  Expected<Reply> runReference(bool isRounded);
  Expected<Reply> runCompiled(Candidate &candidate);
  std::vector<Comparison> compare(const char *executor, const Reply &found,
                                  const Reply &expected,
                                  const Reply &moved) const;
  int report(const std::vector<Comparison> &comparisons) const;

  const VerifyOptions &options;
  ThreadPool pool;
  const sema::Model *model = nullptr;
  ElementType precision = ElementType::F32;
  std::unique_ptr<Execution> reference;
  std::vector<Candidate> candidates;
  TensorMap parameters;
  Batch batch;
  Request request;
};
} // namespace

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

Status Verifier::prepare(const Compilation &compilation) {
  Expected<const sema::Model *> picked =
      pickModel(compilation, options.program);
  if (!picked)
    return picked.error();
  model = *picked;
  Expected<ExecutionOptions> machine = resolveMachine(options.machine);
  if (!machine)
    return machine.error();
  if (machine->target == Target::Reference)
    return Error{"the interpreter is what compiled code is held to; leave out "
                 "`--target interpreter`"};
  precision = machine->precision;
  ExecutionOptions oracle;
  oracle.target = Target::Reference;
  oracle.precision = ElementType::F64;
  auto create = [&](const ExecutionOptions &chosen) {
    return Execution::create(*model, compilation.getSources(), chosen, pool);
  };
  auto made = create(oracle);
  if (!made)
    return made.error();
  reference = std::move(*made);
  std::vector<Target> targets = {Target::CPU};
  if (machine->target != Target::CPU)
    targets.push_back(machine->target);
  for (Target target : targets) {
    machine->target = target;
    auto compiled = create(*machine);
    if (!compiled)
      return compiled.error();
    candidates.push_back(
        {target == Target::CPU ? "cpu" : "cuda", std::move(*compiled)});
  }
  return {};
}

Status Verifier::readValues() {
  Program &program = reference->getProgram();
  Expected<TensorMap> values =
      options.values.parameters.empty()
          ? program.initialParameters(options.values.seed)
          : readTensors(options.values.parameters);
  if (values && !options.values.parameters.empty())
    values = importParameters(std::move(*values), *model, program.arguments());
  if (!values)
    return values.error();
  parameters = std::move(*values);

  InputSignature inputs = readInputSignature(
      reference->getModule().lookupSymbol<func::FuncOp>(model->name), program);
  BatchSize size{options.values.samples, options.values.steps};
  if (options.values.inputs.empty()) {
    if (!size.samples)
      size.samples = 3;
    batch = drawInputs(inputs, size, options.values.seed);
  } else {
    Expected<TensorMap> arrays = readTensors(options.values.inputs);
    if (!arrays)
      return arrays.error();
    Expected<Batch> fitting = fitInputs(*arrays, inputs, size);
    if (!fitting)
      return fitting.error();
    batch = std::move(*fitting);
  }

  request.seed = options.values.seed;
  for (const ResultSpec &result : program.results())
    request.results.push_back(result.name);
  for (const ArgumentSpec &argument : program.arguments())
    if (model->loss && argument.role != ArgumentRole::Frozen &&
        argument.isSmooth())
      request.gradients.push_back(argument.name);
  return {};
}

/// What is left of f64 numbers in f32.
static TensorMap roundToF32(const TensorMap &tensors) {
  TensorMap rounded;
  for (const auto &[name, tensor] : tensors)
    rounded.emplace(
        name,
        tensor.type() == ElementType::F64
            ? tensor.convertedTo(ElementType::F32).convertedTo(ElementType::F64)
            : tensor);
  return rounded;
}

Expected<Reply> Verifier::runReference(bool isRounded) {
  Reply reply;
  Batch inputs = batch;
  if (isRounded)
    inputs.inputs = roundToF32(batch.inputs);
  if (Status failed = reference->getProgram().run(
          isRounded ? roundToF32(parameters) : parameters, inputs, request,
          reply))
    return failed.error();
  return std::move(reply);
}

Expected<Reply> Verifier::runCompiled(Candidate &candidate) {
  Reply reply;
  Program &program = candidate.execution->getProgram();
  if (Status failed = program.run(
          convertParameters(parameters, program.arguments()),
          convertInputs(batch, program.arguments()), request, reply))
    return failed.error();
  return std::move(reply);
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

void Distance::add(const Tensor &found, const Tensor &expected) {
  for (int64_t i = 0; i < expected.size(); ++i) {
    double distance = found.at(i) - expected.at(i);
    difference += distance * distance;
    reference += expected.at(i) * expected.at(i);
  }
}

double Distance::get() const {
  if (difference == 0)
    return 0;
  return std::sqrt(difference) / std::sqrt(reference);
}

/// Finds the element of the largest difference. A NaN is the largest.
static void findLargest(const Tensor &found, const Tensor &expected,
                        Comparison &comparison) {
  double size = 0;
  for (int64_t i = 0; i < expected.size(); ++i)
    size = std::max(size, std::fabs(expected.at(i)));
  int64_t worst = -1;
  for (int64_t i = 0; i < expected.size(); ++i) {
    double distance = std::fabs(found.at(i) - expected.at(i));
    if (distance == 0 ||
        (worst >= 0 && !(distance > comparison.largest * size) &&
         !std::isnan(distance)))
      continue;
    worst = i;
    comparison.largest = distance / size;
    if (std::isnan(distance))
      break;
  }
  if (worst < 0)
    return;
  const Shape &shape = expected.shape();
  std::vector<int64_t> indices(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; worst /= shape[axis])
    indices[axis] = worst % shape[axis];
  comparison.place = fmt::format("[{}]", fmt::join(indices, ", "));
}

std::vector<Comparison> Verifier::compare(const char *executor,
                                          const Reply &found,
                                          const Reply &expected,
                                          const Reply &moved) const {
  std::vector<Comparison> comparisons;
  double base = precision == ElementType::F64 ? boundF64 : boundF32;
  auto finish = [&](Comparison comparison, const Distance &distance,
                    const Distance &movement) {
    comparison.error = distance.get();
    comparison.bound = std::max(base, roundingFactor * movement.get());
    comparisons.push_back(std::move(comparison));
  };
  auto compareOne = [&](const std::string &name, const char *kind,
                        const TensorMap Reply::*tensors) {
    const Tensor &mine = (found.*tensors).at(name);
    const Tensor &theirs = (expected.*tensors).at(name);
    Distance distance, movement;
    distance.add(mine, theirs);
    movement.add((moved.*tensors).at(name), theirs);
    Comparison comparison{name, kind, executor};
    findLargest(mine, theirs, comparison);
    finish(std::move(comparison), distance, movement);
  };

  for (const auto &[name, tensor] : expected.results)
    compareOne(name, "value", &Reply::results);
  Distance scalars, scalarsMoved;
  std::vector<std::string> scalarNames;
  for (const auto &[name, tensor] : expected.gradients) {
    if (!tensor.shape().empty()) {
      compareOne(name, "gradient", &Reply::gradients);
      continue;
    }
    scalarNames.push_back(name);
    scalars.add(found.gradients.at(name), tensor);
    scalarsMoved.add(moved.gradients.at(name), tensor);
  }
  if (!scalarNames.empty()) {
    Comparison comparison{fmt::format("{}", fmt::join(scalarNames, ", ")),
                          "gradient", executor};
    comparison.largest = scalars.get();
    finish(std::move(comparison), scalars, scalarsMoved);
  }
  return comparisons;
}

int Verifier::report(const std::vector<Comparison> &comparisons) const {
  bool isF64 = precision == ElementType::F64;
  std::string text = fmt::format(
      "{}: compiled code{} in {} against the interpreter in f64, {} "
      "sample{}{}, seed {}\n",
      model->name,
      candidates.size() > 1 ? " of the processor and of the GPU" : "",
      isF64 ? "f64" : "f32", batch.samples,
      batch.samples == 1 ? "" : "s",
      batch.steps ? fmt::format(", {} steps", batch.steps) : std::string(),
      options.values.seed);
  text += fmt::format(
      "relative 2-norm of the difference: at most {:g}{}\n",
      isF64 ? boundF64 : boundF32,
      isF64 ? ""
            : ", or 8 times what the interpreter moves when its numbers are "
              "rounded to f32");
  TextTable table({3, 4, 5});
  table.add({"name", "kind", "by", "error", "bound", "largest", "at",
             "verdict"});
  unsigned numBad = 0;
  for (const Comparison &comparison : comparisons) {
    numBad += !comparison.isGood();
    table.add({comparison.name, comparison.kind, comparison.executor,
               fmt::format("{:.1e}", comparison.error),
               fmt::format("{:.1e}", comparison.bound),
               fmt::format("{:.1e}", comparison.largest), comparison.place,
               comparison.isGood() ? "ok" : "too far"});
  }
  text += table.render();
  text += numBad == 0 ? std::string("all tensors agree\n")
                      : fmt::format("{} of {} tensors are too far off\n",
                                    numBad, comparisons.size());
  printText(text);
  return numBad == 0 ? 0 : 1;
}

Expected<int> Verifier::run(const Compilation &compilation) {
  if (Status failed = prepare(compilation))
    return failed.error();
  if (Status failed = readValues())
    return failed.error();
  Expected<Reply> expected = runReference(/*isRounded=*/false);
  if (!expected)
    return expected.error();
  Expected<Reply> moved = precision == ElementType::F64
                              ? expected
                              : runReference(/*isRounded=*/true);
  if (!moved)
    return moved.error();
  std::vector<std::vector<Comparison>> made;
  for (Candidate &candidate : candidates) {
    Expected<Reply> found = runCompiled(candidate);
    if (!found)
      return found.error();
    made.push_back(compare(candidate.name, *found, *expected, *moved));
  }
  // One tensor after the other, each by all that computed it.
  std::vector<Comparison> comparisons;
  for (size_t i = 0; i < made.front().size(); ++i)
    for (std::vector<Comparison> &comparison : made)
      comparisons.push_back(std::move(comparison[i]));
  return report(comparisons);
}

int loco::verifyModel(const VerifyOptions &options) {
  std::unique_ptr<Compilation> compilation = compileProgram(options.program);
  if (!compilation)
    return 1;
  Expected<int> code = Verifier(options).run(*compilation);
  return code ? *code : reportError(code.message());
}
