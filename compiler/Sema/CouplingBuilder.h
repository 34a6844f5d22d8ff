//===- CouplingBuilder.h - One declared coupling ----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Makes a coupling with its parameters from its declaration. The kinds are in
// three files: Couplings.cpp (dense and what has no neighbours),
// ConvCouplings.cpp (windows on lattices and images), ShapedCouplings.cpp
// (couplings of a given shape or pattern); starts are in CouplingStarts.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_COUPLINGBUILDER_H
#define COMPILER_SEMA_COUPLINGBUILDER_H

#include "compiler/Sema/Elaborator.h"

namespace loco::sema {

class CouplingBuilder {
public:
  CouplingBuilder(Elaborator &elaborator, const ast::CouplingDecl &decl,
                  Symbol &symbol, Coupling &coupling)
      : e(elaborator), graph(elaborator.graph), decl(decl), symbol(symbol),
        coupling(coupling) {}

  /// Fills the coupling; false after an error.
  bool build();

private:
  /// Tensors of more numbers are not spelled out in a program.
  static constexpr int64_t maxWritten = 1 << 26;

  /// The arguments of the kind: `conv(a -> b, 3, 3, stride = 2)`.
  struct Form {
    const ast::ArrowExpr *arrow = nullptr;
    llvm::SmallVector<const ast::Expr *, 2> positional;
    llvm::StringMap<const ast::Expr *> named;
  };

  // Couplings.cpp
  bool readForm(llvm::ArrayRef<llvm::StringRef> names);
  bool findSpaces(llvm::StringRef example);
  const Space *findLattice(llvm::StringRef kind, llvm::StringRef example);
  bool refuseClauses(bool bias, bool mixing, bool range, bool init,
                     llvm::StringRef why);
  bool makeDense();
  bool makeShift();
  bool makeDiagonal();
  std::optional<int64_t> evaluateDistance(const ast::Expr *expr);
  bool checkWeights(int64_t out, int64_t in);
  Parameter *makeKernel(llvm::ArrayRef<int64_t> shape,
                        const llvm::Twine &description,
                        llvm::StringRef part = "");
  bool finishKernel(Parameter &kernel, int64_t fanIn);
  bool makeBias(llvm::ArrayRef<int64_t> shape, int64_t fanIn);
  Parameter &makeFixed(llvm::StringRef part, llvm::ArrayRef<int64_t> shape,
                       const llvm::Twine &description, Node *start,
                       llvm::StringRef startText);

  // ConvCouplings.cpp
  bool makeConv();
  bool makeConvBetween();
  bool makeLocal();
  bool readWindow(const Space *space, bool isCentred);
  bool checkMixing(const Space *space);
  bool readPadding(llvm::SmallVectorImpl<int64_t> &outputs);
  std::optional<int64_t> readNumber(llvm::StringRef name, int64_t otherwise);
  llvm::SmallVector<int64_t, 6> getKernelShape(const Space *space) const;

  // ShapedCouplings.cpp
  bool makeGaussian();
  bool makeLowRank();
  bool makeSparse();
  bool makeMasked();
  bool makeMatrix(llvm::StringRef kind, int64_t fanIn, Node *pattern,
                  const Parameter &patternOf);
  Node *makePattern(const ast::Expr *by);

  // CouplingStarts.cpp
  Node *makeStart(Parameter &kernel, int64_t fanIn);
  Node *startTap(Parameter &kernel, const ast::Expr *init);
  Node *startRolled(Parameter &kernel, const ast::CallExpr *init);
  Node *startSingle(Parameter &kernel, const ast::CallExpr &init);
  Node *startOrthogonal(Parameter &kernel, const ast::CallExpr *init);
  bool readDistances(const ast::CallExpr *init, unsigned rank,
                     llvm::SmallVectorImpl<int64_t> &distances);

  Diagnostic &error(llvm::StringRef name, SourceRange range,
                    const llvm::Twine &message) {
    return e.error(name, range, message);
  }
  std::string getText(SourceRange range) const {
    return e.getText(range).str();
  }
  /// The kind as it is called: `conv`.
  llvm::StringRef getKind() const;

  Elaborator &e;
  Graph &graph;
  const ast::CouplingDecl &decl;
  Symbol &symbol;
  Coupling &coupling;
  Form form;
};

} // namespace loco::sema

#endif // COMPILER_SEMA_COUPLINGBUILDER_H
