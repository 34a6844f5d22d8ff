//===- Elaborator.h - Expressions of a model to its graph -------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Evaluates the expressions of one model symbolically: the result of each is a
// node of the model's graph. One class whose parts are in the files
// Elaborate*.cpp; what the model's declarations ask for is in ModelBuilder.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_ELABORATOR_H
#define COMPILER_SEMA_ELABORATOR_H

#include "compiler/AST/Diagnostic.h"
#include "compiler/Sema/Builtins.h"
#include "compiler/Sema/Call.h"
#include "compiler/Sema/Program.h"
#include "compiler/Sema/Scope.h"
#include "compiler/Sema/Sequence.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/SaveAndRestore.h"
#include <map>
#include <set>

namespace loco::sema {

struct Feed;
class ModelRun;

class Elaborator {
public:
  Elaborator(Model &model, Program &program);

  //===--------------------------------------------------------------------===//
  // Expressions (Elaborate.cpp, ElaborateArithmetic.cpp)
  //===--------------------------------------------------------------------===//

  Meaning elaborate(const ast::Expr *expr);
  /// The expression as a value; null after an error.
  Node *evaluate(const ast::Expr *expr);
  /// The meaning as a value; `range` is where it stands.
  Node *requireValue(const Meaning &meaning, SourceRange range);
  /// A scalar number that is known now; reports what else it is.
  std::optional<double> evaluateNumber(const ast::Expr *expr);
  /// The same for whole numbers of at least `least`.
  std::optional<int64_t> evaluateInteger(const ast::Expr *expr, int64_t least,
                                         llvm::StringRef what);
  /// Repeats a value to fill `space`, or reports a mismatch at `range`.
  Node *fit(Node *value, const Space *space, SourceRange range,
            llvm::StringRef what);

  //===--------------------------------------------------------------------===//
  // Names and spaces (ElaborateNames.cpp, ElaborateSpaces.cpp)
  //===--------------------------------------------------------------------===//

  Meaning lookUp(llvm::StringRef name, SourceRange range);
  Meaning resolve(Symbol &symbol, SourceRange use);
  const Space *evaluateSpace(const ast::Expr *expr);
  Symbol *declare(Scope &scope, ast::Identifier name, const ast::Decl *decl,
                  unsigned index = 0);
  void declareBody(Scope &scope, ast::Body body);
  Scope *makeScope(Scope *parent, Place place);

  //===--------------------------------------------------------------------===//
  // Parameters (Parameters.cpp, Couplings.cpp, Distributions.cpp)
  //===--------------------------------------------------------------------===//

  Meaning resolveParameter(Symbol &symbol, const ast::ParamDecl &decl);
  Meaning resolveCoupling(Symbol &symbol, const ast::CouplingDecl &decl);
  Meaning applyCoupling(const ast::CoupleExpr &expr);
  /// The displacements of `near(...)` on a lattice, along all axes of its
  /// sites, one after the other; none after an error.
  std::optional<llvm::SmallVector<int64_t>>
  readOffsets(const ast::Expr *neighbourhood, const Space *space);
  /// Draws from `uniform(a, b)` or `normal(mean, sd)` on a space; with a
  /// `moment`, anew at every step.
  Node *draw(const ast::Expr *distribution, llvm::StringRef what,
             const Space *space, Moment moment = Moment::Sample);
  Node *draw(const ast::Expr *distribution, llvm::StringRef what,
             llvm::ArrayRef<int64_t> shape);
  Node *
  draw(const ast::Expr *distribution, llvm::StringRef what,
       llvm::function_ref<Node *(bool isNormal, uint64_t stream)> random);
  /// Two values at once: `annulus(r1, r2)`, of the draws `first` and `second`.
  static bool drawsPair(const ast::Expr *distribution);
  std::pair<Node *, Node *> drawPair(const ast::Expr *distribution,
                                     llvm::StringRef first,
                                     llvm::StringRef second,
                                     const Space *space);
  void reportPair(const ast::Expr *distribution, size_t count);
  Node *drawUniform(double bound, llvm::StringRef what,
                    llvm::ArrayRef<int64_t> shape);
  /// Stream of the random draws at the place `what` of the model.
  uint64_t getStream(llvm::StringRef what) const;

  //===--------------------------------------------------------------------===//
  // Time (ElaborateTime.cpp)
  //===--------------------------------------------------------------------===//

  Meaning elaborateAt(Moment moment, const ast::Expr *expr, SourceRange range);
  Meaning elaborateOverTime(llvm::StringRef reduction,
                            const ast::OverExpr &over, SourceRange range);
  /// Refuses a value that needs the end of the sequence at every step.
  bool checkCausal(Node *node, SourceRange range);

  //===--------------------------------------------------------------------===//
  // Derivatives (ElaborateGradient.cpp)
  //===--------------------------------------------------------------------===//

  /// The derivative of a scalar expression by the value of a name, on its
  /// space; null after an error. Zero is one, unless `mayBeZero`.
  Node *differentiate(const ast::Expr *scalar, Symbol &symbol, SourceRange use,
                      bool mayBeZero);

  //===--------------------------------------------------------------------===//
  // Models inside of models (ModelInstance.cpp, ModelRun.cpp)
  //===--------------------------------------------------------------------===//

  /// `Gru(hidden = 8)`: an instance, the same one in every context.
  Meaning callModel(const Meaning &callee, const Call &call);
  /// `Gru` as if it were `Gru()`.
  Call getBareCall(const ast::Expr *name) const;
  /// outputs, final.
  Meaning callRun(Builtin builtin, const Call &call);
  /// When what a model inside is run over is evaluated.
  Context getFeedContext(bool isApart) const;
  /// The value of a feed at some step, on the space of the input it is for.
  Node *evaluateFeed(const ModelInstance &instance, const Feed &feed,
                     const Input &input, Moment moment);
  /// What `reverse(u[a..b])` says.
  Feed readSequence(const ast::Expr *expr) const;
  /// The first and the last step of it; false after an error.
  bool evaluateSteps(const Feed &feed, int64_t &first,
                     std::optional<int64_t> &last);
  /// `inside` from step `first` to `last`, `outside` at the others.
  Node *selectSteps(int64_t first, std::optional<int64_t> last, Node *inside,
                    Node *outside);
  Meaning elaborateAtEnd(Moment moment, const Feed &feed);
  Meaning sumOverTime(const ast::Expr *expr, int64_t first,
                      std::optional<int64_t> last, bool isMean);
  /// The parameter of this model that stands for one of the instance's.
  const Parameter *importParameter(ModelInstance &instance,
                                   const Parameter &parameter);
  /// Says in messages which call brought this model inside of another one.
  void enterModel(llvm::StringRef name, SourceRange range, bool isLibrary) {
    calls.push_back({name.str(), range, isLibrary, "model"});
  }

  //===--------------------------------------------------------------------===//
  // Diagnostics
  //===--------------------------------------------------------------------===//

  Diagnostic &error(llvm::StringRef name, SourceRange range,
                    const llvm::Twine &message);
  Diagnostic &notYet(SourceRange range, const llvm::Twine &what);
  llvm::StringRef getText(SourceRange range) const {
    return program.sources.getText(range);
  }
  std::string suggest(llvm::StringRef name,
                      llvm::ArrayRef<llvm::StringRef> more);

  Model &model;
  Program &program;
  Graph &graph;
  SpaceTable &spaces;
  /// What inputs are at which step, and which steps count.
  Sequence sequence{model};

  Scope *modelScope = nullptr;
  /// Where names are looked up, when, and for which place of the model.
  Scope *scope = nullptr;
  Context context;
  Place place;

  /// Functions, layers and instances that are being expanded.
  llvm::SmallPtrSet<const ast::Decl *, 8> calling;

  /// States before a step, and after it once the step is elaborated.
  StateValues oldStates, newStates, firstStates, lastStates;
  bool isMakingStep = false;
  bool stepIsKnown = false;
  /// What is made is inside of a loop inside of the step.
  bool isIterating = false;
  /// In equations under a solver that knows noise: 1 / sqrt(dt), and where the
  /// noise lives.
  Node *noiseScale = nullptr;
  const Space *noiseSpace = nullptr;

  /// Of a model inside of another one: the one around, and what the names of
  /// its random streams begin with.
  const Elaborator *around = nullptr;
  std::string streamPrefix;
  /// The declaration that is being made a model.
  const ast::Decl *declaration = nullptr;

private:
  ModelInstance *findInstance(const ast::Expr *expr, const Call &call);
  bool evaluateModelArguments(ModelInstance &instance, const Call &call);
  bool readFeeds(const ModelInstance &instance, const Call &call,
                 llvm::SmallVectorImpl<Feed> &feeds);
  bool checkReplaced(const ModelInstance &instance,
                     const ast::ModelDecl &model, llvm::StringRef wanted,
                     SourceRange range);
  bool checkFedNames(const ModelInstance &instance,
                     const ast::ModelDecl &model, llvm::ArrayRef<Feed> feeds);
  bool buildInstance(ModelInstance &instance, llvm::ArrayRef<Feed> feeds,
                     Context when, const Call &call);
  std::optional<bool> readsStates(const ModelInstance &instance,
                                  llvm::ArrayRef<Feed> feeds, Context when,
                                  const Call &call);
  std::string nameRun(const ModelInstance &instance, const Call &call);
  ModelRun *findRun(Builtin builtin, ModelInstance &instance,
                    llvm::ArrayRef<Feed> feeds, const Call &call);
  void watchSolvers(ModelInstance &instance, ModelRun &run);
  Meaning getOutputs(ModelInstance &instance, ModelRun &run, const Call &call);

  friend class CouplingBuilder;

  Meaning elaborateName(const ast::NameExpr &expr);
  Meaning elaborateNoise(const ast::NameExpr &expr);
  Meaning elaborateNumber(const ast::NumberExpr &expr);
  Meaning elaborateMember(const ast::MemberExpr &expr);
  Meaning elaborateUnary(const ast::UnaryExpr &expr);
  Meaning elaboratePower(const ast::PowerExpr &expr);
  Meaning elaborateProduct(const ast::ProductExpr &expr);
  Meaning elaborateSum(const ast::SumExpr &expr);
  Meaning elaborateCompare(const ast::CompareExpr &expr);
  Meaning elaborateSubscript(const ast::SubscriptExpr &expr);
  Meaning elaborateTuple(const ast::TupleExpr &expr);
  Meaning elaborateList(const ast::ListExpr &expr);
  Meaning elaborateTerms(llvm::ArrayRef<ast::Term> terms, Op op, Op inverse);

  Meaning elaborateCall(const ast::CallExpr &expr);
  Meaning elaboratePipe(const ast::PipeExpr &expr);
  Meaning callByName(const ast::Expr *callee, Call call);
  Meaning callMeaning(const Meaning &callee, const Call &call);
  Meaning callPartial(const Meaning &callee, const Call &call);
  Meaning callFunction(const Meaning &callee, const Call &call);
  bool checkFunctionCall(const ast::LetDecl &function, const Call &call);
  bool checkPositional(const Call &call);

  /// What a call gives to a layer.
  struct LayerArguments {
    /// In the order of the layer's parameters; an invalid range where the
    /// default is taken.
    std::vector<std::pair<Meaning, SourceRange>> values;
    /// What stands behind the arrow, and the space it names.
    const ast::Expr *resultSpace = nullptr;
    const Space *target = nullptr;
  };
  static bool lacksOperand(const ast::CallExpr &call, Scope &inside);
  Meaning callLayer(const Meaning &callee, const Call &call);
  std::optional<size_t> findParameter(const ast::LayerDecl &layer,
                                      const Call &call,
                                      const ast::Argument &argument,
                                      size_t position);
  bool evaluateArguments(const ast::LayerDecl &layer, const Call &call,
                         LayerArguments &given);
  bool bindArguments(const ast::LayerDecl &layer, const Call &call,
                     LayerArguments &given, Scope &inside);
  bool bindResult(const ast::LayerDecl &layer, const Call &call,
                  LayerArguments &given, Scope &inside, int64_t copies);
  bool bindSpace(Scope &inside, const ast::Expr *annotation, const Space *space,
                 SourceRange range, const llvm::Twine &what);
  Meaning elaborateBody(const ast::LayerDecl &layer, const Call &call,
                        const Space *target, Scope &inside);

  Meaning callBuiltin(const Call &call);
  const BuiltinForm *checkBuiltinCall(const Call &call);
  Meaning getArgument(const Call &call, size_t i);
  Meaning callTime(Builtin builtin, const Call &call);
  Meaning callGaussian(const Call &call);
  Meaning callDistribution(Builtin builtin, const Call &call);
  Meaning callClass(Builtin builtin, const Call &call);
  Meaning callSpace(Builtin builtin, const Call &call);
  Meaning callCoordinates(Builtin builtin, const Call &call);
  // ElaborateShape.cpp
  Meaning callShape(Builtin builtin, const Call &call);
  Meaning reshapeTo(const Call &call);
  Meaning joinValues(const Call &call);
  Meaning multiplyOuter(const Call &call);
  /// A factor of a matrix product, as written or with its axes exchanged.
  struct Factor {
    Node *value = nullptr;
    bool isTransposed = false;
    int64_t getRows() const { return value->shape[isTransposed]; }
    int64_t getColumns() const { return value->shape[!isTransposed]; }
  };
  std::optional<Meaning> multiplyMatrix(const Factor &lhs, const Factor &rhs,
                                        const ast::CoupleExpr &expr);
  Node *multiplyMatrices(const Factor &lhs, const Factor &rhs);
  Node *makeOuter(Node *a, Node *b);
  Meaning resample(Builtin builtin, const Call &call);
  Meaning takeBox(const ast::SubscriptExpr &expr, Node *value);
  bool unifyArguments(Builtin builtin, const Call &call,
                      llvm::SmallVectorImpl<Node *> &values);
  Meaning elaborateSample(const Meaning &distribution, SourceRange range,
                          const void *site);
  Meaning elaborateReduce(const ast::ReduceExpr &expr);
  Node *applyTo(const Coupling &coupling, Node *field);
  Node *convolve(const Coupling &coupling, Node *field);
  Node *applyLocal(const Coupling &coupling, Node *field);
  Node *applyGaussian(const Coupling &coupling, Node *field);
  Node *addBias(const Coupling &coupling, Node *result);

  /// Repeats the smaller of two operands; null after an error. `lhsRange` and
  /// `rhsRange` are where they stand.
  bool unify(Node *&lhs, Node *&rhs, SourceRange lhsRange,
             SourceRange rhsRange);
  void reportMismatch(const Node *lhs, const Node *rhs, SourceRange lhsRange,
                      SourceRange rhsRange);
  void noteDeclaration(Diagnostic &diagnostic, SourceRange range);

  Meaning callGradient(const Call &call);
  bool checkDifferentiable(const Node *scalar, const Node *variable,
                           const ast::Expr *expr, SourceRange use);
  Meaning resolveInDerivative(Symbol &symbol, SourceRange use);
  Meaning resolveHere(Symbol &symbol, SourceRange use);
  Meaning resolveOnce(Symbol &symbol, SourceRange use);
  std::optional<Meaning> findShared(const Symbol &symbol) const;
  Meaning elaborateBinding(Symbol &symbol, const ast::Expr *value);
  Meaning reportCycle(Symbol &symbol, SourceRange use);
  Meaning resolveInput(Symbol &symbol, const ast::InputDecl &decl,
                       SourceRange use);
  Meaning resolveState(Symbol &symbol, SourceRange use);
  Meaning resolveDraw(Symbol &symbol, const ast::DrawDecl &decl,
                      SourceRange use);
  Meaning drawAtStep(const Symbol &symbol, const ast::DrawDecl &decl,
                     const Space *space, SourceRange use);
  void reportUnknownSpace(const Symbol &symbol, SourceRange use);

  const Space *evaluateSpaceCall(const ast::CallExpr &expr);
  const Space *evaluateSpaceName(llvm::StringRef name, SourceRange range);

  Parameter &makeParameter(llvm::StringRef name, SourceRange range);
  bool setTransform(Parameter &parameter, const ast::Interval *interval,
                    ast::Identifier via);
  Node *invert(const Parameter &parameter, Node *value, SourceRange range);
  void finishParameter(Parameter &parameter, Node *initial, SourceRange range);
  std::string qualify(llvm::StringRef name) const;
  /// The name of the instance at `site`, the same one in every context.
  Place getInstance(llvm::StringRef name, const void *site);

  using Path = std::vector<const void *>;
  std::map<Path, std::string> instances;
  std::map<std::string, unsigned> instanceNames;
  /// Parameters and couplings by scope place, declaration and index.
  std::map<Path, Parameter *> parameters;
  std::map<Path, std::unique_ptr<Coupling>> couplings;
  std::map<Path, std::shared_ptr<ModelInstance>> modelInstances;
  std::set<std::string> parameterNames;

  /// What a derivative is taken by.
  struct Derivative {
    /// The one around it; 0 if there is none.
    unsigned around;
    const Symbol *symbol;
    Node *original, *variable;
  };
  /// Contexts name them by their place.
  std::vector<Derivative> derivatives;

  std::vector<std::unique_ptr<Scope>> scopes;
  std::deque<Symbol> symbols;
  llvm::SmallVector<Symbol *, 8> resolving;
  struct ActiveCall {
    std::string name;
    SourceRange range;
    bool isLibrary;
    llvm::StringRef what = "layer";
  };
  llvm::SmallVector<ActiveCall, 4> calls;
  /// Set while the arguments of `gaussian` are evaluated: their last layer
  /// gives so many copies of its space.
  const ast::Expr *copiedCall = nullptr;
  unsigned depth = 0;
  /// One of the bounds on expansion was reported.
  bool isExhausted = false;
  unsigned currentOrder = ~0u;
  bool inNeighbourhood = false;
};

/// Where `value`, written as `text`, does not live on `space` but has as many
/// numbers, and one of the two is a row: how one becomes the other. Else empty.
std::string hintAtReshape(const Node *value, llvm::StringRef text,
                          const Space *space);

} // namespace loco::sema

#endif // COMPILER_SEMA_ELABORATOR_H
