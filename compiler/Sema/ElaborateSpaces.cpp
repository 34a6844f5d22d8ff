//===- ElaborateSpaces.cpp - Expressions that name a space ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Elaborator.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

/// More values than this are a slip, and would overflow sizes further on.
static constexpr int64_t maxElements = int64_t(1) << 31;

namespace {
/// How a space is written: `torus(36, 36)`.
struct SpaceForm {
  StringRef name;
  SpaceKind kind;
  unsigned least, most;
  StringRef example;
};
} // namespace

static constexpr SpaceForm forms[] = {
    {"vector", SpaceKind::Vector, 1, 1, "vector(10)"},
    {"class", SpaceKind::Class, 1, 1, "class(10)"},
    {"image", SpaceKind::Image, 2, 3, "image(28, 28)"},
    {"set", SpaceKind::Set, 1, 1, "set(256)"},
    {"ring", SpaceKind::Ring, 1, 1, "ring(256)"},
    {"rings", SpaceKind::Rings, 2, 2, "rings(24, 54)"},
    {"torus", SpaceKind::Torus, 2, 2, "torus(36, 36)"},
    {"line", SpaceKind::Line, 1, 1, "line(256)"},
    {"grid", SpaceKind::Grid, 2, 2, "grid(36, 36)"},
};

static const SpaceForm *findForm(StringRef name) {
  for (const SpaceForm &form : forms)
    if (form.name == name)
      return &form;
  return nullptr;
}

static std::vector<StringRef> getFormNames() {
  std::vector<StringRef> names = {"scalar"};
  for (const SpaceForm &form : forms)
    names.push_back(form.name);
  return names;
}

const Space *Elaborator::evaluateSpace(const ast::Expr *expr) {
  SourceRange range = expr->getRange();
  if (auto *by = llvm::dyn_cast<ast::ByExpr>(expr)) {
    const Space *base = evaluateSpace(by->base);
    auto *call = llvm::dyn_cast<ast::CallExpr>(by->axis);
    if (!call || call->getCalleeName() != "channels" ||
        call->arguments.size() != 1) {
      error("not-a-space", by->axis->getRange(),
            "`" + getText(by->axis->getRange()) + "` is not an axis")
          .hint("write `by channels(2)`");
      return nullptr;
    }
    std::optional<int64_t> channels = evaluateInteger(
        call->arguments.front().value, 1, "a number of channels");
    if (!base || !channels)
      return nullptr;
    if (base->channels) {
      error("not-a-space", by->axis->getRange(),
            "`" + getText(by->base->getRange()) + "` has channels already");
      return nullptr;
    }
    if (base->getNumElements() > maxElements / *channels) {
      error("too-large", range, "`" + getText(range) + "` has too many values");
      return nullptr;
    }
    return spaces.withChannels(base, *channels);
  }
  if (auto *on = llvm::dyn_cast<ast::OnExpr>(expr)) {
    auto *name = llvm::dyn_cast<ast::NameExpr>(on->value);
    if (name && name->name == "field")
      return evaluateSpace(on->space);
    error("not-a-space", on->value->getRange(),
          "`" + getText(on->value->getRange()) + "` is not a kind of value")
        .hint("write `field on sheet`");
    return nullptr;
  }
  if (auto *call = llvm::dyn_cast<ast::CallExpr>(expr))
    return evaluateSpaceCall(*call);
  if (auto *name = llvm::dyn_cast<ast::NameExpr>(expr))
    return evaluateSpaceName(name->name, range);
  if (llvm::isa<ast::MemberExpr>(expr)) {
    Meaning meaning = elaborate(expr);
    if (!meaning.isValid() || meaning.is(Meaning::Kind::Space))
      return meaning.space;
  }
  error("not-a-space", range, "`" + getText(range) + "` is not a space")
      .hint("spaces are lattices, `image(h, w)`, `vector(n)`, `class(n)`, "
            "`scalar`");
  return nullptr;
}

/// A lattice, or the space that a named value lives on.
const Space *Elaborator::evaluateSpaceName(StringRef name, SourceRange range) {
  Symbol *symbol = scope->find(name);
  if (!symbol) {
    if (name == "scalar")
      return spaces.getScalar();
    if (const SpaceForm *form = findForm(name)) {
      error("not-a-space", range, "`" + name + "` needs its size")
          .hint("write `" + form->example + "`");
      return nullptr;
    }
    std::vector<StringRef> names = getFormNames();
    error("unknown-name", range, "no space is called `" + name + "`")
        .hint(suggest(name, names));
    return nullptr;
  }
  if (symbol->decl && llvm::isa<ast::InputDecl>(symbol->decl)) {
    for (const Input &input : model.inputs)
      if (input.name == name)
        return input.space;
    reportUnknownSpace(*symbol, range);
    return nullptr;
  }
  if (symbol->decl && llvm::isa<ast::StateDecl>(symbol->decl)) {
    for (const State &state : model.states)
      if (state.name == name)
        return state.space;
    reportUnknownSpace(*symbol, range);
    return nullptr;
  }
  // The space of a value does not depend on when it is read.
  Context when = context;
  if (when.moment == Moment::Sample || !when.states)
    when = {Moment::Current, &oldStates};
  llvm::SaveAndRestore atStep(context, when);
  Meaning meaning = resolve(*symbol, range);
  if (meaning.is(Meaning::Kind::Space))
    return meaning.space;
  if ((meaning.is(Meaning::Kind::Value) ||
       meaning.is(Meaning::Kind::Gaussian)) &&
      meaning.value->space)
    return meaning.value->space;
  if (meaning.isValid())
    error("not-a-space", range, "`" + name + "` is not a space")
        .note(symbol->range, "`" + name + "` is declared here");
  return nullptr;
}

/// `rows(image(h, w))`: a field that holds the number of each site's row.
Meaning Elaborator::callCoordinates(Builtin builtin, const Call &call) {
  const ast::Expr *expr = call.getExpr(0);
  if (!expr)
    error("misplaced", call.range,
          "`" + call.name + "` cannot stand in a pipe");
  const Space *given = expr ? evaluateSpace(expr) : nullptr;
  if (!given)
    return {};
  const Space *space = spaces.withChannels(given, 0);
  size_t wanted = builtin == Builtin::Positions ? 1 : 2;
  if (space->sites.size() != wanted) {
    error("missing-space", call.range,
          "`" + call.name + "` needs a space with " +
              (wanted == 1 ? "one axis" : "rows and columns") + ", not " +
              given->quote())
        .hint(space->sites.size() == 1   ? "write `positions(...)`"
              : space->sites.size() == 2 ? "write `rows(...)` or `columns(...)`"
                                         : "");
    return {};
  }
  unsigned axis = builtin == Builtin::Columns ? 1 : 0;
  llvm::SmallVector<double, 0> numbers;
  for (int64_t i = 0; i < space->sites[axis]; ++i)
    numbers.push_back(static_cast<double>(i));
  if (wanted == 1)
    return Meaning::ofValue(graph.array(numbers, space));
  Node *line = graph.array(numbers, {static_cast<int64_t>(numbers.size())});
  return Meaning::ofValue(graph.broadcastShape(line, space->getShape(),
                                               {int64_t(1 - axis)}, space));
}

const Space *Elaborator::evaluateSpaceCall(const ast::CallExpr &expr) {
  SourceRange range = expr.getRange();
  const SpaceForm *form = findForm(expr.getCalleeName());
  if (!form) {
    std::vector<StringRef> names = getFormNames();
    error("unknown-name", expr.callee->getRange(),
          "no space is called `" + getText(expr.callee->getRange()) + "`")
        .hint(didYouMean(expr.getCalleeName(), names));
    return nullptr;
  }
  if (expr.arguments.size() < form->least ||
      expr.arguments.size() > form->most) {
    error("wrong-count", range,
          "`" + form->name + "` has " +
              (form->least == form->most ? llvm::Twine(form->least)
                                         : llvm::Twine(form->least) + " or " +
                                               llvm::Twine(form->most)) +
              (form->most == 1 ? " extent" : " extents") + ", not " +
              llvm::Twine(expr.arguments.size()))
        .hint("write `" + form->example + "`");
    return nullptr;
  }
  Space space;
  space.kind = form->kind;
  int64_t total = 1;
  for (const ast::Argument &argument : expr.arguments) {
    if (argument.kind != ast::Argument::Kind::Positional) {
      error("unknown-argument", argument.range,
            "`" + form->name + "` takes its extents in order, without names");
      return nullptr;
    }
    std::optional<int64_t> extent =
        evaluateInteger(argument.value, 1, "an extent");
    if (!extent)
      return nullptr;
    if (total > maxElements / *extent) {
      error("too-large", range, "`" + getText(range) + "` has too many values");
      return nullptr;
    }
    total *= *extent;
    space.sites.push_back(*extent);
  }
  // `image(32, 32, 3)`: channels are written last, as in the papers.
  if (space.kind == SpaceKind::Image && space.sites.size() == 3)
    space.channels = space.sites.pop_back_val();
  // A declared lattice bears its name; two of equal shape are different spaces.
  if (space.isLattice() && !resolving.empty())
    if (Symbol *symbol = resolving.back();
        symbol->decl && llvm::isa<ast::LatticeDecl>(symbol->decl)) {
      space.name = symbol->name;
      space.declared = symbol->range;
    }
  return spaces.get(std::move(space));
}
