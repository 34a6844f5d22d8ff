//===- RunBlocks.cpp - Run blocks to plans --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/RunBlocks.h"
#include "compiler/AST/Printer.h"
#include "compiler/AST/Suggest.h"
#include "compiler/AST/Walk.h"
#include "compiler/Sema/Builtins.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
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

static StringRef getVerbName(Verb verb) {
  return verb == Verb::Train     ? "train"
         : verb == Verb::Analyze ? "analyze"
                                 : "simulate";
}

namespace {
class RunBlockEvaluator {
public:
  RunBlockEvaluator(const ast::RunDecl &decl, ModelBuilder &builder)
      : decl(decl), builder(builder), elaborator(builder.getElaborator()) {}

  RunBlock evaluate();

private:
  void evaluateSetting(const ast::SettingDecl &setting);
  void evaluateProbe(const ast::ProbeDecl &probe);
  void checkMissing();
  bool checkSetting(const SettingForm &form, const ast::SettingDecl &written,
                    Setting &setting);
  std::optional<PlanValue> evaluateValue(const ast::Expr *expr,
                                         bool isOutermost);
  std::optional<PlanValue> evaluateCall(const ast::CallExpr &call);
  std::optional<PlanValue> evaluateConstant(const ast::Expr *expr);
  std::optional<PlanValue> evaluateModelValue(const ast::Expr *expr);
  std::optional<PlanValue> evaluateEvery(const ast::Expr *every);
  /// True if a name in the expression belongs to the model.
  bool mentionsModel(const ast::Expr *expr);
  /// True if the number is an angle: it was written in degrees, here or where a
  /// constant is declared.
  bool mentionsDegrees(const ast::Expr *expr);

  const ast::RunDecl &decl;
  ModelBuilder &builder;
  Elaborator &elaborator;
  RunBlock block;
  std::string label;
  unsigned numProbes = 0;
  bool hasUnknown = false;
};
} // namespace

bool RunBlockEvaluator::mentionsModel(const ast::Expr *expr) {
  bool found = false;
  ast::walk(expr, [&](const ast::Expr *inner) {
    auto *name = llvm::dyn_cast<ast::NameExpr>(inner);
    if (!name)
      return;
    Symbol *symbol = elaborator.modelScope->find(name->name);
    if (!symbol || symbol->scope != elaborator.modelScope || !symbol->decl)
      return;
    auto *param = llvm::dyn_cast<ast::ParamDecl>(symbol->decl);
    if (!(param && param->role == ast::ParamDecl::Role::Const) &&
        !llvm::isa<ast::LatticeDecl>(symbol->decl))
      found = true;
  });
  return found;
}

bool RunBlockEvaluator::mentionsDegrees(const ast::Expr *expr) {
  bool found = false;
  ast::walk(expr, [&](const ast::Expr *inner) {
    if (auto *number = llvm::dyn_cast<ast::NumberExpr>(inner)) {
      found |= number->unit.name == "deg";
    } else if (auto *name = llvm::dyn_cast<ast::NameExpr>(inner)) {
      // A constant that was evaluated has no cycle.
      Symbol *symbol = elaborator.modelScope->find(name->name);
      auto *param = symbol
                        ? llvm::dyn_cast_or_null<ast::ParamDecl>(symbol->decl)
                        : nullptr;
      const ast::Expr *value = param ? param->value : nullptr;
      if (symbol && symbol->value)
        value = symbol->value;
      found |= value && mentionsDegrees(value);
    }
  });
  return found;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

std::optional<PlanValue>
RunBlockEvaluator::evaluateConstant(const ast::Expr *expr) {
  Meaning meaning = elaborator.elaborate(expr);
  if (!meaning.isValid())
    return std::nullopt;
  PlanValue value;
  value.range = expr->getRange();
  if (meaning.is(Meaning::Kind::Text)) {
    value.kind = PlanValue::Kind::Text;
    value.text = meaning.text.str();
    return value;
  }
  if (meaning.is(Meaning::Kind::Space)) {
    value.kind = PlanValue::Kind::Space;
    value.text = meaning.space->spell();
    auto shape = meaning.space->getShape();
    value.extents.assign(shape.begin(), shape.end());
    return value;
  }
  Node *node = elaborator.requireValue(meaning, expr->getRange());
  if (!node)
    return std::nullopt;
  if (!node->isNumber()) {
    elaborator.error("not-a-number", expr->getRange(),
                     "`" + elaborator.getText(expr->getRange()) +
                         "` is not known before the program runs");
    return std::nullopt;
  }
  value.number = node->number;
  value.isAngle = mentionsDegrees(expr);
  return value;
}

/// A value of the model: an input or a result that exists already by its name,
/// everything else as a result of its own.
std::optional<PlanValue>
RunBlockEvaluator::evaluateModelValue(const ast::Expr *expr) {
  SourceRange range = expr->getRange();
  if (decl.verb == Verb::Train) {
    elaborator.error(
        "not-a-setting", range,
        "`" + elaborator.getText(range) +
            "` belongs to the model; what `train` needs is known before "
            "the run");
    return std::nullopt;
  }
  PlanValue value;
  value.range = range;
  if (auto *name = llvm::dyn_cast<ast::NameExpr>(expr)) {
    Model &model = builder.getModel();
    value.text = name->name.str();
    for (const Input &input : model.inputs)
      if (input.name == name->name) {
        value.kind = PlanValue::Kind::Input;
        return value;
      }
    value.kind = PlanValue::Kind::Result;
    for (const State &state : model.states)
      if (state.name == name->name)
        return value;
    if (model.findResult(name->name))
      return value;
  }
  std::string result = getVerbName(decl.verb).str() + "." + label;
  if (++numProbes > 1)
    result += "." + std::to_string(numProbes);
  value.kind = PlanValue::Kind::Result;
  value.text = builder.addProbe(expr, result);
  if (value.text.empty())
    return std::nullopt;
  return value;
}

std::optional<PlanValue>
RunBlockEvaluator::evaluateCall(const ast::CallExpr &call) {
  PlanValue value;
  value.kind = PlanValue::Kind::Call;
  value.text = call.getCalleeName().str();
  value.range = call.getRange();
  bool valid = true;
  for (const ast::Argument &argument : call.arguments) {
    if (argument.kind == ast::Argument::Kind::Typed) {
      elaborator.error("unknown-argument", argument.range,
                       "`" + elaborator.getText(argument.range) +
                           "` is no argument here");
      valid = false;
      continue;
    }
    std::optional<PlanValue> inner = evaluateValue(argument.value, false);
    if (!inner) {
      valid = false;
      continue;
    }
    for (const PlanArgument &other : value.arguments)
      if (!other.name.empty() && other.name == argument.name.name) {
        elaborator.error("duplicate-name", argument.name.range,
                         "`" + argument.name.name + "` is given twice");
        valid = false;
      }
    value.arguments.push_back(
        {argument.name.name.str(),
         argument.kind == ast::Argument::Kind::Distributed, std::move(*inner)});
  }
  if (!valid)
    return std::nullopt;
  return value;
}

static bool isSpaceName(StringRef name) {
  static constexpr StringRef names[] = {"vector", "class", "image",
                                        "set",    "ring",  "rings",
                                        "torus",  "line",  "grid"};
  return llvm::is_contained(names, name);
}

std::optional<PlanValue> RunBlockEvaluator::evaluateValue(const ast::Expr *expr,
                                                          bool isOutermost) {
  PlanValue value;
  value.range = expr->getRange();
  if (auto *call = llvm::dyn_cast<ast::CallExpr>(expr)) {
    StringRef callee = call->getCalleeName();
    if (isSpaceName(callee)) {
      const Space *space = elaborator.evaluateSpace(expr);
      if (!space)
        return std::nullopt;
      value.kind = PlanValue::Kind::Space;
      value.text = space->spell();
      auto shape = space->getShape();
      value.extents.assign(shape.begin(), shape.end());
      return value;
    }
    if (!callee.empty() && !elaborator.modelScope->find(callee) &&
        !isBuiltin(callee))
      return evaluateCall(*call);
  }
  // `optimizer adam`: a call without arguments.
  if (auto *name = llvm::dyn_cast<ast::NameExpr>(expr);
      name && isOutermost && !elaborator.modelScope->find(name->name)) {
    value.kind = PlanValue::Kind::Call;
    value.text = name->name.str();
    return value;
  }
  if (auto *list = llvm::dyn_cast<ast::ListExpr>(expr)) {
    value.kind = PlanValue::Kind::List;
    for (const ast::Expr *element : list->elements) {
      std::optional<PlanValue> inner = evaluateValue(element, false);
      if (!inner)
        return std::nullopt;
      value.arguments.push_back({"", false, std::move(*inner)});
    }
    return value;
  }
  if (auto *range = llvm::dyn_cast<ast::RangeExpr>(expr)) {
    value.kind = PlanValue::Kind::Range;
    for (const ast::Expr *end : {range->first, range->last}) {
      std::optional<PlanValue> inner = evaluateConstant(end);
      if (!inner)
        return std::nullopt;
      value.arguments.push_back({"", false, std::move(*inner)});
    }
    return value;
  }
  if (mentionsModel(expr))
    return evaluateModelValue(expr);
  return evaluateConstant(expr);
}

std::optional<PlanValue>
RunBlockEvaluator::evaluateEvery(const ast::Expr *every) {
  std::optional<int64_t> count =
      elaborator.evaluateInteger(every, 1, "an interval");
  if (!count)
    return std::nullopt;
  PlanValue value;
  value.number = *count;
  value.range = every->getRange();
  return value;
}

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
  if (written.label && form.kind != SettingKind::Save)
    return refuse(written.label->getRange(),
                  "`" + form.name + "` takes no label");
  if (form.kind == SettingKind::Interval) {
    if (!written.every || written.value)
      return refuse(written.getRange(), "`" + form.name + "` needs `every`");
    return true;
  }
  if (written.every && form.kind != SettingKind::Save)
    return refuse(written.every->getRange(),
                  "`" + form.name + "` takes no `every`");
  if (!written.value)
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
  case SettingKind::Interval:
    return true;
  }
  llvm_unreachable("unknown kind of setting");
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
  bool repeats = form->kind == SettingKind::Save;
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
  label = setting.label;
  numProbes = 0;
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
    setting.value = evaluateValue(written.value, /*isOutermost=*/true);
  if (written.every)
    setting.every = evaluateEvery(written.every);
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
  label = setting.label;
  numProbes = 0;
  if (mentionsModel(probe.value))
    setting.value = evaluateModelValue(probe.value);
  else
    elaborator.error("not-a-value", probe.value->getRange(),
                     "`" + elaborator.getText(probe.value->getRange()) +
                         "` is no value of the model");
  if (probe.every)
    setting.every = evaluateEvery(probe.every);
  if (setting.value)
    block.settings.push_back(std::move(setting));
}

/// Reports what a block cannot do without, in one message.
void RunBlockEvaluator::checkMissing() {
  auto has = [&](StringRef name) {
    return llvm::any_of(decl.body, [&](const ast::Decl *line) {
      auto *setting = llvm::dyn_cast<ast::SettingDecl>(line);
      return setting && setting->name.name == name;
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

RunBlock RunBlockEvaluator::evaluate() {
  block.model = decl.model.name.str();
  block.verb = decl.verb == Verb::Train     ? RunBlock::Verb::Train
               : decl.verb == Verb::Analyze ? RunBlock::Verb::Analyze
                                            : RunBlock::Verb::Simulate;
  block.range = decl.getRange();
  llvm::SaveAndRestore inScope(elaborator.scope, elaborator.modelScope);
  llvm::SaveAndRestore when(elaborator.context, Context{});
  for (const ast::Decl *line : decl.body) {
    if (auto *setting = llvm::dyn_cast<ast::SettingDecl>(line))
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
