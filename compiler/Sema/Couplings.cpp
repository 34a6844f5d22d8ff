//===- Couplings.cpp - Declarations of couplings --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/CouplingBuilder.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

Meaning Elaborator::resolveCoupling(Symbol &symbol,
                                    const ast::CouplingDecl &decl) {
  Path path(symbol.scope->place.path.begin(), symbol.scope->place.path.end());
  path.push_back(&decl);
  path.push_back(reinterpret_cast<const void *>(uintptr_t(symbol.index)));
  auto [it, isNew] = couplings.try_emplace(path);
  Meaning meaning;
  meaning.kind = Meaning::Kind::Coupling;
  if (!isNew) {
    meaning.coupling = it->second.get();
    return meaning.coupling ? meaning : Meaning();
  }
  if (symbol.scope != modelScope && symbol.scope->place.path.empty()) {
    error("misplaced", symbol.range,
          "`" + StringRef(symbol.name) + "` stands outside of a model");
    return {};
  }
  auto coupling = std::make_unique<Coupling>();
  coupling->name = symbol.name;
  coupling->range = symbol.range;
  if (!CouplingBuilder(*this, decl, symbol, *coupling).build())
    return {};
  it->second = std::move(coupling);
  meaning.coupling = it->second.get();
  return meaning;
}

StringRef CouplingBuilder::getKind() const {
  if (auto *call = llvm::dyn_cast<ast::CallExpr>(decl.kernel))
    return call->getCalleeName();
  if (auto *name = llvm::dyn_cast<ast::NameExpr>(decl.kernel))
    return name->name;
  return "";
}

bool CouplingBuilder::build() {
  struct Maker {
    StringRef kind;
    bool (CouplingBuilder::*make)();
  };
  static constexpr Maker makers[] = {
      {"conv", &CouplingBuilder::makeConv},
      {"dense", &CouplingBuilder::makeDense},
      {"shift", &CouplingBuilder::makeShift},
      {"diagonal", &CouplingBuilder::makeDiagonal},
      {"local", &CouplingBuilder::makeLocal},
      {"gaussian", &CouplingBuilder::makeGaussian},
      {"lowrank", &CouplingBuilder::makeLowRank},
      {"sparse", &CouplingBuilder::makeSparse},
      {"masked", &CouplingBuilder::makeMasked},
  };
  StringRef kind = getKind();
  std::vector<StringRef> kinds;
  for (const Maker &maker : makers) {
    if (maker.kind == kind)
      return (this->*maker.make)();
    kinds.push_back(maker.kind);
  }
  std::string hint = kind.empty() ? "" : didYouMean(kind, kinds);
  error("unknown-name", decl.kernel->getRange(),
        "no coupling is called `" + getText(decl.kernel->getRange()) + "`")
      .hint(hint.empty() ? "there are `" + llvm::join(kinds, "`, `") + "`"
                         : hint);
  return false;
}

//===----------------------------------------------------------------------===//
// What is written
//===----------------------------------------------------------------------===//

/// Sorts the arguments of the kind; those with a name are `names`.
bool CouplingBuilder::readForm(ArrayRef<StringRef> names) {
  auto *call = llvm::dyn_cast<ast::CallExpr>(decl.kernel);
  for (const ast::Argument &argument :
       call ? call->arguments : ArrayRef<ast::Argument>()) {
    if (argument.kind == ast::Argument::Kind::Positional) {
      auto *arrow = llvm::dyn_cast<ast::ArrowExpr>(argument.value);
      if (arrow && arrow->source && !form.arrow)
        form.arrow = arrow;
      else
        form.positional.push_back(argument.value);
      continue;
    }
    StringRef name = argument.name.name;
    if (argument.kind != ast::Argument::Kind::Named ||
        !llvm::is_contained(names, name)) {
      error("unknown-argument", argument.range,
            "`" + getKind() + "` has no argument `" + getText(argument.range) +
                "`")
          .hint(didYouMean(name, names));
      return false;
    }
    if (!form.named.try_emplace(name, argument.value).second) {
      error("wrong-count", argument.range, "`" + name + "` is given twice");
      return false;
    }
  }
  return true;
}

/// The spaces of `dense(a -> b)` or `dense on a`; `example` shows the form.
bool CouplingBuilder::findSpaces(StringRef example) {
  if (bool(form.arrow) == bool(decl.space)) {
    error("missing-space", decl.kernel->getRange(),
          "`" + getKind() + "` needs the spaces that it couples")
        .hint("write `" + example + "`");
    return false;
  }
  if (!form.positional.empty()) {
    error("wrong-count", form.positional.front()->getRange(),
          "`" + getKind() + "` takes no `" +
              getText(form.positional.front()->getRange()) + "`")
        .hint("write `" + example + "`");
    return false;
  }
  coupling.from = e.evaluateSpace(decl.space ? decl.space : form.arrow->source);
  coupling.to = decl.space ? coupling.from : e.evaluateSpace(form.arrow->space);
  return coupling.from && coupling.to;
}

/// The space after `on`; null after an error.
const Space *CouplingBuilder::findLattice(StringRef what, StringRef example) {
  if (decl.space)
    return e.evaluateSpace(decl.space);
  error("missing-space", decl.kernel->getRange(),
        "`" + getKind() + "` needs the " + what + " that it couples")
      .hint("write `" + example + "`");
  return nullptr;
}

/// Reports the clauses that mean nothing for a kind.
bool CouplingBuilder::refuseClauses(bool bias, bool mixing, bool range,
                                    bool init, StringRef why) {
  for (auto [isRefused, place, what] :
       {std::tuple(init, decl.init ? decl.init->getRange() : SourceRange(),
                   "init"),
        std::tuple(bias, decl.bias, "bias"),
        std::tuple(mixing, decl.mixing.range, "mixing"),
        std::tuple(range, decl.interval ? decl.interval->range : SourceRange(),
                   "range")})
    if (isRefused && place.isValid()) {
      error("misplaced", place,
            "`" + getKind() + "` " + why + ", so it takes no " + what);
      return true;
    }
  return false;
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// The tensor of the weights, or of a `part` of them; null after an error.
Parameter *CouplingBuilder::makeKernel(ArrayRef<int64_t> shape,
                                       const llvm::Twine &description,
                                       StringRef part) {
  std::string name = symbol.name;
  if (!part.empty())
    name += "." + part.str();
  Parameter &kernel = e.makeParameter(e.qualify(name), symbol.range);
  kernel.isFrozen = decl.isFrozen;
  kernel.shape.assign(shape.begin(), shape.end());
  kernel.description = description.str();
  if (!coupling.kernel)
    coupling.kernel = &kernel;
  return e.setTransform(kernel, decl.interval, decl.via) ? &kernel : nullptr;
}

/// Gives the kernel its start and its value.
bool CouplingBuilder::finishKernel(Parameter &kernel, int64_t fanIn) {
  Node *start = makeStart(kernel, fanIn);
  if (!start)
    return false;
  e.finishParameter(kernel, start,
                    decl.init ? decl.init->getRange() : symbol.range);
  if (!coupling.weights)
    coupling.weights = kernel.value;
  return kernel.initial != nullptr;
}

/// A tensor that is drawn or loaded, and never learned.
Parameter &CouplingBuilder::makeFixed(StringRef part, ArrayRef<int64_t> shape,
                                      const llvm::Twine &description,
                                      Node *start, StringRef startText) {
  Parameter &fixed =
      e.makeParameter(e.qualify(symbol.name + "." + part.str()), symbol.range);
  fixed.isFrozen = true;
  fixed.shape.assign(shape.begin(), shape.end());
  fixed.description = description.str();
  fixed.start = startText.str();
  e.finishParameter(fixed, start, symbol.range);
  return fixed;
}

/// The bias of coupling `V` is `V.bias`; of a layer's `weight` it is `bias`, as
/// in PyTorch. Without a start of its own it is drawn as the default weights
/// are, but for a single site that is driven: it stays alone at the start.
bool CouplingBuilder::makeBias(ArrayRef<int64_t> shape, int64_t fanIn) {
  if (!decl.hasBias())
    return true;
  std::string name = symbol.name == "weight" ? "bias" : symbol.name + ".bias";
  Parameter &bias = e.makeParameter(e.qualify(name), symbol.range);
  coupling.bias = &bias;
  bias.isFrozen = decl.isFrozen;
  bias.shape.assign(shape.begin(), shape.end());
  bias.description = "bias of " + coupling.kernel->name;
  auto *init = llvm::dyn_cast_or_null<ast::CallExpr>(decl.init);
  Node *start = nullptr;
  if (decl.biasDistribution) {
    bias.start = "~ " + getText(decl.biasDistribution->getRange());
    start = e.draw(decl.biasDistribution, bias.name, bias.shape);
  } else if (decl.biasValue || (init && init->getCalleeName() == "single")) {
    std::optional<double> number =
        decl.biasValue ? e.evaluateNumber(decl.biasValue) : 0.0;
    bias.start = "= " + (decl.biasValue ? getText(decl.biasValue->getRange())
                                        : std::string("0"));
    start = number ? graph.fill(*number, bias.shape) : nullptr;
  } else {
    std::string root = "1/sqrt(" + std::to_string(fanIn) + ")";
    bias.start = "~ uniform(-" + root + ", " + root + ")";
    start = e.drawUniform(1 / std::sqrt(double(fanIn)), bias.name, bias.shape);
  }
  if (!start)
    return false;
  e.finishParameter(bias, start, symbol.range);
  return true;
}

//===----------------------------------------------------------------------===//
// Kinds without neighbours
//===----------------------------------------------------------------------===//

bool CouplingBuilder::checkWeights(int64_t out, int64_t in) {
  if (in <= (int64_t(1) << 34) / out)
    return true;
  error("too-large", decl.kernel->getRange(),
        "`" + getText(decl.kernel->getRange()) + "` has " + llvm::Twine(out) +
            " x " + llvm::Twine(in) + " weights");
  return false;
}

bool CouplingBuilder::makeDense() {
  coupling.kind = Coupling::Kind::Dense;
  if (!readForm({}) || !findSpaces("dense(a -> b)"))
    return false;
  if (decl.mixing) {
    error("misplaced", decl.mixing.range,
          "`dense` couples all channels with each other anyway");
    return false;
  }
  int64_t in = coupling.from->getNumElements(),
          out = coupling.to->getNumElements();
  if (!checkWeights(out, in))
    return false;
  Parameter *kernel =
      makeKernel({out, in}, "dense(" + coupling.from->describe() + " -> " +
                                coupling.to->describe() + ")");
  return kernel && finishKernel(*kernel, in) && makeBias({out}, in);
}

/// A whole number of sites, possibly negative.
std::optional<int64_t>
CouplingBuilder::evaluateDistance(const ast::Expr *expr) {
  std::optional<double> distance = e.evaluateNumber(expr);
  if (!distance)
    return std::nullopt;
  if (*distance != std::floor(*distance) || std::abs(*distance) > 1e9) {
    error("not-a-count", expr->getRange(),
          "a distance is a whole number of sites, not `" +
              getText(expr->getRange()) + "`");
    return std::nullopt;
  }
  return static_cast<int64_t>(*distance);
}

bool CouplingBuilder::makeShift() {
  coupling.kind = Coupling::Kind::Shift;
  const Space *space = findLattice("lattice", "shift(1) on ring");
  if (!space)
    return false;
  if (!space->hasNeighbours()) {
    error("no-neighbours", decl.space->getRange(),
          space->quote() + " has no neighbours, which `shift` needs");
    return false;
  }
  if (refuseClauses(true, true, true, true, "has no weights") || !readForm({}))
    return false;
  unsigned rank = space->getCouplingRank();
  size_t given = form.positional.size();
  if (given != rank) {
    error("wrong-count", decl.kernel->getRange(),
          "a shift on " + space->quote() + " has " + llvm::Twine(rank) +
              (rank == 1 ? " distance, not " : " distances, not ") +
              llvm::Twine(given));
    return false;
  }
  for (const ast::Expr *argument : form.positional) {
    std::optional<int64_t> distance = evaluateDistance(argument);
    if (!distance)
      return false;
    coupling.distances.push_back(*distance);
  }
  coupling.from = coupling.to = space;
  return true;
}

bool CouplingBuilder::makeDiagonal() {
  coupling.kind = Coupling::Kind::Diagonal;
  const Space *space = findLattice("space", "diagonal on sheet");
  if (!space)
    return false;
  if (decl.mixing || decl.hasBias()) {
    error("misplaced", decl.mixing ? decl.mixing.range : decl.bias,
          "`diagonal` takes neither `mixing` nor `bias`");
    return false;
  }
  coupling.from = coupling.to = space;
  Parameter *kernel =
      makeKernel(space->getShape(), "diagonal on " + space->describe());
  if (!kernel)
    return false;
  kernel->space = space;
  return finishKernel(*kernel, 1);
}
