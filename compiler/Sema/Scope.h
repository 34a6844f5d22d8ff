//===- Scope.h - Names and what they mean -----------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Declarations may stand in any order, so a name is looked into only when it
// is used, once for every `Context`: `u` of the first step is another value
// than `u` of the step at hand.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_SCOPE_H
#define COMPILER_SEMA_SCOPE_H

#include "compiler/AST/AST.h"
#include "compiler/Sema/Model.h"
#include "llvm/ADT/StringMap.h"
#include <deque>
#include <vector>

namespace loco::sema {

struct Scope;
class ModelInstance;

/// The values of all states of a model at some time, by their numbers.
using StateValues = std::vector<Node *>;

/// When an expression is evaluated.
struct Context {
  Moment moment = Moment::Sample;
  /// What the names of states mean; null where states have no value.
  const StateValues *states = nullptr;
  /// Before the time loop, so that models inside run in loops of their own.
  bool isApart = false;
  /// Inside of a derivative: which, from 1; names that depend on what it is
  /// taken by have values of their own there.
  unsigned derivative = 0;

  bool operator==(const Context &other) const {
    return moment == other.moment && states == other.states &&
           isApart == other.isApart && derivative == other.derivative;
  }
};

/// A bilinear map between two spaces.
struct Coupling {
  enum class Kind { Conv, Dense, Shift, Diagonal, Local, Gaussian, LowRank };
  Kind kind = Kind::Dense;
  std::string name;
  const Space *from = nullptr;
  const Space *to = nullptr;
  bool mixesChannels = false;
  /// Conv: between two spaces, so the kernel always has axes of channels.
  bool isBetween = false;
  /// Null for shifts.
  Parameter *kernel = nullptr;
  Parameter *bias = nullptr;
  /// What acts: the kernel's value, zero where a pattern leaves weights out.
  Node *weights = nullptr;
  /// LowRank: acts first.
  Node *right = nullptr;
  /// Conv, Local: extents of the window along the last axes, and how far it
  /// reaches before its site.
  llvm::SmallVector<int64_t, 2> window, low;
  llvm::SmallVector<int64_t, 2> strides;
  int64_t groups = 1;
  /// Gaussian: weights along each axis, which add up to 1.
  std::vector<std::vector<double>> profiles;
  /// Of a shift, along the last axes of the space.
  llvm::SmallVector<int64_t, 2> distances;
  SourceRange range;
};

/// What an expression stands for.
struct Meaning {
  enum class Kind {
    Invalid, ///< an error was reported
    Value,
    Gaussian, ///< `value` is the mean, `logVariance` the other half
    Tuple,    ///< `elements`
    Space,
    Text,
    Coupling,
    Function, ///< `let f(u) = ...`: `function`, `scope`
    Layer,    ///< `layer`, `scope`
    Partial,  ///< `let f = linear(-> s)`: a call that waits for its operand
    Index,    ///< the index of a neighbour
    Model,    ///< `declaration`, not called yet: `Gru`
    Instance, ///< `instance`: `Gru(hidden = 8)`
  };
  Kind kind = Kind::Invalid;
  Node *value = nullptr;
  Node *logVariance = nullptr;
  const Space *space = nullptr;
  llvm::StringRef text;
  const Coupling *coupling = nullptr;
  const ast::LetDecl *function = nullptr;
  const ast::LayerDecl *layer = nullptr;
  const ast::CallExpr *call = nullptr;
  const ast::Decl *declaration = nullptr;
  ModelInstance *instance = nullptr;
  Scope *scope = nullptr;
  std::vector<Meaning> elements;

  bool isValid() const { return kind != Kind::Invalid; }
  bool is(Kind wanted) const { return kind == wanted; }

  static Meaning ofValue(Node *node) {
    Meaning meaning;
    meaning.kind = node ? Kind::Value : Kind::Invalid;
    meaning.value = node;
    return meaning;
  }
  static Meaning ofSpace(const Space *space) {
    Meaning meaning;
    meaning.kind = space ? Kind::Space : Kind::Invalid;
    meaning.space = space;
    return meaning;
  }
};

/// Names a place in the model: what parameters and random streams that are
/// made there are called after. The path tells instances apart that have the
/// same name, and finds the same instance again in another context.
struct Place {
  std::string name;
  llvm::SmallVector<const void *, 4> path;
};

/// Something that has a name.
struct Symbol {
  std::string name;
  SourceRange range;
  Scope *scope = nullptr;
  /// Null if the meaning is fixed.
  const ast::Decl *decl = nullptr;
  /// Which of the names that the declaration gives.
  unsigned index = 0;
  Meaning fixed;
  /// Position among the declarations of the model.
  unsigned order = 0;
  /// Replaces the value of the declaration; evaluated in `valueScope`.
  const ast::Expr *value = nullptr;
  Scope *valueScope = nullptr;

  /// What was found so far.
  std::vector<std::pair<Context, Meaning>> known;
  std::vector<Context> inProgress;
};

struct Scope {
  Scope *parent = nullptr;
  llvm::StringMap<Symbol *> symbols;
  /// Layers: where the instance stands. The model's scope has an empty place.
  Place place;
  /// True for files of the standard library.
  bool isLibrary = false;

  /// The symbol of that name, here or in a scope around.
  Symbol *find(llvm::StringRef name) const;
  /// All names that can be seen from here, the nearest first.
  void collectNames(std::vector<llvm::StringRef> &names) const;
};

} // namespace loco::sema

#endif // COMPILER_SEMA_SCOPE_H
