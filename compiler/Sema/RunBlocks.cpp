//===- RunBlocks.cpp - Run blocks to plans --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/RunBlocks.h"
#include "compiler/AST/Printer.h"
#include "compiler/AST/Suggest.h"
#include "compiler/Sema/ParameterNames.h"
#include "compiler/Sema/PlanEvaluator.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>
#include <deque>

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

using Verb = ast::RunDecl::Verb;

namespace {
enum class SettingKind {
  Count,    ///< a whole number from 1 on
  Natural,  ///< a whole number from 0 on
  Call,     ///< a call, as of a data source
  Any,      ///< a number greater than 0, or a call
  Save,     ///< a label and a value
  Interval, ///< `every` and a whole number
  Validate, ///< the same, with a whole number from 1 on before it or not
  After,    ///< `after` and a whole number from 1 on
  Factor,   ///< parameters and a number from 0 on
  Freeze,   ///< parameters
  Rollout,  ///< an input, a result that takes its place, and from when on
};

/// A word that may begin a line of a run block.
struct SettingForm {
  Verb verb;
  StringRef name;
  SettingKind kind;
  StringRef example;
};
} // namespace

static constexpr SettingForm settingForms[] = {
    {Verb::Train, "data", SettingKind::Call, "data plane_waves(image(28, 28))"},
    {Verb::Train, "optimizer", SettingKind::Call, "optimizer adam(1e-3)"},
    {Verb::Train, "batch", SettingKind::Count, "batch 128"},
    {Verb::Train, "epochs", SettingKind::Count, "epochs 50"},
    {Verb::Train, "updates", SettingKind::Count, "updates 1000"},
    {Verb::Train, "clip", SettingKind::Any, "clip 1"},
    {Verb::Train, "schedule", SettingKind::Call,
     "schedule drop(epochs = 100, factor = 0.1)"},
    {Verb::Train, "seed", SettingKind::Natural, "seed 1"},
    {Verb::Train, "checkpoint", SettingKind::Interval, "checkpoint every 100"},
    {Verb::Train, "rate", SettingKind::Factor, "rate u.linear = 1e-4"},
    {Verb::Train, "decay", SettingKind::Factor, "decay u.linear = 0.01"},
    {Verb::Train, "freeze", SettingKind::Freeze, "freeze u.linear"},
    {Verb::Train, "validate", SettingKind::Validate, "validate every 100"},
    {Verb::Train, "stop", SettingKind::After, "stop after 10"},
    {Verb::Train, "window", SettingKind::Count, "window 20"},
    {Verb::Train, "rollout", SettingKind::Rollout, "rollout x = y after 10"},
    {Verb::Analyze, "rollout", SettingKind::Rollout, "rollout x = y after 10"},
    {Verb::Analyze, "save", SettingKind::Save,
     "save \"waves\" = phase_velocity(z)"},
    {Verb::Analyze, "data", SettingKind::Call,
     "data gratings(orientations = 8)"},
    {Verb::Analyze, "samples", SettingKind::Count, "samples 1000"},
    {Verb::Simulate, "steps", SettingKind::Count, "steps 1000"},
    {Verb::Simulate, "samples", SettingKind::Count, "samples 10"},
    {Verb::Simulate, "data", SettingKind::Call,
     "data plane_waves(image(28, 28))"},
    {Verb::Simulate, "seed", SettingKind::Natural, "seed 1"},
    {Verb::Simulate, "save", SettingKind::Save,
     "save \"waves\" = phase_velocity(z)"},
};

/// A setting with one value, that stands once.
static bool canBeSet(SettingKind kind) {
  return kind != SettingKind::Save && kind != SettingKind::Factor &&
         kind != SettingKind::Freeze;
}

namespace {
class RunBlockEvaluator {
public:
  RunBlockEvaluator(const ast::RunDecl &decl, ModelBuilder &builder)
      : decl(decl), builder(builder), elaborator(builder.getElaborator()),
        values(decl.verb, builder) {}

  RunBlock evaluate();

private:
  void applyOverrides();
  bool isGiven(StringRef name) const;
  bool isReplaced(StringRef name) const;
  void evaluateSetting(const ast::SettingDecl &setting);
  void evaluateProbe(const ast::ProbeDecl &probe);
  void checkMissing();
  void readRollout(const SettingForm &form, const ast::SettingDecl &written);
  bool readTarget(const SettingForm &form, const ast::SettingDecl &written,
                  Setting &setting);
  bool checkSetting(const SettingForm &form, const ast::SettingDecl &written,
                    Setting &setting);

  const ast::RunDecl &decl;
  ModelBuilder &builder;
  Elaborator &elaborator;
  PlanEvaluator values;
  RunBlock block;
  bool hasUnknown = false;
  /// Something before this block was refused.
  bool modelIsWrong = elaborator.program.diagnostics.hasErrors();
  /// Settings that `--set` gives, in place of those of the block or besides.
  std::deque<ast::SettingDecl> given;
};
} // namespace

//===----------------------------------------------------------------------===//
// Settings
//===----------------------------------------------------------------------===//

/// Checks a setting against its form; true if it is as it should be.
bool RunBlockEvaluator::checkSetting(const SettingForm &form,
                                     const ast::SettingDecl &written,
                                     Setting &setting) {
  auto refuse = [&](SourceRange range, const llvm::Twine &message) {
    elaborator.error("wrong-setting", range, message)
        .hint("write `" + form.example + "`");
    return false;
  };
  bool takesLabel =
      form.kind == SettingKind::Save || form.kind == SettingKind::Factor;
  if (written.label && !takesLabel)
    return refuse(written.label->getRange(),
                  "`" + form.name + "` takes no label");
  if (form.kind == SettingKind::Interval && written.value)
    return refuse(written.getRange(), "`" + form.name + "` needs `every`");
  bool isEvery =
      form.kind == SettingKind::Interval || form.kind == SettingKind::Validate;
  if (isEvery && !written.every)
    return refuse(written.getRange(), "`" + form.name + "` needs `every`");
  if (written.every && !isEvery && form.kind != SettingKind::Save)
    return refuse(written.every->getRange(),
                  "`" + form.name + "` takes no `every`");
  if (isEvery && !written.value)
    return true;
  if (form.kind == SettingKind::After && (!written.after || written.value))
    return refuse(written.getRange(), "`" + form.name + "` needs `after`");
  if (!written.value && form.kind != SettingKind::After)
    return refuse(written.getRange(), "`" + form.name + "` has no value");
  if (!setting.value)
    return false;
  const PlanValue &value = *setting.value;
  double number = value.number;
  bool isWhole =
      value.isNumber() && number == std::floor(number) && number < 1e15;
  StringRef text = elaborator.getText(value.range);
  switch (form.kind) {
  case SettingKind::Count:
  case SettingKind::Validate:
  case SettingKind::After:
    if (!isWhole || number < 1)
      return refuse(value.range, "`" + form.name +
                                     "` is a whole number from 1 on, not `" +
                                     text + "`");
    return true;
  case SettingKind::Natural:
    if (!isWhole || number < 0)
      return refuse(value.range, "`" + form.name +
                                     "` is a whole number from 0 on, not `" +
                                     text + "`");
    return true;
  case SettingKind::Call:
    if (value.kind != PlanValue::Kind::Call)
      return refuse(value.range,
                    "`" + form.name + "` cannot be `" + text + "`");
    return true;
  case SettingKind::Save:
    if (!written.label)
      return refuse(written.getRange(),
                    "`save` needs the name of what is saved");
    return true;
  case SettingKind::Any:
    if (value.kind != PlanValue::Kind::Call &&
        !(value.isNumber() && number > 0))
      return refuse(value.range,
                    "`" + form.name + "` cannot be `" + text + "`");
    return true;
  case SettingKind::Factor:
    if (!(value.isNumber() && number >= 0))
      return refuse(value.range, "`" + form.name +
                                     "` is a number from 0 on, not `" + text +
                                     "`");
    return true;
  case SettingKind::Interval:
  case SettingKind::Rollout:
  case SettingKind::Freeze:
    return true;
  }
  llvm_unreachable("unknown kind of setting");
}

/// What it means is checked where the model is made for it (Variants.cpp).
void RunBlockEvaluator::readRollout(const SettingForm &form,
                                    const ast::SettingDecl &written) {
  if (!written.value || !written.after || written.target.name.empty() ||
      written.label || written.every) {
    elaborator
        .error("wrong-setting", written.getRange(),
               "`rollout` takes an input, what takes its place, and after how "
               "many steps")
        .hint("write `" + form.example + "`");
    return;
  }
  if (elaborator.program.diagnostics.hasErrors())
    return;
  Setting setting;
  setting.name = written.name.name.str();
  setting.label =
      written.target.name.str() + " = " + ast::toString(written.value);
  setting.range = written.getRange();
  setting.value = values.evaluateValue(written.after, /*isOutermost=*/false);
  block.settings.push_back(std::move(setting));
}

/// A dotted name as it is written; empty if the expression is none.
static std::string getDottedName(const ast::Expr *expr) {
  if (auto *name = llvm::dyn_cast<ast::NameExpr>(expr))
    return name->name.str();
  auto *member = llvm::dyn_cast<ast::MemberExpr>(expr);
  std::string base = member ? getDottedName(member->base) : "";
  return base.empty() ? base : base + "." + member->member.name.str();
}

/// The parameters that `rate u.linear = 1e-4` or `freeze "*.bias"` speaks of.
/// False after an error.
bool RunBlockEvaluator::readTarget(const SettingForm &form,
                                   const ast::SettingDecl &written,
                                   Setting &setting) {
  SourceRange range = written.target.range;
  std::string target = written.target.name.str();
  if (written.label) {
    range = written.label->getRange();
    target = written.label->value.str();
  } else if (form.kind == SettingKind::Freeze && written.value) {
    range = written.value->getRange();
    auto *text = llvm::dyn_cast<ast::StringExpr>(written.value);
    target = text ? text->value.str() : getDottedName(written.value);
  }
  bool isFreeze = form.kind == SettingKind::Freeze;
  bool hasNumber = written.value && !isFreeze;
  if (target.empty() || (!isFreeze && !hasNumber) || written.every ||
      (isFreeze && (written.label || !written.target.name.empty()))) {
    elaborator
        .error("wrong-setting", written.getRange(),
               "`" + form.name + "` takes " +
                   (isFreeze ? "the name of parameters"
                             : "the name of parameters and a number"))
        .hint("write `" + form.example + "`");
    return false;
  }
  setting.label = target;
  // A model that is wrong may lack the parameter for that reason.
  return !modelIsWrong && checkParameters(target, range, builder);
}

void RunBlockEvaluator::evaluateSetting(const ast::SettingDecl &written) {
  const SettingForm *form = nullptr;
  std::vector<StringRef> names;
  for (const SettingForm &known : settingForms)
    if (known.verb == decl.verb) {
      names.push_back(known.name);
      if (known.name == written.name.name)
        form = &known;
    }
  if (!form) {
    StringRef verb = getVerbName(decl.verb);
    hasUnknown = true;
    elaborator
        .error("unknown-setting", written.name.range,
               "`" + verb + "` has no setting `" + written.name.name + "`")
        .hint(didYouMean(written.name.name, names));
    return;
  }
  bool isOfParameters =
      form->kind == SettingKind::Factor || form->kind == SettingKind::Freeze;
  bool repeats = form->kind == SettingKind::Save || isOfParameters;
  if (form->kind == SettingKind::Rollout) {
    readRollout(*form, written);
    return;
  }
  if (written.after && form->kind != SettingKind::After) {
    elaborator
        .error("wrong-setting", written.after->getRange(),
               "`" + form->name + "` takes no `after`")
        .hint("write `" + form->example + "`");
    return;
  }
  if (!written.target.name.empty() && !isOfParameters) {
    elaborator
        .error("wrong-setting", written.target.range,
               "`" + form->name + "` takes no name before `=`")
        .hint("write `" + form->example + "`");
    return;
  }
  if (const Setting *other = block.find(written.name.name); other && !repeats) {
    elaborator
        .error("duplicate-name", written.name.range,
               "`" + written.name.name + "` is set twice")
        .note(other->range, "it is set here first");
    return;
  }
  Setting setting;
  setting.name = written.name.name.str();
  setting.range = written.getRange();
  if (written.label)
    setting.label = written.label->value.str();
  if (isOfParameters) {
    if (!readTarget(*form, written, setting))
      return;
    if (form->kind == SettingKind::Factor)
      setting.value = values.evaluateValue(written.value, /*isOutermost=*/true);
    if (form->kind == SettingKind::Freeze ||
        (setting.value && checkSetting(*form, written, setting)))
      block.settings.push_back(std::move(setting));
    return;
  }
  values.setLabel(setting.label);
  for (const Setting &other : block.settings)
    if (repeats && other.name == setting.name && other.label == setting.label) {
      elaborator
          .error("duplicate-name",
                 written.label ? written.label->getRange() : written.getRange(),
                 "\"" + StringRef(setting.label) + "\" is saved twice")
          .note(other.range, "it is saved here first");
      return;
    }
  if (written.value)
    setting.value = values.evaluateValue(written.value, /*isOutermost=*/true);
  if (form->kind == SettingKind::After && written.after && !written.value)
    setting.value = values.evaluateValue(written.after, /*isOutermost=*/false);
  if (written.every)
    setting.every = values.evaluateEvery(written.every);
  if (checkSetting(*form, written, setting))
    block.settings.push_back(std::move(setting));
}

/// `probe order_parameter(theta) every 10`.
void RunBlockEvaluator::evaluateProbe(const ast::ProbeDecl &probe) {
  if (decl.verb == Verb::Train) {
    elaborator
        .error("unknown-setting", probe.getRange(), "`train` has no probes")
        .hint("put it into `simulate` or `analyze`");
    return;
  }
  Setting setting;
  setting.name = "probe";
  setting.range = probe.getRange();
  setting.label =
      probe.label ? probe.label->value.str() : ast::toString(probe.value);
  values.setLabel(setting.label);
  if (values.mentionsModel(probe.value))
    setting.value = values.evaluateModelValue(probe.value);
  else
    elaborator.error("not-a-value", probe.value->getRange(),
                     "`" + elaborator.getText(probe.value->getRange()) +
                         "` is no value of the model");
  if (probe.every)
    setting.every = values.evaluateEvery(probe.every);
  if (setting.value)
    block.settings.push_back(std::move(setting));
}

/// Reports what a block cannot do without, in one message.
void RunBlockEvaluator::checkMissing() {
  auto has = [&](StringRef name) {
    if (isGiven(name))
      return true;
    return llvm::any_of(decl.body, [&](const ast::Decl *line) {
      auto *setting = llvm::dyn_cast<ast::SettingDecl>(line);
      return setting && setting->name.name == name && !isReplaced(name);
    });
  };
  std::vector<std::string> missing;
  std::string example;
  auto need = [&](StringRef name, StringRef line) {
    missing.push_back("`" + name.str() + "`");
    if (example.empty())
      example = line.str();
  };
  if (decl.verb == Verb::Train) {
    if (!has("data"))
      need("data", "data plane_waves(image(28, 28))");
    if (!has("optimizer"))
      need("optimizer", "optimizer adam(1e-3)");
    if (!has("batch"))
      need("batch", "batch 128");
    if (!has("epochs") && !has("updates"))
      need("updates", "updates 1000");
    if (has("epochs") && has("updates"))
      elaborator.error("wrong-setting", decl.model.range,
                       "`train` ends after `epochs` or `updates`, not both");
    if (!builder.getModel().loss && !elaborator.program.diagnostics.hasErrors())
      elaborator.error("no-loss", decl.model.range,
                       "model `" + decl.model.name +
                           "` has no `loss` to train");
  }
  if (decl.verb == Verb::Train && has("stop") && !has("validate"))
    need("validate", "validate every 100");
  if (decl.verb == Verb::Simulate && !has("steps"))
    need("steps", "steps 1000");
  // A misspelt setting is not missing as well.
  if (missing.empty() || hasUnknown)
    return;
  elaborator
      .error("missing-setting", decl.model.range,
             "`" + getVerbName(decl.verb) + " " + block.model + "` has no " +
                 llvm::join(missing, ", no "))
      .hint("write `" + example + "`");
}

/// `--set train.updates=5`, `--set Model.analyze.samples=10`: settings that
/// stand once and have a value.
void RunBlockEvaluator::applyOverrides() {
  Program &program = elaborator.program;
  for (const SettingForm &form : settingForms) {
    if (form.verb != decl.verb || !canBeSet(form.kind))
      continue;
    std::string name = (getVerbName(decl.verb) + "." + form.name).str();
    program.addOverridable(name);
    const Override *override = program.findOverride(name, decl.model.name);
    const ast::Expr *value =
        override ? program.getOverrideValue(*override, nullptr) : nullptr;
    if (!value)
      continue;
    ast::SettingDecl &setting = given.emplace_back(value->getRange());
    setting.name = {form.name, value->getRange()};
    if (form.kind == SettingKind::Interval ||
        form.kind == SettingKind::Validate)
      setting.every = value;
    else if (form.kind == SettingKind::After)
      setting.after = value;
    else
      setting.value = value;
  }
}

bool RunBlockEvaluator::isGiven(StringRef name) const {
  return llvm::any_of(given, [&](const ast::SettingDecl &setting) {
    return setting.name.name == name;
  });
}

/// `--set` gives the setting itself, or the other way to say how long.
bool RunBlockEvaluator::isReplaced(StringRef name) const {
  return isGiven(name) || (name == "epochs" && isGiven("updates")) ||
         (name == "updates" && isGiven("epochs"));
}

RunBlock RunBlockEvaluator::evaluate() {
  block.model = decl.model.name.str();
  block.verb = decl.verb == Verb::Train     ? RunBlock::Verb::Train
               : decl.verb == Verb::Analyze ? RunBlock::Verb::Analyze
                                            : RunBlock::Verb::Simulate;
  block.range = decl.getRange();
  if (!builder.getModel().variantOf.empty())
    block.variant = builder.getModel().name;
  llvm::SaveAndRestore inScope(elaborator.scope, elaborator.modelScope);
  llvm::SaveAndRestore when(elaborator.context, Context{});
  applyOverrides();
  for (const ast::SettingDecl &setting : given)
    evaluateSetting(setting);
  for (const ast::Decl *line : decl.body) {
    auto *setting = llvm::dyn_cast<ast::SettingDecl>(line);
    if (setting && !isReplaced(setting->name.name))
      evaluateSetting(*setting);
    else if (auto *probe = llvm::dyn_cast<ast::ProbeDecl>(line))
      evaluateProbe(*probe);
  }
  checkMissing();
  return std::move(block);
}

RunBlock sema::evaluateRunBlock(const ast::RunDecl &decl,
                                ModelBuilder &builder) {
  return RunBlockEvaluator(decl, builder).evaluate();
}
