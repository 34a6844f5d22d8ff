//===- RunBlocks.cpp - Run blocks to plans --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/RunBlocks.h"
#include "compiler/AST/ForeignWords.h"
#include "compiler/AST/Printer.h"
#include "compiler/AST/Suggest.h"
#include "compiler/Sema/ParameterNames.h"
#include "compiler/Sema/PlanEvaluator.h"
#include "compiler/Sema/RunSettings.h"
#include "llvm/ADT/StringExtras.h"
#include <deque>

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

using Verb = ast::RunDecl::Verb;

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
  /// The same as lines: a `rollout` takes the place of the block's, those about
  /// parameters follow on the block's.
  std::vector<const ast::SettingDecl *> givenLines;
};
} // namespace

//===----------------------------------------------------------------------===//
// Settings
//===----------------------------------------------------------------------===//

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

void RunBlockEvaluator::evaluateSetting(const ast::SettingDecl &written) {
  const SettingForm *form = nullptr;
  std::vector<StringRef> names;
  for (const SettingForm &known : getSettingForms())
    if (known.verb == decl.verb) {
      names.push_back(known.name);
      if (known.name == written.name.name)
        form = &known;
    }
  if (!form) {
    StringRef verb = getVerbName(decl.verb);
    hasUnknown = true;
    std::string hint =
        hintAtForeignWord(written.name.name, ForeignWord::Setting, names);
    if (hint.empty())
      hint = didYouMeanOneOf(written.name.name, names);
    elaborator
        .error("unknown-setting", written.name.range,
               "`" + verb + "` has no setting `" + written.name.name + "`")
        .hint(hint);
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
    auto target = readParameterTarget(*form, written, elaborator);
    // A model that is wrong may lack the parameter for that reason.
    if (!target || modelIsWrong ||
        !checkParameters(target->name, target->range, builder))
      return;
    setting.label = target->name;
    if (form->kind == SettingKind::Factor)
      setting.value = values.evaluateValue(written.value, /*isOutermost=*/true);
    if (form->kind == SettingKind::Freeze ||
        (setting.value && checkSetting(*form, written, setting, elaborator)))
      block.settings.push_back(std::move(setting));
    return;
  }
  values.setLabel(setting.label);
  if (setting.name == "save" && written.label &&
      (setting.label.empty() ||
       StringRef(setting.label).find_first_of("/\n") != StringRef::npos)) {
    elaborator
        .error("wrong-setting", written.label->getRange(),
               "\"" + StringRef(setting.label) + "\" cannot name a figure")
        .hint("a file is called so: write a name without `/`");
    return;
  }
  for (const Setting &other : block.settings)
    if (repeats && other.name == setting.name && other.label == setting.label) {
      elaborator
          .error("duplicate-name",
                 written.label ? written.label->getRange() : written.getRange(),
                 "\"" + StringRef(setting.label) + "\" is saved twice")
          .note(other.range, "it is saved here first");
      return;
    }
  // What stands here is what the run-time calls so, whatever else is.
  bool isCall = form->kind == SettingKind::Any ||
                form->kind == SettingKind::Call ||
                form->kind == SettingKind::Save;
  if (written.value)
    setting.value =
        values.evaluateValue(written.value, /*isOutermost=*/true, isCall);
  if (form->kind == SettingKind::After && written.after && !written.value)
    setting.value = values.evaluateValue(written.after, /*isOutermost=*/false);
  if (written.every)
    setting.every = values.evaluateEvery(written.every);
  if (checkSetting(*form, written, setting, elaborator))
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
  for (const SettingForm &form : getSettingForms()) {
    GivenBy by = getGivenBy(form.kind);
    if (form.verb != decl.verb || by == GivenBy::Nothing)
      continue;
    std::string name = (getVerbName(decl.verb) + "." + form.name).str();
    program.addOverridable(name);
    if (by == GivenBy::Line) {
      llvm::append_range(givenLines,
                         program.getGivenLines(getVerbName(decl.verb),
                                               form.name, decl.model.name));
      continue;
    }
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
  if (name == "rollout" &&
      llvm::any_of(givenLines, [](const ast::SettingDecl *line) {
        return line->name.name == "rollout";
      }))
    return true;
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
  llvm::SaveAndRestore inScope(elaborator.scope, builder.makeRunScope());
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
  for (const ast::SettingDecl *line : givenLines)
    evaluateSetting(*line);
  checkMissing();
  return std::move(block);
}

RunBlock sema::evaluateRunBlock(const ast::RunDecl &decl,
                                ModelBuilder &builder) {
  return RunBlockEvaluator(decl, builder).evaluate();
}
