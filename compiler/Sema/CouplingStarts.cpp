//===- CouplingStarts.cpp - Initial weights of couplings ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Printer.h"
#include "compiler/AST/Suggest.h"
#include "compiler/Sema/CouplingBuilder.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::StringRef;

static constexpr StringRef draws[] = {"uniform", "normal", "truncated_normal"};
static constexpr StringRef knownStarts[] = {
    "constant", "uniform",  "normal", "truncated_normal",
    "shift",    "identity", "single", "orthogonal"};

/// The tensor that the weights start from. `fanIn` is the number of inputs of
/// one output, which the default is made of, as PyTorch does.
Node *CouplingBuilder::makeStart(Parameter &kernel, int64_t fanIn) {
  bool isAmplitude = coupling.kind == Coupling::Kind::Gaussian;
  if (!decl.init && isAmplitude) {
    kernel.start = "init constant(1)";
    return graph.fill(1, kernel.shape);
  }
  if (!decl.init) {
    if (kernel.transform != Transform::None) {
      error("no-value", coupling.range,
            "`" + StringRef(kernel.name) +
                "` keeps to a range, so it needs a start of its own")
          .hint("write `init uniform(a, b)`");
      return nullptr;
    }
    std::string root = "1/sqrt(" + std::to_string(fanIn) + ")";
    kernel.start = "~ uniform(-" + root + ", " + root + ")";
    return e.drawUniform(1 / std::sqrt(double(fanIn)), kernel.name,
                         kernel.shape);
  }
  kernel.start = "init " + ast::toString(decl.init);
  auto *call = llvm::dyn_cast<ast::CallExpr>(decl.init);
  auto *bare = llvm::dyn_cast<ast::NameExpr>(decl.init);
  StringRef name = call ? call->getCalleeName() : bare ? bare->name : "";
  if (call && llvm::is_contained(draws, name))
    return e.draw(decl.init, kernel.name, kernel.shape);
  if (name == "constant" && call && call->arguments.size() == 1) {
    std::optional<double> number =
        e.evaluateNumber(call->arguments.front().value);
    return number ? graph.fill(*number, kernel.shape) : nullptr;
  }
  if (name == "orthogonal" && (bare || call->arguments.size() <= 1))
    return startOrthogonal(kernel, call);
  bool isIdentity = name == "identity" && (bare || call->arguments.empty());
  if (isIdentity || (call && (name == "shift" || name == "single"))) {
    if (isAmplitude || coupling.kind == Coupling::Kind::LowRank) {
      error("misplaced", decl.init->getRange(),
            "`" + name + "` cannot start a `" + getKind() + "`")
          .hint("write `init constant(c)`, `uniform(a, b)` or `normal(mean, "
                "sd)`");
      return nullptr;
    }
    // These are written out number by number.
    if (kernel.getNumElements() > maxWritten) {
      error("too-large", decl.init->getRange(),
            "`" + name + "` cannot start a coupling of " +
                llvm::Twine(kernel.getNumElements()) + " weights");
      return nullptr;
    }
    if (name == "single")
      return startSingle(kernel, *call);
    bool hasWindow = coupling.kind == Coupling::Kind::Conv ||
                     coupling.kind == Coupling::Kind::Local;
    return hasWindow ? startTap(kernel, decl.init) : startRolled(kernel, call);
  }
  std::string hint = name.empty() || llvm::is_contained(knownStarts, name)
                         ? ""
                         : didYouMean(name, knownStarts);
  error("unknown-name", decl.init->getRange(),
        "no start of a coupling is written `" + getText(decl.init->getRange()) +
            "`")
      .hint(hint.empty()
                ? "write `init constant(0)`, `uniform(a, b)`, `normal(mean, "
                  "sd)`, "
                  "`shift(d)`, `identity`, `single(site = 0)` or `orthogonal`"
                : hint);
  return nullptr;
}

/// A matrix whose rows (or columns, if they are fewer) are orthonormal, evenly
/// distributed over all such matrices: the orthogonal factor of a normal one's
/// polar decomposition, by Newton and Schulz's iteration
/// X <- 3/2 X - 1/2 X X^T X from a matrix whose singular values are at most 1.
Node *CouplingBuilder::startOrthogonal(Parameter &kernel,
                                       const ast::CallExpr *init) {
  double gain = 1;
  if (init && init->arguments.size() == 1) {
    std::optional<double> number =
        e.evaluateNumber(init->arguments.front().value);
    if (!number)
      return nullptr;
    gain = *number;
  }
  if (kernel.shape.size() != 2 ||
      (getKind() != "dense" && getKind() != "lowrank")) {
    error("misplaced", decl.init->getRange(),
          "`orthogonal` cannot start a `" + getKind() + "`, only a `dense`")
        .hint("write `init normal(mean, sd)`");
    return nullptr;
  }
  int64_t rows = kernel.shape[0], columns = kernel.shape[1];
  Node *drawn = graph.random(/*isNormal=*/true, e.getStream(kernel.name),
                             Moment::Sample, kernel.shape);
  auto times = [&](Node *a, Node *b) {
    return graph.binary(Op::Multiply, a, b);
  };
  Node *size =
      graph.unary(Op::Sqrt, graph.reduceAll(Op::Sum, times(drawn, drawn)));
  Node *start =
      graph.binary(Op::Divide, drawn, graph.broadcastLike(size, drawn));
  Node *x = graph.iterateArgument(start, 0);
  int64_t few = std::min(rows, columns);
  Node *cubed;
  if (rows <= columns) {
    Node *square = graph.contract("ik,jk->ij", x, x, {rows, rows});
    cubed = graph.contract("ij,jk->ik", square, x, kernel.shape);
  } else {
    Node *square = graph.contract("ki,kj->ij", x, x, {columns, columns});
    cubed = graph.contract("ki,ij->kj", x, square, kernel.shape);
  }
  Node *next = graph.binary(Op::Subtract, times(graph.constantLike(1.5, x), x),
                            times(graph.constantLike(0.5, x), cubed));
  // The smallest singular value is above 1e-5 few^-1.5 but for one matrix in
  // many thousands; each pass makes it 1.5 times larger, until near 1 the
  // distance is squared.
  double smallest = 1e-5 * std::pow(double(few), -1.5);
  int64_t passes = int64_t(-std::log(smallest) / std::log(1.5)) + 8;
  Node *made = graph.iterate({start}, {next}, passes, nullptr).front();
  // It stands before all steps.
  made->perStep = made->usesState = made->readsState = false;
  return times(graph.constantLike(gain, made), made);
}

/// The distances of `shift(d)` along `rank` axes; zeros for `identity`.
bool CouplingBuilder::readDistances(const ast::CallExpr *init, unsigned rank,
                                    SmallVectorImpl<int64_t> &distances) {
  distances.assign(rank, 0);
  if (!init || init->getCalleeName() == "identity")
    return true;
  if (init->arguments.size() != rank) {
    bool isOne = rank == 1;
    error("wrong-count", init->getRange(),
          "a shift by this kernel has " + llvm::Twine(rank) +
              (isOne ? " distance, not " : " distances, not ") +
              llvm::Twine(init->arguments.size()));
    return false;
  }
  for (auto [distance, argument] : llvm::zip(distances, init->arguments)) {
    std::optional<int64_t> number = evaluateDistance(argument.value);
    if (!number)
      return false;
    distance = *number;
  }
  return true;
}

/// The kernel that moves activity by d sites: 1 where the window reads d sites
/// before its own, in each channel on itself.
Node *CouplingBuilder::startTap(Parameter &kernel, const ast::Expr *init) {
  auto *call = llvm::dyn_cast<ast::CallExpr>(init);
  SmallVector<int64_t, 2> distances;
  if (!readDistances(call, coupling.window.size(), distances))
    return nullptr;
  int64_t tap = 0, taps = 1;
  for (size_t i = 0; i < distances.size(); ++i) {
    int64_t extent = coupling.window[i], at = coupling.low[i] - distances[i];
    if (at < 0 || at >= extent) {
      SourceRange range = call && !call->arguments.empty()
                              ? call->arguments[i].value->getRange()
                              : init->getRange();
      error("out-of-range", range,
            "a kernel of " + llvm::Twine(extent) +
                " cannot move activity by `" + getText(range) + "` sites");
      return nullptr;
    }
    tap = tap * extent + at;
    taps *= extent;
  }
  bool channels = coupling.isBetween || coupling.from->channels;
  int64_t rows = channels ? kernel.shape[0] : 1,
          columns = channels ? kernel.shape[1] : 1;
  int64_t inputs = columns * coupling.groups;
  if (rows != inputs && !(columns == 1 && coupling.from == coupling.to)) {
    error("space-mismatch", init->getRange(),
          llvm::Twine(inputs) + " channels cannot be moved to " +
              llvm::Twine(rows));
    return nullptr;
  }
  // Untied kernels are the same at the start, one for each site behind it.
  int64_t sites = kernel.getNumElements() / (rows * columns * taps);
  SmallVector<double, 0> numbers(kernel.getNumElements(), 0.0);
  for (int64_t row = 0; row < rows; ++row) {
    auto *first = numbers.begin() +
                  ((row * columns + row % columns) * taps + tap) * sites;
    std::fill_n(first, sites, 1.0);
  }
  return graph.array(numbers, kernel.shape);
}

/// `identity` or `shift(d)` as one weight for each pair of sites, or for each
/// site.
Node *CouplingBuilder::startRolled(Parameter &kernel,
                                   const ast::CallExpr *init) {
  const Space *from = coupling.from;
  bool isIdentity = !init || init->getCalleeName() == "identity";
  if (coupling.kind == Coupling::Kind::Diagonal) {
    if (isIdentity)
      return graph.fill(1, kernel.shape);
    error("misplaced", init->getRange(), "`diagonal` cannot move activity");
    return nullptr;
  }
  int64_t in = kernel.shape[1], out = kernel.shape[0];
  if (isIdentity ? in != out : !from->hasNeighbours() || coupling.to != from) {
    error("misplaced", decl.init->getRange(),
          "`" + getText(decl.init->getRange()) + "` needs " +
              (isIdentity ? "as many outputs as inputs"
                          : "one lattice with neighbours") +
              ", not " + from->quote() + " to " + coupling.to->quote())
        .hint(from->kind == SpaceKind::Set && coupling.to == from
                  ? "the sites of a `ring` or `line` have neighbours"
                  : "");
    return nullptr;
  }
  unsigned rank = from->hasNeighbours() ? from->getCouplingRank() : 0;
  SmallVector<int64_t, 2> distances;
  if (!readDistances(init, rank, distances))
    return nullptr;
  SmallVector<double, 0> numbers(kernel.getNumElements(), 0.0);
  ArrayRef<int64_t> extents = ArrayRef(from->sites).take_back(rank);
  for (int64_t column = 0; column < in; ++column) {
    // Where activity of this site goes, if it stays on the lattice.
    int64_t row = 0, rest = column, pitch = 1;
    bool stays = true;
    for (size_t axis = rank; axis-- > 0;) {
      int64_t extent = extents[axis], at = rest % extent + distances[axis];
      rest /= extent;
      stays &= from->wraps() || (at >= 0 && at < extent);
      row += (at % extent + extent) % extent * pitch;
      pitch *= extent;
    }
    row += rest * pitch;
    if (stays)
      numbers[row * in + column] = 1;
  }
  return graph.array(numbers, kernel.shape);
}

/// Weight 1 from every input to one site of every channel, 0 elsewhere.
Node *CouplingBuilder::startSingle(Parameter &kernel,
                                   const ast::CallExpr &init) {
  const ast::Expr *siteExpr = nullptr;
  if (init.arguments.size() == 1 &&
      (init.arguments.front().name.empty() ||
       init.arguments.front().name.name == "site"))
    siteExpr = init.arguments.front().value;
  if (!siteExpr || coupling.kind != Coupling::Kind::Dense) {
    error("misplaced", init.getRange(),
          "`single(site = 0)` starts a `dense` coupling at one site");
    return nullptr;
  }
  std::optional<int64_t> site = e.evaluateInteger(siteExpr, 0, "a site");
  if (!site)
    return nullptr;
  int64_t sites = coupling.to->getNumSites();
  if (*site >= sites) {
    error("index-out-of-range", siteExpr->getRange(),
          coupling.to->quote() + " has " + llvm::Twine(sites) +
              " sites, counted from 0");
    return nullptr;
  }
  int64_t in = kernel.shape[1];
  SmallVector<double, 0> numbers(kernel.getNumElements(), 0.0);
  for (int64_t row = *site; row < kernel.shape[0]; row += sites)
    for (int64_t column = 0; column < in; ++column)
      numbers[row * in + column] = 1;
  return graph.array(numbers, kernel.shape);
}
