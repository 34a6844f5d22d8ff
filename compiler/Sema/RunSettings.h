//===- RunSettings.h - The lines of run blocks ------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_RUNSETTINGS_H
#define COMPILER_SEMA_RUNSETTINGS_H

#include "compiler/Sema/Elaborator.h"

namespace loco::sema {

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
  ast::RunDecl::Verb verb;
  llvm::StringRef name;
  SettingKind kind;
  llvm::StringRef example;
};

/// All of them, of all verbs.
llvm::ArrayRef<SettingForm> getSettingForms();

/// How `--set` gives a setting.
enum class GivenBy {
  Nothing, ///< it cannot
  Value,   ///< by its one value: `train.updates=100`
  Line,    ///< as it is written, without its name: `train.rate='u = 1e-4'`
};
GivenBy getGivenBy(SettingKind kind);

/// Checks a setting, whose values are evaluated, against its form; true if it
/// is as it should be.
bool checkSetting(const SettingForm &form, const ast::SettingDecl &written,
                  const Setting &setting, Elaborator &elaborator);

/// The parameters that a setting speaks of, and where it names them.
struct ParameterTarget {
  std::string name;
  SourceRange range;
};

/// Those of `rate u.linear = 1e-4` or `freeze "*.bias"`; nothing after an
/// error.
std::optional<ParameterTarget>
readParameterTarget(const SettingForm &form, const ast::SettingDecl &written,
                    Elaborator &elaborator);

} // namespace loco::sema

#endif // COMPILER_SEMA_RUNSETTINGS_H
