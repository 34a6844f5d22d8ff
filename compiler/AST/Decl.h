//===- Decl.h - Declarations and statements of the AST ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that stands on a line of its own. A line that declares several
// things with clauses of their own (`const m = 0.5, g = 3`) becomes several
// nodes; names that share their clauses (`state q, p ~ annulus(1.3, 2.3)`)
// stay one node, because they may be drawn jointly.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AST_DECL_H
#define COMPILER_AST_DECL_H

#include "compiler/AST/Expr.h"

namespace loco::ast {

class Decl {
public:
  enum class Kind {
    // In files.
    Use,
    Model,
    Instance,
    Layer,
    Run,
    // In models, systems and layers.
    Lattice,
    Input,
    Param,
    Coupling,
    State,
    Init,
    Encode,
    Decode,
    Let,
    Draw,
    Require,
    Dynamics,
    Step,
    Solve,
    Loss,
    Output,
    Probe,
    Return,
    // In the blocks of dynamics and steps.
    Equation,
    Update,
    // In train, analyze and simulate blocks.
    Setting,
  };

  Kind getKind() const { return kind; }
  SourceRange getRange() const { return range; }

protected:
  Decl(Kind kind, SourceRange range) : kind(kind), range(range) {}

private:
  Kind kind;
  SourceRange range;
};

/// Gives a node its kind and its `classof`.
template <Decl::Kind K>
class DeclOf : public Decl {
public:
  static bool classof(const Decl *decl) { return decl->getKind() == K; }

protected:
  explicit DeclOf(SourceRange range) : Decl(K, range) {}
};

using Body = llvm::ArrayRef<const Decl *>;

/// `(0, 1)`, `[0, inf)` after `in`.
struct Interval {
  const Expr *lower = nullptr;
  const Expr *upper = nullptr;
  bool lowerOpen = false;
  bool upperOpen = false;
  SourceRange range;
};

/// `x : space`, `n = 64` or `x : space = 64`: a parameter of a layer, a model
/// or a `let` function. Type and default may be null.
struct Parameter {
  Identifier name;
  const Expr *type = nullptr;
  const Expr *defaultValue = nullptr;
  SourceRange range;
};

/// `use std.stimuli`.
struct UseDecl : DeclOf<Decl::Kind::Use> {
  explicit UseDecl(SourceRange range) : DeclOf(range) {}
  llvm::ArrayRef<Identifier> path;
  SourceRange pathRange;
};

/// `model Name(parameters) { body }`, or the same with `system`.
struct ModelDecl : DeclOf<Decl::Kind::Model> {
  explicit ModelDecl(SourceRange range) : DeclOf(range) {}
  bool isSystem = false;
  Identifier name;
  llvm::ArrayRef<Parameter> parameters;
  Body body;
};

/// `model Name = Base(arguments)`. The value is usually a call; Sema says
/// what else is wrong.
struct InstanceDecl : DeclOf<Decl::Kind::Instance> {
  explicit InstanceDecl(SourceRange range) : DeclOf(range) {}
  bool isSystem = false;
  Identifier name;
  const Expr *value = nullptr;
};

/// `layer Name(x : space, n = 64) -> space { body }`. In the body, `h = ...`
/// is a `LetDecl`; it ends with a `ReturnDecl`.
struct LayerDecl : DeclOf<Decl::Kind::Layer> {
  explicit LayerDecl(SourceRange range) : DeclOf(range) {}
  Identifier name;
  llvm::ArrayRef<Parameter> parameters;
  /// Null if left out.
  const Expr *result = nullptr;
  Body body;
};

/// `train Model { ... }`, `analyze Model { ... }`, `simulate Model { ... }`.
/// The body holds `SettingDecl`s and `ProbeDecl`s in their order.
struct RunDecl : DeclOf<Decl::Kind::Run> {
  enum class Verb { Train, Analyze, Simulate };
  explicit RunDecl(SourceRange range) : DeclOf(range) {}
  Verb verb = Verb::Train;
  Identifier model;
  Body body;
};

/// `lattice sheet = torus(36, 36)`.
struct LatticeDecl : DeclOf<Decl::Kind::Lattice> {
  explicit LatticeDecl(SourceRange range) : DeclOf(range) {}
  Identifier name;
  const Expr *space = nullptr;
};

/// `input x : image(28, 28) per step`.
struct InputDecl : DeclOf<Decl::Kind::Input> {
  explicit InputDecl(SourceRange range) : DeclOf(range) {}
  llvm::ArrayRef<Identifier> names;
  const Expr *space = nullptr;
  bool perStep = false;
};

/// `param`, `frozen` or `const`: names, then any of `on space`, `: type`,
/// `= value` or `~ distribution`, `in interval`, `via function`.
struct ParamDecl : DeclOf<Decl::Kind::Param> {
  enum class Role { Param, Frozen, Const };
  explicit ParamDecl(SourceRange range) : DeclOf(range) {}
  Role role = Role::Param;
  llvm::ArrayRef<Identifier> names;
  const Expr *space = nullptr;
  const Expr *type = nullptr;
  const Expr *value = nullptr;
  const Expr *distribution = nullptr;
  /// Null if there is none.
  const Interval *interval = nullptr;
  Identifier via;
};

/// `coupling U in [0, inf) : conv(3) on line mixing channels bias init f(1)`;
/// `frozen` may stand in front, `= 0` or `~ normal(0, 1)` behind `bias`.
struct CouplingDecl : DeclOf<Decl::Kind::Coupling> {
  explicit CouplingDecl(SourceRange range) : DeclOf(range) {}
  llvm::ArrayRef<Identifier> names;
  const Interval *interval = nullptr;
  Identifier via;
  const Expr *kernel = nullptr;
  /// The lattice after `on`; null for `dense(a -> b)` and the like.
  const Expr *space = nullptr;
  /// The axis after `mixing`.
  Identifier mixing;
  /// The word `bias` and its start; an invalid range if it is not there.
  SourceRange bias;
  const Expr *biasValue = nullptr;
  const Expr *biasDistribution = nullptr;
  bool isFrozen = false;
  const Expr *init = nullptr;

  bool hasBias() const { return bias.isValid(); }
};

/// `state z on sheet : angle with velocity v = 0 carry`; `~ dist` for `= 0`.
/// As many velocities as names, or none.
struct StateDecl : DeclOf<Decl::Kind::State> {
  explicit StateDecl(SourceRange range) : DeclOf(range) {}
  llvm::ArrayRef<Identifier> names;
  llvm::ArrayRef<Identifier> velocities;
  const Expr *space = nullptr;
  const Expr *type = nullptr;
  /// For names and velocities alike.
  const Expr *value = nullptr;
  const Expr *distribution = nullptr;
  bool carry = false;
};

/// `init z = ...` or `init (z, v) = ...`; one node for each equation.
struct InitDecl : DeclOf<Decl::Kind::Init> {
  explicit InitDecl(SourceRange range) : DeclOf(range) {}
  /// More than one if a tuple was written.
  llvm::ArrayRef<Identifier> targets;
  const Expr *value = nullptr;
};

/// `encode q = ...`.
struct EncodeDecl : DeclOf<Decl::Kind::Encode> {
  explicit EncodeDecl(SourceRange range) : DeclOf(range) {}
  Identifier name;
  const Expr *value = nullptr;
};

/// `decode y = ...`.
struct DecodeDecl : DeclOf<Decl::Kind::Decode> {
  explicit DecodeDecl(SourceRange range) : DeclOf(range) {}
  Identifier name;
  const Expr *value = nullptr;
};

/// `let H = ...`, `let (a, b) = ...`, `let phi(u) = ...`; in layers also
/// without the word `let`.
struct LetDecl : DeclOf<Decl::Kind::Let> {
  explicit LetDecl(SourceRange range) : DeclOf(range) {}
  /// More than one if a tuple was written.
  llvm::ArrayRef<Identifier> targets;
  /// `phi(u)`: a function; it has one target.
  bool isFunction = false;
  llvm::ArrayRef<Parameter> parameters;
  const Expr *value = nullptr;
};

/// `draw m, l on sheet ~ uniform(0.5, 1)`; the space may be null. Several names
/// may be drawn jointly.
struct DrawDecl : DeclOf<Decl::Kind::Draw> {
  explicit DrawDecl(SourceRange range) : DeclOf(range) {}
  llvm::ArrayRef<Identifier> names;
  const Expr *space = nullptr;
  const Expr *distribution = nullptr;
  bool perStep = false;
};

/// `require abs(q) < 1`.
struct RequireDecl : DeclOf<Decl::Kind::Require> {
  explicit RequireDecl(SourceRange range) : DeclOf(range) {}
  const Expr *value = nullptr;
};

/// `dynamics { equations }` or `dynamics rule(...)`. The body holds
/// `EquationDecl`s and `LetDecl`s; it is empty if there is a rule.
struct DynamicsDecl : DeclOf<Decl::Kind::Dynamics> {
  explicit DynamicsDecl(SourceRange range) : DeclOf(range) {}
  const Expr *rule = nullptr;
  Body body;
};

/// `step { updates }`, `after step { updates }`. The body holds `UpdateDecl`s
/// and `LetDecl`s.
struct StepDecl : DeclOf<Decl::Kind::Step> {
  explicit StepDecl(SourceRange range) : DeclOf(range) {}
  bool isAfter = false;
  Body body;
};

/// `solve dopri5(rtol = 1e-9) every 0.05`; `every` may be null.
struct SolveDecl : DeclOf<Decl::Kind::Solve> {
  explicit SolveDecl(SourceRange range) : DeclOf(range) {}
  const Expr *method = nullptr;
  const Expr *every = nullptr;
};

/// `loss = ...`, `loss kl = ... weight 0.1`; name and weight may be missing.
struct LossDecl : DeclOf<Decl::Kind::Loss> {
  explicit LossDecl(SourceRange range) : DeclOf(range) {}
  /// Empty if there is none.
  Identifier name;
  const Expr *weight = nullptr;
  const Expr *value = nullptr;
};

/// `output frame : image(32, 32, 3) = ...`; the space may be null.
struct OutputDecl : DeclOf<Decl::Kind::Output> {
  explicit OutputDecl(SourceRange range) : DeclOf(range) {}
  Identifier name;
  const Expr *space = nullptr;
  const Expr *value = nullptr;
};

/// `probe e every 10`, `probe "name" = e`; label and `every` may be null. In
/// models and in the blocks that run them.
struct ProbeDecl : DeclOf<Decl::Kind::Probe> {
  explicit ProbeDecl(SourceRange range) : DeclOf(range) {}
  const StringExpr *label = nullptr;
  const Expr *value = nullptr;
  const Expr *every = nullptr;
};

/// `return ...`; a `TupleExpr` if several values are returned.
struct ReturnDecl : DeclOf<Decl::Kind::Return> {
  explicit ReturnDecl(SourceRange range) : DeclOf(range) {}
  const Expr *value = nullptr;
};

/// `z'' = ...`, `20 * rE' = ...`.
struct EquationDecl : DeclOf<Decl::Kind::Equation> {
  explicit EquationDecl(SourceRange range) : DeclOf(range) {}
  const Expr *lhs = nullptr;
  const Expr *rhs = nullptr;
};

/// `h <- ...`, `(z, v) <- ...`.
struct UpdateDecl : DeclOf<Decl::Kind::Update> {
  explicit UpdateDecl(SourceRange range) : DeclOf(range) {}
  llvm::ArrayRef<Identifier> targets;
  const Expr *value = nullptr;
};

/// `batch 128`, `data rotating(...)`, `save "waves" = phase_velocity(z)`,
/// `checkpoint every 100`, `rate u.linear = 1e-4`, `stop after 5`: a word, then
/// a value, a label (or a dotted name) and a value, or nothing but `every` or
/// `after`.
struct SettingDecl : DeclOf<Decl::Kind::Setting> {
  explicit SettingDecl(SourceRange range) : DeclOf(range) {}
  Identifier name;
  const StringExpr *label = nullptr;
  /// `u.linear` in `rate u.linear = 1e-4`, as written; empty if there is none.
  Identifier target;
  const Expr *value = nullptr;
  const Expr *after = nullptr;
  const Expr *every = nullptr;
};

} // namespace loco::ast

#endif // COMPILER_AST_DECL_H
