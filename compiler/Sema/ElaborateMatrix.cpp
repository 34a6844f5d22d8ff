//===- ElaborateMatrix.cpp - Matrices as values ---------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A value with two axes is a matrix: a weight that changes over time, a
// covariance.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Call.h"
#include "compiler/Sema/Elaborator.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

static bool isMatrix(const Node *value) {
  return value->space && value->space->kind == SpaceKind::Image &&
         value->shape.size() == 2;
}

static const Space *getMatrixSpace(SpaceTable &spaces, int64_t rows,
                                   int64_t columns) {
  Space space;
  space.kind = SpaceKind::Image;
  space.sites = {rows, columns};
  return spaces.get(space);
}

/// `A @ x`, `transpose(A) @ x`, and products of two matrices; nothing if the
/// value in front is no matrix, and no meaning after an error.
std::optional<Meaning> Elaborator::multiplyMatrix(const Factor &lhs,
                                                  const Factor &rhs,
                                                  const ast::CoupleExpr &expr) {
  if (lhs.value->shape.size() != 2)
    return std::nullopt;
  int64_t rows = lhs.getRows(), columns = lhs.getColumns();
  Node *flat = graph.flatten(rhs.value);
  bool areMatrices = isMatrix(lhs.value) && isMatrix(rhs.value);
  // The numbers of a field in a row go before its own rows.
  if (areMatrices && rhs.getRows() == columns &&
      (rhs.isTransposed || flat->shape[0] != columns))
    return Meaning::ofValue(multiplyMatrices(lhs, rhs));
  if (rhs.isTransposed && !areMatrices)
    return std::nullopt;
  if (!areMatrices && rhs.value->space == lhs.value->space)
    return std::nullopt;
  if (flat->shape[0] != columns || rhs.isTransposed) {
    std::string found =
        areMatrices
            ? (" is one of " + llvm::Twine(rhs.getRows()) + " x " +
               llvm::Twine(rhs.getColumns()))
                  .str()
            : (" has " + llvm::Twine(flat->shape[0]) + " numbers").str();
    error("space-mismatch", expr.operand->getRange(),
          "`" + getText(expr.coupling->getRange()) + "` is a matrix of " +
              llvm::Twine(rows) + " x " + llvm::Twine(columns) + ", but `" +
              getText(expr.operand->getRange()) + "`" + found);
    return Meaning();
  }
  Node *product = graph.contract(lhs.isTransposed ? "oi,o->i" : "oi,i->o",
                                 lhs.value, flat, rows);
  return Meaning::ofValue(graph.reshape(product, spaces.getVector(rows)));
}

Node *Elaborator::multiplyMatrices(const Factor &lhs, const Factor &rhs) {
  int64_t rows = lhs.getRows(), columns = rhs.getColumns();
  // One column times one row sums nothing up.
  if (lhs.getColumns() == 1)
    return makeOuter(lhs.value, rhs.value);
  StringRef equation = lhs.isTransposed
                           ? (rhs.isTransposed ? "oi,ko->ik" : "oi,ok->ik")
                           : (rhs.isTransposed ? "oi,ki->ok" : "oi,ik->ok");
  Node *product =
      graph.contract(equation, lhs.value, rhs.value, {rows, columns});
  return graph.reshape(product, getMatrixSpace(spaces, rows, columns));
}

//===----------------------------------------------------------------------===//
// outer(a, b)
//===----------------------------------------------------------------------===//

/// The matrix of all products, rows by a, columns by b.
Node *Elaborator::makeOuter(Node *a, Node *b) {
  Node *rows = graph.flatten(a), *columns = graph.flatten(b);
  const Space *matrix =
      getMatrixSpace(spaces, rows->shape[0], columns->shape[0]);
  return graph.binary(Op::Multiply, graph.broadcast(rows, matrix, {1}),
                      graph.broadcast(columns, matrix, {0}));
}

Meaning Elaborator::multiplyOuter(const Call &call) {
  Node *a = requireValue(getArgument(call, 0), call.getRange(0));
  Node *b = requireValue(getArgument(call, 1), call.getRange(1));
  return a && b ? Meaning::ofValue(makeOuter(a, b)) : Meaning();
}
