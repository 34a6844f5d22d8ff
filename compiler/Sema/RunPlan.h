//===- RunPlan.h - What train, analyze and simulate ask for -----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The run blocks of a program as plain data: expressions are evaluated to
// numbers, text, spaces and calls. What a call of a data source or an analysis
// means is known to the run-time only.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_RUNPLAN_H
#define COMPILER_SEMA_RUNPLAN_H

#include "compiler/AST/SourceFile.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace loco::sema {

struct PlanArgument;

/// A value in a run block.
struct PlanValue {
  enum class Kind {
    Number, ///< `number`; angles are in radians
    Text,   ///< `text`
    Space,  ///< `text` as it is written, `extents` (channels first)
    Call,   ///< `text`, the callee, and `arguments`
    List,   ///< `arguments`, all positional
    Range,  ///< `4..28`: the two `arguments`, both numbers
    Result, ///< `text`: the name of a result of the model
    Input,  ///< `text`: the name of an input of the model
  };
  Kind kind = Kind::Number;
  double number = 0;
  /// A number that was written in degrees.
  bool isAngle = false;
  std::string text;
  /// Of a result or an input: the expression as the program has it.
  std::string written;
  std::vector<int64_t> extents;
  std::vector<PlanArgument> arguments;
  SourceRange range;

  bool isNumber() const { return kind == Kind::Number; }
  bool isCall(llvm::StringRef callee) const {
    return kind == Kind::Call && text == callee;
  }
  /// The argument of that name, or the `index`th positional one; null if
  /// neither is there. `index` < 0: by name only.
  const PlanValue *find(llvm::StringRef name, int index = -1) const;
};

/// An argument of a call: `18`, `step = 20 deg`, `angle ~ uniform(...)`.
struct PlanArgument {
  /// Empty if positional.
  std::string name;
  /// Written with `~`: the value is a distribution to draw from.
  bool isDistributed = false;
  PlanValue value;
};

/// One line of a run block.
struct Setting {
  /// `batch`, `optimizer`, `save`, `probe`.
  std::string name;
  /// The text before `=`, as in `save "waves" = ...`; of `rate`, `decay` and
  /// `freeze` the parameters that are meant.
  std::string label;
  std::optional<PlanValue> value;
  std::optional<PlanValue> every;
  SourceRange range;
};

/// A `train`, `analyze` or `simulate` block. Settings that stand once are
/// checked: their kinds are as `docs/Language.md` lists them.
struct RunBlock {
  enum class Verb { Train, Analyze, Simulate };
  Verb verb = Verb::Train;
  /// The name of the model.
  std::string model;
  /// That of the variant of it that the block runs; empty for the model itself.
  std::string variant;
  /// That which `lyapunov` runs; empty if the block does not save any.
  std::string tangents;
  std::vector<Setting> settings;
  SourceRange range;

  /// The model whose code runs.
  const std::string &getProgramName() const {
    return variant.empty() ? model : variant;
  }
  /// The last setting of that name; null if there is none.
  const Setting *find(llvm::StringRef name) const;
  /// The number of a setting, or `otherwise`.
  double getNumber(llvm::StringRef name, double otherwise) const;
};

} // namespace loco::sema

#endif // COMPILER_SEMA_RUNPLAN_H
