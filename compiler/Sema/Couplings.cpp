//===- Couplings.cpp - Declarations of couplings --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Printer.h"
#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Elaborator.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

/// How PyTorch starts weights and biases, and so do we.
static std::string describeDefault(int64_t fanIn) {
  std::string root = "1/sqrt(" + std::to_string(fanIn) + ")";
  return "~ uniform(-" + root + ", " + root + ")";
}

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
  StringRef kind;
  if (auto *call = llvm::dyn_cast<ast::CallExpr>(decl.kernel))
    kind = call->getCalleeName();
  else if (auto *name = llvm::dyn_cast<ast::NameExpr>(decl.kernel))
    kind = name->name;

  static constexpr StringRef kinds[] = {"conv", "dense", "shift", "diagonal"};
  bool made = false;
  if (kind == "conv") {
    made = makeConv(*coupling, decl, symbol.name, symbol);
  } else if (kind == "dense") {
    made = makeDense(*coupling, decl, symbol);
  } else if (kind == "shift") {
    made = makeShift(*coupling, decl);
  } else if (kind == "diagonal") {
    made = makeDiagonal(*coupling, decl, symbol);
  } else if (kind == "gaussian" || kind == "local" || kind == "sparse" ||
             kind == "lowrank") {
    notYet(decl.kernel->getRange(), "coupling `" + kind + "` is");
  } else {
    error("unknown-name", decl.kernel->getRange(),
          "no coupling is called `" + getText(decl.kernel->getRange()) + "`")
        .hint(kind.empty() ? "" : didYouMean(kind, kinds));
  }
  if (!made)
    return {};
  it->second = std::move(coupling);
  meaning.coupling = it->second.get();
  return meaning;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

/// The lattice of a `conv`, which has neighbours; null after an error.
const Space *Elaborator::getConvSpace(const ast::CouplingDecl &decl,
                                      StringRef name) {
  if (!decl.space) {
    error("missing-space", decl.kernel->getRange(),
          "`" + name + "` needs the lattice that it couples")
        .hint("write `" + getText(decl.kernel->getRange()) + " on sheet`");
    return nullptr;
  }
  const Space *space = evaluateSpace(decl.space);
  if (!space || space->hasNeighbours())
    return space;
  error("no-neighbours", decl.space->getRange(),
        space->quote() + " has no neighbours, which `conv` needs")
      .hint("couple all sites with `dense(a -> b)`");
  return nullptr;
}

/// The extents of a kernel, odd and within the lattice; empty after an error.
SmallVector<int64_t, 4>
Elaborator::evaluateWindow(const ast::CouplingDecl &decl, const Space *space) {
  auto *call = llvm::dyn_cast<ast::CallExpr>(decl.kernel);
  ArrayRef<int64_t> sites =
      ArrayRef(space->sites).take_back(space->getCouplingRank());
  size_t given = call ? call->arguments.size() : 0;
  if (given != sites.size()) {
    bool isLine = sites.size() == 1;
    error(
        "wrong-count", decl.kernel->getRange(),
        "a kernel on " + space->quote() + " has " + llvm::Twine(sites.size()) +
            (isLine ? " extent, not " : " extents, not ") + llvm::Twine(given))
        .hint(isLine ? "write `conv(3)`" : "write `conv(3, 3)`");
    return {};
  }
  SmallVector<int64_t, 4> window;
  for (auto [argument, most] : llvm::zip(call->arguments, sites)) {
    SourceRange range = argument.value->getRange();
    auto extent = evaluateInteger(argument.value, 1, "a kernel's extent");
    if (!extent)
      return {};
    if (*extent % 2 == 0) {
      error("even-kernel", range,
            "a kernel of " + llvm::Twine(*extent) + " sites has no centre")
          .hint("use " + llvm::Twine(*extent - 1) + " or " +
                llvm::Twine(*extent + 1));
      return {};
    }
    if (*extent > most) {
      error("too-large", range,
            "a kernel of " + llvm::Twine(*extent) + " is larger than the " +
                llvm::Twine(most) + " sites of `" +
                getText(decl.space->getRange()) + "`");
      return {};
    }
    window.push_back(*extent);
  }
  return window;
}

/// `mixing channels`, on a lattice that has some.
bool Elaborator::checkMixing(const ast::CouplingDecl &decl,
                             const Space *space) {
  if (!decl.mixing)
    return true;
  if (decl.mixing.name != "channels") {
    error("unknown-axis", decl.mixing.range,
          "`" + decl.mixing.name + "` is not an axis to mix")
        .hint("write `mixing channels`");
    return false;
  }
  if (space->channels)
    return true;
  error("not-indexable", decl.mixing.range,
        "`" + getText(decl.space->getRange()) + "` has no channels to mix")
      .hint("declare the lattice `by channels(16)`");
  return false;
}

bool Elaborator::makeConv(Coupling &coupling, const ast::CouplingDecl &decl,
                          StringRef name, Symbol &symbol) {
  coupling.kind = Coupling::Kind::Conv;
  const Space *space = getConvSpace(decl, name);
  if (!space)
    return false;
  SmallVector<int64_t, 4> window = evaluateWindow(decl, space);
  if (window.empty() || !checkMixing(decl, space))
    return false;
  coupling.mixesChannels = bool(decl.mixing);
  coupling.from = coupling.to = space;
  int64_t inputs = coupling.mixesChannels ? space->channels : 1, fanIn = inputs;
  for (int64_t extent : window)
    fanIn *= extent;

  Parameter &kernel = makeParameter(qualify(name), symbol.range);
  coupling.kernel = &kernel;
  if (space->channels)
    kernel.shape = {space->channels, inputs};
  kernel.shape.append(window);
  kernel.description =
      (getText(decl.kernel->getRange()) + " on " + space->describe() +
       (coupling.mixesChannels ? ", mixing channels" : ""))
          .str();
  if (!setTransform(kernel, decl.interval, decl.via))
    return false;
  Node *initial = initKernel(coupling, decl, fanIn);
  if (!initial)
    return false;
  finishParameter(kernel, initial,
                  decl.init ? decl.init->getRange() : symbol.range);
  makeBias(coupling, decl, symbol, space->channels, fanIn, /*zero=*/false);
  return kernel.initial != nullptr;
}

bool Elaborator::makeDense(Coupling &coupling, const ast::CouplingDecl &decl,
                           Symbol &symbol) {
  coupling.kind = Coupling::Kind::Dense;
  auto *call = llvm::dyn_cast<ast::CallExpr>(decl.kernel);
  const ast::ArrowExpr *arrow = nullptr;
  if (call && call->arguments.size() == 1)
    arrow = llvm::dyn_cast<ast::ArrowExpr>(call->arguments.front().value);
  if (!arrow || !arrow->source || decl.space) {
    error("missing-space", decl.kernel->getRange(),
          "`dense` needs the spaces that it couples")
        .hint("write `dense(a -> b)`");
    return false;
  }
  if (decl.mixing) {
    error("misplaced", decl.mixing.range,
          "`dense` couples all channels with each other anyway");
    return false;
  }
  coupling.from = evaluateSpace(arrow->source);
  coupling.to = evaluateSpace(arrow->space);
  if (!coupling.from || !coupling.to)
    return false;
  int64_t in = coupling.from->getNumElements(),
          out = coupling.to->getNumElements();
  if (in > (int64_t(1) << 34) / out) {
    error("too-large", decl.kernel->getRange(),
          "`" + getText(decl.kernel->getRange()) + "` has " + llvm::Twine(out) +
              " x " + llvm::Twine(in) + " weights");
    return false;
  }
  Parameter &kernel = makeParameter(qualify(symbol.name), symbol.range);
  coupling.kernel = &kernel;
  kernel.shape = {out, in};
  kernel.description = "dense(" + coupling.from->describe() + " -> " +
                       coupling.to->describe() + ")";
  if (!setTransform(kernel, decl.interval, decl.via))
    return false;
  Node *initial = initKernel(coupling, decl, in);
  if (!initial)
    return false;
  finishParameter(kernel, initial,
                  decl.init ? decl.init->getRange() : symbol.range);
  // A single site that is driven stays alone at the start: no other bias.
  auto *init = llvm::dyn_cast_or_null<ast::CallExpr>(decl.init);
  makeBias(coupling, decl, symbol, out, in,
           /*zero=*/init && init->getCalleeName() == "single");
  return kernel.initial != nullptr;
}

bool Elaborator::makeShift(Coupling &coupling, const ast::CouplingDecl &decl) {
  coupling.kind = Coupling::Kind::Shift;
  auto *call = llvm::dyn_cast<ast::CallExpr>(decl.kernel);
  const Space *space = decl.space ? evaluateSpace(decl.space) : nullptr;
  if (!decl.space)
    error("missing-space", decl.kernel->getRange(),
          "`shift` needs the lattice that it couples")
        .hint("write `shift(1) on ring`");
  if (!space)
    return false;
  if (!space->hasNeighbours()) {
    error("no-neighbours", decl.space->getRange(),
          space->quote() + " has no neighbours, which `shift` needs");
    return false;
  }
  for (auto [range, what] :
       {std::pair(decl.init ? decl.init->getRange() : SourceRange(), "init"),
        std::pair(decl.bias, "bias"), std::pair(decl.mixing.range, "mixing"),
        std::pair(decl.interval ? decl.interval->range : SourceRange(),
                  "a range")})
    if (range.isValid()) {
      error("misplaced", range,
            llvm::Twine("`shift` has no weights, so it takes no ") + what);
      return false;
    }
  unsigned rank = space->getCouplingRank();
  size_t given = call ? call->arguments.size() : 0;
  if (given != rank) {
    error("wrong-count", decl.kernel->getRange(),
          "a shift on " + space->quote() + " has " + llvm::Twine(rank) +
              (rank == 1 ? " distance, not " : " distances, not ") +
              llvm::Twine(given));
    return false;
  }
  for (const ast::Argument &argument : call->arguments) {
    std::optional<double> distance = evaluateNumber(argument.value);
    if (!distance)
      return false;
    if (*distance != std::floor(*distance) || std::abs(*distance) > 1e9) {
      error("not-a-count", argument.value->getRange(),
            "a distance is a whole number of sites, not `" +
                getText(argument.value->getRange()) + "`");
      return false;
    }
    coupling.distances.push_back(*distance);
  }
  coupling.from = coupling.to = space;
  return true;
}

bool Elaborator::makeDiagonal(Coupling &coupling, const ast::CouplingDecl &decl,
                              Symbol &symbol) {
  coupling.kind = Coupling::Kind::Diagonal;
  const Space *space = decl.space ? evaluateSpace(decl.space) : nullptr;
  if (!decl.space)
    error("missing-space", decl.kernel->getRange(),
          "`diagonal` needs the space that it couples")
        .hint("write `diagonal on sheet`");
  if (!space)
    return false;
  if (decl.mixing || decl.hasBias()) {
    error("misplaced", decl.mixing ? decl.mixing.range : decl.bias,
          "`diagonal` takes neither `mixing` nor `bias`");
    return false;
  }
  coupling.from = coupling.to = space;
  Parameter &kernel = makeParameter(qualify(symbol.name), symbol.range);
  coupling.kernel = &kernel;
  kernel.space = space;
  kernel.shape = space->getShape();
  kernel.description = "diagonal on " + space->describe();
  if (!setTransform(kernel, decl.interval, decl.via))
    return false;
  Node *initial = initKernel(coupling, decl, 1);
  if (!initial)
    return false;
  finishParameter(kernel, initial,
                  decl.init ? decl.init->getRange() : symbol.range);
  return kernel.initial != nullptr;
}

/// The bias of coupling `V` is `V.bias`; of a layer's `weight` it is `bias`, as
/// in PyTorch. `size` 0 is one number for the whole lattice.
void Elaborator::makeBias(Coupling &coupling, const ast::CouplingDecl &decl,
                          Symbol &symbol, int64_t size, int64_t fanIn,
                          bool zero) {
  if (!decl.hasBias())
    return;
  std::string name = symbol.name == "weight" ? "bias" : symbol.name + ".bias";
  Parameter &bias = makeParameter(qualify(name), symbol.range);
  coupling.bias = &bias;
  if (size)
    bias.shape = {size};
  bias.description = "bias of " + coupling.kernel->name;
  if (zero) {
    bias.start = "= 0";
    Node *start = graph.fill(0, bias.shape);
    finishParameter(bias, start, symbol.range);
    return;
  }
  double bound = 1 / std::sqrt(double(fanIn));
  bias.start = describeDefault(fanIn);
  finishParameter(bias, drawUniform(bound, bias.name, bias.shape),
                  symbol.range);
}

//===----------------------------------------------------------------------===//
// Starts
//===----------------------------------------------------------------------===//

/// Starts of more numbers are not spelled out in a program.
static constexpr int64_t maxWritten = 1 << 26;

Node *Elaborator::initKernel(Coupling &coupling, const ast::CouplingDecl &decl,
                             int64_t fanIn) {
  Parameter &kernel = *coupling.kernel;
  if (!decl.init) {
    double bound = 1 / std::sqrt(double(fanIn));
    if (kernel.transform != Transform::None) {
      error("no-value", coupling.range,
            "`" + StringRef(kernel.name) +
                "` keeps to a range, so it needs a start of its own")
          .hint("write `init uniform(a, b)`");
      return nullptr;
    }
    kernel.start = describeDefault(fanIn);
    return drawUniform(bound, kernel.name, kernel.shape);
  }
  kernel.start = "init " + ast::toString(decl.init);
  auto *call = llvm::dyn_cast<ast::CallExpr>(decl.init);
  StringRef name = call ? call->getCalleeName() : StringRef();
  if (name == "uniform" || name == "normal")
    return draw(decl.init, kernel.name, kernel.shape);
  if (name == "constant" && call->arguments.size() == 1) {
    std::optional<double> number =
        evaluateNumber(call->arguments.front().value);
    if (!number)
      return nullptr;
    return graph.fill(*number, kernel.shape);
  }
  if (name == "shift" || name == "single") {
    // These are written out number by number.
    if (kernel.getNumElements() > maxWritten) {
      error("too-large", decl.init->getRange(),
            "`" + name + "` cannot start a coupling of " +
                llvm::Twine(kernel.getNumElements()) + " weights");
      return nullptr;
    }
    return name == "shift" ? initShift(coupling, *call)
                           : initSingle(coupling, *call);
  }
  static constexpr StringRef known[] = {"constant", "uniform", "normal",
                                        "shift", "single"};
  error("unknown-name", decl.init->getRange(),
        "no start of a coupling is written `" + getText(decl.init->getRange()) +
            "`")
      .hint(name.empty() || llvm::is_contained(known, name)
                ? "write `init constant(0)`, `uniform(a, b)`, `normal(mean, "
                  "sd)`, "
                  "`shift(d)` or `single(site = 0)`"
                : didYouMean(name, known));
  return nullptr;
}

/// The kernel that moves activity by d sites: 1 at tap `centre - d`, in each
/// channel on itself.
Node *Elaborator::initShift(Coupling &coupling, const ast::CallExpr &init) {
  Parameter &kernel = *coupling.kernel;
  if (coupling.kind != Coupling::Kind::Conv) {
    error("misplaced", init.getRange(), "`shift` starts only a `conv`");
    return nullptr;
  }
  ArrayRef<int64_t> window = kernel.shape;
  int64_t channels = coupling.from->channels;
  if (channels)
    window = window.drop_front(2);
  if (init.arguments.size() != window.size()) {
    error("wrong-count", init.getRange(),
          "a shift by this kernel has " + llvm::Twine(window.size()) +
              (window.size() == 1 ? " distance, not " : " distances, not ") +
              llvm::Twine(init.arguments.size()));
    return nullptr;
  }
  int64_t tap = 0, taps = 1;
  for (auto [argument, extent] : llvm::zip(init.arguments, window)) {
    std::optional<double> distance = evaluateNumber(argument.value);
    if (!distance)
      return nullptr;
    double at = extent / 2 - *distance;
    if (at != std::floor(at) || at < 0 || at >= extent) {
      error("out-of-range", argument.value->getRange(),
            "a kernel of " + llvm::Twine(extent) +
                " cannot move activity by `" +
                getText(argument.value->getRange()) + "` sites");
      return nullptr;
    }
    tap = tap * extent + at;
    taps *= extent;
  }
  SmallVector<double, 0> numbers(kernel.getNumElements(), 0.0);
  int64_t rows = std::max<int64_t>(channels, 1);
  int64_t columns = coupling.mixesChannels ? channels : 1;
  for (int64_t row = 0; row < rows; ++row) {
    int64_t column = coupling.mixesChannels ? row : 0;
    numbers[(row * columns + column) * taps + tap] = 1;
  }
  return graph.array(numbers, kernel.shape);
}

/// Weight 1 from every input to one site of every channel, 0 elsewhere.
Node *Elaborator::initSingle(Coupling &coupling, const ast::CallExpr &init) {
  Parameter &kernel = *coupling.kernel;
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
  std::optional<int64_t> site = evaluateInteger(siteExpr, 0, "a site");
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
