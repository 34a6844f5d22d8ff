//===- ShapedCouplings.cpp - Couplings of a given shape or pattern --------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `gaussian(width = 2) on sheet`, `lowrank(a -> b, rank = 2)`, and dense
// weights of which only some exist: `sparse(a -> b, density = 0.1)`,
// `masked(a -> b, by = near(radius = 2))`. A pattern is a frozen parameter of
// zeros and ones, so that checkpoints and files hold it.
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/CouplingBuilder.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::SmallVector;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Gaussian
//===----------------------------------------------------------------------===//

/// Beyond three widths a Gaussian is below 1.2 % of its peak.
static constexpr double widthsOfReach = 3;

/// A normalised Gaussian is the product of normalised ones along each axis.
static std::vector<double> makeProfile(double width, int64_t extent) {
  int64_t reach =
      std::min<int64_t>(std::ceil(widthsOfReach * width), (extent - 1) / 2);
  std::vector<double> profile;
  double sum = 0;
  for (int64_t d = -reach; d <= reach; ++d) {
    profile.push_back(std::exp(-0.5 * d * d / (width * width)));
    sum += profile.back();
  }
  for (double &weight : profile)
    weight /= sum;
  return profile;
}

bool CouplingBuilder::makeGaussian() {
  coupling.kind = Coupling::Kind::Gaussian;
  static constexpr StringRef names[] = {"width"};
  if (!readForm(names))
    return false;
  const Space *space = findLattice("lattice", "gaussian(width = 2) on sheet");
  if (!space)
    return false;
  if (!space->hasNeighbours()) {
    error("no-neighbours", decl.space->getRange(),
          space->quote() + " has no neighbours, which `gaussian` needs");
    return false;
  }
  const ast::Expr *given = form.named.lookup("width");
  if (!given && form.positional.size() == 1)
    given = form.positional.front();
  if (!given || form.positional.size() > 1) {
    error("missing-argument", decl.kernel->getRange(),
          "`gaussian` needs its argument `width`, in sites")
        .hint("write `gaussian(width = 2) on sheet`");
    return false;
  }
  std::optional<double> width = e.evaluateNumber(given);
  if (!width || !checkMixing(space))
    return false;
  if (!(*width > 0)) {
    error("out-of-range", given->getRange(), "a width is larger than 0");
    return false;
  }
  coupling.from = coupling.to = space;
  for (int64_t extent :
       llvm::ArrayRef(space->sites).take_back(space->getCouplingRank()))
    coupling.profiles.push_back(makeProfile(*width, extent));
  Parameter *kernel =
      makeKernel(getKernelShape(space),
                 "amplitude of gaussian(width = " + getText(given->getRange()) +
                     ") on " + space->describe());
  // The amplitude of a channel on itself stands alone: no axis for it.
  if (kernel && space->channels && !coupling.mixesChannels)
    kernel->shape.pop_back();
  llvm::SmallVector<int64_t, 1> biasShape;
  if (space->channels)
    biasShape.push_back(space->channels);
  return kernel && finishKernel(*kernel, 1) && makeBias(biasShape, 1);
}

//===----------------------------------------------------------------------===//
// Low rank
//===----------------------------------------------------------------------===//

bool CouplingBuilder::makeLowRank() {
  coupling.kind = Coupling::Kind::LowRank;
  static constexpr StringRef names[] = {"rank"};
  if (!readForm(names) || !findSpaces("lowrank(a -> b, rank = 2)") ||
      refuseClauses(false, true, true, false,
                    "has weights only as products of two tensors"))
    return false;
  const ast::Expr *given = form.named.lookup("rank");
  if (!given) {
    error("missing-argument", decl.kernel->getRange(),
          "`lowrank` needs its argument `rank`")
        .hint("write `lowrank(a -> b, rank = 2)`");
    return false;
  }
  std::optional<int64_t> rank = e.evaluateInteger(given, 1, "a rank");
  int64_t in = coupling.from->getNumElements(),
          out = coupling.to->getNumElements();
  if (!rank || !checkWeights(out, *rank) || !checkWeights(*rank, in))
    return false;
  if (*rank > std::min(in, out)) {
    error("out-of-range", given->getRange(),
          "a rank of " + llvm::Twine(*rank) + " is larger than that of " +
              llvm::Twine(out) + " x " + llvm::Twine(in) + " weights")
        .hint("write `dense(a -> b)`");
    return false;
  }
  std::string spaces = "lowrank(" + coupling.from->describe() + " -> " +
                       coupling.to->describe() + ")";
  Parameter *left =
      makeKernel({out, *rank}, "left factor of " + spaces, "left");
  if (!left || !finishKernel(*left, *rank))
    return false;
  Parameter *right =
      makeKernel({*rank, in}, "right factor of " + spaces, "right");
  if (!right || !finishKernel(*right, in))
    return false;
  coupling.right = right->value;
  return makeBias({out}, *rank);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

/// A dense tensor whose weights exist where `pattern` is 1.
bool CouplingBuilder::makeMatrix(StringRef kind, int64_t fanIn, Node *pattern,
                                 const Parameter &patternOf) {
  int64_t in = coupling.from->getNumElements(),
          out = coupling.to->getNumElements();
  Parameter *kernel = makeKernel(
      {out, in}, kind + "(" + coupling.from->describe() + " -> " +
                     coupling.to->describe() + "), by " + patternOf.name);
  if (!kernel || !finishKernel(*kernel, fanIn))
    return false;
  coupling.weights = graph.binary(Op::Multiply, kernel->value, pattern);
  return makeBias({out}, fanIn);
}

bool CouplingBuilder::makeSparse() {
  coupling.kind = Coupling::Kind::Dense;
  static constexpr StringRef names[] = {"density"};
  if (!readForm(names) || !findSpaces("sparse(a -> b, density = 0.1)") ||
      refuseClauses(false, true, false, false, "is drawn over all channels"))
    return false;
  const ast::Expr *given = form.named.lookup("density");
  if (!given) {
    error("missing-argument", decl.kernel->getRange(),
          "`sparse` needs its argument `density`")
        .hint("write `sparse(a -> b, density = 0.1)`");
    return false;
  }
  std::optional<double> density = e.evaluateNumber(given);
  if (!density)
    return false;
  if (!(*density > 0 && *density <= 1)) {
    error("out-of-range", given->getRange(),
          "a density is a share of all weights, above 0 and up to 1");
    return false;
  }
  int64_t in = coupling.from->getNumElements(),
          out = coupling.to->getNumElements();
  if (!checkWeights(out, in))
    return false;
  SmallVector<int64_t, 2> shape = {out, in};
  std::string name = e.qualify(symbol.name + ".pattern");
  Node *draw = graph.random(/*isNormal=*/false, e.getStream(name),
                            Moment::Sample, shape);
  Node *one = graph.constantLike(1, draw), *zero = graph.constantLike(0, draw);
  Node *start = graph.select(
      graph.compare(Comparison::Less, draw, graph.constantLike(*density, draw)),
      one, zero);
  std::string share = getText(given->getRange());
  Parameter &pattern = makeFixed("pattern", shape, "weights that exist", start,
                                 "1 for a share of " + share);
  int64_t fanIn = std::max<int64_t>(1, std::llround(*density * in));
  return makeMatrix("sparse", fanIn, pattern.value, pattern);
}

/// Which weights exist, as [out, in]; null after an error.
Node *CouplingBuilder::makePattern(const ast::Expr *by) {
  int64_t in = coupling.from->getNumElements(),
          out = coupling.to->getNumElements();
  if (!by)
    return graph.fill(1, {out, in});
  auto *call = llvm::dyn_cast<ast::CallExpr>(by);
  if (!call || call->getCalleeName() != "near") {
    error("unknown-name", by->getRange(),
          "`" + getText(by->getRange()) + "` is not a pattern of weights")
        .hint("write `near(radius = 2)`, or leave `by` out and load the "
              "pattern");
    return nullptr;
  }
  const Space *space = coupling.from;
  if (coupling.to != space || !space->hasNeighbours()) {
    error("no-neighbours", by->getRange(),
          "`near` needs one lattice with neighbours, not " + space->quote() +
              " and " + coupling.to->quote());
    return nullptr;
  }
  std::optional<SmallVector<int64_t>> offsets = e.readOffsets(by, space);
  if (!offsets)
    return nullptr;
  if (in * out > maxWritten) {
    error("too-large", by->getRange(),
          "`near` cannot choose among " + llvm::Twine(in * out) + " weights");
    return nullptr;
  }
  // Channels are coupled alike: one after the other, each over all sites.
  int64_t sites = space->getNumSites(), channels = in / sites;
  size_t rank = space->sites.size();
  SmallVector<double, 0> numbers(in * out, 0.0);
  for (int64_t site = 0; site < sites; ++site)
    for (size_t k = 0; k < offsets->size(); k += rank) {
      int64_t other = 0, rest = site, pitch = 1;
      bool exists = true;
      for (size_t axis = rank; axis-- > 0;) {
        int64_t extent = space->sites[axis];
        int64_t at = rest % extent + (*offsets)[k + axis];
        rest /= extent;
        exists &= space->wraps() || (at >= 0 && at < extent);
        other += (at + extent) % extent * pitch;
        pitch *= extent;
      }
      for (int64_t o = 0; exists && o < channels; ++o)
        for (int64_t i = 0; i < channels; ++i)
          numbers[(o * sites + site) * in + i * sites + other] = 1;
    }
  SmallVector<int64_t, 2> shape = {out, in};
  return graph.array(numbers, shape);
}

bool CouplingBuilder::makeMasked() {
  coupling.kind = Coupling::Kind::Dense;
  static constexpr StringRef names[] = {"by"};
  if (!readForm(names) || !findSpaces("masked(a -> b)") ||
      refuseClauses(false, true, false, false,
                    "says for each weight whether it exists"))
    return false;
  int64_t in = coupling.from->getNumElements(),
          out = coupling.to->getNumElements();
  if (!checkWeights(out, in))
    return false;
  const ast::Expr *by = form.named.lookup("by");
  Node *start = makePattern(by);
  if (!start)
    return false;
  SmallVector<int64_t, 2> shape = {out, in};
  Parameter &mask = makeFixed("mask", shape, "weights that exist", start,
                              by ? "1 for " + getText(by->getRange()) : "= 1");
  int64_t fanIn = in;
  if (by) {
    double ones = 0;
    for (double number : start->numbers)
      ones += number;
    fanIn = std::max<int64_t>(1, std::llround(ones / out));
  }
  return makeMatrix("masked", fanIn, mask.value, mask);
}
