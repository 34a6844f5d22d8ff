//===- ModelInstance.h - Models inside of models ----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model inside of another one is built by itself, as if it stood alone. Its
// parameters become parameters of the model around, once for each instance;
// its graph is copied there once for each sequence that is run through it,
// where an expression of the model around stands for each input.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_MODELINSTANCE_H
#define COMPILER_SEMA_MODELINSTANCE_H

#include "compiler/Sema/ModelBuilder.h"

namespace loco::sema {

/// What is given to an input of a model inside: `over = reverse(u[0..30])`.
struct Feed {
  /// Empty for `over`.
  llvm::StringRef input;
  /// What is fed at each step: `u`.
  const ast::Expr *value = nullptr;
  bool isReverse = false;
  /// The part of the steps that is fed; both null if all of them are.
  const ast::Expr *first = nullptr, *last = nullptr;
  /// The whole argument.
  SourceRange range;

  bool isPlain() const { return !isReverse && !first && !last; }
};

class ModelRun;

/// `Gru(hidden = 8)`: one set of weights.
class ModelInstance {
public:
  /// As the program calls it.
  std::string name;
  SourceRange range;
  /// The model that the instance is of, its file, and what is given to it.
  const ast::Decl *declaration = nullptr;
  FileTable *file = nullptr;
  std::vector<ModelBuilder::Replacement> arguments;
  /// Where its parameters stand, by name and order.
  Place place;
  unsigned order = 0;

  /// Made when the spaces of its inputs are known; null before.
  std::unique_ptr<ModelBuilder> builder;
  bool isBroken = false;
  std::map<const Parameter *, const Parameter *> parameters;
  /// By the place of the call, and what else tells runs apart.
  using Key = std::tuple<std::vector<const void *>, const StateValues *, int>;
  std::map<Key, std::unique_ptr<ModelRun>> runs;

  const Model &getModel() const { return builder->getModel(); }
  /// The input that a feed is for; null if there is none.
  const Input *findInput(const Feed &feed) const;
};

/// One sequence that is run through an instance.
class ModelRun {
public:
  enum class Kind {
    Joined,  ///< in the time loop of the model around
    Apart,   ///< in a loop of its own, before that one
    AtFirst, ///< nothing but the first step, before that loop
  };
  ModelRun(Elaborator &around, ModelInstance &instance, Kind kind,
           std::string name, llvm::ArrayRef<Feed> feeds, SourceRange range);

  /// Copies what a step is made of; false after an error. `first` and `last`
  /// bound the steps of a loop of its own.
  bool start(int64_t first, std::optional<int64_t> last);

  /// A value of the model inside as one of the model around; null after an
  /// error.
  Node *import(const Node *inner);
  /// A value per step of a run apart, kept for each step.
  Node *keepOutput(const Node *inner, Moment moment);
  /// A state after the last step.
  Node *getFinal(unsigned state);

  Kind getKind() const { return kind; }
  llvm::StringRef getName() const { return name; }
  /// False if its start was refused.
  bool isValid() const { return hasStarted; }

private:
  ModelRun(ModelRun &parent, std::string name);
  void importParameters();
  bool checkState(const State &state);
  bool startStates(const std::deque<State> &inner);
  Node *readOld(unsigned state);
  Node *importSource(const Node &node);
  Node *importInput(const Node &node);
  Node *importStepIndex();
  bool canSearch();
  Node *importRandom(const Node &node);
  Node *importState(const Node &node);
  Node *importLoop(const Node &node);
  Node *importTimeSum(const Node &node);
  Node *refuse(const llvm::Twine &what);
  const Feed *findFeed(const Input &input) const;
  unsigned getNumber(const State &state) const;

  Elaborator &around;
  ModelInstance &instance;
  Kind kind;
  std::string name;
  std::vector<Feed> feeds;
  SourceRange range;
  /// When and where the feeds are evaluated.
  Context when;
  Scope *scope;
  Place place;

  const std::deque<State> *innerStates = nullptr;
  std::vector<State *> states;
  /// Of a run apart.
  InnerLoop *loop = nullptr;
  bool isPartial = false, hasStarted = false;
  llvm::DenseMap<const Node *, Node *> known;
  std::map<const Node *, unsigned> outputs;
  /// Loops of the model inside, held by the run of the whole of it.
  ModelRun *whole = this;
  std::map<const InnerLoop *, std::unique_ptr<ModelRun>> nested;
};

} // namespace loco::sema

#endif // COMPILER_SEMA_MODELINSTANCE_H
