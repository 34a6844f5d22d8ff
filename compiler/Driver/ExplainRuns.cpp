//===- ExplainRuns.cpp - Run blocks in words -----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/ExplainRuns.h"

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/RunPlanning.h"
#include "compiler/Driver/TrainingData.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numbers>

using namespace loco;
using sema::PlanArgument;
using sema::PlanValue;
using sema::RunBlock;
using sema::Setting;

static std::string spellAll(llvm::ArrayRef<PlanArgument> arguments) {
  std::vector<std::string> parts;
  for (const PlanArgument &argument : arguments) {
    std::string name = argument.name;
    if (!name.empty())
      name += argument.isDistributed ? " ~ " : " = ";
    parts.push_back(name + spell(argument.value));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string loco::spell(const PlanValue &value) {
  switch (value.kind) {
  case PlanValue::Kind::Number:
    return value.isAngle ? fmt::format("{:.12g} deg",
                                       value.number * 180 / std::numbers::pi)
                         : fmt::format("{}", value.number);
  case PlanValue::Kind::Text:
    return "\"" + value.text + "\"";
  case PlanValue::Kind::Call: {
    // A system with other constants is a call itself: `Pendulum(m = 1)`.
    llvm::StringRef callee = value.text;
    bool isCall = callee.consume_back(")");
    std::string arguments = spellAll(value.arguments);
    return fmt::format("{}{}{})", callee.str(),
                       !isCall             ? "("
                       : arguments.empty() ? ""
                                           : ", ",
                       arguments);
  }
  case PlanValue::Kind::List:
    return fmt::format("[{}]", spellAll(value.arguments));
  case PlanValue::Kind::Range:
    return spell(value.arguments.front().value) + ".." +
           spell(value.arguments.back().value);
  case PlanValue::Kind::Space:
    return value.text;
  case PlanValue::Kind::Result:
  case PlanValue::Kind::Input:
    return value.written;
  }
  llvm_unreachable("all kinds of values are handled");
}

//===----------------------------------------------------------------------===//
// Defaults
//===----------------------------------------------------------------------===//

static std::string describeOptimizer(const OptimizerOptions &options) {
  std::string text =
      fmt::format("{}: rate {}", describe(options.method), options.rate);
  if (options.method == OptimizerOptions::Method::Sgd)
    text += fmt::format(", momentum {}, {}", options.momentum,
                        options.nesterov ? "nesterov" : "not nesterov");
  else
    text += fmt::format(", beta1 {}, beta2 {}, epsilon {}", options.beta1,
                        options.beta2, options.epsilon);
  return text + fmt::format(", decay {} added to the gradient, {} of the value",
                            options.coupledDecay, options.decoupledDecay);
}

/// What training does where the block says nothing.
static void addDefaults(const RunBlock &block, const TrainingPlan &plan,
                        TextTable &table) {
  auto add = [&](const char *setting, const std::string &text) {
    if (!block.find(setting))
      table.add({setting, text + ", by default"});
  };
  add("schedule", "constant");
  add("clip", "none");
  add("window", "whole sequences");
  add("seed", fmt::format("{}", plan.seed));
  add("shuffle", plan.shuffle ? "a new random order in every epoch"
                              : "samples in their order");
  add("validate", "never");
  add("checkpoint",
      fmt::format("every {} seconds and at the end, {} and the best are kept",
                  plan.checkpointSeconds, plan.keepCheckpoints));
}

std::string loco::explainRun(const RunBlock &block) {
  TextTable table;
  loco::DiagnosticEngine ignored;
  std::optional<TrainingPlan> plan;
  if (block.verb == RunBlock::Verb::Train)
    plan = planTraining(block, ignored);
  for (const Setting &setting : block.settings) {
    std::string value = setting.value ? spell(*setting.value) : "";
    bool namesParameters = setting.name == "rate" || setting.name == "decay" ||
                           setting.name == "freeze";
    if (namesParameters)
      value = setting.label + (value.empty() ? "" : " = " + value);
    else if (setting.name == "rollout")
      value = setting.label + " after " + value;
    else if (!setting.label.empty())
      value = fmt::format("\"{}\" = {}", setting.label, value);
    if (setting.name == "stop")
      value = "after " + value + " validations without a lower loss";
    if (setting.every)
      value += (value.empty() ? "every " : " every ") + spell(*setting.every);
    table.add({setting.name, value});
    if (plan && setting.name == "optimizer")
      table.add({"", "that is " + describeOptimizer(plan->optimizer)});
    if (plan && setting.name == "validate")
      table.add({"", fmt::format("that is the loss on {} samples that nothing "
                                 "is learned from",
                                 getValidationSamples(*plan))});
  }
  if (plan)
    addDefaults(block, *plan, table);
  const char *verb = block.verb == RunBlock::Verb::Train     ? "train"
                     : block.verb == RunBlock::Verb::Analyze ? "analyze"
                                                             : "simulate";
  return fmt::format("{} {}\n{}", verb, block.model, table.render());
}
