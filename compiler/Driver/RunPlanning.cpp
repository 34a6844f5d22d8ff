//===- RunPlanning.cpp - From run blocks to plans of the run-time --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/RunPlanning.h"

#include "compiler/AST/Suggest.h"
#include "compiler/Driver/Analysis.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace loco;
using sema::PlanArgument;
using sema::PlanValue;
using sema::Setting;

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

static std::vector<DataOption>
toDataOptions(llvm::ArrayRef<PlanArgument> arguments) {
  std::vector<DataOption> options;
  for (const PlanArgument &argument : arguments) {
    DataOption option = toDataOption(argument.value);
    option.name = argument.name;
    option.drawn = argument.isDistributed;
    options.push_back(std::move(option));
  }
  return options;
}

/// A space as a call: `image(28, 28)`.
static DataOption toSpaceOption(const PlanValue &value) {
  std::vector<DataOption> extents;
  for (int64_t extent : value.extents)
    extents.push_back(DataOption::ofNumber(static_cast<double>(extent)));
  llvm::StringRef kind = llvm::StringRef(value.text).split('(').first;
  return DataOption::ofCall(kind.trim().str(), std::move(extents));
}

DataOption loco::toDataOption(const PlanValue &value) {
  switch (value.kind) {
  case PlanValue::Kind::Number: {
    DataOption option = DataOption::ofNumber(value.number);
    if (value.isAngle)
      option.kind = DataOption::Kind::Angle;
    return option;
  }
  case PlanValue::Kind::Text:
    return DataOption::ofText(value.text);
  case PlanValue::Kind::Space:
    return toSpaceOption(value);
  case PlanValue::Kind::Call:
    return DataOption::ofCall(value.text, toDataOptions(value.arguments));
  case PlanValue::Kind::Range:
    return DataOption::ofRange(value.arguments.front().value.number,
                               value.arguments.back().value.number);
  case PlanValue::Kind::List:
    return DataOption::ofCall("list", toDataOptions(value.arguments));
  case PlanValue::Kind::Result:
  case PlanValue::Kind::Input:
    return DataOption::ofText(value.text);
  }
  llvm_unreachable("all kinds of values are handled");
}

DataOption loco::withArgument(DataOption call, const DataOption &value) {
  for (DataOption &argument : call.arguments)
    if (argument.name == value.name) {
      argument = value;
      return call;
    }
  call.arguments.push_back(value);
  return call;
}

DataOption loco::holdOut(DataOption call, const char *split) {
  std::vector<std::string> sources = dataSourceNames();
  for (DataOption &argument : call.arguments)
    if (argument.kind == DataOption::Kind::Call &&
        llvm::is_contained(sources, argument.text)) {
      argument = holdOut(std::move(argument), split);
      return call;
    }
  bool hasSplit = llvm::any_of(
      call.arguments, [](const DataOption &a) { return a.name == "split"; });
  // A user's own arrays and libraries have no splits that we know of.
  bool isOwn = llvm::is_contained({"arrays", "hdf5", "npz", "plugin"},
                                  llvm::StringRef(call.text));
  if (hasSplit || isOwn)
    return call;
  return withArgument(std::move(call), DataOption::ofText(split).as("split"));
}

//===----------------------------------------------------------------------===//
// Training
//===----------------------------------------------------------------------===//

namespace {
/// Reads the settings of one `train` block.
class TrainingPlanner {
public:
  TrainingPlanner(const sema::RunBlock &block, DiagnosticEngine &diagnostics)
      : block(block), diagnostics(diagnostics) {}

  std::optional<TrainingPlan> plan();

private:
  void readOptimizer();
  void readClip();
  void readSchedule();
  void readCheckpoint();
  void readRules();
  void readValidation();
  int64_t readCount(llvm::StringRef name);
  double readNumber(const PlanValue &call, llvm::StringRef name, int position,
                    double otherwise);
  void checkArguments(const PlanValue &call, unsigned numPositional,
                      llvm::ArrayRef<llvm::StringRef> names);

  const sema::RunBlock &block;
  DiagnosticEngine &diagnostics;
  TrainingPlan result;
};
} // namespace

/// Reports arguments that the call does not take.
void TrainingPlanner::checkArguments(const PlanValue &call,
                                     unsigned numPositional,
                                     llvm::ArrayRef<llvm::StringRef> names) {
  unsigned position = 0;
  for (const PlanArgument &argument : call.arguments) {
    if (argument.name.empty() && position++ < numPositional)
      continue;
    if (llvm::is_contained(names, argument.name))
      continue;
    if (argument.name.empty())
      diagnostics.error("too-many-arguments", argument.value.range,
                        "`" + call.text + "` takes " +
                            llvm::Twine(numPositional) + " unnamed arguments");
    else
      diagnostics
          .error("unknown-argument", argument.value.range,
                 "`" + call.text + "` has no argument `" + argument.name + "`")
          .hint(didYouMean(argument.name, names));
  }
}

double TrainingPlanner::readNumber(const PlanValue &call, llvm::StringRef name,
                                   int position, double otherwise) {
  const PlanValue *value = call.find(name, position);
  if (!value)
    return otherwise;
  if (!value->isNumber() || value->isAngle) {
    diagnostics.error("wrong-type", value->range, "`" + name + "` is a number");
    return otherwise;
  }
  return value->number;
}

/// A setting that counts something; 0 if it is not there.
int64_t TrainingPlanner::readCount(llvm::StringRef name) {
  const Setting *setting = block.find(name);
  if (!setting || !setting->value)
    return 0;
  const PlanValue &value = *setting->value;
  if (!value.isNumber() || value.number < 1 ||
      value.number != std::floor(value.number) || value.number > 1e15) {
    diagnostics.error("wrong-value", value.range,
                      "`" + name + "` is a whole number, 1 or more");
    return 1;
  }
  return static_cast<int64_t>(value.number);
}

void TrainingPlanner::readOptimizer() {
  const Setting *setting = block.find("optimizer");
  if (!setting || !setting->value) {
    diagnostics
        .error("missing-setting", block.range, "`train` needs an `optimizer`")
        .hint("for example `optimizer adam(1e-3)`");
    return;
  }
  const PlanValue &call = *setting->value;
  OptimizerOptions &options = result.optimizer;
  if (call.isCall("sgd")) {
    checkArguments(call, 1, {"rate", "momentum", "nesterov", "decay"});
    options.method = OptimizerOptions::Method::Sgd;
    options.momentum = readNumber(call, "momentum", -1, 0);
    options.nesterov = readNumber(call, "nesterov", -1, 0) != 0;
    options.coupledDecay = readNumber(call, "decay", -1, 0);
  } else if (call.isCall("adam") || call.isCall("adamw")) {
    checkArguments(call, 1, {"rate", "beta1", "beta2", "epsilon", "decay"});
    options.method = OptimizerOptions::Method::Adam;
    options.beta1 = readNumber(call, "beta1", -1, options.beta1);
    options.beta2 = readNumber(call, "beta2", -1, options.beta2);
    options.epsilon = readNumber(call, "epsilon", -1, options.epsilon);
    double decay =
        readNumber(call, "decay", -1, call.isCall("adamw") ? 0.01 : 0);
    options.decouplesDecay = call.isCall("adamw");
    (options.decouplesDecay ? options.decoupledDecay : options.coupledDecay) =
        decay;
  } else {
    diagnostics
        .error("unknown-optimizer", call.range,
               "there is no optimizer `" + call.text + "`")
        .hint("there are `sgd`, `adam` and `adamw`");
    return;
  }
  options.rate = readNumber(call, "rate", 0, options.rate);
}

void TrainingPlanner::readClip() {
  const Setting *setting = block.find("clip");
  if (!setting || !setting->value)
    return;
  const PlanValue &value = *setting->value;
  if (value.isNumber())
    result.optimizer.clipNorm = value.number;
  else if (value.isCall("norm"))
    result.optimizer.clipNorm = readNumber(value, "norm", 0, 0);
  else if (value.isCall("value"))
    result.optimizer.clipValue = readNumber(value, "value", 0, 0);
  else
    diagnostics.error("wrong-type", value.range,
                      "`clip` is a number, `norm(...)` or `value(...)`");
}

void TrainingPlanner::readSchedule() {
  const Setting *setting = block.find("schedule");
  if (!setting || !setting->value)
    return;
  const PlanValue &value = *setting->value;
  RateSchedule &schedule = result.schedule;
  if (value.isCall("constant")) {
    checkArguments(value, 0, {"warmup"});
  } else if (value.isCall("drop")) {
    checkArguments(value, 0, {"updates", "epochs", "factor", "once", "warmup"});
    schedule.kind = RateSchedule::Kind::Step;
    schedule.intervalInEpochs = value.find("epochs") != nullptr;
    schedule.interval = static_cast<int64_t>(readNumber(
        value, schedule.intervalInEpochs ? "epochs" : "updates", -1, 0));
    schedule.dropFactor = readNumber(value, "factor", -1, schedule.dropFactor);
    schedule.dropOnce = readNumber(value, "once", -1, 0) != 0;
  } else if (value.isCall("cosine")) {
    checkArguments(value, 0, {"final", "warmup"});
    schedule.kind = RateSchedule::Kind::Cosine;
    schedule.finalFactor = readNumber(value, "final", -1, 0);
  } else {
    diagnostics
        .error("unknown-schedule", value.range,
               "there is no schedule `" + value.text + "`")
        .hint(
            "there are `constant(...)`, `drop(epochs = 100, factor = 0.1)` and "
            "`cosine(final = 0)`");
    return;
  }
  schedule.warmup = static_cast<int64_t>(readNumber(value, "warmup", -1, 0));
}

void TrainingPlanner::readCheckpoint() {
  const Setting *setting = block.find("checkpoint");
  if (setting && setting->every && setting->every->isNumber())
    result.checkpointUpdates = static_cast<int64_t>(setting->every->number);
}

/// `rate u = 1e-4`, `decay u = 0`, `freeze u`, in their order.
void TrainingPlanner::readRules() {
  for (const Setting &setting : block.settings) {
    ParameterRule rule;
    rule.pattern = setting.label;
    if (setting.name == "freeze")
      rule.frozen = true;
    else if (setting.name == "rate")
      rule.rate = setting.value->number;
    else if (setting.name == "decay")
      rule.decay = setting.value->number;
    else
      continue;
    result.optimizer.rules.push_back(std::move(rule));
  }
}

/// `validate 500 every 100`, `stop after 10`.
void TrainingPlanner::readValidation() {
  const Setting *setting = block.find("validate");
  if (setting && setting->every)
    result.validateUpdates = static_cast<int64_t>(setting->every->number);
  result.validationSamples = readCount("validate");
  result.stopAfter = readCount("stop");
}

std::optional<TrainingPlan> TrainingPlanner::plan() {
  unsigned before = diagnostics.getNumErrors();
  readOptimizer();
  readClip();
  readSchedule();
  readCheckpoint();
  readRules();
  readValidation();
  result.batch = readCount("batch");
  result.updates = readCount("updates");
  result.epochs = readCount("epochs");
  result.window = readCount("window");
  if (const Setting *seed = block.find("seed"); seed && seed->value)
    result.seed = static_cast<uint64_t>(seed->value->number);
  if (diagnostics.getNumErrors() != before)
    return std::nullopt;
  if (Status failed = result.check()) {
    diagnostics.error("wrong-value", block.range, failed.message());
    return std::nullopt;
  }
  return result;
}

std::optional<TrainingPlan> loco::planTraining(const sema::RunBlock &block,
                                               DiagnosticEngine &diagnostics) {
  return TrainingPlanner(block, diagnostics).plan();
}

void loco::checkRuns(llvm::ArrayRef<sema::RunBlock> runs,
                     DiagnosticEngine &diagnostics) {
  for (const sema::RunBlock &block : runs) {
    if (block.verb == sema::RunBlock::Verb::Train)
      (void)planTraining(block, diagnostics);
    for (const Setting &setting : block.settings)
      if (setting.name == "save" && setting.value)
        (void)checkAnalysis(setting, diagnostics);
  }
}

void loco::checkDataSources(const sema::Module &module,
                            DiagnosticEngine &diagnostics) {
  std::vector<std::string> sources = dataSourceNames();
  std::vector<llvm::StringRef> names(sources.begin(), sources.end());
  names.insert(names.end(), module.systemNames.begin(),
               module.systemNames.end());
  for (const sema::RunBlock &block : module.runs) {
    const Setting *data = block.find("data");
    // `Pendulum(m = 1)` is the system `Pendulum` with another constant. What
    // stands inside, `rotating(idx("folder"))`, is checked when it is opened.
    llvm::StringRef name =
        data && data->value
            ? llvm::StringRef(data->value->text).split('(').first
            : "";
    if (name.empty() || data->value->kind != PlanValue::Kind::Call ||
        llvm::is_contained(names, name))
      continue;
    diagnostics
        .error("unknown-name", data->value->range,
               "no source of data, and no system, is called `" + name + "`")
        .hint(didYouMean(name, names));
  }
}
