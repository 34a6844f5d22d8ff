//===- RunSettings.cpp - The lines of run blocks --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/RunSettings.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

using Verb = ast::RunDecl::Verb;

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

llvm::ArrayRef<SettingForm> sema::getSettingForms() { return settingForms; }

GivenBy sema::getGivenBy(SettingKind kind) {
  switch (kind) {
  case SettingKind::Save:
    return GivenBy::Nothing;
  case SettingKind::Factor:
  case SettingKind::Freeze:
  case SettingKind::Rollout:
    return GivenBy::Line;
  default:
    return GivenBy::Value;
  }
}

bool sema::checkSetting(const SettingForm &form,
                        const ast::SettingDecl &written, const Setting &setting,
                        Elaborator &elaborator) {
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

/// A dotted name as it is written; empty if the expression is none.
static std::string getDottedName(const ast::Expr *expr) {
  if (auto *name = llvm::dyn_cast<ast::NameExpr>(expr))
    return name->name.str();
  auto *member = llvm::dyn_cast<ast::MemberExpr>(expr);
  std::string base = member ? getDottedName(member->base) : "";
  return base.empty() ? base : base + "." + member->member.name.str();
}

std::optional<ParameterTarget>
sema::readParameterTarget(const SettingForm &form,
                          const ast::SettingDecl &written,
                          Elaborator &elaborator) {
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
    return std::nullopt;
  }
  return ParameterTarget{target, range};
}
