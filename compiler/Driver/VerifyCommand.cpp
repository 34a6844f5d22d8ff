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
// parameters are rounded to f32, if that is more. What is beyond is held to the
// interpreter with every number moved as if by rounding: where large values
// cancel, no code of that precision can do better. With `--target cuda` the
// processor's code runs on the same numbers, so that one sees which of the two
// is off.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/ModelValues.h"
#include "compiler/Driver/ReplyComparison.h"

#include "loco/Files.h"

#include <fmt/format.h>

#include <cmath>

using namespace mlir;
using namespace loco;

namespace {
/// Compiled code that is held to the interpreter.
struct Candidate {
  const char *name;
  std::unique_ptr<Execution> execution;
  Reply found = {};
};

class Verifier {
public:
  explicit Verifier(const VerifyOptions &options)
      : options(options), pool(options.machine.threads) {}

  /// Prints the table. The exit code, or what kept the check from being made.
  Expected<int> run(const Compilation &compilation);

private:
  Status prepare(const Compilation &compilation);
  Expected<std::unique_ptr<Execution>> makeReference(double noise);
  Status readValues();
  Expected<Reply> runReference(Execution &execution, bool isRounded);
  Expected<Reply> runCompiled(Candidate &candidate);
  std::vector<Comparison> compareAll(const Expectation &expectation) const;
  int report(const std::vector<Comparison> &comparisons) const;

  const VerifyOptions &options;
  ThreadPool pool;
  const Compilation *compilation = nullptr;
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

Expected<std::unique_ptr<Execution>> Verifier::makeReference(double noise) {
  ExecutionOptions oracle;
  oracle.target = Target::Reference;
  oracle.precision = ElementType::F64;
  oracle.roundingNoise = noise;
  return Execution::create(*model, compilation->getSources(), oracle, pool);
}

Status Verifier::prepare(const Compilation &program) {
  compilation = &program;
  Expected<const sema::Model *> picked = pickModel(program, options.program);
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
  auto made = makeReference(/*noise=*/0);
  if (!made)
    return made.error();
  reference = std::move(*made);
  std::vector<Target> targets = {Target::CPU};
  if (machine->target != Target::CPU)
    targets.push_back(machine->target);
  for (Target target : targets) {
    machine->target = target;
    // What is asked for is the target's that was.
    machine->products = target == options.machine.target
                            ? options.machine.products
                            : std::nullopt;
    auto compiled =
        Execution::create(*model, program.getSources(), *machine, pool);
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

Expected<Reply> Verifier::runReference(Execution &execution, bool isRounded) {
  Reply reply;
  Batch inputs = batch;
  if (isRounded)
    inputs.inputs = roundToF32(batch.inputs);
  if (Status failed = execution.getProgram().run(
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

/// One tensor after the other, each by all that computed it.
std::vector<Comparison>
Verifier::compareAll(const Expectation &expectation) const {
  std::vector<std::vector<Comparison>> made;
  for (const Candidate &candidate : candidates)
    made.push_back(compareReplies(candidate.name, candidate.found, expectation,
                                  precision));
  std::vector<Comparison> comparisons;
  for (size_t i = 0; i < made.front().size(); ++i)
    for (std::vector<Comparison> &ofOne : made)
      comparisons.push_back(std::move(ofOne[i]));
  return comparisons;
}

int Verifier::report(const std::vector<Comparison> &comparisons) const {
  bool isF64 = precision == ElementType::F64;
  std::string text = fmt::format(
      "{}: compiled code{} in {} against the interpreter in f64, {} "
      "sample{}{}, seed {}\n",
      model->name,
      candidates.size() > 1 ? " of the processor and of the GPU" : "",
      isF64 ? "f64" : "f32", batch.samples, batch.samples == 1 ? "" : "s",
      batch.steps ? fmt::format(", {} steps", batch.steps) : std::string(),
      options.values.seed);
  text += fmt::format(
      "relative 2-norm of the difference: at most {:g}{}\n",
      getLeastBound(precision),
      isF64 ? ""
            : ", or 8 times what the interpreter moves when its numbers are "
              "rounded to f32");
  TextTable table({3, 4, 5});
  table.add(
      {"name", "kind", "by", "error", "bound", "largest", "at", "verdict"});
  unsigned numBad = 0, numRounded = 0;
  for (const Comparison &comparison : comparisons) {
    bool isRounded = !comparison.isGood() && comparison.isRounding;
    numRounded += isRounded;
    numBad += !comparison.isGood() && !isRounded;
    table.add({comparison.name, comparison.kind, comparison.executor,
               fmt::format("{:.1e}", comparison.error),
               fmt::format("{:.1e}", comparison.bound),
               fmt::format("{:.1e}", comparison.largest), comparison.place,
               comparison.isGood() ? "ok"
               : isRounded         ? "rounding"
                                   : "too far"});
  }
  text += table.render();
  const char *type = isF64 ? "f64" : "f32";
  if (numRounded > 0)
    text += fmt::format(
        "{} of {} tensors {} as far off as rounding every number to {} takes "
        "the interpreter, too: {} keeps few digits of {}{}\n",
        numRounded, comparisons.size(), numRounded == 1 ? "is" : "are", type,
        type, numRounded == 1 ? "it" : "them",
        isF64 ? "" : "; try `--precision f64`");
  if (numBad > 0)
    text += fmt::format("{} of {} tensors are too far off\n", numBad,
                        comparisons.size());
  else if (numRounded == 0)
    text += "all tensors agree\n";
  printText(text);
  return numBad == 0 ? 0 : 1;
}

Expected<int> Verifier::run(const Compilation &program) {
  if (Status failed = prepare(program))
    return failed.error();
  if (Status failed = readValues())
    return failed.error();
  bool isF64 = precision == ElementType::F64;
  Expected<Reply> exact = runReference(*reference, /*isRounded=*/false);
  if (!exact)
    return exact.error();
  Expected<Reply> moved =
      isF64 ? exact : runReference(*reference, /*isRounded=*/true);
  if (!moved)
    return moved.error();
  for (Candidate &candidate : candidates) {
    Expected<Reply> found = runCompiled(candidate);
    if (!found)
      return found.error();
    candidate.found = std::move(*found);
  }

  Expectation expectation{std::move(*exact), std::move(*moved)};
  std::vector<Comparison> comparisons = compareAll(expectation);
  if (llvm::all_of(comparisons, [](auto &one) { return one.isGood(); }))
    return report(comparisons);
  auto noisyReference = makeReference(isF64 ? 0x1p-53 : 0x1p-24);
  if (!noisyReference)
    return noisyReference.error();
  Expected<Reply> noisy = runReference(**noisyReference, /*isRounded=*/!isF64);
  if (!noisy)
    return noisy.error();
  expectation.noisy = std::move(*noisy);
  return report(compareAll(expectation));
}

int loco::verifyModel(const VerifyOptions &options) {
  std::unique_ptr<Compilation> compilation = compileProgram(options.program);
  if (!compilation)
    return 1;
  Expected<int> code = Verifier(options).run(*compilation);
  return code ? *code : reportError(code.message());
}
