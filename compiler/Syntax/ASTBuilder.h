//===- ASTBuilder.h - Parse tree to AST --------------------------*- C++
//-*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to this folder. Reads the trees of the statements that parsed, and
// reports what the grammar leaves open: which statement may stand where,
// clauses written twice, targets that are no names, literals out of range.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SYNTAX_ASTBUILDER_H
#define COMPILER_SYNTAX_ASTBUILDER_H

#include "LocoParser.h"
#include "compiler/AST/AST.h"
#include "compiler/AST/Diagnostic.h"
#include "compiler/Syntax/SyntaxErrors.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace loco {

class ASTBuilder {
public:
  ASTBuilder(ast::File &file, const SourceManager &sources,
             DiagnosticEngine &diagnostics, const FailedItems &failed)
      : file(file), arena(file.arena), sources(sources),
        diagnostics(diagnostics), failed(failed) {}

  /// Fills in the body of the file.
  void build(LocoParser::FileContext *context);

private:
  /// Where a statement stands; decides which ones are allowed.
  enum class Scope { File, Model, Layer, Dynamics, Step };
  using Decls = llvm::SmallVector<const ast::Decl *>;
  using Exprs = llvm::SmallVector<const ast::Expr *>;

  // Statements (DeclBuilder.cpp, ModelBuilder.cpp). A line may become several
  // declarations.
  void item(LocoParser::ItemContext *context, Scope scope, Decls &out);
  void statement(LocoParser::StatementContext *context, Scope scope,
                 Decls &out);
  bool isAllowed(LocoParser::StatementContext *context, size_t rule,
                 Scope scope);
  ast::Body block(LocoParser::BlockContext *context, Scope scope);
  ast::Body runBlock(LocoParser::RunBlockContext *context);
  const ast::Decl *use(LocoParser::UseContext *context);
  const ast::Decl *model(LocoParser::ModelContext *context);
  const ast::Decl *layer(LocoParser::LayerContext *context);
  const ast::Decl *run(LocoParser::RunContext *context);
  const ast::Decl *setting(LocoParser::SettingContext *context);
  const ast::Decl *lattice(LocoParser::LatticeContext *context);
  const ast::Decl *input(LocoParser::InputContext *context);
  void params(LocoParser::ParamContext *context, Decls &out);
  const ast::Decl *coupling(LocoParser::CouplingContext *context);
  void states(LocoParser::StateContext *context, Decls &out);
  void inits(LocoParser::InitContext *context, Decls &out);
  const ast::Decl *encode(LocoParser::EncodeContext *context);
  const ast::Decl *decode(LocoParser::DecodeContext *context);
  const ast::Decl *let(LocoParser::LetContext *context);
  const ast::Decl *draw(LocoParser::DrawContext *context);
  const ast::Decl *require(LocoParser::RequireContext *context);
  const ast::Decl *dynamics(LocoParser::DynamicsContext *context);
  const ast::Decl *step(LocoParser::StepContext *context);
  const ast::Decl *solve(LocoParser::SolveContext *context);
  const ast::Decl *loss(LocoParser::LossContext *context);
  const ast::Decl *output(LocoParser::OutputContext *context);
  const ast::Decl *probe(LocoParser::ProbeContext *context);
  const ast::Decl *result(LocoParser::ResultContext *context);
  void equations(LocoParser::PlainContext *context, Scope scope, Decls &out);
  const ast::Decl *equation(LocoParser::EquationContext *context, Scope scope);

  // Parts of statements.
  ast::Identifier identifier(antlr4::ParserRuleContext *context);
  ast::Identifier declaredName(LocoParser::NameContext *context,
                               llvm::StringRef noun);
  llvm::ArrayRef<ast::Identifier>
  declaredNames(llvm::ArrayRef<LocoParser::NameContext *> contexts,
                llvm::StringRef noun);
  llvm::ArrayRef<ast::Parameter>
  parameters(LocoParser::ParametersContext *context);
  std::optional<llvm::ArrayRef<ast::Identifier>> targets(const ast::Expr *expr,
                                                         llvm::StringRef sign);
  llvm::ArrayRef<ast::Identifier> targets(LocoParser::TargetsContext *context,
                                          llvm::StringRef noun);
  const ast::Interval *interval(LocoParser::IntervalContext *context);
  const ast::StringExpr *label(antlr4::tree::TerminalNode *string,
                               antlr4::tree::TerminalNode *assign);
  /// Sets a field that one clause may fill; says so if it is filled already.
  template <typename Field>
  void setOnce(Field &field, Field value, antlr4::ParserRuleContext *clause,
               llvm::StringRef what);

  // Expressions (ExprBuilder.cpp).
  const ast::Expr *full(LocoParser::FullContext *context);
  const ast::Expr *spaced(LocoParser::SpacedContext *context);
  const ast::Expr *located(LocoParser::LocatedContext *context);
  const ast::Expr *value(LocoParser::ValueContext *context);
  const ast::Expr *comparison(LocoParser::ComparisonContext *context);
  const ast::Expr *sum(LocoParser::SumContext *context);
  const ast::Expr *product(LocoParser::ProductContext *context);
  const ast::Expr *factor(LocoParser::FactorContext *context);
  const ast::Expr *postfix(LocoParser::PostfixContext *context);
  const ast::Expr *call(const ast::Expr *callee,
                        LocoParser::SuffixContext *context, SourceRange range);
  const ast::Expr *reduction(const ast::Expr *callee,
                             LocoParser::SuffixContext *context,
                             LocoParser::ArgumentContext *argument,
                             SourceRange range);
  ast::Argument argument(LocoParser::ArgumentContext *context);
  const ast::Expr *subscript(LocoParser::SubscriptContext *context);
  const ast::Expr *atom(LocoParser::AtomContext *context);
  const ast::Expr *number(LocoParser::AtomContext *context);
  const ast::StringExpr *string(antlr4::Token *token);
  const ast::Expr *name(LocoParser::NameContext *context);
  template <typename Chain, typename ContextT, typename Build>
  const ast::Expr *terms(ContextT *context, size_t inverse, Build build);

  // Places.
  SourceRange rangeOf(antlr4::ParserRuleContext *context) const;
  SourceRange rangeOf(antlr4::Token *token) const {
    return getRange(token, file.id);
  }
  SourceRange rangeOf(antlr4::tree::TerminalNode *node) const {
    return rangeOf(node->getSymbol());
  }
  llvm::StringRef spell(SourceRange range) const {
    return sources.getText(range);
  }

  /// Counts the nesting of nodes; the parser's promise to all who recurse.
  class Deeper;

  ast::File &file;
  ast::Arena &arena;
  const SourceManager &sources;
  DiagnosticEngine &diagnostics;
  const FailedItems &failed;
  unsigned depth = 0;
};

} // namespace loco

#endif // COMPILER_SYNTAX_ASTBUILDER_H
