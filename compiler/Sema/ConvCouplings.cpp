//===- ConvCouplings.cpp - Couplings through a window ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `conv(3, 3) on sheet`: one kernel for all sites. `local(3, 3) on sheet`: one
// for each. `conv(a -> b, 3, 3, stride = 2)`: between two images or lattices.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/CouplingBuilder.h"

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// The extents of the window on `space`; a centred one is odd and within the
/// lattice.
bool CouplingBuilder::readWindow(const Space *space, bool isCentred) {
  ArrayRef<int64_t> sites =
      ArrayRef(space->sites).take_back(space->getCouplingRank());
  size_t given = form.positional.size();
  if (given != sites.size()) {
    bool isLine = sites.size() == 1;
    StringRef extents = isLine ? "3" : "3, 3";
    error(
        "wrong-count", decl.kernel->getRange(),
        "a kernel on " + space->quote() + " has " + llvm::Twine(sites.size()) +
            (isLine ? " extent, not " : " extents, not ") + llvm::Twine(given))
        .hint(form.arrow ? "write `conv(a -> b, " + extents + ")`"
                         : "write `" + getKind() + "(" + extents + ")`");
    return false;
  }
  for (auto [argument, most] : llvm::zip(form.positional, sites)) {
    SourceRange range = argument->getRange();
    auto extent = e.evaluateInteger(argument, 1, "a kernel's extent");
    if (!extent)
      return false;
    if (*extent % 2 == 0 && isCentred) {
      error("even-kernel", range,
            "a kernel of " + llvm::Twine(*extent) + " sites has no centre")
          .hint("use " + llvm::Twine(*extent - 1) + " or " +
                llvm::Twine(*extent + 1));
      return false;
    }
    if (*extent > (isCentred ? most : 2 * most + 1)) {
      const ast::Expr *named = decl.space ? decl.space : form.arrow->source;
      error("too-large", range,
            "a kernel of " + llvm::Twine(*extent) + " is larger than the " +
                llvm::Twine(most) + " sites of `" + getText(named->getRange()) +
                "`");
      return false;
    }
    coupling.window.push_back(*extent);
    coupling.low.push_back(*extent / 2);
  }
  coupling.strides.assign(coupling.window.size(), 1);
  return true;
}

/// `mixing channels`, on a lattice that has some.
bool CouplingBuilder::checkMixing(const Space *space) {
  if (!decl.mixing)
    return true;
  if (decl.mixing.name != "channels") {
    error("unknown-axis", decl.mixing.range,
          "`" + decl.mixing.name + "` is not an axis to mix")
        .hint("write `mixing channels`");
    return false;
  }
  coupling.mixesChannels = true;
  if (space->channels)
    return true;
  error("not-indexable", decl.mixing.range,
        "`" + getText(decl.space->getRange()) + "` has no channels to mix")
      .hint("declare the lattice `by channels(16)`");
  return false;
}

/// [out, in, window...] with channels, [window...] without.
SmallVector<int64_t, 6>
CouplingBuilder::getKernelShape(const Space *space) const {
  SmallVector<int64_t, 6> shape;
  if (space->channels)
    shape = {space->channels, coupling.mixesChannels ? space->channels : 1};
  shape.append(coupling.window.begin(), coupling.window.end());
  return shape;
}

static int64_t multiply(ArrayRef<int64_t> extents) {
  int64_t product = 1;
  for (int64_t extent : extents)
    product *= extent;
  return product;
}

/// Each site's inputs: those of its window, of one channel or all.
static int64_t getFanIn(const Coupling &coupling) {
  return multiply(coupling.window) *
         (coupling.mixesChannels ? coupling.from->channels : 1);
}

//===----------------------------------------------------------------------===//
// On a lattice
//===----------------------------------------------------------------------===//

bool CouplingBuilder::makeConv() {
  coupling.kind = Coupling::Kind::Conv;
  static constexpr StringRef names[] = {"stride", "padding", "groups"};
  if (!readForm(names))
    return false;
  if (form.arrow)
    return makeConvBetween();
  if (!decl.space) {
    error("missing-space", decl.kernel->getRange(),
          "`" + symbol.name + "` needs the lattice that it couples")
        .hint("write `" + getText(decl.kernel->getRange()) + " on sheet`");
    return false;
  }
  const Space *space = e.evaluateSpace(decl.space);
  if (!space)
    return false;
  if (!space->hasNeighbours()) {
    error("no-neighbours", decl.space->getRange(),
          space->quote() + " has no neighbours, which `conv` needs")
        .hint(space->kind == SpaceKind::Image
                  ? "between images write `conv(a -> b, 3, 3)`"
                  : "couple all sites with `dense(a -> b)`");
    return false;
  }
  for (StringRef name : names)
    if (const ast::Expr *given = form.named.lookup(name)) {
      error("misplaced", given->getRange(),
            "on one lattice `conv` takes no `" + name + "`")
          .hint("between two spaces write `conv(a -> b, 3, 3, " + name + " = " +
                getText(given->getRange()) + ")`");
      return false;
    }
  coupling.from = coupling.to = space;
  if (!readWindow(space, /*isCentred=*/true) || !checkMixing(space))
    return false;
  coupling.groups =
      coupling.mixesChannels ? 1 : std::max<int64_t>(space->channels, 1);
  int64_t fanIn = getFanIn(coupling);
  Parameter *kernel =
      makeKernel(getKernelShape(space),
                 getText(decl.kernel->getRange()) + " on " + space->describe() +
                     (coupling.mixesChannels ? ", mixing channels" : ""));
  SmallVector<int64_t, 1> biasShape;
  if (space->channels)
    biasShape.push_back(space->channels);
  return kernel && finishKernel(*kernel, fanIn) && makeBias(biasShape, fanIn);
}

/// A kernel of its own for each site: the tensor of a `conv`, with the sites
/// behind the window.
bool CouplingBuilder::makeLocal() {
  coupling.kind = Coupling::Kind::Local;
  if (!readForm({}))
    return false;
  const Space *space = findLattice("lattice", "local(3, 3) on sheet");
  if (!space)
    return false;
  if (!space->hasNeighbours()) {
    error("no-neighbours", decl.space->getRange(),
          space->quote() + " has no neighbours, which `local` needs")
        .hint("couple all sites with `dense(a -> b)`");
    return false;
  }
  coupling.from = coupling.to = space;
  if (!readWindow(space, /*isCentred=*/true) || !checkMixing(space))
    return false;
  SmallVector<int64_t, 6> shape = getKernelShape(space);
  shape.append(space->sites.begin(), space->sites.end());
  if (!checkWeights(multiply(shape), 1))
    return false;
  int64_t fanIn = getFanIn(coupling);
  Parameter *kernel = makeKernel(
      shape, getText(decl.kernel->getRange()) + " on " + space->describe() +
                 (coupling.mixesChannels ? ", mixing channels" : ""));
  return kernel && finishKernel(*kernel, fanIn) &&
         makeBias(space->getShape(), fanIn);
}

//===----------------------------------------------------------------------===//
// Between two spaces
//===----------------------------------------------------------------------===//

/// The named argument as a whole number from 1 on; none after an error.
std::optional<int64_t> CouplingBuilder::readNumber(StringRef name,
                                                   int64_t otherwise) {
  const ast::Expr *given = form.named.lookup(name);
  return given ? e.evaluateInteger(given, 1, name) : otherwise;
}

/// `padding = "same"`, `"valid"` or a number of zeros at each edge: where the
/// window begins, and how many outputs there are.
bool CouplingBuilder::readPadding(SmallVectorImpl<int64_t> &outputs) {
  std::string padding = "same";
  std::optional<int64_t> zeros;
  const ast::Expr *given = form.named.lookup("padding");
  if (given) {
    Meaning meaning = e.elaborate(given);
    if (!meaning.isValid())
      return false;
    padding = meaning.is(Meaning::Kind::Text) ? meaning.text.str() : "";
    if (padding.empty()) {
      zeros = e.evaluateInteger(given, 0, "padding");
      if (!zeros)
        return false;
    } else if (padding != "same" && padding != "valid") {
      error("wrong-value", given->getRange(),
            "no padding is called `" + padding + "`")
          .hint("there are \"same\", \"valid\" and a number of zeros at each "
                "edge");
      return false;
    }
  }
  bool wraps = coupling.from->wraps();
  for (auto [i, sites] : llvm::enumerate(coupling.from->sites)) {
    int64_t window = coupling.window[i], stride = coupling.strides[i];
    if (wraps && (padding != "same" || sites % stride)) {
      error("wrong-value", (given ? given : decl.kernel)->getRange(),
            padding != "same"
                ? coupling.from->quote() + " wraps around, so nothing is padded"
                : "a stride of " + llvm::Twine(stride) + " does not divide " +
                      coupling.from->quote() + ", which wraps around");
      return false;
    }
    if (padding == "same") {
      // As much before as after, a zero more after if it is odd.
      int64_t count = (sites + stride - 1) / stride;
      int64_t total =
          std::max<int64_t>((count - 1) * stride + window - sites, 0);
      coupling.low[i] = wraps ? window / 2 : total / 2;
      outputs.push_back(count);
      continue;
    }
    int64_t before = zeros.value_or(0);
    if (before >= window) {
      error("out-of-range", given->getRange(),
            "a padding of " + llvm::Twine(before) + " leaves a kernel of " +
                llvm::Twine(window) + " nothing to see at the edge");
      return false;
    }
    coupling.low[i] = before;
    outputs.push_back((sites + 2 * before - window) / stride + 1);
    if (sites + 2 * before < window)
      outputs.back() = 0;
  }
  return true;
}

static std::string join(ArrayRef<int64_t> extents) {
  std::string text;
  for (int64_t extent : extents)
    text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

/// Can be convolved: rows and columns, or one axis.
static bool hasSites(const Space *space) {
  return space->kind == SpaceKind::Image ||
         (space->hasNeighbours() && space->kind != SpaceKind::Rings);
}

bool CouplingBuilder::makeConvBetween() {
  if (decl.space || decl.mixing) {
    error("misplaced", decl.space ? decl.space->getRange() : decl.mixing.range,
          decl.space ? llvm::Twine("`conv(a -> b, ...)` names its spaces "
                                   "already")
                     : llvm::Twine("`conv(a -> b, ...)` mixes all channels of "
                                   "a group anyway"));
    return false;
  }
  coupling.isBetween = true;
  const Space *from = coupling.from = e.evaluateSpace(form.arrow->source);
  const Space *to = coupling.to = e.evaluateSpace(form.arrow->space);
  if (!from || !to)
    return false;
  for (auto [space, expr] :
       {std::pair(from, form.arrow->source), std::pair(to, form.arrow->space)})
    if (!hasSites(space) || space->sites.size() != from->sites.size() ||
        space->wraps() != from->wraps()) {
      error("space-mismatch", expr->getRange(),
            "`conv` cannot couple " + from->quote() + " to " + to->quote())
          .hint("it couples images, or lattices with neighbours, of equally "
                "many axes");
      return false;
    }
  std::optional<int64_t> stride = readNumber("stride", 1),
                         groups = readNumber("groups", 1);
  if (!readWindow(from, /*isCentred=*/from->wraps()) || !stride || !groups)
    return false;
  coupling.strides.assign(coupling.window.size(), *stride);
  coupling.groups = *groups;
  SmallVector<int64_t, 2> outputs;
  if (!readPadding(outputs))
    return false;
  if (ArrayRef(outputs) != ArrayRef(to->sites)) {
    error("space-mismatch", form.arrow->space->getRange(),
          "this `conv` gives " + join(outputs) + " sites, but " + to->quote() +
              " has " + join(to->sites));
    return false;
  }
  int64_t in = std::max<int64_t>(from->channels, 1),
          out = to->getNumElements() / to->getNumSites();
  if (in % *groups || out % *groups) {
    error("wrong-value", form.named.lookup("groups")->getRange(),
          llvm::Twine(*groups) + " groups do not divide " + llvm::Twine(in) +
              " and " + llvm::Twine(out) + " channels");
    return false;
  }
  int64_t inGroup = in / *groups, fanIn = inGroup * multiply(coupling.window);
  if (!checkWeights(out, fanIn))
    return false;
  SmallVector<int64_t, 4> shape = {out, inGroup};
  shape.append(coupling.window.begin(), coupling.window.end());
  std::string description = "conv(" + from->describe() + " -> " +
                            to->describe() + ", " + join(coupling.window);
  if (*stride != 1)
    description += ", stride " + std::to_string(*stride);
  if (*groups != 1)
    description += ", groups " + std::to_string(*groups);
  Parameter *kernel = makeKernel(shape, description + ")");
  return kernel && finishKernel(*kernel, fanIn) && makeBias({out}, fanIn);
}
