//===- ModelBuilder.h - Declarations of a model to its tables ---*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_MODELBUILDER_H
#define COMPILER_SEMA_MODELBUILDER_H

#include "compiler/Sema/Elaborator.h"
#include "compiler/Sema/Variants.h"

namespace loco::sema {

/// Builds one model of a program, then answers for the run blocks that name it.
class ModelBuilder {
public:
  /// `decl` is a `ModelDecl` or an `InstanceDecl` of the program's main file.
  ModelBuilder(Program &program, const ast::Decl &decl);

  void build();
  /// Reports a model of which something is missing without a reason, so that
  /// nothing after Sema has to reckon with it.
  void checkComplete();

  /// Adds a value that a run block asks for; returns the name of the result, or
  /// empty after an error.
  std::string addProbe(const ast::Expr *expr, std::string name);

  Elaborator &getElaborator() { return elaborator; }
  std::unique_ptr<Model> takeModel() { return std::move(model); }
  Model &getModel() { return *model; }

private:
  /// A value that an instance or `--set` gives to a name of the model.
  struct Replacement {
    std::string name;
    SourceRange range;
    const ast::Expr *value;
    bool used = false;
  };

  const ast::ModelDecl *findBase(const ast::InstanceDecl &instance);
  Scope *getMainScope() { return makeFileScope(program.getMain()); }
  Scope *makeFileScope(FileTable &table);
  void bindArguments(const ast::ModelDecl &decl);
  void applyReplacements();
  void applyOverrides();

  void makeInputs(const ast::InputDecl &decl);
  void makeStates(const ast::StateDecl &decl);
  void makeInits();
  void makeInit(const ast::InitDecl &decl);
  void setInitial(State &state, Node *value, SourceRange range);
  void makeResults();
  void makeLoss(const ast::LossDecl &decl);
  void checkEveryStep(Node *node, SourceRange range);
  void touchSymbols();

  /// The same instead of `build`, as a run block wants it.
  void buildVariant(const Variant &wanted, std::string name);
  const ast::Decl &getDeclaration() const { return declared; }

  // Dynamics.cpp
  struct Equation {
    unsigned state;
  const Model &getModel() const { return *model; }
    const ast::Decl *decl;
    /// What the rate is multiplied by on the left side.
    llvm::SmallVector<ast::Term, 2> factors;
    const ast::Expr *rhs;
    Scope *scope;
  };
  void readEquations(const ast::DynamicsDecl &decl);
  void readEquation(const ast::EquationDecl &decl, Scope *scope);
  void addEquation(Equation equation, SourceRange range);
  /// The rates of all states where they have the values `states`.
  bool makeRates(const StateValues &states, StateValues &rates);
  Node *makeRate(const Equation &equation, const StateValues &states);
  // Lengths.cpp
  Input::Kind findInputKind(const ast::InputDecl &decl);
  void countStepsBy(const Input &input, const ast::InputDecl &decl);
  void checkLengths();
  // Variants.cpp
  void beginVariant();
  void beginRollout(const ast::SettingDecl &rollout);
  void finishVariant();
  void finishRollout(const ast::SettingDecl &rollout);
  bool checkWindows();
  Node *divideBy(Node *rate, const ast::Term &factor);

  // Integrators.cpp
  struct Method {
    llvm::StringRef name;
    /// Evaluations of the right sides in a step.
    unsigned stages;
    bool (ModelBuilder::*integrate)(Node *dt, StateValues &next);
  };
  bool integrate(const ast::SolveDecl &solve, StateValues &next);
  const Method *findMethod(const ast::SolveDecl &solve);
  Node *evaluateStepSize(const ast::SolveDecl &solve, const Method &method);
  bool integrateEuler(Node *dt, StateValues &next);
  bool integrateSymplecticEuler(Node *dt, StateValues &next);
  bool integrateMidpoint(Node *dt, StateValues &next);
  bool integrateHeun(Node *dt, StateValues &next);
  bool integrateRk4(Node *dt, StateValues &next);
  /// states + scale * rates, for the states that `rates` has.
  StateValues advance(const StateValues &states, Node *scale,
                      const StateValues &rates);
  StateValues combine(const StateValues &a, double scale, const StateValues &b);
  Node *scale(double factor, Node *dt);

  // Steps.cpp
  struct StepParts {
    const ast::DynamicsDecl *dynamics = nullptr;
    const ast::SolveDecl *solve = nullptr;
    const ast::StepDecl *step = nullptr;
    const ast::StepDecl *after = nullptr;
  };
  /// What a block of updates did so far.
  struct Updates {
    StateValues &next;
    /// Where each state is updated.
    std::map<unsigned, SourceRange> places;
  };
  void makeStep();
  StepParts findStepParts();
  void checkStepParts(const StepParts &parts);
  bool checkEquations(const StepParts &parts, const StateValues &next,
                      bool report);
  std::optional<unsigned> findStateNumber(ast::Identifier name);
  std::vector<Meaning> evaluateTargets(const ast::Expr *value, size_t count);
  bool updateState(ast::Identifier target, const Meaning &value,
                   SourceRange range, Updates &updates);
  bool makeUpdates(const ast::StepDecl &decl, const StateValues &states,
                   StateValues &next);
  StateValues &keep(StateValues values) {
    return stages.emplace_back(std::move(values));
  }

  Program &program;
  std::unique_ptr<Model> model;
  Elaborator elaborator;
  const ast::Decl &declared;
  const ast::ModelDecl *body = nullptr;
  /// The file that `body` stands in.
  FileTable *bodyFile;
  std::vector<Replacement> replacements;
  /// The tables are filled; only results may be added.
  bool isBuilt = false;
  std::map<FileTable *, Scope *> fileScopes;
  /// Contexts point to these.
  std::deque<StateValues> stages;
  std::vector<Equation> equations;
  std::vector<std::string> initialised;
};

} // namespace loco::sema

#endif // COMPILER_SEMA_MODELBUILDER_H
  /// Null for the model itself.
  const Variant *variant = nullptr;
