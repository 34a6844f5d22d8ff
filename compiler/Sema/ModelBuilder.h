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
  /// A value that an instance or `--set` gives to a name of the model.
  struct Replacement {
    std::string name;
    SourceRange range;
    const ast::Expr *value;
    bool used = false;
    /// What a model around gives: known already, in its terms.
    Meaning meaning = {};
  };

  /// `decl` is a `ModelDecl` or an `InstanceDecl` of the program's main file.
  ModelBuilder(Program &program, const ast::Decl &decl);
  /// The same inside of the model of `around`, where `file` declares it.
  ModelBuilder(Program &program, const ast::Decl &decl, FileTable &file,
               Elaborator &around);
  /// What a model around gives, and the spaces of what it feeds: to the input
  /// of that name, or the only one per step if it is empty.
  void setArguments(std::vector<Replacement> given,
                    std::vector<std::pair<std::string, const Space *>> fed) {
    replacements = std::move(given);
    fedSpaces = std::move(fed);
  }
  /// A space that `decl` needs and nothing gives, so that only other models can
  /// use it; null if it stands alone.
  static const ast::Parameter *findOpenSpace(Program &program,
                                             const ast::Decl &decl);
  static ast::Identifier getName(const ast::Decl &decl);
  /// An output or state of a model that is built, at some step.
  Node *evaluateAt(llvm::StringRef name, Moment moment);
  /// The model of which `decl` is an instance, through others; null if there
  /// is none.
  static const ast::ModelDecl *getModelDecl(const ast::Decl *decl,
                                            FileTable *file);

  void build();
  /// Reports a model of which something is missing without a reason, so that
  /// nothing after Sema has to reckon with it.
  void checkComplete();
  bool isComplete() const;

  /// Adds a value that a run block asks for; returns the name of the result, or
  /// empty after an error.
  std::string addProbe(const ast::Expr *expr, std::string name);

  /// The same instead of `build`, as a run block wants it.
  void buildVariant(const Variant &wanted, std::string name);
  const ast::Decl &getDeclaration() const { return declared; }

  /// Where the run blocks of this model look names up: among its own, then in
  /// the main file, which need not be the one that the model is written in.
  Scope *makeRunScope();

  Elaborator &getElaborator() { return elaborator; }
  std::unique_ptr<Model> takeModel() { return std::move(model); }
  Model &getModel() { return *model; }
  const Model &getModel() const { return *model; }

private:
  const ast::ModelDecl *findBase(const ast::InstanceDecl &instance);
  Scope *getMainScope() { return makeFileScope(program.getMain()); }
  Scope *makeFileScope(FileTable &table);
  void bindArguments(const ast::ModelDecl &decl);
  Meaning findArgument(const ast::Parameter &parameter);
  const Space *findFedSpace(llvm::StringRef name);
  void applyReplacements();
  void applyOverrides();

  void makeInputs(const ast::InputDecl &decl);
  // Lengths.cpp
  Input::Kind findInputKind(const ast::InputDecl &decl);
  void countStepsBy(const Input &input, const ast::InputDecl &decl);
  void checkLengths();
  // Variants.cpp
  void beginVariant();
  void beginRollout(const ast::SettingDecl &rollout);
  void finishVariant();
  void checkFeedsOfLoops(const ast::SettingDecl &rollout);
  void finishRollout(const ast::SettingDecl &rollout);
  void keepStatesAlone();
  bool checkWindows();
  void makeProbe(const ast::ProbeDecl &probe);
  bool checkResultName(llvm::StringRef name, SourceRange range);
  void makeStates(const ast::StateDecl &decl);
  void makeInits();
  void makeInit(const ast::InitDecl &decl);
  void setInitial(State &state, Node *value, SourceRange range);
  void makeResults();
  // Losses.cpp
  void makeLosses();
  Node *evaluateLoss(const ast::LossDecl &decl);
  Node *averageLoss(Node *loss);
  bool checkLossNames(llvm::ArrayRef<const ast::LossDecl *> decls);
  // Systems.cpp
  void checkSystem();
  void makeOutputs();
  void makeOutput(const ast::OutputDecl &decl);
  Node *makeViolation(const ast::RequireDecl &decl);
  bool startPair(const ast::StateDecl &decl);

  void checkEveryStep(Node *node, SourceRange range);
  void touchSymbols();

  // Dynamics.cpp
  struct Equation {
    unsigned state;
    const ast::Decl *decl;
    /// What the rate is multiplied by on the left side.
    llvm::SmallVector<ast::Term, 2> factors;
    const ast::Expr *rhs;
    Scope *scope;
    /// Of a Hamiltonian rule: the energy, the factor of friction (or null), and
    /// the other state of the pair.
    const ast::Expr *energy = nullptr;
    const ast::Expr *friction = nullptr;
    unsigned partner = 0;
    bool isMomentum = false;
  };
  void readEquations(const ast::DynamicsDecl &decl);
  void readEquation(const ast::EquationDecl &decl, Scope *scope);
  void addEquation(Equation equation, SourceRange range);
  /// The rates of all states where they have the values `states`.
  bool makeRates(const StateValues &states, StateValues &rates);
  Node *makeRate(const Equation &equation, const StateValues &states);
  Node *divideBy(Node *rate, const ast::Term &factor);

  // Integrators.cpp
  struct Method {
    enum Kind : uint8_t { Fixed, Stochastic, Adaptive };
    llvm::StringRef name;
    /// Evaluations of the right sides in a step.
    unsigned stages;
    /// A step of size `dt` from `old`.
    bool (ModelBuilder::*integrate)(const StateValues &old, Node *dt,
                                    StateValues &next);
    Kind kind = Fixed;
  };
  const Method *findMethod(const ast::SolveDecl &solve);
  bool integrateEuler(const StateValues &old, Node *dt, StateValues &next);
  bool integrateSymplecticEuler(const StateValues &old, Node *dt,
                                StateValues &next);
  bool integrateExponentialEuler(const StateValues &old, Node *dt,
                                 StateValues &next);
  bool integrateMidpoint(const StateValues &old, Node *dt, StateValues &next);
  bool integrateHeun(const StateValues &old, Node *dt, StateValues &next);
  bool integrateRk4(const StateValues &old, Node *dt, StateValues &next);
  /// states + scale * rates, for the states that `rates` has.
  StateValues advance(const StateValues &states, Node *scale,
                      const StateValues &rates);
  StateValues combine(const StateValues &a, double scale, const StateValues &b);
  Node *scale(double factor, Node *dt);

  bool integrateLeapfrog(const StateValues &old, Node *dt, StateValues &next);

  // Hamiltonian.cpp
  void readHamiltonian(const ast::DynamicsDecl &decl);
  bool readPairs(const ast::CallExpr &rule,
                 llvm::SmallVectorImpl<std::pair<unsigned, unsigned>> &pairs);
  bool readStates(const ast::Expr *expr, llvm::SmallVectorImpl<unsigned> &found);
  bool findPairs(const ast::CallExpr &rule,
                 llvm::SmallVectorImpl<std::pair<unsigned, unsigned>> &pairs);
  bool isMoved(unsigned state) const;
  Node *makeHamiltonianRate(const Equation &equation,
                            const StateValues &states);

  // SymplecticSolvers.cpp
  /// What moves first: velocities and momenta; the others follow from them.
  std::vector<bool> findMomenta(bool &valid);
  StateValues select(const StateValues &values, const std::vector<bool> &which,
                     bool wanted);
  bool makeRates(const StateValues &states, const std::vector<bool> &which,
                 bool wanted, StateValues &rates);
  bool checkSeparable(const StateValues &old, const StateValues &rates,
                      const std::vector<bool> &isMomentum);

  // Solvers.cpp
  /// What `solve` says besides the method.
  struct Stepping {
    /// Of the solver; of the model where the solver is adaptive.
    Node *dt = nullptr;
    /// Steps of the solver in a step of the model.
    int64_t passes = 1;
    double rtol = 1e-6, atol = 1e-9;
    int64_t most = 1000;
  };
  bool integrate(const ast::SolveDecl &solve, StateValues &next);
  bool readStepping(const ast::SolveDecl &solve, const Method &method);
  bool readTolerances(const ast::CallExpr &call, const Method &method);
  bool countPasses(const ast::SolveDecl &solve, SourceRange dtRange);
  Node *evaluateStepSize(const ast::Expr *expr);
  StateValues beginIterate(llvm::ArrayRef<Node *> starts);
  bool integrateSubSteps(const Method &method, StateValues &next);

  // AdaptiveSolver.cpp
  bool integrateDopri5(const StateValues &old, Node *interval,
                       StateValues &next);
  Node *chooseFirstStep(const StateValues &old, const StateValues &rates,
                        Node *interval);
  /// Root of the mean square of `values`, each divided by what is allowed.
  Node *getErrorNorm(const StateValues &values, const StateValues &allowed);
  StateValues getAllowed(const StateValues &a, const StateValues &b);

  // Steps.cpp
  struct StepParts {
    /// The first `dynamics`, of either kind.
    const ast::DynamicsDecl *dynamics = nullptr;
    const ast::DynamicsDecl *block = nullptr;
    llvm::SmallVector<const ast::DynamicsDecl *, 1> rules;
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
  std::vector<Meaning> evaluateTargets(const ast::Expr *value,
                                       llvm::ArrayRef<ast::Identifier> targets);
  std::vector<Meaning> divide(Node *value,
                              llvm::ArrayRef<ast::Identifier> targets,
                              SourceRange range);
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
  /// Null for the model itself.
  const Variant *variant = nullptr;
  /// The file that `body` stands in.
  FileTable *bodyFile;
  std::vector<Replacement> replacements;
  std::vector<std::pair<std::string, const Space *>> fedSpaces;
  /// The tables are filled; only results may be added.
  bool isBuilt = false;
  std::map<FileTable *, Scope *> fileScopes;
  /// Contexts point to these.
  std::deque<StateValues> stages;
  std::vector<Equation> equations;
  Stepping stepping;
  std::vector<std::string> initialised;
};

} // namespace loco::sema

#endif // COMPILER_SEMA_MODELBUILDER_H
